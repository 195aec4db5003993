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
 *   threads     no function keeps state between calls; calls on different data may run side by side,
 *               and results are the same bytes on any number of threads.
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
    RR_ERR_INTERRUPTED, /* the call asked to stop */
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

/* How long work is carried out; NULL: on one thread, to its end.
 *
 * `stop` is called now and then, only from the thread that made the call, and returns non-zero to stop;
 * it is then not called again, and the function returns RR_ERR_INTERRUPTED. `done` is the work done so
 * far and `total` the whole, in a unit of the function's own; total is 0 if unknown. NULL: nobody is
 * asked. `threads` is how many may work at a time, the caller's among them; below 1: one. No result
 * depends on it. `shelf` (shelf.h) is where large memory that outlives the call is looked for, and goes
 * when it is freed; NULL: it is malloc's. */
struct rr_shelf;

typedef struct rr_call {
    int (*stop)(void *context, int64_t done, int64_t total);
    void *context;
    int threads;
    struct rr_shelf *shelf;
} rr_call;

/* ---------------------------------------------------------------- days and windows */

/* The smallest and the largest day of a column, and how many are null. */
typedef struct rr_day_range {
    int64_t first; /* RR_DAY_MAX + 1, with last = RR_DAY_MIN - 1, where there is no day */
    int64_t last;
    int64_t nulls;
} rr_day_range;

/* A column of days in the memory that holds it. */
typedef struct rr_days {
    const int64_t *ticks;  /* since 1970-01-01T00:00; INT64_MIN is a missing day */
    int64_t per_day;       /* ticks in a day, 1 or more: 1 where the ticks are days */
    const int32_t *narrow; /* days, INT32_MIN a missing one; read where `ticks` is NULL */
    int has_range;         /* nonzero: no day lies before `first` or after `last` */
    int64_t first;
    int64_t last;
} rr_days;

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
#define RR_WIDTH_MAX 16

typedef enum rr_key_kind {
    RR_KEY_INT64, /* `ints` */
    RR_KEY_INT32, /* `ints_32` */
    RR_KEY_CODES, /* `ints_32`, or where that is NULL `ints_16`, or `ints_8`; one below 0 is a missing
                     value and any other stands for `meanings[it]`, or for itself where that is NULL */
    RR_KEY_TEXT   /* `offsets`, or `offsets_32` where that is NULL (n + 1 of either), into `data`
                     (n_data bytes): text i is data[offsets[i]] to data[offsets[i + 1]]. Or `width`
                     ASCII characters each, in `data` or else in `wide`, less the NULs at the end */
} rr_key_kind;

/* One column of a key. Text is compared by its bytes. */
typedef struct rr_key_column {
    rr_key_kind kind;
    const int64_t *ints;
    const int32_t *ints_32;
    const int16_t *ints_16;
    const int8_t *ints_8;
    const uint32_t *meanings;
    int64_t n_meanings;
    const int64_t *offsets;
    const int32_t *offsets_32;
    const uint8_t *data;
    int64_t n_data;
    int64_t width;        /* of texts without offsets: from 1 to RR_WIDTH_MAX */
    const uint32_t *wide; /* UTF-32 */
    const uint8_t *valid; /* n flags, 0 for a missing value; NULL: none is missing */
} rr_key_column;

/* The key columns of one table; every table of a call has as many, in the same order, text standing
 * where the others have text. */
typedef struct rr_key_table {
    const rr_key_column *columns;
    int64_t n;
} rr_key_table;

/* Turns keys of any kind into small whole numbers: over all the tables, two rows get the same code
 * exactly when all their columns are equal. A row with a missing value gets RR_NULL_KEY.
 *
 * codes: one array a table, of its length. *limit: every other code is below it, and not every number
 * below it need occur; a single column of integers of a narrow range keeps their order and gaps.
 * The codes depend on the input alone. RR_ERR_TOO_LARGE when there are 2^32 - 1 codes or more;
 * RR_ERR_ARGUMENT for text offsets that are not in order or leave the data, and for a code without a
 * meaning. */
rr_status rr_encode(const rr_key_table *tables, int64_t n_tables, int64_t n_columns,
                    uint32_t *const *codes, uint32_t *limit, const rr_call *call,
                    rr_error *error) RR_MUST_CHECK;

