/* Arrow out: numpy arrays become the buffers of Arrow structs without a copy. A field is a tuple
 *
 *     (format, name, flags, length, null_count, (buffer, ...), children, dictionary or None)
 *
 * made by arrow.py; a buffer is a contiguous array, or None for a validity that is not there. Every
 * struct that is handed out holds its own reference to its field, because a consumer may keep a
 * column and release the table. */
#include "arrow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct field {
    const char *format;
    const char *name;
    long long flags;
    long long length;
    long long null_count;
    PyObject *buffers, *children, *dictionary;
} field;

static int read_field(PyObject *tuple, field *out)
{
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "an Arrow field must be a tuple");
        return -1;
    }
    return PyArg_ParseTuple(tuple, "ssLLLO!O!O", &out->format, &out->name, &out->flags,
                            &out->length, &out->null_count, &PyTuple_Type, &out->buffers,
                            &PyTuple_Type, &out->children, &out->dictionary)
               ? 0
               : -1;
}

/* Lets go of a Python object from any thread, with or without the interpreter's lock; after the
 * interpreter has ended there is nothing to let go of. */
static void let_go(PyObject *object)
{
    PyGILState_STATE gil;

    if (object == NULL || !Py_IsInitialized()) {
        return;
    }
    gil = PyGILState_Ensure();
    Py_DECREF(object);
    PyGILState_Release(gil);
}

/* ---------------------------------------------------------------- schema */

static void release_schema(rr_arrow_schema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i] != NULL && schema->children[i]->release != NULL) {
            schema->children[i]->release(schema->children[i]);
        }
        free(schema->children[i]);
    }
    free(schema->children);
    if (schema->dictionary != NULL && schema->dictionary->release != NULL) {
        schema->dictionary->release(schema->dictionary);
    }
    free(schema->dictionary);
    let_go(schema->private_data);
    schema->release = NULL;
}

/* Fills a schema in; on failure it is released. The strings are those of the field's own str. */
static int make_schema(PyObject *tuple, rr_arrow_schema *schema)
{
    field f;

    memset(schema, 0, sizeof *schema);
    if (read_field(tuple, &f) < 0) {
        return -1;
    }
    schema->format = f.format;
    schema->name = f.name;
    schema->flags = f.flags;
    schema->private_data = Py_NewRef(tuple);
    schema->release = release_schema;
    schema->children = calloc((size_t)PyTuple_Size(f.children) + 1, sizeof *schema->children);
    if (schema->children == NULL) {
        goto no_memory;
    }
    for (Py_ssize_t i = 0; i < PyTuple_Size(f.children); i++) {
        schema->children[i] = calloc(1, sizeof **schema->children);
        if (schema->children[i] == NULL) {
            goto no_memory;
        }
        schema->n_children++;
        if (make_schema(PyTuple_GetItem(f.children, i), schema->children[i]) < 0) {
            goto failed;
        }
    }
    if (f.dictionary != Py_None) {
        schema->dictionary = calloc(1, sizeof *schema->dictionary);
        if (schema->dictionary == NULL) {
            goto no_memory;
        }
        if (make_schema(f.dictionary, schema->dictionary) < 0) {
            goto failed;
        }
    }
    return 0;
no_memory:
    PyErr_NoMemory();
failed:
    release_schema(schema);
    return -1;
}

/* ---------------------------------------------------------------- array */

static void release_array(rr_arrow_array *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i] != NULL && array->children[i]->release != NULL) {
            array->children[i]->release(array->children[i]);
        }
        free(array->children[i]);
    }
    free(array->children);
    if (array->dictionary != NULL && array->dictionary->release != NULL) {
        array->dictionary->release(array->dictionary);
    }
    free(array->dictionary);
    free(array->buffers);
    let_go(array->private_data);
    array->release = NULL;
}

