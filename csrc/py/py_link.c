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

static int is_int32(PyObject *object)
{
    return PyArray_Check(object) &&
           PyArray_EquivTypenums(PyArray_TYPE((PyArrayObject *)object), NPY_INT32);
}

/* ("ints", values, valid) or ("codes", values, meanings): whole numbers, of which codes are int32. */
static int read_whole_numbers(const char *kind, PyObject *values, PyObject *other,
                              rr_key_column *column, int64_t *length)
{
    int narrow = is_int32(values), codes = strcmp(kind, "codes") == 0;
    rr_array rows[] = {
        {"ints", narrow || codes ? NPY_INT32 : NPY_INT64, RR_IN, NULL, values, NULL, 0},
        {"valid", NPY_BOOL, RR_IN_OR_NONE, &rows[0].n, other, NULL, 0}};

    if (codes) {
        rows[1] = (rr_array){"meanings", NPY_UINT32, RR_IN_OR_NONE, NULL, other, NULL, 0};
    }
    if (rr_arrays_check(rows, 2) < 0) {
        return -1;
    }
    column->kind = codes ? RR_KEY_CODES : narrow ? RR_KEY_INT32 : RR_KEY_INT64;
    if (narrow || codes) {
        column->ints_32 = rows[0].data;
    } else {
        column->ints = rows[0].data;
    }
    if (codes) {
        column->meanings = rows[1].data;
        column->n_meanings = rows[1].n;
    } else {
        column->valid = rows[1].data;
    }
    *length = rows[0].n;
    return 0;
}

/* ("text", offsets, data, valid), the offsets being int64 or int32. */
static int read_texts(PyObject *offsets, PyObject *data, PyObject *valid, rr_key_column *column,
                      int64_t *length)
{
    int narrow = is_int32(offsets);
    int64_t n;
    rr_array rows[] = {{"offsets", narrow ? NPY_INT32 : NPY_INT64, RR_IN, NULL, offsets, NULL, 0},
                       {"data", NPY_UINT8, RR_IN, NULL, data, NULL, 0},
                       {"valid", NPY_BOOL, RR_IN_OR_NONE, NULL, valid, NULL, 0}};

    if (rr_arrays_check(rows, 3) < 0) {
        return -1;
    }
    n = rows[0].n - 1;
    if (n < 0 || (rows[2].data != NULL && rows[2].n != n)) {
        PyErr_SetString(PyExc_ValueError, "offsets must have one element more than the column");
        return -1;
    }
    column->kind = RR_KEY_TEXT;
    column->offsets = narrow ? NULL : rows[0].data;
    column->offsets_32 = narrow ? rows[0].data : NULL;
    column->data = rows[1].data;
    column->n_data = rows[1].n;
    column->valid = rows[2].data;
    *length = n;
    return 0;
}

