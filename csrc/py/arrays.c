#include "binding.h"

static int check_one(rr_array *entry)
{
    int writes = entry->role == RR_OUT || entry->role == RR_OUT_OR_NONE;
    int optional = entry->role == RR_IN_OR_NONE || entry->role == RR_OUT_OR_NONE;
    PyArrayObject *array;

    entry->data = NULL;
    entry->n = 0;
    if (optional && (entry->object == NULL || entry->object == Py_None)) {
        return 0;
    }
    if (entry->object == NULL || !PyArray_Check(entry->object)) {
        PyErr_Format(PyExc_TypeError, "%s must be a numpy array", entry->name);
        return -1;
    }
    array = (PyArrayObject *)entry->object;
    if (PyArray_NDIM(array) != 1) {
        PyErr_Format(PyExc_ValueError, "%s must have one dimension, not %d", entry->name,
                     PyArray_NDIM(array));
        return -1;
    }
    /* Equivalent, not equal: int64 is `long` on one platform and `long long` on another. */
    if (!PyArray_EquivTypenums(PyArray_TYPE(array), entry->type)) {
        PyObject *wanted = (PyObject *)PyArray_DescrFromType(entry->type);

        PyErr_Format(PyExc_TypeError, "%s must have dtype %S, not %S", entry->name, wanted,
                     (PyObject *)PyArray_DESCR(array));
        Py_XDECREF(wanted);
        return -1;
    }
    if (!PyArray_CHKFLAGS(array, NPY_ARRAY_CARRAY_RO) || PyArray_ISBYTESWAPPED(array)) {
        PyErr_Format(PyExc_ValueError, "%s must be contiguous, aligned and in native byte order",
                     entry->name);
        return -1;
    }
    if (writes && !PyArray_ISWRITEABLE(array)) {
        PyErr_Format(PyExc_ValueError, "%s must be writeable", entry->name);
        return -1;
    }
    entry->data = PyArray_DATA(array);
    entry->n = (int64_t)PyArray_DIM(array, 0);
    if (entry->length != NULL && entry->n != *entry->length) {
        PyErr_Format(PyExc_ValueError, "%s must have %lld elements, not %lld", entry->name,
                     (long long)*entry->length, (long long)entry->n);
        return -1;
    }
    return 0;
}

int rr_arrays_check(rr_array *arrays, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (check_one(&arrays[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int rr_days_expect(rr_array *entry, rr_days *days)
{
    long long per_day = 1, first = 0, last = 0;
    int narrow;

    *days = (rr_days){.per_day = 1};
    if (PyTuple_Check(entry->object)) {
        days->has_range = PyTuple_Size(entry->object) > 2;
        if (!PyArg_ParseTuple(entry->object,
                              days->has_range ? "OLLL;a column of days has two or four parts"
                                              : "OL;a column of days has two or four parts",
                              &entry->object, &per_day, &first, &last)) {
            return -1;
        }
        days->per_day = per_day;
        days->first = first;
        days->last = last;
    }
    narrow = per_day == 1 && PyArray_Check(entry->object) &&
             PyArray_EquivTypenums(PyArray_TYPE((PyArrayObject *)entry->object), NPY_INT32);
    entry->type = narrow ? NPY_INT32 : NPY_INT64;
    return 0;
}

void rr_days_given(const rr_array *entry, rr_days *days)
{
    if (entry->type == NPY_INT32) {
        days->narrow = entry->data;
    } else {
        days->ticks = entry->data;
    }
}

/* The context of the capsule is a share of the shelf, or NULL. */
static void free_block(PyObject *capsule)
{
    rr_shelf *shelf = PyCapsule_GetContext(capsule);

    rr_shelf_put(shelf, PyCapsule_GetPointer(capsule, NULL));
    rr_shelf_leave(shelf);
}

PyObject *rr_array_over(void **block, int64_t n, int type, rr_shelf *shelf)
{
    npy_intp length = (npy_intp)n;
    PyObject *array, *owner;

    if (*block == NULL) {
        return Py_NewRef(Py_None);
    }
    owner = PyCapsule_New(*block, NULL, free_block);
    if (owner == NULL) {
        return NULL;
    }
    if (shelf != NULL && PyCapsule_SetContext(owner, shelf) == 0) {
        rr_shelf_share(shelf);
    }
    array = PyArray_SimpleNewFromData(1, &length, type, *block);
    *block = NULL; /* the capsule has it */
    if (array == NULL) {
        Py_DECREF(owner);
        return NULL;
    }
    if (PyArray_SetBaseObject((PyArrayObject *)array, owner) < 0) {
        Py_DECREF(array);
        return NULL;
    }
    return array;
}
