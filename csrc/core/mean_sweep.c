/* The mean cumulative count straight from a sweep: events are counted and forgotten, row by row, so that
 * memory goes with the cells and not with the pairs, which one child with 100,000 referrals has by the
 * thousand million. It takes two sweeps: the first counts who leaves, and the events, by group and day;
 * from these cells follows what an event adds to the influence of its cluster, which the second adds up.
 *
 * The rows of a cluster lie together, for they have one key. Their items (as in rr_event_items: ends of rows
 * and events, day | cause) are gathered in a buffer and sorted; when there are more than days, they are
 * counted by day instead. Time goes with rows and pairs, some 4 ns a pair and sweep: one child with 100,000
 * rows on as many days takes 0.4 s and 0.12 GB for 12 months (with all pairs held 3.0 s and 1.5 GB), and
 * 30,000 rows without an end 4 s. Where each row is a cluster a pair costs 60 ns more, for it moves the
 * sums of its cluster. Ordinary tables (3 million rows of a million persons) take a quarter more time than with
 * their pairs held. */
#include "curve_clusters.h"
#include "mean_sweep.h"
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CENSORED = 0, TERMINAL = 1, REPEATED = 2, CAUSES = 2, CAUSE_BITS = 2 };

/* Cells at a time: each batch of groups is a sweep. */
enum { SWEEP_CELLS = 1 << 20, FEWEST_ITEMS = 1 << 10 };

/* No group has so many bits. */
static const uint64_t NOBODY = UINT64_MAX;

/* Words, and how many there are of each. */
typedef struct counted {
    uint64_t *words;
    uint64_t *times;
    int64_t n;
    int64_t room;
} counted;

/* What a worker gathers of a cluster, and has counted in all. */
typedef struct gatherer {
    counted items;    /* of the cluster */
    counted scratch;  /* for sorting */
    uint64_t *by_day; /* counted already, by day and cause: 0 between clusters */
    int poured;       /* whether there is any in by_day */
    counted cells;    /* by group, day and cause, of the first sweep */
    uint64_t *who;    /* by row of the part: group | cluster, NOBODY for one that is not counted */
    uint64_t *ends;   /* by row of the part: the item of its end */
    uint64_t *keys;   /* of the rows of a key: group | cluster */
    uint64_t *places; /* and where they lie */
    uint64_t *key_scratch;
} gatherer;

typedef struct sweeping {
    const rr_recurrences *of;
    gatherer *gatherers; /* by worker */
    int day_bits;
    rr_clustering *clustering; /* of the second sweep; NULL in the first */
} sweeping;

/* ---------------------------------------------------------------- counted words */

static int open_counted(counted *c, int64_t room)
{
    *c = (counted){.room = room};
    c->words = rr_allocate(room, sizeof *c->words);
    c->times = rr_allocate(room, sizeof *c->times);
    return c->words != NULL && c->times != NULL;
}

static void close_counted(counted *c)
{
    free(c->words);
    free(c->times);
    *c = (counted){0};
}

/* Puts words in order, each once. `scratch` has as much room. */
static void count_together(counted *c, const counted *scratch, int bits)
{
    int64_t n = 0;

    if (c->n < 2) {
        return;
    }
    rr_sort_words(c->words, c->times, scratch->words, scratch->times, c->n, 0, bits);
    for (int64_t i = 0; i < c->n; i++) {
        if (n > 0 && c->words[n - 1] == c->words[i]) {
            c->times[n - 1] += c->times[i];
        } else {
            c->words[n] = c->words[i];
            c->times[n++] = c->times[i];
        }
    }
    c->n = n;
}

/* Makes room for n more: by counting together, and where that does not make half of it free, by growing. */
static rr_status make_room(counted *c, int64_t n, int bits)
{
    counted scratch, larger;

    if (c->n + n <= c->room) {
        return RR_OK;
    }
    if (!open_counted(&scratch, c->n)) {
        close_counted(&scratch);
        return RR_ERR_MEMORY;
    }
    count_together(c, &scratch, bits);
    close_counted(&scratch);
    if (2 * (c->n + n) <= c->room) {
        return RR_OK;
    }
    if (!open_counted(&larger, 2 * (c->n + n))) {
        close_counted(&larger);
        return RR_ERR_MEMORY;
    }
    memcpy(larger.words, c->words, (size_t)c->n * sizeof *c->words);
    memcpy(larger.times, c->times, (size_t)c->n * sizeof *c->times);
    larger.n = c->n;
    close_counted(c);
    *c = larger;
    return RR_OK;
}

/* ---------------------------------------------------------------- the items of a cluster */

static void pour(gatherer *g)
{
    for (int64_t i = 0; i < g->items.n; i++) {
        g->by_day[g->items.words[i]]++;
    }
    g->items.n = 0;
    g->poured = 1;
}

