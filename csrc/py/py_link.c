#include "binding.h"

#include <stdlib.h>
#include <string.h>

static const char *const PARTS = "rereferral.parts";

/* ---------------------------------------------------------------- days and windows */

int rr_read_span(PyObject *object, void *address)
{
    rr_span *span = address;
    const char *unit;
    long long length;

    if (!PyTuple_Check(object) ||
        !PyArg_ParseTuple(object, "sL;a span is (unit, length)", &unit, &length)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "a span is a tuple (unit, length)");
        }
        return 0;
    }
    span->length = (int64_t)length;
    if (strcmp(unit, "days") == 0) {
        span->unit = RR_DAYS;
    } else if (strcmp(unit, "months") == 0) {
        span->unit = RR_MONTHS;
    } else if (strcmp(unit, "open") == 0) {
        span->unit = RR_OPEN;
    } else {
        PyErr_Format(PyExc_ValueError, "unknown unit of a span: %s", unit);
        return 0;
    }
    return 1;
}

int rr_read_window(PyObject *object, void *address)
{
    rr_window *window = address;
    int backward;

    if (!PyTuple_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "a window is a tuple");
        return 0;
    }
    if (!PyArg_ParseTuple(object, "pO&O&pp;a window has five parts", &backward, rr_read_span,
                          &window->length, rr_read_span, &window->min_gap, &window->exclusive_end,
                          &window->include_same_day)) {
        return 0;
    }
    window->direction = backward ? RR_BACKWARD : RR_FORWARD;
    return 1;
}

PyDoc_STRVAR(add_spans_doc,
             "add_spans($module, day, span, end, /)\n--\n\nWrite day + span into end.");

