/* The sweep over parts in order. The events of a part are first folded into days with an event, for
 * events of a key on one day are one day. A window is then a run of those days, found for each index
 * row from where the last one was found: index rows come in order of key and day, so the walk is
 * short, and a galloping search keeps it so where bounds differ from row to row. */
#include "internal.h"

#include <stdlib.h>

enum { POLL_ROWS = 1 << 20 };

/* The days with an event of one part: day d is event positions start[d] to start[d + 1]. */
typedef struct day_runs {
    uint64_t *key_day;
    int64_t *start;
    int64_t n;
} day_runs;

static void fold_days(const rr_parts *parts, int64_t part, day_runs *days)
{
    int64_t from = parts->events.start[part], to = parts->events.start[part + 1];

    days->n = 0;
    for (int64_t i = from; i < to; i++) {
        uint64_t key_day = rr_key_day(parts, &parts->events, i);

        if (days->n == 0 || days->key_day[days->n - 1] != key_day) {
            days->key_day[days->n] = key_day;
            days->start[days->n] = i;
            days->n++;
        }
    }
    days->start[days->n] = to;
}

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

/* Where `row` stands among the events of day d, or -1. Rows of a day are in order. */
static int64_t position_of_row(const rr_parts *parts, const day_runs *days, int64_t d, int64_t row)
{
    int64_t low = days->start[d], high = days->start[d + 1];

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (rr_row_of(parts, &parts->events, middle) < row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < days->start[d + 1] && rr_row_of(parts, &parts->events, low) == row ? low : -1;
}

typedef struct sweep {
    const rr_parts *parts;
    const rr_rule *rule;
    const rr_matches *matches;
    rr_bounds bounds;
    day_runs days;
} sweep;

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* The event day of the row that `row` itself is, or RR_NULL_DAY; *self is that event row. */
static int64_t own_event(const rr_rule *rule, int64_t row, int64_t *self)
{
    *self = rule->same_table ? row : rule->self_row != NULL ? rule->self_row[row] : -1;
    return *self < 0 ? RR_NULL_DAY : rule->event_day[*self];
}

static void link_row(sweep *s, int64_t position, int64_t *low_hint, int64_t *high_hint)
{
    const rr_parts *parts = s->parts;
    const rr_rule *rule = s->rule;
    const day_runs *days = &s->days;
    const uint64_t day_mask = (UINT64_C(1) << parts->day_bits) - 1;
    uint64_t key_day = rr_key_day(parts, &parts->index, position), key = key_day & ~day_mask;
    int64_t row = rr_row_of(parts, &parts->index, position);
    int64_t offset = (int64_t)(key_day & day_mask);
    int64_t first, last, from, to, count, self, own_day, nearest, event;
    int64_t own = -1, own_position = -1;

    rr_bounds_at(&s->bounds, parts->first_day + offset, &first, &last);
    if (rule->lower != NULL && rule->lower[row] != RR_NULL_DAY && rule->lower[row] > first) {
        first = rule->lower[row];
    }
    if (rule->upper != NULL && rule->upper[row] != RR_NULL_DAY && rule->upper[row] < last) {
        last = rule->upper[row];
    }
    if (first > last || first > parts->last_day || last < parts->first_day) {
        return;
    }
    first = clamp(first, parts->first_day, parts->last_day);
    last = clamp(last, parts->first_day, parts->last_day);
    from = first_not_below(days->key_day, days->n, *low_hint,
                           key | (uint64_t)(first - parts->first_day));
    to = first_not_below(days->key_day, days->n, *high_hint,
                         (key | (uint64_t)(last - parts->first_day)) + 1);
    *low_hint = from;
    *high_hint = to;

    count = to - from;
    own_day = own_event(rule, row, &self);
    if (own_day != RR_NULL_DAY && own_day >= first && own_day <= last) {
        uint64_t target = key | (uint64_t)(own_day - parts->first_day);

        own = first_not_below(days->key_day, days->n, from, target);
        if (own < to && days->key_day[own] == target) {
            own_position = position_of_row(parts, days, own, self);
        }
    }
    if (own_position >= 0 && days->start[own + 1] - days->start[own] == 1) {
        /* The day is the row itself and nothing else: it is no day of an event. */
        count--;
        from += own == from;
        to -= own == to - 1;
    }
    if (count <= 0) {
        return;
    }
    nearest = rule->window.direction == RR_FORWARD ? from : to - 1;
    if (rule->ties == RR_TIES_FIRST_ROW) {
        event = days->start[nearest];
        event += event == own_position;
    } else {
        event = days->start[nearest + 1] - 1;
        event -= event == own_position;
    }
    if (s->matches->event_row != NULL) {
        s->matches->event_row[row] = rr_row_of(parts, &parts->events, event);
    }
    if (s->matches->gap_days != NULL) {
        int64_t gap = (int64_t)(days->key_day[nearest] & day_mask) - offset;

        s->matches->gap_days[row] = (int32_t)(gap < 0 ? -gap : gap);
    }
    if (s->matches->count != NULL) {
        s->matches->count[row] = count;
    }
}

static rr_status open_days(const rr_parts *parts, day_runs *days)
{
    days->key_day = rr_allocate(parts->largest_event_part, sizeof *days->key_day);
    days->start = rr_allocate(parts->largest_event_part + 1, sizeof *days->start);
    days->n = 0;
    return days->key_day == NULL || days->start == NULL ? RR_ERR_MEMORY : RR_OK;
}

static void close_days(day_runs *days)
{
    free(days->key_day);
    free(days->start);
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
    }
}