static inline void add_item(gatherer *g, uint64_t item)
{
    if (g->items.n == g->items.room) {
        pour(g);
    }
    g->items.words[g->items.n++] = item;
}

/* The gathered items in order, each once. */
static void count_items(const sweeping *in, gatherer *g)
{
    int64_t n_items = g->items.n;

    if (!g->poured) {
        for (int64_t i = 0; i < n_items; i++) {
            g->items.times[i] = 1;
        }
        count_together(&g->items, &g->scratch, in->day_bits + CAUSE_BITS);
        return;
    }
    pour(g);
    for (int64_t i = 0; i < ((int64_t)in->of->longest + 1) << CAUSE_BITS; i++) {
        if (g->by_day[i] > 0) {
            g->items.words[g->items.n] = (uint64_t)i;
            g->items.times[g->items.n++] = g->by_day[i];
            g->by_day[i] = 0;
        }
    }
    g->poured = 0;
}

static rr_status fail_late(rr_error *error, int64_t row, int64_t day)
{
    char digits[24];

    rr_fail_row(error, RR_ERR_VALUE, row, "an event comes after the end of its row");
    rr_fail_value(error, digits, snprintf(digits, sizeof digits, "%lld", (long long)day));
    return RR_ERR_VALUE;
}

static rr_status gather_row(rr_sweep *s, int64_t position, gatherer *g, rr_error *error)
{
    const uint64_t end = g->ends[position - s->part_from];
    int64_t left, step, d;
    rr_reach reach;
    uint8_t vetoed;

    add_item(g, end);
    if (!rr_sweep_row(s, position, &reach)) {
        return RR_OK;
    }
    left = rr_days_in_reach(s, &reach, &vetoed);
    step = s->rule->window.direction == RR_FORWARD ? 1 : -1;
    for (d = step > 0 ? reach.from : reach.to - 1; left > 0; d += step) {
        if ((d == reach.own || rr_sweep_in_detail(s)) && !rr_day_counts(s, &reach, d)) {
            continue;
        }
        if ((uint64_t)rr_gap(s, &reach, d) > end >> CAUSE_BITS) {
            return fail_late(error, reach.row, rr_gap(s, &reach, d));
        }
        add_item(g, (uint64_t)rr_gap(s, &reach, d) << CAUSE_BITS | REPEATED);
        left--;
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- what becomes of a cluster */

static rr_status add_to_cells(const sweeping *in, gatherer *g, int64_t group, rr_error *error)
{
    int bits = rr_group_bits(&in->of->grouped) + in->day_bits + CAUSE_BITS;
    counted *cells = &g->cells;

    if (make_room(cells, g->items.n, bits) != RR_OK) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    for (int64_t i = 0; i < g->items.n; i++) {
        cells->words[cells->n] = (uint64_t)group << (in->day_bits + CAUSE_BITS) | g->items.words[i];
        cells->times[cells->n++] = g->items.times[i];
    }
    return RR_OK;
}

/* The day of each word becomes its cell; whether all have one. Days rise, and so do cells. */
static int find_cells(const rr_influences *in, int64_t group, counted *items)
{
    const int32_t *days = in->cells->day + in->first[group];
    int64_t n = in->first[group + 1] - in->first[group], at = 0;

    for (int64_t i = 0; i < items->n; i++) {
        int64_t day = (int64_t)(items->words[i] >> CAUSE_BITS), step = 1, high;

        while (at + step < n && days[at + step] <= day) {
            at += step;
            step *= 2;
        }
        high = at + step < n ? at + step : n;
        while (high - at > 1) {
            int64_t middle = at + (high - at) / 2;

            if (days[middle] <= day) {
                at = middle;
            } else {
                high = middle;
            }
        }
        if (days[at] != day) {
            return 0;
        }
        items->words[i] = (uint64_t)at << CAUSE_BITS | (items->words[i] & 3);
    }
    return 1;
}

static rr_status add_to_sums(const sweeping *in, gatherer *g, int worker, int64_t group,
                             int64_t row, rr_error *error)
{
    const rr_influences *influences = &in->clustering->in;
    const rr_cluster_tables *to = in->clustering->tables + worker;
    const uint64_t *words = g->items.words;

    if (!find_cells(influences, group, &g->items)) {
        return rr_fail_row(error, RR_ERR_ARGUMENT, row, "a row is not in the tally");
    }
    to->clusters[group - influences->group]++;
    if (g->items.n == 1 && g->items.times[0] == 1) {
        int64_t cell = rr_group_cell(influences, group) + rr_word_day(influences, words[0]);

        to->singles[cell * (CAUSES + 1) + rr_word_cause(influences, words[0])]++;
    } else {
        rr_add_cluster(influences, group, words, g->items.times, g->items.n, 1, to->sums);
    }
    return RR_OK;
}

/* The rows of one key, at n places, in order by group and cluster. */
static rr_status add_clusters(rr_sweep *s, const sweeping *in, int worker, int64_t n,
                              rr_error *error)
{
    gatherer *g = &in->gatherers[worker];
    rr_status status = RR_OK;

    for (int64_t i = 0, end; i < n && status == RR_OK; i = end) {
        int64_t group = (int64_t)(g->keys[i] >> 32);
        /* The cells do not ask for clusters. */
        int together = in->clustering == NULL || in->of->cluster != NULL;

        for (end = i + 1; together && end < n && g->keys[end] == g->keys[i]; end++) {
        }
        g->items.n = 0;
        for (int64_t k = i; k < (together ? end : i + 1) && status == RR_OK; k++) {
            status = gather_row(s, (int64_t)g->places[k], g, error);
        }
        if (status != RR_OK) {
            return status;
        }
        count_items(in, g);
        status = in->clustering == NULL
                     ? add_to_cells(in, g, group, error)
                     : add_to_sums(in, g, worker, group,
                                   rr_row_of(&s->parts->index, (int64_t)g->places[i]), error);
    }
    return status;
}

/* Reads the columns by row for the rows of a part, which lie far apart: a loop that does nothing else waits
 * for many of them at a time. */
static rr_status fetch_rows(const rr_sweep *s, const sweeping *in, gatherer *g, rr_error *error)
{
    const rr_recurrences *of = in->of;
    const uint32_t *cluster = in->clustering == NULL ? NULL : of->cluster;
    int64_t first_group = in->clustering == NULL ? 0 : in->clustering->in.group;
    int64_t end_group = in->clustering == NULL ? of->grouped.n_groups : in->clustering->in.end;

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
        if (group >= first_group && group < end_group) {
            g->who[k] = (uint64_t)group << 32 | (cluster == NULL ? 0 : cluster[row]);
        }
        g->ends[k] = (uint64_t)duration << CAUSE_BITS | (of->terminal[row] ? TERMINAL : CENSORED);
    }
    return RR_OK;
}

static rr_status sweep_part(rr_sweep *s, void *job, int worker, rr_error *error)
{
    const sweeping *in = job;
    const rr_side *index = &s->parts->index;
    gatherer *g = &in->gatherers[worker];
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
        status = add_clusters(s, in, worker, n, error);
    }
    return status;
}

