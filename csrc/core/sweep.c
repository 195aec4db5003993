/* The events of a part are first folded into days with an event, for events of a key on one day are
 * one day. A window is then a run of those days, found for each index row from where the last one was
 * found: index rows come in order of key and day, so the walk is short, and a galloping search keeps
 * it so where bounds differ from row to row.
 *
 * Where vetoes or confirmations decide which days count, a row walks over the days in its reach, and a
 * day is looked up when somebody first comes by. In a part where one key has many days (a child with
 * thousands of referrals) rows would walk over each other's: all of its days are looked up first and
 * put into a tree, which is asked instead (one child with 100,000 days beside a
 * million other rows, an open window: 0.3 s in all; by walking more than 8). */
#include "sweep.h"
#include "threads.h"

#include <stdlib.h>

static const int64_t NEVER = INT64_MAX;

/* ---------------------------------------------------------------- days with an event */

static void fold_days(const rr_parts *parts, int64_t part, rr_day_runs *days)
{
    int64_t from = parts->events->start[part], to = parts->events->start[part + 1];

    int64_t first_of_key = 0;
    uint64_t key = UINT64_MAX;

    days->n = days->most = 0;
    for (int64_t i = from; i < to; i++) {
        uint64_t key_day = rr_key_day(parts->events, i);

        if (days->n == 0 || days->key_day[days->n - 1] != key_day) {
            days->key_day[days->n] = key_day;
            days->start[days->n] = i;
            if (days->detail != NULL) {
                days->known[days->n] = 0;
            }
            first_of_key = key_day >> parts->day_bits == key ? first_of_key : days->n;
            key = key_day >> parts->day_bits;
            days->n++;
            days->most = days->n - first_of_key > days->most ? days->n - first_of_key : days->most;
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

/* ---------------------------------------------------------------- reach of a row */

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Whether anchor, lower and upper must be read for a row: they are read at random, and a byte of each row
 * fits the cache where they do not. */
static int is_apart(const rr_rule *rule, int64_t row)
{
    return rule->apart == NULL || rule->apart[row];
}

static int is_used(const rr_rule *rule, int64_t row)
{
    return (rule->use == NULL || rule->use[row]) &&
           (rule->anchor == NULL || !is_apart(rule, row) || rule->anchor[row] != RR_NULL_DAY);
}

static int64_t anchor_of(const rr_sweep *s, int64_t row, uint64_t key_day)
{
    return s->rule->anchor != NULL && is_apart(s->rule, row)
               ? s->rule->anchor[row]
               : s->parts->origin + (int64_t)(key_day & s->day_mask);
}

void rr_row_bounds(const rr_rule *rule, int64_t row, int64_t *first, int64_t *last)
{
    if (!is_apart(rule, row)) {
        return;
    }
    if (rule->lower != NULL && rule->lower[row] != RR_NULL_DAY && rule->lower[row] > *first) {
        *first = rule->lower[row];
    }
    if (rule->upper != NULL && rule->upper[row] != RR_NULL_DAY && rule->upper[row] < *last) {
        *last = rule->upper[row];
    }
}

/* Finds the days of a span, from the hints; whether there is one. */
static int days_of_span(rr_sweep *s, uint64_t key, int64_t first, int64_t last, int64_t *from,
                        int64_t *to)
{
    const rr_parts *parts = s->parts;
    const rr_day_runs *days = &s->days;

    if (first > last || first > parts->last_day || last < parts->first_day) {
        return 0;
    }
    first = clamp(first, parts->first_day, parts->last_day) - parts->origin;
    last = clamp(last, parts->first_day, parts->last_day) - parts->origin;
    *from = first_not_below(days->key_day, days->n, s->low_hint, key | (uint64_t)first);
    *to = first_not_below(days->key_day, days->n, s->high_hint, (key | (uint64_t)last) + 1);
    s->low_hint = *from;
    s->high_hint = *to;
    return *from < *to;
}

/* The day of an event row, RR_NULL_DAY for one that has none. */
static int64_t event_day_of(const rr_sweep *s, int64_t row)
{
    uint64_t place = rr_day_place(&s->event_days, row);

    return place > s->event_days.n_days ? RR_NULL_DAY : s->event_days.first + (int64_t)place;
}

/* Finds the day of the event that is the index row itself, if it is among from to `to`. */
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

int rr_sweep_begin(const rr_sweep *s, int64_t position, rr_reach *reach)
{
    const rr_rule *rule = s->rule;
    int64_t row = rr_row_of(&s->parts->index, position);
    uint64_t key_day;

    if (!is_used(rule, row)) {
        return 0;
    }
    key_day = rr_key_day(&s->parts->index, position);
    reach->row = row;
    reach->key = key_day & ~s->day_mask;
    reach->anchor = anchor_of(s, row, key_day);
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
    if (!days_of_span(s, reach->key, first, last, &reach->from, &reach->to)) {
        return 0;
    }
    reach->own = own_day(s, reach, reach->from, reach->to);
    reach->confirm_by = rr_confirm_by(s->rule, reach->row);
    return 1;
}

/* ---------------------------------------------------------------- what counts */

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
            vetoed = 2 - (vetoed == 0);
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

int64_t rr_own_day(const rr_sweep *s, const rr_reach *reach)
{
    return own_day(s, reach, 0, s->days.n);
}

/* The first day with an event from `from` to `to`, in the direction of search, for the row; or -1.
 *
 * A reach is changed in place and not copied: the copy would wait for the stores before it, and so for
 * what the last row's stores are waiting for (twice as slow). */
static int64_t first_day_of(const rr_sweep *s, rr_reach *reach, int64_t from, int64_t to)
{
    int forward = s->rule->window.direction == RR_FORWARD;
    int64_t own = reach->own, own_from = reach->from, own_to = reach->to, found = -1;

    reach->own = own_day(s, reach, from, to);
    if (s->tree.n > 0) {
        reach->from = from;
        reach->to = to;
        found = count_by_tree(s, reach) > 0 ? nth_by_tree(s, reach, 1) : -1;
        reach->from = own_from;
        reach->to = own_to;
    }
    for (int64_t i = 0; s->tree.n == 0 && i < to - from && found < 0; i++) {
        int64_t d = forward ? from + i : to - 1 - i;

        found = rr_day_counts(s, reach, d) ? d : -1;
    }
    reach->own = own;
    return found;
}

int64_t rr_next_near_day(rr_sweep *s, rr_reach *reach, int64_t from)
{
    int64_t first, last, from_day, to_day;

    rr_bounds_at(s->bounds, reach->anchor, &first, &last);
    if (s->rule->window.direction == RR_FORWARD) {
        last = first - 1;
        first = reach->anchor + from;
    } else {
        first = last + 1;
        last = reach->anchor - from;
    }
    rr_row_bounds(s->rule, reach->row, &first, &last);
    return days_of_span(s, reach->key, first, last, &from_day, &to_day)
               ? first_day_of(s, reach, from_day, to_day)
               : -1;
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
        int64_t d = rule->window.direction == RR_FORWARD ? reach->from + i : reach->to - 1 - i;

        if (rr_day_counts(s, reach, d)) {
            count++;
        } else if (count == 0 && rule->veto == RR_VETO_STOP && rr_day_is_vetoed(s, reach, d)) {
            *vetoed = 1;
            return 0;
        }
    }
    return count;
}

/* ---------------------------------------------------------------- parts */

/* The first day that a row claims for itself: its first admissible day, unless the only event of that
 * day is the row itself, which it cannot have and an earlier row can. */
static int64_t first_claim(const rr_sweep *s, int64_t row, uint64_t key, int64_t first)
{
    rr_reach own = {.key = key, .self = rr_self_of(s->rule, row)};
    int64_t d;

    if (own.self < 0 || event_day_of(s, own.self) != first) {
        return first;
    }
    d = own_day(s, &own, 0, s->days.n);
    return d >= 0 && s->days.start[d + 1] - s->days.start[d] == 1 ? first + 1 : first;
}

/* For each used row of the part the first day that a row of a later day claims for itself. */
static void fill_claimed(rr_sweep *s)
{
    int64_t claimed = NEVER, of_day = NEVER;
    uint64_t day = UINT64_MAX;

    for (int64_t i = s->part_to - 1; i >= s->part_from; i--) {
        int64_t row = rr_row_of(&s->parts->index, i), first, last;
        uint64_t key_day = rr_key_day(&s->parts->index, i);

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

/* Whether every index row that is said to be an event row names one that exists. */
rr_status rr_check_rule(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                        int64_t n_events, rr_error *error)
{
    rr_status status = rr_check_lengths(parts, n_index, n_events, error);
    int no_days;

    if (status != RR_OK) {
        return status;
    }
    if (rule->take < 0) {
        return rr_fail(error, RR_ERR_ARGUMENT, "take must not be negative");
    }
    if ((rule->vetoed != NULL || rule->confirmed != NULL) && parts->events->largest > UINT32_MAX) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "more events of one part than can be told apart");
    }
    if (rule->claim_latest && rule->window.direction != RR_FORWARD) {
        return rr_fail(error, RR_ERR_ARGUMENT, "claims look forward");
    }
    if (rule->event_day.ticks != NULL && rule->event_day.per_day < 1) {
        return rr_fail(error, RR_ERR_ARGUMENT, "per_day must be 1 or more");
    }
    for (int64_t i = 0; rule->anchor != NULL && i < n_index; i++) {
        int64_t day = rule->anchor[i];

        if (day != RR_NULL_DAY && (day < RR_DAY_MIN || day > RR_DAY_MAX)) {
            return rr_fail_row(error, RR_ERR_DAY_RANGE, i, "an anchor is out of range");
        }
    }
    if (!rule->same_table && rule->self_row == NULL) {
        return RR_OK;
    }
    no_days = rule->event_day.ticks == NULL && rule->event_day.narrow == NULL;
    if (no_days || (rule->same_table && n_index != n_events)) {
        return rr_fail(error, RR_ERR_ARGUMENT,
                       "rows that are the same need the days of the events");
    }
    for (int64_t i = 0; rule->self_row != NULL && i < n_index; i++) {
        if (rule->self_row[i] < -1 || rule->self_row[i] >= n_events) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "self_row names no row of the events");
        }
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- all parts */

typedef struct walk {
    rr_sweep *sweeps; /* by worker */
    rr_visit visit;
    void *job;
} walk;

/* Looks up all days of the part, and makes a tree of those that may count. */
static rr_status plant_tree(rr_sweep *s)
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

static rr_status go_to_part(rr_sweep *s, int64_t part)
{
    s->part_from = s->parts->index.start[part];
    s->part_to = s->parts->index.start[part + 1];
    s->low_hint = s->high_hint = 0;
    s->tree.n = 0;
    fold_days(s->parts, part, &s->days);
    if (s->claimed != NULL) {
        fill_claimed(s);
    }
    return rr_sweep_in_detail(s) && rr_many_days(s) ? plant_tree(s) : RR_OK;
}

static rr_status visit_part(void *job, int64_t part, int worker, rr_error *error)
{
    const walk *w = job;
    rr_sweep *sweep = &w->sweeps[worker];

    if (go_to_part(sweep, part) != RR_OK) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    return w->visit(sweep, w->job, worker, error);
}

static rr_status open_sweep(rr_sweep *s, const rr_parts *parts, const rr_rule *rule,
                            const rr_bounds *bounds)
{
    int detail = rule->vetoed != NULL || rule->confirmed != NULL;
    int64_t room = parts->events->largest;

    *s = (rr_sweep){.parts = parts, .rule = rule, .bounds = bounds};
    s->event_days = rr_read_days(&rule->event_day);
    s->day_mask = (UINT64_C(1) << parts->day_bits) - 1;
    s->days.key_day = rr_allocate(room, sizeof *s->days.key_day);
    s->days.start = rr_allocate(room + 1, sizeof *s->days.start);
    s->days.detail = detail ? rr_allocate(room, sizeof *s->days.detail) : NULL;
    s->days.known = detail ? rr_allocate(room, 1) : NULL;
    s->claimed = rule->claim_latest ? rr_allocate(parts->index.largest, sizeof *s->claimed) : NULL;
    return s->days.key_day == NULL || s->days.start == NULL ||
                   (detail && (s->days.detail == NULL || s->days.known == NULL)) ||
                   (rule->claim_latest && s->claimed == NULL)
               ? RR_ERR_MEMORY
               : RR_OK;
}

static void close_sweep(rr_sweep *s)
{
    free(s->days.key_day);
    free(s->days.start);
    free(s->days.detail);
    free(s->days.known);
    free(s->claimed);
    free(s->confirmed);
    free(s->vetoed_before);
    rr_day_tree_free(&s->tree);
}

rr_status rr_sweep_parts(const rr_parts *parts, const rr_rule *rule, rr_visit visit, void *job,
                         const rr_call *call, rr_error *error)
{
    int workers = rr_workers(call, parts->n_parts);
    walk w = {.visit = visit, .job = job};
    rr_bounds bounds = {0};
    rr_status status = rr_parts_in_order(parts, call, error);

    if (status == RR_OK) {
        status = rr_bounds_make(&rule->window, parts->first_day, parts->last_day, parts->index.n,
                                &bounds, error);
    }
    if (status != RR_OK) {
        goto out;
    }
    w.sweeps = calloc((size_t)workers, sizeof *w.sweeps);
    for (int i = 0; i < workers && status == RR_OK; i++) {
        status = w.sweeps == NULL ? RR_ERR_MEMORY : open_sweep(&w.sweeps[i], parts, rule, &bounds);
    }
    if (status != RR_OK) {
        status = rr_fail(error, status, "out of memory");
        goto out;
    }
    status = rr_run(visit_part, &w, parts->n_parts, call, error);
out:
    rr_parts_done(parts);
    for (int i = 0; w.sweeps != NULL && i < workers; i++) {
        close_sweep(&w.sweeps[i]);
    }
    free(w.sweeps);
    rr_bounds_free(&bounds);
    return status;
}
