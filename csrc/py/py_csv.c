#include "binding.h"
#include "csv_table.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- out: what was allocated becomes
 * arrays */

/* (values, valid, offsets, data, visible), None for what a column of its kind does not have. The arrays
 * of a text column cannot be written to, now or later: nothing that Python knows owns their memory. */
static PyObject *column_arrays(rr_csv_column *c, int64_t n, rr_shelf *shelf)
{
    static const int types[] = {
        [RR_CSV_SKIP] = NPY_INT64,      [RR_CSV_DATE] = NPY_INT64, [RR_CSV_INT64] = NPY_INT64,
        [RR_CSV_FLOAT64] = NPY_FLOAT64, [RR_CSV_BOOL] = NPY_BOOL,  [RR_CSV_TEXT] = NPY_INT64,
    };
    const int code_type = c->code_size == 1 ? NPY_INT8 : c->code_size == 2 ? NPY_INT16 : NPY_INT32;
    void *blocks[] = {c->values, c->valid, c->offsets, c->data};
    int64_t n_bytes = c->offsets == NULL ? 0 : c->offsets[c->n_strings];
    const int64_t lengths[] = {n, n, c->n_strings + 1, n_bytes};
    const int block_types[] = {c->kind == RR_CSV_CATEGORY ? code_type : types[c->kind], NPY_BOOL,
                               NPY_INT64, NPY_UINT8};
    PyObject *tuple = PyTuple_New(5);

    c->values = c->valid = NULL;
    c->offsets = NULL;
    c->data = NULL;
    for (int i = 0; i < 4; i++) {
        PyObject *array = tuple == NULL
                              ? NULL
                              : rr_array_over(&blocks[i], lengths[i], block_types[i], shelf);

        if (array == NULL) {
            for (int j = i; j < 4; j++) {
                free(blocks[j]);
            }
            Py_XDECREF(tuple);
            return NULL;
        }
        if (c->kind == RR_CSV_TEXT && array != Py_None) {
            PyArray_CLEARFLAGS((PyArrayObject *)array, NPY_ARRAY_WRITEABLE);
        }
        if (PyTuple_SetItem(tuple, i, array) < 0) {
            Py_CLEAR(tuple);
        }
    }
    if (tuple != NULL && PyTuple_SetItem(tuple, 4, PyBool_FromLong(c->visible)) < 0) {
        Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *list_of_columns(rr_csv_column *columns, int64_t n_columns, int64_t n,
                                 rr_shelf *shelf)
{
    PyObject *list = PyList_New((Py_ssize_t)n_columns);

    for (int64_t i = 0; list != NULL && i < n_columns; i++) {
        PyObject *item = column_arrays(&columns[i], n, shelf);

        if (item == NULL || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

/* ---------------------------------------------------------------- in */

/* A file descriptor, or bytes, borrowed for as long as the object lives. */
static int source_of(PyObject *object, rr_csv_source *source)
{
    char *bytes;
    Py_ssize_t length;

    memset(source, 0, sizeof *source);
    if (PyBytes_Check(object)) {
        if (PyBytes_AsStringAndSize(object, &bytes, &length) < 0) {
            return -1;
        }
        source->fd = -1;
        source->bytes = bytes;
        source->length = (int64_t)length;
        return 0;
    }
    source->fd = PyObject_AsFileDescriptor(object);
    return source->fd < 0 ? -1 : 0;
}

static PyObject *csv_header(PyObject *module, PyObject *arguments)
{
    PyObject *object, *answer = NULL;
    rr_csv_options options = {0};
    rr_csv_column names = {0};
    PyThreadState *thread;
    rr_call_state state;
    rr_csv_source source;
    rr_call call;
    rr_error error;
    rr_status status;
    int encoding;
    long long block_size;

    if (!PyArg_ParseTuple(arguments, "OiL:csv_header", &object, &encoding, &block_size) ||
        source_of(object, &source) < 0) {
        return NULL;
    }
    options.encoding = (rr_csv_encoding)encoding;
    options.block_size = block_size;
    call = rr_call_python(module, &state, NULL);
    thread = PyEval_SaveThread();
    status = rr_csv_header(&source, &options, &names, &call, &error);
    PyEval_RestoreThread(thread);
    if (status != RR_OK) {
        answer = rr_raise(status, &error);
    } else {
        answer = column_arrays(&names, names.n_strings, NULL);
    }
    rr_csv_column_free(&names);
    return answer;
}

static PyObject *csv_read(PyObject *module, PyObject *arguments)
{
    PyObject *object, *kinds, *progress, *columns = NULL, *bad = NULL, *answer = NULL;
    rr_csv_options options = {0};
    rr_csv_table table = {0};
    rr_csv_kind *wanted = NULL;
    PyThreadState *thread;
    rr_call_state state;
    rr_csv_source source;
    rr_call call;
    rr_error error;
    rr_status status;
    int encoding, path = RR_CSV_FASTEST;
    long long block_size;

    if (!PyArg_ParseTuple(arguments, "OOsippLO|ip:csv_read", &object, &kinds, &options.date_format,
                          &encoding, &options.has_header, &options.collect, &block_size, &progress,
                          &path, &options.in_seconds) ||
        source_of(object, &source) < 0) {
        return NULL;
    }
    rr_array arrays[] = {{.name = "kinds", .type = NPY_INT32, .role = RR_IN, .object = kinds}};

    if (rr_arrays_check(arrays, 1) < 0) {
        return NULL;
    }
    wanted = calloc((size_t)arrays[0].n + 1, sizeof *wanted);
    if (wanted == NULL) {
        return PyErr_NoMemory();
    }
    for (int64_t i = 0; i < arrays[0].n; i++) {
        wanted[i] = (rr_csv_kind)((const int32_t *)arrays[0].data)[i];
    }
    options.encoding = (rr_csv_encoding)encoding;
    options.block_size = block_size;
    options.path = (rr_csv_path)path;
    options.shelf = ((rr_module_state *)PyModule_GetState(module))->shelf;
    call = rr_call_python(module, &state, progress);
    thread = PyEval_SaveThread();
    status = rr_csv_read(&source, &options, wanted, arrays[0].n, &table, &call, &error);
    PyEval_RestoreThread(thread);
    free(wanted);
    if (status != RR_OK) {
        rr_raise(status, &error);
        goto out;
    }
    columns = list_of_columns(table.columns, table.n_columns, table.n_rows, options.shelf);
    bad = columns == NULL ? NULL : list_of_columns(table.bad, 5, table.n_bad, NULL);
    if (bad != NULL) {
        answer = Py_BuildValue("OOLLLL", columns, bad, (long long)table.n_rows,
                               (long long)table.bytes, (long long)table.blank_lines,
                               (long long)table.bad_rows);
    }
out:
    rr_csv_table_free(&table);
    Py_XDECREF(columns);
    Py_XDECREF(bad);
    return answer;
}

/* One column to write, from (kind, values, valid, offsets, data). The length that the texts must
 * have is *n_rows, which the first column decides when it is -1. */
static int column_in(PyObject *tuple, int64_t n_rows, rr_csv_column *c)
{
    static const int types[] = {
        [RR_CSV_SKIP] = NPY_INT64,      [RR_CSV_DATE] = NPY_INT64, [RR_CSV_INT64] = NPY_INT64,
        [RR_CSV_FLOAT64] = NPY_FLOAT64, [RR_CSV_BOOL] = NPY_BOOL,  [RR_CSV_TEXT] = NPY_INT64,
        [RR_CSV_CATEGORY] = NPY_INT32,
    };
    PyObject *values, *valid, *offsets, *data;
    int64_t last;
    int kind;

    memset(c, 0, sizeof *c);
    if (!PyArg_ParseTuple(tuple, "iOOOO:csv_write", &kind, &values, &valid, &offsets, &data)) {
        return -1;
    }
    if (kind <= RR_CSV_SKIP || kind > RR_CSV_CATEGORY) {
        PyErr_SetString(PyExc_ValueError, "a kind of column that cannot be written");
        return -1;
    }
    const int text = kind == RR_CSV_TEXT, strings = text || kind == RR_CSV_CATEGORY;
    const int64_t n_offsets = n_rows + 1;
    rr_array arrays[] = {
        {.name = "values",
         .type = types[kind],
         .role = text ? RR_IN_OR_NONE : RR_IN,
         .length = &n_rows,
         .object = values},
        {.name = "valid",
         .type = NPY_BOOL,
         .role = RR_IN_OR_NONE,
         .length = &n_rows,
         .object = valid},
        {.name = "offsets",
         .type = NPY_INT64,
         .role = strings ? RR_IN : RR_IN_OR_NONE,
         .length = text ? &n_offsets : NULL,
         .object = offsets},
        {.name = "data",
         .type = NPY_UINT8,
         .role = strings ? RR_IN : RR_IN_OR_NONE,
         .object = data},
    };

    if (rr_arrays_check(arrays, sizeof arrays / sizeof *arrays) < 0) {
        return -1;
    }
    c->kind = (rr_csv_kind)kind;
    c->values = arrays[0].data;
    c->valid = arrays[1].data;
    c->offsets = arrays[2].data;
    c->data = arrays[3].data;
    if (strings) {
        if (arrays[2].n < 1) {
            PyErr_SetString(PyExc_ValueError, "offsets must not be empty");
            return -1;
        }
        c->n_strings = arrays[2].n - 1;
        last = c->offsets[c->n_strings];
        if (last < 0 || last > arrays[3].n) {
            PyErr_SetString(PyExc_ValueError, "offsets lead beyond the data");
            return -1;
        }
    }
    return 0;
}

static PyObject *csv_write(PyObject *module, PyObject *arguments)
{
    PyObject *names_tuple, *list, *progress, *answer = NULL;
    rr_csv_column names, *columns = NULL;
    PyThreadState *thread;
    rr_call_state state;
    rr_call call;
    rr_error error;
    rr_status status;
    Py_ssize_t n_columns;
    long long n_rows;
    int fd;

    if (!PyArg_ParseTuple(arguments, "iOO!LO:csv_write", &fd, &names_tuple, &PyList_Type, &list,
                          &n_rows, &progress)) {
        return NULL;
    }
    n_columns = PyList_Size(list);
    if (n_rows < 0) {
        PyErr_SetString(PyExc_ValueError, "n_rows must not be negative");
        return NULL;
    }
    columns = calloc((size_t)n_columns + 1, sizeof *columns);
    if (columns == NULL) {
        return PyErr_NoMemory();
    }
    if (column_in(names_tuple, n_columns, &names) < 0) {
        goto out;
    }
    for (Py_ssize_t i = 0; i < n_columns; i++) {
        if (column_in(PyList_GetItem(list, i), n_rows, &columns[i]) < 0) {
            goto out;
        }
    }
    call = rr_call_python(module, &state, progress);
    thread = PyEval_SaveThread();
    status = rr_csv_write(fd, &names, columns, n_columns, n_rows, &call, &error);
    PyEval_RestoreThread(thread);
    answer = status == RR_OK ? Py_NewRef(Py_None) : rr_raise(status, &error);
out:
    free(columns);
    return answer;
}

PyMethodDef rr_py_csv_methods[] = {
    {"csv_header", csv_header, METH_VARARGS,
     "csv_header(source, encoding, block_size) -> (None, valid, offsets, data, visible)"},
    {"csv_read", csv_read, METH_VARARGS,
     "csv_read(source, kinds, date_format, encoding, has_header, collect, block_size, progress,\n"
     "path=0, in_seconds=False) -> (columns, bad, rows, bytes, blank_lines, bad_rows)"},
    {"csv_write", csv_write, METH_VARARGS,
     "csv_write(fd, names, columns, n_rows, progress) -> None"},
    {NULL, NULL, 0, NULL}};
