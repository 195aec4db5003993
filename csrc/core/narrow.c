/* What a search of a long window says of shorter ones that begin where it begins.
 *
 * The nearest event of the long window is that of a shorter one too, or lies beyond its end. How long a
 * window is on each day stands in a table; then a row costs a load from it and a comparison for each
 * window, and all windows are narrowed while the row's gap is in the cache. A window that is as long on
 * every day, as one in days, costs the comparison alone. A search of its own would cost ten times as
 * much. */
#include "internal.h"
#include "threads.h"

#include <stdlib.h>

enum { CHUNK_ROWS = 1 << 16, BATCH = 2048 };

typedef struct narrowing {
    const rr_narrowed *windows;
    int64_t n_windows;
    rr_day_reader anchors;
    const int32_t *found;
    int64_t n;
    int64_t first_day; /* of the tables */
    uint64_t n_days;
    int32_t *longest; /* by window, then day; where the day lies beyond the table, -1 */
    int32_t *always;  /* by window: as long on every day; or VARIES */
} narrowing;

static const int32_t VARIES = INT32_MIN;

/* The longest gap of a window on a day, or -1 where it admits none. */
static int32_t longest_gap(const rr_window *window, int64_t day)
{
    int64_t first, last;

    rr_bounds_of(window, day, &first, &last);
    if (first > last) {
        return -1;
    }
    /* An open window has an end that no gap reaches. */
    last = last < day + INT32_MAX ? last : day + INT32_MAX;
    first = first > day - INT32_MAX ? first : day - INT32_MAX;
    return (int32_t)(window->direction == RR_FORWARD ? last - day : day - first);
}

/* The places of n anchors in the tables; one that lies beyond them is at their end. Says whether an
 * anchor does with which something was found. */
RR_INLINE int place_anchors(const narrowing *job, int64_t from, int64_t n, rr_day_form form,
                            uint32_t *at)
{
    const uint64_t origin = (uint64_t)(job->first_day - job->anchors.first);
    int beyond = 0;

    for (int64_t i = 0; i < n; i++) {
        uint64_t day = rr_day_place_as(&job->anchors, from + i, form) - origin;
        int outside = day >= job->n_days;

        beyond |= outside & (job->found[from + i] >= 0);
        at[i] = (uint32_t)(outside ? job->n_days : day);
    }
    return beyond;
}

