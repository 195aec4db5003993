/* Keys: the columns of a table as the core takes them, and what it makes of them. */
#include "binding.h"

#include <stdlib.h>
#include <string.h>

static int is_of_type(PyObject *object, int type)
{
    return PyArray_Check(object) &&
           PyArray_EquivTypenums(PyArray_TYPE((PyArrayObject *)object), type);
}

/* ("ints", values, valid), of int64 or int32. */
static int read_integers(PyObject *values, PyObject *valid, rr_key_column *column, int64_t *length)
{
    int narrow = is_of_type(values, NPY_INT32);
    rr_array rows[] = {{"ints", narrow ? NPY_INT32 : NPY_INT64, RR_IN, NULL, values, NULL, 0},
                       {"valid", NPY_BOOL, RR_IN_OR_NONE, &rows[0].n, valid, NULL, 0}};

    if (rr_arrays_check(rows, 2) < 0) {
        return -1;
    }
    column->kind = narrow ? RR_KEY_INT32 : RR_KEY_INT64;
    column->ints_32 = narrow ? rows[0].data : NULL;
    column->ints = narrow ? NULL : rows[0].data;
    column->valid = rows[1].data;
    *length = rows[0].n;
    return 0;
}

/* ("codes", codes, meanings), the codes of int32, int16 or int8. */
static int read_codes(PyObject *codes, PyObject *meanings, rr_key_column *column, int64_t *length)
{
    int type = is_of_type(codes, NPY_INT8)    ? NPY_INT8
               : is_of_type(codes, NPY_INT16) ? NPY_INT16
                                              : NPY_INT32;
    rr_array rows[] = {{"ints", type, RR_IN, NULL, codes, NULL, 0},
                       {"meanings", NPY_UINT32, RR_IN_OR_NONE, NULL, meanings, NULL, 0}};

    if (rr_arrays_check(rows, 2) < 0) {
        return -1;
    }
    column->kind = RR_KEY_CODES;
    column->ints_8 = type == NPY_INT8 ? rows[0].data : NULL;
    column->ints_16 = type == NPY_INT16 ? rows[0].data : NULL;
    column->ints_32 = type == NPY_INT32 ? rows[0].data : NULL;
    column->meanings = rows[1].data;
    column->n_meanings = rows[1].n;
    *length = rows[0].n;
    return 0;
}

/* ("text", offsets, data, valid), the offsets being int64 or int32. */
static int read_texts(PyObject *offsets, PyObject *data, PyObject *valid, rr_key_column *column,
                      int64_t *length)
{
    int narrow = is_of_type(offsets, NPY_INT32);
    int64_t n;
    rr_array rows[] = {{"offsets", narrow ? NPY_INT32 : NPY_INT64, RR_IN, NULL, offsets, NULL, 0},
                       {"data", NPY_UINT8, RR_IN, NULL, data, NULL, 0},
                       {"valid", NPY_BOOL, RR_IN_OR_NONE, NULL, valid, NULL, 0}};

    if (rr_arrays_check(rows, 3) < 0) {
        return -1;
    }
    n = rows[0].n - 1;
    if (n < 0 || (rows[2].data != NULL && rows[2].n != n)) {
        PyErr_SetString(PyExc_ValueError, "offsets must have one element more than the column");
        return -1;
    }
    column->kind = RR_KEY_TEXT;
    column->offsets = narrow ? NULL : rows[0].data;
    column->offsets_32 = narrow ? rows[0].data : NULL;
    column->data = rows[1].data;
    column->n_data = rows[1].n;
    column->valid = rows[2].data;
    *length = n;
    return 0;
}

