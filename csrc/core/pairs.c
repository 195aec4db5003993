#include "sweep.h"

#include <stddef.h>

static rr_status refuse_offsets(rr_error *error, int64_t row)
{
    return rr_fail_row(error, RR_ERR_ARGUMENT, row, "the offsets are not those of these arguments");
}

typedef struct pair_columns {
    int64_t *event_row;
    int32_t *gap_days;
    int64_t at; /* where the next pair goes */
} pair_columns;

/* How many events of the row count; unless `out` is NULL, they are written too. */
static int64_t pairs_of_row(const rr_sweep *s, const rr_reach *reach, const pair_columns *out)
{
    int64_t n = 0;

    if (out == NULL && !rr_sweep_in_detail(s)) {
        return s->days.start[reach->to] - s->days.start[reach->from] - (reach->own >= 0);
    }
    for (int64_t i = 0; i < reach->to - reach->from; i++) {
        int64_t d = s->rule->window.direction == RR_FORWARD ? reach->from + i : reach->to - 1 - i;
        int all = d != reach->own && !rr_sweep_in_detail(s);

        for (int64_t event = s->days.start[d]; event < s->days.start[d + 1]; event++) {
            if (!all && !rr_event_counts(s, reach, event)) {
                continue;
            }
            if (out != NULL) {
                out->event_row[out->at + n] = rr_row_of(s->parts, &s->parts->events, event);
                out->gap_days[out->at + n] = rr_gap(s, reach, d);
            }
            n++;
        }
    }
    return n;
}

/* One pass: either counts by index row, or, with `counts` NULL, the pairs at their offsets. *total is
 * the number of pairs. */
static rr_status sweep_pairs(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                             int64_t n_events, int64_t *counts, const int64_t *offsets,
                             pair_columns out, int64_t *total, const rr_call *call, rr_error *error)
{
    rr_sweep s;
    rr_status status = rr_sweep_open(&s, parts, rule, n_index, n_events, error);

    *total = 0;
    for (int64_t p = 0; p < parts->n_parts && status == RR_OK; p++) {
        status = rr_sweep_part(&s, p, call, error);
        for (int64_t i = s.part_from; i < s.part_to && status == RR_OK; i++) {
            rr_reach reach;
            uint8_t vetoed;
            int64_t n;

            if (!rr_sweep_row(&s, i, &reach) || rr_days_in_reach(&s, &reach, &vetoed) == 0) {
                continue;
            }
            n = pairs_of_row(&s, &reach, NULL);
            *total += n;
            if (counts != NULL) {
                counts[reach.row] = n;
            } else if (n != offsets[reach.row + 1] - offsets[reach.row]) {
                status = refuse_offsets(error, reach.row);
            } else {
                out.at = offsets[reach.row];
                pairs_of_row(&s, &reach, &out);
            }
        }
    }
    rr_sweep_close(&s);
    return status;
}

rr_status rr_pairs_count(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                         int64_t n_events, int64_t *offsets, const rr_call *call, rr_error *error)
{
    int64_t sum = 0, total;
    rr_status status;

    for (int64_t i = 0; i <= n_index; i++) {
        offsets[i] = 0;
    }
    status = sweep_pairs(parts, rule, n_index, n_events, offsets, NULL, (pair_columns){0}, &total,
                         call, error);
    for (int64_t i = 0; i <= n_index && status == RR_OK; i++) {
        int64_t n = offsets[i];

        offsets[i] = sum;
        sum += n;
    }
    return status;
}

rr_status rr_pairs_fill(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                        int64_t n_events, const int64_t *offsets, int64_t *event_row,
                        int32_t *gap_days, const rr_call *call, rr_error *error)
{
    pair_columns out = {event_row, gap_days, 0};
    int64_t total;
    rr_status status;

    if (event_row == NULL || gap_days == NULL) {
        return rr_fail(error, RR_ERR_ARGUMENT, "pairs need both columns");
    }
    /* Offsets that rise from 0 stay inside the columns, whoever made them. */
    for (int64_t i = 0; i < n_index; i++) {
        if ((i == 0 && offsets[0] != 0) || offsets[i + 1] < offsets[i]) {
            return refuse_offsets(error, i);
        }
    }
    status = sweep_pairs(parts, rule, n_index, n_events, NULL, offsets, out, &total, call, error);
    if (status == RR_OK && total != offsets[n_index]) {
        /* A row without pairs was given room, which nobody has written to. */
        return refuse_offsets(error, -1);
    }
    return status;
}
