/* An anchor moves from day to day, each nearer to the one before than the minimum gap. Where a key has many
 * days, rows would follow one another's ways again and again. But from a day on the way is the same for
 * every row, up to what the row does not see: its own event, and days outside its own bounds. So the end of
 * each day's way is noted, worked out from the far end of the part, and a row that meets nothing of its own
 * leaps to it; otherwise it leaps to the day before, and goes on by foot (200,000 days of one child: the
 * whole link 0.08 s, 70 s by foot). Ways of few days are not noted: that would look at days that nobody
 * passes. */
#include "sweep.h"
#include "threads.h"

#include <stdlib.h>

/* Where ways lead, by day of a part. */
typedef struct ways {
    int64_t *end;    /* the last day of the way from here; -1: the day does not count */
    int64_t *before; /* the last day that counts and comes before this one, -1: there is none */
    int known;       /* for the part that the sweep is at */
} ways;

typedef struct absorbing {
    ways *ways; /* by worker */
    int64_t *anchor;
} absorbing;

/* Notes the ways of a part. For a row that has neither event nor bounds, the next day is the nearest that
 * counts. */
static void note_ways(rr_sweep *s, const ways *w)
{
    int forward = s->rule->window.direction == RR_FORWARD;
    int64_t n = s->days.n, counted = -1;

    for (int64_t i = 0; i < n; i++) {
        const rr_reach anyone = {.self = -1, .own = -1, .confirm_by = INT32_MAX - 1};
        int64_t d = forward ? i : n - 1 - i;
        int counts = rr_day_counts(s, &anyone, d);

        w->before[d] = counted;
        w->end[d] = counts ? d : -1;
        counted = counts ? d : counted;
    }
    for (int64_t d = counted; d >= 0 && w->before[d] >= 0; d = w->before[d]) {
        int64_t from = w->before[d], day = rr_day_at(s, d), first, last;

        rr_bounds_at(s->bounds, rr_day_at(s, from), &first, &last);
        if (((s->days.key_day[from] ^ s->days.key_day[d]) & ~s->day_mask) == 0 &&
            (forward ? day < first : day > last)) {
            w->end[from] = w->end[d];
        }
    }
}

static int is_within(const rr_sweep *s, int64_t d, int64_t first, int64_t last)
{
    return rr_day_at(s, d) >= first && rr_day_at(s, d) <= last;
}

/* The farthest day on the way from d, which is within the row's bounds, that the row is sure to reach. */
static int64_t leap(const rr_sweep *s, const ways *w, const rr_reach *reach, int64_t d)
{
    int64_t step = s->rule->window.direction == RR_FORWARD ? 1 : -1, own = rr_own_day(s, reach);
    int64_t first = INT64_MIN, last = INT64_MAX, far = (w->end[d] - d) * step;

    rr_row_bounds(s->rule, reach->row, &first, &last);
    if (!is_within(s, d + far * step, first, last)) {
        int64_t inside = 0;

        while (far - inside > 1) {
            int64_t middle = inside + (far - inside) / 2;

            if (is_within(s, d + middle * step, first, last)) {
                inside = middle;
            } else {
                far = middle;
            }
        }
        far = inside;
    }
    if (own >= 0 && (own - d) * step > 0 && (own - d) * step <= far) {
        return w->before[own];
    }
    d += far * step;
    return w->end[d] >= 0 ? d : w->before[d];
}

/* Moves the anchor of one row; whether it moved. An event of the anchor's own day has been absorbed
 * with it, so after a move the search begins beyond that day, whatever the rule says of the index
 * day. */
static int absorbed(rr_sweep *s, const ways *w, rr_reach *reach)
{
    int64_t from = s->rule->window.include_same_day ? 0 : 1, day;
    int moved = 0;

    reach->confirm_by = rr_confirm_by(s->rule, reach->row);
    while ((day = rr_next_near_day(s, reach, from)) >= 0) {
        reach->anchor = rr_day_at(s, w->known ? leap(s, w, reach, day) : day);
        from = 1;
        moved = 1;
    }
    return moved;
}

static rr_status absorb_part(rr_sweep *s, void *job, int worker, rr_error *error)
{
    const absorbing *to = job;
    ways *w = &to->ways[worker];

    (void)error;
    /* What must be confirmed in time for a row makes a way of its own for each. */
    w->known = rr_many_days(s) && s->rule->confirmed == NULL;
    if (w->known) {
        note_ways(s, w);
    }
    for (int64_t i = s->part_from; i < s->part_to; i++) {
        rr_reach reach;

        /* Few rows move, and a column by row is written at random. */
        if (rr_sweep_begin(s, i, &reach) && absorbed(s, w, &reach)) {
            to->anchor[reach.row] = reach.anchor;
        }
    }
    return RR_OK;
}

rr_status rr_absorb(const rr_parts *parts, const rr_rule *rule, int64_t n_index, int64_t n_events,
                    int64_t *anchor, const rr_call *call, rr_error *error)
{
    rr_rule plain = *rule;
    int workers = rr_workers(call, parts->n_parts), failed = 0;
    absorbing job = {NULL, anchor};
    rr_status status;

    /* Only the near end of the window is read. */
    plain.window.length = (rr_span){.unit = RR_OPEN};
    plain.window.exclusive_end = 0;
    plain.claim_latest = 0;
    plain.anchor = NULL;
    status = rr_check_rule(parts, &plain, n_index, n_events, error);
    if (status != RR_OK) {
        return status;
    }
    job.ways = calloc((size_t)workers, sizeof *job.ways);
    for (int i = 0; job.ways != NULL && i < workers; i++) {
        job.ways[i].end = rr_allocate(parts->events->largest, sizeof *job.ways[i].end);
        job.ways[i].before = rr_allocate(parts->events->largest, sizeof *job.ways[i].before);
        failed |= job.ways[i].end == NULL || job.ways[i].before == NULL;
    }
    status = job.ways == NULL || failed
                 ? rr_fail(error, RR_ERR_MEMORY, "out of memory")
                 : rr_sweep_parts(parts, &plain, absorb_part, &job, call, error);
    for (int i = 0; job.ways != NULL && i < workers; i++) {
        free(job.ways[i].end);
        free(job.ways[i].before);
    }
    free(job.ways);
    return status;
}
