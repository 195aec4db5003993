#include "tally_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FREE_COUNTS = 1 << 18, COUNT_ROWS = 1 << 8 };

rr_status rr_longest(const rr_grouped *rows, const int32_t *duration, int32_t *longest,
                     rr_error *error)
{
    int32_t most = 0;

    for (int64_t i = 0; i < rows->n; i++) {
        if (rows->use != NULL && !rows->use[i]) {
            continue;
        }
        if (duration[i] < 0) {
            return rr_fail_duration(error, i, duration[i]);
        }
        most = duration[i] > most ? duration[i] : most;
    }
    *longest = most;
    return RR_OK;
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

/* The rows to tally, and how they leave. */
typedef struct leavers {
    const rr_grouped *rows;
    const int32_t *duration;
    const int8_t *cause;
    int n_causes;
    int32_t longest;
} leavers;

/* Whether a counted row holds what it must. A negative cause comes out above 127. */
static inline int is_leaver(const leavers *in, int ways, int64_t group, int64_t row)
{
    return group < in->rows->n_groups && in->duration[row] >= 0 &&
           in->duration[row] <= in->longest && (uint8_t)in->cause[row] < ways;
}

static rr_status fail_leaver(const leavers *in, int64_t group, int64_t row, rr_error *error)
{
    char digits[16];

    if (group >= in->rows->n_groups) {
        return rr_fail_group(error, row);
    }
    if (in->duration[row] < 0 || in->duration[row] > in->longest) {
        return rr_fail_duration(error, row, in->duration[row]);
    }
    rr_fail_row(error, RR_ERR_VALUE, row, "a cause is not among the causes");
    rr_fail_value(error, digits, snprintf(digits, sizeof digits, "%d", in->cause[row]));
    return RR_ERR_VALUE;
}

/* `counts` holds the censored, then the rows that left by each cause. */
static inline void put_cell(const rr_cells *cells, int64_t *n_cells, int64_t group, int64_t day,
                            const int64_t *counts, int ways)
{
    int64_t at = (*n_cells)++;

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

/* Counts the rows, a counter for each way to leave. Which counter a row has is found for some rows
 * before any is counted: a count that misses the cache then does not hold up the work on the rows
 * behind it (1.7 times as fast). `ways` is the number of causes and one. */
static inline rr_status count_rows(const leavers *in, int ways, uint32_t *counts,
                                   const rr_call *call, rr_error *error)
{
    const rr_grouped *rows = in->rows;
    int64_t days = (int64_t)in->longest + 1, counter[COUNT_ROWS];

    for (int64_t start = 0; start < rows->n; start += COUNT_ROWS) {
        int64_t end = rr_block_end(start, rows->n, COUNT_ROWS);
        int counted = 0;

        if (start % RR_POLL_ROWS == 0 && rr_stopped(call, start, rows->n)) {
            return rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        }
        for (int64_t i = start; i < end; i++) {
            int64_t g = rr_group_of(rows, i);

            if (g == RR_NOT_COUNTED) {
                continue;
            }
            if (!is_leaver(in, ways, g, i)) {
                return fail_leaver(in, g, i, error);
            }
            counter[counted++] = (g * days + in->duration[i]) * ways + in->cause[i];
        }
        for (int j = 0; j < counted; j++) {
            counts[counter[j]]++;
        }
    }
    return RR_OK;
}

static inline void put_counts(const leavers *in, int ways, const uint32_t *counts,
                              const rr_cells *cells, int64_t *n_cells)
{
    int64_t days = (int64_t)in->longest + 1;

    for (int64_t g = 0; g < in->rows->n_groups; g++) {
        for (int64_t day = 0; day < days; day++, counts += ways) {
            int64_t left[RR_CAUSES_MAX + 1];
            uint32_t any = 0;

            for (int k = 0; k < ways; k++) {
                left[k] = counts[k];
                any |= counts[k];
            }
            if (day == 0 || any != 0) {
                put_cell(cells, n_cells, g, day, left, ways);
            }
        }
    }
}

/* Few days and groups for the rows. With one cause, which most curves have, the number of ways is a
 * constant that the compiler knows (1.2 times as fast). */
static rr_status days_by_counting(const leavers *in, const rr_cells *cells, int64_t *n_cells,
                                  const rr_call *call, rr_error *error)
{
    int ways = in->n_causes + 1;
    int64_t n_counts = in->rows->n_groups * ((int64_t)in->longest + 1) * ways;
    uint32_t *counts = rr_allocate(n_counts, sizeof *counts);
    rr_status status;

    if (counts == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    memset(counts, 0, (size_t)n_counts * sizeof *counts);
    status = ways == 2 ? count_rows(in, 2, counts, call, error)
                       : count_rows(in, ways, counts, call, error);
    if (status != RR_OK) {
        goto out;
    }
    if (ways == 2) {
        put_counts(in, 2, counts, cells, n_cells);
    } else {
        put_counts(in, ways, counts, cells, n_cells);
    }
out:
    free(counts);
    return status;
}

/* Many days or groups, most of them empty: the rows in order, packed as group | day | cause. */
static rr_status days_by_sorting(const leavers *in, const rr_cells *cells, int64_t *n_cells,
                                 const rr_call *call, rr_error *error)
{
    const rr_grouped *rows = in->rows;
    rr_packed pack = {NULL, NULL, 0};
    int day_bits = rr_bits((uint64_t)in->longest), cause_bits = rr_bits((uint64_t)in->n_causes);
    int ways = in->n_causes + 1, bits = rr_group_bits(rows) + day_bits + cause_bits;
    uint64_t day_mask = (UINT64_C(1) << day_bits) - 1;
    uint64_t cause_mask = (UINT64_C(1) << cause_bits) - 1;
    int64_t at = 0;
    rr_status status = RR_OK;

    if (bits > 64) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "more groups, days and causes than can be counted");
    }
    status = rr_packed_make(&pack, rows->n, error);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t i = 0; i < rows->n; i++) {
        int64_t g = rr_group_of(rows, i);

        if (g == RR_NOT_COUNTED) {
            continue;
        }
        if (!is_leaver(in, ways, g, i)) {
            status = fail_leaver(in, g, i, error);
            goto out;
        }
        pack.words[pack.n++] = ((uint64_t)g << day_bits | (uint64_t)in->duration[i]) << cause_bits |
                               (uint64_t)in->cause[i];
    }
    status = rr_packed_sort(&pack, cause_bits, bits, call, error);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t g = 0; g < rows->n_groups; g++) {
        int64_t left[RR_CAUSES_MAX + 1];
        size_t size = (size_t)ways * sizeof *left;

        if (at == pack.n || pack.sorted[at] >> cause_bits != (uint64_t)g << day_bits) {
            memset(left, 0, size);
            put_cell(cells, n_cells, g, 0, left, ways);
        }
        while (at < pack.n && pack.sorted[at] >> cause_bits >> day_bits == (uint64_t)g) {
            uint64_t key = pack.sorted[at] >> cause_bits;

            memset(left, 0, size);
            for (; at < pack.n && pack.sorted[at] >> cause_bits == key; at++) {
                left[pack.sorted[at] & cause_mask]++;
            }
            put_cell(cells, n_cells, g, (int64_t)(key & day_mask), left, ways);
        }
    }
out:
    rr_packed_free(&pack);
    return status;
}

rr_status rr_tally_days(const rr_grouped *rows, const int32_t *duration, const int8_t *cause,
                        int n_causes, int32_t longest, const rr_cells *cells, int64_t *n_cells,
                        const rr_call *call, rr_error *error)
{
    const leavers in = {rows, duration, cause, n_causes, longest};
    rr_status status = rr_check_grouped(rows, error);
    int64_t few;

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
    /* At 4 bytes a counter this is the memory of the sort, plus 1 MiB. The counters are 32 bits
     * wide, so that twice as many stay in the cache. */
    few = rows->n <= UINT32_MAX ? 4 * rows->n + FREE_COUNTS : 0;
    return rows->n_groups <= few / (n_causes + 1) / ((int64_t)longest + 1)
               ? days_by_counting(&in, cells, n_cells, call, error)
               : days_by_sorting(&in, cells, n_cells, call, error);
}
