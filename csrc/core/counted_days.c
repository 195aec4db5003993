/* Where vetoes or confirmations decide which days count, a row walks over the days in its reach, and a
 * day is looked up when somebody first comes by. In a part where one key has many days (a child with
 * thousands of referrals) rows would walk over each other's: all of its days are looked up first and
 * put into a tree, which is asked instead (one child with 100,000 days beside a million other rows, an
 * open window: 0.3 s in all; by walking more than 8). */
#include "sweep.h"

#include <stdlib.h>

/* ---------------------------------------------------------------- one day */

int rr_event_counts(const rr_sweep *s, const rr_reach *reach, int64_t event)
{
    const rr_rule *rule = s->rule;
    int64_t row = rr_row_of(s->parts->events, event);

    return row != reach->self && (rule->vetoed == NULL || !rule->vetoed[row]) &&
           (rule->confirmed == NULL || (rule->confirmed[row] != RR_NULL_DAY &&
                                        rr_narrow_day(rule->confirmed[row]) <= reach->confirm_by));
}

/* What the columns by row say of a day, looked up when it is first asked for: most days lie in nobody's
 * window, and those columns are read at random. */
static const rr_day_detail *detail_of(const rr_sweep *s, int64_t d)
{
    const rr_rule *rule = s->rule;
    rr_day_detail *detail = &s->days.detail[d];
    int vetoed = 0;

    if (s->days.known[d]) {
        return detail;
    }
    *detail = (rr_day_detail){INT32_MAX, INT32_MAX, 0, 0};
    for (int64_t event = s->days.start[d]; event < s->days.start[d + 1]; event++) {
        int64_t row = rr_row_of(s->parts->events, event);
        int32_t when = INT32_MIN;
        uint32_t place = (uint32_t)(event - s->days.start[d]);

        if (rule->vetoed != NULL && rule->vetoed[row]) {
            vetoed += vetoed < 2;
            continue;
        }
        if (rule->confirmed != NULL) {
            int64_t day = rule->confirmed[row];

            when = day == RR_NULL_DAY ? INT32_MAX : rr_narrow_day(day);
        }
        if (when < INT32_MAX &&
            (detail->confirmed == INT32_MAX || rule->ties == RR_TIES_LAST_ROW)) {
            detail->tied = place;
        }
        if (when < detail->confirmed) {
            detail->otherwise = detail->confirmed;
            detail->confirmed = when;
            detail->first = place;
        } else {
            detail->otherwise = when < detail->otherwise ? when : detail->otherwise;
        }
    }
    s->days.known[d] = (uint8_t)(1 + vetoed);
    return detail;
}

static int vetoed_events(const rr_sweep *s, int64_t d)
{
    (void)detail_of(s, d);
    return s->days.known[d] - 1;
}

int rr_day_counts(const rr_sweep *s, const rr_reach *reach, int64_t d)
{
    const rr_day_runs *days = &s->days;
    const rr_day_detail *detail;

    if (days->detail == NULL) {
        return d != reach->own || days->start[d + 1] - days->start[d] > 1;
    }
    detail = detail_of(s, d);
    if (d == reach->own &&
        rr_row_of(s->parts->events, days->start[d] + detail->first) == reach->self) {
        return detail->otherwise <= reach->confirm_by;
    }
    return detail->confirmed <= reach->confirm_by;
}

int rr_day_is_vetoed(const rr_sweep *s, const rr_reach *reach, int64_t d)
{
    const uint8_t *vetoed = s->rule->vetoed;

    return vetoed != NULL && !rr_day_counts(s, reach, d) &&
           vetoed_events(s, d) > (d == reach->own && vetoed[reach->self]);
}

int64_t rr_first_tied(const rr_sweep *s, int64_t d)
{
    return s->days.start[d] + detail_of(s, d)->tied;
}

int32_t rr_gap(const rr_sweep *s, const rr_reach *reach, int64_t d)
{
    int64_t day = rr_day_at(s, d);

    return (int32_t)(day < reach->anchor ? reach->anchor - day : day - reach->anchor);
}

/* ---------------------------------------------------------------- the tree of many days */

rr_status rr_plant_tree(rr_sweep *s)
{
    int64_t n = s->days.n;

    if (n > s->tree.room) {
        free(s->confirmed);
        free(s->vetoed_before);
        s->confirmed = rr_allocate(n, sizeof *s->confirmed);
        s->vetoed_before = rr_allocate(n + 1, sizeof *s->vetoed_before);
    }
    if (s->confirmed == NULL || s->vetoed_before == NULL) {
        return RR_ERR_MEMORY;
    }
    s->vetoed_before[0] = 0;
    for (int64_t d = 0; d < n; d++) {
        s->confirmed[d] = detail_of(s, d)->confirmed;
        s->vetoed_before[d + 1] = s->vetoed_before[d] + (vetoed_events(s, d) > 0);
    }
    return rr_day_tree_make(s->confirmed, n, &s->tree);
}

void rr_free_tree(rr_sweep *s)
{
    free(s->confirmed);
    free(s->vetoed_before);
    rr_day_tree_free(&s->tree);
}

