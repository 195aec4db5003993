#include "binding.h"
#include "marks.h"

#include <stdlib.h>

/* The numbers of a condition as the core takes them: integers of any size, and truth values. */
static int number_type(PyObject *numbers)
{
    int type = PyArray_Check(numbers) ? PyArray_TYPE((PyArrayObject *)numbers) : NPY_INT64;

    return type == NPY_BOOL || type == NPY_INT8 || type == NPY_INT16 ||
                   PyArray_EquivTypenums(type, NPY_INT32)
               ? type
               : NPY_INT64;
}

static int is_tuple(PyObject *object)
{
    if (!PyTuple_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "a condition is a tuple, and so are its intervals");
        return 0;
    }
    return 1;
}

static int read_intervals(PyObject *tuple, rr_condition *condition)
{
    Py_ssize_t n = is_tuple(tuple) ? PyTuple_Size(tuple) : -1;

    if (n > RR_INTERVALS_MAX) {
        PyErr_SetString(PyExc_ValueError, "a condition has up to 8 intervals");
    }
    if (n < 0 || n > RR_INTERVALS_MAX) {
        return -1;
    }
    for (Py_ssize_t k = 0; k < n; k++) {
        long long low, high;

        PyObject *interval = PyTuple_GetItem(tuple, k);

        if (!is_tuple(interval) || !PyArg_ParseTuple(interval, "LL:rows_left", &low, &high)) {
            return -1;
        }
        condition->intervals[k] = (rr_interval){low, high};
    }
    condition->n_intervals = (int)n;
    return 0;
}

/* Reads (numbers, intervals) or (numbers, among), of n numbers. */
static int read_condition(PyObject *tuple, const int64_t *n, rr_condition *condition)
{
    PyObject *numbers, *asked;

    if (!is_tuple(tuple) || !PyArg_ParseTuple(tuple, "OO:rows_left", &numbers, &asked)) {
        return -1;
    }
    rr_array arrays[] = {{"numbers", number_type(numbers), RR_IN, n, numbers, NULL, 0},
                         {"among", NPY_BOOL, RR_IN, NULL, asked, NULL, 0}};
    int has_table = PyArray_Check(asked);

    if (rr_arrays_check(arrays, has_table ? 2 : 1) < 0) {
        return -1;
    }
    *condition = (rr_condition){
        .numbers = arrays[0].data,
        .size = (int)PyArray_ITEMSIZE((PyArrayObject *)numbers),
        .among = arrays[1].data,
        .n_among = arrays[1].n,
    };
    return has_table ? 0 : read_intervals(asked, condition);
}

static PyObject *list_of(const int64_t *numbers, Py_ssize_t n)
{
    PyObject *list = PyList_New(n);

    for (Py_ssize_t k = 0; list != NULL && k < n; k++) {
        PyObject *number = PyLong_FromLongLong((long long)numbers[k]);

        if (number == NULL || PyList_SetItem(list, k, number) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

/* The marks that a condition writes, of n rows; None: none. */
static int read_left(PyObject *object, const int64_t *n, uint8_t **left)
{
    rr_array array = {"left", NPY_BOOL, RR_OUT_OR_NONE, NULL, object, NULL, 0};

    array.length = object == Py_None ? NULL : n;
    if (rr_arrays_check(&array, 1) < 0) {
        return -1;
    }
    *left = array.data;
    return 0;
}

PyDoc_STRVAR(
    rows_left_doc,
    "rows_left($module, conditions, n, before, left, /)\n--\n\n"
    "Put conditions (numbers, intervals) or (numbers, among) one after the other to the n\n"
    "rows, or to those that `before` marks. Write which meet all so far into the array at\n"
    "the condition's place in `left`, where there is one; return how many do.");

static PyObject *rows_left(PyObject *self, PyObject *args)
{
    PyObject *asked, *wanted, *result = NULL;
    rr_array before = {"before", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0};
    rr_condition *conditions = NULL;
    uint8_t **left = NULL;
    int64_t *n_left = NULL, n;
    long long n_rows;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    Py_ssize_t size;

    if (!PyArg_ParseTuple(args, "O!LOO!:rows_left", &PyTuple_Type, &asked, &n_rows, &before.object,
                          &PyTuple_Type, &wanted)) {
        return NULL;
    }
    n = n_rows;
    size = PyTuple_Size(asked);
    before.length = before.object == Py_None ? NULL : &n;
    if (rr_arrays_check(&before, 1) < 0) {
        return NULL;
    }
    if (PyTuple_Size(wanted) != size) {
        PyErr_SetString(PyExc_ValueError, "left must have a place for each condition");
        return NULL;
    }
    conditions = PyMem_Calloc((size_t)size, sizeof *conditions);
    left = PyMem_Calloc((size_t)size, sizeof *left);
    n_left = PyMem_Calloc((size_t)size, sizeof *n_left);
    if (conditions == NULL || left == NULL || n_left == NULL) {
        PyErr_NoMemory();
        goto out;
    }
    for (Py_ssize_t k = 0; k < size; k++) {
        if (read_condition(PyTuple_GetItem(asked, k), &n, &conditions[k]) < 0 ||
            read_left(PyTuple_GetItem(wanted, k), &n, &left[k]) < 0) {
            goto out;
        }
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_rows_left(conditions, size, before.data, n, left, n_left, &call, &error);
    Py_END_ALLOW_THREADS
    result = status == RR_OK ? list_of(n_left, size) : rr_raise(status, &error);
out:
    PyMem_Free(conditions);
    PyMem_Free(left);
    PyMem_Free(n_left);
    return result;
}

PyMethodDef rr_py_marks_methods[] = {
    {"rows_left", rows_left, METH_VARARGS, rows_left_doc},
    {NULL, NULL, 0, NULL},
};
