/* Arrow in: the structs of a producer become tuples of numpy arrays that look at its memory. What a
 * format means is left to arrow.py; here are only the sizes of the buffers, which the interface does
 * not carry, and the lifetimes. */
#include "arrow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static PyObject *fail(const char *message)
{
    return rr_raise_at(RR_ERR_VALUE, -1, message);
}

static int64_t decimal_width(const char *format)
{
    const char *comma = strchr(format, ',');

    comma = comma == NULL ? NULL : strchr(comma + 1, ',');
    return comma == NULL ? 16 : strtol(comma + 1, NULL, 10) / 8;
}

rr_arrow_layout rr_arrow_layout_of(const char *format)
{
    static const struct {
        const char *format;
        rr_arrow_layout layout;
    } exact[] = {{"n", {RR_ARROW_NONE, 0}},      {"b", {RR_ARROW_BITS, 0}},
                 {"c", {RR_ARROW_FIXED, 1}},     {"C", {RR_ARROW_FIXED, 1}},
                 {"s", {RR_ARROW_FIXED, 2}},     {"S", {RR_ARROW_FIXED, 2}},
                 {"i", {RR_ARROW_FIXED, 4}},     {"I", {RR_ARROW_FIXED, 4}},
                 {"l", {RR_ARROW_FIXED, 8}},     {"L", {RR_ARROW_FIXED, 8}},
                 {"e", {RR_ARROW_FIXED, 2}},     {"f", {RR_ARROW_FIXED, 4}},
                 {"g", {RR_ARROW_FIXED, 8}},     {"tdD", {RR_ARROW_FIXED, 4}},
                 {"tdm", {RR_ARROW_FIXED, 8}},   {"u", {RR_ARROW_OFFSETS_4, 4}},
                 {"U", {RR_ARROW_OFFSETS_8, 8}}, {"vu", {RR_ARROW_VIEWS, 16}},
                 {"+s", {RR_ARROW_VALIDITY, 0}}};

    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        if (strcmp(format, exact[i].format) == 0) {
            return exact[i].layout;
        }
    }
    if (strncmp(format, "ts", 2) == 0) {
        return (rr_arrow_layout){RR_ARROW_FIXED, 8};
    }
    if (strncmp(format, "d:", 2) == 0) {
        return (rr_arrow_layout){RR_ARROW_FIXED, decimal_width(format)};
    }
    return (rr_arrow_layout){RR_ARROW_UNKNOWN, 0};
}

int64_t rr_arrow_buffer_size(rr_arrow_layout layout, int64_t i, int64_t total)
{
    int64_t count = total;

    if (i == 0 || layout.kind == RR_ARROW_BITS) {
        return total / 8 + (total % 8 != 0);
    }
    if (layout.kind == RR_ARROW_OFFSETS_4 || layout.kind == RR_ARROW_OFFSETS_8) {
        if (total == 0 || total == INT64_MAX) { /* an empty column need not even have one offset */
            return total == 0 ? 0 : -1;
        }
        count = total + 1;
    }
    return layout.width > 0 && count > INT64_MAX / layout.width ? -1 : count * layout.width;
}

/* ---------------------------------------------------------------- schema */

/* (format, name, flags, [child, ...], dictionary or None) */
static PyObject *schema_tuple(const rr_arrow_schema *schema)
{
    PyObject *children = NULL, *dictionary = NULL, *result = NULL;

    if (schema->format == NULL || schema->n_children < 0) {
        return fail("the Arrow schema is malformed");
    }
    if (Py_EnterRecursiveCall(" in an Arrow schema")) {
        return NULL;
    }
    children = PyList_New(0);
    if (children == NULL) {
        goto out;
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        PyObject *child = schema_tuple(schema->children[i]);
        int failed = child == NULL || PyList_Append(children, child) < 0;

        Py_XDECREF(child);
        if (failed) {
            goto out;
        }
    }
    dictionary = schema->dictionary == NULL ? Py_NewRef(Py_None) : schema_tuple(schema->dictionary);
    if (dictionary == NULL) {
        goto out;
    }
    result = Py_BuildValue("ssLOO", schema->format, schema->name == NULL ? "" : schema->name,
                           (long long)schema->flags, children, dictionary);
out:
    Py_LeaveRecursiveCall();
    Py_XDECREF(children);
    Py_XDECREF(dictionary);
    return result;
}

/* ---------------------------------------------------------------- array */

static const char *const OWNER = "rereferral.arrow";

static void free_owner(PyObject *capsule)
{
    rr_arrow_array *array = PyCapsule_GetPointer(capsule, OWNER);

    if (array->release != NULL) {
        array->release(array);
    }
    free(array);
}

