#include "binding.h"
#include "columns.h"

/* The rows of a check for one text column: offsets, data, valid. The caller sets the objects. */
#define TEXT_ROWS(prefix, offsets_object, data_object, valid_object)                               \
    {prefix "offsets", NPY_INT64, RR_IN, NULL, offsets_object, NULL, 0},                           \
        {prefix "data", NPY_UINT8, RR_IN, NULL, data_object, NULL, 0},                             \
        {prefix "valid", NPY_BOOL, RR_IN_OR_NONE, NULL, valid_object, NULL, 0}

/* What the rows of one text column say, once they are checked. -1 with an exception. The offsets are
 * checked on every call: it is cheap, and they decide what is read. */
static int text_of(const rr_array *rows, rr_text *text)
{
    rr_error error;
    rr_status status;

    if (rows[0].n < 1) {
        PyErr_Format(PyExc_ValueError, "%s must have one element more than there are values",
                     rows[0].name);
        return -1;
    }
    *text = (rr_text){
        .offsets = rows[0].data, .data = rows[1].data, .valid = rows[2].data, .n = rows[0].n - 1};
    if (rows[2].data != NULL && rows[2].n != text->n) {
        PyErr_Format(PyExc_ValueError, "%s must have %lld elements, not %lld", rows[2].name,
                     (long long)text->n, (long long)rows[2].n);
        return -1;
    }
    status = rr_text_check_offsets(text, rows[1].n, &error);
    if (status != RR_OK) {
        rr_raise(status, &error);
        return -1;
    }
    return 0;
}

/* As text_of, for offsets of either width, which are left unchecked. */
static int any_text_of(rr_array *rows, rr_text *text)
{
    int narrow = PyArray_Check(rows[0].object) &&
                 PyArray_EquivTypenums(PyArray_TYPE((PyArrayObject *)rows[0].object), NPY_INT32);

    rows[0].type = narrow ? NPY_INT32 : NPY_INT64;
    if (rr_arrays_check(rows, 3) < 0) {
        return -1;
    }
    if (rows[0].n < 1) {
        PyErr_SetString(PyExc_ValueError,
                        "offsets must have one element more than there are values");
        return -1;
    }
    *text = (rr_text){.offsets = narrow ? NULL : rows[0].data,
                      .offsets_32 = narrow ? rows[0].data : NULL,
                      .data = rows[1].data,
                      .valid = rows[2].data,
                      .n = rows[0].n - 1};
    if (rows[2].data != NULL && rows[2].n != text->n) {
        PyErr_Format(PyExc_ValueError, "valid must have %lld elements, not %lld",
                     (long long)text->n, (long long)rows[2].n);
        return -1;
    }
    return 0;
}

PyDoc_STRVAR(
    text_check_doc,
    "text_check($module, offsets, data, valid, /)\n--\n\n"
    "Raise unless every value is well-formed UTF-8; return how many are blank. The offsets "
    "are int64 or int32.");

