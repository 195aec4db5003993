/* Standard errors by cluster, whatever the clusters are made of: shared by curve_clusters.c, which takes
 * them from rows, and mean_sweep.c, which takes them from a sweep. */
#ifndef RR_CURVE_CLUSTERS_H
#define RR_CURVE_CLUSTERS_H

#include "influence.h"

/* What a thread adds up, for the groups of a batch. */
typedef struct rr_cluster_tables {
    rr_sum *sums;      /* by cell, as many as rr_influence_sums says */
    int64_t *singles;  /* by cell, then cause: clusters of one row */
    int64_t *clusters; /* by group */
    uint32_t *cell;    /* by day: which cell of the group it may be; NULL: days are many */
    uint64_t *scratch; /* room for a part */
} rr_cluster_tables;

typedef struct rr_clustering {
    const rr_leavers *rows;
    rr_influences in;
    int64_t *first; /* as in.first */
    int64_t n_cells;
    int64_t cells_at_once; /* of a batch, unless it is one group */
    /* Adds the clusters of the groups of a batch to the tables of the workers. */
    rr_status (*add)(struct rr_clustering *of, const rr_call *call, rr_error *error);
    void *source; /* for `add` */
    int cluster_bits;
    int32_t longest;
    rr_packed dealt; /* the rows; empty where they come from elsewhere */
    int workers;
    int64_t batch_cells; /* the most of a batch */
    int64_t batch_groups;
    int64_t first_part;        /* of the batch */
    rr_cluster_tables *tables; /* by worker */
    int64_t *clusters;
    double *std_error;
} rr_clustering;

/* Finds the cells of each group, with `rows`, `n_cells` and `cells_at_once` given. rr_clustering_close
 * follows, also after a failure. */
rr_status rr_clustering_open(rr_clustering *of, int n_causes, int repeats, const rr_cells *cells,
                             rr_error *error) RR_MUST_CHECK;
void rr_clustering_close(rr_clustering *of);

rr_status rr_make_tables(rr_clustering *of, int workers, rr_error *error) RR_MUST_CHECK;

/* Goes through the groups batch by batch, and writes clusters and std_error. */
rr_status rr_add_batches(rr_clustering *of, const rr_call *call, rr_error *error) RR_MUST_CHECK;

#endif
