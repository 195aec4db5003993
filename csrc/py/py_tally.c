#include "binding.h"

#define COUNT(arrays) (sizeof(arrays) / sizeof *(arrays))

static PyObject *tally(PyObject *module, PyObject *args)
{
    PyObject *group, *use, *hit, *n, *linked;
    rr_poll_state state;
    rr_poll poll = rr_poll_python(&state, NULL);
    rr_error error;
    rr_status status;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOO:tally", &group, &use, &hit, &n, &linked)) {
        return NULL;
    }
    rr_array a[] = {
        {.name = "hit", .type = NPY_BOOL, .role = RR_IN, .object = hit},
        {.name = "group",
         .type = NPY_INT32,
         .role = RR_IN_OR_NONE,
         .length = &a[0].n,
         .object = group},
        {.name = "use", .type = NPY_BOOL, .role = RR_IN_OR_NONE, .length = &a[0].n, .object = use},
        {.name = "n", .type = NPY_INT64, .role = RR_OUT, .object = n},
        {.name = "linked", .type = NPY_INT64, .role = RR_OUT, .length = &a[3].n, .object = linked},
    };
    if (rr_arrays_check(a, COUNT(a)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status = rr_tally(a[0].n, a[1].data, a[2].data, a[0].data, a[3].n,
                                             a[3].data, a[4].data, &poll, &error);
    Py_END_ALLOW_THREADS if (status != RR_OK)
    {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

static PyObject *tally_clusters(PyObject *module, PyObject *args)
{
    PyObject *cluster, *group, *use, *hit, *clusters, *n_squared, *n_linked, *linked_squared;
    rr_poll_state state;
    rr_poll poll = rr_poll_python(&state, NULL);
    rr_error error;
    rr_status status;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOOOOO:tally_clusters", &cluster, &group, &use, &hit, &clusters,
                          &n_squared, &n_linked, &linked_squared)) {
        return NULL;
    }
    rr_array a[] = {
        {.name = "cluster", .type = NPY_UINT32, .role = RR_IN, .object = cluster},
        {.name = "group",
         .type = NPY_INT32,
         .role = RR_IN_OR_NONE,
         .length = &a[0].n,
         .object = group},
        {.name = "use", .type = NPY_BOOL, .role = RR_IN_OR_NONE, .length = &a[0].n, .object = use},
        {.name = "hit", .type = NPY_BOOL, .role = RR_IN, .length = &a[0].n, .object = hit},
        {.name = "clusters", .type = NPY_INT64, .role = RR_OUT, .object = clusters},
        {.name = "n_squared",
         .type = NPY_INT64,
         .role = RR_OUT,
         .length = &a[4].n,
         .object = n_squared},
        {.name = "n_linked",
         .type = NPY_INT64,
         .role = RR_OUT,
         .length = &a[4].n,
         .object = n_linked},
        {.name = "linked_squared",
         .type = NPY_INT64,
         .role = RR_OUT,
         .length = &a[4].n,
         .object = linked_squared},
    };
    if (rr_arrays_check(a, COUNT(a)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status =
        rr_tally_clusters(a[0].n, a[0].data, a[1].data, a[2].data, a[3].data, a[4].n, a[4].data,
                          a[5].data, a[6].data, a[7].data, &poll, &error);
    Py_END_ALLOW_THREADS if (status != RR_OK)
    {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

static PyObject *longest(PyObject *module, PyObject *args)
{
    PyObject *duration, *use;
    rr_error error;
    rr_status status;
    int32_t days = 0;

    (void)module;
    if (!PyArg_ParseTuple(args, "OO:longest", &duration, &use)) {
        return NULL;
    }
    rr_array a[] = {
        {.name = "duration", .type = NPY_INT32, .role = RR_IN, .object = duration},
        {.name = "use", .type = NPY_BOOL, .role = RR_IN_OR_NONE, .length = &a[0].n, .object = use},
    };
    if (rr_arrays_check(a, COUNT(a)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status = rr_longest(a[0].n, a[0].data, a[1].data, &days, &error);
    Py_END_ALLOW_THREADS if (status != RR_OK)
    {
        return rr_raise(status, &error);
    }
    return PyLong_FromLong(days);
}

static PyObject *tally_days_room(PyObject *module, PyObject *args)
{
    long long n_rows, n_groups;
    int days;

    (void)module;
    if (!PyArg_ParseTuple(args, "LLi:tally_days_room", &n_rows, &n_groups, &days)) {
        return NULL;
    }
    return PyLong_FromLongLong(rr_tally_days_room(n_rows, n_groups, days));
}

static PyObject *tally_days(PyObject *module, PyObject *args)
{
    PyObject *duration, *event, *group, *use, *cell_group, *cell_day, *events, *censored;
    rr_poll_state state;
    rr_poll poll = rr_poll_python(&state, NULL);
    rr_error error;
    rr_status status;
    long long n_groups;
    int days;
    int64_t room = 0, n_cells = 0;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOLiOOOO:tally_days", &duration, &event, &group, &use, &n_groups,
                          &days, &cell_group, &cell_day, &events, &censored)) {
        return NULL;
    }
    rr_array a[] = {
        {.name = "duration", .type = NPY_INT32, .role = RR_IN, .object = duration},
        {.name = "event", .type = NPY_BOOL, .role = RR_IN, .length = &a[0].n, .object = event},
        {.name = "group",
         .type = NPY_INT32,
         .role = RR_IN_OR_NONE,
         .length = &a[0].n,
         .object = group},
        {.name = "use", .type = NPY_BOOL, .role = RR_IN_OR_NONE, .length = &a[0].n, .object = use},
        {.name = "cell_group",
         .type = NPY_INT32,
         .role = RR_OUT,
         .length = &room,
         .object = cell_group},
        {.name = "cell_day",
         .type = NPY_INT32,
         .role = RR_OUT,
         .length = &room,
         .object = cell_day},
        {.name = "events", .type = NPY_INT64, .role = RR_OUT, .length = &room, .object = events},
        {.name = "censored",
         .type = NPY_INT64,
         .role = RR_OUT,
         .length = &room,
         .object = censored},
    };
    if (rr_arrays_check(a, 4) < 0) {
        return NULL;
    }
    room = rr_tally_days_room(a[0].n, n_groups, days);
    if (rr_arrays_check(a + 4, COUNT(a) - 4) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status =
        rr_tally_days(a[0].n, a[0].data, a[1].data, a[2].data, a[3].data, n_groups, days, &n_cells,
                      a[4].data, a[5].data, a[6].data, a[7].data, &poll, &error);
    Py_END_ALLOW_THREADS if (status != RR_OK)
    {
        return rr_raise(status, &error);
    }
    return PyLong_FromLongLong(n_cells);
}

static PyObject *curve(PyObject *module, PyObject *args)
{
    PyObject *cell_group, *events, *censored, *at_risk, *risk, *std_error;
    rr_error error;
    rr_status status;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOOO:curve", &cell_group, &events, &censored, &at_risk, &risk,
                          &std_error)) {
        return NULL;
    }
    rr_array a[] = {
        {.name = "cell_group", .type = NPY_INT32, .role = RR_IN, .object = cell_group},
        {.name = "events", .type = NPY_INT64, .role = RR_IN, .length = &a[0].n, .object = events},
        {.name = "censored",
         .type = NPY_INT64,
         .role = RR_IN,
         .length = &a[0].n,
         .object = censored},
        {.name = "at_risk",
         .type = NPY_INT64,
         .role = RR_OUT,
         .length = &a[0].n,
         .object = at_risk},
        {.name = "risk", .type = NPY_DOUBLE, .role = RR_OUT, .length = &a[0].n, .object = risk},
        {.name = "std_error",
         .type = NPY_DOUBLE,
         .role = RR_OUT,
         .length = &a[0].n,
         .object = std_error},
    };
    if (rr_arrays_check(a, COUNT(a)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status =
        rr_curve(a[0].n, a[0].data, a[1].data, a[2].data, a[3].data, a[4].data, a[5].data, &error);
    Py_END_ALLOW_THREADS if (status != RR_OK)
    {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

static PyObject *loglog_limits(PyObject *module, PyObject *args)
{
    PyObject *risk, *std_error, *lower, *upper;
    double z;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOdOO:loglog_limits", &risk, &std_error, &z, &lower, &upper)) {
        return NULL;
    }
    rr_array a[] = {
        {.name = "risk", .type = NPY_DOUBLE, .role = RR_IN, .object = risk},
        {.name = "std_error",
         .type = NPY_DOUBLE,
         .role = RR_IN,
         .length = &a[0].n,
         .object = std_error},
        {.name = "lower", .type = NPY_DOUBLE, .role = RR_OUT, .length = &a[0].n, .object = lower},
        {.name = "upper", .type = NPY_DOUBLE, .role = RR_OUT, .length = &a[0].n, .object = upper},
    };
    if (rr_arrays_check(a, COUNT(a)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS rr_loglog_limits(a[0].n, a[0].data, a[1].data, z, a[2].data, a[3].data);
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

PyMethodDef rr_py_tally_methods[] = {
    {"tally", tally, METH_VARARGS, "tally(group, use, hit, n, linked): counts by group."},
    {"tally_clusters", tally_clusters, METH_VARARGS,
     "tally_clusters(cluster, group, use, hit, clusters, n_squared, n_linked, linked_squared): "
     "sums "
     "over the clusters of each group."},
    {"longest", longest, METH_VARARGS, "longest(duration, use) -> days."},
    {"tally_days_room", tally_days_room, METH_VARARGS,
     "tally_days_room(n_rows, n_groups, longest) -> the most cells of tally_days."},
    {"tally_days", tally_days, METH_VARARGS,
     "tally_days(duration, event, group, use, n_groups, longest, cell_group, cell_day, events, "
     "censored) -> n_cells: the group x day tally."},
    {"curve", curve, METH_VARARGS,
     "curve(cell_group, events, censored, at_risk, risk, std_error): Kaplan-Meier over the cells."},
    {"loglog_limits", loglog_limits, METH_VARARGS,
     "loglog_limits(risk, std_error, z, lower, upper): limits on the log-log scale."},
    {NULL, NULL, 0, NULL},
};
