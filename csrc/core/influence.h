/* The influence of rows and clusters on curves; shared by influence.c, which knows the sums, and
 * curve_clusters.c, which takes the rows through them. */
#ifndef RR_INFLUENCE_H
#define RR_INFLUENCE_H

#include "tally_internal.h"

/* A sum in two whole numbers: whatever the order of the addends, it comes out the same to the last
 * bit. Unsigned, because on the way it may pass the end of the range and come back. */
typedef struct rr_sum {
    uint64_t high;
    uint64_t low;
} rr_sum;

/* By group: how addends become whole numbers. */
typedef struct rr_scale {
    double high;      /* times this: a unit of `high` */
    double low;       /* a unit of `high` in units of `low` */
    double from_high; /* 1 over these: all are powers of 2, and nothing is rounded */
    double from_low;
    double n; /* rows at the start */
} rr_scale;

/* The groups that are worked on at a time, and what is known of their cells. Cells are counted from
 * the first of the first of these groups. */
typedef struct rr_influences {
    const rr_cells *cells;
    const int64_t *first; /* by group, and one more for the end: its first cell of all */
    int n_causes;
    int repeats; /* causes are those of items: RR_REPEATED does not end a row, and is the one target */
    int n_targets;
    int cause_bits; /* of a word: group | cluster | day | cause */
    int day_bits;
    int64_t group;   /* the first of the groups */
    int64_t end;     /* the group after the last of them */
    rr_scale *scale; /* by group, from `group` on */
    double *jump;    /* by cell: what one event adds to a target */
    double *slope;   /* by cell, then 0: left censored, 1: by a cause */
    double *stay;    /* by cell, then target */
    double *later;   /* by cell, then target */
} rr_influences;

/* Sums of a cell: over clusters, of the products of m, level and slope. */
int rr_influence_sums(const rr_influences *in);

/* The first cell of a group, and one more. */
static inline int64_t rr_group_cell(const rr_influences *in, int64_t group)
{
    return in->first[group] - in->first[in->group];
}

/* Of a word: how the row leaves, and the day; or, where the days of a group have been looked up, the
 * cell, counted from the first of the group. */
static inline int rr_word_cause(const rr_influences *in, uint64_t word)
{
    return (int)(word & ((UINT64_C(1) << in->cause_bits) - 1));
}

static inline int64_t rr_word_day(const rr_influences *in, uint64_t word)
{
    return (int64_t)(word >> in->cause_bits & ((UINT64_C(1) << in->day_bits) - 1));
}

/* Fills in what is known of the cells of a group. */
void rr_influences_of_group(const rr_influences *in, int64_t group);

/* Adds `times` clusters of the group to the sums (by cell, as many as rr_influence_sums says). Each
 * consists of these n rows, as words, in the order of cell and cause; of word i there are rows[i], NULL:
 * one of each. */
void rr_add_cluster(const rr_influences *in, int64_t group, const uint64_t *words,
                    const uint64_t *rows, int64_t n, uint64_t times, rr_sum *sums);

/* The same for a cluster of one row that leaves, where most of the products are 0. */
void rr_add_single(const rr_influences *in, int64_t group, uint64_t word, uint64_t times,
                   rr_sum *sums);

/* The standard errors of the cells of a group, by cell and target, from its sums, which are
 * overwritten. */
void rr_put_std_errors(const rr_influences *in, int64_t group, int64_t clusters, rr_sum *sums,
                       double *std_error);

#endif
