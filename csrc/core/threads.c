/* Threads live as long as one call: starting one costs some 20 microseconds, and a pool would be
 * state. Tasks are taken from a counter, in order, and every task that was taken is done; so all tasks
 * below a failing one have been done too, and the lowest failure is the same on any number of threads.
 */
#define _POSIX_C_SOURCE 200809L /* pthread_sigmask */

#include "threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { WORKERS_MAX = 256 };

typedef struct crew {
    rr_task task;
    void *job;
    int64_t n_tasks;
    atomic_int_fast64_t next;
    atomic_int_fast64_t done;
    atomic_int stopped;
    pthread_mutex_t lock; /* of what follows */
    int64_t failed;       /* the lowest task that failed; INT64_MAX: none */
    rr_status status;
    rr_error error;
} crew;

typedef struct worker {
    crew *crew;
    int number;
    const rr_call *call; /* of the caller's own thread; NULL: of another, which asks nobody */
    pthread_t thread;
} worker;

static void note_failure(crew *c, int64_t task, rr_status status, const rr_error *error)
{
    pthread_mutex_lock(&c->lock);
    if (task < c->failed) {
        c->failed = task;
        c->status = status;
        c->error = *error;
    }
    pthread_mutex_unlock(&c->lock);
    atomic_store(&c->stopped, 1);
}

static void *work(void *argument)
{
    worker *self = argument;
    crew *c = self->crew;

    while (!atomic_load(&c->stopped)) {
        rr_error error;
        rr_status status;
        int64_t task;

        if (rr_stopped(self->call, atomic_load(&c->done), c->n_tasks)) {
            rr_status stop = rr_fail(&error, RR_ERR_INTERRUPTED, "interrupted");

            note_failure(c, -1, stop, &error);
            break;
        }
        task = atomic_fetch_add(&c->next, 1);
        if (task >= c->n_tasks) {
            break;
        }
        status = c->task(c->job, task, self->number, &error);
        if (status != RR_OK) {
            note_failure(c, task, status, &error);
        }
        atomic_fetch_add(&c->done, 1);
    }
    return NULL;
}

int rr_workers(const rr_call *call, int64_t n_tasks)
{
    int64_t wanted = call == NULL || call->threads < 1 ? 1 : call->threads;

    wanted = wanted > n_tasks ? n_tasks : wanted;
    return wanted < 1 ? 1 : wanted > WORKERS_MAX ? WORKERS_MAX : (int)wanted;
}

/* Starts the workers from 1 on, and says how many there are then. Signals are the caller's: Python
 * takes Ctrl-C in its own thread. */
static int start(worker *workers, int n)
{
    sigset_t all, before;
    int started = 1;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < n &&
           pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0) {
        started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

rr_status rr_run(rr_task task, void *job, int64_t n_tasks, const rr_call *call, rr_error *error)
{
    crew c = {.task = task, .job = job, .n_tasks = n_tasks, .failed = INT64_MAX, .status = RR_OK};
    int n = rr_workers(call, n_tasks);
    worker *workers = rr_allocate(n, sizeof *workers);

    if (workers == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    atomic_init(&c.next, 0);
    atomic_init(&c.done, 0);
    atomic_init(&c.stopped, 0);
    pthread_mutex_init(&c.lock, NULL);
    for (int i = 0; i < n; i++) {
        workers[i] = (worker){.crew = &c, .number = i, .call = i == 0 ? call : NULL};
    }
    n = start(workers, n);
    work(&workers[0]);
    for (int i = 1; i < n; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    pthread_mutex_destroy(&c.lock);
    free(workers);
    if (c.status != RR_OK && error != NULL) {
        *error = c.error;
    }
    return c.status;
}
