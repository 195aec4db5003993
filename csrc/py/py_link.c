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
    {"order", order, METH_VARARGS, order_doc},
    {"prepare", prepare, METH_VARARGS, prepare_doc},
    {"order_onto", order_onto, METH_VARARGS, order_onto_doc},
    {"open_spells", open_spells, METH_VARARGS, open_spells_doc},
    {"shared_days", shared_days, METH_VARARGS, shared_days_doc},
    {NULL, NULL, 0, NULL},
};