/* The keys of one table and their codes, to give the rows of other tables the same codes. Made once and
 * read any number of times, by any number of threads; it keeps nothing of the table. */
typedef struct rr_key_book rr_key_book;

/* As rr_encode for one table, with codes that are all numbers below the limit, and the book of its keys,
 * which the caller ends with rr_key_book_free. *book is NULL, with status RR_OK, where keys need more
 * than 128 bits of varying text and numbers: of those there is no book. */
rr_status rr_key_book_make(const rr_key_table *table, int64_t n_columns, uint32_t *codes,
                           uint32_t *limit, rr_key_book **book, const rr_call *call,
                           rr_error *error) RR_MUST_CHECK;

/* The codes of the rows of another table, with as many columns that correspond: the limit for a key that
 * is not in the book, RR_NULL_KEY for a row with a missing value. RR_ERR_ARGUMENT as rr_encode, but
 * only for rows that are not in the book. */
rr_status rr_key_book_look_up(const rr_key_book *book, const rr_key_table *table, uint32_t *codes,
                              const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* How many columns the keys of a book have. */
int64_t rr_key_book_columns(const rr_key_book *book);

/* Frees what rr_key_book_make made; NULL is accepted. */
void rr_key_book_free(rr_key_book *book);

/* ---------------------------------------------------------------- order and linkage */

/* The keys of one side: codes of rr_encode over both, or whole numbers in a narrow range, each of which
 * less the least is its code. */
typedef struct rr_keys_of_rows {
    const uint32_t *codes;
    const int64_t *numbers; /* read where `codes` is NULL */
    int64_t least;          /* of the numbers of both sides */
    const uint8_t *valid;   /* of the numbers: 0 for a missing one; NULL: none is missing */
} rr_keys_of_rows;

/* The rows of one side. Rows with a null key, a null day or use[i] == 0 take no part. */
typedef struct rr_rows {
    rr_keys_of_rows key;
    rr_days day;
    const uint8_t *use; /* NULL: all */
    int64_t n;
} rr_rows;

/* Both sides in order: split by key into parts that fit the cache, each sorted by key, day and row.
 * Made once and read many times, by any number of threads. */
typedef struct rr_parts rr_parts;

/* Puts index and event rows in order. `limit` is that of rr_encode. On success the caller owns
 * *parts and ends it with rr_parts_free; it keeps nothing of the inputs. On failure *parts is NULL.
 * RR_ERR_DAY_RANGE, also for a tick that is no whole day, names row, and in `column` 0 for the index
 * and 1 for the events. */
rr_status rr_order(const rr_rows *index, const rr_rows *events, uint32_t limit, const rr_call *call,
                   rr_parts **parts, rr_error *error) RR_MUST_CHECK;

/* rr_order by key columns in place of codes: equal keys, as rr_encode has them, are one key. keys[0] are
 * those of the index, keys[1] those of the events, with as many rows; the keys in `index` and `events`
 * are not read. Errors as rr_encode and rr_order. */
rr_status rr_order_keys(const rr_key_table keys[2], int64_t n_columns, const rr_rows *index,
                        const rr_rows *events, const rr_call *call, rr_parts **parts,
                        rr_error *error) RR_MUST_CHECK;

/* The events alone, to be linked with one index after another. As rr_order; the first of the two steps
 * that it is. */
rr_status rr_prepare(const rr_rows *events, uint32_t limit, const rr_call *call, rr_parts **parts,
                     rr_error *error) RR_MUST_CHECK;

/* Puts an index in order with events that rr_prepare made, which are lent and must outlive *parts. Keys
 * are codes as those of the events; who has a key that no event has may be given the limit as code.
 * RR_ERR_TOO_LARGE when tables of many millions of rows leave no room in a word for index days that
 * lie millennia from those of the events. Other errors as rr_order. */
rr_status rr_order_onto(const rr_rows *index, const rr_parts *prepared, const rr_call *call,
                        rr_parts **parts, rr_error *error) RR_MUST_CHECK;

/* Frees what these made; NULL is accepted. */
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
    /* its day, as rr_order had it; may be left out, but lower and upper cost less with it */
    rr_days index_day;
    /* the last day on which an event may be confirmed; with `confirmed` */
    const int64_t *confirm_by;
    /* By event row. Its day, as rr_order had it; needed with same_table or self_row */
    rr_days event_day;
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
                  const rr_matches *matches, const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* Finds every event row that the rule admits for each index row: nearest day first, rows of a day in
 * the order of their table. A row has pairs exactly where rr_link counts days. `take` and `ties` are
 * not read.
 *
 * rr_pairs_count writes offsets (n_index + 1): row i has the pairs offsets[i] to offsets[i + 1].
 * rr_pairs_fill writes the pairs, of which there are offsets[n_index], for the offsets of the same
 * arguments; RR_ERR_ARGUMENT where they do not fit. Other errors as rr_link. */
rr_status rr_pairs_count(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                         int64_t n_events, int64_t *offsets, const rr_call *call,
                         rr_error *error) RR_MUST_CHECK;
rr_status rr_pairs_fill(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                        int64_t n_events, const int64_t *offsets, int64_t *event_row,
                        int32_t *gap_days, const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* Writes the index row of each of the offsets[n_index] pairs. RR_ERR_ARGUMENT names the row where offsets
 * do not rise from 0. */
rr_status rr_pairs_rows(const int64_t *offsets, int64_t n_index, int64_t *index_row,
                        const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* Moves the anchor of each index row of `parts` to the nearest day with an event that is nearer than
 * the window's min_gap, and again from there, until there is none. Only the anchors of rows that move
 * are written: the caller fills `anchor` with the rows' own days. The window's length, `take`, `near`,
 * `claim_latest` and `anchor` of the rule are not read. Errors as rr_link. */
rr_status rr_absorb(const rr_parts *parts, const rr_rule *rule, int64_t n_index, int64_t n_events,
                    int64_t *anchor, const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* A window, and the gaps that it has. */
typedef struct rr_narrowed {
    rr_window window;
    int32_t *gap_days;
} rr_narrowed;

/* The gaps that rr_link would have found in windows that end earlier, from those that it found in a
 * longer one with the same near end: an event that lies beyond the end is none, -1. Not for
 * RR_TAKE_LAST. Anchors, and gaps found and narrowed, have n elements, the rows of the index; anchors
 * whose range is known take a tenth of the time. RR_ERR_DAY_RANGE names the row of an anchor that is out
 * of range or missing, though something was found; RR_ERR_ARGUMENT is for a span out of range. */
rr_status rr_narrow(const rr_narrowed *windows, int64_t n_windows, const rr_days *anchors,
                    int64_t n, const int32_t *found, const rr_call *call,
                    rr_error *error) RR_MUST_CHECK;

/* For each event row: 1 if another event row of `parts` has its key and day; else 0, also for rows
 * that took no part. n_events is the length of the events table and of `shared`. */
rr_status rr_shared_days(const rr_parts *parts, int64_t n_events, uint8_t *shared,
                         const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* For each index row of `parts`: 1 if a spell of the same key is open at the end of its day, that is
 * one that starts on that day or before and ends after it; else 0, also for rows that took no part.
 * Event rows are the spells: their day is the start, spell_end (by event row) the end, RR_NULL_DAY
 * for a spell that has not ended. A spell that ends on the day is not open, so a closure never
 * meets its own spell. Lengths as in rr_link. */
rr_status rr_open_spells(const rr_parts *parts, const int64_t *spell_end, int64_t n_index,
                         int64_t n_events, uint8_t *open, const rr_call *call,
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
                     int64_t n_index, uint8_t *washed, const rr_call *call,
                     rr_error *error) RR_MUST_CHECK;

/* chosen[row] = 1 for one row of the cohort for each key and period: that of the first day and, on
 * it, the first row of the table, or with `last` the last row of the last day. `period` is a code of 0
 * or more for each index row, in any order; NULL: one period. RR_ERR_ARGUMENT names the row of a
 * negative period. */
rr_status rr_select(const rr_parts *parts, const uint8_t *kept, const int32_t *period, int last,
                    int64_t n_index, uint8_t *chosen, const rr_call *call,
                    rr_error *error) RR_MUST_CHECK;

#endif
