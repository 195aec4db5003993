#include "binding.h"
#include "tally.h"

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
        rr_arrays_check(arrays, RR_COUNT(arrays)) < 0) {
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
        rr_arrays_check(arrays, RR_COUNT(arrays)) < 0) {
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
        rr_arrays_check(arrays, RR_COUNT(arrays)) < 0) {
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

/* One column to join; its length must be *n, unless that is -1: then it decides it. */
static int coded_column(PyObject *tuple, int64_t *n, rr_coded *column)
{
    rr_array arrays[] = {{"codes", NPY_INT32, RR_IN, *n < 0 ? NULL : n, NULL, NULL, 0},
                         {"to", NPY_INT32, RR_IN, NULL, NULL, NULL, 0}};
    long long n_ranks;
    int null, type;

    if (!PyArg_ParseTuple(tuple, "OOiL;a column to join has four parts", &arrays[0].object,
                          &arrays[1].object, &null, &n_ranks)) {
        return -1;
    }
    *column = (rr_coded){.null = null, .n_ranks = n_ranks};
    if (PyTuple_Check(arrays[0].object)) {
        if (rr_days_expect(&arrays[0], &column->days) < 0) {
            return -1;
        }
    } else if (PyArray_Check(arrays[0].object)) {
        type = PyArray_TYPE((PyArrayObject *)arrays[0].object);
        arrays[0].type = type == NPY_INT8 || type == NPY_INT16 ? type : NPY_INT32;
        column->size = type == NPY_INT8 ? 1 : type == NPY_INT16 ? 2 : 4;
    }
    if (rr_arrays_check(arrays, RR_COUNT(arrays)) < 0) {
        return -1;
    }
    if (column->size == 0) {
        rr_days_given(&arrays[0], &column->days);
    }
    *n = arrays[0].n;
    column->codes = arrays[0].data;
    column->to = arrays[1].data;
    column->n_codes = arrays[1].n;
    return 0;
}

enum { COLUMNS_MAX = 64 };

/* Rows of columns to join, but for `use` and n_groups. */
static int coded_rows(PyObject *list, rr_coded columns[COLUMNS_MAX], rr_coded_rows *rows)
{
    Py_ssize_t n_columns = PyList_Size(list);

    if (n_columns < 1 || n_columns > COLUMNS_MAX) {
        PyErr_SetString(PyExc_ValueError, "from 1 to 64 columns are joined");
        return -1;
    }
    *rows = (rr_coded_rows){.columns = columns, .n_columns = (int)n_columns, .n = -1};
    for (Py_ssize_t k = 0; k < n_columns; k++) {
        if (coded_column(PyList_GetItem(list, k), &rows->n, &columns[k]) < 0) {
            return -1;
        }
    }
    return 0;
}

PyDoc_STRVAR(codes_join_doc,
             "codes_join($module, columns, use, joined, seen, /)\n--\n\n"
             "Join columns (codes, to, null, n_ranks) of one length to one: to[code] of each, null "
             "of -1, in [0, n_ranks). A column of days (with their range) has codes from its first "
             "day on. Write into the last array which numbers rows in use have.");

static PyObject *codes_join(PyObject *self, PyObject *args)
{
    PyObject *list, *use, *joined, *seen;
    rr_coded columns[COLUMNS_MAX];
    rr_coded_rows rows;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O!OOO:codes_join", &PyList_Type, &list, &use, &joined, &seen) ||
        coded_rows(list, columns, &rows) < 0) {
        return NULL;
    }
    rr_array arrays[] = {{"use", NPY_BOOL, RR_IN_OR_NONE, &rows.n, use, NULL, 0},
                         {"joined", NPY_INT32, RR_OUT_OR_NONE, &rows.n, joined, NULL, 0},
                         {"seen", NPY_BOOL, RR_OUT, NULL, seen, NULL, 0}};
    if (rr_arrays_check(arrays, RR_COUNT(arrays)) < 0) {
        return NULL;
    }
    rows.use = arrays[0].data;
    rows.n_groups = arrays[2].n;
    Py_BEGIN_ALLOW_THREADS
    status = rr_codes_join(&rows, arrays[1].data, arrays[2].data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(
    codes_tally_doc,
    "codes_tally($module, columns, use, counted, hit, seen, n, linked, /)\n--\n\n"
    "Write which numbers, as codes_join has them, rows in use have, how many of these rows "
    "are counted, and how many of those are hit.");

static PyObject *codes_tally(PyObject *self, PyObject *args)
{
    PyObject *list, *use, *counted, *hit, *seen, *n, *linked;
    rr_coded columns[COLUMNS_MAX];
    rr_coded_rows rows;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O!OOOOOO:codes_tally", &PyList_Type, &list, &use, &counted, &hit,
                          &seen, &n, &linked) ||
        coded_rows(list, columns, &rows) < 0) {
        return NULL;
    }
    rr_array arrays[] = {{"use", NPY_BOOL, RR_IN_OR_NONE, &rows.n, use, NULL, 0},
                         {"counted", NPY_BOOL, RR_IN_OR_NONE, &rows.n, counted, NULL, 0},
                         {"hit", NPY_BOOL, RR_IN, &rows.n, hit, NULL, 0},
                         {"seen", NPY_BOOL, RR_OUT, NULL, seen, NULL, 0},
                         {"n", NPY_INT64, RR_OUT, &arrays[3].n, n, NULL, 0},
                         {"linked", NPY_INT64, RR_OUT, &arrays[3].n, linked, NULL, 0}};
    if (rr_arrays_check(arrays, RR_COUNT(arrays)) < 0) {
        return NULL;
    }
    rows.use = arrays[0].data;
    rows.n_groups = arrays[3].n;
    Py_BEGIN_ALLOW_THREADS
    status = rr_codes_tally(&rows, arrays[1].data, arrays[2].data, arrays[3].data, arrays[4].data,
                            arrays[5].data, &call, &error);
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
        rr_arrays_check(arrays, RR_COUNT(arrays)) < 0) {
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

PyMethodDef rr_py_tally_methods[] = {
    {"tally", tally, METH_VARARGS, tally_doc},
    {"codes_seen", codes_seen, METH_VARARGS, codes_seen_doc},
    {"codes_map", codes_map, METH_VARARGS, codes_map_doc},
    {"codes_join", codes_join, METH_VARARGS, codes_join_doc},
    {"codes_tally", codes_tally, METH_VARARGS, codes_tally_doc},
    {"tally_clusters", tally_clusters, METH_VARARGS, tally_clusters_doc},
    {NULL, NULL, 0, NULL},
};
