#include "binding.h"

#include <stdlib.h>

enum {
    APART,
    USE,
    ANCHOR,
    SELF_ROW,
    LOWER,
    UPPER,
    CONFIRM_BY,
    INDEX_DAY, /* so far by index row, from here by event row */
    EVENT_DAY,
    VETOED,
    CONFIRMED,
    N_RULE_ARRAYS
};

int rr_read_rule(PyObject *object, int64_t n_index, int64_t n_events, rr_rule *rule)
{
    rr_array arrays[N_RULE_ARRAYS] = {
        [APART] = {"apart", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [USE] = {"use", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [ANCHOR] = {"anchor", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [SELF_ROW] = {"self_row", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [LOWER] = {"lower", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [UPPER] = {"upper", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [CONFIRM_BY] = {"confirm_by", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
        [INDEX_DAY] = {"index_day", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
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
    if (!PyArg_ParseTuple(object, "O&pppLppOOOOOOOOOOO;a rule has eighteen parts", rr_read_window,
                          &rule->window, &last_row, &stop_near, &stop_veto, &take,
                          &rule->claim_latest, &rule->same_table, &arrays[APART].object,
                          &arrays[USE].object, &arrays[ANCHOR].object, &arrays[SELF_ROW].object,
                          &arrays[LOWER].object, &arrays[UPPER].object, &arrays[CONFIRM_BY].object,
                          &arrays[INDEX_DAY].object, &arrays[EVENT_DAY].object,
                          &arrays[VETOED].object, &arrays[CONFIRMED].object)) {
        return -1;
    }
    if (rr_days_expect(&arrays[INDEX_DAY], &rule->index_day) < 0 ||
        rr_days_expect(&arrays[EVENT_DAY], &rule->event_day) < 0) {
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
    rr_days_given(&arrays[INDEX_DAY], &rule->index_day);
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
    if (rr_arrays_check(arrays, 4) < 0 || rr_read_rule(rule_object, length, n_events, &rule) < 0) {
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
        rr_arrays_check(&anchor, 1) < 0 ||
        rr_read_rule(rule_object, anchor.n, n_events, &rule) < 0) {
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
    if (rr_read_rule(rule_object, offsets.n - 1, n_events, &rule) < 0) {
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
    if (rr_read_rule(rule_object, arrays[0].n - 1, n_events, &rule) < 0) {
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

PyDoc_STRVAR(pairs_rows_doc, "pairs_rows($module, offsets, index_row, /)\n--\n\n"
                             "Write the index row of each pair.");

static PyObject *pairs_rows(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"offsets", NPY_INT64, RR_IN, NULL, NULL, NULL, 0},
                         {"index_row", NPY_INT64, RR_OUT, NULL, NULL, NULL, 0}};
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OO:pairs_rows", &arrays[0].object, &arrays[1].object) ||
        rr_arrays_check(arrays, 2) < 0) {
        return NULL;
    }
    if (arrays[0].n < 1 || ((const int64_t *)arrays[0].data)[arrays[0].n - 1] != arrays[1].n) {
        PyErr_SetString(PyExc_ValueError, "the last offset must be the number of pairs");
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_pairs_rows(arrays[0].data, arrays[0].n - 1, arrays[1].data, &call, &error);
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
    {"pairs_count", pairs_count, METH_VARARGS, pairs_count_doc},
    {"pairs_fill", pairs_fill, METH_VARARGS, pairs_fill_doc},
    {"pairs_rows", pairs_rows, METH_VARARGS, pairs_rows_doc},
    {NULL, NULL, 0, NULL},
};
