/* Rows that leave, and the cells they are counted in: what the two ways of rr_tally_days share. */
#ifndef RR_DAY_CELLS_H
#define RR_DAY_CELLS_H

#include "tally_internal.h"

/* The rows to tally, and how they leave. */
typedef struct rr_day_rows {
    const rr_grouped *rows;
    const int32_t *duration;
    const int8_t *cause;
    int n_causes;
    int32_t longest;
    const rr_cells *cells;
} rr_day_rows;

/* Whether a row that counts is not what it must be. A negative code, duration or cause comes out above
 * every limit. */
static inline int rr_is_wrong_day_row(const rr_day_rows *in, int64_t row)
{
    uint32_t g = in->rows->group == NULL ? 0 : (uint32_t)in->rows->group[row];

    return (g >= (uint32_t)in->rows->n_groups) |
           ((uint32_t)in->duration[row] > (uint32_t)in->longest) |
           ((uint8_t)in->cause[row] > in->n_causes);
}

/* The failure of the first row, from `row` on, that counts and is wrong. There must be one. */
rr_status rr_fail_day_row(const rr_day_rows *in, int64_t row, rr_error *error);

/* `counts` holds the censored, then the rows that left by each cause. */
static inline void rr_put_cell(const rr_cells *cells, int64_t at, int64_t group, int64_t day,
                               const int64_t *counts, int ways)
{
    if (cells->group != NULL) {
        cells->group[at] = (int32_t)group;
    }
    if (cells->day != NULL) {
        cells->day[at] = (int32_t)day;
    }
    if (cells->censored != NULL) {
        cells->censored[at] = counts[0];
    }
    for (int k = 1; cells->events != NULL && k < ways; k++) {
        cells->events[at * (ways - 1) + k - 1] = counts[k];
    }
}

/* ---------------------------------------------------------------- cells_by_counting.c */

/* The cells by n_counters counters: one for each group, day and way to leave. */
rr_status rr_cells_by_counting(const rr_day_rows *in, int64_t n_counters, int64_t *n_cells,
                               const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- cells_by_sorting.c */

/* The cells by putting the rows in order. */
rr_status rr_cells_by_sorting(const rr_day_rows *in, int64_t *n_cells, const rr_call *call,
                              rr_error *error) RR_MUST_CHECK;

#endif
