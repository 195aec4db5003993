/* Rows that leave, counted by group, day and way to leave, each of which has a counter. Most are small
 * numbers: a counter is one byte, so that the counters of some thousand groups and a year stay in the
 * cache, every thread has its own, and what a byte cannot hold is written down apart. A row then costs
 * about as much as reading it (4 million rows, 3,060 groups, 2 threads: 4 ms; with counters of four
 * bytes 7). The cells are counted from the bytes, and written group by group from the sum of them. */
#include "day_cells.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT_ROWS = 1 << 8, TASKS_MAX = 64 };

/* A counter that would pass 255 goes on from 1, and the 255 are written down: so a counter is 0 exactly
 * if nothing was counted. */
enum { FULL = 255 };

typedef struct counters {
    const rr_day_rows *in;
    int64_t n; /* counters: by group, then day, then way to leave */
    int workers;
    uint8_t *counts;   /* by worker, then counter */
    uint64_t *full;    /* by worker: counters that were full */
    int64_t full_room; /* of a worker */
    int64_t *n_full;   /* by worker */
    int64_t n_tasks;   /* runs of groups */
    int64_t *n_cells;  /* by task, then where its cells begin */
    uint32_t *sums;    /* by worker: the counters of a group */
} counters;

/* The counters of the rows of a block, which all count. Whether all of them are right is asked once for
 * the block: so the loop has no branch, and becomes vector instructions. */
static int find_counters(const rr_day_rows *in, int64_t start, int n, uint32_t *counter)
{
    const int32_t *group = in->rows->group, *duration = in->duration + start;
    const int8_t *cause = in->cause + start;
    uint32_t n_groups = (uint32_t)in->rows->n_groups, days = (uint32_t)in->longest + 1;
    uint32_t ways = (uint32_t)in->n_causes + 1, wrong = 0;

    for (int i = 0; i < n; i++) {
        uint32_t g = group == NULL ? 0 : (uint32_t)group[start + i];
        uint32_t day = (uint32_t)duration[i], way = (uint8_t)cause[i];

        wrong |= (uint32_t)(g >= n_groups) | (uint32_t)(day >= days) | (uint32_t)(way >= ways);
        counter[i] = (g * days + day) * ways + way;
    }
    return !wrong;
}

/* The same where some rows do not count. */
static int find_counters_of_used(const rr_day_rows *in, int64_t start, int64_t end,
                                 uint32_t *counter, int *n)
{
    const rr_grouped *rows = in->rows;
    uint32_t days = (uint32_t)in->longest + 1, ways = (uint32_t)in->n_causes + 1;
    int wrong = 0, counted = 0;

    for (int64_t i = start; i < end; i++) {
        uint32_t g = rows->group == NULL ? 0 : (uint32_t)rows->group[i];
        int used = rows->use[i] != 0;

        wrong |= used & rr_is_wrong_day_row(in, i);
        counter[counted] = (g * days + (uint32_t)in->duration[i]) * ways + (uint8_t)in->cause[i];
        counted += used;
    }
    *n = counted;
    return !wrong;
}

static rr_status count_rows(void *job, int64_t task, int worker, rr_error *error)
{
    const counters *to = job;
    const rr_day_rows *in = to->in;
    uint8_t *counts = to->counts + worker * to->n;
    uint64_t *full = to->full + worker * to->full_room;
    int64_t n_tasks = rr_row_tasks(in->rows->n), n_full = to->n_full[worker];
    int64_t last = rr_chunk_start(in->rows->n, task + 1, n_tasks);

    for (int64_t start = rr_chunk_start(in->rows->n, task, n_tasks), end; start < last;
         start = end) {
        uint32_t counter[COUNT_ROWS];
        int n, right;

        end = rr_block_end(start, last, COUNT_ROWS);
        n = (int)(end - start);
        right = in->rows->use == NULL ? find_counters(in, start, n, counter)
                                      : find_counters_of_used(in, start, end, counter, &n);
        if (!right) {
            return rr_fail_day_row(in, start, error);
        }
        for (int j = 0; j < n; j++) {
            if (++counts[counter[j]] == 0) {
                counts[counter[j]] = 1;
                full[n_full++] = counter[j];
            }
        }
    }
    to->n_full[worker] = n_full;
    return RR_OK;
}

/* The rows that left a group, by day and way: the sum of what the workers counted; of no more use than
 * for being 0 or not, until what was full is added. */
static void sum_group(const counters *of, int64_t g, uint32_t *sums)
{
    int64_t n = of->n / of->in->rows->n_groups;

    memset(sums, 0, (size_t)n * sizeof *sums);
    for (int w = 0; w < of->workers; w++) {
        const uint8_t *counts = of->counts + w * of->n + g * n;

        for (int64_t c = 0; c < n; c++) {
            sums[c] += counts[c];
        }
    }
}

static inline int has_cell(const uint32_t *left, int64_t day, int ways)
{
    uint32_t any = 0;

    for (int k = 0; k < ways; k++) {
        any |= left[k];
    }
    return day == 0 || any != 0;
}

static inline int64_t count_group(const uint32_t *sums, int64_t days, int ways)
{
    int64_t n = 0;

    for (int64_t day = 0; day < days; day++) {
        n += has_cell(sums + day * ways, day, ways);
    }
    return n;
}

/* With one cause, which most curves have, the number of ways is a constant that the compiler knows,
 * here and where cells are written. */
