/* Text as others lay it out, as a column of ours. */
#include "binding.h"
#include "columns.h"

#include <stdlib.h>

/* Writes the offsets of another layout; returns the data. */
static PyObject *from_form(PyObject *module, const rr_text_form *form, int64_t *offsets)
{
    rr_call_state state;
    rr_call call = rr_call_python(module, &state, NULL);
    rr_error error;
    rr_status status;
    npy_intp length;
    PyObject *data;

    Py_BEGIN_ALLOW_THREADS
    status = rr_text_form_offsets(form, offsets, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    length = (npy_intp)offsets[form->n];
    data = PyArray_SimpleNew(1, &length, NPY_UINT8);
    if (data == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_text_form_data(form, offsets, PyArray_DATA((PyArrayObject *)data), length, &call,
                               &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        Py_DECREF(data);
        return rr_raise(status, &error);
    }
    return data;
}

/* Values of a fixed width (UTF-32 or bytes), given as the flat array of their characters. */
static PyObject *from_fixed(PyObject *module, PyObject *args, int type, const char *format)
{
    PyObject *characters, *offsets;
    rr_text_form form = {.kind = type == NPY_UINT32 ? RR_FORM_UCS4 : RR_FORM_BYTES};
    long long width;

    if (!PyArg_ParseTuple(args, format, &characters, &width, &offsets)) {
        return NULL;
    }
    rr_array rows[] = {{"characters", type, RR_IN, NULL, characters, NULL, 0},
                       {"offsets", NPY_INT64, RR_OUT, NULL, offsets, NULL, 0}};
    if (rr_arrays_check(rows, 2) < 0) {
        return NULL;
    }
    form.values = rows[0].data;
    form.n = rows[1].n - 1;
    form.width = width;
    if (form.n < 0 || width < 0 || (width > 0 && rows[0].n / width < form.n)) {
        PyErr_SetString(PyExc_ValueError, "characters must hold width of them for each value");
        return NULL;
    }
    return from_form(module, &form, rows[1].data);
}

PyDoc_STRVAR(text_from_ucs4_doc, "text_from_ucs4($module, characters, width, offsets, /)\n--\n\n"
                                 "Write the offsets of padded UTF-32 values; return their data.");

static PyObject *text_from_ucs4(PyObject *module, PyObject *args)
{
    return from_fixed(module, args, NPY_UINT32, "OLO:text_from_ucs4");
}

PyDoc_STRVAR(text_from_bytes_doc, "text_from_bytes($module, characters, width, offsets, /)\n--\n\n"
                                  "Write the offsets of padded values; return their data.");

static PyObject *text_from_bytes(PyObject *module, PyObject *args)
{
    return from_fixed(module, args, NPY_UINT8, "OLO:text_from_bytes");
}

/* The data buffers of string views: a list of arrays of bytes. -1 with an exception. */
static int read_buffers(PyObject *list, rr_text_form *views)
{
    const uint8_t **buffers = calloc((size_t)views->n_buffers + 1, sizeof *buffers);
    int64_t *lengths = calloc((size_t)views->n_buffers + 1, sizeof *lengths);

    views->buffers = buffers;
    views->buffer_lengths = lengths;
    if (buffers == NULL || lengths == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int64_t i = 0; i < views->n_buffers; i++) {
        rr_array row = {"buffers", NPY_UINT8, RR_IN, NULL, PyList_GetItem(list, (Py_ssize_t)i),
                        NULL,      0};

        if (rr_arrays_check(&row, 1) < 0) {
            return -1;
        }
        buffers[i] = row.data;
        lengths[i] = row.n;
    }
    return 0;
}

PyDoc_STRVAR(text_from_views_doc,
             "text_from_views($module, views, valid, buffers, offsets, /)\n--\n\n"
             "Write the offsets of Arrow string views; return their data.");

static PyObject *text_from_views(PyObject *module, PyObject *args)
{
    PyObject *bytes, *valid, *list, *offsets, *data = NULL;
    rr_text_form views = {.kind = RR_FORM_VIEWS};

    if (!PyArg_ParseTuple(args, "OOO!O:text_from_views", &bytes, &valid, &PyList_Type, &list,
                          &offsets)) {
        return NULL;
    }
    rr_array rows[] = {{"views", NPY_UINT8, RR_IN, NULL, bytes, NULL, 0},
                       {"offsets", NPY_INT64, RR_OUT, NULL, offsets, NULL, 0},
                       {"valid", NPY_BOOL, RR_IN_OR_NONE, &views.n, valid, NULL, 0}};
    if (rr_arrays_check(rows, 2) < 0) {
        return NULL;
    }
    views.values = rows[0].data;
    views.n = rows[1].n - 1;
    if (views.n < 0 || views.n > rows[0].n / 16) {
        PyErr_SetString(PyExc_ValueError, "views must hold 16 bytes for each value");
        return NULL;
    }
    if (rr_arrays_check(rows + 2, 1) < 0) {
        return NULL;
    }
    views.valid = rows[2].data;
    views.n_buffers = PyList_Size(list);
    if (read_buffers(list, &views) == 0) {
        data = from_form(module, &views, rows[1].data);
    }
    free((void *)views.buffers);
    free((void *)views.buffer_lengths);
    return data;
}

PyMethodDef rr_py_text_forms_methods[] = {
    {"text_from_ucs4", text_from_ucs4, METH_VARARGS, text_from_ucs4_doc},
    {"text_from_bytes", text_from_bytes, METH_VARARGS, text_from_bytes_doc},
    {"text_from_views", text_from_views, METH_VARARGS, text_from_views_doc},
    {NULL, NULL, 0, NULL}};
