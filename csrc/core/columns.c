#include "columns.h"
#include "threads.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rr_status fail_tick(rr_error *error, int64_t row, int64_t tick, int64_t per_day)
{
    int64_t day = tick / per_day - (tick % per_day < 0);
    int outside = day < RR_DAY_MIN || day > RR_DAY_MAX;
    char digits[32];
    rr_status status = rr_fail_row(error, outside ? RR_ERR_DAY_RANGE : RR_ERR_VALUE, row,
                                   outside ? "the day is out of range" : "a time of day");
    int length = snprintf(digits, sizeof digits, "%" PRId64, tick);

    rr_fail_value(error, digits, length);
    return status;
}

rr_day_reader rr_read_days(const rr_days *days)
{
    int64_t per_day = days->ticks != NULL ? days->per_day : 1;
    int64_t most = INT64_MAX / per_day < RR_DAY_MAX ? INT64_MAX / per_day : RR_DAY_MAX;
    rr_day_reader reader = {.form = days->ticks == NULL ? RR_NARROW_DAYS
                                    : per_day == 1      ? RR_WHOLE_DAYS
                                                        : RR_TICKS,
                            .ticks = days->ticks,
                            .narrow = days->narrow,
                            .first = -most,
                            .n_days = 2 * (uint64_t)most,
                            .base = (uint64_t)(-most * per_day)};
    uint64_t odd = (uint64_t)per_day;

    while (odd % 2 == 0) {
        odd /= 2;
        reader.shift++;
    }
    reader.inverse = odd; /* right in its last three bits; each step doubles them */
    for (int bits = 3; bits < 64; bits *= 2) {
        reader.inverse *= 2 - odd * reader.inverse;
    }
    return reader;
}

