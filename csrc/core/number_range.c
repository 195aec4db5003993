#include "columns.h"
#include "threads.h"

#include <stdlib.h>

enum { CHUNK_ROWS = 1 << 18 };

typedef struct range {
    int64_t least;
    int64_t most;
    int64_t n;
} range;

typedef struct ranging {
    const int64_t *numbers;
    const uint8_t *valid;
    int64_t n;
    range *ranges; /* by worker */
} ranging;

static void widen(range *all, range one)
{
    all->least = one.least < all->least ? one.least : all->least;
    all->most = one.most > all->most ? one.most : all->most;
    all->n += one.n;
}

static rr_status range_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const ranging *r = job;
    int64_t from = chunk * CHUNK_ROWS, to = from + CHUNK_ROWS;
    range own = {INT64_MAX, INT64_MIN, 0};

    (void)error;
    for (int64_t i = from; i < (to < r->n ? to : r->n); i++) {
        int64_t number = r->numbers[i];

        if (r->valid == NULL || r->valid[i]) {
            own.least = number < own.least ? number : own.least;
            own.most = number > own.most ? number : own.most;
            own.n++;
        }
    }
    widen(&r->ranges[worker], own);
    return RR_OK;
}

rr_status rr_number_range(const int64_t *numbers, const uint8_t *valid, int64_t n, int64_t *least,
                          int64_t *most, int64_t *n_valid, const rr_call *call, rr_error *error)
{
    int64_t chunks = n / CHUNK_ROWS + 1;
    int workers = rr_workers(call, chunks);
    ranging job = {numbers, valid, n, rr_allocate(workers, sizeof *job.ranges)};
    range all = {INT64_MAX, INT64_MIN, 0};
    rr_status status;

    if (job.ranges == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    for (int i = 0; i < workers; i++) {
        job.ranges[i] = all;
    }
    status = rr_run(range_chunk, &job, chunks, call, error);
    for (int i = 0; i < workers; i++) {
        widen(&all, job.ranges[i]);
    }
    free(job.ranges);
    *least = all.least;
    *most = all.most;
    *n_valid = all.n;
    return status;
}