static PyObject *add_spans(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"day", NPY_INT64, RR_IN, NULL, NULL, NULL, 0},
                         {"end", NPY_INT64, RR_OUT, &arrays[0].n, NULL, NULL, 0}};
    rr_span span;
    rr_error error;
    rr_status status;

    (void)self;
    if (!PyArg_ParseTuple(args, "OO&O:add_spans", &arrays[0].object, rr_read_span, &span,
                          &arrays[1].object) ||
        rr_arrays_check(arrays, 2) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_add_spans(arrays[0].data, arrays[0].n, span, arrays[1].data, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(window_bounds_doc, "window_bounds($module, window, day, first, last, /)\n--\n\n"
                                "Write the first and last admissible event day of each index day.");

static PyObject *window_bounds(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"day", NPY_INT64, RR_IN, NULL, NULL, NULL, 0},
                         {"first", NPY_INT64, RR_OUT, &arrays[0].n, NULL, NULL, 0},
                         {"last", NPY_INT64, RR_OUT, &arrays[0].n, NULL, NULL, 0}};
    rr_window window;
    rr_error error;
    rr_status status;

    (void)self;
    if (!PyArg_ParseTuple(args, "O&OOO:window_bounds", rr_read_window, &window, &arrays[0].object,
                          &arrays[1].object, &arrays[2].object) ||
        rr_arrays_check(arrays, 3) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_window_bounds(&window, arrays[0].data, arrays[0].n, arrays[1].data, arrays[2].data,
                              &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- keys */

/* Reads one column: ("int64", ints, valid) or ("text", offsets, data, valid); `length` is that of the
 * table, or -1 for the first column, which sets it. */
static int read_key_column(PyObject *object, rr_key_column *column, int64_t *length)
{
    int64_t offsets_length;
    rr_array ints[] = {{"ints", NPY_INT64, RR_IN, NULL, NULL, NULL, 0},
                       {"valid", NPY_BOOL, RR_IN_OR_NONE, &ints[0].n, NULL, NULL, 0}};
    rr_array text[] = {{"offsets", NPY_INT64, RR_IN, NULL, NULL, NULL, 0},
                       {"data", NPY_UINT8, RR_IN, NULL, NULL, NULL, 0},
                       {"valid", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0}};
    const char *kind;
    Py_ssize_t parts = PyTuple_Check(object) ? PyTuple_Size(object) : 0;

    if (parts == 3) {
        if (!PyArg_ParseTuple(object, "sOO", &kind, &ints[0].object, &ints[1].object) ||
            rr_arrays_check(ints, 2) < 0) {
            return -1;
        }
        column->kind = RR_KEY_INT64;
        column->ints = ints[0].data;
        column->valid = ints[1].data;
        offsets_length = ints[0].n + 1;
    } else if (parts == 4) {
        if (!PyArg_ParseTuple(object, "sOOO", &kind, &text[0].object, &text[1].object,
                              &text[2].object) ||
            rr_arrays_check(text, 3) < 0) {
            return -1;
        }
        column->kind = RR_KEY_TEXT;
        column->offsets = text[0].data;
        column->data = text[1].data;
        column->n_data = text[1].n;
        column->valid = text[2].data;
        offsets_length = text[0].n;
        if (offsets_length < 1 || (text[2].data != NULL && text[2].n != offsets_length - 1)) {
            PyErr_SetString(PyExc_ValueError, "offsets must have one element more than the column");
            return -1;
        }
    } else {
        PyErr_SetString(PyExc_TypeError, "a key column is a tuple of three or four");
        return -1;
    }
    if (strcmp(kind, column->kind == RR_KEY_INT64 ? "int64" : "text") != 0) {
        PyErr_Format(PyExc_ValueError, "unknown kind of key column: %s", kind);
        return -1;
    }
    if (*length >= 0 && *length != offsets_length - 1) {
        PyErr_SetString(PyExc_ValueError, "the columns of a key must have one length");
        return -1;
    }
    *length = offsets_length - 1;
    return 0;
}

PyDoc_STRVAR(encode_doc,
             "encode($module, tables, codes, /)\n--\n\n"
             "Write one uint32 code a row for the key columns of each table; return the limit.");

static PyObject *encode(PyObject *self, PyObject *args)
{
    PyObject *tables_object, *codes_object, *result = NULL;
    rr_key_table *tables = NULL;
    rr_key_column *columns = NULL;
    uint32_t **codes = NULL;
    Py_ssize_t n_tables, n_columns = -1;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    uint32_t limit;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O!O!:encode", &PyTuple_Type, &tables_object, &PyTuple_Type,
                          &codes_object)) {
        return NULL;
    }
    n_tables = PyTuple_Size(tables_object);
    if (n_tables < 1 || PyTuple_Size(codes_object) != n_tables) {
        PyErr_SetString(PyExc_ValueError, "encode needs one array of codes for each table");
        return NULL;
    }
    tables = calloc((size_t)n_tables, sizeof *tables);
    codes = calloc((size_t)n_tables, sizeof *codes);
    if (tables == NULL || codes == NULL) {
        PyErr_NoMemory();
        goto out;
    }
    for (Py_ssize_t t = 0; t < n_tables; t++) {
        PyObject *list = PyTuple_GetItem(tables_object, t);
        rr_array code = {"codes", NPY_UINT32, RR_OUT, NULL, NULL, NULL, 0};

        if (!PyTuple_Check(list) || PyTuple_Size(list) < 1 ||
            (n_columns >= 0 && PyTuple_Size(list) != n_columns)) {
            PyErr_SetString(PyExc_ValueError, "every table needs the same number of key columns");
            goto out;
        }
        if (n_columns < 0) {
            n_columns = PyTuple_Size(list);
            columns = calloc((size_t)(n_tables * n_columns), sizeof *columns);
            if (columns == NULL) {
                PyErr_NoMemory();
                goto out;
            }
        }
        tables[t].columns = columns + t * n_columns;
        tables[t].n = -1;
        for (Py_ssize_t c = 0; c < n_columns; c++) {
            if (read_key_column(PyTuple_GetItem(list, c), &columns[t * n_columns + c],
                                &tables[t].n) < 0) {
                goto out;
            }
            if (columns[t * n_columns + c].kind != columns[c].kind) {
                PyErr_SetString(PyExc_ValueError, "a key column must be of one kind in all tables");
                goto out;
            }
        }
        code.object = PyTuple_GetItem(codes_object, t);
        code.length = &tables[t].n;
        if (rr_arrays_check(&code, 1) < 0) {
            goto out;
        }
        codes[t] = code.data;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_encode(tables, n_tables, n_columns, codes, &limit, &call, &error);
    Py_END_ALLOW_THREADS
    result = status == RR_OK ? PyLong_FromUnsignedLong(limit) : rr_raise(status, &error);
out:
    free(tables);
    free(columns);
    free(codes);
    return result;
}

/* ---------------------------------------------------------------- order and linkage */

static void free_parts(PyObject *capsule)
{
    rr_parts_free(PyCapsule_GetPointer(capsule, PARTS));
}

int rr_read_parts(PyObject *object, void *address)
{
    const rr_parts **parts = address;

    *parts = PyCapsule_GetPointer(object, PARTS);
    return *parts != NULL;
}

PyDoc_STRVAR(order_doc,
             "order($module, index_key, index_day, index_use, event_key, event_day, event_use, "
             "limit, /)\n--\n\nPut both sides in order; return the parts.");

static PyObject *order(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"index_key", NPY_UINT32, RR_IN, NULL, NULL, NULL, 0},
                         {"index_day", NPY_INT64, RR_IN, &arrays[0].n, NULL, NULL, 0},
                         {"index_use", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
                         {"event_key", NPY_UINT32, RR_IN, NULL, NULL, NULL, 0},
                         {"event_day", NPY_INT64, RR_IN, &arrays[3].n, NULL, NULL, 0},
                         {"event_use", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0}};
    rr_rows index, events;
    rr_day_range ranges[2];
    unsigned int limit;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOOOOI:order", &arrays[0].object, &arrays[1].object,
                          &arrays[2].object, &arrays[3].object, &arrays[4].object,
                          &arrays[5].object, &limit)) {
        return NULL;
    }
    arrays[2].length = arrays[2].object == Py_None ? NULL : &arrays[0].n;
    arrays[5].length = arrays[5].object == Py_None ? NULL : &arrays[3].n;
    if (rr_days_expect(&arrays[1], &index.day, &ranges[0]) < 0 ||
        rr_days_expect(&arrays[4], &events.day, &ranges[1]) < 0 || rr_arrays_check(arrays, 6) < 0) {
        return NULL;
    }
    rr_days_given(&arrays[1], &index.day);
    rr_days_given(&arrays[4], &events.day);
    index.key = arrays[0].data;
    index.use = arrays[2].data;
    index.n = arrays[0].n;
    events.key = arrays[3].data;
    events.use = arrays[5].data;
    events.n = arrays[3].n;
    Py_BEGIN_ALLOW_THREADS
    status = rr_order(&index, &events, limit, &call, &parts, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return PyCapsule_New(parts, PARTS, free_parts);
}

