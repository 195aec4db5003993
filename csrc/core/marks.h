/* Which rows of a table are left when conditions are put to them: a part of the core's interface, for
 * which the rules of rereferral.h hold. Marks are bytes, one a row: 1 where it is left, 0 where not. */
#ifndef RR_MARKS_H
#define RR_MARKS_H

#include "rereferral.h"

#define RR_INTERVALS_MAX 8

/* Whole numbers from `low` to `high`, both inclusive; none where low > high. */
typedef struct rr_interval {
    int64_t low;
    int64_t high;
} rr_interval;

/* What the number of a row must be for the row to be left. Days, codes and marks are such numbers. */
typedef struct rr_condition {
    const void *numbers;                     /* signed */
    int size;                                /* bytes of a number: 1, 2, 4 or 8 */
    int n_intervals;                         /* up to RR_INTERVALS_MAX */
    rr_interval intervals[RR_INTERVALS_MAX]; /* it lies in one of them */
    const uint8_t *among; /* in their place, unless NULL: it is an i from 0 up to n_among with
                             among[i] != 0 */
    int64_t n_among;
} rr_condition;

/* Puts n_conditions >= 1 conditions one after the other to the rows that `before` marks (NULL: all n).
 * n_left[k] says how many rows meet those up to k; left[k], unless it is NULL, marks them. No `left` is
 * `before`. RR_ERR_ARGUMENT for no condition, and for one of another size or with more intervals. */
rr_status rr_rows_left(const rr_condition *conditions, int64_t n_conditions, const uint8_t *before,
                       int64_t n, uint8_t *const *left, int64_t *n_left, const rr_call *call,
                       rr_error *error) RR_MUST_CHECK;

#endif