rr_status rr_days_from_ticks(const int64_t *ticks, int64_t n, int64_t per_day, int64_t *days,
                             rr_error *error)
{
    rr_day_reader reader;

    if (per_day < 1) {
        return rr_fail(error, RR_ERR_ARGUMENT, "per_day must be 1 or more");
    }
    reader = rr_read_days(&(rr_days){.ticks = ticks, .per_day = per_day});
    for (int64_t i = 0; i < n; i++) {
        uint64_t place = rr_day_place(&reader, i);
        int64_t day = reader.first + (int64_t)place;

        if (place > reader.n_days) {
            if (ticks[i] != INT64_MIN) {
                return fail_tick(error, i, ticks[i], per_day);
            }
            day = RR_NULL_DAY;
        }
        if (days != NULL) {
            days[i] = day;
        }
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- range of days */

enum { RANGE_ROWS = 1 << 18 }; /* a task: some 0.2 ms */

static const rr_day_range NO_DAYS = {.first = RR_DAY_MAX + 1, .last = RR_DAY_MIN - 1};

typedef struct range_job {
    rr_day_reader reader;
    int64_t per_day;
    int64_t n;
    rr_day_range *ranges; /* one a worker */
} range_job;

static void widen(rr_day_range *range, int64_t first, int64_t last, int64_t nulls)
{
    range->first = first < range->first ? first : range->first;
    range->last = last > range->last ? last : range->last;
    range->nulls += nulls;
}

typedef struct places {
    uint64_t first;
    uint64_t last;
    int64_t nulls;
    int64_t outside; /* nulls among them */
} places;

/* Masks in place of branches, so that the loop becomes vector code. */
RR_INLINE places range_rows(const rr_day_reader *reader, int64_t from, int64_t to, rr_day_form form)
{
    const rr_day_reader days = *reader;
    uint64_t first = UINT64_MAX, last = 0, nulls = 0, outside = 0;

    for (int64_t i = from; i < to; i++) {
        uint64_t place = rr_day_place_as(&days, i, form);
        uint64_t out = place > days.n_days ? UINT64_MAX : 0;
        uint64_t low = place | out, high = place & ~out;

        first = low < first ? low : first;
        last = high > last ? high : last;
        nulls += rr_tick_of_form(&days, i, form) == INT64_MIN;
        outside -= out;
    }
    return (places){first, last, (int64_t)nulls, (int64_t)outside};
}

RR_INLINE places range_any(const rr_day_reader *days, int64_t from, int64_t to)
{
    switch (days->form) {
    case RR_NARROW_DAYS:
        return range_rows(days, from, to, RR_NARROW_DAYS);
    case RR_WHOLE_DAYS:
        return range_rows(days, from, to, RR_WHOLE_DAYS);
    default:
        return range_rows(days, from, to, RR_TICKS);
    }
}

#if RR_X86_64
__attribute__((target("avx2"))) static places range_by_avx2(const rr_day_reader *days, int64_t from,
                                                            int64_t to)
{
    return range_any(days, from, to);
}
#endif

static places range_some(const rr_day_reader *days, int64_t from, int64_t to)
{
#if RR_X86_64
    if (__builtin_cpu_supports("avx2")) {
        return range_by_avx2(days, from, to);
    }
#endif
    return range_any(days, from, to);
}

static rr_status range_task(void *given, int64_t task, int worker, rr_error *error)
{
    const range_job *job = given;
    const rr_day_reader days = job->reader;
    int64_t from = task * RANGE_ROWS;
    int64_t to = job->n - from < RANGE_ROWS ? job->n : from + RANGE_ROWS;
    places found = range_some(&days, from, to);

    for (int64_t i = from; i < to && found.outside > found.nulls; i++) {
        if (rr_day_place(&days, i) > days.n_days && rr_tick_of(&days, i) != INT64_MIN) {
            return fail_tick(error, i, rr_tick_of(&days, i), job->per_day);
        }
    }
    if (found.nulls < to - from) {
        widen(&job->ranges[worker], days.first + (int64_t)found.first,
              days.first + (int64_t)found.last, 0);
    }
    job->ranges[worker].nulls += found.nulls;
    return RR_OK;
}

rr_status rr_days_range(const rr_days *days, int64_t n, rr_day_range *range, const rr_call *call,
                        rr_error *error)
{
    int64_t n_tasks = n / RANGE_ROWS + (n % RANGE_ROWS != 0);
    int n_workers = rr_workers(call, n_tasks);
    range_job job = {.per_day = days->ticks != NULL ? days->per_day : 1, .n = n};
    rr_status status;

    *range = NO_DAYS;
    if (days->ticks != NULL && days->per_day < 1) {
        return rr_fail(error, RR_ERR_ARGUMENT, "per_day must be 1 or more");
    }
    job.reader = rr_read_days(days);
    job.ranges = rr_allocate(n_workers, sizeof *job.ranges);
    if (job.ranges == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    for (int i = 0; i < n_workers; i++) {
        job.ranges[i] = NO_DAYS;
    }
    status = rr_run(range_task, &job, n_tasks, call, error);
    for (int i = 0; i < n_workers; i++) {
        widen(range, job.ranges[i].first, job.ranges[i].last, job.ranges[i].nulls);
    }
    free(job.ranges);
    return status;
}

rr_status rr_whole_from_double(const double *numbers, int64_t n, int64_t *values, uint8_t *valid,
                               int64_t *nulls, rr_error *error)
{
    const double limit =
        9007199254740992.0; /* 2^53: above it a double no longer tells neighbours */
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++) {
        double number = numbers[i];
        int64_t value = 0;

        if (number >= -limit && number <= limit) {
            value = (int64_t)number;
            if ((double)value != number) {
                return rr_fail_row(error, RR_ERR_VALUE, i, "not a whole number");
            }
            valid[i] = 1;
        } else if (number != number) {
            valid[i] = 0;
            count++;
        } else {
            return rr_fail_row(error, RR_ERR_VALUE, i, "too large to be a whole number exactly");
        }
        values[i] = value;
    }
    *nulls = count;
    return RR_OK;
}
