/* What the files of the core share with one another and with nobody else. */
#ifndef RR_INTERNAL_H
#define RR_INTERNAL_H

#include "rereferral.h"

#include <stddef.h>

/* Whether functions can be compiled for processors that are asked for at run time; 0 may be given. */
#ifndef RR_X86_64
#if defined(__x86_64__) && defined(__GNUC__)
#define RR_X86_64 1
#else
#define RR_X86_64 0
#endif
#endif

/* For loops that are compiled once for every kind of processor or column: into each caller. */
#if defined(__GNUC__)
#define RR_INLINE static inline __attribute__((always_inline))
#else
#define RR_INLINE static inline
#endif

/* Writes the place and the sentence into `error` (NULL is accepted) and returns `status`, so that a
 * failing line reads `return rr_fail(error, RR_ERR_ARGUMENT, "...")`. The place is cleared. */
rr_status rr_fail(rr_error *error, rr_status status, const char *format, ...) RR_PRINTF(3, 4);

/* rr_fail, with the row. */
rr_status rr_fail_row(rr_error *error, rr_status status, int64_t row, const char *message);

/* Copies at most sizeof(error->value) - 1 bytes of a value, replacing what is not UTF-8 or not
 * printable by '?', and ends it with "..." when it was cut. NULL error is accepted. */
void rr_fail_value(rr_error *error, const char *bytes, int64_t length);

/* malloc of count * size with the product checked by division. NULL on overflow, on a negative
 * count, or out of memory; never NULL because count is 0. The caller frees. */
void *rr_allocate(int64_t count, size_t size) RR_MUST_CHECK;

/* Non-zero when the call, which may be NULL, asks to stop. */
int rr_stopped(const rr_call *call, int64_t done, int64_t total);

/* ---------------------------------------------------------------- text and calendar */

/* Bytes of the well-formed UTF-8 sequence at `bytes`, of which `left` (1 or more) may be read; 0 if
 * there is none. Table 3-7 of the Unicode Standard. */
int64_t rr_utf8_sequence(const uint8_t *bytes, int64_t left);

/* The n + 1 offsets of the n texts from `first` on: the column's own, or widened into `room`. */
struct rr_text;
const int64_t *rr_text_offsets(const struct rr_text *text, int64_t first, int64_t n, int64_t *room);

/* Checks n + 1 offsets, those of row `first` and after: RR_ERR_ARGUMENT where they fall, leave n_data
 * bytes or are below 0. */
rr_status rr_text_check_block(const int64_t *offsets, int64_t first, int64_t n, int64_t n_data,
                              rr_error *error) RR_MUST_CHECK;

/* rr_text_codes where there are few distinct values. *few: 0 where there are more, and `codes` hold
 * nothing of use. In text_few.c. */
rr_status rr_text_few_codes(const struct rr_text *text, int64_t n_data, int32_t *codes,
                            int64_t *distinct, int *few, const rr_call *call,
                            rr_error *error) RR_MUST_CHECK;

/* A date of the Gregorian calendar: month from 1 to 12, day of the month from 1. */
typedef struct rr_date {
    int64_t year;
    int month;
    int day;
} rr_date;

/* The day of a date and the date of a day. A date that does not exist is no date of rr_date_of:
 * 30 February is the day after 29 February, which may be 1 or 2 March. */
int64_t rr_day_of(rr_date date);
rr_date rr_date_of(int64_t day);

/* How to read days off ticks without a division. Where per_day = odd * 2^shift, multiplying by the
 * inverse of `odd` modulo 2^64 and turning the product right by `shift` bits divides a multiple of
 * per_day exactly, and takes any other tick beyond every small quotient (Warren, Hacker's Delight,
 * 2nd ed., section 10-17). Days are counted from `first`, so that no quotient is negative. */
typedef enum rr_day_form {
    RR_NARROW_DAYS,
    RR_WHOLE_DAYS, /* ticks of a day each */
    RR_TICKS
} rr_day_form;

