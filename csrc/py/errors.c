#include "binding.h"

#include <errno.h>

static const char *class_name(rr_status status)
{
    switch (status) {
    case RR_ERR_CSV:
        return "CSVError";
    case RR_ERR_VALUE:
    case RR_ERR_DAY_RANGE:
        return "DataError";
    case RR_OK:
    case RR_ERR_MEMORY:
    case RR_ERR_INTERRUPTED:
    case RR_ERR_IO:
    case RR_ERR_ARGUMENT:
    case RR_ERR_TOO_LARGE:
        break;
    }
    return "RereferralError";
}

/* None for a place that does not apply. */
static PyObject *place(int64_t value)
{
    if (value < 0) {
        return Py_NewRef(Py_None);
    }
    return PyLong_FromLongLong((long long)value);
}

PyObject *rr_raise(rr_status status, const rr_error *error)
{
    PyObject *module = NULL, *make = NULL, *raised = NULL;

    if (PyErr_Occurred()) { /* KeyboardInterrupt of the call, or what a progress callable raised */
        return NULL;
    }
    if (status == RR_ERR_MEMORY) {
        return PyErr_NoMemory();
    }
    if (status == RR_ERR_IO) {
        errno = error->code;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    module = PyImport_ImportModule("rereferral.errors");
    if (module == NULL) {
        goto out;
    }
    make = PyObject_GetAttrString(module, "from_core");
    if (make == NULL) {
        goto out;
    }
    raised = PyObject_CallFunction(make, "sssNNNN", class_name(status),
                                   error->message[0] ? error->message : rr_strerror(status),
                                   error->value, place(error->row), place(error->line),
                                   place(error->byte), place(error->column));
    if (raised != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(raised), raised);
    }
out:
    Py_XDECREF(raised);
    Py_XDECREF(make);
    Py_XDECREF(module);
    return NULL;
}
