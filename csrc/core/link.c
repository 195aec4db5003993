#include "sweep.h"
#include "threads.h"

#include <stdlib.h>

/* The nth day with an event outwards from the anchor, or the last of them; n <= count. */
static int64_t chosen_day(const rr_sweep *s, const rr_reach *reach, int64_t count)
{
    int64_t nth = s->rule->take == RR_TAKE_LAST ? count : s->rule->take;
    int forward = s->rule->window.direction == RR_FORWARD;
    int64_t d = forward ? reach->from : reach->to - 1, step = forward ? 1 : -1;

    if (!rr_sweep_in_detail(s)) {
        /* Every day but possibly the row's own counts: the nth is reached in one step. */
        int64_t at = d + step * (nth - 1);
        int passed = reach->own >= 0 && (forward ? reach->own <= at : reach->own >= at);

        return passed && !rr_day_counts(s, reach, reach->own) ? at + step : at;
    }
    for (;; d += step) {
        if (rr_day_counts(s, reach, d) && --nth == 0) {
            return d;
        }
    }
}

/* The event row of day d that the ties name. */
static int64_t chosen_row(const rr_sweep *s, const rr_reach *reach, int64_t d)
{
    int64_t first = s->days.start[d], last = s->days.start[d + 1] - 1;
    int64_t event = s->rule->ties == RR_TIES_FIRST_ROW ? first : last;
    int64_t step = s->rule->ties == RR_TIES_FIRST_ROW ? 1 : -1;

    if (d == reach->own || rr_sweep_in_detail(s)) {
        while (!rr_event_counts(s, reach, event)) {
            event += step;
        }
    }
    return rr_row_of(s->parts->events, event);
}

static void link_row(rr_sweep *s, int64_t position, const rr_matches *matches)
{
    rr_reach reach;
    uint8_t vetoed;
    int64_t count, day;

    if (!rr_sweep_row(s, position, &reach)) {
        return;
    }
    count = rr_days_in_reach(s, &reach, &vetoed);
    if (matches->count != NULL) {
        matches->count[reach.row] = count;
    }
    if (matches->vetoed != NULL) {
        matches->vetoed[reach.row] = vetoed;
    }
    if (count == 0 || count < s->rule->take) {
        return;
    }
    day = chosen_day(s, &reach, count);
    if (matches->event_row != NULL) {
        matches->event_row[reach.row] = chosen_row(s, &reach, day);
    }
    if (matches->gap_days != NULL) {
        matches->gap_days[reach.row] = rr_gap(s, &reach, day);
    }
}

static void fill_empty(const rr_matches *matches, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (matches->event_row != NULL) {
            matches->event_row[i] = -1;
        }
        if (matches->gap_days != NULL) {
            matches->gap_days[i] = -1;
        }
        if (matches->count != NULL) {
            matches->count[i] = 0;
        }
        if (matches->vetoed != NULL) {
            matches->vetoed[i] = 0;
        }
    }
}

static rr_status link_part(rr_sweep *s, void *job, int worker, rr_error *error)
{
    const rr_matches *matches = job;

    (void)worker;
    (void)error;
    for (int64_t i = s->part_from; i < s->part_to; i++) {
        link_row(s, i, matches);
    }
    return RR_OK;
}

rr_status rr_link(const rr_parts *parts, const rr_rule *rule, int64_t n_index, int64_t n_events,
                  const rr_matches *matches, const rr_call *call, rr_error *error)
{
    rr_matches own = *matches;
    rr_status status = rr_check_rule(parts, rule, n_index, n_events, error);

    if (status != RR_OK) {
        return status;
    }
    if (rr_nearest_will_do(parts, rule, matches)) {
        return rr_nearest(parts, rule, matches, call, error);
    }
    fill_empty(matches, n_index);
    return rr_sweep_parts(parts, rule, link_part, &own, call, error);
}

/* The longest gap of a window for each day, or -1 where it admits none. */
static void fill_longest(const rr_window *window, int64_t first_day, int64_t n, int32_t *longest)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t day = first_day + i, first, last, gap;

        rr_bounds_of(window, day, &first, &last);
        gap = window->direction == RR_FORWARD ? last - day : day - first;
        longest[i] = first > last ? -1 : gap > INT32_MAX ? INT32_MAX : (int32_t)gap;
    }
}

typedef struct narrowing {
    const int64_t *anchor;
    const int32_t *found;
    int32_t *gap_days;
    int64_t n;
    rr_window window;
    int64_t first_day;
    uint64_t days;
    const int32_t *longest; /* by day from first_day */
} narrowing;

enum { CHUNK_ROWS = 1 << 18 };

static rr_status narrow_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const narrowing own = *(const narrowing *)job;
    int64_t from = chunk * CHUNK_ROWS, to = from + CHUNK_ROWS;

    (void)worker;
    for (int64_t i = from; i < (to < own.n ? to : own.n); i++) {
        int64_t anchor = own.anchor[i];
        uint64_t at = (uint64_t)anchor - (uint64_t)own.first_day;
        int32_t found = own.found[i], most;

        if (at < own.days) {
            /* No branch to guess wrong: a row that found nothing has -1 either way. */
            own.gap_days[i] = found > own.longest[at] ? -1 : found;
        } else if (found < 0) {
            own.gap_days[i] = -1;
        } else if (anchor < RR_DAY_MIN || anchor > RR_DAY_MAX) {
            return rr_fail_row(error, RR_ERR_DAY_RANGE, i, "an anchor is out of range");
        } else {
            fill_longest(&own.window, anchor, 1, &most);
            own.gap_days[i] = found > most ? -1 : found;
        }
    }
    return RR_OK;
}

rr_status rr_narrow(const rr_parts *parts, const rr_window *window, const int64_t *anchor,
                    int64_t n, const int32_t *found, int32_t *gap_days, const rr_call *call,
                    rr_error *error)
{
    int64_t days = parts->last_day - parts->first_day + 1;
    rr_status status = rr_check_window(window, error);
    narrowing job = {.anchor = anchor, .found = found, .gap_days = gap_days, .n = n};
    int32_t *longest;

    if (status != RR_OK) {
        return status;
    }
    longest = rr_allocate(days, sizeof *longest);
    if (longest == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    fill_longest(window, parts->first_day, days, longest);
    job.window = *window;
    job.first_day = parts->first_day;
    job.days = (uint64_t)days;
    job.longest = longest;
    status = rr_run(narrow_chunk, &job, n / CHUNK_ROWS + 1, call, error);
    free(longest);
    return status;
}
