#include "sweep.h"

#include <stddef.h>

/* How many events of the row count; with `fill` they are written too. */
static int64_t pairs_of_row(const rr_sweep *s, const rr_reach *reach, int64_t at,
                            int64_t *event_row, int32_t *gap_days)
{
    int64_t n = 0;

    for (int64_t i = 0; i < reach->to - reach->from; i++) {
        int64_t d = s->rule->window.direction == RR_FORWARD ? reach->from + i : reach->to - 1 - i;
        int all = d != reach->own && !rr_sweep_in_detail(s);

        if (all && event_row == NULL) {
            n += s->days.start[d + 1] - s->days.start[d];
            continue;
        }
        for (int64_t event = s->days.start[d]; event < s->days.start[d + 1]; event++) {
            if (!all && !rr_event_counts(s, reach, event)) {
                continue;
            }
            if (event_row != NULL) {
                event_row[at + n] = rr_row_of(s->parts, &s->parts->events, event);
                gap_days[at + n] = rr_gap(s, reach, d);
            }
            n++;
        }
    }
    return n;
}

static rr_status sweep_pairs(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                             int64_t n_events, int64_t *counts, const int64_t *offsets,
                             int64_t *event_row, int32_t *gap_days, const rr_poll *poll,
                             rr_error *error)
{
    rr_sweep s;
    rr_status status = rr_sweep_open(&s, parts, rule, n_index, n_events, error);

    for (int64_t p = 0; p < parts->n_parts && status == RR_OK; p++) {
        status = rr_sweep_part(&s, p, poll, error);
        for (int64_t i = s.part_from; i < s.part_to && status == RR_OK; i++) {
            rr_reach reach;
            uint8_t vetoed;
            int64_t n;

            if (!rr_sweep_row(&s, i, &reach) || rr_days_in_reach(&s, &reach, &vetoed) == 0) {
                continue;
            }
            n = pairs_of_row(&s, &reach, 0, NULL, NULL);
            if (counts != NULL) {
                counts[reach.row] = n;
            } else if (n != offsets[reach.row + 1] - offsets[reach.row]) {
                status = rr_fail_row(error, RR_ERR_ARGUMENT, reach.row,
                                     "the offsets are not those of these arguments");
            } else {
                pairs_of_row(&s, &reach, offsets[reach.row], event_row, gap_days);
            }
        }
    }
    rr_sweep_close(&s);
    return status;
}

rr_status rr_pairs_count(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                         int64_t n_events, int64_t *offsets, const rr_poll *poll, rr_error *error)
{
    int64_t sum = 0;
    rr_status status;

    for (int64_t i = 0; i <= n_index; i++) {
        offsets[i] = 0;
    }
    status = sweep_pairs(parts, rule, n_index, n_events, offsets, NULL, NULL, NULL, poll, error);
    for (int64_t i = 0; i <= n_index && status == RR_OK; i++) {
        int64_t n = offsets[i];

        offsets[i] = sum;
        sum += n;
    }
    return status;
}

rr_status rr_pairs_fill(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                        int64_t n_events, const int64_t *offsets, int64_t *event_row,
                        int32_t *gap_days, const rr_poll *poll, rr_error *error)
{
    if (event_row == NULL || gap_days == NULL) {
        return rr_fail(error, RR_ERR_ARGUMENT, "pairs need both columns");
    }
    return sweep_pairs(parts, rule, n_index, n_events, NULL, offsets, event_row, gap_days, poll,
                       error);
}
