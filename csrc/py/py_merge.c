#include "binding.h"
#include "merge.h"

PyDoc_STRVAR(merge_spells_doc,
             "merge_spells($module, parts, end, gap, spell, /)\n--\n\n"
             "Write the number of each index row's merged spell; return how many there are.");

static PyObject *merge_spells(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"spell", NPY_INT64, RR_OUT, NULL, NULL, NULL, 0},
                         {"end", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0}};
    const rr_parts *parts;
    rr_span gap;
    int64_t n_spells;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O&OO&O:merge_spells", rr_read_parts, &parts, &arrays[1].object,
                          rr_read_span, &gap, &arrays[0].object)) {
        return NULL;
    }
    arrays[1].length = arrays[1].object == Py_None ? NULL : &arrays[0].n;
    if (rr_arrays_check(arrays, 2) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_merge_spells(parts, arrays[1].data, gap, arrays[0].n, arrays[0].data, &n_spells,
                             &call, &error);
    Py_END_ALLOW_THREADS
    return status == RR_OK ? PyLong_FromLongLong((long long)n_spells) : rr_raise(status, &error);
}

PyDoc_STRVAR(describe_spells_doc,
             "describe_spells($module, start, end, rank, last, spell, row, start_row, end_row, "
             "n_parts, /)\n--\n\n"
             "Write for each merged spell the rows that stand for it, start it and end it.");

static PyObject *describe_spells(PyObject *self, PyObject *args)
{
    rr_array arrays[] = {{"start", NPY_INT64, RR_IN, NULL, NULL, NULL, 0},
                         {"end", NPY_INT64, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
                         {"rank", NPY_INT32, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
                         {"spell", NPY_INT64, RR_IN, &arrays[0].n, NULL, NULL, 0},
                         {"row", NPY_INT64, RR_OUT, NULL, NULL, NULL, 0},
                         {"start_row", NPY_INT64, RR_OUT, &arrays[4].n, NULL, NULL, 0},
                         {"end_row", NPY_INT64, RR_OUT, &arrays[4].n, NULL, NULL, 0},
                         {"n_parts", NPY_INT64, RR_OUT, &arrays[4].n, NULL, NULL, 0}};
    rr_spell_rows rows;
    rr_spells spells;
    int last;
    rr_error error;
    rr_status status;

    (void)self;
    if (!PyArg_ParseTuple(args, "OOOpOOOOO:describe_spells", &arrays[0].object, &arrays[1].object,
                          &arrays[2].object, &last, &arrays[3].object, &arrays[4].object,
                          &arrays[5].object, &arrays[6].object, &arrays[7].object)) {
        return NULL;
    }
    arrays[1].length = arrays[1].object == Py_None ? NULL : &arrays[0].n;
    arrays[2].length = arrays[2].object == Py_None ? NULL : &arrays[0].n;
    if (rr_arrays_check(arrays, sizeof arrays / sizeof *arrays) < 0) {
        return NULL;
    }
    rows = (rr_spell_rows){arrays[0].data, arrays[1].data, arrays[2].data, last};
    spells = (rr_spells){arrays[4].data, arrays[5].data, arrays[6].data, arrays[7].data};
    Py_BEGIN_ALLOW_THREADS
    status = rr_describe_spells(&rows, arrays[3].data, arrays[0].n, arrays[4].n, &spells, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyMethodDef rr_py_merge_methods[] = {
    {"merge_spells", merge_spells, METH_VARARGS, merge_spells_doc},
    {"describe_spells", describe_spells, METH_VARARGS, describe_spells_doc},
    {NULL, NULL, 0, NULL},
};
