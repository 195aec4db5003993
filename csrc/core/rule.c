#include "parts.h"
#include "rule.h"

static rr_status check_anchors(const rr_rule *rule, int64_t n_index, rr_error *error)
{
    for (int64_t i = 0; rule->anchor != NULL && i < n_index; i++) {
        int64_t day = rule->anchor[i];

        if (day != RR_NULL_DAY && (day < RR_DAY_MIN || day > RR_DAY_MAX)) {
            return rr_fail_row(error, RR_ERR_DAY_RANGE, i, "an anchor is out of range");
        }
    }
    return RR_OK;
}

/* An index row that is said to be an event row must name one that exists, and has a day. */
static rr_status check_same_rows(const rr_rule *rule, int64_t n_index, int64_t n_events,
                                 rr_error *error)
{
    int no_days = rule->event_day.ticks == NULL && rule->event_day.narrow == NULL;

    if (!rule->same_table && rule->self_row == NULL) {
        return RR_OK;
    }
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

rr_status rr_check_rule(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                        int64_t n_events, rr_error *error)
{
    rr_status status = rr_check_lengths(parts, n_index, n_events, error);

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
    if ((rule->event_day.ticks != NULL && rule->event_day.per_day < 1) ||
        (rule->index_day.ticks != NULL && rule->index_day.per_day < 1)) {
        return rr_fail(error, RR_ERR_ARGUMENT, "per_day must be 1 or more");
    }
    status = check_anchors(rule, n_index, error);
    return status == RR_OK ? check_same_rows(rule, n_index, n_events, error) : status;
}
