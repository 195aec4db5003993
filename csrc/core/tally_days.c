/* Cells of groups and days: where these are few for the rows each has a counter (cells_by_counting.c);
 * otherwise most counters would stay 0, and the rows are put in order instead (cells_by_sorting.c). */
#include "day_cells.h"

#include <stdio.h>
#include <stdlib.h>

enum { FREE_COUNTS = 1 << 18 };

typedef struct lasting {
    const rr_grouped *rows;
    const int32_t *duration;
    int32_t *longest; /* by task */
} lasting;

static rr_status find_longest(void *job, int64_t task, int worker, rr_error *error)
{
    const lasting *in = job;
    const uint8_t *use = in->rows->use;
    int64_t n = in->rows->n, n_tasks = rr_row_tasks(n);
    int64_t start = rr_chunk_start(n, task, n_tasks), end = rr_chunk_start(n, task + 1, n_tasks);
    int32_t most = 0, least = 0;

    (void)worker;
    for (int64_t i = start; i < end; i++) {
        int32_t days = use == NULL || use[i] ? in->duration[i] : 0;

        most = days > most ? days : most;
        least = days < least ? days : least;
    }
    for (int64_t i = start; least < 0 && i < end; i++) {
        if ((use == NULL || use[i]) && in->duration[i] < 0) {
            return rr_fail_duration(error, i, in->duration[i]);
        }
    }
    in->longest[task] = most;
    return RR_OK;
}

rr_status rr_longest(const rr_grouped *rows, const int32_t *duration, int32_t *longest,
                     const rr_call *call, rr_error *error)
{
    int64_t n_tasks = rr_row_tasks(rows->n);
    lasting in = {rows, duration, rr_allocate(n_tasks, sizeof *in.longest)};
    rr_status status;

    if (in.longest == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    status = rr_run(find_longest, &in, n_tasks, call, error);
    *longest = 0;
    for (int64_t t = 0; status == RR_OK && t < n_tasks; t++) {
        *longest = in.longest[t] > *longest ? in.longest[t] : *longest;
    }
    free(in.longest);
    return status;
}

int64_t rr_tally_days_room(int64_t n, int64_t n_groups, int32_t longest)
{
    int64_t later = n;

    if (n < 0 || n_groups < 0 || longest < 0) {
        return -1;
    }
    if (longest == 0 || n_groups <= n / longest) {
        later = n_groups * longest;
    }
    return n_groups > INT64_MAX - later ? -1 : n_groups + later;
}

int64_t rr_curve_room(int64_t n_cells, int n_causes)
{
    if (n_cells < 0 || n_causes < 1 || n_causes > RR_CAUSES_MAX || n_cells > INT64_MAX / n_causes) {
        return -1;
    }
    return n_cells * n_causes;
}

rr_status rr_fail_day_row(const rr_day_rows *in, int64_t row, rr_error *error)
{
    char digits[16];

    while (rr_group_of(in->rows, row) == RR_NOT_COUNTED || !rr_is_wrong_day_row(in, row)) {
        row++;
    }
    if (rr_group_of(in->rows, row) >= in->rows->n_groups) {
        return rr_fail_group(error, row);
    }
    if (in->duration[row] < 0 || in->duration[row] > in->longest) {
        return rr_fail_duration(error, row, in->duration[row]);
    }
    rr_fail_row(error, RR_ERR_VALUE, row, "a cause is not among the causes");
    rr_fail_value(error, digits, snprintf(digits, sizeof digits, "%d", in->cause[row]));
    return RR_ERR_VALUE;
}

rr_status rr_tally_days(const rr_grouped *rows, const int32_t *duration, const int8_t *cause,
                        int n_causes, int32_t longest, const rr_cells *cells, int64_t *n_cells,
                        const rr_call *call, rr_error *error)
{
    const rr_day_rows in = {rows, duration, cause, n_causes, longest, cells};
    rr_status status = rr_check_grouped(rows, error);
    int64_t days = (int64_t)longest + 1, ways = (int64_t)n_causes + 1, few;

    *n_cells = 0;
    if (status != RR_OK) {
        return status;
    }
    if (longest < 0) {
        return rr_fail(error, RR_ERR_ARGUMENT, "the longest duration is negative");
    }
    if (n_causes < 1 || n_causes > RR_CAUSES_MAX) {
        return rr_fail(error, RR_ERR_ARGUMENT, "the number of causes is out of range");
    }
    /* Up to here the counters take less than the words in order would. The number of one has 32 bits. */
    few = rows->n < UINT32_MAX / 4 - FREE_COUNTS ? 4 * rows->n + FREE_COUNTS : UINT32_MAX;
    few = rows->n > UINT32_MAX ? 0 : few;
    return rows->n_groups > 0 && rows->n_groups <= few / ways / days
               ? rr_cells_by_counting(&in, rows->n_groups * days * ways, n_cells, call, error)
               : rr_cells_by_sorting(&in, n_cells, call, error);
}
