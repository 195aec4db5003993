/* The rows of a cluster lie together, for they have one key. Their items are gathered in a buffer and
 * sorted; when there are more than days, they are counted by day instead. So memory goes with rows and
 * days and not with pairs, which one child with 100,000 referrals has by the thousand million. Time goes
 * with rows and pairs, some 4 ns a pair; where a key's many days lie close, they are counted 64 at a time
 * (gap_counter.c). */
#include "cluster_items.h"
#include "gap_counter.h"
#include "sweep.h"
#include "tally_internal.h"
#include "threads.h"

#include <stdlib.h>

enum { FEWEST_ITEMS = 1 << 10 };

/* No group has so many bits. */
static const uint64_t NOBODY = UINT64_MAX;

/* What a worker gathers of a cluster, and has read of a part. */
typedef struct rr_gatherer {
    rr_counted items;    /* of the cluster */
    rr_counted scratch;  /* for sorting */
    uint64_t *by_day;    /* counted already, by item: 0 between clusters */
    rr_gap_counter gaps; /* of the key, where it has many days */
    int mapped;          /* whether `gaps` has the days of the key */
    int64_t n_rows;      /* of the cluster */
    int poured;          /* whether there is any in by_day */
    uint64_t *who;    /* by row of the part: group | cluster, NOBODY for one that is not counted */
    uint64_t *ends;   /* by row of the part: the item of its end */
    uint64_t *keys;   /* of the rows of a key: group | cluster */
    uint64_t *places; /* and where they lie */
    uint64_t *key_scratch;
} rr_gatherer;

/* ---------------------------------------------------------------- the items of a cluster */

static const rr_reach ANYONE = {.self = -1, .own = -1, .confirm_by = INT32_MAX - 1};

static inline uint64_t item_of(int32_t gap)
{
    return (uint64_t)gap << RR_ITEM_CAUSE_BITS | RR_REPEATED;
}

static void pour(rr_gatherer *g)
{
    for (int64_t i = 0; i < g->items.n; i++) {
        g->by_day[g->items.words[i]]++;
    }
    g->items.n = 0;
    g->poured = 1;
}

static inline void add_item(rr_gatherer *g, uint64_t item)
{
    if (g->items.n == g->items.room) {
        pour(g);
    }
    g->items.words[g->items.n++] = item;
}

/* The gathered items in order, each once. */
static void count_items(const rr_item_sweep *in, rr_gatherer *g)
{
    int64_t n_items = g->items.n;

    if (!g->poured) {
        for (int64_t i = 0; i < n_items; i++) {
            g->items.times[i] = 1;
        }
        rr_count_together(&g->items, &g->scratch, in->day_bits + RR_ITEM_CAUSE_BITS);
        return;
    }
    pour(g);
    rr_gap_counter_pour(&g->gaps);
    for (int64_t i = 0; i < ((int64_t)in->of->longest + 1) << RR_ITEM_CAUSE_BITS; i++) {
        if (g->by_day[i] > 0) {
            g->items.words[g->items.n] = (uint64_t)i;
            g->items.times[g->items.n++] = g->by_day[i];
            g->by_day[i] = 0;
        }
    }
    g->poured = 0;
}