/* Read-only bytes of a producer, which `owner` keeps alive. */
static PyObject *bytes_view(const void *data, int64_t size, PyObject *owner)
{
    npy_intp length = data == NULL ? 0 : (npy_intp)size;
    PyObject *view;

    if (length == 0) {
        return PyArray_SimpleNew(1, &length, NPY_UINT8);
    }
    view = PyArray_SimpleNewFromData(1, &length, NPY_UINT8, (void *)data);
    if (view == NULL) {
        return NULL;
    }
    PyArray_CLEARFLAGS((PyArrayObject *)view, NPY_ARRAY_WRITEABLE);
    if (PyArray_SetBaseObject((PyArrayObject *)view, Py_NewRef(owner)) < 0) {
        Py_DECREF(view);
        return NULL;
    }
    return view;
}

/* Bytes of buffer i, or -1 where the array is malformed. */
static int64_t size_of(const rr_arrow_array *array, rr_arrow_layout layout, int64_t i)
{
    int64_t total = array->length + array->offset, size = 0;
    const char *from;

    if (layout.kind == RR_ARROW_VIEWS && i >= 2) {
        if (i == array->n_buffers - 1) {
            return 8 * (array->n_buffers - 3);
        }
        from = array->buffers[array->n_buffers - 1];
        if (from == NULL) {
            return -1;
        }
        memcpy(&size, from + 8 * (i - 2), 8);
        return size;
    }
    if (i < 2) {
        return rr_arrow_buffer_size(layout, i, total);
    }
    from = array->buffers[1];
    if (total == 0) {
        return 0;
    }
    if (from == NULL) {
        return -1;
    }
    if (layout.kind == RR_ARROW_OFFSETS_4) {
        int32_t narrow;

        memcpy(&narrow, from + 4 * total, 4);
        return narrow;
    }
    memcpy(&size, from + 8 * total, 8);
    return size;
}

static int64_t buffers_expected(const rr_arrow_array *array, rr_arrow_layout layout)
{
    switch (layout.kind) {
    case RR_ARROW_UNKNOWN:
    case RR_ARROW_NONE:
        return 0;
    case RR_ARROW_VALIDITY:
        return 1;
    case RR_ARROW_BITS:
    case RR_ARROW_FIXED:
        return 2;
    case RR_ARROW_OFFSETS_4:
    case RR_ARROW_OFFSETS_8:
        return 3;
    case RR_ARROW_VIEWS:
        return array->n_buffers < 3 ? 3 : array->n_buffers;
    }
    return -1;
}

/* A list of arrays of bytes, None for a validity that is not there. */
static PyObject *buffers_list(const rr_arrow_array *array, const char *format, PyObject *owner)
{
    rr_arrow_layout layout = rr_arrow_layout_of(format);
    int64_t expected = buffers_expected(array, layout);
    PyObject *list = PyList_New(0);

    if (list == NULL) {
        return NULL;
    }
    if (layout.kind != RR_ARROW_UNKNOWN && layout.kind != RR_ARROW_NONE &&
        array->n_buffers != expected) {
        Py_DECREF(list);
        return fail("an Arrow array has the wrong number of buffers for its type");
    }
    for (int64_t i = 0; i < expected; i++) {
        const void *data = array->buffers[i];
        int64_t size = size_of(array, layout, i);
        PyObject *view = NULL;
        int failed;

        if (size < 0 || (data == NULL && size > 0 && i > 0)) {
            fail("an Arrow array lacks a buffer, or has one of an impossible size");
        } else if (i == 0 && data == NULL) {
            view = Py_NewRef(Py_None);
        } else {
            view = bytes_view(data, size, owner);
        }
        failed = view == NULL || PyList_Append(list, view) < 0;
        Py_XDECREF(view);
        if (failed) {
            Py_DECREF(list);
            return NULL;
        }
    }
    return list;
}

/* (length, null_count, offset, [buffer, ...], [child, ...], dictionary or None) */
static PyObject *array_tuple(const rr_arrow_array *array, const rr_arrow_schema *schema,
                             PyObject *owner)
{
    PyObject *buffers = NULL, *children = NULL, *dictionary = NULL, *result = NULL;

    if (array->length < 0 || array->offset < 0 || array->offset > INT64_MAX - array->length ||
        array->n_children != schema->n_children ||
        (array->dictionary == NULL) != (schema->dictionary == NULL)) {
        return fail("an Arrow array does not fit its schema");
    }
    if (Py_EnterRecursiveCall(" in an Arrow array")) {
        return NULL;
    }
    buffers = buffers_list(array, schema->format, owner);
    children = PyList_New(0);
    if (buffers == NULL || children == NULL) {
        goto out;
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        PyObject *child = array_tuple(array->children[i], schema->children[i], owner);
        int failed = child == NULL || PyList_Append(children, child) < 0;

        Py_XDECREF(child);
        if (failed) {
            goto out;
        }
    }
    dictionary = array->dictionary == NULL
                     ? Py_NewRef(Py_None)
                     : array_tuple(array->dictionary, schema->dictionary, owner);
    if (dictionary == NULL) {
        goto out;
    }
    result = Py_BuildValue("LLLOOO", (long long)array->length, (long long)array->null_count,
                           (long long)array->offset, buffers, children, dictionary);
out:
    Py_LeaveRecursiveCall();
    Py_XDECREF(buffers);
    Py_XDECREF(children);
    Py_XDECREF(dictionary);
    return result;
}

