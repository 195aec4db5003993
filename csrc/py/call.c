#include "binding.h"

static int stop(void *context, int64_t done, int64_t total)
{
    const rr_call_state *state = context;
    PyGILState_STATE gil = PyGILState_Ensure();
    int failed = PyErr_CheckSignals();

    if (!failed && state->progress != NULL && state->progress != Py_None) {
        PyObject *answer = PyObject_CallFunction(state->progress, "LL", (long long)done,
                                                 (long long)total);

        failed = answer == NULL;
        Py_XDECREF(answer);
    }
    PyGILState_Release(gil);
    return failed != 0;
}

rr_call rr_call_python(PyObject *module, rr_call_state *state, PyObject *progress)
{
    const rr_module_state *settings = PyModule_GetState(module);

    state->progress = progress;
    return (rr_call){
        .stop = stop, .context = state, .threads = settings->threads, .shelf = settings->shelf};
}

PyDoc_STRVAR(get_threads_doc,
             "get_threads($module, /)\n--\n\nReturn how many threads a call may use.");

static PyObject *get_threads(PyObject *self, PyObject *nothing)
{
    const rr_module_state *settings = PyModule_GetState(self);

    (void)nothing;
    return PyLong_FromLong(settings->threads);
}

PyDoc_STRVAR(set_threads_doc,
             "set_threads($module, n, /)\n--\n\nSet how many threads a call may use.");

static PyObject *set_threads(PyObject *self, PyObject *args)
{
    rr_module_state *settings = PyModule_GetState(self);
    int n;

    if (!PyArg_ParseTuple(args, "i:set_threads", &n)) {
        return NULL;
    }
    if (n < 1) {
        PyErr_SetString(PyExc_ValueError, "a call needs a thread");
        return NULL;
    }
    settings->threads = n;
    Py_RETURN_NONE;
}

PyMethodDef rr_py_call_methods[] = {
    {"get_threads", get_threads, METH_NOARGS, get_threads_doc},
    {"set_threads", set_threads, METH_VARARGS, set_threads_doc},
    {NULL, NULL, 0, NULL},
};