/* The bytes of one buffer, after a check that it is as long as its consumer will believe. */
static int read_buffer(PyObject *object, rr_arrow_layout layout, int64_t i, const field *f,
                       const void **bytes)
{
    int64_t needed = rr_arrow_buffer_size(layout, i, f->length);
    PyArrayObject *array = (PyArrayObject *)object;

    if (object == Py_None && i == 0) {
        return 0;
    }
    if (!PyArray_Check(object) || !PyArray_CHKFLAGS(array, NPY_ARRAY_CARRAY_RO) ||
        PyArray_ISBYTESWAPPED(array)) {
        PyErr_SetString(PyExc_TypeError, "an Arrow buffer must be a contiguous array");
        return -1;
    }
    if (i == 2) {
        PyArrayObject *offsets = (PyArrayObject *)PyTuple_GetItem(f->buffers, 1);

        needed = f->length == 0 ? 0 : ((const int64_t *)PyArray_DATA(offsets))[f->length];
    }
    if (needed < 0 || PyArray_SIZE(array) * PyArray_ITEMSIZE(array) < needed) {
        PyErr_SetString(PyExc_ValueError, "an Arrow buffer is too short for its column");
        return -1;
    }
    *bytes = PyArray_DATA(array);
    return 0;
}

static int make_array(PyObject *tuple, rr_arrow_array *array);

