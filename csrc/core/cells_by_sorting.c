/* Rows that leave, put in order by group, day and way to leave: where most counters would stay 0. */
#include "day_cells.h"

#include <stdlib.h>
#include <string.h>

/* Every group has a cell for day 0, and every later day on which a row leaves has one. The cells of a
 * part begin where the cells of the days before, and of day 0 of the groups before, end. */
typedef struct ordered {
    const rr_day_rows *in;
    int cause_bits;
    int day_bits;
    rr_packed dealt;
    uint64_t *scratch;    /* by worker: room for a part */
    int64_t *later;       /* by part: cells of later days than 0; then, in the parts before */
    int64_t *first_group; /* by part: the first of which no part before has a row */
} ordered;

/* group | day | cause. */
static rr_status pack_leavers(const void *job, int64_t start, int64_t end, uint64_t *words,
                              int64_t *n, rr_error *error)
{
    const ordered *by = job;
    const rr_day_rows *in = by->in;
    int64_t counted = 0;

    for (int64_t i = start; i < end; i++) {
        int64_t g = rr_group_of(in->rows, i);

        if (g == RR_NOT_COUNTED) {
            continue;
        }
        if (rr_is_wrong_day_row(in, i)) {
            return rr_fail_day_row(in, i, error);
        }
        words[counted++] = ((uint64_t)g << by->day_bits | (uint64_t)in->duration[i])
                               << by->cause_bits |
                           (uint64_t)in->cause[i];
    }
    *n = counted;
    return RR_OK;
}

static rr_status sort_part(void *job, int64_t part, int worker, rr_error *error)
{
    const ordered *by = job;
    uint64_t day_mask = (UINT64_C(1) << by->day_bits) - 1, *words;
    int64_t n = rr_sort_part(&by->dealt, part, by->scratch + worker * by->dealt.largest, &words);
    int64_t later = 0;

    (void)error;
    for (int64_t i = 0; i < n; i++) {
        uint64_t key = words[i] >> by->cause_bits;

        later += (key & day_mask) != 0 && (i == 0 || words[i - 1] >> by->cause_bits != key);
    }
    by->later[part] = later;
    by->first_group[part] = n == 0 ? 0
                                   : (int64_t)(words[n - 1] >> by->cause_bits >> by->day_bits) + 1;
    return RR_OK;
}

/* Day 0 of the groups from `group` up to `end`, of which no row leaves on it. */
static int64_t put_empty(const rr_day_rows *in, int64_t at, int64_t group, int64_t end)
{
    static const int64_t nobody[RR_CAUSES_MAX + 1];

    for (; group < end; group++) {
        rr_put_cell(in->cells, at++, group, 0, nobody, in->n_causes + 1);
    }
    return at;
}

static rr_status put_part(void *job, int64_t part, int worker, rr_error *error)
{
    const ordered *by = job;
    const rr_day_rows *in = by->in;
    const uint64_t *words = by->dealt.words + by->dealt.start[part];
    uint64_t cause_mask = (UINT64_C(1) << by->cause_bits) - 1;
    uint64_t day_mask = (UINT64_C(1) << by->day_bits) - 1;
    int64_t n = by->dealt.start[part + 1] - by->dealt.start[part];
    int64_t next = by->first_group[part], at = next + by->later[part];
    int ways = in->n_causes + 1;

    (void)worker;
    (void)error;
    for (int64_t i = 0; i < n;) {
        uint64_t key = words[i] >> by->cause_bits;
        int64_t day = (int64_t)(key & day_mask), g = (int64_t)(key >> by->day_bits);
        int64_t left[RR_CAUSES_MAX + 1];

        at = put_empty(in, at, next, g + (day > 0));
        next = g + 1;
        memset(left, 0, (size_t)ways * sizeof *left);
        for (; i < n && words[i] >> by->cause_bits == key; i++) {
            left[words[i] & cause_mask]++;
        }
        rr_put_cell(in->cells, at++, g, day, left, ways);
    }
    return RR_OK;
}

rr_status rr_cells_by_sorting(const rr_day_rows *in, int64_t *n_cells, const rr_call *call,
                              rr_error *error)
{
    ordered by = {.in = in,
                  .cause_bits = rr_bits((uint64_t)in->n_causes),
                  .day_bits = rr_bits((uint64_t)in->longest)};
    rr_packing packing = {pack_leavers, &by, in->rows->n, 0, by.cause_bits};
    int64_t later = 0, next = 0;
    rr_call limited;
    rr_status status;

    packing.bits = rr_group_bits(in->rows) + by.day_bits + by.cause_bits;
    if (packing.bits > 64) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "more groups, days and causes than can be counted");
    }
    status = rr_pack(&packing, &by.dealt, call, error);
    if (status != RR_OK) {
        goto out;
    }
    limited = rr_sorters(&by.dealt, call);
    by.scratch = rr_allocate(rr_workers(&limited, by.dealt.n_parts) * by.dealt.largest,
                             sizeof *by.scratch);
    by.later = rr_allocate(by.dealt.n_parts, sizeof *by.later);
    by.first_group = rr_allocate(by.dealt.n_parts, sizeof *by.first_group);
    if (by.scratch == NULL || by.later == NULL || by.first_group == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    status = rr_run(sort_part, &by, by.dealt.n_parts, &limited, error);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t p = 0; p < by.dealt.n_parts; p++) {
        int64_t mine = by.later[p], end = by.first_group[p];

        by.later[p] = later;
        by.first_group[p] = next;
        later += mine;
        next = end > next ? end : next;
    }
    status = rr_run(put_part, &by, by.dealt.n_parts, call, error);
    *n_cells = put_empty(in, next + later, next, in->rows->n_groups);
out:
    free(by.scratch);
    free(by.later);
    free(by.first_group);
    rr_packed_free(&by.dealt);
    return status;
}
