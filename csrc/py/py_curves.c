#include "binding.h"
#include "mean_sweep.h"
#include "tally.h"

/* The columns of cells, as Python gives them; a cell_day that is not asked for is NULL. */
enum { CELL_GROUP, CELL_DAY, EVENTS, CENSORED, N_CELL_COLUMNS };

/* Reads cells of so many causes, which the call reads or writes; `length` is how many there must be, or
 * NULL: any. Returns their number, or -1 with an error set. */
static int64_t read_cells(PyObject *const *columns, rr_role role, int n_causes,
                          const int64_t *length, rr_cells *cells)
{
    rr_role day_role = columns[CELL_DAY] == NULL ? RR_IN_OR_NONE : role;
    int64_t n, by_cause;
    rr_array arrays[] = {{"cell_group", NPY_INT32, role, length, columns[CELL_GROUP], NULL, 0},
                         {"cell_day", NPY_INT32, day_role, &n, columns[CELL_DAY], NULL, 0},
                         {"events", NPY_INT64, role, &by_cause, columns[EVENTS], NULL, 0},
                         {"censored", NPY_INT64, role, &n, columns[CENSORED], NULL, 0}};

    if (rr_arrays_check(arrays, 1) < 0) {
        return -1;
    }
    n = arrays[0].n;
    by_cause = rr_curve_room(n, n_causes);
    if (rr_arrays_check(arrays + 1, RR_COUNT(arrays) - 1) < 0) {
        return -1;
    }
    *cells = (rr_cells){arrays[0].data, arrays[1].data, arrays[2].data, arrays[3].data};
    return n;
}

