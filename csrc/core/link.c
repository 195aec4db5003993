#include "nearest.h"
#include "sweep.h"
#include "threads.h"

#include <stdlib.h>

/* The event row of day d that the ties name. */
static int64_t chosen_row(const rr_sweep *s, const rr_reach *reach, int64_t d)
{
    int64_t first = s->days.start[d], last = s->days.start[d + 1] - 1;
    int64_t event = s->rule->ties == RR_TIES_FIRST_ROW ? first : last;
    int64_t step = s->rule->ties == RR_TIES_FIRST_ROW ? 1 : -1;

    if (rr_sweep_in_detail(s)) {
        event = rr_first_tied(s, d);
    }
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
    day = rr_nth_day(s, &reach, s->rule->take == RR_TAKE_LAST ? count : s->rule->take);
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
        const int64_t ahead = rr_row_ahead(s, i, RR_ROWS_AHEAD);

        if (matches->event_row != NULL) {
            __builtin_prefetch(matches->event_row + ahead, 1);
        }
        if (matches->gap_days != NULL) {
            __builtin_prefetch(matches->gap_days + ahead, 1);
        }
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
