/* How often each gap comes between many rows and the many days of one key: 64 days at a time. */
#ifndef RR_GAP_COUNTER_H
#define RR_GAP_COUNTER_H

#include "internal.h"

typedef struct rr_gap_counter {
    uint64_t *days; /* of the key, a bit each, in the direction of search */
    int64_t room;   /* words of them */
    int64_t first;  /* the day of the first bit */
    int forward;
    uint64_t *planes; /* by binary digit, then gap, a bit each: how many rows have it */
    int64_t n_words;  /* of a digit */
    int64_t n_rows;   /* since they were 0 */
    uint64_t *counts; /* borrowed; by gap, each `stride` from the next */
    int64_t stride;
} rr_gap_counter;

/* For gaps up to `longest`. rr_gap_counter_close ends it, also after a failure. */
rr_status rr_gap_counter_open(rr_gap_counter *counter, int64_t longest, uint64_t *counts,
                              int64_t stride) RR_MUST_CHECK;
void rr_gap_counter_close(rr_gap_counter *counter);

/* Begins with a key, none of whose days, which follow, lies outside of first_day to last_day. */
rr_status rr_gap_counter_begin(rr_gap_counter *counter, int64_t first_day, int64_t last_day,
                               int forward) RR_MUST_CHECK;
void rr_gap_counter_day(rr_gap_counter *counter, int64_t day);

/* Counts the gaps between an anchor and the key's days that lie `nearest` to `farthest` days from it, in
 * the direction of search. Both of these days are within first_day to last_day, and `farthest` is no
 * longer than the longest. */
void rr_gap_counter_row(rr_gap_counter *counter, int64_t anchor, int64_t nearest, int64_t farthest);

/* Adds what has been counted since the last time to `counts`. */
void rr_gap_counter_pour(rr_gap_counter *counter);

#endif