static rr_status count_cells(void *job, int64_t task, int worker, rr_error *error)
{
    const counters *of = job;
    const rr_day_rows *in = of->in;
    int64_t end = rr_chunk_start(in->rows->n_groups, task + 1, of->n_tasks), n = 0;
    int64_t days = (int64_t)in->longest + 1;
    uint32_t *sums = of->sums + worker * (of->n / in->rows->n_groups);

    (void)error;
    for (int64_t g = rr_chunk_start(in->rows->n_groups, task, of->n_tasks); g < end; g++) {
        sum_group(of, g, sums);
        n += in->n_causes == 1 ? count_group(sums, days, 2)
                               : count_group(sums, days, in->n_causes + 1);
    }
    of->n_cells[task] = n;
    return RR_OK;
}

static inline int64_t put_group(const rr_day_rows *in, int64_t at, int64_t g, const uint32_t *sums,
                                int ways)
{
    for (int64_t day = 0; day <= in->longest; day++) {
        int64_t left[RR_CAUSES_MAX + 1];

        if (!has_cell(sums + day * ways, day, ways)) {
            continue;
        }
        for (int k = 0; k < ways; k++) {
            left[k] = sums[day * ways + k];
        }
        rr_put_cell(in->cells, at++, g, day, left, ways);
    }
    return at;
}

/* The first of the counters that were full, which lie in order, that is not below `counter`. */
static int64_t find_full(const counters *of, int64_t n_full, uint64_t counter)
{
    int64_t low = 0, high = n_full;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (of->full[middle] < counter) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static rr_status put_cells(void *job, int64_t task, int worker, rr_error *error)
{
    const counters *of = job;
    const rr_day_rows *in = of->in;
    int64_t first = rr_chunk_start(in->rows->n_groups, task, of->n_tasks);
    int64_t end = rr_chunk_start(in->rows->n_groups, task + 1, of->n_tasks);
    int64_t n = of->n / in->rows->n_groups, at = of->n_cells[task];
    int64_t full = find_full(of, of->n_full[0], (uint64_t)(first * n));
    uint32_t *sums = of->sums + worker * n;

    (void)error;
    for (int64_t g = first; g < end; g++) {
        sum_group(of, g, sums);
        for (; full < of->n_full[0] && of->full[full] < (uint64_t)((g + 1) * n); full++) {
            sums[of->full[full] - (uint64_t)(g * n)] += FULL;
        }
        at = in->n_causes == 1 ? put_group(in, at, g, sums, 2)
                               : put_group(in, at, g, sums, in->n_causes + 1);
    }
    return RR_OK;
}

/* All that was full, in order, in the place of the first worker's. */
static rr_status gather_full(counters *of, rr_error *error)
{
    int64_t n = of->n_full[0];
    uint64_t *scratch;

    for (int w = 1; w < of->workers; w++) {
        memmove(of->full + n, of->full + w * of->full_room,
                (size_t)of->n_full[w] * sizeof *of->full);
        n += of->n_full[w];
    }
    of->n_full[0] = n;
    scratch = rr_allocate(n, sizeof *scratch);
    if (scratch == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    rr_sort_words(of->full, NULL, scratch, NULL, n, 0, rr_bits((uint64_t)of->n));
    free(scratch);
    return RR_OK;
}

rr_status rr_cells_by_counting(const rr_day_rows *in, int64_t n_counters, int64_t *n_cells,
                               const rr_call *call, rr_error *error)
{
    int64_t n_groups = in->rows->n_groups, sum = 0;
    rr_call limited = rr_on_threads(call, 4 * in->rows->n / n_counters + 1);
    counters of = {.in = in, .n = n_counters};
    rr_status status = RR_OK;

    of.workers = rr_workers(&limited, INT64_MAX);
    of.full_room = in->rows->n / FULL + 1;
    of.n_tasks = n_groups < TASKS_MAX ? n_groups : TASKS_MAX;
    of.counts = rr_allocate(of.workers * of.n, sizeof *of.counts);
    of.full = rr_allocate(of.workers * of.full_room, sizeof *of.full);
    of.n_full = rr_allocate(of.workers, sizeof *of.n_full);
    of.n_cells = rr_allocate(of.n_tasks, sizeof *of.n_cells);
    of.sums = rr_allocate(of.workers * (of.n / n_groups), sizeof *of.sums);
    if (of.counts == NULL || of.full == NULL || of.n_full == NULL || of.n_cells == NULL ||
        of.sums == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    memset(of.counts, 0, (size_t)(of.workers * of.n));
    memset(of.n_full, 0, (size_t)of.workers * sizeof *of.n_full);
    status = rr_run(count_rows, &of, rr_row_tasks(in->rows->n), &limited, error);
    if (status != RR_OK) {
        goto out;
    }
    status = gather_full(&of, error);
    if (status != RR_OK) {
        goto out;
    }
    status = rr_run(count_cells, &of, of.n_tasks, &limited, error);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t t = 0; t < of.n_tasks; t++) {
        int64_t n = of.n_cells[t];

        of.n_cells[t] = sum;
        sum += n;
    }
    *n_cells = sum;
    status = rr_run(put_cells, &of, of.n_tasks, &limited, error);
out:
    free(of.counts);
    free(of.full);
    free(of.n_full);
    free(of.n_cells);
    free(of.sums);
    return status;
}
