/* The rows that conditions leave, and how many each of them leaves.
 *
 * Rows are taken a block at a time. All conditions are put to a block while it lies in the first cache,
 * so that its marks, and a column that several conditions ask about, come from memory once. What is
 * left to do is a comparison in vector code.
 *
 * On two threads 10 M numbers of 8 bytes take about 2.5 ms, which is what reading them takes; three
 * conditions on them 4, in place of 7.5. In blocks that fill the second cache it is a third more.
 * AVX-512 took a tenth less, and was not kept. */
#include "marks.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum { TASK_ROWS = 1 << 18, BLOCK_ROWS = 1024 };

/* Loops over numbers of one size, in their own type: of wider ones fewer go into a vector. How far a
 * number lies above `low`, modulo the type, is more than the length of the interval exactly where it
 * lies outside. Vectors of 64 bits are compared as signed numbers; so there both sides are turned. */
RR_INLINE void miss_8(const uint8_t *restrict numbers, int64_t n, rr_interval of, int first,
                      uint8_t *restrict missed)
{
    const uint8_t low = (uint8_t)of.low, length = (uint8_t)(of.high - of.low);

    for (int64_t i = 0; i < n; i++) {
        missed[i] = (first | missed[i]) & ((uint8_t)(numbers[i] - low) > length);
    }
}

RR_INLINE void miss_16(const uint16_t *restrict numbers, int64_t n, rr_interval of, int first,
                       uint8_t *restrict missed)
{
    const uint16_t low = (uint16_t)of.low, length = (uint16_t)(of.high - of.low);

    for (int64_t i = 0; i < n; i++) {
        missed[i] = (first | missed[i]) & ((uint16_t)(numbers[i] - low) > length);
    }
}

RR_INLINE void miss_32(const uint32_t *restrict numbers, int64_t n, rr_interval of, int first,
                       uint8_t *restrict missed)
{
    const uint32_t low = (uint32_t)of.low, length = (uint32_t)(of.high - of.low);

    for (int64_t i = 0; i < n; i++) {
        missed[i] = (first | missed[i]) & (numbers[i] - low > length);
    }
}

RR_INLINE void miss_64(const uint64_t *restrict numbers, int64_t n, rr_interval of, int first,
                       uint8_t *restrict missed)
{
    const uint64_t turn = UINT64_C(1) << 63, low = (uint64_t)of.low + turn;
    const int64_t length = (int64_t)((uint64_t)of.high - (uint64_t)of.low + turn);

    for (int64_t i = 0; i < n; i++) {
        missed[i] = (first | missed[i]) & ((int64_t)(numbers[i] - low) > length);
    }
}

RR_INLINE void miss_interval(const rr_condition *c, rr_interval of, int64_t start, int64_t n,
                             int first, uint8_t *missed)
{
    switch (c->size) {
    case 1:
        miss_8((const uint8_t *)c->numbers + start, n, of, first, missed);
        break;
    case 2:
        miss_16((const uint16_t *)c->numbers + start, n, of, first, missed);
        break;
    case 4:
        miss_32((const uint32_t *)c->numbers + start, n, of, first, missed);
        break;
    default:
        miss_64((const uint64_t *)c->numbers + start, n, of, first, missed);
        break;
    }
}

/* missed[i] = 1 where row start + i lies in none of the intervals. */
RR_INLINE void miss_intervals(const rr_condition *c, int64_t start, int64_t n, uint8_t *missed)
{
    const int64_t most = INT64_MAX >> (64 - 8 * c->size), least = -most - 1;
    int first = 1;

    for (int k = 0; k < c->n_intervals; k++) {
        rr_interval of = c->intervals[k];

        of.low = of.low > least ? of.low : least;
        of.high = of.high < most ? of.high : most;
        if (of.low > of.high) {
            continue;
        }
        if (first) {
            miss_interval(c, of, start, n, 1, missed);
        } else {
            miss_interval(c, of, start, n, 0, missed);
        }
        first = 0;
    }
    if (first) {
        memset(missed, 1, (size_t)n);
    }
}

RR_INLINE int64_t number_at(const void *numbers, int size, int64_t i)
{
    return size == 1   ? ((const int8_t *)numbers)[i]
           : size == 2 ? ((const int16_t *)numbers)[i]
           : size == 4 ? ((const int32_t *)numbers)[i]
                       : ((const int64_t *)numbers)[i];
}

