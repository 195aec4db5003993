/* One piece of work as tasks on several threads. Nothing else in the core starts a thread. */
#ifndef RR_THREADS_H
#define RR_THREADS_H

#include "internal.h"

/* Does one task. `worker` is below the number of rr_workers, and two tasks at a time never have the
 * same: scratch memory is one a worker. Tasks write where no other task reads or writes. */
typedef rr_status (*rr_task)(void *job, int64_t task, int worker, rr_error *error);

/* How many threads rr_run will put to n_tasks tasks: call->threads, or one without a call, but no
 * more than there are tasks, and at least one. */
int rr_workers(const rr_call *call, int64_t n_tasks);

/* Does the tasks 0 to n_tasks - 1, begun in this order, on rr_workers threads, of which the caller's
 * is one; only it asks the call. When tasks fail, the status and the error are those of the lowest
 * task that fails, whatever the number of threads, and no more are begun. A thread that cannot be
 * started is done without. */
rr_status rr_run(rr_task task, void *job, int64_t n_tasks, const rr_call *call,
                 rr_error *error) RR_MUST_CHECK;

/* The first of n rows that belongs to `chunk` of n_chunks nearly equal runs of rows; n for the chunk
 * after the last. */
static inline int64_t rr_chunk_start(int64_t n, int64_t chunk, int64_t n_chunks)
{
    return n / n_chunks * chunk + (n % n_chunks < chunk ? n % n_chunks : chunk);
}

#endif