RR_INLINE void narrow_batch(const int32_t *longest, int32_t always, const uint32_t *at,
                            const int32_t *found, int32_t *gap_days, int64_t n)
{
    if (always != VARIES) {
        for (int64_t i = 0; i < n; i++) {
            gap_days[i] = found[i] > always ? -1 : found[i];
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        /* No branch to guess wrong: a row that found nothing has -1 either way. */
        gap_days[i] = found[i] > longest[at[i]] ? -1 : found[i];
    }
}

RR_INLINE int narrow_rows(const narrowing *job, int64_t from, int64_t n)
{
    uint32_t at[BATCH];
    int beyond = 0;

    switch (job->anchors.form) {
    case RR_NARROW_DAYS:
        beyond = place_anchors(job, from, n, RR_NARROW_DAYS, at);
        break;
    case RR_WHOLE_DAYS:
        beyond = place_anchors(job, from, n, RR_WHOLE_DAYS, at);
        break;
    case RR_TICKS:
        beyond = place_anchors(job, from, n, RR_TICKS, at);
        break;
    }
    for (int64_t w = 0; w < job->n_windows; w++) {
        narrow_batch(job->longest + (uint64_t)w * (job->n_days + 1), job->always[w], at,
                     job->found + from, job->windows[w].gap_days + from, n);
    }
    return beyond;
}

#if RR_X86_64
__attribute__((target("avx2"))) static int narrow_by_avx2(const narrowing *job, int64_t from,
                                                          int64_t n)
{
    return narrow_rows(job, from, n);
}
#endif

static int narrow_some(const narrowing *job, int64_t from, int64_t n)
{
#if RR_X86_64
    if (__builtin_cpu_supports("avx2")) {
        return narrow_by_avx2(job, from, n);
    }
#endif
    return narrow_rows(job, from, n);
}

/* Rows with anchors that the tables do not have. */
static rr_status narrow_far(const narrowing *job, int64_t from, int64_t n, rr_error *error)
{
    for (int64_t i = from; i < from + n; i++) {
        uint64_t place = rr_day_place(&job->anchors, i);

        if (job->found[i] < 0) {
            continue;
        }
        if (place > job->anchors.n_days) {
            return rr_fail_row(error, RR_ERR_DAY_RANGE, i, "an anchor is out of range");
        }
        for (int64_t w = 0; w < job->n_windows; w++) {
            int32_t longest = longest_gap(&job->windows[w].window,
                                          job->anchors.first + (int64_t)place);

            job->windows[w].gap_days[i] = job->found[i] > longest ? -1 : job->found[i];
        }
    }
    return RR_OK;
}

static rr_status narrow_chunk(void *given, int64_t chunk, int worker, rr_error *error)
{
    const narrowing *job = given;
    int64_t to = (chunk + 1) * CHUNK_ROWS;
    rr_status status = RR_OK;

    (void)worker;
    to = to < job->n ? to : job->n;
    for (int64_t i = chunk * CHUNK_ROWS; i < to && status == RR_OK; i += BATCH) {
        int64_t n = to - i < BATCH ? to - i : BATCH;

        if (narrow_some(job, i, n)) {
            status = narrow_far(job, i, n, error);
        }
    }
    return status;
}

/* The tables: of all days where these are known, and not more than there are rows. */
static rr_status fill_tables(narrowing *job, const rr_days *anchors)
{
    int known = anchors->has_range && anchors->first <= anchors->last &&
                anchors->first >= RR_DAY_MIN && anchors->last <= RR_DAY_MAX;
    int64_t days = known ? anchors->last - anchors->first + 1 : 0;

    days = days > job->n + 4096 ? 0 : days;
    job->first_day = days > 0 ? anchors->first : 0;
    job->n_days = (uint64_t)days;
    job->longest = rr_allocate(job->n_windows * (days + 1), sizeof *job->longest);
    job->always = rr_allocate(job->n_windows, sizeof *job->always);
    if (job->longest == NULL || job->always == NULL) {
        return RR_ERR_MEMORY;
    }
    for (int64_t w = 0; w < job->n_windows; w++) {
        int32_t *longest = job->longest + w * (days + 1);

        for (int64_t d = 0; d < days; d++) {
            longest[d] = longest_gap(&job->windows[w].window, job->first_day + d);
        }
        longest[days] = -1;
        job->always[w] = days > 0 ? longest[0] : VARIES;
        for (int64_t d = 1; d < days; d++) {
            job->always[w] = longest[d] == longest[0] ? job->always[w] : VARIES;
        }
    }
    return RR_OK;
}

rr_status rr_narrow(const rr_narrowed *windows, int64_t n_windows, const rr_days *anchors,
                    int64_t n, const int32_t *found, const rr_call *call, rr_error *error)
{
    narrowing job = {.windows = windows, .n_windows = n_windows, .found = found, .n = n};
    rr_status status;

    if (anchors->ticks != NULL && anchors->per_day < 1) {
        return rr_fail(error, RR_ERR_ARGUMENT, "per_day must be 1 or more");
    }
    for (int64_t w = 0; w < n_windows; w++) {
        status = rr_check_window(&windows[w].window, error);
        if (status != RR_OK) {
            return status;
        }
    }
    job.anchors = rr_read_days(anchors);
    status = fill_tables(&job, anchors) == RR_OK
                 ? rr_run(narrow_chunk, &job, n / CHUNK_ROWS + 1, call, error)
                 : rr_fail(error, RR_ERR_MEMORY, "out of memory");
    free(job.longest);
    free(job.always);
    return status;
}