/* Whether the row's own day is in the tree, and does not count for the row. */
static int tree_errs(const rr_sweep *s, const rr_reach *reach)
{
    return reach->own >= 0 && !rr_day_counts(s, reach, reach->own) &&
           detail_of(s, reach->own)->confirmed <= reach->confirm_by;
}

static int64_t count_by_tree(const rr_sweep *s, const rr_reach *reach)
{
    return rr_day_tree_count(&s->tree, reach->from, reach->to, reach->confirm_by) -
           tree_errs(s, reach);
}

static int64_t nth_by_tree(const rr_sweep *s, const rr_reach *reach, int64_t n)
{
    int forward = s->rule->window.direction == RR_FORWARD, errs = tree_errs(s, reach);
    int32_t by = reach->confirm_by;
    int64_t from = reach->from, to = reach->to, d;

    n = forward ? n : rr_day_tree_count(&s->tree, from, to, by) - errs - n + 1;
    d = rr_day_tree_nth(&s->tree, from, to, by, n);
    return errs && d >= reach->own ? rr_day_tree_nth(&s->tree, from, to, by, n + 1) : d;
}

/* ---------------------------------------------------------------- the days of a reach */

int64_t rr_nth_day(const rr_sweep *s, const rr_reach *reach, int64_t n)
{
    int forward = s->rule->window.direction == RR_FORWARD;
    int64_t d = forward ? reach->from : reach->to - 1, step = forward ? 1 : -1;

    if (!rr_sweep_in_detail(s)) {
        /* Every day but possibly the row's own counts: the nth is reached in one step. */
        int64_t at = d + step * (n - 1);
        int passed = reach->own >= 0 && (forward ? reach->own <= at : reach->own >= at);

        return passed && !rr_day_counts(s, reach, reach->own) ? at + step : at;
    }
    if (s->tree.n > 0) {
        return nth_by_tree(s, reach, n);
    }
    for (;; d += step) {
        if (rr_day_counts(s, reach, d) && --n == 0) {
            return d;
        }
    }
}

/* The first day in reach, in the direction of search, that counts for the row; or -1. */
static int64_t first_day(const rr_sweep *s, const rr_reach *reach)
{
    int forward = s->rule->window.direction == RR_FORWARD;

    if (s->tree.n > 0) {
        return count_by_tree(s, reach) > 0 ? nth_by_tree(s, reach, 1) : -1;
    }
    for (int64_t i = 0; i < reach->to - reach->from; i++) {
        int64_t d = forward ? reach->from + i : reach->to - 1 - i;

        if (rr_day_counts(s, reach, d)) {
            return d;
        }
    }
    return -1;
}

/* The reach is changed in place and not copied: the copy would wait for the stores before it, and so for
 * what the last row's stores are waiting for (twice as slow). */
int64_t rr_next_near_day(rr_sweep *s, rr_reach *reach, int64_t from)
{
    int64_t own = reach->own, own_from = reach->from, own_to = reach->to;
    int64_t found = rr_reach_near(s, reach, from) ? first_day(s, reach) : -1;

    reach->own = own;
    reach->from = own_from;
    reach->to = own_to;
    return found;
}

/* Whether a vetoed day comes before the first of `count` days that count. */
static int veto_comes_first(const rr_sweep *s, const rr_reach *reach, int64_t count)
{
    int64_t from = reach->from, to = reach->to, vetoed;

    if (count > 0 && s->rule->window.direction == RR_FORWARD) {
        to = nth_by_tree(s, reach, 1);
    } else if (count > 0) {
        from = nth_by_tree(s, reach, 1) + 1;
    }
    vetoed = s->vetoed_before[to] - s->vetoed_before[from];
    if (reach->own >= from && reach->own < to) {
        /* Perhaps by the row itself alone. */
        vetoed -= vetoed_events(s, reach->own) > 0;
        vetoed += rr_day_is_vetoed(s, reach, reach->own);
    }
    return vetoed > 0;
}

int64_t rr_days_in_reach(rr_sweep *s, rr_reach *reach, uint8_t *vetoed)
{
    const rr_rule *rule = s->rule;
    int64_t count = 0, n = reach->to - reach->from;
    int forward = rule->window.direction == RR_FORWARD;

    *vetoed = 0;
    if (rule->near == RR_NEAR_STOP &&
        rr_next_near_day(s, reach, rule->window.include_same_day ? 0 : 1) >= 0) {
        return 0;
    }
    if (!rr_sweep_in_detail(s)) {
        return n - (reach->own >= 0 && !rr_day_counts(s, reach, reach->own));
    }
    if (s->tree.n > 0) {
        count = count_by_tree(s, reach);
        *vetoed = rule->veto == RR_VETO_STOP && veto_comes_first(s, reach, count);
        return *vetoed ? 0 : count;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t d = forward ? reach->from + i : reach->to - 1 - i;

        if (rr_day_counts(s, reach, d)) {
            count++;
        } else if (count == 0 && rule->veto == RR_VETO_STOP && rr_day_is_vetoed(s, reach, d)) {
            *vetoed = 1;
            return 0;
        }
    }
    return count;
}