/* Takes `array` over, also on failure. */
static PyObject *take_array(rr_arrow_array *array, const rr_arrow_schema *schema)
{
    rr_arrow_array *moved = malloc(sizeof *moved);
    PyObject *owner, *result;

    if (moved == NULL) {
        array->release(array);
        return PyErr_NoMemory();
    }
    *moved = *array;
    array->release = NULL;
    owner = PyCapsule_New(moved, OWNER, free_owner);
    if (owner == NULL) {
        moved->release(moved);
        free(moved);
        return NULL;
    }
    result = array_tuple(moved, schema, owner);
    Py_DECREF(owner);
    return result;
}

PyDoc_STRVAR(import_array_doc, "arrow_import_array($module, schema, array, /)\n--\n\n"
                               "Take an array over from its two capsules: (schema, [array]).");

static PyObject *import_array(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *schema_capsule, *array_capsule, *named, *taken;
    rr_arrow_schema *schema;
    rr_arrow_array *array;

    if (!PyArg_ParseTuple(args, "OO:arrow_import_array", &schema_capsule, &array_capsule) ||
        (schema = PyCapsule_GetPointer(schema_capsule, "arrow_schema")) == NULL ||
        (array = PyCapsule_GetPointer(array_capsule, "arrow_array")) == NULL) {
        return NULL;
    }
    if (schema->release == NULL || array->release == NULL) {
        return fail("the Arrow array was taken before");
    }
    named = schema_tuple(schema);
    if (named == NULL) {
        return NULL;
    }
    taken = take_array(array, schema);
    if (taken == NULL) {
        Py_DECREF(named);
        return NULL;
    }
    return Py_BuildValue("N[N]", named, taken);
}

/* ---------------------------------------------------------------- stream */

static PyObject *fail_stream(rr_arrow_stream *stream, int code)
{
    const char *said;
    char message[256];

    if (PyErr_Occurred()) {
        return NULL;
    }
    if (code == ENOMEM) {
        return PyErr_NoMemory();
    }
    said = stream->get_last_error(stream);
    PyOS_snprintf(message, sizeof message, "the Arrow stream failed: %.200s",
                  said == NULL ? strerror(code) : said);
    return fail(message);
}

PyDoc_STRVAR(import_stream_doc,
             "arrow_import_stream($module, stream, /)\n--\n\n"
             "Read a stream from its capsule to the end: (schema, [array, ...]).");

static PyObject *import_stream(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    rr_arrow_stream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    rr_arrow_schema schema = {.release = NULL};
    PyObject *named = NULL, *arrays = NULL, *result = NULL;
    int code;

    if (stream == NULL) {
        return NULL;
    }
    if (stream->release == NULL) {
        return fail("the Arrow stream was read before");
    }
    Py_BEGIN_ALLOW_THREADS
    code = stream->get_schema(stream, &schema);
    Py_END_ALLOW_THREADS
    if (code != 0) {
        fail_stream(stream, code);
        goto out;
    }
    named = schema_tuple(&schema);
    arrays = PyList_New(0);
    if (named == NULL || arrays == NULL) {
        goto out;
    }
    for (;;) {
        rr_arrow_array array = {.release = NULL};
        PyObject *taken;
        int failed;

        Py_BEGIN_ALLOW_THREADS
        code = stream->get_next(stream, &array);
        Py_END_ALLOW_THREADS
        if (code != 0) {
            fail_stream(stream, code);
            goto out;
        }
        if (array.release == NULL) {
            break;
        }
        taken = take_array(&array, &schema);
        failed = taken == NULL || PyList_Append(arrays, taken) < 0;
        Py_XDECREF(taken);
        if (failed || PyErr_CheckSignals() < 0) {
            goto out;
        }
    }
    result = PyTuple_Pack(2, named, arrays);
out:
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    stream->release(stream);
    Py_XDECREF(named);
    Py_XDECREF(arrays);
    return result;
}

PyMethodDef rr_py_arrow_in_methods[] = {
    {"arrow_import_array", import_array, METH_VARARGS, import_array_doc},
    {"arrow_import_stream", import_stream, METH_O, import_stream_doc},
    {NULL, NULL, 0, NULL},
};
