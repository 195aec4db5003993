/* Rows are taken in tasks of some 100,000. Counts by group are kept once a thread and added up: they are
 * whole numbers, so that it does not matter which thread counted what. For sums over the clusters of a
 * group the rows are put in order by group, then cluster; a part of them writes the groups that are in
 * no other part, and leaves its first and its last group to be added afterwards. */
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

rr_call rr_on_threads(const rr_call *call, int64_t most)
{
    rr_call fewer = call == NULL ? (rr_call){.threads = 1} : *call;

    fewer.threads = fewer.threads > most ? (int)most : fewer.threads;
    return fewer;
}

static void zero(int64_t *counts, int64_t n)
{
    if (counts != NULL) {
        memset(counts, 0, (size_t)n * sizeof *counts);
    }
}

/* ---------------------------------------------------------------- rows and hits */

typedef struct tallying {
    const rr_grouped *rows;
    const uint8_t *hit;
    int64_t *counts; /* by worker, then group: rows that are not hit, and rows that are */
    int64_t apart;   /* elements of a worker */
} tallying;

/* All rows are one group: no row waits for the count of the one before. */
static void tally_alone(const tallying *in, int64_t start, int64_t end, int64_t *counts)
{
    const uint8_t *use = in->rows->use, *hit = in->hit;
    int64_t n = 0, x = 0;

    for (int64_t i = start; i < end; i++) {
        int used = use == NULL || use[i] != 0;

        n += used;
        x += used & (hit[i] != 0);
    }
    counts[0] += n - x;
    counts[1] += x;
}

static rr_status tally_rows(void *job, int64_t task, int worker, rr_error *error)
{
    const tallying *in = job;
    const rr_grouped *rows = in->rows;
    int64_t *counts = in->counts + worker * in->apart;
    int64_t n_tasks = rr_row_tasks(rows->n), end = rr_chunk_start(rows->n, task + 1, n_tasks);
    int64_t start = rr_chunk_start(rows->n, task, n_tasks);

    if (rows->group == NULL && rows->n_groups > 0) {
        tally_alone(in, start, end, counts);
        return RR_OK;
    }
    for (int64_t stop; start < end; start = stop) {
        uint16_t listed[RR_LISTED_ROWS];
        int64_t n;

        stop = rr_block_end(start, end, RR_LISTED_ROWS);
        n = rr_list_rows(rows->use, start, stop, listed);
        for (int64_t k = 0; k < n; k++) {
            const int64_t i = start + listed[k];
            const uint32_t g = rows->group == NULL ? 0 : (uint32_t)rows->group[i];

            if (g >= rows->n_groups) {
                return rr_fail_group(error, i);
            }
            counts[2 * (int64_t)g + (in->hit[i] != 0)]++;
        }
    }
    return RR_OK;
}

