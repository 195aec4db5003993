/* A rule (rr_rule), for every way of linking: what it says of a row, and whether it is in order. */
#ifndef RR_RULE_H
#define RR_RULE_H

#include "internal.h"

/* RR_ERR_ARGUMENT, or RR_ERR_DAY_RANGE for an anchor, unless lengths and rule are in order. */
rr_status rr_check_rule(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                        int64_t n_events, rr_error *error) RR_MUST_CHECK;

/* The event row that an index row is, -1 for none. */
static inline int64_t rr_self_of(const rr_rule *rule, int64_t row)
{
    return rule->same_table ? row : rule->self_row != NULL ? rule->self_row[row] : -1;
}

/* Whether anchor, lower and upper must be read for a row: they are read at random, and a byte of each row
 * fits the cache where they do not. */
static inline int rr_is_apart(const rr_rule *rule, int64_t row)
{
    return rule->apart == NULL || rule->apart[row];
}

/* Asks the processor for what a rule says of an index row. */
static inline void rr_fetch_rule(const rr_rule *rule, int64_t row)
{
    if (rule->use != NULL) {
        __builtin_prefetch(rule->use + row);
    }
    if (rule->apart != NULL) {
        __builtin_prefetch(rule->apart + row);
        return;
    }
    if (rule->anchor != NULL) {
        __builtin_prefetch(rule->anchor + row);
    }
    if (rule->lower != NULL) {
        __builtin_prefetch(rule->lower + row);
    }
    if (rule->upper != NULL) {
        __builtin_prefetch(rule->upper + row);
    }
}

/* The admissible days cut to the bounds that the row itself brings. */
static inline void rr_row_bounds(const rr_rule *rule, int64_t row, int64_t *first, int64_t *last)
{
    if (!rr_is_apart(rule, row)) {
        return;
    }
    if (rule->lower != NULL && rule->lower[row] != RR_NULL_DAY && rule->lower[row] > *first) {
        *first = rule->lower[row];
    }
    if (rule->upper != NULL && rule->upper[row] != RR_NULL_DAY && rule->upper[row] < *last) {
        *last = rule->upper[row];
    }
}

/* A day of confirmation in 32 bits, for all comparisons alike: days that do not fit are millions of years
 * away, and never, INT32_MAX, comes after them all. */
static inline int32_t rr_narrow_day(int64_t day)
{
    return day < INT32_MIN ? INT32_MIN : day >= INT32_MAX ? INT32_MAX - 1 : (int32_t)day;
}

/* The last day on which an event of an index row may be confirmed. Read where it is needed, and not
 * with the row: it is a column by row, and most rows have no event at all. */
static inline int32_t rr_confirm_by(const rr_rule *rule, int64_t row)
{
    return rr_narrow_day(rule->confirm_by == NULL ? INT64_MAX : rule->confirm_by[row]);
}

#endif
