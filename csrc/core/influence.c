#include "tally_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The influence of a row on an estimate is the derivative of the estimate by the weight of the row.
 *
 * A row that is still at risk after a day has the same influence as every other such row, `stay`.
 * Once it has left, its influence goes on only through the survival: the part `slope` of it, which
 * moves in proportion to what the estimate still has to rise. So with `later` for that rest, a row
 * that has left has the influence level - slope * later, with a level and a slope of its own; and a
 * cluster of which m rows are at risk
 *
 *     m * stay + level - slope * later,
 *
 * summed over its rows. Squared and summed over clusters that makes six sums of products of m, level
 * and slope, and these change only on days on which a row of the cluster leaves: the work goes with
 * the rows, not with clusters times days.
 *
 * `later` counts back from the end: from the front, level and slope * risk would be large and nearly
 * the same where the survival is small. Everything is times the rows at the start of the group, so
 * that it is about 1. */

/* The sums, by cell. Those of the level and with it are by target also. */
enum { MM, MB, BB, BY_TARGET, MA = BY_TARGET, AA, AB, SUMS };

/* A sum in two whole numbers: whatever the order of the addends, it comes out the same to the last
 * bit. Unsigned, because on the way it may pass the end of the range and come back. */
typedef struct sum {
    uint64_t high;
    uint64_t low;
} sum;

/* By group: how addends become whole numbers. */
typedef struct scale {
    double high;   /* times this: a unit of `high` */
    double low;    /* a unit of `high` in units of `low` */
    double n;      /* rows at the start */
    int64_t first; /* cell */
} scale;

typedef struct influences {
    const rr_cells *cells;
    int64_t n_cells;
    int64_t n_groups;
    int n_causes;
    int repeats; /* cause 2 is an event that does not end a row, and the one target */
    int n_targets;
    scale *scales; /* by group, and one more for the end */
    double *jump;  /* by cell: what one event adds to a target */
    double *slope; /* by cell, then 0: left censored, 1: by a cause */
    double *stay;  /* by cell, then target */
    double *later; /* by cell, then target */
    sum *sums;     /* by cell, then MM, MB, BB, and MA, AA, AB of each target */
} influences;

static int leaves(const influences *in, int cause)
{
    return !in->repeats || cause < 2;
}

/* The cause of a target. */
static int cause_of(const influences *in, int target)
{
    return in->repeats ? 2 : target + 1;
}

static int64_t events_of(const influences *in, int64_t cell, int cause)
{
    return in->cells->events[cell * in->n_causes + cause - 1];
}

static void free_influences(influences *in)
{
    free(in->scales);
    free(in->jump);
    free(in->slope);
    free(in->stay);
    free(in->later);
    free(in->sums);
}

static rr_status make_influences(influences *in, rr_error *error)
{
    int64_t n = in->n_cells;
    int n_sums = BY_TARGET + (SUMS - BY_TARGET) * in->n_targets;

    if (n > INT64_MAX / n_sums) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "more days and causes than can be counted");
    }
    in->scales = rr_allocate(in->n_groups + 1, sizeof *in->scales);
    in->jump = rr_allocate(n, sizeof *in->jump);
    in->slope = rr_allocate(n, 2 * sizeof *in->slope);
    in->stay = rr_allocate(n * in->n_targets, sizeof *in->stay);
    in->later = rr_allocate(n * in->n_targets, sizeof *in->later);
    in->sums = rr_allocate(n * n_sums, sizeof *in->sums);
    if (in->scales == NULL || in->jump == NULL || in->slope == NULL || in->stay == NULL ||
        in->later == NULL || in->sums == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    memset(in->sums, 0, (size_t)(n * n_sums) * sizeof *in->sums);
    return RR_OK;
}

/* Cells that do not come from a tally of these rows would be read out of range. */
static rr_status find_groups(influences *in, rr_error *error)
{
    const rr_cells *cells = in->cells;
    int64_t at = 0;

    for (int64_t g = 0; g <= in->n_groups; g++) {
        in->scales[g].first = at;
        if (g < in->n_groups && (at == in->n_cells || cells->group[at] != g)) {
            return rr_fail(error, RR_ERR_ARGUMENT, "a group has no cell");
        }
        for (; at < in->n_cells && cells->group[at] == g; at++) {
            if (at > in->scales[g].first && cells->day[at] <= cells->day[at - 1]) {
                return rr_fail_row(error, RR_ERR_ARGUMENT, at, "the days of a group must rise");
            }
        }
    }
    return at == in->n_cells
               ? RR_OK
               : rr_fail_row(error, RR_ERR_ARGUMENT, at, "the groups of the cells must rise");
}

