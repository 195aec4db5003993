/* A window is a run of days with an event, found for each index row from where the last one was found:
 * index rows come in order of key and day, so the walk is short, and a galloping search keeps it so where
 * bounds differ from row to row. */
#include "sweep.h"

static const int64_t NEVER = INT64_MAX;

/* The first of n sorted numbers that is not below `target`, searched outwards from `near`. */
static int64_t first_not_below(const uint64_t *sorted, int64_t n, int64_t near, uint64_t target)
{
    int64_t low, high, step = 1;

    if (near < n && sorted[near] < target) {
        low = near + 1;
        while (low + step <= n && sorted[low + step - 1] < target) {
            low += step;
            step *= 2;
        }
        high = low + step <= n ? low + step - 1 : n;
    } else {
        high = near < n ? near : n;
        while (high - step >= 0 && sorted[high - step] >= target) {
            high -= step;
            step *= 2;
        }
        low = high - step >= 0 ? high - step + 1 : 0;
    }
    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (sorted[middle] < target) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Whether `row` is among the events of day d. Rows of a day are in order. */
static int is_on_day(const rr_sweep *s, int64_t d, int64_t row)
{
    const rr_parts *parts = s->parts;
    int64_t low = s->days.start[d], high = s->days.start[d + 1];

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (rr_row_of(parts->events, middle) < row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < s->days.start[d + 1] && rr_row_of(parts->events, low) == row;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static int is_used(const rr_rule *rule, int64_t row)
{
    return (rule->use == NULL || rule->use[row]) &&
           (rule->anchor == NULL || !rr_is_apart(rule, row) || rule->anchor[row] != RR_NULL_DAY);
}

static int64_t anchor_of(const rr_sweep *s, int64_t row, uint64_t key_day)
{
    return s->rule->anchor != NULL && rr_is_apart(s->rule, row)
               ? s->rule->anchor[row]
               : s->parts->origin + (int64_t)(key_day & s->day_mask);
}

/* The day of an event row, RR_NULL_DAY for one that has none. */
static int64_t event_day_of(const rr_sweep *s, int64_t row)
{
    uint64_t place = rr_day_place(&s->event_days, row);

    return place > s->event_days.n_days ? RR_NULL_DAY : s->event_days.first + (int64_t)place;
}

/* The day of the event that is the index row itself, if it is among `from` to `to`. */
static int64_t own_day(const rr_sweep *s, const rr_reach *reach, int64_t from, int64_t to)
{
    const rr_parts *parts = s->parts;
    int64_t day = reach->self < 0 ? RR_NULL_DAY : event_day_of(s, reach->self), own;
    uint64_t target;

    if (day == RR_NULL_DAY || day < parts->first_day || day > parts->last_day) {
        return -1;
    }
    target = reach->key | (uint64_t)(day - parts->origin);
    own = first_not_below(s->days.key_day, s->days.n, from, target);
    return own >= from && own < to && s->days.key_day[own] == target &&
                   is_on_day(s, own, reach->self)
               ? own
               : -1;
}

int64_t rr_own_day(const rr_sweep *s, const rr_reach *reach)
{
    return own_day(s, reach, 0, s->days.n);
}

/* The reach becomes the days of a span, found from where the last was; whether there is one. */
static int reach_days(rr_sweep *s, rr_reach *reach, int64_t first, int64_t last)
{
    const rr_parts *parts = s->parts;
    const rr_day_runs *days = &s->days;

    if (first > last || first > parts->last_day || last < parts->first_day) {
        return 0;
    }
    first = clamp(first, parts->first_day, parts->last_day) - parts->origin;
    last = clamp(last, parts->first_day, parts->last_day) - parts->origin;
    reach->from = first_not_below(days->key_day, days->n, s->low_hint,
                                  reach->key | (uint64_t)first);
    reach->to = first_not_below(days->key_day, days->n, s->high_hint,
                                (reach->key | (uint64_t)last) + 1);
    s->low_hint = reach->from;
    s->high_hint = reach->to;
    if (reach->from >= reach->to) {
        return 0;
    }
    reach->own = own_day(s, reach, reach->from, reach->to);
    return 1;
}

int rr_sweep_begin(const rr_sweep *s, int64_t position, rr_reach *reach)
{
    const rr_rule *rule = s->rule;
    int64_t row = rr_row_of(&s->parts->index, position);
    uint64_t key_day;

    rr_fetch_rule(rule, rr_row_ahead(s, position, RR_ROWS_AHEAD));
    if (!is_used(rule, row)) {
        return 0;
    }
    key_day = rr_key_day(&s->parts->index, position);
    reach->row = row;
    reach->key = key_day & ~s->day_mask;
    reach->anchor = anchor_of(s, row, key_day);
    reach->from = reach->to = 0;
    reach->own = -1;
    reach->self = rr_self_of(rule, row);
    return 1;
}

int rr_sweep_row(rr_sweep *s, int64_t position, rr_reach *reach)
{
    int64_t first, last;

    if (!rr_sweep_begin(s, position, reach)) {
        return 0;
    }
    rr_bounds_at(s->bounds, reach->anchor, &first, &last);
    rr_row_bounds(s->rule, reach->row, &first, &last);
    if (s->claimed != NULL && s->claimed[position - s->part_from] <= last) {
        last = s->claimed[position - s->part_from] - 1;
    }
    if (!reach_days(s, reach, first, last)) {
        return 0;
    }
    reach->confirm_by = rr_confirm_by(s->rule, reach->row);
    return 1;
}

int rr_reach_near(rr_sweep *s, rr_reach *reach, int64_t from)
{
    int64_t first, last;

    rr_bounds_at(s->bounds, reach->anchor, &first, &last);
    if (s->rule->window.direction == RR_FORWARD) {
        last = first - 1;
        first = reach->anchor + from;
    } else {
        first = last + 1;
        last = reach->anchor - from;
    }
    rr_row_bounds(s->rule, reach->row, &first, &last);
    return reach_days(s, reach, first, last);
}

/* ---------------------------------------------------------------- claims */

/* The first day that a row claims for itself: its first admissible day, unless the only event of that
 * day is the row itself, which it cannot have and an earlier row can. */
static int64_t first_claim(const rr_sweep *s, int64_t row, uint64_t key, int64_t first)
{
    rr_reach own = {.key = key, .self = rr_self_of(s->rule, row)};
    int64_t d;

    if (own.self < 0 || event_day_of(s, own.self) != first) {
        return first;
    }
    d = rr_own_day(s, &own);
    return d >= 0 && s->days.start[d + 1] - s->days.start[d] == 1 ? first + 1 : first;
}

void rr_fill_claimed(rr_sweep *s)
{
    int64_t claimed = NEVER, of_day = NEVER; /* by rows of later days; by rows of the day itself */
    uint64_t day = UINT64_MAX;

    for (int64_t i = s->part_to - 1; i >= s->part_from; i--) {
        int64_t row = rr_row_of(&s->parts->index, i), first, last;
        uint64_t key_day = rr_key_day(&s->parts->index, i);

        if (i - s->part_from >= RR_ROWS_AHEAD) {
            rr_fetch_rule(s->rule, rr_row_of(&s->parts->index, i - RR_ROWS_AHEAD));
        }
        if (!is_used(s->rule, row)) {
            continue;
        }
        if (day == UINT64_MAX || (key_day & ~s->day_mask) != (day & ~s->day_mask)) {
            claimed = of_day = NEVER;
        } else if (key_day != day) {
            claimed = of_day < claimed ? of_day : claimed;
            of_day = NEVER;
        }
        day = key_day;
        rr_bounds_at(s->bounds, anchor_of(s, row, key_day), &first, &last);
        rr_row_bounds(s->rule, row, &first, &last);
        first = first_claim(s, row, key_day & ~s->day_mask, first);
        of_day = first < of_day ? first : of_day;
        s->claimed[i - s->part_from] = claimed;
    }
}