/* Maps the key's days that count for a row that is none of their events. */
static rr_status map_days(const rr_sweep *s, const rr_reach *reach, rr_gatherer *g)
{
    const uint64_t *key_day = s->days.key_day;
    int64_t from = reach->from, to = reach->to;

    while (from > 0 && (key_day[from - 1] & ~s->day_mask) == reach->key) {
        from--;
    }
    while (to < s->days.n && (key_day[to] & ~s->day_mask) == reach->key) {
        to++;
    }
    if (rr_gap_counter_begin(&g->gaps, rr_day_at(s, from), rr_day_at(s, to - 1),
                             s->rule->window.direction == RR_FORWARD) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    for (int64_t d = from; d < to; d++) {
        if (rr_day_counts(s, &ANYONE, d)) {
            rr_gap_counter_day(&g->gaps, rr_day_at(s, d));
        }
    }
    g->mapped = 1;
    return RR_OK;
}

/* Whether a row's many events were counted together. It pays where their days lie close, and the events of
 * the cluster would be counted by day anyway; what must be confirmed in time for a row has days of its own,
 * and one that comes too late is left to who names it. */
static int count_together(const rr_sweep *s, const rr_reach *reach, rr_gatherer *g, uint64_t end)
{
    int forward = s->rule->window.direction == RR_FORWARD;
    int64_t nearest = rr_gap(s, reach, forward ? reach->from : reach->to - 1);
    int64_t farthest = rr_gap(s, reach, forward ? reach->to - 1 : reach->from);
    int64_t n = reach->to - reach->from;

    if (n < 64 + (farthest - nearest) / 16 || n < g->items.room / g->n_rows ||
        s->rule->confirmed != NULL || (uint64_t)farthest > end >> RR_ITEM_CAUSE_BITS) {
        return 0;
    }
    if (!g->mapped && map_days(s, reach, g) != RR_OK) {
        return 0;
    }
    rr_gap_counter_row(&g->gaps, reach->anchor, nearest, farthest);
    if (reach->own >= 0 && !rr_day_counts(s, reach, reach->own) &&
        rr_day_counts(s, &ANYONE, reach->own)) {
        g->by_day[item_of(rr_gap(s, reach, reach->own))]--;
    }
    g->poured = 1;
    return 1;
}

static rr_status gather_row(rr_sweep *s, int64_t position, rr_gatherer *g, rr_error *error)
{
    const uint64_t end = g->ends[position - s->part_from];
    int64_t left, step;
    rr_reach reach;
    uint8_t vetoed;

    add_item(g, end);
    if (!rr_sweep_row(s, position, &reach)) {
        return RR_OK;
    }
    left = rr_days_in_reach(s, &reach, &vetoed);
    if (left > 0 && rr_many_days(s) && count_together(s, &reach, g, end)) {
        return RR_OK;
    }
    step = s->rule->window.direction == RR_FORWARD ? 1 : -1;
    for (int64_t d = step > 0 ? reach.from : reach.to - 1; left > 0; d += step) {
        int32_t gap;

        if ((d == reach.own || rr_sweep_in_detail(s)) && !rr_day_counts(s, &reach, d)) {
            continue;
        }
        gap = rr_gap(s, &reach, d);
        if ((uint64_t)gap > end >> RR_ITEM_CAUSE_BITS) {
            return rr_fail_event_day(error, reach.row, gap);
        }
        add_item(g, item_of(gap));
        left--;
    }
    return RR_OK;
}

/* The rows of one key, at n places, in order by group and cluster. */
static rr_status take_clusters(rr_sweep *s, const rr_item_sweep *in, int worker, int64_t n,
                               rr_error *error)
{
    rr_gatherer *g = &in->gatherers[worker];
    rr_status status = RR_OK;

    g->mapped = 0;
    for (int64_t i = 0, end; i < n && status == RR_OK; i = end) {
        int64_t row = rr_row_of(&s->parts->index, (int64_t)g->places[i]);

        for (end = i + 1; !in->row_by_row && end < n && g->keys[end] == g->keys[i]; end++) {
        }
        g->items.n = 0;
        g->n_rows = end - i;
        for (int64_t k = i; k < end; k++) {
            status = gather_row(s, (int64_t)g->places[k], g, error);
            if (status != RR_OK) {
                return status;
            }
        }
        count_items(in, g);
        status = in->take(in->job, worker, (int64_t)(g->keys[i] >> 32), row, &g->items, error);
    }
    return status;
}

/* ---------------------------------------------------------------- the rows of a part */

/* Reads the columns by row for the rows of a part, which lie far apart: a loop that does nothing else waits
 * for many of them at a time. */
static rr_status fetch_rows(const rr_sweep *s, const rr_item_sweep *in, rr_gatherer *g,
                            rr_error *error)
{
    const rr_recurrences *of = in->of;

    for (int64_t i = s->part_from; i < s->part_to; i++) {
        int64_t row = rr_row_of(&s->parts->index, i), group = rr_group_of(&of->grouped, row);
        int64_t k = i - s->part_from;
        int32_t duration;

        g->who[k] = NOBODY;
        if (group == RR_NOT_COUNTED) {
            continue;
        }
        if (group >= of->grouped.n_groups) {
            return rr_fail_group(error, row);
        }
        duration = of->duration[row];
        if (duration < 0 || duration > of->longest) {
            return rr_fail_duration(error, row, duration);
        }
        if (group >= in->group && group < in->end) {
            g->who[k] = (uint64_t)group << 32 | (in->cluster == NULL ? 0 : in->cluster[row]);
        }
        g->ends[k] = (uint64_t)duration << RR_ITEM_CAUSE_BITS |
                     (of->terminal[row] ? RR_TERMINAL : RR_CENSORED);
    }
    return RR_OK;
}

static rr_status sweep_part(rr_sweep *s, void *job, int worker, rr_error *error)
{
    const rr_item_sweep *in = job;
    const rr_side *index = &s->parts->index;
    rr_gatherer *g = &in->gatherers[worker];
    int bits = 32 + rr_group_bits(&in->of->grouped);
    rr_status status = fetch_rows(s, in, g, error);

    for (int64_t i = s->part_from, n; i < s->part_to && status == RR_OK;) {
        uint64_t key = rr_key_day(index, i) >> s->parts->day_bits, mixed = 0;

        for (n = 0; i < s->part_to && rr_key_day(index, i) >> s->parts->day_bits == key; i++) {
            uint64_t who = g->who[i - s->part_from];

            if (who != NOBODY) {
                g->keys[n] = who;
                g->places[n] = (uint64_t)i;
                mixed |= who ^ g->keys[0];
                n++;
            }
        }
        if (mixed != 0) {
            rr_sort_words(g->keys, g->places, g->key_scratch, g->key_scratch + index->largest, n, 0,
                          bits);
        }
        status = take_clusters(s, in, worker, n, error);
    }
    return status;
}

rr_status rr_items_sweep(rr_item_sweep *items, const rr_call *call, rr_error *error)
{
    return rr_sweep_parts(items->of->parts, items->of->rule, sweep_part, items, call, error);
}

/* ---------------------------------------------------------------- memory */

static rr_status open_gatherer(rr_gatherer *g, int64_t n_items, int64_t most_rows)
{
    int64_t room = n_items < FEWEST_ITEMS ? FEWEST_ITEMS : n_items;

    if (rr_counted_open(&g->items, room) != RR_OK || rr_counted_open(&g->scratch, room) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    g->by_day = calloc((size_t)n_items, sizeof *g->by_day);
    if (g->by_day == NULL ||
        rr_gap_counter_open(&g->gaps, n_items >> RR_ITEM_CAUSE_BITS, g->by_day + RR_REPEATED,
                            1 << RR_ITEM_CAUSE_BITS) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    g->who = rr_allocate(most_rows, sizeof *g->who);
    g->ends = rr_allocate(most_rows, sizeof *g->ends);
    g->keys = rr_allocate(most_rows, sizeof *g->keys);
    g->places = rr_allocate(most_rows, sizeof *g->places);
    g->key_scratch = rr_allocate(most_rows, 2 * sizeof *g->key_scratch);
    return g->who == NULL || g->ends == NULL || g->keys == NULL || g->places == NULL ||
                   g->key_scratch == NULL
               ? RR_ERR_MEMORY
               : RR_OK;
}

static void close_gatherer(rr_gatherer *g)
{
    rr_counted_close(&g->items);
    rr_counted_close(&g->scratch);
    rr_gap_counter_close(&g->gaps);
    free(g->by_day);
    free(g->who);
    free(g->ends);
    free(g->keys);
    free(g->places);
    free(g->key_scratch);
}

rr_status rr_items_open(rr_item_sweep *items, int workers, rr_error *error)
{
    int64_t n_items = ((int64_t)items->of->longest + 1) << RR_ITEM_CAUSE_BITS;
    int64_t most_rows = items->of->parts->index.largest;
    rr_status status;

    items->day_bits = rr_bits((uint64_t)items->of->longest);
    items->workers = workers;
    items->gatherers = calloc((size_t)workers, sizeof *items->gatherers);
    status = items->gatherers == NULL ? RR_ERR_MEMORY : RR_OK;
    for (int w = 0; w < workers && status == RR_OK; w++) {
        status = open_gatherer(&items->gatherers[w], n_items, most_rows);
    }
    return status == RR_OK ? RR_OK : rr_fail(error, status, "out of memory");
}

void rr_items_close(rr_item_sweep *items)
{
    for (int w = 0; items->gatherers != NULL && w < items->workers; w++) {
        close_gatherer(&items->gatherers[w]);
    }
    free(items->gatherers);
}