/* The influences of a group. With n at risk, h of them leaving and d events, survival S before the
 * day: an estimate rises by S d / n, and S falls by S h / n. */
static void influences_of_group(influences *in, int64_t g)
{
    int64_t first = in->scales[g].first, end = in->scales[g + 1].first;
    int64_t n_left = 0, n_events = 0;
    double survival = 1, stay_survival = 0, n, start;
    int bits;

    for (int64_t i = first; i < end; i++) {
        n_left += in->cells->censored[i];
        for (int c = 1; c <= in->n_causes; c++) {
            n_left += leaves(in, c) ? events_of(in, i, c) : 0;
            n_events += events_of(in, i, c);
        }
    }
    n = start = (double)n_left;
    /* 2^14 times the square of the rows and events is more than any of the sums. */
    bits = rr_bits((uint64_t)(n_left + n_events));
    in->scales[g].n = start;
    in->scales[g].high = ldexp(1, 48 - 2 * bits);
    in->scales[g].low = ldexp(1, bits < 58 ? 60 - bits : 2);
    for (int64_t i = first; i < end; i++) {
        double out = 0, rest;
        double jump = n > 0 ? start * survival / n : 0;

        for (int c = 1; c <= in->n_causes; c++) {
            out += leaves(in, c) ? (double)events_of(in, i, c) : 0;
        }
        rest = n - out;
        in->jump[i] = jump;
        for (int t = 0; t < in->n_targets; t++) {
            double share = n > 0 ? (double)events_of(in, i, cause_of(in, t)) / n : 0;
            double before = i > first ? in->stay[(i - 1) * in->n_targets + t] : 0;

            in->stay[i * in->n_targets + t] = before + share * stay_survival - share * jump;
        }
        stay_survival = n > 0 ? stay_survival * (rest / n) + jump * (out / n) : 0;
        survival = n > 0 ? survival * (rest / n) : 0;
        /* Where nobody is left no slope is needed: nothing rises any more. */
        in->slope[2 * i] = rest > 0 ? stay_survival / survival : 0;
        in->slope[2 * i + 1] = rest > 0 ? in->slope[2 * i] - start / rest : 0;
        n = rest - (double)in->cells->censored[i];
    }
    for (int t = 0; t < in->n_targets && end > first; t++) {
        in->later[(end - 1) * in->n_targets + t] = 0;
        for (int64_t i = end - 1; i > first; i--) {
            double rise = in->jump[i] * (double)events_of(in, i, cause_of(in, t)) / start;

            in->later[(i - 1) * in->n_targets + t] = in->later[i * in->n_targets + t] + rise;
        }
    }
}

/* ---------------------------------------------------------------- clusters */

/* A cluster within a group: how many of its rows are at risk, and the sums of its slopes and, by
 * target, its levels. */
typedef struct cluster_state {
    double m;
    double slope;
    double level[RR_CAUSES_MAX];
} cluster_state;

static void add(sum *to, double value, const scale *by)
{
    double scaled = value * by->high, high = rint(scaled);

    to->high += (uint64_t)(int64_t)high;
    to->low += (uint64_t)(int64_t)rint((scaled - high) * by->low);
}

/* The products of `state` come to the sums of a cell, or, with sign -1, go from them. */
static void add_products(const influences *in, const cluster_state *state, double sign,
                         int64_t cell, const scale *by)
{
    int n_sums = BY_TARGET + (SUMS - BY_TARGET) * in->n_targets;
    sum *to = in->sums + cell * n_sums;

    add(to + MM, sign * state->m * state->m, by);
    add(to + MB, sign * state->m * state->slope, by);
    add(to + BB, sign * state->slope * state->slope, by);
    for (int t = 0; t < in->n_targets; t++) {
        sum *mine = to + t * (SUMS - BY_TARGET);

        add(mine + MA, sign * state->m * state->level[t], by);
        add(mine + AA, sign * state->level[t] * state->level[t], by);
        add(mine + AB, sign * state->level[t] * state->slope, by);
    }
}

