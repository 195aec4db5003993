/* Where groups and days are few for the rows, each way to leave on a day has a counter. Most are small
 * numbers: a counter is one byte, so that the counters of some thousand groups and a year stay in the
 * cache, every thread has its own, and what a byte cannot hold is written down apart. A row then costs
 * about as much as reading it (4 million rows, 3,060 groups, 2 threads: 4 ms; with counters of four
 * bytes 7). The cells are counted from the bytes, and written group by group from the sum of them.
 *
 * Otherwise most counters would stay 0, and the rows are put in order instead. */
#include "tally_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FREE_COUNTS = 1 << 18, COUNT_ROWS = 1 << 8, TASKS_MAX = 64 };

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

/* The rows to tally, and how they leave. */
typedef struct leavers {
    const rr_grouped *rows;
    const int32_t *duration;
    const int8_t *cause;
    int n_causes;
    int32_t longest;
    const rr_cells *cells;
} leavers;

/* Whether a row that counts is not what it must be. A negative code, duration or cause comes out above
 * every limit. */
static inline int is_wrong(const leavers *in, int64_t row)
{
    uint32_t g = in->rows->group == NULL ? 0 : (uint32_t)in->rows->group[row];

    return (g >= (uint32_t)in->rows->n_groups) |
           ((uint32_t)in->duration[row] > (uint32_t)in->longest) |
           ((uint8_t)in->cause[row] > in->n_causes);
}