/* Whether every index row that is said to be an event row names one that exists. */
static rr_status check_self(const rr_rule *rule, int64_t n_index, int64_t n_events, rr_error *error)
{
    if (!rule->same_table && rule->self_row == NULL) {
        return RR_OK;
    }
    if (rule->event_day == NULL || (rule->same_table && n_index != n_events)) {
        return rr_fail(error, RR_ERR_ARGUMENT,
                       "rows that are the same need the days of the events");
    }
    for (int64_t i = 0; rule->self_row != NULL && i < n_index; i++) {
        if (rule->self_row[i] < -1 || rule->self_row[i] >= n_events) {
            rr_status status = rr_fail(error, RR_ERR_ARGUMENT,
                                       "self_row names no row of the events");

            if (error != NULL) {
                error->row = i;
            }
            return status;
        }
    }
    return RR_OK;
}

rr_status rr_link(const rr_parts *parts, const rr_rule *rule, int64_t n_index, int64_t n_events,
                  const rr_matches *matches, const rr_poll *poll, rr_error *error)
{
    sweep s = {.parts = parts, .rule = rule, .matches = matches};
    int64_t since_poll = 0;
    rr_status status;

    status = rr_check_lengths(parts, n_index, n_events, error);
    if (status == RR_OK) {
        status = check_self(rule, n_index, n_events, error);
    }
    if (status != RR_OK) {
        return status;
    }
    status = rr_bounds_make(&rule->window, parts->first_day, parts->last_day, parts->index.n,
                            &s.bounds, error);
    if (status != RR_OK) {
        goto out;
    }
    status = open_days(parts, &s.days);
    if (status != RR_OK) {
        rr_fail(error, status, "out of memory");
        goto out;
    }
    fill_empty(matches, n_index);
    for (int64_t p = 0; p < parts->n_parts; p++) {
        int64_t from = parts->index.start[p], to = parts->index.start[p + 1], low = 0, high = 0;

        since_poll += to - from + parts->events.start[p + 1] - parts->events.start[p];
        if (since_poll >= POLL_ROWS) {
            since_poll = 0;
            if (rr_stopped(poll, p, parts->n_parts)) {
                status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
                goto out;
            }
        }
        fold_days(parts, p, &s.days);
        for (int64_t i = from; i < to; i++) {
            link_row(&s, i, &low, &high);
        }
    }
out:
    close_days(&s.days);
    rr_bounds_free(&s.bounds);
    return status;
}