/* ---------------------------------------------------------------- both sweeps */

static void close_gatherers(sweeping *in, int workers)
{
    for (int w = 0; in->gatherers != NULL && w < workers; w++) {
        gatherer *g = &in->gatherers[w];

        close_counted(&g->items);
        close_counted(&g->scratch);
        close_counted(&g->cells);
        free(g->by_day);
        free(g->who);
        free(g->ends);
        free(g->keys);
        free(g->places);
        free(g->key_scratch);
    }
    free(in->gatherers);
}

static rr_status open_gatherers(sweeping *in, int workers, rr_error *error)
{
    int64_t most = in->of->parts->index.largest;
    int64_t room = ((int64_t)in->of->longest + 1) << CAUSE_BITS;
    int failed;

    in->day_bits = rr_bits((uint64_t)in->of->longest);
    in->gatherers = calloc((size_t)workers, sizeof *in->gatherers);
    failed = in->gatherers == NULL;
    for (int w = 0; !failed && w < workers; w++) {
        gatherer *g = &in->gatherers[w];
        int64_t items = room < FEWEST_ITEMS ? FEWEST_ITEMS : room;

        failed |= !open_counted(&g->items, items) || !open_counted(&g->scratch, items);
        g->by_day = calloc((size_t)room, sizeof *g->by_day);
        g->who = rr_allocate(most, sizeof *g->who);
        g->ends = rr_allocate(most, sizeof *g->ends);
        g->keys = rr_allocate(most, sizeof *g->keys);
        g->places = rr_allocate(most, sizeof *g->places);
        g->key_scratch = rr_allocate(most, 2 * sizeof *g->key_scratch);
        failed |= g->by_day == NULL || g->who == NULL || g->ends == NULL || g->keys == NULL ||
                  g->places == NULL || g->key_scratch == NULL;
    }
    return failed ? rr_fail(error, RR_ERR_MEMORY, "out of memory") : RR_OK;
}

