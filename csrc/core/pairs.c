#include "unsorted.h"
#include "pairs_unsorted.h"
#include "sweep.h"
#include "threads.h"

#include <stdlib.h>

rr_status rr_refuse_offsets(rr_error *error, int64_t row)
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
                out->event_row[out->at + n] = rr_row_of(s->parts->events, event);
                out->gap_days[out->at + n] = rr_gap(s, reach, d);
            }
            n++;
        }
    }
    return n;
}

typedef struct pairing {
    int64_t *counts;        /* by index row; or NULL: */
    const int64_t *offsets; /* where the pairs of each row go */
    int64_t *event_row;
    int32_t *gap_days;
    int64_t *totals; /* by worker: how many pairs it has met */
} pairing;

static rr_status pair_part(rr_sweep *s, void *job, int worker, rr_error *error)
{
    const pairing *p = job;
    int64_t total = 0;

    for (int64_t i = s->part_from; i < s->part_to; i++) {
        rr_reach reach;
        uint8_t vetoed;
        int64_t n;

        if (!rr_sweep_row(s, i, &reach) || rr_days_in_reach(s, &reach, &vetoed) == 0) {
            continue;
        }
        n = pairs_of_row(s, &reach, NULL);
        total += n;
        if (p->counts != NULL) {
            p->counts[reach.row] = n;
        } else if (n != p->offsets[reach.row + 1] - p->offsets[reach.row]) {
            return rr_refuse_offsets(error, reach.row);
        } else {
            const pair_columns out = {p->event_row, p->gap_days, p->offsets[reach.row]};

            pairs_of_row(s, &reach, &out);
        }
    }
    p->totals[worker] += total;
    return RR_OK;
}

/* *total is how many pairs there are. The rule has been checked. */
static rr_status sweep_pairs(const rr_parts *parts, const rr_rule *rule, pairing *job,
                             int64_t *total, const rr_call *call, rr_error *error)
{
    int workers = rr_workers(call, parts->n_parts);
    rr_status status;

    *total = 0;
    job->totals = calloc((size_t)workers, sizeof *job->totals);
    if (job->totals == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    status = rr_sweep_parts(parts, rule, pair_part, job, call, error);
    for (int i = 0; i < workers; i++) {
        *total += job->totals[i];
    }
    free(job->totals);
    return status;
}

rr_status rr_pairs_count(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                         int64_t n_events, int64_t *offsets, const rr_call *call, rr_error *error)
{
    pairing job = {.counts = offsets};
    int64_t sum = 0, total;
    rr_status status = rr_check_rule(parts, rule, n_index, n_events, error);

    if (status != RR_OK) {
        return status;
    }
    if (rr_unsorted_will_do(parts, rule)) {
        return rr_pairs_unsorted_count(parts, rule, offsets, call, error);
    }
    for (int64_t i = 0; i <= n_index; i++) {
        offsets[i] = 0;
    }
    status = sweep_pairs(parts, rule, &job, &total, call, error);
    for (int64_t i = 0; i <= n_index && status == RR_OK; i++) {
        int64_t n = offsets[i];

        offsets[i] = sum;
        sum += n;
    }
    return status;
}

/* ---------------------------------------------------------------- offsets that are given */

enum { CHUNK_BITS = 16 };

typedef struct given {
    const int64_t *offsets;
    int64_t n;
    int64_t *index_row;
} given;

static int64_t n_chunks(int64_t n)
{
    return (n + (INT64_C(1) << CHUNK_BITS) - 1) >> CHUNK_BITS;
}

static int64_t chunk_end(const given *g, int64_t chunk)
{
    const int64_t end = (chunk + 1) << CHUNK_BITS;

    return end < g->n ? end : g->n;
}

static rr_status check_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const given *g = job;
    int64_t i = chunk << CHUNK_BITS;
    const int64_t end = chunk_end(g, chunk);

    (void)worker;
    while (i < end && g->offsets[i] <= g->offsets[i + 1]) {
        i++;
    }
    return i < end ? rr_refuse_offsets(error, i) : RR_OK;
}

/* Offsets that rise from 0 stay inside the columns, whoever made them. */
static rr_status check_offsets(given *g, const rr_call *call, rr_error *error)
{
    return g->offsets[0] != 0 ? rr_refuse_offsets(error, 0)
                              : rr_run(check_chunk, g, n_chunks(g->n), call, error);
}

rr_status rr_pairs_fill(const rr_parts *parts, const rr_rule *rule, int64_t n_index,
                        int64_t n_events, const int64_t *offsets, int64_t *event_row,
                        int32_t *gap_days, const rr_call *call, rr_error *error)
{
    pairing job = {.offsets = offsets, .event_row = event_row, .gap_days = gap_days};
    given own = {.offsets = offsets, .n = n_index};
    int64_t total;
    rr_status status;

    if (event_row == NULL || gap_days == NULL) {
        return rr_fail(error, RR_ERR_ARGUMENT, "pairs need both columns");
    }
    status = rr_check_rule(parts, rule, n_index, n_events, error);
    if (status == RR_OK) {
        status = check_offsets(&own, call, error);
    }
    if (status != RR_OK) {
        return status;
    }
    if (rr_unsorted_will_do(parts, rule)) {
        return rr_pairs_unsorted_fill(parts, rule, offsets, event_row, gap_days, call, error);
    }
    status = sweep_pairs(parts, rule, &job, &total, call, error);
    if (status == RR_OK && total != offsets[n_index]) {
        /* A row without pairs was given room, which nobody has written to. */
        return rr_refuse_offsets(error, -1);
    }
    return status;
}

/* Rows after the last pair have none, so the row at hand always has a place, and rows with one pair or
 * none, which are most, take the same way. */
static rr_status write_rows(void *job, int64_t chunk, int worker, rr_error *error)
{
    const given *g = job;
    const int64_t *offsets = g->offsets, last = offsets[chunk_end(g, chunk)];
    int64_t i = chunk << CHUNK_BITS, at = offsets[i];

    (void)worker;
    (void)error;
    for (; at < last; i++) {
        g->index_row[at] = i;
        for (at++; at < offsets[i + 1]; at++) {
            g->index_row[at] = i;
        }
        at = offsets[i + 1];
    }
    return RR_OK;
}

rr_status rr_pairs_rows(const int64_t *offsets, int64_t n_index, int64_t *index_row,
                        const rr_call *call, rr_error *error)
{
    given own = {.offsets = offsets, .n = n_index, .index_row = index_row};
    rr_status status = check_offsets(&own, call, error);

    return status == RR_OK ? rr_run(write_rows, &own, n_chunks(n_index), call, error) : status;
}