static int fill_array(const field *f, rr_arrow_array *array)
{
    rr_arrow_layout layout = rr_arrow_layout_of(f->format);
    Py_ssize_t n_buffers = PyTuple_Size(f->buffers), n_children = PyTuple_Size(f->children);
    Py_ssize_t expected = layout.kind == RR_ARROW_VALIDITY    ? 1
                          : layout.kind == RR_ARROW_NONE      ? 0
                          : layout.kind == RR_ARROW_OFFSETS_8 ? 3
                                                              : 2;

    if (layout.kind == RR_ARROW_UNKNOWN || layout.kind == RR_ARROW_OFFSETS_4 ||
        layout.kind == RR_ARROW_VIEWS || n_buffers != expected || f->length < 0) {
        PyErr_SetString(PyExc_ValueError, "an Arrow field has a format that is not written");
        return -1;
    }
    array->buffers = calloc((size_t)n_buffers + 1, sizeof *array->buffers);
    array->children = calloc((size_t)n_children + 1, sizeof *array->children);
    if (array->buffers == NULL || array->children == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    array->n_buffers = n_buffers;
    for (Py_ssize_t i = 0; i < n_buffers; i++) {
        if (read_buffer(PyTuple_GetItem(f->buffers, i), layout, i, f, &array->buffers[i]) < 0) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < n_children; i++) {
        array->children[i] = calloc(1, sizeof **array->children);
        if (array->children[i] == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        array->n_children++;
        if (make_array(PyTuple_GetItem(f->children, i), array->children[i]) < 0) {
            return -1;
        }
        if (array->children[i]->length != f->length) {
            PyErr_SetString(PyExc_ValueError, "the columns of an Arrow table differ in length");
            return -1;
        }
    }
    if (f->dictionary != Py_None) {
        array->dictionary = calloc(1, sizeof *array->dictionary);
        if (array->dictionary == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        return make_array(f->dictionary, array->dictionary);
    }
    return 0;
}

/* Fills an array in; on failure it is released. */
static int make_array(PyObject *tuple, rr_arrow_array *array)
{
    field f;

    memset(array, 0, sizeof *array);
    if (read_field(tuple, &f) < 0) {
        return -1;
    }
    array->length = f.length;
    array->null_count = f.null_count;
    array->private_data = Py_NewRef(tuple);
    array->release = release_array;
    if (fill_array(&f, array) < 0) {
        release_array(array);
        return -1;
    }
    return 0;
}

/* ---------------------------------------------------------------- capsules */

static void free_schema(PyObject *capsule)
{
    rr_arrow_schema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");

    if (schema->release != NULL) {
        schema->release(schema);
    }
    free(schema);
}

static void free_array(PyObject *capsule)
{
    rr_arrow_array *array = PyCapsule_GetPointer(capsule, "arrow_array");

    if (array->release != NULL) {
        array->release(array);
    }
    free(array);
}

static void free_stream(PyObject *capsule)
{
    rr_arrow_stream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");

    if (stream->release != NULL) {
        stream->release(stream);
    }
    free(stream);
}

static PyObject *schema_capsule(PyObject *tuple)
{
    rr_arrow_schema *schema = malloc(sizeof *schema);
    PyObject *capsule;

    if (schema == NULL) {
        return PyErr_NoMemory();
    }
    if (make_schema(tuple, schema) < 0) {
        free(schema);
        return NULL;
    }
    capsule = PyCapsule_New(schema, "arrow_schema", free_schema);
    if (capsule == NULL) {
        release_schema(schema);
        free(schema);
    }
    return capsule;
}

static PyObject *array_capsule(PyObject *tuple)
{
    rr_arrow_array *array = malloc(sizeof *array);
    PyObject *capsule;

    if (array == NULL) {
        return PyErr_NoMemory();
    }
    if (make_array(tuple, array) < 0) {
        free(array);
        return NULL;
    }
    capsule = PyCapsule_New(array, "arrow_array", free_array);
    if (capsule == NULL) {
        release_array(array);
        free(array);
    }
    return capsule;
}

PyDoc_STRVAR(export_array_doc, "arrow_export_array($module, field, /)\n--\n\n"
                               "Hand a field out: the capsules of its schema and its array.");

static PyObject *export_array(PyObject *Py_UNUSED(module), PyObject *tuple)
{
    PyObject *schema, *array;

    schema = schema_capsule(tuple);
    if (schema == NULL) {
        return NULL;
    }
    array = array_capsule(tuple);
    if (array == NULL) {
        Py_DECREF(schema);
        return NULL;
    }
    return Py_BuildValue("NN", schema, array);
}

/* ---------------------------------------------------------------- stream */

/* A stream of one array. */
typedef struct source {
    PyObject *field;
    rr_arrow_array array; /* released once it is handed out */
} source;

/* A consumer calls without the interpreter's lock, and is told of an error by its code. */
static int get_schema(rr_arrow_stream *stream, rr_arrow_schema *schema)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    int failed = make_schema(((source *)stream->private_data)->field, schema) < 0;

    if (failed) {
        PyErr_Clear();
    }
    PyGILState_Release(gil);
    return failed ? ENOMEM : 0;
}

static int get_next(rr_arrow_stream *stream, rr_arrow_array *array)
{
    source *from = stream->private_data;

    *array = from->array;
    from->array.release = NULL;
    return 0;
}

static const char *get_last_error(rr_arrow_stream *stream)
{
    (void)stream;
    return NULL;
}

static void release_stream(rr_arrow_stream *stream)
{
    source *from = stream->private_data;

    if (from->array.release != NULL) {
        from->array.release(&from->array);
    }
    let_go(from->field);
    free(from);
    stream->release = NULL;
}

PyDoc_STRVAR(export_stream_doc, "arrow_export_stream($module, field, /)\n--\n\n"
                                "Hand a field out as a stream of one array.");

static PyObject *export_stream(PyObject *Py_UNUSED(module), PyObject *tuple)
{
    rr_arrow_stream *stream = malloc(sizeof *stream);
    source *from = malloc(sizeof *from);
    PyObject *capsule;

    if (stream == NULL || from == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    if (make_array(tuple, &from->array) < 0) {
        goto failed;
    }
    from->field = Py_NewRef(tuple);
    *stream = (rr_arrow_stream){get_schema, get_next, get_last_error, release_stream, from};
    capsule = PyCapsule_New(stream, "arrow_array_stream", free_stream);
    if (capsule == NULL) {
        release_stream(stream);
        free(stream);
    }
    return capsule;
failed:
    free(stream);
    free(from);
    return NULL;
}

PyMethodDef rr_py_arrow_out_methods[] = {
    {"arrow_export_array", export_array, METH_O, export_array_doc},
    {"arrow_export_stream", export_stream, METH_O, export_stream_doc},
    {NULL, NULL, 0, NULL},
};