static void leave(const influences *in, cluster_state *state, int64_t cell, int cause)
{
    double slope = leaves(in, cause) ? in->slope[2 * cell + (cause > 0)] : 0;

    for (int t = 0; t < in->n_targets; t++) {
        int64_t at = cell * in->n_targets + t;

        state->level[t] += leaves(in, cause) ? in->stay[at] + slope * in->later[at] : 0;
        state->level[t] += cause == cause_of(in, t) ? in->jump[cell] : 0;
    }
    state->slope += slope;
    state->m -= leaves(in, cause);
}

/* How a row is packed: group | cluster | cell within the group | cause. Group by group, because the
 * sums of one group stay in the cache, and those of all may not (5 times as fast). */
typedef struct layout {
    int cause_bits;
    int cell_bits;
    int cluster_bits;
} layout;

/* The packed rows of one cluster in one group, in the order of cell and cause. */
static void add_cluster(const influences *in, const uint64_t *words, int64_t n, int64_t group,
                        const layout *bits)
{
    const scale *by = in->scales + group;
    uint64_t cause_mask = (UINT64_C(1) << bits->cause_bits) - 1;
    uint64_t cell_mask = (UINT64_C(1) << bits->cell_bits) - 1;
    cluster_state state;

    state.m = state.slope = 0;
    for (int t = 0; t < in->n_targets; t++) {
        state.level[t] = 0;
    }
    for (int64_t i = 0; i < n; i++) {
        state.m += leaves(in, (int)(words[i] & cause_mask));
    }
    add_products(in, &state, 1, by->first, by);
    for (int64_t i = 0; i < n;) {
        uint64_t key = words[i] >> bits->cause_bits;
        int64_t cell = by->first + (int64_t)(key & cell_mask);

        add_products(in, &state, -1, cell, by);
        for (; i < n && words[i] >> bits->cause_bits == key; i++) {
            leave(in, &state, cell, (int)(words[i] & cause_mask));
        }
        add_products(in, &state, 1, cell, by);
    }
}

/* The cell of a day, or -1. */
static int64_t cell_of(const influences *in, int64_t group, int32_t day)
{
    int64_t low = in->scales[group].first, end = in->scales[group + 1].first, high = end;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (in->cells->day[middle] < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < end && in->cells->day[low] == day ? low : -1;
}

/* Bits for every part of a packed row; RR_ERR_TOO_LARGE if they are more than a word has. */
static rr_status lay_out(const influences *in, const rr_leavers *rows, layout *bits,
                         rr_error *error)
{
    int64_t longest = 0;
    uint32_t largest = 0;

    for (int64_t g = 0; g < in->n_groups; g++) {
        int64_t n = in->scales[g + 1].first - in->scales[g].first;

        longest = n > longest ? n : longest;
    }
    for (int64_t i = 0; i < rows->grouped.n; i++) {
        if (rr_group_of(&rows->grouped, i) == RR_NOT_COUNTED) {
            continue;
        }
        if (rows->cluster[i] == RR_NULL_KEY) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "a counted row has a null cluster");
        }
        largest = rows->cluster[i] > largest ? rows->cluster[i] : largest;
    }
    *bits = (layout){rr_bits((uint64_t)in->n_causes), rr_bits((uint64_t)longest), rr_bits(largest)};
    return bits->cause_bits + bits->cell_bits + bits->cluster_bits +
                       rr_group_bits(&rows->grouped) <=
                   64
               ? RR_OK
               : rr_fail(error, RR_ERR_TOO_LARGE,
                         "more groups, clusters, days and causes than can be counted");
}

static rr_status pack_rows(const influences *in, const rr_leavers *rows, const layout *bits,
                           rr_packed *pack, const rr_call *call, rr_error *error)
{
    for (int64_t i = 0; i < rows->grouped.n; i++) {
        int64_t g = rr_group_of(&rows->grouped, i), cell;
        uint64_t word;

        if (i % RR_POLL_ROWS == 0 && rr_stopped(call, i, rows->grouped.n)) {
            return rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        }
        if (g == RR_NOT_COUNTED) {
            continue;
        }
        cell = g < in->n_groups ? cell_of(in, g, rows->duration[i]) : -1;
        if (cell < 0 || (uint8_t)rows->cause[i] > in->n_causes) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "a row is not in the tally");
        }
        word = (uint64_t)g << bits->cluster_bits | rows->cluster[i];
        word = word << bits->cell_bits | (uint64_t)(cell - in->scales[g].first);
        pack->words[pack->n++] = word << bits->cause_bits | (uint64_t)rows->cause[i];
    }
    return RR_OK;
}

