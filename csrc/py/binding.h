/* What the files of the binding share. Only this folder knows both Python and the core, and it
 * computes nothing: a wrapper checks its arrays against a table, lets the GIL go, calls the core
 * once, and raises what the core reports. */
#ifndef RR_BINDING_H
#define RR_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define PY_ARRAY_UNIQUE_SYMBOL rereferral_numpy
#ifndef RR_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "rereferral.h"
#include "shelf.h"

/* ---------------------------------------------------------------- arrays.c */

typedef enum rr_role {
    RR_IN,         /* read */
    RR_IN_OR_NONE, /* read; None gives a NULL pointer */
    RR_OUT,        /* written */
    RR_OUT_OR_NONE /* written; None: not wanted, a NULL pointer */
} rr_role;

/* One row of the table that drives the checks of a wrapper. */
typedef struct rr_array {
    const char *name; /* of the argument, for the message */
    int type;         /* NPY_INT64, ... */
    rr_role role;
    const int64_t *length; /* the length it must have, or NULL: any */
    PyObject *object;      /* borrowed: what the caller gave */
    void *data;            /* filled in: its first element, or NULL for None */
    int64_t n;             /* filled in: its length, 0 for None */
} rr_array;

/* Checks that each object is a one-dimensional, contiguous, aligned array in native byte order, of
 * exactly this type and, where asked, of this length, and fills in `data` and `n`. Rows are checked
 * in turn, so `length` may point to the `n` of an earlier row. Returns 0, or -1 with TypeError or
 * ValueError set, which names the argument. Takes no references: the arrays live as long as the
 * caller's arguments. */
int rr_arrays_check(rr_array *arrays, size_t count);

/* How many elements an array has. */
#define RR_COUNT(array) (sizeof(array) / sizeof *(array))

/* A column of days: an array of int64 or int32 days, or a tuple (ticks, per_day) of an array of int64
 * ticks, or int32 days, and how many make a day; or (ticks, per_day, first, last), where it is known
 * between which days they lie. rr_days_expect, before the check, reads what `entry`
 * was given (which is not NULL): 0, or -1 with an error set. rr_days_given, after it, completes
 * `days`. */
int rr_days_expect(rr_array *entry, rr_days *days);
void rr_days_given(const rr_array *entry, rr_days *days);

/* An array over *block, which is malloc's and which it owns from now on: *block becomes NULL. When the
 * array goes, the block goes to the shelf (NULL: it is freed). None for a NULL block. */
PyObject *rr_array_over(void **block, int64_t n, int type, rr_shelf *shelf);

/* ---------------------------------------------------------------- errors.c */

/* The one place that raises what the core reports: MemoryError, OSError, KeyboardInterrupt, or a
 * rereferral.errors class with the attributes row, line, byte, column and value. Returns NULL. */
PyObject *rr_raise(rr_status status, const rr_error *error);

/* rr_raise with a message and a row (-1: none) of the binding's own. Returns NULL. In py_columns.c. */
PyObject *rr_raise_at(rr_status status, int64_t row, const char *message);

/* ---------------------------------------------------------------- call.c */

/* What the module keeps: its settings. */
typedef struct rr_module_state {
    int threads;     /* that a call may use */
    rr_shelf *shelf; /* large blocks for columns and results; NULL: none yet */
} rr_module_state;

/* A call for the core, on as many threads as the module says, that answers Ctrl-C and feeds a progress
 * callable `progress(done, total)` (NULL or None: none). Use without changing `state` until the core
 * returns. */
typedef struct rr_call_state {
    PyObject *progress; /* borrowed */
} rr_call_state;

rr_call rr_call_python(PyObject *module, rr_call_state *state, PyObject *progress);

/* ---------------------------------------------------------------- py_link.c
 *
 * Converters for "O&" of PyArg_ParseTuple: 1, or 0 with an error set. */

/* A span as Python writes it, (unit, length) with unit "days", "months" or "open", into an rr_span. */
int rr_read_span(PyObject *object, void *address);

/* A window, (backward, length, min_gap, exclusive_end, include_same_day), into an rr_window. */
int rr_read_window(PyObject *object, void *address);

/* What `order` returned, into a const rr_parts *, which lives as long as the caller's argument. */
int rr_read_parts(PyObject *object, void *address);

/* ---------------------------------------------------------------- py_sweep.c */

/* Reads a rule: (window, last_row, stop_near, stop_veto, take, claim_latest, same_table, apart, use, anchor,
 * self_row, lower, upper, confirm_by, index_day, event_day, vetoed, confirmed), for tables of these
 * lengths. Its
 * arrays live as long as `object`. Returns 0, or -1 with an error set. */
int rr_read_rule(PyObject *object, int64_t n_index, int64_t n_events, rr_rule *rule);

/* ---------------------------------------------------------------- tables of methods, one a file */

extern PyMethodDef rr_py_call_methods[];
extern PyMethodDef rr_py_link_methods[];
extern PyMethodDef rr_py_sweep_methods[];
extern PyMethodDef rr_py_csv_methods[];
extern PyMethodDef rr_py_tally_methods[];
extern PyMethodDef rr_py_curves_methods[];
extern PyMethodDef rr_py_text_methods[];
extern PyMethodDef rr_py_text_forms_methods[];
extern PyMethodDef rr_py_columns_methods[];
extern PyMethodDef rr_py_arrow_in_methods[];
extern PyMethodDef rr_py_arrow_out_methods[];
extern PyMethodDef rr_py_cohort_methods[];
extern PyMethodDef rr_py_merge_methods[];
extern PyMethodDef rr_py_keys_methods[];
extern PyMethodDef rr_py_marks_methods[];

#endif