/* ("fixed", characters, width, valid): texts of a fixed width, in bytes or in UTF-32. */
static int read_fixed(PyObject *characters, PyObject *width, PyObject *valid, rr_key_column *column,
                      int64_t *length)
{
    int wide = is_of_type(characters, NPY_UINT32);
    rr_array rows[] = {
        {"characters", wide ? NPY_UINT32 : NPY_UINT8, RR_IN, NULL, characters, NULL, 0},
        {"valid", NPY_BOOL, RR_IN_OR_NONE, length, valid, NULL, 0}};
    long long n = PyLong_AsLongLong(width);

    if ((n == -1 && PyErr_Occurred()) || rr_arrays_check(rows, 1) < 0) {
        return -1;
    }
    if (n < 1 || n > RR_WIDTH_MAX || rows[0].n % n != 0) {
        PyErr_SetString(PyExc_ValueError, "characters do not make texts of the width");
        return -1;
    }
    *length = rows[0].n / n;
    if (rr_arrays_check(&rows[1], 1) < 0) {
        return -1;
    }
    column->kind = RR_KEY_TEXT;
    column->width = n;
    column->data = wide ? NULL : rows[0].data;
    column->n_data = wide ? 0 : rows[0].n;
    column->wide = wide ? rows[0].data : NULL;
    column->valid = rows[1].data;
    return 0;
}

/* Reads one column; `length` is that of the table, or -1 for the first column, which sets it. */
static int read_key_column(PyObject *object, rr_key_column *column, int64_t *length)
{
    PyObject *a, *b, *c;
    const char *kind;
    Py_ssize_t parts = PyTuple_Check(object) ? PyTuple_Size(object) : 0;
    int64_t own = 0;

    if (parts == 3) {
        if (!PyArg_ParseTuple(object, "sOO", &kind, &a, &b)) {
            return -1;
        }
    } else if (parts == 4) {
        if (!PyArg_ParseTuple(object, "sOOO", &kind, &a, &b, &c)) {
            return -1;
        }
    } else {
        PyErr_SetString(PyExc_TypeError, "a key column is a tuple of three or four");
        return -1;
    }
    if (parts == 3 && strcmp(kind, "ints") == 0) {
        if (read_integers(a, b, column, &own) < 0) {
            return -1;
        }
    } else if (parts == 3 && strcmp(kind, "codes") == 0) {
        if (read_codes(a, b, column, &own) < 0) {
            return -1;
        }
    } else if (parts == 4 && strcmp(kind, "text") == 0) {
        if (read_texts(a, b, c, column, &own) < 0) {
            return -1;
        }
    } else if (parts == 4 && strcmp(kind, "fixed") == 0) {
        if (read_fixed(a, b, c, column, &own) < 0) {
            return -1;
        }
    } else {
        PyErr_Format(PyExc_ValueError, "unknown kind of key column: %s", kind);
        return -1;
    }
    if (*length >= 0 && *length != own) {
        PyErr_SetString(PyExc_ValueError, "the columns of a key must have one length");
        return -1;
    }
    *length = own;
    return 0;
}

/* The key columns of some tables. */
typedef struct key_tables {
    rr_key_table *tables;
    rr_key_column *columns;
    Py_ssize_t n_tables, n_columns;
} key_tables;

static void close_key_tables(key_tables *keys)
{
    free(keys->tables);
    free(keys->columns);
}

/* Reads a tuple of tables, each a tuple of columns. The caller ends `keys` also after a failure. */
static int read_key_tables(PyObject *object, key_tables *keys)
{
    PyObject *first = PyTuple_Size(object) < 1 ? NULL : PyTuple_GetItem(object, 0);

    keys->n_tables = PyTuple_Size(object);
    keys->n_columns = first != NULL && PyTuple_Check(first) ? PyTuple_Size(first) : 0;
    if (keys->n_columns < 1) {
        PyErr_SetString(PyExc_ValueError, "a key needs a table and a column");
        return -1;
    }
    keys->tables = calloc((size_t)keys->n_tables, sizeof *keys->tables);
    keys->columns = calloc((size_t)(keys->n_tables * keys->n_columns), sizeof *keys->columns);
    if (keys->tables == NULL || keys->columns == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t t = 0; t < keys->n_tables; t++) {
        PyObject *list = PyTuple_GetItem(object, t);
        rr_key_column *columns = keys->columns + t * keys->n_columns;

        if (!PyTuple_Check(list) || PyTuple_Size(list) != keys->n_columns) {
            PyErr_SetString(PyExc_ValueError, "every table needs the same number of key columns");
            return -1;
        }
        keys->tables[t] = (rr_key_table){columns, -1};
        for (Py_ssize_t c = 0; c < keys->n_columns; c++) {
            if (read_key_column(PyTuple_GetItem(list, c), &columns[c], &keys->tables[t].n) < 0) {
                return -1;
            }
            if ((columns[c].kind == RR_KEY_TEXT) != (keys->columns[c].kind == RR_KEY_TEXT)) {
                PyErr_SetString(PyExc_ValueError, "a key column must be of one kind in all tables");
                return -1;
            }
        }
    }
    return 0;
}

