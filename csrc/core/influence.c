#include "influence.h"

#include <math.h>

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

/* The sums of a cell: three, and three for each target. */
enum { MM, MB, BB, BY_TARGET, MA = BY_TARGET, AA, AB, SUMS };

int rr_influence_sums(const rr_influences *in)
{
    return BY_TARGET + (SUMS - BY_TARGET) * in->n_targets;
}

static int leaves(const rr_influences *in, int cause)
{
    return !in->repeats || cause != RR_REPEATED;
}

/* The cause of a target. */
static int cause_of(const rr_influences *in, int target)
{
    return in->repeats ? RR_REPEATED : target + 1;
}

/* Counts of a cell of all, not of these groups. */
static int64_t events_of(const rr_influences *in, int64_t cell, int cause)
{
    return in->cells->events[cell * in->n_causes + cause - 1];
}

/* The influences of a group. With n at risk, h of them leaving and d events, survival S before the
 * day: an estimate rises by S d / n, and S falls by S h / n. */
void rr_influences_of_group(const rr_influences *in, int64_t group)
{
    int64_t first = rr_group_cell(in, group), end = rr_group_cell(in, group + 1);
    int64_t of_all = in->first[in->group], n_left = 0, n_events = 0;
    rr_scale *scale = in->scale + (group - in->group);
    double survival = 1, stay_survival = 0, n, start;
    int bits;

    for (int64_t i = first; i < end; i++) {
        n_left += in->cells->censored[of_all + i];
        for (int c = 1; c <= in->n_causes; c++) {
            n_left += leaves(in, c) ? events_of(in, of_all + i, c) : 0;
            n_events += events_of(in, of_all + i, c);
        }
    }
    n = start = (double)n_left;
    /* 2^14 times the square of the rows and events is more than any of the sums. */
    bits = rr_bits((uint64_t)(n_left + n_events));
    scale->high = ldexp(1, 48 - 2 * bits);
    scale->low = ldexp(1, bits < 58 ? 60 - bits : 2);
    scale->from_high = 1 / scale->high;
    scale->from_low = 1 / scale->low;
    scale->n = start;
    for (int64_t i = first; i < end; i++) {
        double out = 0, rest;
        double jump = n > 0 ? start * survival / n : 0;

        for (int c = 1; c <= in->n_causes; c++) {
            out += leaves(in, c) ? (double)events_of(in, of_all + i, c) : 0;
        }
        rest = n - out;
        in->jump[i] = jump;
        for (int t = 0; t < in->n_targets; t++) {
            double share = n > 0 ? (double)events_of(in, of_all + i, cause_of(in, t)) / n : 0;
            double before = i > first ? in->stay[(i - 1) * in->n_targets + t] : 0;

            in->stay[i * in->n_targets + t] = before + share * stay_survival - share * jump;
        }
        stay_survival = n > 0 ? stay_survival * (rest / n) + jump * (out / n) : 0;
        survival = n > 0 ? survival * (rest / n) : 0;
        /* Where nobody is left no slope is needed: nothing rises any more. */
        in->slope[2 * i] = rest > 0 ? stay_survival / survival : 0;
        in->slope[2 * i + 1] = rest > 0 ? in->slope[2 * i] - start / rest : 0;
        n = rest - (double)in->cells->censored[of_all + i];
    }
    for (int t = 0; t < in->n_targets && end > first; t++) {
        in->later[(end - 1) * in->n_targets + t] = 0;
        for (int64_t i = end - 1; i > first; i--) {
            double rise = in->jump[i] * (double)events_of(in, of_all + i, cause_of(in, t)) / start;

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

/* `times` a value; 0 - times takes it away again. */
static inline void add(rr_sum *to, double value, uint64_t times, const rr_scale *by)
{
    double scaled = value * by->high, high = rint(scaled);

    to->high += times * (uint64_t)(int64_t)high;
    to->low += times * (uint64_t)(int64_t)rint((scaled - high) * by->low);
}

/* The products of `state` come to the sums of a cell so many times. */
static void add_products(const rr_influences *in, const cluster_state *state, uint64_t times,
                         const rr_scale *by, rr_sum *to)
{
    add(to + MM, state->m * state->m, times, by);
    add(to + MB, state->m * state->slope, times, by);
    add(to + BB, state->slope * state->slope, times, by);
    for (int t = 0; t < in->n_targets; t++) {
        rr_sum *mine = to + t * (SUMS - BY_TARGET);

        add(mine + MA, state->m * state->level[t], times, by);
        add(mine + AA, state->level[t] * state->level[t], times, by);
        add(mine + AB, state->level[t] * state->slope, times, by);
    }
}

/* So many rows leave. */
static inline void leave(const rr_influences *in, cluster_state *state, int64_t cell, int cause,
                         double rows)
{
    double slope = leaves(in, cause) ? in->slope[2 * cell + (cause > 0)] : 0;

    for (int t = 0; t < in->n_targets; t++) {
        int64_t at = cell * in->n_targets + t;

        state->level[t] += leaves(in, cause) ? rows * (in->stay[at] + slope * in->later[at]) : 0;
        state->level[t] += cause == cause_of(in, t) ? rows * in->jump[cell] : 0;
    }
    state->slope += rows * slope;
    state->m -= leaves(in, cause) ? rows : 0;
}

void rr_add_cluster(const rr_influences *in, int64_t group, const uint64_t *words,
                    const uint64_t *rows, int64_t n, uint64_t times, rr_sum *sums)
{
    const rr_scale *by = in->scale + (group - in->group);
    int n_sums = rr_influence_sums(in);
    int64_t first = rr_group_cell(in, group);
    cluster_state state;

    state.m = state.slope = 0;
    for (int t = 0; t < in->n_targets; t++) {
        state.level[t] = 0;
    }
    for (int64_t i = 0; i < n; i++) {
        double many = rows == NULL ? 1 : (double)rows[i];

        state.m += leaves(in, rr_word_cause(in, words[i])) ? many : 0;
    }
    add_products(in, &state, times, by, sums + first * n_sums);
    for (int64_t i = 0; i < n;) {
        int64_t cell = first + rr_word_day(in, words[i]);

        add_products(in, &state, 0 - times, by, sums + cell * n_sums);
        for (; i < n && first + rr_word_day(in, words[i]) == cell; i++) {
            leave(in, &state, cell, rr_word_cause(in, words[i]),
                  rows == NULL ? 1 : (double)rows[i]);
        }
        add_products(in, &state, times, by, sums + cell * n_sums);
    }
}

void rr_add_single(const rr_influences *in, int64_t group, uint64_t word, uint64_t times,
                   rr_sum *sums)
{
    const rr_scale *by = in->scale + (group - in->group);
    int n_sums = rr_influence_sums(in), cause = rr_word_cause(in, word);
    int64_t first = rr_group_cell(in, group), cell = first + rr_word_day(in, word);
    rr_sum *to = sums + cell * n_sums;
    cluster_state state;

    if (!leaves(in, cause)) {
        rr_add_cluster(in, group, &word, NULL, 1, times, sums);
        return;
    }
    state.m = 1;
    state.slope = 0;
    for (int t = 0; t < in->n_targets; t++) {
        state.level[t] = 0;
    }
    add(sums + first * n_sums + MM, 1, times, by);
    add(to + MM, 1, 0 - times, by);
    leave(in, &state, cell, cause, 1);
    add(to + BB, state.slope * state.slope, times, by);
    for (int t = 0; t < in->n_targets; t++) {
        add(to + t * (SUMS - BY_TARGET) + AA, state.level[t] * state.level[t], times, by);
        add(to + t * (SUMS - BY_TARGET) + AB, state.level[t] * state.slope, times, by);
    }
}

/* ---------------------------------------------------------------- variances */

static double value_of(const rr_sum *of, const rr_scale *by)
{
    return ((double)(int64_t)of->high + (double)(int64_t)of->low * by->from_low) * by->from_high;
}

void rr_put_std_errors(const rr_influences *in, int64_t group, int64_t clusters, rr_sum *all,
                       double *std_error)
{
    int64_t first = rr_group_cell(in, group);
    int n_sums = rr_influence_sums(in);
    const rr_scale *by = in->scale + (group - in->group);

    for (int64_t i = first; i < rr_group_cell(in, group + 1); i++) {
        rr_sum *sums = all + i * n_sums;

        for (int s = 0; s < n_sums && i > first; s++) {
            sums[s].high += sums[s - n_sums].high;
            sums[s].low += sums[s - n_sums].low;
        }
        for (int t = 0; t < in->n_targets; t++) {
            const rr_sum *mine = sums + t * (SUMS - BY_TARGET);
            double stay = in->stay[i * in->n_targets + t], later = in->later[i * in->n_targets + t];
            double total = stay * stay * value_of(sums + MM, by) +
                           2 * stay * (value_of(mine + MA, by) - later * value_of(sums + MB, by)) +
                           value_of(mine + AA, by) - 2 * later * value_of(mine + AB, by) +
                           later * later * value_of(sums + BB, by);

            std_error[i * in->n_targets + t] = clusters > 1 ? sqrt(fmax(total, 0)) / by->n : NAN;
        }
    }
}
