/* rereferral: links events of the same person over large tables.
 *
 * The core in C11. It knows no Python. Rules that hold for every function here:
 *
 *   inputs      are borrowed columns, read and never kept beyond the call unless the comment says so;
 *   outputs     are allocated by the caller, with the lengths that the comment states; a NULL output
 *               is one that the caller does not want;
 *   lengths     count elements, never bytes, and are int64_t;
 *   days        are int64_t days since 1970-01-01 in the proleptic Gregorian calendar. RR_NULL_DAY
 *               (which is numpy's NaT) is a missing day; every other day lies in
 *               [RR_DAY_MIN, RR_DAY_MAX];
 *   status      is returned by every call that can fail. On failure the outputs hold nothing of use,
 *               and `error`, unless it is NULL, says what and where;
 *   threads     no function keeps state between calls; calls on different data may run side by side.
 */
#ifndef REREFERRAL_H
#define REREFERRAL_H

#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define RR_MUST_CHECK __attribute__((warn_unused_result))
#define RR_PRINTF(text, rest) __attribute__((format(printf, text, rest)))
#else
#define RR_MUST_CHECK
#define RR_PRINTF(text, rest)
#endif

#define RR_NULL_DAY INT64_MIN
#define RR_DAY_MIN INT64_C(-10000000) /* about the year -25,400 */
#define RR_DAY_MAX INT64_C(10000000)  /* about the year 29,300 */

/* ---------------------------------------------------------------- status */

typedef enum rr_status {
    RR_OK = 0,
    RR_ERR_MEMORY,      /* an allocation failed */
    RR_ERR_INTERRUPTED, /* the poll asked to stop */
    RR_ERR_IO,          /* the operating system refused; `code` is its errno */
    RR_ERR_ARGUMENT,    /* an argument is outside what the function's comment allows */
    RR_ERR_DAY_RANGE,   /* a day is outside [RR_DAY_MIN, RR_DAY_MAX]; `row` says where */
    RR_ERR_TOO_LARGE,   /* more rows or keys than can be counted */
    RR_ERR_CSV,         /* a file is not well-formed CSV; `line` and `byte` say where */
    RR_ERR_VALUE        /* a field does not hold what its column asks; `row`, `line`, `column` */
} rr_status;

/* What went wrong, and where. A caller puts one on its stack. -1 and "" mean: does not apply. */
typedef struct rr_error {
    int64_t row;       /* data row, from 0 */
    int64_t line;      /* line of the file, from 1, the header being a line */
    int64_t byte;      /* byte offset in the file */
    int64_t column;    /* column, from 0, in the order of the file or of the arguments */
    int code;          /* errno, for RR_ERR_IO */
    char value[128];   /* the offending value, cut short if need be, always valid UTF-8 */
    char message[256]; /* one sentence, without the place and without the value */
} rr_error;

/* A short name of a status, for logs: "out of memory". Never NULL. Static storage. */
const char *rr_strerror(rr_status status);

/* Lets a caller stop long work. `stop` is called now and then, only from the thread that made the
 * call, and returns non-zero to stop; the function then returns RR_ERR_INTERRUPTED. `done` is the
 * work done so far and `total` the whole, in a unit of the function's own; total is 0 if unknown.
 * A NULL poll is never asked. */
typedef struct rr_poll {
    int (*stop)(void *context, int64_t done, int64_t total);
    void *context;
} rr_poll;

#endif
