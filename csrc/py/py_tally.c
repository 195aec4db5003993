#include "binding.h"
#include "tally.h"

#define COUNT(arrays) (sizeof(arrays) / sizeof *(arrays))

PyDoc_STRVAR(tally_doc, "tally($module, group, use, hit, n, linked, /)\n--\n\n"
                        "Write the rows and the hits of each group into the last two arrays.");

static PyObject *tally(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"hit", NPY_BOOL, RR_IN, NULL, NULL, NULL, 0},
                         {"group", NPY_INT32, RR_IN_OR_NONE, &arrays[0].n, NULL, NULL, 0},
                         {"use", NPY_BOOL, RR_IN_OR_NONE, &arrays[0].n, NULL, NULL, 0},
                         {"n", NPY_INT64, RR_OUT, NULL, NULL, NULL, 0},
                         {"linked", NPY_INT64, RR_OUT, &arrays[3].n, NULL, NULL, 0}};
    rr_grouped rows;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOOO:tally", &arrays[1].object, &arrays[2].object,
                          &arrays[0].object, &arrays[3].object, &arrays[4].object) ||
        rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return NULL;
    }
    rows = (rr_grouped){arrays[1].data, arrays[2].data, arrays[0].n, arrays[3].n};
    Py_BEGIN_ALLOW_THREADS
    status = rr_tally(&rows, arrays[0].data, arrays[3].data, arrays[4].data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(codes_seen_doc, "codes_seen($module, codes, use, seen, /)\n--\n\n"
                             "Write into the last array which codes occur.");

static PyObject *codes_seen(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"codes", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                         {"use", NPY_BOOL, RR_IN_OR_NONE, &arrays[0].n, NULL, NULL, 0},
                         {"seen", NPY_BOOL, RR_OUT, NULL, NULL, NULL, 0}};
    rr_grouped rows;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOO:codes_seen", &arrays[0].object, &arrays[1].object,
                          &arrays[2].object) ||
        rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return NULL;
    }
    rows = (rr_grouped){arrays[0].data, arrays[1].data, arrays[0].n, arrays[2].n};
    Py_BEGIN_ALLOW_THREADS
    status = rr_codes_seen(&rows, arrays[2].data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(codes_map_doc, "codes_map($module, codes, to, null, mapped, /)\n--\n\n"
                            "Write to[code] of each code, null of -1, into the last array.");

static PyObject *codes_map(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"codes", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                         {"to", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                         {"mapped", NPY_INT32, RR_OUT, &arrays[0].n, NULL, NULL, 0}};
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    int null;

    if (!PyArg_ParseTuple(args, "OOiO:codes_map", &arrays[0].object, &arrays[1].object, &null,
                          &arrays[2].object) ||
        rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_codes_map(arrays[0].data, arrays[0].n, arrays[1].data, arrays[1].n, null,
                          arrays[2].data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(codes_join_doc,
             "codes_join($module, columns, use, joined, seen, /)\n--\n\n"
             "Join columns (codes, to, null, n_ranks) of one length to one: to[code] of each, null "
             "of -1, in [0, n_ranks). Write into the last array which numbers rows in use have.");

/* One column to join; its length must be *n, unless that is -1: then it decides it. */
static int coded_column(PyObject *tuple, int64_t *n, rr_coded *column)
{
    PyObject *codes, *to;
    long long n_ranks;
    int null, type;

    if (!PyArg_ParseTuple(tuple, "OOiL:codes_join", &codes, &to, &null, &n_ranks)) {
        return -1;
    }
    type = PyArray_Check(codes) ? PyArray_TYPE((PyArrayObject *)codes) : NPY_INT32;
    type = type == NPY_INT8 || type == NPY_INT16 ? type : NPY_INT32;
    rr_array arrays[] = {{"codes", type, RR_IN, *n < 0 ? NULL : n, codes, NULL, 0},
                         {"to", NPY_INT32, RR_IN, NULL, to, NULL, 0}};

    if (rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return -1;
    }
    *n = arrays[0].n;
    *column = (rr_coded){.codes = arrays[0].data,
                         .size = type == NPY_INT8    ? 1
                                 : type == NPY_INT16 ? 2
                                                     : 4,
                         .to = arrays[1].data,
                         .n_codes = arrays[1].n,
                         .null = null,
                         .n_ranks = n_ranks};
    return 0;
}

static PyObject *codes_join(PyObject *self, PyObject *args)
{
    enum { COLUMNS_MAX = 64 };
    PyObject *list, *use, *joined, *seen;
    rr_coded columns[COLUMNS_MAX];
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    Py_ssize_t n_columns;
    int64_t n = -1;

    if (!PyArg_ParseTuple(args, "O!OOO:codes_join", &PyList_Type, &list, &use, &joined, &seen)) {
        return NULL;
    }
    n_columns = PyList_Size(list);
    if (n_columns < 1 || n_columns > COLUMNS_MAX) {
        PyErr_SetString(PyExc_ValueError, "from 1 to 64 columns are joined");
        return NULL;
    }
    for (Py_ssize_t k = 0; k < n_columns; k++) {
        if (coded_column(PyList_GetItem(list, k), &n, &columns[k]) < 0) {
            return NULL;
        }
    }
    rr_array arrays[] = {{"use", NPY_BOOL, RR_IN_OR_NONE, &n, use, NULL, 0},
                         {"joined", NPY_INT32, RR_OUT_OR_NONE, &n, joined, NULL, 0},
                         {"seen", NPY_BOOL, RR_OUT, NULL, seen, NULL, 0}};
    if (rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_codes_join(columns, (int)n_columns, n, arrays[0].data, arrays[2].n, arrays[1].data,
                           arrays[2].data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(codes_of_days_doc,
             "codes_of_days($module, days, first, of_day, null, codes, /)\n--\n\n"
             "Write of_day[day - first] of each day, null of a null day, into the last array.");

static PyObject *codes_of_days(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"days", NPY_INT64, RR_IN, NULL, NULL, NULL, 0},
                         {"of_day", NPY_INT8, RR_IN, NULL, NULL, NULL, 0},
                         {"codes", NPY_INT8, RR_OUT, &arrays[0].n, NULL, NULL, 0}};
    long long first;
    rr_days days;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    int null;

    if (!PyArg_ParseTuple(args, "OLOiO:codes_of_days", &arrays[0].object, &first, &arrays[1].object,
                          &null, &arrays[2].object) ||
        rr_days_expect(&arrays[0], &days) < 0 || rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return NULL;
    }
    rr_days_given(&arrays[0], &days);
    Py_BEGIN_ALLOW_THREADS
    status = rr_codes_of_days(&days, arrays[0].n, first, arrays[1].data, arrays[1].n, (int8_t)null,
                              arrays[2].data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(tally_clusters_doc,
             "tally_clusters($module, cluster, group, use, hit, clusters, n_squared, n_linked, "
             "linked_squared, /)\n--\n\n"
             "Write sums over the clusters of each group into the last four arrays.");

static PyObject *tally_clusters(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"cluster", NPY_UINT32, RR_IN, NULL, NULL, NULL, 0},
                         {"group", NPY_INT32, RR_IN_OR_NONE, &arrays[0].n, NULL, NULL, 0},
                         {"use", NPY_BOOL, RR_IN_OR_NONE, &arrays[0].n, NULL, NULL, 0},
                         {"hit", NPY_BOOL, RR_IN, &arrays[0].n, NULL, NULL, 0},
                         {"clusters", NPY_INT64, RR_OUT, NULL, NULL, NULL, 0},
                         {"n_squared", NPY_INT64, RR_OUT, &arrays[4].n, NULL, NULL, 0},
                         {"n_linked", NPY_INT64, RR_OUT, &arrays[4].n, NULL, NULL, 0},
                         {"linked_squared", NPY_INT64, RR_OUT, &arrays[4].n, NULL, NULL, 0}};
    rr_grouped rows;
    rr_cluster_sums sums;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOOOOOO:tally_clusters", &arrays[0].object, &arrays[1].object,
                          &arrays[2].object, &arrays[3].object, &arrays[4].object,
                          &arrays[5].object, &arrays[6].object, &arrays[7].object) ||
        rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return NULL;
    }
    rows = (rr_grouped){arrays[1].data, arrays[2].data, arrays[0].n, arrays[4].n};
    sums = (rr_cluster_sums){arrays[4].data, arrays[5].data, arrays[6].data, arrays[7].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_tally_clusters(&rows, arrays[0].data, arrays[3].data, &sums, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(longest_doc,
             "longest($module, duration, use, /)\n--\n\nThe largest of the counted durations.");

static PyObject *longest(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"duration", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                         {"use", NPY_BOOL, RR_IN_OR_NONE, &arrays[0].n, NULL, NULL, 0}};
    rr_grouped rows;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    int32_t days = 0;

    if (!PyArg_ParseTuple(args, "OO:longest", &arrays[0].object, &arrays[1].object) ||
        rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return NULL;
    }
    rows = (rr_grouped){NULL, arrays[1].data, arrays[0].n, 1};
    Py_BEGIN_ALLOW_THREADS
    status = rr_longest(&rows, arrays[0].data, &days, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return PyLong_FromLong(days);
}

PyDoc_STRVAR(tally_days_room_doc, "tally_days_room($module, n, n_groups, longest, /)\n--\n\n"
                                  "The most cells that tally_days can write.");

static PyObject *tally_days_room(PyObject *self, PyObject *args)
{
    long long n, n_groups;
    int days;

    (void)self;
    if (!PyArg_ParseTuple(args, "LLi:tally_days_room", &n, &n_groups, &days)) {
        return NULL;
    }
    return PyLong_FromLongLong(rr_tally_days_room(n, n_groups, days));
}

PyDoc_STRVAR(
    tally_days_doc,
    "tally_days($module, duration, cause, n_causes, group, use, n_groups, longest, cell_group, "
    "cell_day, events, censored, /)\n--\n\n"
    "Write the group x day tally into the last four arrays; return the number of cells.");

static PyObject *tally_days(PyObject *self, PyObject *args)
{
    int64_t room, events_room;
    rr_array in[] = {{"duration", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                     {"cause", NPY_INT8, RR_IN, &in[0].n, NULL, NULL, 0},
                     {"group", NPY_INT32, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0},
                     {"use", NPY_BOOL, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0}};
    rr_array out[] = {{"cell_group", NPY_INT32, RR_OUT, &room, NULL, NULL, 0},
                      {"cell_day", NPY_INT32, RR_OUT, &room, NULL, NULL, 0},
                      {"events", NPY_INT64, RR_OUT, &events_room, NULL, NULL, 0},
                      {"censored", NPY_INT64, RR_OUT, &room, NULL, NULL, 0}};
    rr_grouped rows;
    rr_cells cells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    long long n_groups;
    int days, n_causes;
    int64_t n_cells = 0;

    if (!PyArg_ParseTuple(args, "OOiOOLiOOOO:tally_days", &in[0].object, &in[1].object, &n_causes,
                          &in[2].object, &in[3].object, &n_groups, &days, &out[0].object,
                          &out[1].object, &out[2].object, &out[3].object) ||
        rr_arrays_check(in, COUNT(in)) < 0) {
        return NULL;
    }
    room = rr_tally_days_room(in[0].n, n_groups, days);
    events_room = rr_curve_room(room, n_causes);
    if (rr_arrays_check(out, COUNT(out)) < 0) {
        return NULL;
    }
    rows = (rr_grouped){in[2].data, in[3].data, in[0].n, n_groups};
    cells = (rr_cells){out[0].data, out[1].data, out[2].data, out[3].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_tally_days(&rows, in[0].data, in[1].data, n_causes, days, &cells, &n_cells, &call,
                           &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return PyLong_FromLongLong(n_cells);
}

PyDoc_STRVAR(curve_doc,
             "curve($module, cell_group, n_causes, events, censored, at_risk, risk, std_error, /)\n"
             "--\n\n"
             "Write Kaplan-Meier, or Aalen-Johansen, over the cells into the last three arrays.");

static PyObject *curve(PyObject *self, PyObject *args)
{
    int64_t wide;
    rr_array arrays[] = {{"cell_group", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                         {"censored", NPY_INT64, RR_IN, &arrays[0].n, NULL, NULL, 0},
                         {"at_risk", NPY_INT64, RR_OUT, &arrays[0].n, NULL, NULL, 0}};
    rr_array by_cause[] = {{"events", NPY_INT64, RR_IN, &wide, NULL, NULL, 0},
                           {"risk", NPY_DOUBLE, RR_OUT, &wide, NULL, NULL, 0},
                           {"std_error", NPY_DOUBLE, RR_OUT_OR_NONE, &wide, NULL, NULL, 0}};
    rr_cells cells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    int n_causes;

    if (!PyArg_ParseTuple(args, "OiOOOOO:curve", &arrays[0].object, &n_causes, &by_cause[0].object,
                          &arrays[1].object, &arrays[2].object, &by_cause[1].object,
                          &by_cause[2].object) ||
        rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return NULL;
    }
    wide = rr_curve_room(arrays[0].n, n_causes);
    if (rr_arrays_check(by_cause, COUNT(by_cause)) < 0) {
        return NULL;
    }
    cells = (rr_cells){arrays[0].data, NULL, by_cause[0].data, arrays[1].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_curve(&cells, arrays[0].n, n_causes, arrays[2].data, by_cause[1].data,
                      by_cause[2].data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

typedef rr_status limits_of(int64_t n, const double *estimate, const double *std_error, double z,
                            double *lower, double *upper, const rr_call *call, rr_error *error);

static PyObject *limits(PyObject *self, PyObject *args, const char *format, limits_of *write)
{
    rr_array arrays[] = {{"estimate", NPY_DOUBLE, RR_IN, NULL, NULL, NULL, 0},
                         {"std_error", NPY_DOUBLE, RR_IN, &arrays[0].n, NULL, NULL, 0},
                         {"lower", NPY_DOUBLE, RR_OUT, &arrays[0].n, NULL, NULL, 0},
                         {"upper", NPY_DOUBLE, RR_OUT, &arrays[0].n, NULL, NULL, 0}};
    double z;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, format, &arrays[0].object, &arrays[1].object, &z, &arrays[2].object,
                          &arrays[3].object) ||
        rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = write(arrays[0].n, arrays[0].data, arrays[1].data, z, arrays[2].data, arrays[3].data,
                   &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(loglog_limits_doc,
             "loglog_limits($module, risk, std_error, z, lower, upper, /)\n--\n\n"
             "Write log-log limits of each risk into the last two arrays.");

static PyObject *loglog_limits(PyObject *self, PyObject *args)
{
    return limits(self, args, "OOdOO:loglog_limits", rr_loglog_limits);
}

PyDoc_STRVAR(log_limits_doc, "log_limits($module, mean, std_error, z, lower, upper, /)\n--\n\n"
                             "Write log limits of each mean into the last two arrays.");

static PyObject *log_limits(PyObject *self, PyObject *args)
{
    return limits(self, args, "OOdOO:log_limits", rr_log_limits);
}

PyDoc_STRVAR(
    curve_clusters_doc,
    "curve_clusters($module, duration, cause, n_causes, repeats, cluster, group, use, cell_group, "
    "cell_day, events, censored, clusters, std_error, /)\n--\n\n"
    "Write the clusters of each group, and standard errors by cluster, into the last two arrays.");

static PyObject *curve_clusters(PyObject *self, PyObject *args)
{
    int64_t wide, targets;
    rr_array in[] = {{"duration", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                     {"cause", NPY_INT8, RR_IN, &in[0].n, NULL, NULL, 0},
                     {"cluster", NPY_UINT32, RR_IN, &in[0].n, NULL, NULL, 0},
                     {"group", NPY_INT32, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0},
                     {"use", NPY_BOOL, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0},
                     {"cell_group", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                     {"cell_day", NPY_INT32, RR_IN, &in[5].n, NULL, NULL, 0},
                     {"censored", NPY_INT64, RR_IN, &in[5].n, NULL, NULL, 0},
                     {"clusters", NPY_INT64, RR_OUT, NULL, NULL, NULL, 0}};
    rr_array by_cause[] = {{"events", NPY_INT64, RR_IN, &wide, NULL, NULL, 0},
                           {"std_error", NPY_DOUBLE, RR_OUT, &targets, NULL, NULL, 0}};
    rr_leavers rows;
    rr_cells cells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    int n_causes, repeats;

    if (!PyArg_ParseTuple(args, "OOipOOOOOOOOO:curve_clusters", &in[0].object, &in[1].object,
                          &n_causes, &repeats, &in[2].object, &in[3].object, &in[4].object,
                          &in[5].object, &in[6].object, &by_cause[0].object, &in[7].object,
                          &in[8].object, &by_cause[1].object) ||
        rr_arrays_check(in, COUNT(in)) < 0) {
        return NULL;
    }
    wide = rr_curve_room(in[5].n, n_causes);
    targets = repeats ? in[5].n : wide;
    if (rr_arrays_check(by_cause, COUNT(by_cause)) < 0) {
        return NULL;
    }
    rows = (rr_leavers){
        {in[3].data, in[4].data, in[0].n, in[8].n}, in[0].data, in[1].data, in[2].data};
    cells = (rr_cells){in[5].data, in[6].data, by_cause[0].data, in[7].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_curve_clusters(&rows, n_causes, repeats, &cells, in[5].n, in[8].data,
                               by_cause[1].data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(
    event_items_doc,
    "event_items($module, duration, terminal, offsets, days, cluster, group, use, n_groups, "
    "item_group, item_day, item_cause, item_cluster, /)\n--\n\n"
    "Write rows and events, as tally_days takes them, into the last four arrays; return "
    "their number.");

static PyObject *event_items(PyObject *self, PyObject *args)
{
    int64_t n_offsets, room, n_items = 0;
    rr_array in[] = {{"duration", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                     {"terminal", NPY_BOOL, RR_IN, &in[0].n, NULL, NULL, 0},
                     {"cluster", NPY_UINT32, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0},
                     {"group", NPY_INT32, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0},
                     {"use", NPY_BOOL, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0},
                     {"days", NPY_INT32, RR_IN, NULL, NULL, NULL, 0}};
    rr_array rest[] = {{"offsets", NPY_INT64, RR_IN, &n_offsets, NULL, NULL, 0},
                       {"item_group", NPY_INT32, RR_OUT, &room, NULL, NULL, 0},
                       {"item_day", NPY_INT32, RR_OUT, &room, NULL, NULL, 0},
                       {"item_cause", NPY_INT8, RR_OUT, &room, NULL, NULL, 0},
                       {"item_cluster", NPY_UINT32, RR_OUT, &room, NULL, NULL, 0}};
    rr_histories rows;
    rr_items items;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    long long n_groups;

    if (!PyArg_ParseTuple(args, "OOOOOOOLOOOO:event_items", &in[0].object, &in[1].object,
                          &rest[0].object, &in[5].object, &in[2].object, &in[3].object,
                          &in[4].object, &n_groups, &rest[1].object, &rest[2].object,
                          &rest[3].object, &rest[4].object) ||
        rr_arrays_check(in, COUNT(in)) < 0) {
        return NULL;
    }
    n_offsets = in[0].n + 1;
    room = in[0].n + in[5].n;
    if (rr_arrays_check(rest, COUNT(rest)) < 0) {
        return NULL;
    }
    rows = (rr_histories){{in[3].data, in[4].data, in[0].n, n_groups},
                          in[0].data,
                          in[1].data,
                          in[2].data,
                          rest[0].data,
                          in[5].data,
                          in[5].n};
    items = (rr_items){rest[1].data, rest[2].data, rest[3].data, rest[4].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_event_items(&rows, &items, &n_items, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return PyLong_FromLongLong(n_items);
}

PyDoc_STRVAR(mean_count_doc,
             "mean_count($module, cell_group, events, censored, at_risk, mean, /)\n--\n\n"
             "Write the mean cumulative count over the cells into the last two arrays.");

static PyObject *mean_count(PyObject *self, PyObject *args)
{
    int64_t wide;
    rr_array arrays[] = {{"cell_group", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                         {"censored", NPY_INT64, RR_IN, &arrays[0].n, NULL, NULL, 0},
                         {"at_risk", NPY_INT64, RR_OUT, &arrays[0].n, NULL, NULL, 0},
                         {"mean", NPY_DOUBLE, RR_OUT, &arrays[0].n, NULL, NULL, 0}};
    rr_array events = {"events", NPY_INT64, RR_IN, &wide, NULL, NULL, 0};
    rr_cells cells;
    rr_error error;
    rr_status status;

    (void)self;
    if (!PyArg_ParseTuple(args, "OOOOO:mean_count", &arrays[0].object, &events.object,
                          &arrays[1].object, &arrays[2].object, &arrays[3].object) ||
        rr_arrays_check(arrays, COUNT(arrays)) < 0) {
        return NULL;
    }
    wide = rr_curve_room(arrays[0].n, 2);
    if (rr_arrays_check(&events, 1) < 0) {
        return NULL;
    }
    cells = (rr_cells){arrays[0].data, NULL, events.data, arrays[1].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_mean_count(&cells, arrays[0].n, arrays[2].data, arrays[3].data, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyMethodDef rr_py_tally_methods[] = {
    {"tally", tally, METH_VARARGS, tally_doc},
    {"codes_seen", codes_seen, METH_VARARGS, codes_seen_doc},
    {"codes_map", codes_map, METH_VARARGS, codes_map_doc},
    {"codes_join", codes_join, METH_VARARGS, codes_join_doc},
    {"codes_of_days", codes_of_days, METH_VARARGS, codes_of_days_doc},
    {"tally_clusters", tally_clusters, METH_VARARGS, tally_clusters_doc},
    {"longest", longest, METH_VARARGS, longest_doc},
    {"tally_days_room", tally_days_room, METH_VARARGS, tally_days_room_doc},
    {"tally_days", tally_days, METH_VARARGS, tally_days_doc},
    {"curve", curve, METH_VARARGS, curve_doc},
    {"loglog_limits", loglog_limits, METH_VARARGS, loglog_limits_doc},
    {"log_limits", log_limits, METH_VARARGS, log_limits_doc},
    {"curve_clusters", curve_clusters, METH_VARARGS, curve_clusters_doc},
    {"event_items", event_items, METH_VARARGS, event_items_doc},
    {"mean_count", mean_count, METH_VARARGS, mean_count_doc},
    {NULL, NULL, 0, NULL},
};