PyDoc_STRVAR(encode_doc,
             "encode($module, tables, codes, /)\n--\n\n"
             "Write one uint32 code a row for the key columns of each table; return the limit.");

static PyObject *encode(PyObject *self, PyObject *args)
{
    PyObject *tables_object, *codes_object, *result = NULL;
    key_tables keys = {0};
    uint32_t **codes = NULL;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    uint32_t limit;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O!O!:encode", &PyTuple_Type, &tables_object, &PyTuple_Type,
                          &codes_object)) {
        return NULL;
    }
    if (PyTuple_Size(tables_object) < 1 ||
        PyTuple_Size(codes_object) != PyTuple_Size(tables_object)) {
        PyErr_SetString(PyExc_ValueError, "encode needs one array of codes for each table");
        return NULL;
    }
    if (read_key_tables(tables_object, &keys) < 0) {
        goto out;
    }
    codes = calloc((size_t)keys.n_tables, sizeof *codes);
    if (codes == NULL) {
        PyErr_NoMemory();
        goto out;
    }
    for (Py_ssize_t t = 0; t < keys.n_tables; t++) {
        rr_array code = {"codes", NPY_UINT32, RR_OUT, &keys.tables[t].n, NULL, NULL, 0};

        code.object = PyTuple_GetItem(codes_object, t);
        if (rr_arrays_check(&code, 1) < 0) {
            goto out;
        }
        codes[t] = code.data;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_encode(keys.tables, keys.n_tables, keys.n_columns, codes, &limit, &call, &error);
    Py_END_ALLOW_THREADS
    result = status == RR_OK ? PyLong_FromUnsignedLong(limit) : rr_raise(status, &error);
out:
    close_key_tables(&keys);
    free(codes);
    return result;
}

/* ---------------------------------------------------------------- order by key columns */

static const char *const PARTS = "rereferral.parts";

static void free_parts(PyObject *capsule)
{
    rr_parts_free(PyCapsule_GetPointer(capsule, PARTS));
}

static PyObject *wrap_parts(rr_parts *parts)
{
    PyObject *capsule = PyCapsule_New(parts, PARTS, free_parts);

    if (capsule == NULL) {
        rr_parts_free(parts);
    }
    return capsule;
}

PyDoc_STRVAR(order_keys_doc,
             "order_keys($module, tables, index_day, index_use, event_day, event_use, /)"
             "\n--\n\n"
             "Put both sides in order by key columns, of which `tables` holds those "
             "of index and events; return the parts.");

static PyObject *order_keys(PyObject *self, PyObject *args)
{
    rr_array days[2] = {{.name = "index_day"}, {.name = "event_day"}};
    rr_array uses[2] = {{"index_use", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0},
                        {"event_use", NPY_BOOL, RR_IN_OR_NONE, NULL, NULL, NULL, 0}};
    PyObject *tables_object, *result = NULL;
    rr_rows rows[2];
    key_tables keys = {0};
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_parts *parts;
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "O!OOOO:order_keys", &PyTuple_Type, &tables_object, &days[0].object,
                          &uses[0].object, &days[1].object, &uses[1].object) ||
        read_key_tables(tables_object, &keys) < 0) {
        goto out;
    }
    if (keys.n_tables != 2) {
        PyErr_SetString(PyExc_ValueError, "order_keys needs two tables");
        goto out;
    }
    for (int t = 0; t < 2; t++) {
        rows[t] = (rr_rows){.n = keys.tables[t].n};
        days[t].length = uses[t].length = &keys.tables[t].n;
        if (rr_days_expect(&days[t], &rows[t].day) < 0 || rr_arrays_check(&days[t], 1) < 0 ||
            rr_arrays_check(&uses[t], 1) < 0) {
            goto out;
        }
        rr_days_given(&days[t], &rows[t].day);
        rows[t].use = uses[t].data;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_order_keys(keys.tables, keys.n_columns, &rows[0], &rows[1], &call, &parts, &error);
    Py_END_ALLOW_THREADS
    result = status == RR_OK ? wrap_parts(parts) : rr_raise(status, &error);
out:
    close_key_tables(&keys);
    return result;
}