typedef struct rr_day_reader {
    rr_day_form form;
    const int64_t *ticks;
    const int32_t *narrow;
    int64_t first;    /* the days that are read: those in range whose ticks fit 64 bits */
    uint64_t n_days;  /* less one */
    uint64_t base;    /* ticks of `first` */
    uint64_t inverse; /* of the odd part of per_day */
    int shift;
} rr_day_reader;

/* per_day is 1 or more, unless there are no ticks. In columns.c. */
rr_day_reader rr_read_days(const rr_days *days);

/* Day i, counted from reader->first; above reader->n_days where it is null, out of range, or a tick
 * that is no whole day. */
RR_INLINE uint64_t rr_day_place_as(const rr_day_reader *reader, int64_t i, rr_day_form form)
{
    uint64_t product;

    if (form == RR_NARROW_DAYS) {
        return (uint64_t)(reader->narrow[i] - reader->first);
    }
    if (form == RR_WHOLE_DAYS) {
        return (uint64_t)reader->ticks[i] - reader->base;
    }
    product = ((uint64_t)reader->ticks[i] - reader->base) * reader->inverse;
    return product >> reader->shift | product << (-(unsigned)reader->shift & 63);
}

static inline uint64_t rr_day_place(const rr_day_reader *reader, int64_t i)
{
    return rr_day_place_as(reader, i, reader->form);
}

/* What was given for day i; INT64_MIN where it is null. */
RR_INLINE int64_t rr_tick_of_form(const rr_day_reader *reader, int64_t i, rr_day_form form)
{
    if (form == RR_NARROW_DAYS) {
        return reader->narrow[i] == INT32_MIN ? INT64_MIN : reader->narrow[i];
    }
    return reader->ticks[i];
}

static inline int64_t rr_tick_of(const rr_day_reader *reader, int64_t i)
{
    return rr_tick_of_form(reader, i, reader->form);
}

/* ---------------------------------------------------------------- bits and order */

/* Bits needed to write numbers from 0 to `largest`; 0 for 0. */
int rr_bits(uint64_t largest);

/* Sorts n words by the bits from `low` up to, not including, `high`, stably. `rows`, unless NULL,
 * moves along. The scratch arrays have n elements; `row_scratch` is NULL exactly when `rows` is. */
void rr_sort_words(uint64_t *words, uint64_t *rows, uint64_t *scratch, uint64_t *row_scratch,
                   int64_t n, int low, int high);

/* ---------------------------------------------------------------- windows */

/* The bounds of rr_window_bounds for every day of a range, so that a calendar month costs a load. */
typedef struct rr_bounds {
    rr_window window;
    int64_t first_day;
    int64_t n;
    int64_t *first; /* n days; a day outside is worked out when it is asked for */
    int64_t *last;
} rr_bounds;

/* Makes the bounds for days from first_day to last_day, of which about `uses` will be asked for: no
 * table is made that is much longer than its use. The caller ends it with rr_bounds_free, also after
 * a failure. RR_ERR_ARGUMENT for a span out of range. */
rr_status rr_bounds_make(const rr_window *window, int64_t first_day, int64_t last_day, int64_t uses,
                         rr_bounds *bounds, rr_error *error) RR_MUST_CHECK;
void rr_bounds_free(rr_bounds *bounds);

/* RR_ERR_ARGUMENT for a span of the window that is out of range. */
rr_status rr_check_window(const rr_window *window, rr_error *error) RR_MUST_CHECK;

/* The bounds of one day, without a table. */
void rr_bounds_of(const rr_window *window, int64_t day, int64_t *first, int64_t *last);

static inline void rr_bounds_at(const rr_bounds *bounds, int64_t day, int64_t *first, int64_t *last)
{
    int64_t at = day - bounds->first_day;

    if (at < 0 || at >= bounds->n) {
        rr_bounds_of(&bounds->window, day, first, last);
    } else {
        *first = bounds->first[at];
        *last = bounds->last[at];
    }
}

#endif