RR_INLINE void miss_table(const rr_condition *c, int size, int64_t start, int64_t n,
                          uint8_t *restrict missed)
{
    const void *numbers = c->numbers;
    const uint8_t *among = c->among;
    const uint64_t n_among = (uint64_t)c->n_among;

    for (int64_t i = 0; i < n; i++) {
        uint64_t number = (uint64_t)number_at(numbers, size, start + i);

        missed[i] = number >= n_among || among[number] == 0;
    }
}

RR_INLINE void miss_block(const rr_condition *c, int64_t start, int64_t n, uint8_t *missed)
{
    if (c->among == NULL) {
        miss_intervals(c, start, n, missed);
        return;
    }
    switch (c->size) {
    case 1:
        miss_table(c, 1, start, n, missed);
        break;
    case 2:
        miss_table(c, 2, start, n, missed);
        break;
    case 4:
        miss_table(c, 4, start, n, missed);
        break;
    default:
        miss_table(c, 8, start, n, missed);
        break;
    }
}

typedef struct leaving {
    const rr_condition *conditions;
    int64_t n_conditions;
    const uint8_t *before;
    int64_t n;
    uint8_t *const *left;
    int64_t *n_left; /* by worker, then condition */
} leaving;

/* `all` marks every row. */
RR_INLINE void ask_block(const leaving *job, const uint8_t *all, int64_t start, int64_t n,
                         int64_t *n_left)
{
    uint8_t missed[BLOCK_ROWS], room[BLOCK_ROWS];
    const uint8_t *before = job->before == NULL ? all : job->before + start;

    for (int64_t k = 0; k < job->n_conditions; k++) {
        uint8_t *left = job->left[k] == NULL ? room : job->left[k] + start;
        uint32_t count = 0;

        miss_block(&job->conditions[k], start, n, missed);
        for (int64_t i = 0; i < n; i++) {
            left[i] = before[i] > missed[i]; /* of marks: marked and not missed */
            count += left[i];
        }
        n_left[k] += count;
        before = left;
    }
}

#if RR_X86_64
__attribute__((target("avx2"))) static void ask_by_avx2(const leaving *job, const uint8_t *all,
                                                        int64_t start, int64_t n, int64_t *n_left)
{
    ask_block(job, all, start, n, n_left);
}
#endif

static void ask_some(const leaving *job, const uint8_t *all, int64_t start, int64_t n,
                     int64_t *n_left)
{
#if RR_X86_64
    if (__builtin_cpu_supports("avx2")) {
        ask_by_avx2(job, all, start, n, n_left);
        return;
    }
#endif
    ask_block(job, all, start, n, n_left);
}

static rr_status ask_rows(void *given, int64_t task, int worker, rr_error *error)
{
    const leaving *job = given;
    int64_t from = task * TASK_ROWS;
    int64_t to = job->n - from < TASK_ROWS ? job->n : from + TASK_ROWS;
    uint8_t all[BLOCK_ROWS];

    (void)error;
    memset(all, 1, sizeof all);
    for (int64_t i = from; i < to; i += BLOCK_ROWS) {
        ask_some(job, all, i, to - i < BLOCK_ROWS ? to - i : BLOCK_ROWS,
                 job->n_left + worker * job->n_conditions);
    }
    return RR_OK;
}

rr_status rr_rows_left(const rr_condition *conditions, int64_t n_conditions, const uint8_t *before,
                       int64_t n, uint8_t *const *left, int64_t *n_left, const rr_call *call,
                       rr_error *error)
{
    int64_t n_tasks = n / TASK_ROWS + (n % TASK_ROWS != 0);
    int workers = rr_workers(call, n_tasks);
    leaving job = {conditions, n_conditions, before, n, left, NULL};
    rr_status status;

    if (n_conditions < 1) {
        return rr_fail(error, RR_ERR_ARGUMENT, "at least one condition must be put");
    }
    for (int64_t k = 0; k < n_conditions; k++) {
        int size = conditions[k].size, n_intervals = conditions[k].n_intervals;

        if ((size != 1 && size != 2 && size != 4 && size != 8) || n_intervals < 0 ||
            n_intervals > RR_INTERVALS_MAX) {
            return rr_fail(error, RR_ERR_ARGUMENT, "no such condition");
        }
    }
    job.n_left = rr_allocate(workers * n_conditions, sizeof *job.n_left);
    if (job.n_left == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    memset(job.n_left, 0, (size_t)(workers * n_conditions) * sizeof *job.n_left);
    status = rr_run(ask_rows, &job, n_tasks, call, error);
    for (int64_t k = 0; k < n_conditions; k++) {
        n_left[k] = 0;
        for (int w = 0; w < workers; w++) {
            n_left[k] += job.n_left[w * n_conditions + k];
        }
    }
    free(job.n_left);
    return status;
}