/* The failure of the first row, from `row` on, that counts and is wrong. There must be one. */
static rr_status fail_leaver(const leavers *in, int64_t row, rr_error *error)
{
    char digits[16];

    while (rr_group_of(in->rows, row) == RR_NOT_COUNTED || !is_wrong(in, row)) {
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

/* `counts` holds the censored, then the rows that left by each cause. */
static inline void put_cell(const rr_cells *cells, int64_t at, int64_t group, int64_t day,
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

/* ---------------------------------------------------------------- counters */

/* A counter that would pass 255 goes on from 1, and the 255 are written down: so a counter is 0 exactly
 * if nothing was counted. */
enum { FULL = 255 };

typedef struct counters {
    const leavers *in;
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
static int find_counters(const leavers *in, int64_t start, int n, uint32_t *counter)
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
static int find_counters_of_used(const leavers *in, int64_t start, int64_t end, uint32_t *counter,
                                 int *n)
{
    const rr_grouped *rows = in->rows;
    uint32_t days = (uint32_t)in->longest + 1, ways = (uint32_t)in->n_causes + 1;
    int wrong = 0, counted = 0;

    for (int64_t i = start; i < end; i++) {
        uint32_t g = rows->group == NULL ? 0 : (uint32_t)rows->group[i];
        int used = rows->use[i] != 0;

        wrong |= used & is_wrong(in, i);
        counter[counted] = (g * days + (uint32_t)in->duration[i]) * ways + (uint8_t)in->cause[i];
        counted += used;
    }
    *n = counted;
    return !wrong;
}

static rr_status count_rows(void *job, int64_t task, int worker, rr_error *error)
{
    const counters *to = job;
    const leavers *in = to->in;
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
            return fail_leaver(in, start, error);
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
    const leavers *in = of->in;
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

static inline int64_t put_group(const leavers *in, int64_t at, int64_t g, const uint32_t *sums,
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
        put_cell(in->cells, at++, g, day, left, ways);
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
    const leavers *in = of->in;
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

static rr_status days_by_counting(const leavers *in, int64_t n_counters, int64_t *n_cells,
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

/* ---------------------------------------------------------------- in order */

/* Every group has a cell for day 0, and every later day on which a row leaves has one. The cells of a
 * part begin where the cells of the days before, and of day 0 of the groups before, end. */
typedef struct ordered {
    const leavers *in;
    int cause_bits;
    int day_bits;
    rr_packed dealt;
    uint64_t *scratch;    /* by worker: room for a part */
    int64_t *later;       /* by part: cells of later days than 0; then, in the parts before */
    int64_t *first_group; /* by part: the first of which no part before has a row */
} ordered;

/* group | day | cause. */
static rr_status pack_leavers(const void *job, int64_t start, int64_t end, uint64_t *words,
                              int64_t *n, rr_error *error)
{
    const ordered *by = job;
    const leavers *in = by->in;
    int64_t counted = 0;

    for (int64_t i = start; i < end; i++) {
        int64_t g = rr_group_of(in->rows, i);

        if (g == RR_NOT_COUNTED) {
            continue;
        }
        if (is_wrong(in, i)) {
            return fail_leaver(in, i, error);
        }
        words[counted++] = ((uint64_t)g << by->day_bits | (uint64_t)in->duration[i])
                               << by->cause_bits |
                           (uint64_t)in->cause[i];
    }
    *n = counted;
    return RR_OK;
}

static rr_status sort_part(void *job, int64_t part, int worker, rr_error *error)
{
    const ordered *by = job;
    uint64_t day_mask = (UINT64_C(1) << by->day_bits) - 1, *words;
    int64_t n = rr_sort_part(&by->dealt, part, by->scratch + worker * by->dealt.largest, &words);
    int64_t later = 0;

    (void)error;
    for (int64_t i = 0; i < n; i++) {
        uint64_t key = words[i] >> by->cause_bits;

        later += (key & day_mask) != 0 && (i == 0 || words[i - 1] >> by->cause_bits != key);
    }
    by->later[part] = later;
    by->first_group[part] = n == 0 ? 0
                                   : (int64_t)(words[n - 1] >> by->cause_bits >> by->day_bits) + 1;
    return RR_OK;
}

/* Day 0 of the groups from `group` up to `end`, of which no row leaves on it. */
static int64_t put_empty(const leavers *in, int64_t at, int64_t group, int64_t end)
{
    static const int64_t nobody[RR_CAUSES_MAX + 1];

    for (; group < end; group++) {
        put_cell(in->cells, at++, group, 0, nobody, in->n_causes + 1);
    }
    return at;
}

static rr_status put_part(void *job, int64_t part, int worker, rr_error *error)
{
    const ordered *by = job;
    const leavers *in = by->in;
    const uint64_t *words = by->dealt.words + by->dealt.start[part];
    uint64_t cause_mask = (UINT64_C(1) << by->cause_bits) - 1;
    uint64_t day_mask = (UINT64_C(1) << by->day_bits) - 1;
    int64_t n = by->dealt.start[part + 1] - by->dealt.start[part];
    int64_t next = by->first_group[part], at = next + by->later[part];
    int ways = in->n_causes + 1;

    (void)worker;
    (void)error;
    for (int64_t i = 0; i < n;) {
        uint64_t key = words[i] >> by->cause_bits;
        int64_t day = (int64_t)(key & day_mask), g = (int64_t)(key >> by->day_bits);
        int64_t left[RR_CAUSES_MAX + 1];

        at = put_empty(in, at, next, g + (day > 0));
        next = g + 1;
        memset(left, 0, (size_t)ways * sizeof *left);
        for (; i < n && words[i] >> by->cause_bits == key; i++) {
            left[words[i] & cause_mask]++;
        }
        put_cell(in->cells, at++, g, day, left, ways);
    }
    return RR_OK;
}

static rr_status days_by_sorting(const leavers *in, int64_t *n_cells, const rr_call *call,
                                 rr_error *error)
{
    ordered by = {.in = in,
                  .cause_bits = rr_bits((uint64_t)in->n_causes),
                  .day_bits = rr_bits((uint64_t)in->longest)};
    rr_packing packing = {pack_leavers, &by, in->rows->n, 0, by.cause_bits};
    int64_t later = 0, next = 0;
    rr_call limited;
    rr_status status;

    packing.bits = rr_group_bits(in->rows) + by.day_bits + by.cause_bits;
    if (packing.bits > 64) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "more groups, days and causes than can be counted");
    }
    status = rr_pack(&packing, &by.dealt, call, error);
    if (status != RR_OK) {
        goto out;
    }
    limited = rr_sorters(&by.dealt, call);
    by.scratch = rr_allocate(rr_workers(&limited, by.dealt.n_parts) * by.dealt.largest,
                             sizeof *by.scratch);
    by.later = rr_allocate(by.dealt.n_parts, sizeof *by.later);
    by.first_group = rr_allocate(by.dealt.n_parts, sizeof *by.first_group);
    if (by.scratch == NULL || by.later == NULL || by.first_group == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    status = rr_run(sort_part, &by, by.dealt.n_parts, &limited, error);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t p = 0; p < by.dealt.n_parts; p++) {
        int64_t mine = by.later[p], end = by.first_group[p];

        by.later[p] = later;
        by.first_group[p] = next;
        later += mine;
        next = end > next ? end : next;
    }
    status = rr_run(put_part, &by, by.dealt.n_parts, call, error);
    *n_cells = put_empty(in, next + later, next, in->rows->n_groups);
out:
    free(by.scratch);
    free(by.later);
    free(by.first_group);
    rr_packed_free(&by.dealt);
    return status;
}

rr_status rr_tally_days(const rr_grouped *rows, const int32_t *duration, const int8_t *cause,
                        int n_causes, int32_t longest, const rr_cells *cells, int64_t *n_cells,
                        const rr_call *call, rr_error *error)
{
    const leavers in = {rows, duration, cause, n_causes, longest, cells};
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
               ? days_by_counting(&in, rows->n_groups * days * ways, n_cells, call, error)
               : days_by_sorting(&in, n_cells, call, error);
}