/* ---------------------------------------------------------------- tally by day, curves */

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
        rr_arrays_check(arrays, RR_COUNT(arrays)) < 0) {
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
    PyObject *columns[N_CELL_COLUMNS];
    rr_array in[] = {{"duration", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                     {"cause", NPY_INT8, RR_IN, &in[0].n, NULL, NULL, 0},
                     {"group", NPY_INT32, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0},
                     {"use", NPY_BOOL, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0}};
    rr_grouped rows;
    rr_cells cells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    long long n_groups;
    int days, n_causes;
    int64_t room, n_cells = 0;

    if (!PyArg_ParseTuple(args, "OOiOOLiOOOO:tally_days", &in[0].object, &in[1].object, &n_causes,
                          &in[2].object, &in[3].object, &n_groups, &days, &columns[CELL_GROUP],
                          &columns[CELL_DAY], &columns[EVENTS], &columns[CENSORED]) ||
        rr_arrays_check(in, RR_COUNT(in)) < 0) {
        return NULL;
    }
    room = rr_tally_days_room(in[0].n, n_groups, days);
    if (read_cells(columns, RR_OUT, n_causes, &room, &cells) < 0) {
        return NULL;
    }
    rows = (rr_grouped){in[2].data, in[3].data, in[0].n, n_groups};
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
    int64_t n, by_cause;
    PyObject *columns[N_CELL_COLUMNS] = {NULL};
    rr_array out[] = {{"at_risk", NPY_INT64, RR_OUT, &n, NULL, NULL, 0},
                      {"risk", NPY_DOUBLE, RR_OUT, &by_cause, NULL, NULL, 0},
                      {"std_error", NPY_DOUBLE, RR_OUT_OR_NONE, &by_cause, NULL, NULL, 0}};
    rr_cells cells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    int n_causes;

    if (!PyArg_ParseTuple(args, "OiOOOOO:curve", &columns[CELL_GROUP], &n_causes, &columns[EVENTS],
                          &columns[CENSORED], &out[0].object, &out[1].object, &out[2].object)) {
        return NULL;
    }
    n = read_cells(columns, RR_IN, n_causes, NULL, &cells);
    by_cause = rr_curve_room(n, n_causes);
    if (n < 0 || rr_arrays_check(out, RR_COUNT(out)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_curve(&cells, n, n_causes, out[0].data, out[1].data, out[2].data, &call, &error);
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
        rr_arrays_check(arrays, RR_COUNT(arrays)) < 0) {
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
    int64_t n_cells, by_target;
    PyObject *columns[N_CELL_COLUMNS];
    rr_array in[] = {{"duration", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                     {"cause", NPY_INT8, RR_IN, &in[0].n, NULL, NULL, 0},
                     {"cluster", NPY_UINT32, RR_IN, &in[0].n, NULL, NULL, 0},
                     {"group", NPY_INT32, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0},
                     {"use", NPY_BOOL, RR_IN_OR_NONE, &in[0].n, NULL, NULL, 0}};
    rr_array out[] = {{"clusters", NPY_INT64, RR_OUT, NULL, NULL, NULL, 0},
                      {"std_error", NPY_DOUBLE, RR_OUT, &by_target, NULL, NULL, 0}};
    rr_leavers rows;
    rr_cells cells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;
    int n_causes, repeats;

    if (!PyArg_ParseTuple(args, "OOipOOOOOOOOO:curve_clusters", &in[0].object, &in[1].object,
                          &n_causes, &repeats, &in[2].object, &in[3].object, &in[4].object,
                          &columns[CELL_GROUP], &columns[CELL_DAY], &columns[EVENTS],
                          &columns[CENSORED], &out[0].object, &out[1].object) ||
        rr_arrays_check(in, RR_COUNT(in)) < 0) {
        return NULL;
    }
    n_cells = read_cells(columns, RR_IN, n_causes, NULL, &cells);
    by_target = repeats ? n_cells : rr_curve_room(n_cells, n_causes);
    if (n_cells < 0 || rr_arrays_check(out, RR_COUNT(out)) < 0) {
        return NULL;
    }
    rows = (rr_leavers){
        {in[3].data, in[4].data, in[0].n, out[0].n}, in[0].data, in[1].data, in[2].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_curve_clusters(&rows, n_causes, repeats, &cells, n_cells, out[0].data, out[1].data,
                               &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- mean cumulative count */

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
        rr_arrays_check(in, RR_COUNT(in)) < 0) {
        return NULL;
    }
    n_offsets = in[0].n + 1;
    room = in[0].n + in[5].n;
    if (rr_arrays_check(rest, RR_COUNT(rest)) < 0) {
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
    int64_t n;
    PyObject *columns[N_CELL_COLUMNS] = {NULL};
    rr_array out[] = {{"at_risk", NPY_INT64, RR_OUT, &n, NULL, NULL, 0},
                      {"mean", NPY_DOUBLE, RR_OUT, &n, NULL, NULL, 0}};
    rr_cells cells;
    rr_error error;
    rr_status status;

    (void)self;
    if (!PyArg_ParseTuple(args, "OOOOO:mean_count", &columns[CELL_GROUP], &columns[EVENTS],
                          &columns[CENSORED], &out[0].object, &out[1].object)) {
        return NULL;
    }
    n = read_cells(columns, RR_IN, RR_ITEM_CAUSES, NULL, &cells);
    if (n < 0 || rr_arrays_check(out, RR_COUNT(out)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_mean_count(&cells, n, out[0].data, out[1].data, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

enum { DURATION, TERMINAL, GROUP, COUNTED, CLUSTER, N_ROW_ARRAYS };

/* Reads index rows with their events: (parts, rule, n_events, n_groups, longest, duration, terminal, group,
 * use, cluster). */
static int read_recurrences(PyObject *object, rr_rule *rule, rr_recurrences *of)
{
    rr_array arrays[N_ROW_ARRAYS] = {
        [DURATION] = {"duration", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
        [TERMINAL] = {"terminal", NPY_BOOL, RR_IN, &arrays[DURATION].n, NULL, NULL, 0},
        [GROUP] = {"group", NPY_INT32, RR_IN_OR_NONE, &arrays[DURATION].n, NULL, NULL, 0},
        [COUNTED] = {"use", NPY_BOOL, RR_IN_OR_NONE, &arrays[DURATION].n, NULL, NULL, 0},
        [CLUSTER] = {"cluster", NPY_UINT32, RR_IN_OR_NONE, &arrays[DURATION].n, NULL, NULL, 0}};
    PyObject *rule_object;
    long long n_events, n_groups;
    int longest;

    *of = (rr_recurrences){.rule = rule};
    if (!PyTuple_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "rows with their events are a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(object, "O&OLLiOOOOO;rows with their events have ten parts",
                          rr_read_parts, &of->parts, &rule_object, &n_events, &n_groups, &longest,
                          &arrays[DURATION].object, &arrays[TERMINAL].object, &arrays[GROUP].object,
                          &arrays[COUNTED].object, &arrays[CLUSTER].object) ||
        rr_arrays_check(arrays, N_ROW_ARRAYS) < 0 ||
        rr_read_rule(rule_object, arrays[DURATION].n, n_events, rule) < 0) {
        return -1;
    }
    of->n_events = n_events;
    of->grouped = (rr_grouped){arrays[GROUP].data, arrays[COUNTED].data, arrays[DURATION].n,
                               n_groups};
    of->duration = arrays[DURATION].data;
    of->terminal = arrays[TERMINAL].data;
    of->cluster = arrays[CLUSTER].data;
    of->longest = longest;
    return 0;
}

PyDoc_STRVAR(
    mean_cells_doc,
    "mean_cells($module, rows, cell_group, cell_day, events, censored, /)\n--\n\n"
    "Write the group x day tally of rows and their events into the last four arrays; return "
    "the number of cells.");

static PyObject *mean_cells(PyObject *self, PyObject *args)
{
    int64_t room, n_cells = 0;
    PyObject *rows, *columns[N_CELL_COLUMNS];
    rr_rule rule;
    rr_recurrences of;
    rr_cells cells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOOO:mean_cells", &rows, &columns[CELL_GROUP], &columns[CELL_DAY],
                          &columns[EVENTS], &columns[CENSORED]) ||
        read_recurrences(rows, &rule, &of) < 0) {
        return NULL;
    }
    room = read_cells(columns, RR_OUT, RR_ITEM_CAUSES, NULL, &cells);
    if (room < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_mean_cells(&of, room, &cells, &n_cells, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return PyLong_FromLongLong(n_cells);
}

PyDoc_STRVAR(
    mean_clusters_doc,
    "mean_clusters($module, rows, cell_group, cell_day, events, censored, clusters, "
    "std_error, /)\n--\n\n"
    "Write the clusters of each group, and standard errors by cell, into the last two arrays.");

static PyObject *mean_clusters(PyObject *self, PyObject *args)
{
    int64_t n_cells;
    rr_recurrences of;
    PyObject *rows, *columns[N_CELL_COLUMNS];
    rr_array out[] = {{"clusters", NPY_INT64, RR_OUT, &of.grouped.n_groups, NULL, NULL, 0},
                      {"std_error", NPY_DOUBLE, RR_OUT, &n_cells, NULL, NULL, 0}};
    rr_rule rule;
    rr_cells cells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOOOOO:mean_clusters", &rows, &columns[CELL_GROUP],
                          &columns[CELL_DAY], &columns[EVENTS], &columns[CENSORED], &out[0].object,
                          &out[1].object) ||
        read_recurrences(rows, &rule, &of) < 0) {
        return NULL;
    }
    n_cells = read_cells(columns, RR_IN, RR_ITEM_CAUSES, NULL, &cells);
    if (n_cells < 0 || rr_arrays_check(out, RR_COUNT(out)) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_mean_clusters(&of, &cells, n_cells, out[0].data, out[1].data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyMethodDef rr_py_curves_methods[] = {
    {"longest", longest, METH_VARARGS, longest_doc},
    {"tally_days_room", tally_days_room, METH_VARARGS, tally_days_room_doc},
    {"tally_days", tally_days, METH_VARARGS, tally_days_doc},
    {"curve", curve, METH_VARARGS, curve_doc},
    {"loglog_limits", loglog_limits, METH_VARARGS, loglog_limits_doc},
    {"log_limits", log_limits, METH_VARARGS, log_limits_doc},
    {"curve_clusters", curve_clusters, METH_VARARGS, curve_clusters_doc},
    {"event_items", event_items, METH_VARARGS, event_items_doc},
    {"mean_count", mean_count, METH_VARARGS, mean_count_doc},
    {"mean_cells", mean_cells, METH_VARARGS, mean_cells_doc},
    {"mean_clusters", mean_clusters, METH_VARARGS, mean_clusters_doc},
    {NULL, NULL, 0, NULL},
};