static rr_status add_clusters(const influences *in, const rr_leavers *rows, int64_t *clusters,
                              const rr_call *call, rr_error *error)
{
    rr_packed pack = {NULL, NULL, 0};
    layout bits = {0, 0, 0};
    int low, all;
    rr_status status = rr_packed_make(&pack, rows->grouped.n, error);

    if (status != RR_OK) {
        goto out;
    }
    status = lay_out(in, rows, &bits, error);
    if (status != RR_OK) {
        goto out;
    }
    status = pack_rows(in, rows, &bits, &pack, call, error);
    if (status != RR_OK) {
        goto out;
    }
    low = bits.cell_bits + bits.cause_bits;
    all = low + bits.cluster_bits + rr_group_bits(&rows->grouped);
    status = rr_packed_sort(&pack, 0, all, call, error);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t i = 0, end; i < pack.n; i = end) {
        uint64_t key = pack.sorted[i] >> low;
        int64_t group = (int64_t)(key >> bits.cluster_bits);

        for (end = i + 1; end < pack.n && pack.sorted[end] >> low == key; end++) {
        }
        add_cluster(in, pack.sorted + i, end - i, group, &bits);
        clusters[group]++;
    }
out:
    rr_packed_free(&pack);
    return status;
}

/* ---------------------------------------------------------------- variances */

static double value_of(const sum *of, const scale *by)
{
    return ((double)(int64_t)of->high + (double)(int64_t)of->low / by->low) / by->high;
}

static void put_std_errors(influences *in, int64_t g, int64_t clusters, double *std_error)
{
    int n_sums = BY_TARGET + (SUMS - BY_TARGET) * in->n_targets;
    const scale *by = in->scales + g;

    for (int64_t i = by->first; i < in->scales[g + 1].first; i++) {
        sum *sums = in->sums + i * n_sums;

        for (int s = 0; s < n_sums && i > by->first; s++) {
            sums[s].high += sums[s - n_sums].high;
            sums[s].low += sums[s - n_sums].low;
        }
        for (int t = 0; t < in->n_targets; t++) {
            const sum *mine = sums + t * (SUMS - BY_TARGET);
            double stay = in->stay[i * in->n_targets + t], later = in->later[i * in->n_targets + t];
            double total = stay * stay * value_of(sums + MM, by) +
                           2 * stay * (value_of(mine + MA, by) - later * value_of(sums + MB, by)) +
                           value_of(mine + AA, by) - 2 * later * value_of(mine + AB, by) +
                           later * later * value_of(sums + BB, by);

            std_error[i * in->n_targets + t] = clusters > 1 ? sqrt(fmax(total, 0)) / by->n : NAN;
        }
    }
}

rr_status rr_curve_clusters(const rr_leavers *rows, int n_causes, int repeats,
                            const rr_cells *cells, int64_t n_cells, int64_t *clusters,
                            double *std_error, const rr_call *call, rr_error *error)
{
    influences in = {
        cells, n_cells, rows->grouped.n_groups, n_causes, repeats, 0, NULL, NULL, NULL, NULL,
        NULL,  NULL};
    rr_status status = rr_check_grouped(&rows->grouped, error);

    if (status != RR_OK) {
        return status;
    }
    if (rr_curve_room(n_cells, n_causes) < 0 || (repeats && n_causes != 2)) {
        return rr_fail(error, RR_ERR_ARGUMENT, "the number of causes is out of range");
    }
    in.n_targets = repeats ? 1 : n_causes;
    status = make_influences(&in, error);
    if (status != RR_OK) {
        goto out;
    }
    status = find_groups(&in, error);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t g = 0; g < in.n_groups; g++) {
        influences_of_group(&in, g);
        clusters[g] = 0;
    }
    status = add_clusters(&in, rows, clusters, call, error);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t g = 0; g < in.n_groups; g++) {
        put_std_errors(&in, g, clusters[g], std_error);
    }
out:
    free_influences(&in);
    return status;
}
