#include "binding.h"

static int stop(void *context, int64_t done, int64_t total)
{
    const rr_poll_state *state = context;
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

rr_poll rr_poll_python(rr_poll_state *state, PyObject *progress)
{
    state->progress = progress;
    return (rr_poll){.stop = stop, .context = state};
}