rr_status rr_tally(const rr_grouped *rows, const uint8_t *hit, int64_t *n, int64_t *linked,
                   const rr_call *call, rr_error *error)
{
    tallying in = {rows, hit, NULL, rr_apart(2 * rows->n_groups, sizeof *in.counts)};
    rr_status status = rr_check_grouped(rows, error);
    rr_call limited;
    int workers;

    if (status != RR_OK) {
        return status;
    }
    /* No more memory than the groups of the rows themselves take. */
    limited = rr_on_threads(call, rows->n / (4 * (rows->n_groups + 1)) + 1);
    workers = rr_workers(&limited, rr_row_tasks(rows->n));
    in.counts = rr_allocate(workers * in.apart, sizeof *in.counts);
    if (in.counts == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    zero(in.counts, workers * in.apart);
    status = rr_run(tally_rows, &in, rr_row_tasks(rows->n), &limited, error);
    for (int64_t g = 0; status == RR_OK && g < rows->n_groups; g++) {
        int64_t others = 0, hits = 0;

        for (int w = 0; w < workers; w++) {
            others += in.counts[w * in.apart + 2 * g];
            hits += in.counts[w * in.apart + 2 * g + 1];
        }
        if (n != NULL) {
            n[g] = others + hits;
        }
        if (linked != NULL) {
            linked[g] = hits;
        }
    }
    free(in.counts);
    return status;
}

/* ---------------------------------------------------------------- clusters */

typedef struct searching {
    const rr_grouped *rows;
    const uint32_t *cluster;
    uint32_t *largest; /* by task */
} searching;

static rr_status search_rows(void *job, int64_t task, int worker, rr_error *error)
{
    const searching *in = job;
    const uint8_t *use = in->rows->use;
    int64_t n = in->rows->n, n_tasks = rr_row_tasks(n);
    int64_t start = rr_chunk_start(n, task, n_tasks), end = rr_chunk_start(n, task + 1, n_tasks);
    uint32_t largest = 0;

    (void)worker;
    for (int64_t i = start; i < end; i++) {
        uint32_t cluster = use == NULL || use[i] ? in->cluster[i] : 0;

        largest = cluster > largest ? cluster : largest;
    }
    if (largest == RR_NULL_KEY) {
        for (int64_t i = start; i < end; i++) {
            if ((use == NULL || use[i]) && in->cluster[i] == RR_NULL_KEY) {
                return rr_fail_row(error, RR_ERR_ARGUMENT, i, "a counted row has a null cluster");
            }
        }
    }
    in->largest[task] = largest;
    return RR_OK;
}

rr_status rr_cluster_bits(const rr_grouped *rows, const uint32_t *cluster, int *bits,
                          const rr_call *call, rr_error *error)
{
    int64_t n_tasks = rr_row_tasks(rows->n);
    searching in = {rows, cluster, rr_allocate(n_tasks, sizeof *in.largest)};
    uint32_t largest = 0;
    rr_status status;

    if (in.largest == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    status = rr_run(search_rows, &in, n_tasks, call, error);
    for (int64_t t = 0; status == RR_OK && t < n_tasks; t++) {
        largest = in.largest[t] > largest ? in.largest[t] : largest;
    }
    *bits = rr_bits(largest);
    free(in.largest);
    return status;
}

/* What a cluster, or several, add to the sums of a group. */
typedef struct addends {
    int64_t group;
    int64_t clusters;
    int64_t n_squared;
    int64_t n_linked;
    int64_t linked_squared;
} addends;

typedef struct clustering {
    const rr_grouped *rows;
    const uint32_t *cluster;
    const uint8_t *hit;
    const rr_cluster_sums *sums;
    int cluster_bits;
    rr_packed dealt;
    uint64_t *scratch; /* by worker: room for a part */
    addends *edges;    /* by part: of its first and of its last group */
} clustering;

static inline uint64_t pack(const clustering *in, int64_t row, uint64_t group)
{
    return (group << in->cluster_bits | in->cluster[row]) << 1 | (uint64_t)(in->hit[row] != 0);
}

/* group | cluster | hit: at most 31 bits, 32 and 1. Whether a group is out of range is asked once for
 * the block, so that the loop has no branch. */
static rr_status pack_rows(const void *job, int64_t start, int64_t end, uint64_t *words, int64_t *n,
                           rr_error *error)
{
    const clustering *in = job;
    const int32_t *group = in->rows->group;
    const uint8_t *use = in->rows->use;
    uint32_t n_groups = (uint32_t)in->rows->n_groups, wrong = 0;
    int64_t counted = 0;

    for (int64_t i = start; use == NULL && i < end; i++) {
        uint32_t g = group == NULL ? 0 : (uint32_t)group[i];

        wrong |= (uint32_t)(g >= n_groups);
        words[i - start] = pack(in, i, g);
    }
    for (int64_t i = start; use != NULL && i < end; i++) {
        uint32_t g = group == NULL ? 0 : (uint32_t)group[i];

        wrong |= (uint32_t)(use[i] != 0) & (uint32_t)(g >= n_groups);
        words[counted] = pack(in, i, g);
        counted += use[i] != 0;
    }
    for (int64_t i = start; wrong && i < end; i++) {
        if (rr_group_of(in->rows, i) >= in->rows->n_groups) {
            return rr_fail_group(error, i);
        }
    }
    *n = use == NULL ? end - start : counted;
    return RR_OK;
}

static void add(const rr_cluster_sums *sums, const addends *of)
{
    if (sums->clusters != NULL) {
        sums->clusters[of->group] += of->clusters;
    }
    if (sums->n_squared != NULL) {
        sums->n_squared[of->group] += of->n_squared;
    }
    if (sums->n_linked != NULL) {
        sums->n_linked[of->group] += of->n_linked;
    }
    if (sums->linked_squared != NULL) {
        sums->linked_squared[of->group] += of->linked_squared;
    }
}

static rr_status add_part(void *job, int64_t part, int worker, rr_error *error)
{
    const clustering *in = job;
    addends *edges = in->edges + 2 * part, now;
    uint64_t *words;
    int64_t n = rr_sort_part(&in->dealt, part, in->scratch + worker * in->dealt.largest, &words);
    int is_first = 1;

    (void)error;
    memset(edges, 0, 2 * sizeof *edges);
    for (int64_t i = 0; i < n;) {
        int64_t group = (int64_t)(words[i] >> in->cluster_bits >> 1);

        now = (addends){group, 0, 0, 0, 0};
        while (i < n && (int64_t)(words[i] >> in->cluster_bits >> 1) == group) {
            uint64_t key = words[i] >> 1;
            int64_t rows = 0, hits = 0;

            for (; i < n && words[i] >> 1 == key; i++) {
                rows++;
                hits += (int64_t)(words[i] & 1);
            }
            now.clusters++;
            now.n_squared += rows * rows;
            now.n_linked += rows * hits;
            now.linked_squared += hits * hits;
        }
        if (is_first || i == n) {
            edges[!is_first] = now;
        } else {
            add(in->sums, &now);
        }
        is_first = 0;
    }
    return RR_OK;
}

rr_status rr_tally_clusters(const rr_grouped *rows, const uint32_t *cluster, const uint8_t *hit,
                            const rr_cluster_sums *sums, const rr_call *call, rr_error *error)
{
    clustering in = {.rows = rows, .cluster = cluster, .hit = hit, .sums = sums};
    rr_packing packing = {pack_rows, &in, rows->n, 0, 1};
    rr_status status = rr_check_grouped(rows, error);
    rr_call limited;

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
    status = rr_cluster_bits(rows, cluster, &in.cluster_bits, call, error);
    if (status != RR_OK) {
        return status;
    }
    packing.bits = rr_group_bits(rows) + in.cluster_bits + 1;
    status = rr_pack(&packing, &in.dealt, call, error);
    if (status != RR_OK) {
        goto out;
    }
    limited = rr_sorters(&in.dealt, call);
    in.edges = rr_allocate(in.dealt.n_parts, 2 * sizeof *in.edges);
    in.scratch = rr_allocate(rr_workers(&limited, in.dealt.n_parts) * in.dealt.largest,
                             sizeof *in.scratch);
    if (in.edges == NULL || in.scratch == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    status = rr_run(add_part, &in, in.dealt.n_parts, &limited, error);
    for (int64_t e = 0; status == RR_OK && e < 2 * in.dealt.n_parts; e++) {
        if (in.edges[e].clusters > 0) {
            add(sums, &in.edges[e]);
        }
    }
out:
    free(in.edges);
    free(in.scratch);
    rr_packed_free(&in.dealt);
    return status;
}
