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

/* ---------------------------------------------------------------- days and windows */

typedef enum rr_unit {
    RR_DAYS,
    RR_MONTHS, /* calendar months; a year is twelve */
    RR_OPEN    /* without end; `length` is not read */
} rr_unit;

#define RR_SPAN_MAX INT64_C(1000000)

/* A span of time: `length` whole units, from 0 to RR_SPAN_MAX. */
typedef struct rr_span {
    rr_unit unit;
    int64_t length;
} rr_span;

typedef enum rr_direction {
    RR_FORWARD, /* events after the index event */
    RR_BACKWARD /* events before it */
} rr_direction;

/* Which event days count for an index event. Spans are always added to the earlier date of the
 * pair, in both directions, so a pair is inside forward exactly when it is inside backward. */
typedef struct rr_window {
    rr_direction direction;
    rr_span length;
    rr_span min_gap;      /* {RR_DAYS, 0}: none. A gap shorter than this does not count */
    int exclusive_end;    /* the day at exactly `length` does not count */
    int include_same_day; /* the index day itself counts (unless min_gap forbids it) */
} rr_window;

/* day + span. Months go to the same day of the month, or to the month's last: 29 Feb 2016 and twelve
 * months make 28 Feb 2017. RR_OPEN gives INT64_MAX; RR_NULL_DAY stays. `day` is in range. */
int64_t rr_add_span(int64_t day, rr_span span);

/* rr_add_span for n days. `end` may be `day` itself.
 * RR_ERR_DAY_RANGE names the row of a day out of range; RR_ERR_ARGUMENT a span out of range. */
rr_status rr_add_spans(const int64_t *day, int64_t n, rr_span span, int64_t *end,
                       rr_error *error) RR_MUST_CHECK;

/* The first and the last event day, both inclusive, that the window admits for each of n index days.
 * first > last where it admits none; INT64_MAX (forward) or -INT64_MAX (backward) where it is open;
 * both RR_NULL_DAY for a null day. Errors as rr_add_spans. */