PyDoc_STRVAR(open_spells_doc, "open_spells($module, parts, spell_end, open, /)\n--\n\n"
                              "Write whether another spell is open at the end of each index day.");

static PyObject *open_spells(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"spell_end", NPY_INT64, RR_IN, NULL, NULL, NULL, 0},
                         {"open", NPY_BOOL, RR_OUT, NULL, NULL, NULL, 0}};
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    const rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O&OO:open_spells", rr_read_parts, &parts, &arrays[0].object,
                          &arrays[1].object) ||
        rr_arrays_check(arrays, 2) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_open_spells(parts, arrays[0].data, arrays[1].n, arrays[0].n, arrays[1].data, &call,
                            &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(shared_days_doc, "shared_days($module, parts, shared, /)\n--\n\n"
                              "Write whether another event has the same key and day.");

static PyObject *shared_days(PyObject *self, PyObject *args)
{
    rr_array shared = {"shared", NPY_BOOL, RR_OUT, NULL, NULL, NULL, 0};
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    const rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O&O:shared_days", rr_read_parts, &parts, &shared.object) ||
        rr_arrays_check(&shared, 1) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_shared_days(parts, shared.n, shared.data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyMethodDef rr_py_link_methods[] = {
    {"add_spans", add_spans, METH_VARARGS, add_spans_doc},
    {"window_bounds", window_bounds, METH_VARARGS, window_bounds_doc},
    {"encode", encode, METH_VARARGS, encode_doc},
    {"order", order, METH_VARARGS, order_doc},
    {"open_spells", open_spells, METH_VARARGS, open_spells_doc},
    {"shared_days", shared_days, METH_VARARGS, shared_days_doc},
    {NULL, NULL, 0, NULL},
};