/* ---------------------------------------------------------------- a book of keys */

static const char *const BOOK = "rereferral.key_book";

static void free_book(PyObject *capsule)
{
    rr_key_book_free(PyCapsule_GetPointer(capsule, BOOK));
}

/* Reads the columns of one table, and the array for the codes of its rows. */
static int read_one_table(PyObject *columns, PyObject *codes_object, key_tables *keys,
                          uint32_t **codes)
{
    rr_array code = {"codes", NPY_UINT32, RR_OUT, NULL, codes_object, NULL, 0};
    PyObject *tables = PyTuple_Pack(1, columns);
    int failed = tables == NULL || read_key_tables(tables, keys) < 0;

    Py_XDECREF(tables);
    if (failed) {
        return -1;
    }
    code.length = &keys->tables[0].n;
    if (rr_arrays_check(&code, 1) < 0) {
        return -1;
    }
    *codes = code.data;
    return 0;
}

PyDoc_STRVAR(key_book_doc, "key_book($module, columns, codes, /)\n--\n\n"
                           "Write one uint32 code a row for the key columns of a table; return "
                           "their limit and the book of the keys, or None where there is none.");

static PyObject *key_book(PyObject *self, PyObject *args)
{
    PyObject *columns, *codes_object, *capsule, *result = NULL;
    key_tables keys = {0};
    rr_key_book *book;
    uint32_t *codes, limit;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OO:key_book", &columns, &codes_object) ||
        read_one_table(columns, codes_object, &keys, &codes) < 0) {
        goto out;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_key_book_make(keys.tables, keys.n_columns, codes, &limit, &book, &call, &error);
    Py_END_ALLOW_THREADS
    if (status != RR_OK) {
        rr_raise(status, &error);
        goto out;
    }
    capsule = book == NULL ? Py_NewRef(Py_None) : PyCapsule_New(book, BOOK, free_book);
    if (capsule == NULL) {
        rr_key_book_free(book);
        goto out;
    }
    result = Py_BuildValue("kN", (unsigned long)limit, capsule);
out:
    close_key_tables(&keys);
    return result;
}

PyDoc_STRVAR(look_up_doc, "look_up($module, book, columns, codes, /)\n--\n\n"
                          "Write the codes of a book's keys for the rows of another table; the "
                          "limit where it has none.");

static PyObject *look_up(PyObject *self, PyObject *args)
{
    PyObject *capsule, *columns, *codes_object, *result = NULL;
    key_tables keys = {0};
    const rr_key_book *book;
    uint32_t *codes;
    rr_call_state state;
    rr_call call = rr_call_python(self, &state, NULL);
    rr_error error;
    rr_status status;

    if (!PyArg_ParseTuple(args, "OOO:look_up", &capsule, &columns, &codes_object) ||
        (book = PyCapsule_GetPointer(capsule, BOOK)) == NULL ||
        read_one_table(columns, codes_object, &keys, &codes) < 0) {
        goto out;
    }
    if (keys.n_columns != rr_key_book_columns(book)) {
        PyErr_SetString(PyExc_ValueError, "the key has another number of columns than the book's");
        goto out;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rr_key_book_look_up(book, keys.tables, codes, &call, &error);
    Py_END_ALLOW_THREADS
    result = status == RR_OK ? Py_NewRef(Py_None) : rr_raise(status, &error);
out:
    close_key_tables(&keys);
    return result;
}

PyMethodDef rr_py_keys_methods[] = {
    {"encode", encode, METH_VARARGS, encode_doc},
    {"order_keys", order_keys, METH_VARARGS, order_keys_doc},
    {"key_book", key_book, METH_VARARGS, key_book_doc},
    {"look_up", look_up, METH_VARARGS, look_up_doc},
    {NULL, NULL, 0, NULL},
};