/* Reads one column; `length` is that of the table, or -1 for the first column, which sets it. */
static int read_key_column(PyObject *object, rr_key_column *column, int64_t *length)
{
    PyObject *a, *b, *c;
    const char *kind;
    Py_ssize_t parts = PyTuple_Check(object) ? PyTuple_Size(object) : 0;
    int64_t own = 0;

    if (parts == 3) {
        if (!PyArg_ParseTuple(object, "sOO", &kind, &a, &b)) {
            return -1;
        }
    } else if (parts == 4) {
        if (!PyArg_ParseTuple(object, "sOOO", &kind, &a, &b, &c)) {
            return -1;
        }
    } else {
        PyErr_SetString(PyExc_TypeError, "a key column is a tuple of three or four");
        return -1;
    }
    if (parts == 3 && (strcmp(kind, "ints") == 0 || strcmp(kind, "codes") == 0)) {
        if (read_whole_numbers(kind, a, b, column, &own) < 0) {
            return -1;
        }
    } else if (parts == 4 && strcmp(kind, "text") == 0) {
        if (read_texts(a, b, c, column, &own) < 0) {
            return -1;
        }
    } else {
        PyErr_Format(PyExc_ValueError, "unknown kind of key column: %s", kind);
        return -1;
    }
    if (*length >= 0 && *length != own) {
        PyErr_SetString(PyExc_ValueError, "the columns of a key must have one length");
        return -1;
    }
    *length = own;
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
            if ((columns[t * n_columns + c].kind == RR_KEY_TEXT) !=
                (columns[c].kind == RR_KEY_TEXT)) {
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

/* Parts that borrow their events keep the capsule of these alive. */
static void free_parts(PyObject *capsule)
{
    PyObject *lender = PyCapsule_GetContext(capsule);

    rr_parts_free(PyCapsule_GetPointer(capsule, PARTS));
    Py_XDECREF(lender);
}

static PyObject *wrap_parts(rr_parts *parts, PyObject *lender)
{
    PyObject *capsule = PyCapsule_New(parts, PARTS, free_parts);

    if (capsule == NULL) {
        rr_parts_free(parts);
        return NULL;
    }
    Py_XINCREF(lender);
    if (PyCapsule_SetContext(capsule, lender) < 0) {
        Py_XDECREF(lender);
        Py_DECREF(capsule);
        return NULL;
    }
    return capsule;
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

/* Checks the columns of one side, key, day and use, and fills in its rows. A key is an array of codes,
 * or (numbers, valid, least) of whole numbers in a narrow range. */
static int read_rows(rr_array columns[3], rr_rows *rows)
{
    rr_array valid = {.name = "valid", .type = NPY_BOOL, .role = RR_IN_OR_NONE};
    int numbers = PyTuple_Check(columns[0].object);
    long long least = 0;

    if (numbers && !PyArg_ParseTuple(columns[0].object, "OOL;a key has three parts",
                                     &columns[0].object, &valid.object, &least)) {
        return -1;
    }
    columns[0].type = numbers ? NPY_INT64 : NPY_UINT32;
    valid.length = &columns[0].n;
    columns[2].type = NPY_BOOL;
    columns[2].role = RR_IN_OR_NONE;
    columns[1].length = columns[2].length = &columns[0].n;
    if (rr_days_expect(&columns[1], &rows->day) < 0 || rr_arrays_check(columns, 3) < 0) {
        return -1;
    }
    if (numbers && rr_arrays_check(&valid, 1) < 0) {
        return -1;
    }
    rr_days_given(&columns[1], &rows->day);
    rows->key = (rr_keys_of_rows){.codes = numbers ? NULL : columns[0].data,
                                  .numbers = numbers ? columns[0].data : NULL,
                                  .least = least,
                                  .valid = valid.data};
    rows->use = columns[2].data;
    rows->n = columns[0].n;
    return 0;
}

static PyObject *order(PyObject *self, PyObject *args)
{
    rr_array index_columns[3] = {
        {.name = "index_key"}, {.name = "index_day"}, {.name = "index_use"}};
    rr_array event_columns[3] = {
        {.name = "event_key"}, {.name = "event_day"}, {.name = "event_use"}};
    rr_rows index, events;
    unsigned int limit;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOOOOI:order", &index_columns[0].object, &index_columns[1].object,
                          &index_columns[2].object, &event_columns[0].object,
                          &event_columns[1].object, &event_columns[2].object, &limit) ||
        read_rows(index_columns, &index) < 0 || read_rows(event_columns, &events) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_order(&index, &events, limit, &call, &parts, &error);
    Py_END_ALLOW_THREADS
    return status == RR_OK ? wrap_parts(parts, NULL) : rr_raise(status, &error);
}

PyDoc_STRVAR(prepare_doc, "prepare($module, event_key, event_day, event_use, limit, /)\n--\n\n"
                          "Put events in order for any index; return parts without index rows.");

static PyObject *prepare(PyObject *self, PyObject *args)
{
    rr_array columns[3] = {{.name = "event_key"}, {.name = "event_day"}, {.name = "event_use"}};
    unsigned int limit;
    rr_rows events;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOI:prepare", &columns[0].object, &columns[1].object,
                          &columns[2].object, &limit) ||
        read_rows(columns, &events) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_prepare(&events, limit, &call, &parts, &error);
    Py_END_ALLOW_THREADS
    return status == RR_OK ? wrap_parts(parts, NULL) : rr_raise(status, &error);
}

PyDoc_STRVAR(order_onto_doc,
             "order_onto($module, index_key, index_day, index_use, prepared, /)\n--\n\n"
             "Put an index in order with prepared events; return the parts.");

static PyObject *order_onto(PyObject *self, PyObject *args)
{
    rr_array columns[3] = {{.name = "index_key"}, {.name = "index_day"}, {.name = "index_use"}};
    PyObject *lender;
    const rr_parts *prepared;
    rr_rows index;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOO:order_onto", &columns[0].object, &columns[1].object,
                          &columns[2].object, &lender) ||
        read_rows(columns, &index) < 0 || !rr_read_parts(lender, &prepared)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_order_onto(&index, prepared, &call, &parts, &error);
    Py_END_ALLOW_THREADS
    return status == RR_OK ? wrap_parts(parts, lender) : rr_raise(status, &error);
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
    {"prepare", prepare, METH_VARARGS, prepare_doc},
    {"order_onto", order_onto, METH_VARARGS, order_onto_doc},
    {"open_spells", open_spells, METH_VARARGS, open_spells_doc},
    {"shared_days", shared_days, METH_VARARGS, shared_days_doc},
    {NULL, NULL, 0, NULL},
};
