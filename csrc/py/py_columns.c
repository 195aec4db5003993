/* Columns of other kinds into those that the core takes. Arrays of Python objects are read here, and
 * nowhere else, because only the interpreter can read them. */
#include "binding.h"
#include "columns.h"

#include <stdlib.h>
#include <string.h>

PyObject *rr_raise_at(rr_status status, int64_t row, const char *message)
{
    rr_error error = {.row = row, .line = -1, .byte = -1, .column = -1};

    PyOS_snprintf(error.message, sizeof error.message, "%s", message);
    return rr_raise(status, &error);
}

PyDoc_STRVAR(days_from_ticks_doc,
             "days_from_ticks($module, ticks, per_day, days, /)\n--\n\n"
             "Write days since 1970-01-01, `per_day` ticks being one; None: only check.");

static PyObject *days_from_ticks(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *ticks, *days;
    long long per_day;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OLO:days_from_ticks", &ticks, &per_day, &days)) {
        return NULL;
    }
    rr_array rows[] = {{"ticks", NPY_INT64, RR_IN, NULL, ticks, NULL, 0},
                       {"days", NPY_INT64, RR_OUT_OR_NONE, NULL, days, NULL, 0}};
    rows[1].length = days == Py_None ? NULL : &rows[0].n;
    if (rr_arrays_check(rows, 2) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_days_from_ticks(rows[0].data, rows[0].n, per_day, rows[1].data, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(
    days_range_doc,
    "days_range($module, ticks, per_day, /)\n--\n\n"
    "Check days as days_from_ticks does; return how many are null, the first and the last.");

static PyObject *days_range(PyObject *self, PyObject *args)
{
    PyObject *object;
    long long per_day;
    rr_days days;
    rr_day_range range;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OL:days_range", &object, &per_day)) {
        return NULL;
    }
    rr_array ticks = {"ticks", NPY_INT64, RR_IN, NULL, object, NULL, 0};
    if (rr_days_expect(&ticks, &days) < 0 || rr_arrays_check(&ticks, 1) < 0) {
        return NULL;
    }
    days.per_day = per_day;
    rr_days_given(&ticks, &days);
    Py_BEGIN_ALLOW_THREADS
    status = rr_days_range(&days, ticks.n, &range, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return Py_BuildValue("LLL", (long long)range.nulls, (long long)range.first,
                         (long long)range.last);
}

PyDoc_STRVAR(whole_from_double_doc,
             "whole_from_double($module, numbers, values, valid, /)\n--\n\n"
             "Write whole numbers and where they are; return how many are null.");

static PyObject *whole_from_double(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *numbers, *values, *valid;
    int64_t nulls = 0;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOO:whole_from_double", &numbers, &values, &valid)) {
        return NULL;
    }
    rr_array rows[] = {{"numbers", NPY_FLOAT64, RR_IN, NULL, numbers, NULL, 0},
                       {"values", NPY_INT64, RR_OUT, NULL, values, NULL, 0},
                       {"valid", NPY_BOOL, RR_OUT, NULL, valid, NULL, 0}};
    rows[1].length = rows[2].length = &rows[0].n;
    if (rr_arrays_check(rows, 3) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_whole_from_double(rows[0].data, rows[0].n, rows[1].data, rows[2].data, &nulls,
                                  &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return PyLong_FromLongLong((long long)nulls);
}

/* ---------------------------------------------------------------- arrays of objects */

/* What one object of a column is. The numbers are known to columns.py. */
enum kind {
    KIND_NULL,
    KIND_BOOL,
    KIND_INTEGER,
    KIND_FLOAT,
    KIND_TEXT,
    KIND_DATE,
    KIND_DATETIME,
    KIND_NUMPY_DATE,
    KIND_OTHER
};

/* A new reference to object i, because a method of the object may change the array that holds it. A
 * place that numpy has not filled yet holds None. */
static PyObject *hold(const rr_array *objects, int64_t i)
{
    PyObject *object = ((PyObject **)objects->data)[i];

    return Py_NewRef(object == NULL ? Py_None : object);
}

/* Objects lie all over memory: what comes some places later is fetched now, with the text that stands
 * behind the head of a str of ASCII. On a column of millions this is two thirds of the time. */
static void fetch_ahead(const rr_array *objects, int64_t i)
{
    enum { AHEAD = 12, LINE = 64 };

    if (i + AHEAD < objects->n) {
        const char *object = ((const char **)objects->data)[i + AHEAD];

        __builtin_prefetch(object);
        __builtin_prefetch(object + LINE);
    }
}

/* The classes of the standard library and the null values of pandas, given by the caller. */
typedef struct classes {
    PyObject *date, *datetime, *na, *nat;
} classes;

/* -1 with an exception. */
static int kind_of(PyObject *object, const classes *known)
{
    int is;

    if (object == Py_None || object == known->na || object == known->nat) {
        return KIND_NULL;
    }
    if (PyUnicode_Check(object)) {
        return KIND_TEXT;
    }
    if (PyBool_Check(object) || PyArray_IsScalar(object, Bool)) {
        return KIND_BOOL;
    }
    if (PyArray_IsScalar(object, Timedelta)) { /* numpy holds it for a kind of integer */
        return KIND_OTHER;
    }
    if (PyLong_Check(object) || PyArray_IsScalar(object, Integer)) {
        return KIND_INTEGER;
    }
    if (PyFloat_Check(object) || PyArray_IsScalar(object, Floating)) {
        double value = PyFloat_AsDouble(object);

        if (value == -1.0 && PyErr_Occurred()) {
            return -1;
        }
        return value != value ? KIND_NULL : KIND_FLOAT;
    }
    is = PyObject_IsInstance(object, known->datetime);
    if (is != 0) {
        return is < 0 ? -1 : KIND_DATETIME;
    }
    is = PyObject_IsInstance(object, known->date);
    if (is != 0) {
        return is < 0 ? -1 : KIND_DATE;
    }
    return PyArray_IsScalar(object, Datetime) ? KIND_NUMPY_DATE : KIND_OTHER;
}

PyDoc_STRVAR(object_kinds_doc,
             "object_kinds($module, objects, date, datetime, na, nat, kinds, /)\n--\n\n"
             "Write what each object is.");

static PyObject *object_kinds(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *objects, *kinds;
    classes known;

    if (!PyArg_ParseTuple(args, "OOOOOO:object_kinds", &objects, &known.date, &known.datetime,
                          &known.na, &known.nat, &kinds)) {
        return NULL;
    }
    rr_array rows[] = {{"objects", NPY_OBJECT, RR_IN, NULL, objects, NULL, 0},
                       {"kinds", NPY_UINT8, RR_OUT, NULL, kinds, NULL, 0}};
    rows[1].length = &rows[0].n;
    if (rr_arrays_check(rows, 2) < 0) {
        return NULL;
    }
    for (int64_t i = 0; i < rows[0].n; i++) {
        PyObject *object = hold(&rows[0], i);
        int kind = kind_of(object, &known);

        fetch_ahead(&rows[0], i);
        Py_DECREF(object);
        if (kind < 0 || (i % 65536 == 0 && PyErr_CheckSignals() < 0)) {
            return NULL;
        }
        ((uint8_t *)rows[1].data)[i] = (uint8_t)kind;
    }
    Py_RETURN_NONE;
}

/* The UTF-8 of a str. On failure NULL, with an exception or, where it holds half a surrogate pair,
 * with a DataError that names the row. */
static const char *utf8_of(PyObject *object, int64_t row, Py_ssize_t *length)
{
    const char *bytes = NULL;

    if (object == NULL || !PyUnicode_Check(object)) {
        rr_raise_at(RR_ERR_VALUE, row, "not text");
        return NULL;
    }
    bytes = PyUnicode_AsUTF8AndSize(object, length);
    if (bytes == NULL && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        rr_raise_at(RR_ERR_VALUE, row, "not text: half a surrogate pair");
    }
    return bytes;
}

PyDoc_STRVAR(text_from_objects_doc, "text_from_objects($module, objects, valid, offsets, /)\n--\n\n"
                                    "Write the offsets of str objects; return their data.");

static PyObject *text_from_objects(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *objects, *valid, *offsets, *data = NULL;
    npy_intp total;
    int64_t *ends;
    int64_t one_more;

    if (!PyArg_ParseTuple(args, "OOO:text_from_objects", &objects, &valid, &offsets)) {
        return NULL;
    }
    rr_array rows[] = {{"objects", NPY_OBJECT, RR_IN, NULL, objects, NULL, 0},
                       {"valid", NPY_BOOL, RR_IN, NULL, valid, NULL, 0},
                       {"offsets", NPY_INT64, RR_OUT, &one_more, offsets, NULL, 0}};
    rows[1].length = &rows[0].n;
    if (rr_arrays_check(rows, 2) < 0) {
        return NULL;
    }
    one_more = rows[0].n + 1;
    if (rr_arrays_check(rows + 2, 1) < 0) {
        return NULL;
    }
    ends = rows[2].data;
    ends[0] = 0;
    for (int64_t i = 0; i < rows[0].n; i++) {
        Py_ssize_t length = 0;

        fetch_ahead(&rows[0], i);
        if (((uint8_t *)rows[1].data)[i] &&
            utf8_of(((PyObject **)rows[0].data)[i], i, &length) == NULL) {
            return NULL;
        }
        if (i % 65536 == 0 && PyErr_CheckSignals() < 0) {
            return NULL;
        }
        ends[i + 1] = ends[i] + length;
    }
    total = (npy_intp)ends[rows[0].n];
    data = PyArray_SimpleNew(1, &total, NPY_UINT8);
    if (data == NULL) {
        return NULL;
    }
    for (int64_t i = 0; i < rows[0].n; i++) {
        Py_ssize_t length = 0;
        const char *bytes;

        fetch_ahead(&rows[0], i);
        if (!((uint8_t *)rows[1].data)[i]) {
            continue;
        }
        bytes = utf8_of(((PyObject **)rows[0].data)[i], i, &length);
        if (bytes == NULL) {
            Py_DECREF(data);
            return NULL;
        }
        if (length != ends[i + 1] - ends[i]) { /* another thread changed the array */
            Py_DECREF(data);
            return rr_raise_at(RR_ERR_ARGUMENT, i, "the array changed while it was read");
        }
        memcpy((char *)PyArray_DATA((PyArrayObject *)data) + ends[i], bytes, (size_t)length);
    }
    return data;
}

/* Sets value and returns 1 where the bits are those of an unsigned value of 2^63 or more, 0 where
 * they are not, -1 with an exception. */
static int integer_of(PyObject *object, int64_t row, int64_t *value)
{
    PyObject *number = PyNumber_Index(object);
    int overflow = 0, high = 0;

    if (number == NULL) {
        return -1;
    }
    *value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow > 0) {
        *value = (int64_t)PyLong_AsUnsignedLongLong(number);
        high = 1;
    }
    Py_DECREF(number);
    if (overflow < 0 || (high && PyErr_Occurred())) {
        PyErr_Clear();
        rr_raise_at(RR_ERR_VALUE, row, "beyond 64 bits");
        return -1;
    }
    return high;
}

PyDoc_STRVAR(integers_from_objects_doc,
             "integers_from_objects($module, objects, valid, values, /)\n--\n\n"
             "Write whole numbers; return whether they are unsigned and high.");

static PyObject *integers_from_objects(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *objects, *valid, *values;
    int64_t negative = -1, high = -1;

    if (!PyArg_ParseTuple(args, "OOO:integers_from_objects", &objects, &valid, &values)) {
        return NULL;
    }
    rr_array rows[] = {{"objects", NPY_OBJECT, RR_IN, NULL, objects, NULL, 0},
                       {"valid", NPY_BOOL, RR_IN, NULL, valid, NULL, 0},
                       {"values", NPY_INT64, RR_OUT, NULL, values, NULL, 0}};
    rows[1].length = rows[2].length = &rows[0].n;
    if (rr_arrays_check(rows, 3) < 0) {
        return NULL;
    }
    for (int64_t i = 0; i < rows[0].n; i++) {
        int64_t value = 0;

        if (((uint8_t *)rows[1].data)[i]) {
            PyObject *object = hold(&rows[0], i);
            int is_high = integer_of(object, i, &value);

            Py_DECREF(object);
            if (is_high < 0) {
                return NULL;
            }
            if (is_high) {
                high = i;
            } else if (value < 0) {
                negative = i;
            }
        }
        if (i % 65536 == 0 && PyErr_CheckSignals() < 0) {
            return NULL;
        }
        ((int64_t *)rows[2].data)[i] = value;
    }
    if (high >= 0 && negative >= 0) {
        return rr_raise_at(RR_ERR_VALUE, high,
                           "too large for a column that also holds negative numbers");
    }
    return PyBool_FromLong(high >= 0);
}

/* True when an attribute is there and is neither 0 nor None. -1 with an exception. */
static int is_set(PyObject *object, const char *name)
{
    PyObject *value = PyObject_GetAttrString(object, name);
    int truth;

    if (value == NULL) {
        if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear(); /* only pandas' Timestamp has nanoseconds */
            return 0;
        }
        return -1;
    }
    truth = value == Py_None ? 0 : PyObject_IsTrue(value);
    Py_DECREF(value);
    return truth;
}

static int check_midnight(PyObject *object, int64_t row)
{
    static const char *const parts[] = {"hour", "minute", "second", "microsecond", "nanosecond"};
    PyObject *zone = PyObject_GetAttrString(object, "tzinfo");
    int zoned = zone != Py_None;

    if (zone == NULL) {
        return -1;
    }
    Py_DECREF(zone);
    if (zoned) {
        rr_raise_at(RR_ERR_VALUE, row, "a time zone");
        return -1;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int set = is_set(object, parts[i]);

        if (set > 0) {
            rr_raise_at(RR_ERR_VALUE, row, "a time of day");
        }
        if (set != 0) {
            return -1;
        }
    }
    return 0;
}

/* -1 with an exception. */
static int ordinal_of(PyObject *date, long long *day)
{
    PyObject *ordinal = PyObject_CallMethod(date, "toordinal", NULL);

    if (ordinal == NULL) {
        return -1;
    }
    *day = PyLong_AsLongLong(ordinal);
    Py_DECREF(ordinal);
    return *day == -1 && PyErr_Occurred() ? -1 : 0;
}

PyDoc_STRVAR(days_from_objects_doc, "days_from_objects($module, objects, kinds, days, /)\n--\n\n"
                                    "Write days since 1970-01-01 of date objects.");

static PyObject *days_from_objects(PyObject *Py_UNUSED(module), PyObject *args)
{
    const long long epoch = 719163; /* date(1970, 1, 1).toordinal() */
    PyObject *objects, *kinds, *days;

    if (!PyArg_ParseTuple(args, "OOO:days_from_objects", &objects, &kinds, &days)) {
        return NULL;
    }
    rr_array rows[] = {{"objects", NPY_OBJECT, RR_IN, NULL, objects, NULL, 0},
                       {"kinds", NPY_UINT8, RR_IN, NULL, kinds, NULL, 0},
                       {"days", NPY_INT64, RR_OUT, NULL, days, NULL, 0}};
    rows[1].length = rows[2].length = &rows[0].n;
    if (rr_arrays_check(rows, 3) < 0) {
        return NULL;
    }
    for (int64_t i = 0; i < rows[0].n; i++) {
        int kind = ((uint8_t *)rows[1].data)[i], failed;
        long long day;
        PyObject *object;

        ((int64_t *)rows[2].data)[i] = RR_NULL_DAY;
        if (kind == KIND_NULL) {
            continue;
        }
        object = hold(&rows[0], i);
        failed = (kind == KIND_DATETIME && check_midnight(object, i) < 0) ||
                 ordinal_of(object, &day) < 0;
        Py_DECREF(object);
        if (failed || (i % 65536 == 0 && PyErr_CheckSignals() < 0)) {
            return NULL;
        }
        ((int64_t *)rows[2].data)[i] = day - epoch;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(number_range_doc, "number_range($module, numbers, valid, /)\n--\n\n"
                               "Return how many are valid, the least and the greatest.");

static PyObject *number_range(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"numbers", NPY_INT64, RR_IN, NULL, NULL, NULL, 0},
                         {"valid", NPY_BOOL, RR_IN_OR_NONE, &arrays[0].n, NULL, NULL, 0}};
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    int64_t least, most, n;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OO:number_range", &arrays[0].object, &arrays[1].object) ||
        rr_arrays_check(arrays, 2) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_number_range(arrays[0].data, arrays[1].data, arrays[0].n, &least, &most, &n, &call,
                             &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return Py_BuildValue("LLL", (long long)n, (long long)least, (long long)most);
}

PyDoc_STRVAR(empty_doc,
             "empty($module, n, bits, /)\n--\n\n"
             "Return an array of n integers of 32 or 64 bits, or truth values of 8, with any\n"
             "values, in memory that is kept for the next one when the array goes.");

static PyObject *empty(PyObject *self, PyObject *args)
{
    rr_shelf *shelf = ((rr_module_state *)PyModule_GetState(self))->shelf;
    long long n;
    int bits;
    void *block;
    PyObject *array;

    if (!PyArg_ParseTuple(args, "Li:empty", &n, &bits)) {
        return NULL;
    }
    if (n < 0 || (bits != 8 && bits != 32 && bits != 64)) {
        PyErr_SetString(PyExc_ValueError, "an array has 0 or more elements of 8, 32 or 64 bits");
        return NULL;
    }
    block = rr_shelf_allocate(shelf, n, (size_t)bits / 8);
    if (block == NULL) {
        return PyErr_NoMemory();
    }
    array = rr_array_over(&block, n,
                          bits == 8    ? NPY_BOOL
                          : bits == 32 ? NPY_INT32
                                       : NPY_INT64,
                          shelf);
    free(block); /* unless the array has it */
    return array;
}

PyMethodDef rr_py_columns_methods[] = {
    {"empty", empty, METH_VARARGS, empty_doc},
    {"number_range", number_range, METH_VARARGS, number_range_doc},
    {"days_from_ticks", days_from_ticks, METH_VARARGS, days_from_ticks_doc},
    {"days_range", days_range, METH_VARARGS, days_range_doc},
    {"whole_from_double", whole_from_double, METH_VARARGS, whole_from_double_doc},
    {"object_kinds", object_kinds, METH_VARARGS, object_kinds_doc},
    {"text_from_objects", text_from_objects, METH_VARARGS, text_from_objects_doc},
    {"integers_from_objects", integers_from_objects, METH_VARARGS, integers_from_objects_doc},
    {"days_from_objects", days_from_objects, METH_VARARGS, days_from_objects_doc},
    {NULL, NULL, 0, NULL}};
