#include "binding.h"
#include "mean_sweep.h"

#include <stdlib.h>

enum {
    APART,
    USE,
    ANCHOR,
    SELF_ROW,
    LOWER,
    UPPER,
    CONFIRM_BY, /* so far by index row, from here by event row */
    EVENT_DAY,
    VETOED,
    CONFIRMED,
    N_RULE_ARRAYS
};

/* Reads a rule: (window, last_row, stop_near, stop_veto, take, claim_latest, same_table, apart, use, anchor,
 * self_row, lower, upper, confirm_by, event_day, vetoed, confirmed). The arrays live as long as it. */
static int read_rule(PyObject *object, int64_t n_index, int64_t n_events, rr_rule *rule)
{
    rr_array arrays[N_RULE_ARRAYS] = {
        [APART] = {"apart", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [USE] = {"use", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [ANCHOR] = {"anchor", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [SELF_ROW] = {"self_row", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [LOWER] = {"lower", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [UPPER] = {"upper", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [CONFIRM_BY] = {"confirm_by", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [EVENT_DAY] = {"event_day", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [VETOED] = {"vetoed", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [CONFIRMED] = {"confirmed", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0}};
    int last_row, stop_near, stop_veto;
    long long take;

    *rule = (rr_rule){0};
    if (!PyTuple_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "a rule is a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(object, "O&pppLppOOOOOOOOOO;a rule has seventeen parts", rr_read_window,
                          &rule->window, &last_row, &stop_near, &stop_veto, &take,
                          &rule->claim_latest, &rule->same_table, &arrays[APART].object,
                          &arrays[USE].object, &arrays[ANCHOR].object, &arrays[SELF_ROW].object,
                          &arrays[LOWER].object, &arrays[UPPER].object, &arrays[CONFIRM_BY].object,
                          &arrays[EVENT_DAY].object, &arrays[VETOED].object,
                          &arrays[CONFIRMED].object)) {
        return -1;
    }
    if (rr_days_expect(&arrays[EVENT_DAY], &rule->event_day) < 0) {
        return -1;
    }
    for (int i = 0; i < N_RULE_ARRAYS; i++) {
        if (arrays[i].object != Py_None) {
            arrays[i].length = i < EVENT_DAY ? &n_index : &n_events;
        }
    }
    if (rr_arrays_check(arrays, N_RULE_ARRAYS) < 0) {
        return -1;
    }
    rule->ties = last_row ? RR_TIES_LAST_ROW : RR_TIES_FIRST_ROW;
    rule->near = stop_near ? RR_NEAR_STOP : RR_NEAR_SKIP;
    rule->veto = stop_veto ? RR_VETO_STOP : RR_VETO_SKIP;
    rule->take = take;
    rule->apart = arrays[APART].data;
    rule->use = arrays[USE].data;
    rule->anchor = arrays[ANCHOR].data;
    rule->self_row = arrays[SELF_ROW].data;
    rule->lower = arrays[LOWER].data;
    rule->upper = arrays[UPPER].data;
    rule->confirm_by = arrays[CONFIRM_BY].data;
    rr_days_given(&arrays[EVENT_DAY], &rule->event_day);
    rule->vetoed = arrays[VETOED].data;
    rule->confirmed = arrays[CONFIRMED].data;
    return 0;
}

PyDoc_STRVAR(
    link_doc,
    "link($module, parts, rule, n_index, n_events, event_row, gap_days, count, vetoed, /)\n--\n\n"
    "Write the match of each index row into the last four arrays.");

static PyObject *link_parts(PyObject *self, PyObject *args)
{
    int64_t length;
    rr_array arrays[] = {{"event_row", NPY_INT64, RR_OUT_OR_NONE, &length, NULL, NULL, 0},
                         {"gap_days", NPY_INT32, RR_OUT_OR_NONE, &length, NULL, NULL, 0},
                         {"count", NPY_INT64, RR_OUT_OR_NONE, &length, NULL, NULL, 0},
                         {"vetoed", NPY_BOOL, RR_OUT_OR_NONE, &length, NULL, NULL, 0}};
    PyObject *rule_object;
    rr_rule rule;
    rr_matches matches;
    long long n_index, n_events;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    const rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O&OLLOOOO:link", rr_read_parts, &parts, &rule_object, &n_index,
                          &n_events, &arrays[0].object, &arrays[1].object, &arrays[2].object,
                          &arrays[3].object)) {
        return NULL;
    }
    length = (int64_t)n_index;
    if (rr_arrays_check(arrays, 4) < 0 || read_rule(rule_object, length, n_events, &rule) < 0) {
        return NULL;
    }
    matches = (rr_matches){arrays[0].data, arrays[1].data, arrays[2].data, arrays[3].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_link(parts, &rule, length, (int64_t)n_events, &matches, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(narrow_doc, "narrow($module, windows, anchor, found, gap_days, /)\n--\n\n"
                         "Write the gaps of windows that end earlier than that of `found`.");

/* Reads the windows and the arrays of their gaps, which are as long as `found`. */
static int read_narrowed(PyObject *windows, PyObject *gap_days, int64_t *n, rr_narrowed *narrowed)
{
    for (Py_ssize_t w = 0; w < PyTuple_Size(windows); w++) {
        rr_array gaps = {"gap_days", NPY_INT32, RR_OUT, n, PyTuple_GetItem(gap_days, w), NULL, 0};

        if (!rr_read_window(PyTuple_GetItem(windows, w), &narrowed[w].window) ||
            rr_arrays_check(&gaps, 1) < 0) {
            return -1;
        }
        narrowed[w].gap_days = gaps.data;
    }
    return 0;
}

static PyObject *narrow(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{.name = "anchor", .type = NPY_INT64},
                         {"found", NPY_INT32, RR_IN, &arrays[0].n, NULL, NULL, 0}};
    PyObject *windows, *gap_days;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_narrowed *narrowed;
    rr_days anchors;
    rr_error error;
    rr_status status = RR_OK;
    int ready;

    if (!PyArg_ParseTuple(args, "O!OOO!:narrow", &PyTuple_Type, &windows, &arrays[0].object,
                          &arrays[1].object, &PyTuple_Type, &gap_days) ||
        rr_days_expect(&arrays[0], &anchors) < 0 || rr_arrays_check(arrays, 2) < 0) {
        return NULL;
    }
    rr_days_given(&arrays[0], &anchors);
    if (PyTuple_Size(windows) != PyTuple_Size(gap_days)) {
        PyErr_SetString(PyExc_ValueError, "narrow needs one array of gaps for each window");
        return NULL;
    }
    narrowed = calloc((size_t)PyTuple_Size(windows) + 1, sizeof *narrowed);
    if (narrowed == NULL) {
        return PyErr_NoMemory();
    }
    ready = read_narrowed(windows, gap_days, &arrays[0].n, narrowed) == 0;
    if (ready) {
        Py_BEGIN_ALLOW_THREADS
        status = rr_narrow(narrowed, PyTuple_Size(windows), &anchors, arrays[0].n, arrays[1].data,
                           &call, &error);
        Py_END_ALLOW_THREADS
    }
    free(narrowed);
    if (!ready) {
        return NULL;
    }
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(absorb_doc, "absorb($module, parts, rule, n_events, anchor, /)\n--\n\n"
                         "Write the day to which the anchor of each index row moves.");

static PyObject *absorb(PyObject *self, PyObject *args)
{
    rr_array anchor = {"anchor", NPY_INT64, RR_OUT, NULL, NULL, NULL, 0};
    PyObject *rule_object;
    rr_rule rule;
    long long n_events;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    const rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O&OLO:absorb", rr_read_parts, &parts, &rule_object, &n_events,
                          &anchor.object) ||
        rr_arrays_check(&anchor, 1) < 0 || read_rule(rule_object, anchor.n, n_events, &rule) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_absorb(parts, &rule, anchor.n, (int64_t)n_events, anchor.data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(pairs_count_doc, "pairs_count($module, parts, rule, n_events, offsets, /)\n--\n\n"
                              "Write where the pairs of each index row begin.");

static PyObject *pairs_count(PyObject *self, PyObject *args)
{
    rr_array offsets = {"offsets", NPY_INT64, RR_OUT, NULL, NULL, NULL, 0};
    PyObject *rule_object;
    rr_rule rule;
    long long n_events;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    const rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O&OLO:pairs_count", rr_read_parts, &parts, &rule_object, &n_events,
                          &offsets.object) ||
        rr_arrays_check(&offsets, 1) < 0) {
        return NULL;
    }
    if (offsets.n < 1) {
        PyErr_SetString(PyExc_ValueError, "offsets must have one element more than the index");
        return NULL;
    }
    if (read_rule(rule_object, offsets.n - 1, n_events, &rule) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_pairs_count(parts, &rule, offsets.n - 1, (int64_t)n_events, offsets.data, &call,
                            &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(pairs_fill_doc,
             "pairs_fill($module, parts, rule, n_events, offsets, event_row, gap_days, /)\n--\n\n"
             "Write the pairs of each index row.");

static PyObject *pairs_fill(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"offsets", NPY_INT64, RR_IN, NULL, NULL, NULL, 0},
                         {"event_row", NPY_INT64, RR_OUT, NULL, NULL, NULL, 0},
                         {"gap_days", NPY_INT32, RR_OUT, &arrays[1].n, NULL, NULL, 0}};
    PyObject *rule_object;
    rr_rule rule;
    long long n_events;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    const rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O&OLOOO:pairs_fill", rr_read_parts, &parts, &rule_object,
                          &n_events, &arrays[0].object, &arrays[1].object, &arrays[2].object) ||
        rr_arrays_check(arrays, 3) < 0) {
        return NULL;
    }
    if (arrays[0].n < 1 || ((const int64_t *)arrays[0].data)[arrays[0].n - 1] != arrays[1].n) {
        PyErr_SetString(PyExc_ValueError, "the last offset must be the number of pairs");
        return NULL;
    }
    if (read_rule(rule_object, arrays[0].n - 1, n_events, &rule) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_pairs_fill(parts, &rule, arrays[0].n - 1, (int64_t)n_events, arrays[0].data,
                           arrays[1].data, arrays[2].data, &call, &error);
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
        read_rule(rule_object, arrays[DURATION].n, n_events, rule) < 0) {
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
    int64_t wide, n_cells = 0;
    rr_array arrays[] = {{"cell_group", NPY_INT32, RR_OUT, NULL, NULL, NULL, 0},
                         {"cell_day", NPY_INT32, RR_OUT, &arrays[0].n, NULL, NULL, 0},
                         {"censored", NPY_INT64, RR_OUT, &arrays[0].n, NULL, NULL, 0}};
    rr_array events = {"events", NPY_INT64, RR_OUT, &wide, NULL, NULL, 0};
    PyObject *rows;
    rr_rule rule;
    rr_recurrences of;
    rr_cells cells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOOO:mean_cells", &rows, &arrays[0].object, &arrays[1].object,
                          &events.object, &arrays[2].object) ||
        read_recurrences(rows, &rule, &of) < 0 || rr_arrays_check(arrays, 3) < 0) {
        return NULL;
    }
    wide = rr_curve_room(arrays[0].n, 2);
    if (rr_arrays_check(&events, 1) < 0) {
        return NULL;
    }
    cells = (rr_cells){arrays[0].data, arrays[1].data, events.data, arrays[2].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_mean_cells(&of, arrays[0].n, &cells, &n_cells, &call, &error);
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
    int64_t wide, n_groups;
    rr_array arrays[] = {{"cell_group", NPY_INT32, RR_IN, NULL, NULL, NULL, 0},
                         {"cell_day", NPY_INT32, RR_IN, &arrays[0].n, NULL, NULL, 0},
                         {"censored", NPY_INT64, RR_IN, &arrays[0].n, NULL, NULL, 0},
                         {"std_error", NPY_DOUBLE, RR_OUT, &arrays[0].n, NULL, NULL, 0}};
    rr_array more[] = {{"events", NPY_INT64, RR_IN, &wide, NULL, NULL, 0},
                       {"clusters", NPY_INT64, RR_OUT, &n_groups, NULL, NULL, 0}};
    PyObject *rows;
    rr_rule rule;
    rr_recurrences of;
    rr_cells cells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOOOOO:mean_clusters", &rows, &arrays[0].object,
                          &arrays[1].object, &more[0].object, &arrays[2].object, &more[1].object,
                          &arrays[3].object) ||
        read_recurrences(rows, &rule, &of) < 0 || rr_arrays_check(arrays, 4) < 0) {
        return NULL;
    }
    wide = rr_curve_room(arrays[0].n, 2);
    n_groups = of.grouped.n_groups;
    if (rr_arrays_check(more, 2) < 0) {
        return NULL;
    }
    cells = (rr_cells){arrays[0].data, arrays[1].data, more[0].data, arrays[2].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_mean_clusters(&of, &cells, arrays[0].n, more[1].data, arrays[3].data, &call,
                              &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyMethodDef rr_py_sweep_methods[] = {
    {"link", link_parts, METH_VARARGS, link_doc},
    {"narrow", narrow, METH_VARARGS, narrow_doc},
    {"absorb", absorb, METH_VARARGS, absorb_doc},
    {"mean_cells", mean_cells, METH_VARARGS, mean_cells_doc},
    {"mean_clusters", mean_clusters, METH_VARARGS, mean_clusters_doc},
    {"pairs_count", pairs_count, METH_VARARGS, pairs_count_doc},
    {"pairs_fill", pairs_fill, METH_VARARGS, pairs_fill_doc},
    {NULL, NULL, 0, NULL},
};
