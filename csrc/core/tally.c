#include "tally_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* floor(sqrt(INT64_MAX)): up to here the square of a number of rows fits. */
static const int64_t CLUSTERED_ROWS_MAX = INT64_C(3037000499);

rr_status rr_fail_group(rr_error *error, int64_t row)
{
    return rr_fail_row(error, RR_ERR_ARGUMENT, row,
                       "a group code is not below the number of groups");
}

rr_status rr_fail_duration(rr_error *error, int64_t row, int32_t duration)
{
    char digits[16];

    rr_fail_row(error, RR_ERR_VALUE, row,
                duration < 0 ? "a duration is negative" : "a duration is longer than the longest");
    rr_fail_value(error, digits, snprintf(digits, sizeof digits, "%ld", (long)duration));
    return RR_ERR_VALUE;
}

rr_status rr_check_grouped(const rr_grouped *rows, rr_error *error)
{
    if (rows->n < 0 || rows->n_groups < 0) {
        return rr_fail(error, RR_ERR_ARGUMENT, "a negative number of rows or groups");
    }
    if (rows->n_groups > INT32_MAX) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "more groups than can be counted");
    }
    return RR_OK;
}

int rr_group_bits(const rr_grouped *rows)
{
    return rr_bits(rows->n_groups == 0 ? 0 : (uint64_t)rows->n_groups - 1);
}

static void zero(int64_t *counts, int64_t n)
{
    if (counts != NULL) {
        memset(counts, 0, (size_t)n * sizeof *counts);
    }
}

rr_status rr_tally(const rr_grouped *rows, const uint8_t *hit, int64_t *n, int64_t *linked,
                   const rr_call *call, rr_error *error)
{
    rr_status status = rr_check_grouped(rows, error);

    if (status != RR_OK) {
        return status;
    }
    zero(n, rows->n_groups);
    zero(linked, rows->n_groups);
    for (int64_t start = 0; start < rows->n; start += RR_POLL_ROWS) {
        int64_t end = rr_block_end(start, rows->n, RR_POLL_ROWS);

        if (rr_stopped(call, start, rows->n)) {
            return rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        }
        for (int64_t i = start; i < end; i++) {
            int64_t g = rr_group_of(rows, i);

            if (g == RR_NOT_COUNTED) {
                continue;
            }
            if (g >= rows->n_groups) {
                return rr_fail_group(error, i);
            }
            if (n != NULL) {
                n[g]++;
            }
            if (linked != NULL) {
                linked[g] += hit[i] != 0;
            }
        }
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- clusters */

static void add_cluster(const rr_cluster_sums *sums, uint64_t group, int64_t n, int64_t x)
{
    if (sums->clusters != NULL) {
        sums->clusters[group]++;
    }
    if (sums->n_squared != NULL) {
        sums->n_squared[group] += n * n;
    }
    if (sums->n_linked != NULL) {
        sums->n_linked[group] += n * x;
    }
    if (sums->linked_squared != NULL) {
        sums->linked_squared[group] += x * x;
    }
}

rr_status rr_tally_clusters(const rr_grouped *rows, const uint32_t *cluster, const uint8_t *hit,
                            const rr_cluster_sums *sums, const rr_call *call, rr_error *error)
{
    rr_packed pack = {NULL, NULL, 0};
    rr_status status = rr_check_grouped(rows, error);
    int group_bits = rr_group_bits(rows);
    uint64_t group_mask = (UINT64_C(1) << group_bits) - 1;
    uint32_t largest = 0;

    if (status != RR_OK) {
        return status;
    }
    if (rows->n > CLUSTERED_ROWS_MAX) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "more rows than can be counted in clusters");
    }
    zero(sums->clusters, rows->n_groups);
    zero(sums->n_squared, rows->n_groups);
    zero(sums->n_linked, rows->n_groups);
    zero(sums->linked_squared, rows->n_groups);
    status = rr_packed_make(&pack, rows->n, error);
    if (status != RR_OK) {
        goto out;
    }
    /* cluster | group | hit: 32 bits, at most 31, and 1. */
    for (int64_t i = 0; i < rows->n; i++) {
        int64_t g = rr_group_of(rows, i);

        if (g == RR_NOT_COUNTED) {
            continue;
        }
        if (g >= rows->n_groups) {
            status = rr_fail_group(error, i);
            goto out;
        }
        if (cluster[i] == RR_NULL_KEY) {
            status = rr_fail_row(error, RR_ERR_ARGUMENT, i, "a counted row has a null cluster");
            goto out;
        }
        largest = cluster[i] > largest ? cluster[i] : largest;
        pack.words[pack.n++] = ((uint64_t)cluster[i] << group_bits | (uint64_t)g) << 1 |
                               (uint64_t)(hit[i] != 0);
    }
    status = rr_packed_sort(&pack, 1, rr_bits(largest) + group_bits + 1, call, error);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t i = 0; i < pack.n;) {
        uint64_t key = pack.sorted[i] >> 1;
        int64_t n = 0, x = 0;

        for (; i < pack.n && pack.sorted[i] >> 1 == key; i++) {
            n++;
            x += (int64_t)(pack.sorted[i] & 1);
        }
        add_cluster(sums, key & group_mask, n, x);
    }
out:
    rr_packed_free(&pack);
    return status;
}