/* The cells of all groups, from counted words in order. */
static rr_status write_cells(const sweeping *in, const counted *all, int64_t room,
                             const rr_cells *cells, int64_t *n_cells, rr_error *error)
{
    uint64_t day_mask = (UINT64_C(1) << in->day_bits) - 1;
    int64_t at = -1, i = 0;

    for (int64_t g = 0; g < in->of->grouped.n_groups; g++) {
        int64_t day = -1;

        do {
            uint64_t word = i < all->n ? all->words[i] : UINT64_MAX;
            int of_group = i < all->n && (int64_t)(word >> (in->day_bits + CAUSE_BITS)) == g;
            int64_t now = of_group && day >= 0 ? (int64_t)(word >> CAUSE_BITS & day_mask) : 0;
            int cause = (int)(word & 3);

            if (now != day) {
                if (++at == room) {
                    return rr_fail(error, RR_ERR_ARGUMENT, "there are more cells than room");
                }
                cells->group[at] = (int32_t)g;
                cells->day[at] = (int32_t)(day = now);
                cells->censored[at] = cells->events[2 * at] = cells->events[2 * at + 1] = 0;
                continue;
            }
            *(cause == CENSORED ? &cells->censored[at]
                                : &cells->events[2 * at + cause - 1]) = (int64_t)all->times[i++];
        } while (i < all->n && (int64_t)(all->words[i] >> (in->day_bits + CAUSE_BITS)) == g);
    }
    *n_cells = at + 1;
    return RR_OK;
}

static rr_status check(const rr_recurrences *of, rr_error *error)
{
    rr_status status = rr_check_grouped(&of->grouped, error);

    if (status == RR_OK) {
        status = rr_check_rule(of->parts, of->rule, of->grouped.n, of->n_events, error);
    }
    if (status != RR_OK) {
        return status;
    }
    if (of->longest < 0) {
        return rr_fail(error, RR_ERR_ARGUMENT, "the longest duration is negative");
    }
    return rr_group_bits(&of->grouped) + rr_bits((uint64_t)of->longest) + CAUSE_BITS > 64
               ? rr_fail(error, RR_ERR_TOO_LARGE, "more groups and days than can be counted")
               : RR_OK;
}

rr_status rr_mean_cells(const rr_recurrences *of, int64_t room, const rr_cells *cells,
                        int64_t *n_cells, const rr_call *call, rr_error *error)
{
    sweeping in = {.of = of};
    int workers = rr_workers(call, of->parts->n_parts), bits;
    rr_status status = check(of, error);
    counted *all, scratch = {0};

    *n_cells = 0;
    if (status != RR_OK) {
        return status;
    }
    status = open_gatherers(&in, workers, error);
    if (status == RR_OK) {
        status = rr_sweep_parts(of->parts, of->rule, sweep_part, &in, call, error);
    }
    if (status != RR_OK) {
        goto out;
    }
    all = &in.gatherers[0].cells;
    bits = rr_group_bits(&of->grouped) + in.day_bits + CAUSE_BITS;
    for (int w = 1; w < workers; w++) {
        const counted *more = &in.gatherers[w].cells;

        if (more->n == 0) {
            continue;
        }
        if (make_room(all, more->n, bits) != RR_OK) {
            status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
            goto out;
        }
        memcpy(all->words + all->n, more->words, (size_t)more->n * sizeof *all->words);
        memcpy(all->times + all->n, more->times, (size_t)more->n * sizeof *all->times);
        all->n += more->n;
    }
    if (!open_counted(&scratch, all->n)) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    count_together(all, &scratch, bits);
    status = write_cells(&in, all, room, cells, n_cells, error);
out:
    close_counted(&scratch);
    close_gatherers(&in, workers);
    return status;
}

static rr_status add_sweep(rr_clustering *of, const rr_call *call, rr_error *error)
{
    sweeping *in = of->source;

    return rr_sweep_parts(in->of->parts, in->of->rule, sweep_part, in, call, error);
}

rr_status rr_mean_clusters(const rr_recurrences *of, const rr_cells *cells, int64_t n_cells,
                           int64_t *clusters, double *std_error, const rr_call *call,
                           rr_error *error)
{
    const rr_leavers rows = {.grouped = of->grouped};
    sweeping in = {.of = of};
    rr_clustering clustering = {.rows = &rows,
                                .n_cells = n_cells,
                                .cells_at_once = SWEEP_CELLS,
                                .add = add_sweep,
                                .source = &in,
                                .clusters = clusters,
                                .std_error = std_error};
    int workers = rr_workers(call, of->parts->n_parts);
    rr_status status = check(of, error);

    if (status != RR_OK) {
        return status;
    }
    in.clustering = &clustering;
    status = rr_clustering_open(&clustering, CAUSES, 1, cells, error);
    if (status == RR_OK) {
        status = open_gatherers(&in, workers, error);
    }
    if (status == RR_OK) {
        status = rr_make_tables(&clustering, workers, error);
    }
    if (status == RR_OK) {
        status = rr_add_batches(&clustering, call, error);
    }
    rr_clustering_close(&clustering);
    close_gatherers(&in, workers);
    return status;
}
