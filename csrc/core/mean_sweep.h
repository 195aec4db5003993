/* The mean cumulative count of a linkage: a part of the core's interface, for which the rules of
 * rereferral.h hold. */
#ifndef RR_MEAN_SWEEP_H
#define RR_MEAN_SWEEP_H

#include "tally.h"

/* Index rows with every day with an event that the rule admits, as in rr_histories: all are by index row,
 * grouped.n is the length of that table, and rows that took no part in `parts` must not count. Rows of
 * one cluster have one key. */
typedef struct rr_recurrences {
    const rr_parts *parts;
    const rr_rule *rule;
    int64_t n_events; /* rows of the events table */
    rr_grouped grouped;
    const int32_t *duration;
    const uint8_t *terminal;
    const uint32_t *cluster; /* NULL: each row is a cluster */
    int32_t longest;         /* of the durations that count */
} rr_recurrences;

/* The cells that rr_tally_days makes of the items of these rows (two causes), and how many there are; all
 * four columns are wanted, and have `room` cells, of which rr_tally_days_room says how many it takes
 * for rows and days with an event together. RR_ERR_VALUE for a duration out of range, and for an event
 * after the end of its row; RR_ERR_ARGUMENT where the room does not do. Other errors as rr_link. */
rr_status rr_mean_cells(const rr_recurrences *of, int64_t room, const rr_cells *cells,
                        int64_t *n_cells, const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* As rr_curve_clusters with `repeats`, for cells of rr_mean_cells. */
rr_status rr_mean_clusters(const rr_recurrences *of, const rr_cells *cells, int64_t n_cells,
                           int64_t *clusters, double *std_error, const rr_call *call,
                           rr_error *error) RR_MUST_CHECK;

#endif
