#include "binding.h"

PyDoc_STRVAR(washout_doc,
             "washout($module, parts, span, kept, rolling, washed, /)\n--\n\n"
             "Write which index rows of the cohort follow another one within the span.");

static PyObject *washout(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"washed", NPY_BOOL, RR_OUT, NULL, NULL, NULL, 0},
                         {"kept", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0}};
    const rr_parts *parts;
    rr_span span;
    int rolling;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O&O&OpO:washout", rr_read_parts, &parts, rr_read_span, &span,
                          &arrays[1].object, &rolling, &arrays[0].object)) {
        return NULL;
    }
    arrays[1].length = arrays[1].object == Py_None ? NULL : &arrays[0].n;
    if (rr_arrays_check(arrays, 2) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_washout(parts, span, arrays[1].data, rolling, arrays[0].n, arrays[0].data, &call,
                        &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(select_doc,
             "select($module, parts, kept, period, last, chosen, /)\n--\n\n"
             "Write which index row of the cohort is the first, or last, of its key and period.");

static PyObject *select_rows(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"chosen", NPY_BOOL, RR_OUT, NULL, NULL, NULL, 0},
                         {"kept", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
                         {"period", NPY_INT32, RR_IN_OR_NONE, NULL, NULL, NULL, 0}};
    const rr_parts *parts;
    int last;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O&OOpO:select", rr_read_parts, &parts, &arrays[1].object,
                          &arrays[2].object, &last, &arrays[0].object)) {
        return NULL;
    }
    arrays[1].length = arrays[1].object == Py_None ? NULL : &arrays[0].n;
    arrays[2].length = arrays[2].object == Py_None ? NULL : &arrays[0].n;
    if (rr_arrays_check(arrays, 3) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_select(parts, arrays[1].data, arrays[2].data, last, arrays[0].n, arrays[0].data,
                       &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyMethodDef rr_py_cohort_methods[] = {
    {"washout", washout, METH_VARARGS, washout_doc},
    {"select", select_rows, METH_VARARGS, select_doc},
    {NULL, NULL, 0, NULL},
};
