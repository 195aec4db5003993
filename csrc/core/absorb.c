#include "sweep.h"

/* Moves the anchor of one row; whether it moved. An event of the anchor's own day has been absorbed
 * with it, so after a move the search begins beyond that day, whatever the rule says of the index
 * day. */
static int absorbed(rr_sweep *s, rr_reach *reach)
{
    int64_t from = s->rule->window.include_same_day ? 0 : 1, day;
    int moved = 0;

    reach->confirm_by = rr_confirm_by(s->rule, reach->row);
    while ((day = rr_next_near_day(s, reach, from)) >= 0) {
        reach->anchor = rr_day_at(s, day);
        from = 1;
        moved = 1;
    }
    return moved;
}

static rr_status absorb_part(rr_sweep *s, void *job, int worker, rr_error *error)
{
    int64_t *anchor = job;

    (void)worker;
    (void)error;
    for (int64_t i = s->part_from; i < s->part_to; i++) {
        rr_reach reach;

        /* Few rows move, and a column by row is written at random. */
        if (rr_sweep_begin(s, i, &reach) && absorbed(s, &reach)) {
            anchor[reach.row] = reach.anchor;
        }
    }
    return RR_OK;
}

rr_status rr_absorb(const rr_parts *parts, const rr_rule *rule, int64_t n_index, int64_t n_events,
                    int64_t *anchor, const rr_call *call, rr_error *error)
{
    rr_rule plain = *rule;
    rr_status status;

    /* Only the near end of the window is read. */
    plain.window.length = (rr_span){.unit = RR_OPEN};
    plain.window.exclusive_end = 0;
    plain.claim_latest = 0;
    plain.anchor = NULL;
    status = rr_check_rule(parts, &plain, n_index, n_events, error);
    return status == RR_OK ? rr_sweep_parts(parts, &plain, absorb_part, anchor, call, error)
                           : status;
}