static PyObject *text_check(PyObject *module, PyObject *args)
{
    PyObject *offsets, *data, *valid;
    rr_text text;
    int64_t blank = 0;
    rr_call_state state;
    rr_call call = rr_call_python(module, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOO:text_check", &offsets, &data, &valid)) {
        return NULL;
    }
    rr_array rows[] = {TEXT_ROWS("", offsets, data, valid)};
    if (any_text_of(rows, &text) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_text_check(&text, rows[1].n, &blank, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return PyLong_FromLongLong((long long)blank);
}

PyDoc_STRVAR(fixed_check_doc,
             "text_fixed_check($module, characters, width, valid, present, /)\n--\n\n"
             "Return how many texts of a fixed width are blank, or None where not all characters "
             "are ASCII; write where one is more than blank, unless `present` is None.");

static PyObject *fixed_check(PyObject *module, PyObject *args)
{
    PyObject *characters, *valid, *present;
    rr_fixed_text text = {0};
    long long width;
    int64_t blank = 0;
    int wide, ascii = 0;
    rr_call_state state;
    rr_call call = rr_call_python(module, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OLOO:text_fixed_check", &characters, &width, &valid, &present)) {
        return NULL;
    }
    wide = PyArray_Check(characters) &&
           PyArray_EquivTypenums(PyArray_TYPE((PyArrayObject *)characters), NPY_UINT32);
    rr_array rows[] = {
        {"characters", wide ? NPY_UINT32 : NPY_UINT8, RR_IN, NULL, characters, NULL, 0},
        {"valid", NPY_BOOL, RR_IN_OR_NONE, &text.n, valid, NULL, 0},
        {"present", NPY_BOOL, RR_OUT_OR_NONE, &text.n, present, NULL, 0}};
    if (rr_arrays_check(rows, 1) < 0) {
        return NULL;
    }
    if (width < 1 || rows[0].n % width != 0) {
        PyErr_SetString(PyExc_ValueError, "characters do not make texts of the width");
        return NULL;
    }
    text.width = width;
    text.n = rows[0].n / width;
    text.bytes = wide ? NULL : rows[0].data;
    text.wide = wide ? rows[0].data : NULL;
    if (rr_arrays_check(rows + 1, 2) < 0) {
        return NULL;
    }
    text.valid = rows[1].data;
    Py_BEGIN_ALLOW_THREADS
    status = rr_fixed_text_check(&text, rows[2].data, &blank, &ascii, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return ascii ? PyLong_FromLongLong((long long)blank) : Py_NewRef(Py_None);
}

PyDoc_STRVAR(text_present_doc,
             "text_present($module, offsets, data, valid, present, /)\n--\n\n"
             "Write where a value is more than blank; return how many are blank.");

static PyObject *text_present(PyObject *module, PyObject *args)
{
    PyObject *offsets, *data, *valid, *present;
    rr_text text;
    int64_t blank = 0;
    rr_call_state state;
    rr_call call = rr_call_python(module, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOO:text_present", &offsets, &data, &valid, &present)) {
        return NULL;
    }
    rr_array rows[] = {TEXT_ROWS("", offsets, data, valid),
                       {"present", NPY_BOOL, RR_OUT, &text.n, present, NULL, 0}};
    if (rr_arrays_check(rows, 3) < 0 || text_of(rows, &text) < 0 ||
        rr_arrays_check(rows + 3, 1) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_text_present(&text, rows[3].data, &blank, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return PyLong_FromLongLong((long long)blank);
}

PyDoc_STRVAR(text_isin_doc, "text_isin($module, offsets, data, valid, value_offsets, value_data, "
                            "value_valid, found, /)\n--\n\n"
                            "Write where a value is one of the others.");

static PyObject *text_isin(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *o, *d, *v, *value_o, *value_d, *value_v, *found;
    rr_text text, values;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOOOOO:text_isin", &o, &d, &v, &value_o, &value_d, &value_v,
                          &found)) {
        return NULL;
    }
    rr_array rows[] = {TEXT_ROWS("", o, d, v),
                       TEXT_ROWS("value_", value_o, value_d, value_v),
                       {"found", NPY_BOOL, RR_OUT, &text.n, found, NULL, 0}};
    if (rr_arrays_check(rows, 6) < 0 || text_of(rows, &text) < 0 ||
        text_of(rows + 3, &values) < 0 || rr_arrays_check(rows + 6, 1) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_text_isin(&text, &values, rows[6].data, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(text_compare_doc,
             "text_compare($module, offsets, data, valid, value, order, /)\n--\n\n"
             "Write -1, 0 or 1 where a value is before, at or after `value`, 2 for null.");

static PyObject *text_compare(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *offsets, *data, *valid, *value, *order;
    rr_text text;
    const char *bytes;
    Py_ssize_t length;

    if (!PyArg_ParseTuple(args, "OOOUO:text_compare", &offsets, &data, &valid, &value, &order)) {
        return NULL;
    }
    bytes = PyUnicode_AsUTF8AndSize(value, &length);
    if (bytes == NULL) {
        return NULL;
    }
    rr_array rows[] = {TEXT_ROWS("", offsets, data, valid),
                       {"order", NPY_INT8, RR_OUT, &text.n, order, NULL, 0}};
    if (rr_arrays_check(rows, 3) < 0 || text_of(rows, &text) < 0 ||
        rr_arrays_check(rows + 3, 1) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    rr_text_compare(&text, (const uint8_t *)bytes, (int64_t)length, rows[3].data);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

PyDoc_STRVAR(text_codes_doc, "text_codes($module, offsets, data, valid, codes, /)\n--\n\n"
                             "Write codes by first appearance, -1 for null; return how many.");

static PyObject *text_codes(PyObject *module, PyObject *args)
{
    PyObject *offsets, *data, *valid, *codes;
    rr_text text;
    int64_t distinct = 0;
    rr_call_state state;
    rr_call call = rr_call_python(module, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOO:text_codes", &offsets, &data, &valid, &codes)) {
        return NULL;
    }
    rr_array rows[] = {TEXT_ROWS("", offsets, data, valid),
                       {"codes", NPY_INT32, RR_OUT, &text.n, codes, NULL, 0}};
    if (any_text_of(rows, &text) < 0 || rr_arrays_check(rows + 3, 1) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_text_codes(&text, rows[1].n, rows[3].data, &distinct, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    return PyLong_FromLongLong((long long)distinct);
}

PyDoc_STRVAR(text_order_doc, "text_order($module, offsets, data, valid, order, /)\n--\n\n"
                             "Write the rows in the order of their values, null last.");

static PyObject *text_order(PyObject *module, PyObject *args)
{
    PyObject *offsets, *data, *valid, *order;
    rr_text text;
    rr_call_state state;
    rr_call call = rr_call_python(module, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOOO:text_order", &offsets, &data, &valid, &order)) {
        return NULL;
    }
    rr_array rows[] = {TEXT_ROWS("", offsets, data, valid),
                       {"order", NPY_INT64, RR_OUT, &text.n, order, NULL, 0}};
    if (rr_arrays_check(rows, 3) < 0 || text_of(rows, &text) < 0 ||
        rr_arrays_check(rows + 3, 1) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_text_order(&text, rows[3].data, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(first_rows_doc, "first_rows($module, codes, rows, /)\n--\n\n"
                             "Write the row on which each code appears first.");

static PyObject *first_rows(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *codes, *first;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OO:first_rows", &codes, &first)) {
        return NULL;
    }
    rr_array rows[] = {{"codes", NPY_INT32, RR_IN, NULL, codes, NULL, 0},
                       {"rows", NPY_INT64, RR_OUT, NULL, first, NULL, 0}};
    if (rr_arrays_check(rows, 2) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_first_rows(rows[0].data, rows[0].n, rows[1].n, rows[1].data, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(text_take_doc,
             "text_take($module, offsets, data, valid, rows, out_offsets, out_valid, /)\n--\n\n"
             "Write the offsets of the values of `rows`; return their data.");

static PyObject *text_take(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *offsets, *data, *valid, *take, *out_offsets, *out_valid;
    PyObject *out_data;
    rr_text text;
    rr_error error;
    rr_status status;
    int64_t one_more;
    npy_intp length;

    if (!PyArg_ParseTuple(args, "OOOOOO:text_take", &offsets, &data, &valid, &take, &out_offsets,
                          &out_valid)) {
        return NULL;
    }
    rr_array rows[] = {TEXT_ROWS("", offsets, data, valid),
                       {"rows", NPY_INT64, RR_IN, NULL, take, NULL, 0},
                       {"out_offsets", NPY_INT64, RR_OUT, &one_more, out_offsets, NULL, 0},
                       {"out_valid", NPY_BOOL, RR_OUT_OR_NONE, NULL, out_valid, NULL, 0}};
    rows[5].length = out_valid == Py_None ? NULL : &rows[3].n;
    if (rr_arrays_check(rows, 4) < 0 || text_of(rows, &text) < 0) {
        return NULL;
    }
    one_more = rows[3].n + 1;
    if (rr_arrays_check(rows + 4, 2) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_text_take_offsets(&text, rows[3].data, rows[3].n, rows[4].data, rows[5].data,
                                  &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        return rr_raise(status, &error);
    }
    length = (npy_intp)((const int64_t *)rows[4].data)[rows[3].n];
    out_data = PyArray_SimpleNew(1, &length, NPY_UINT8);
    if (out_data == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_text_take_data(&text, rows[3].data, rows[3].n,
                               PyArray_DATA((PyArrayObject *)out_data), length, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        Py_DECREF(out_data);
        return rr_raise(status, &error);
    }
    return out_data;
}

PyDoc_STRVAR(text_equal_doc, "text_equal($module, offsets, data, valid, other_offsets, other_data, "
                             "other_valid, same, /)\n--\n\n"
                             "Write where two columns hold the same value.");

static PyObject *text_equal(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *o, *d, *v, *other_o, *other_d, *other_v, *same;
    rr_text text, other;

    if (!PyArg_ParseTuple(args, "OOOOOOO:text_equal", &o, &d, &v, &other_o, &other_d, &other_v,
                          &same)) {
        return NULL;
    }
    rr_array rows[] = {TEXT_ROWS("", o, d, v),
                       TEXT_ROWS("other_", other_o, other_d, other_v),
                       {"same", NPY_BOOL, RR_OUT, &text.n, same, NULL, 0}};
    if (rr_arrays_check(rows, 6) < 0 || text_of(rows, &text) < 0 || text_of(rows + 3, &other) < 0 ||
        rr_arrays_check(rows + 6, 1) < 0) {
        return NULL;
    }
    if (other.n != text.n) {
        PyErr_SetString(PyExc_ValueError, "two text columns must have one length");
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    rr_text_equal(&text, &other, rows[6].data);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

PyDoc_STRVAR(text_to_objects_doc,
             "text_to_objects($module, offsets, data, valid, objects, /)\n--\n\n"
             "Write a str, or None for null, for every value.");

static PyObject *text_to_objects(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *o, *d, *v, *objects;
    rr_text text;

    if (!PyArg_ParseTuple(args, "OOOO:text_to_objects", &o, &d, &v, &objects)) {
        return NULL;
    }
    rr_array rows[] = {TEXT_ROWS("", o, d, v),
                       {"objects", NPY_OBJECT, RR_OUT, &text.n, objects, NULL, 0}};
    if (rr_arrays_check(rows, 3) < 0 || text_of(rows, &text) < 0 ||
        rr_arrays_check(rows + 3, 1) < 0) {
        return NULL;
    }
    for (int64_t i = 0; i < text.n; i++) {
        PyObject **place = (PyObject **)rows[3].data + i, *was = *place, *value;

        if (text.valid != NULL && !text.valid[i]) {
            value = Py_NewRef(Py_None);
        } else {
            value = PyUnicode_DecodeUTF8((const char *)text.data + text.offsets[i],
                                         (Py_ssize_t)(text.offsets[i + 1] - text.offsets[i]), NULL);
        }
        if (value == NULL) {
            return NULL;
        }
        *place = value;
        Py_XDECREF(was);
        if (i % 65536 == 0 && PyErr_CheckSignals() < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

PyMethodDef rr_py_text_methods[] = {
    {"text_check", text_check, METH_VARARGS, text_check_doc},
    {"text_fixed_check", fixed_check, METH_VARARGS, fixed_check_doc},
    {"text_present", text_present, METH_VARARGS, text_present_doc},
    {"text_isin", text_isin, METH_VARARGS, text_isin_doc},
    {"text_compare", text_compare, METH_VARARGS, text_compare_doc},
    {"text_codes", text_codes, METH_VARARGS, text_codes_doc},
    {"text_order", text_order, METH_VARARGS, text_order_doc},
    {"first_rows", first_rows, METH_VARARGS, first_rows_doc},
    {"text_take", text_take, METH_VARARGS, text_take_doc},
    {"text_equal", text_equal, METH_VARARGS, text_equal_doc},
    {"text_to_objects", text_to_objects, METH_VARARGS, text_to_objects_doc},
    {NULL, NULL, 0, NULL}};
