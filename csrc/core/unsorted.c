#include "unsorted.h"

#include "buckets.h"

#include <stdlib.h>

int rr_unsorted_will_do(const rr_parts *parts, const rr_rule *rule)
{
    int bits = parts->shape.key_bits - parts->shape.part_bits + parts->day_bits;

    /* A few rows of very distant days do not pay for a table of days. */
    return parts->index.rows == NULL && parts->events->rows == NULL &&
           bits + parts->events->row_bits < 64 &&
           (parts->last_day - parts->first_day) / 4 <= parts->index.n + 1024 &&
           parts->events->largest < UINT32_MAX - RR_LOOK_AT && rule->vetoed == NULL &&
           rule->confirmed == NULL && !rule->claim_latest &&
           (rule->near == RR_NEAR_SKIP || rule->window.min_gap.length == 0);
}

static rr_span_days span_of(const rr_asking *asking, int64_t first, int64_t last)
{
    const rr_parts *parts = asking->parts;

    first = first < parts->first_day ? parts->first_day : first;
    last = last > parts->last_day ? parts->last_day : last;
    if (first > last) {
        return RR_NO_DAYS;
    }
    first -= parts->origin;
    last -= parts->origin;
    return (uint64_t)(last - first + 1) << 32 |
           (uint64_t)(asking->backwards ? (int64_t)asking->day_mask - last : first);
}

rr_status rr_asking_open(rr_asking *asking, const rr_parts *parts, const rr_rule *rule,
                         int backwards, rr_error *error)
{
    int64_t days = parts->last_day - parts->first_day + 1;
    rr_status status;

    asking->parts = parts;
    asking->rule = rule;
    asking->backwards = backwards;
    asking->day_mask = (UINT64_C(1) << parts->day_bits) - 1;
    asking->lead = parts->first_day - parts->origin;
    status = rr_bounds_make(&rule->window, parts->first_day, parts->last_day, INT64_MAX,
                            &asking->bounds, error);
    if (status != RR_OK) {
        return status;
    }
    asking->spans = rr_allocate(days, sizeof *asking->spans);
    if (asking->spans == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    for (int64_t i = 0; i < days; i++) {
        int64_t first, last;

        rr_bounds_at(&asking->bounds, parts->first_day + i, &first, &last);
        asking->spans[i] = span_of(asking, first, last);
    }
    return RR_OK;
}

void rr_asking_close(rr_asking *asking)
{
    rr_bounds_free(&asking->bounds);
    free(asking->spans);
}

rr_question rr_question_of(const rr_asking *asking, int64_t row, int64_t day)
{
    const rr_rule *rule = asking->rule;
    int64_t anchor = day + asking->parts->origin, first, last;
    rr_question q = {day, RR_NO_DAYS};

    if (!rr_is_apart(rule, row)) {
        q.days = rr_days_asked(asking, (uint64_t)day);
        return q;
    }
    anchor = rule->anchor != NULL ? rule->anchor[row] : anchor;
    if (anchor == RR_NULL_DAY) {
        return q;
    }
    rr_bounds_at(&asking->bounds, anchor, &first, &last);
    rr_row_bounds(rule, row, &first, &last);
    q.anchor = anchor - asking->parts->origin;
    q.days = span_of(asking, first, last);
    return q;
}

static int64_t waiting_place(const rr_parts *parts, int64_t part, int64_t chunk)
{
    const rr_side *index = &parts->index;

    return (chunk << index->chunk_bits) + index->piece[chunk * (parts->n_parts + 1) + part];
}

void rr_waiting_places(const rr_parts *parts, int64_t part, int64_t piece, int64_t *room)
{
    if (!parts->index.in_order) {
        *room = waiting_place(parts, part, piece);
        return;
    }
    for (int64_t c = 0; c < parts->index.n_chunks; c++) {
        room[c] = waiting_place(parts, part, c);
    }
}