rr_status rr_window_bounds(const rr_window *window, const int64_t *day, int64_t n, int64_t *first,
                           int64_t *last, rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- keys */

#define RR_NULL_KEY UINT32_MAX

typedef enum rr_key_kind {
    RR_KEY_INT64, /* `ints` */
    RR_KEY_TEXT   /* `offsets` (n + 1) into `data` (n_data bytes): text i is data[offsets[i]] to
                     data[offsets[i + 1]] */
} rr_key_kind;

/* One column of a key. Text is compared by its bytes. */
typedef struct rr_key_column {
    rr_key_kind kind;
    const int64_t *ints;
    const int64_t *offsets;
    const uint8_t *data;
    int64_t n_data;
    const uint8_t *valid; /* n flags, 0 for a missing value; NULL: none is missing */
} rr_key_column;

/* The key columns of one table; every table of a call has as many, of the same kinds in the same
 * order. */
typedef struct rr_key_table {
    const rr_key_column *columns;
    int64_t n;
} rr_key_table;

/* Turns keys of any kind into small whole numbers: over all the tables, two rows get the same code
 * exactly when all their columns are equal. A row with a missing value gets RR_NULL_KEY.
 *
 * codes: one array a table, of its length. *limit: every other code is below it; integers of a narrow
 * range keep their order and their gaps, so a code below the limit need not occur.
 * The codes depend on the input alone. RR_ERR_TOO_LARGE when there are 2^32 - 1 codes or more;
 * RR_ERR_ARGUMENT for text offsets that are not in order or leave the data. */
rr_status rr_encode(const rr_key_table *tables, int64_t n_tables, int64_t n_columns,
                    uint32_t *const *codes, uint32_t *limit, const rr_poll *poll,
                    rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- order and linkage */

/* The rows of one side. Rows with a null key, a null day or use[i] == 0 take no part. */
typedef struct rr_rows {
    const uint32_t *key; /* codes of rr_encode, over both sides */
    const int64_t *day;
    const uint8_t *use; /* NULL: all */
    int64_t n;
} rr_rows;

/* Both sides in order: split by key into parts that fit the cache, each sorted by key, day and row.
 * Made once and read many times, by any number of threads. */
typedef struct rr_parts rr_parts;

/* Puts index and event rows in order. `limit` is that of rr_encode. On success the caller owns
 * *parts and ends it with rr_parts_free; it keeps nothing of the inputs. On failure *parts is NULL.
 * RR_ERR_DAY_RANGE names row, and in `column` 0 for the index and 1 for the events. */
rr_status rr_order(const rr_rows *index, const rr_rows *events, uint32_t limit, const rr_poll *poll,
                   rr_parts **parts, rr_error *error) RR_MUST_CHECK;

/* Frees what rr_order made; NULL is accepted. */
void rr_parts_free(rr_parts *parts);

typedef enum rr_ties {
    RR_TIES_FIRST_ROW, /* of the events of the chosen day, the one that stands first in its table */
    RR_TIES_LAST_ROW
} rr_ties;

typedef enum rr_near {
    RR_NEAR_SKIP, /* an event nearer than the minimum gap is passed over */
    RR_NEAR_STOP  /* it ends the search without an event */
} rr_near;

typedef enum rr_veto {
    RR_VETO_SKIP, /* a vetoed event is no event, and nothing else */
    RR_VETO_STOP  /* if a day of vetoed events only comes first, the search ends without an event */
} rr_veto;

#define RR_TAKE_LAST INT64_C(0)

/* What to look for. Arrays may be NULL. A day with an event is one with an event row that is not the
 * index row itself, not vetoed, and confirmed in time. */
typedef struct rr_rule {
    rr_window window;
    rr_ties ties;
    rr_near near;
    rr_veto veto;
    /* 1: the nearest day with an event, n: the nth, RR_TAKE_LAST: the farthest */
    int64_t take;
    /* forward: a day serves the latest used index day before it alone, from its first admissible day
     * on (the next, where that day's only event is the row itself); rows of one day share it */
    int claim_latest;
    /* index row i and event row i are the same row, and never match */
    int same_table;
    /* By index row. Rows that anchor, lower and upper say something of, NULL: all; where they are few,
     * the others cost nothing */
    const uint8_t *apart;
    const uint8_t *use; /* rows to look at; NULL: all that were put in order */
    /* the day on which the window hangs and from which gaps are counted; NULL: the row's own;
     * RR_NULL_DAY: the row is not used */
    const int64_t *anchor;
    /* the event row that is this index row, -1 for none; never matches */
    const int64_t *self_row;
    /* a first and a last admissible day beside the window's; RR_NULL_DAY: no bound */
    const int64_t *lower;
    const int64_t *upper;
    /* the last day on which an event may be confirmed; with `confirmed` */
    const int64_t *confirm_by;
    /* By event row. Its day; needed with same_table or self_row */
    const int64_t *event_day;
    const uint8_t *vetoed;
    /* the day on which it was confirmed, RR_NULL_DAY: never */
    const int64_t *confirmed;
} rr_rule;

/* What was found, by index row; NULL where not wanted. A row that took no part, or found nothing, has
 * -1, -1 and 0. */
typedef struct rr_matches {
    int64_t *event_row; /* of the chosen day: its row in the events table */
    int32_t *gap_days;  /* days between anchor and event, never negative */
    int64_t *count;     /* days with an event in the window */
    uint8_t *vetoed;    /* 1: a vetoed day came first (RR_VETO_STOP) */
} rr_matches;

/* Finds, for each index row of `parts`, the day with an event of the same key that the rule asks for.
 * Events of a key on one day are one day. n_index and n_events are the lengths of the two tables that
 * were put in order. RR_ERR_ARGUMENT for other lengths, a span out of range, a take below 0, or a
 * self_row that is not a row of the events. */
rr_status rr_link(const rr_parts *parts, const rr_rule *rule, int64_t n_index, int64_t n_events,
                  const rr_matches *matches, const rr_poll *poll, rr_error *error) RR_MUST_CHECK;

/* Finds every event row that the rule admits for each index row: nearest day first, rows of a day in
 * the order of their table. A row has pairs exactly where rr_link counts days. `take` and `ties` are
 * not read.
 *
 * rr_pairs_count writes offsets (n_index + 1): row i has the pairs offsets[i] to offsets[i + 1].
 * rr_pairs_fill writes the pairs, of which there are offsets[n_index], for the offsets of the same
 * arguments; RR_ERR_ARGUMENT where they do not fit. Other errors as rr_link. */
rr_status rr_pairs_count(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                         int64_t n_events, int64_t *offsets, const rr_poll *poll,
                         rr_error *error) RR_MUST_CHECK;
rr_status rr_pairs_fill(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                        int64_t n_events, const int64_t *offsets, int64_t *event_row,
                        int32_t *gap_days, const rr_poll *poll, rr_error *error) RR_MUST_CHECK;

/* Moves the anchor of each index row of `parts` to the nearest day with an event that is nearer than
 * the window's min_gap, and again from there, until there is none. Only the anchors of rows that move
 * are written: the caller fills `anchor` with the rows' own days. The window's length, `take`, `near`,
 * `claim_latest` and `anchor` of the rule are not read. Errors as rr_link. */
rr_status rr_absorb(const rr_parts *parts, const rr_rule *rule, int64_t n_index, int64_t n_events,
                    int64_t *anchor, const rr_poll *poll, rr_error *error) RR_MUST_CHECK;

/* The gaps that rr_link would have found in a window that ends earlier, from those that it found in a
 * longer one with the same near end: an event that lies beyond it is none, -1. Not for RR_TAKE_LAST.
 * Anchors, and gaps found and narrowed, have n elements, the rows of the index. RR_ERR_DAY_RANGE names
 * the row of an anchor out of range; RR_ERR_ARGUMENT for a span out of range. */
rr_status rr_narrow(const rr_parts *parts, const rr_window *window, const int64_t *anchor,
                    int64_t n, const int32_t *found, int32_t *gap_days,
                    rr_error *error) RR_MUST_CHECK;

/* For each event row: 1 if another event row of `parts` has its key and day; else 0, also for rows
 * that took no part. n_events is the length of the events table and of `shared`. */
rr_status rr_shared_days(const rr_parts *parts, int64_t n_events, uint8_t *shared,
                         rr_error *error) RR_MUST_CHECK;

/* For each index row of `parts`: 1 if a spell of the same key is open at the end of its day, that is
 * one that starts on that day or before and ends after it; else 0, also for rows that took no part.
 * Event rows are the spells: their day is the start, spell_end (by event row) the end, RR_NULL_DAY
 * for a spell that has not ended. A spell that ends on the day is not open, so a closure never
 * meets its own spell. Lengths as in rr_link. */
rr_status rr_open_spells(const rr_parts *parts, const int64_t *spell_end, int64_t n_index,
                         int64_t n_events, uint8_t *open, const rr_poll *poll,
                         rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- cohort
 *
 * Rules that choose among the index rows of `parts`, which are the eligible ones. `kept` (by index
 * row, NULL: all) says which of them are still in the cohort; rows outside `parts` are never marked.
 * n_index is the length of the index table, of `kept` and of the output; RR_ERR_ARGUMENT if it is not
 * that of the table that was put in order. */

/* washed[row] = 1 for each row of the cohort that another index row of its key precedes: one on an
 * earlier day d' with day <= d' + span, whether still in the cohort or not. With `rolling` only a row
 * that stays counts: rows of the cohort are judged from the earliest on, and one that is washed out
 * washes out nobody. Rows of one day stand or fall together. RR_ERR_ARGUMENT for a span out of
 * range. */
rr_status rr_washout(const rr_parts *parts, rr_span span, const uint8_t *kept, int rolling,
                     int64_t n_index, uint8_t *washed, const rr_poll *poll,
                     rr_error *error) RR_MUST_CHECK;

/* chosen[row] = 1 for one row of the cohort for each key and period: that of the first day and, on
 * it, the first row of the table, or with `last` the last row of the last day. `period` is a code of 0
 * or more for each index row, in any order; NULL: one period. RR_ERR_ARGUMENT names the row of a
 * negative period. */
rr_status rr_select(const rr_parts *parts, const uint8_t *kept, const int32_t *period, int last,
                    int64_t n_index, uint8_t *chosen, const rr_poll *poll,
                    rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- columns
 *
 * Columns as they are given, turned into those that the rest of the core takes. */

/* Ticks since 1970-01-01T00:00, `per_day` (>= 1) of them in a day, INT64_MIN being null, to days.
 * `days` may be NULL (only checked) and may be `ticks` itself. RR_ERR_VALUE names the first row with
 * a time of day other than midnight, RR_ERR_DAY_RANGE the first row outside the range of days. */
rr_status rr_days_from_ticks(const int64_t *ticks, int64_t n, int64_t per_day, int64_t *days,
                             rr_error *error) RR_MUST_CHECK;

/* Doubles that hold whole numbers to integers. NaN is null: `valid` 0 and `values` 0. `nulls` counts
 * them. RR_ERR_VALUE names the first row that is not whole or is beyond +-2^53. */
rr_status rr_whole_from_double(const double *numbers, int64_t n, int64_t *values, uint8_t *valid,
                               int64_t *nulls, rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- text
 *
 * A text column of n values is `offsets` (n + 1 of them), UTF-8 `data`, and `valid` (1 = present,
 * NULL: all present). Value i is data[offsets[i]] to data[offsets[i + 1]]. */

typedef struct rr_text {
    const int64_t *offsets;
    const uint8_t *data;
    const uint8_t *valid;
    int64_t n;
} rr_text;

/* Checks that offsets start at 0 or later, never fall, and end inside `data_length` bytes.
 * RR_ERR_ARGUMENT names the row. */
rr_status rr_text_check_offsets(const rr_text *text, int64_t data_length,
                                rr_error *error) RR_MUST_CHECK;

/* Checks that every value that is not null is well-formed UTF-8. RR_ERR_VALUE names the row. */
rr_status rr_text_check_utf8(const rr_text *text, rr_error *error) RR_MUST_CHECK;

/* present[i] = 1 where the value is there and holds more than white space (as Unicode has it: what
 * Python's str.isspace calls so). `blank` counts the values that are there and hold no more. */
void rr_text_present(const rr_text *text, uint8_t *present, int64_t *blank);

/* found[i] = 1 where value i is one of `values`, of which nulls are ignored. Null is never found. */
rr_status rr_text_isin(const rr_text *text, const rr_text *values, uint8_t *found,
                       rr_error *error) RR_MUST_CHECK;

/* order[i] = -1, 0, 1: value i is before, the same as, after the one of `length` bytes at `value`, by
 * code point; 2 where it is null. */
void rr_text_compare(const rr_text *text, const uint8_t *value, int64_t length, int8_t *order);

/* Codes 0, 1, ... in the order of first appearance, -1 for null. `distinct` is how many codes there
 * are. RR_ERR_TOO_LARGE beyond 2^31 - 1 of them. */
rr_status rr_text_codes(const rr_text *text, int32_t *codes, int64_t *distinct, const rr_poll *poll,
                        rr_error *error) RR_MUST_CHECK;

/* The rows of a column in the order of their values, by code point; equal values in the order of
 * their rows, null last. `order` has n elements. */
rr_status rr_text_order(const rr_text *text, int64_t *order, const rr_poll *poll,
                        rr_error *error) RR_MUST_CHECK;

/* The row on which each of rr_text_codes' `distinct` codes appears first. */
rr_status rr_first_rows(const int32_t *codes, int64_t n, int64_t distinct, int64_t *rows,
                        rr_error *error) RR_MUST_CHECK;

/* The values of the rows `rows` (m of them, each in [0, n), or RR_ERR_ARGUMENT): first the offsets
 * (m + 1, from 0) and, unless NULL, `valid`; then the data, of which there are `length` =
 * out_offsets[m] bytes. */
rr_status rr_text_take_offsets(const rr_text *text, const int64_t *rows, int64_t m,
                               int64_t *out_offsets, uint8_t *out_valid,
                               rr_error *error) RR_MUST_CHECK;
rr_status rr_text_take_data(const rr_text *text, const int64_t *rows, int64_t m, uint8_t *out_data,
                            int64_t length, rr_error *error) RR_MUST_CHECK;

/* n values of `width` UTF-32 characters each, padded with NUL, to UTF-8: first the offsets (n + 1,
 * from 0), then the data, `length` = offsets[n] bytes. RR_ERR_VALUE names a row with something that
 * is not a character. */
rr_status rr_text_ucs4_offsets(const uint32_t *characters, int64_t n, int64_t width,
                               int64_t *offsets, rr_error *error) RR_MUST_CHECK;
rr_status rr_text_ucs4_data(const uint32_t *characters, int64_t n, int64_t width, uint8_t *data,
                            int64_t length, rr_error *error) RR_MUST_CHECK;

/* The same from n values of `width` bytes each, which rr_text_check_utf8 then judges. */
rr_status rr_text_bytes_offsets(const uint8_t *bytes, int64_t n, int64_t width, int64_t *offsets,
                                rr_error *error) RR_MUST_CHECK;
rr_status rr_text_bytes_data(const uint8_t *bytes, int64_t n, int64_t width, uint8_t *data,
                             int64_t length, rr_error *error) RR_MUST_CHECK;

/* n string views of 16 bytes each, as Arrow lays them out (the length in 4 bytes; up to 12 bytes of
 * text, or 4 bytes of prefix, the number of a buffer and an offset into it), to a column: first the
 * offsets (n + 1, from 0), then the data, `length` = offsets[n] bytes. Null values (`valid` 0) are
 * empty. RR_ERR_VALUE names a row whose view leaves the buffers. */
typedef struct rr_views {
    const uint8_t *views;
    const uint8_t *valid; /* NULL: all present */
    int64_t n;
    const uint8_t *const *buffers;
    const int64_t *buffer_lengths;
    int64_t n_buffers;
} rr_views;

rr_status rr_text_views_offsets(const rr_views *views, int64_t *offsets,
                                rr_error *error) RR_MUST_CHECK;
rr_status rr_text_views_data(const rr_views *views, uint8_t *data, int64_t length,
                             rr_error *error) RR_MUST_CHECK;

/* same[i] = 1 where both columns, of one length, hold the same value; null is the same as nothing. */
void rr_text_equal(const rr_text *a, const rr_text *b, uint8_t *same);

/* ---------------------------------------------------------------- tally and curve
 *
 * Counts by group. Flags (use, hit, event) are bytes: 0 or not 0. Every sum is of whole numbers, so
 * the order of the rows cannot change a bit of the answer. */

/* Rows and the group of each. */
typedef struct rr_grouped {
    const int32_t *group; /* by row, in [0, n_groups); NULL: every row is in group 0 */
    const uint8_t *use;   /* by row, 0: the row is not counted and not looked at; NULL: all count */
    int64_t n;            /* rows */
    int64_t n_groups;     /* at most INT32_MAX, or RR_ERR_TOO_LARGE */
} rr_grouped;

/* Per group, the rows (`n`) and the rows whose `hit` is set (`linked`). Both have n_groups elements.
 * RR_ERR_ARGUMENT, here and below, for a group code out of range, with its row. */
rr_status rr_tally(const rr_grouped *rows, const uint8_t *hit, int64_t *n, int64_t *linked,
                   const rr_poll *poll, rr_error *error) RR_MUST_CHECK;

/* Sums over the clusters of a group, from which the variance of its rate follows: cluster c holds
 * n_c of its rows, of them x_c hits. Arrays have n_groups elements; NULL where not wanted. */
typedef struct rr_cluster_sums {
    int64_t *clusters;       /* how many there are */
    int64_t *n_squared;      /* sum of n_c * n_c */
    int64_t *n_linked;       /* sum of n_c * x_c */
    int64_t *linked_squared; /* sum of x_c * x_c */
} rr_cluster_sums;

/* Fills the sums. A cluster whose rows lie in several groups counts in each of them. `cluster` is by
 * row; RR_NULL_KEY in a counted row is RR_ERR_ARGUMENT, with the row. More rows than the square root
 * of INT64_MAX are RR_ERR_TOO_LARGE: their sums might not fit. Time is linear in the rows, and 16
 * bytes a row are allocated meanwhile. */
rr_status rr_tally_clusters(const rr_grouped *rows, const uint32_t *cluster, const uint8_t *hit,
                            const rr_cluster_sums *sums, const rr_poll *poll,
                            rr_error *error) RR_MUST_CHECK;

/* The largest of the counted durations, in days; 0 where there is none. A negative one is
 * RR_ERR_VALUE, with its row and value. Groups are not looked at. */
rr_status rr_longest(const rr_grouped *rows, const int32_t *duration, int32_t *longest,
                     rr_error *error) RR_MUST_CHECK;

/* The group x day tally from which curves come, as cells: one for day 0 of every group, an empty
 * group too, and one for every later day on which a row of the group leaves; in the order of group,
 * then day. Arrays have rr_tally_days_room() elements; NULL where not wanted. */
typedef struct rr_cells {
    int32_t *group;
    int32_t *day;
    int64_t *events;   /* by cell, then cause: rows that leave on the day by cause 1, 2, ... */
    int64_t *censored; /* rows that leave on it otherwise */
} rr_cells;

/* Causes are small whole numbers: 0 is no cause (censored), 1 the event, from 2 on the ends that
 * compete with it. */
#define RR_CAUSES_MAX 127

/* The most cells that rr_tally_days can write, n_groups + min(n, n_groups * longest); -1 for a
 * negative argument and for more than INT64_MAX. */
int64_t rr_tally_days_room(int64_t n, int64_t n_groups, int32_t longest);

/* n_cells * n_causes, the length of what is by cell and cause; -1 for a negative number of cells, for
 * causes out of range, and for more than INT64_MAX. */
int64_t rr_curve_room(int64_t n_cells, int n_causes);

/* Fills the cells and says in *n_cells how many there are. By row: `duration`, the day on which it
 * leaves, in [0, longest]; `cause`, how, in [0, n_causes]; or RR_ERR_VALUE with row and value. With one
 * cause this is a column of flags. n_causes is from 1 to RR_CAUSES_MAX; cells->events has n_causes
 * elements a cell. At most 16 bytes a row and 1 MiB are allocated meanwhile. */
rr_status rr_tally_days(const rr_grouped *rows, const int32_t *duration, const int8_t *cause,
                        int n_causes, int32_t longest, const rr_cells *cells, int64_t *n_cells,
                        const rr_poll *poll, rr_error *error) RR_MUST_CHECK;

/* The risk of each cause over n_cells cells of rr_tally_days; cells->day is not read. Outputs:
 *
 *   at_risk    by cell: rows that have not left before the day
 *   risk       by cell, then cause: the estimated share that has left by the cause by the end of the
 *              day; NaN in an empty group
 *   std_error  by cell, then cause: its standard error; NaN where the risk is NaN, or 1 because
 *              everybody has left by this cause
 *
 * With one cause: Kaplan-Meier, 1 - S, and Greenwood's standard error. With several: Aalen-Johansen,
 * and the standard error of Greenwood's kind (Marubini and Valsecchi, Analysing Survival Data from
 * Clinical Trials and Observational Studies, 1995, chapter 10; Andersen, Borgan, Gill and Keiding,
 * Statistical Models Based on Counting Processes, 1993, section IV.4), which without censoring is the
 * binomial one.
 *
 * On one day events come before censorings. While nobody has been censored, a risk is the quotient of
 * events by rows, rounded once. A negative count is RR_ERR_ARGUMENT, with its cell as the row. */
rr_status rr_curve(const rr_cells *cells, int64_t n_cells, int n_causes, int64_t *at_risk,
                   double *risk, double *std_error, rr_error *error) RR_MUST_CHECK;

/* Rows that leave, and the cluster of each: what rr_tally_days takes, with a code that is not
 * RR_NULL_KEY where a row counts. */
typedef struct rr_leavers {
    rr_grouped grouped;
    const int32_t *duration;
    const int8_t *cause;
    const uint32_t *cluster;
} rr_leavers;

/* Standard errors where the rows of a cluster are not independent, for cells that rr_tally_days made of
 * these rows: the root of the sum, over clusters, of the square of their influence, which is that of
 * their rows added up (the infinitesimal jackknife: L. A. Jaeckel, Bell Laboratories memorandum
 * 72-1215-11, 1972; as survfit with a cluster in R's package survival). If every row is a cluster they
 * are those of rr_curve, but for the last digits.
 *
 *   clusters   by group: how many it has; one whose rows lie in several groups counts in each
 *   std_error  by cell, then cause, for the risk of rr_curve; NaN where the group has one cluster
 *
 * With `repeats`, the rows are the items of rr_event_items and n_causes is 2; then std_error is by
 * cell, for the mean of rr_mean_count. RR_ERR_ARGUMENT for a row that is not in the tally, or has a
 * null cluster. Time is linear in rows plus cells, but for looking up days. */
rr_status rr_curve_clusters(const rr_leavers *rows, int n_causes, int repeats,
                            const rr_cells *cells, int64_t n_cells, int64_t *clusters,
                            double *std_error, const rr_poll *poll, rr_error *error) RR_MUST_CHECK;

/* Limits of n risks on the scale log(-log S), z standard errors to each side. A risk of 0 has the
 * limits 0 and 0; one of 1, or NaN, has NaN. */
void rr_loglog_limits(int64_t n, const double *risk, const double *std_error, double z,
                      double *lower, double *upper);

/* ---------------------------------------------------------------- mean cumulative count
 *
 * Events that may come again: how many a row has had, on average, by each day. */

/* Rows with their events. */
typedef struct rr_histories {
    rr_grouped grouped;
    const int32_t *duration; /* days until the row is no longer observed, or has ended */
    const uint8_t *terminal; /* it ended, and nothing can follow; 0: observation ended */
    const uint32_t *cluster; /* not RR_NULL_KEY where the row counts; NULL: each row is a cluster */
    const int64_t *offsets;  /* n + 1: the events of row i are days[offsets[i]] and on */
    const int32_t *days;     /* n_days, in [0, duration] of the row, in no row falling */
    int64_t n_days;
} rr_histories;

/* Rows and events, one below the other, as rr_tally_days takes rows: an event has the cause 2, the end
 * of a row 1 if it is terminal and otherwise 0. Arrays of n + n_days elements. */
typedef struct rr_items {
    int32_t *group;
    int32_t *day;
    int8_t *cause;
    uint32_t *cluster;
} rr_items;

/* Makes the items of the rows that count, and says in *n_items how many there are. Events of a row on
 * one day are one. RR_ERR_VALUE, with row and value, for a negative duration and for the day of an
 * event that is out of range or falls; RR_ERR_ARGUMENT for offsets that fall or leave the days. */
rr_status rr_event_items(const rr_histories *rows, const rr_items *items, int64_t *n_items,
                         const rr_poll *poll, rr_error *error) RR_MUST_CHECK;

/* The mean cumulative count over n_cells cells of rr_tally_days, with two causes, of such items.
 * Outputs by cell: at_risk, rows that have not left before the day; mean, the sum of S(t-) dN(t) /
 * Y(t) up to and with the day, S being Kaplan-Meier's survival to the terminal exit (D. Ghosh and
 * D. Y. Lin, Biometrics 56, 2000, 554-562); without such exits the estimator of Nelson and Aalen.
 * NaN in an empty group. Events come before exits of their day. Its standard errors are those of
 * rr_curve_clusters. */
rr_status rr_mean_count(const rr_cells *cells, int64_t n_cells, int64_t *at_risk, double *mean,
                        rr_error *error) RR_MUST_CHECK;

/* Limits of n means on the scale log(mean), z standard errors to each side; 0 and 0 where it is 0. */
void rr_log_limits(int64_t n, const double *mean, const double *std_error, double z, double *lower,
                   double *upper);

/* ---------------------------------------------------------------- CSV
 *
 * RFC 4180 as libcsv reads it in strict mode: fields between commas, records between LF, CRLF or CR,
 * quotes around a field, doubled inside it. A quote anywhere else, a record with another number of
 * fields than the first, and a field of RR_CSV_FIELD_MAX bytes or more are errors. Blanks belong to
 * their field. A UTF-8 byte order mark at the start is skipped. A blank line is an empty field in a
 * file of one column; elsewhere it is skipped and counted. */

#define RR_CSV_FIELD_MAX 1048576 /* bytes; an unclosed quote ends here and not with memory */
#define RR_CSV_COLUMNS_MAX 65536 /* of a header; more come from a file that is no CSV */
#define RR_CSV_BLOCK 262144      /* bytes read at a time unless told otherwise: fits in L2 */

/* Where the bytes come from: a file (fd >= 0, read with pread from its start, its position is left
 * alone), or `length` bytes of memory (fd < 0). Borrowed. */
typedef struct rr_csv_source {
    int fd;
    const char *bytes;
    int64_t length;
} rr_csv_source;

typedef enum rr_csv_encoding { RR_CSV_UTF8 = 0, RR_CSV_LATIN1, RR_CSV_CP1252 } rr_csv_encoding;

/* How a column is held. An empty field, quoted or not, is null. */
typedef enum rr_csv_kind {
    RR_CSV_SKIP = 0, /* checked as a field, not converted */
    RR_CSV_DATE,     /* int64_t days; null: RR_NULL_DAY */
    RR_CSV_INT64,    /* int64_t; null: 0 and valid 0 */
    RR_CSV_FLOAT64,  /* double; null: NaN */
    RR_CSV_BOOL,     /* uint8_t, 1 or 0; null: 0 and valid 0 */
    RR_CSV_TEXT,     /* offsets and data; null: no bytes and valid 0 */
    RR_CSV_CATEGORY  /* int32_t codes into a small text, in order of first appearance; null: -1 */
} rr_csv_kind;

/* One column of n rows. Of a column that was read, every pointer was allocated with malloc and is
 * owned by whoever owns the struct: free it with rr_csv_column_free, or take a pointer out, leave
 * NULL, and free it with free. Of a column that is written, every pointer is borrowed. */
typedef struct rr_csv_column {
    rr_csv_kind kind;
    void *values;      /* n elements as the kind says; NULL for SKIP and TEXT */
    uint8_t *valid;    /* INT64, BOOL, TEXT: n elements, 1 = present; NULL: all present */
    int64_t n_strings; /* TEXT: n; CATEGORY: distinct values */
    int64_t *offsets;  /* TEXT, CATEGORY: n_strings + 1, from 0 */
    char *data;        /* TEXT, CATEGORY: offsets[n_strings] bytes of UTF-8 */
} rr_csv_column;

/* Frees what the column owns. Harmless on a zeroed struct, and twice. */
void rr_csv_column_free(rr_csv_column *column);

typedef struct rr_csv_options {
    rr_csv_encoding encoding;
    const char *date_format; /* of RR_CSV_DATE columns: NULL or "ISO" (YYYY-MM-DD), or %Y, %m, %d
                                once each, with any separators that are no digits */
    int has_header;     /* the first record is a header: it is checked for its length, not kept */
    int collect;        /* leave bad rows out and list them, instead of failing at the first */
    int64_t block_size; /* bytes read at a time; 0: RR_CSV_BLOCK */
} rr_csv_options;

/* What rr_csv_read found. `bad` lists what was wrong in the rows left out, in the order of the file,
 * one entry a complaint: line INT64, row INT64 (data record of the file, from 0, good or bad),
 * column INT64 (from 0; null: the row as a whole), value TEXT (cut at 1000 bytes), reason
 * CATEGORY. */
typedef struct rr_csv_table {
    int64_t n_rows;         /* rows kept */
    int64_t n_columns;      /* of the file */
    rr_csv_column *columns; /* n_columns; those asked as SKIP are empty */
    int64_t bytes;          /* size of the file */
    int64_t blank_lines;    /* skipped */
    int64_t bad_rows;       /* left out; 0 unless collect */
    int64_t n_bad;          /* complaints about them */
    rr_csv_column bad[5];
} rr_csv_table;

/* Frees what the table owns. Harmless on a zeroed struct, and twice. */
void rr_csv_table_free(rr_csv_table *table);

/* Reads the first record as a TEXT column, one name a row; 0 rows if the file is empty. A file of
 * one column whose first line is blank has one name, which is empty. Uses encoding and block_size of
 * the options. `names` must be zeroed; rr_csv_column_free it also after a failure.
 *
 * RR_ERR_ARGUMENT: an unknown encoding, or a negative block_size.
 * RR_ERR_CSV: not well-formed, or more than RR_CSV_COLUMNS_MAX names; or compressed, UTF-16, or
 * a byte order mark that denies the encoding. RR_ERR_VALUE: a name that the encoding does not
 * allow. RR_ERR_INTERRUPTED: the poll, asked once a block in bytes, said stop. RR_ERR_IO,
 * RR_ERR_MEMORY. */
rr_status rr_csv_header(const rr_csv_source *source, const rr_csv_options *options,
                        rr_csv_column *names, const rr_poll *poll, rr_error *error) RR_MUST_CHECK;

/* Reads the file into columns. `kinds` has n_columns (at least 1) elements, in the file's order;
 * n_columns is that of rr_csv_header. `table` must be zeroed; rr_csv_table_free it also after a
 * failure. Memory is what the columns take, a block, and the longest field.
 *
 * With `collect`, a row with a value that does not fit its column is left out; a row with a stray or
 * unclosed quote or the wrong number of fields is left out too, and reading goes on with the line
 * after the one that it began on. A header is never collected.
 *
 * RR_ERR_ARGUMENT: kinds, date_format, encoding, block_size or n_columns out of range.
 * RR_ERR_CSV: not well-formed (`line`: where the row or, for quotes, the field begins; `row`, `byte`
 *     and `column` where they apply), or the file shrank or changed while it was read.
 * RR_ERR_VALUE: a value does not fit (`line`, `row`, `column`, `value`).
 * RR_ERR_INTERRUPTED: the poll, asked once a block in bytes, said stop.
 * RR_ERR_IO, RR_ERR_MEMORY. */
rr_status rr_csv_read(const rr_csv_source *source, const rr_csv_options *options,
                      const rr_csv_kind *kinds, int64_t n_columns, rr_csv_table *table,
                      const rr_poll *poll, rr_error *error) RR_MUST_CHECK;

/* Writes a header and n_rows rows to `fd` with write, from its position: LF after every record,
 * dates as YYYY-MM-DD, bools as 0 and 1, doubles with the fewest digits that read back the same,
 * nulls as nothing, quotes where RFC 4180 needs them. `names` is a TEXT column of n_columns
 * elements. Nothing is kept, nothing is closed.
 *
 * RR_ERR_ARGUMENT: offsets that decrease, or a code outside its categories.
 * RR_ERR_VALUE: a date outside the years 1 to 9999, an infinite number, or a NUL byte in a text
 *     (`row`, `column`; row -1: the name or a category).
 * RR_ERR_INTERRUPTED: the poll, asked now and then in rows, said stop.
 * RR_ERR_IO, RR_ERR_MEMORY. */
rr_status rr_csv_write(int fd, const rr_csv_column *names, const rr_csv_column *columns,
                       int64_t n_columns, int64_t n_rows, const rr_poll *poll,
                       rr_error *error) RR_MUST_CHECK;

#endif
