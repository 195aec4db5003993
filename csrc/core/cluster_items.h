/* The items of one cluster after another, straight from a sweep. Items are those of rr_event_items: the
 * ends of rows, and their events. */
#ifndef RR_CLUSTER_ITEMS_H
#define RR_CLUSTER_ITEMS_H

#include "counted_words.h"
#include "mean_sweep.h"

/* An item is a word, day | cause, the cause in so many bits. */
enum { RR_ITEM_CAUSE_BITS = 2 };

/* Takes the items of a cluster, in order and each once; it may change their words. `row` is one of the
 * cluster's index rows. `worker` as in rr_task. */
typedef rr_status (*rr_take_items)(void *job, int worker, int64_t group, int64_t row,
                                   rr_counted *items, rr_error *error);

/* What is swept, and who takes the items. */
typedef struct rr_item_sweep {
    const rr_recurrences *of;
    int64_t group; /* rows of this group and those after it count, */
    int64_t end;   /* up to, not including, this one */
    /* which rows of a group are a cluster: each alone; or those of one key that have one code here; or,
     * where that is NULL, all those of one key */
    int row_by_row;
    const uint32_t *cluster;
    rr_take_items take;
    void *job;
    /* filled in by rr_items_open */
    int day_bits; /* of an item */
    int workers;
    struct rr_gatherer *gatherers;
} rr_item_sweep;

/* Makes the memory of the workers, for any number of sweeps. `of` is given, and in order. rr_items_close
 * ends it, also after a failure, and where it is zeroed. */
rr_status rr_items_open(rr_item_sweep *items, int workers, rr_error *error) RR_MUST_CHECK;
void rr_items_close(rr_item_sweep *items);

/* One sweep. RR_ERR_ARGUMENT for a group out of range, RR_ERR_VALUE for a duration out of range and for an
 * event after the end of its row, with the row; what `take` returns; other errors as rr_link. */
rr_status rr_items_sweep(rr_item_sweep *items, const rr_call *call, rr_error *error) RR_MUST_CHECK;

#endif
