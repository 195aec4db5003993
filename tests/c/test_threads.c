/* Tasks on threads: all are done, the lowest failure wins, and who asks to stop is heard. */
#include "check.h"
#include "threads.h"

#include <stdatomic.h>
#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { TASKS = 2000 };

typedef struct job {
    int done[TASKS];
    int64_t fails_from; /* every task from here on fails, and says its number */
    int n_workers;
    atomic_int asked;
    int asks_before_stop;
} job;

static rr_status task(void *context, int64_t number, int worker, rr_error *error)
{
    job *j = context;

    CHECK(worker >= 0 && worker < j->n_workers);
    j->done[number]++;
    if (number >= j->fails_from) {
        return rr_fail_row(error, RR_ERR_VALUE, number, "a task failed");
    }
    return RR_OK;
}

static int stop(void *context, int64_t done, int64_t total)
{
    job *j = context;

    CHECK(total == TASKS && done >= 0 && done <= total);
    return atomic_fetch_add(&j->asked, 1) >= j->asks_before_stop;
}

static void every_task_is_done_once(int threads)
{
    static job j;
    rr_call call = {stop, &j, threads, NULL};
    rr_error error;

    memset(&j, 0, sizeof j);
    j.fails_from = TASKS;
    j.asks_before_stop = TASKS + 1;
    j.n_workers = rr_workers(&call, TASKS);
    CHECK(rr_run(task, &j, TASKS, &call, &error) == RR_OK);
    for (int i = 0; i < TASKS; i++) {
        CHECK(j.done[i] == 1);
    }
}

static void the_lowest_failure_wins(int threads)
{
    static job j;
    rr_call call = {NULL, NULL, threads, NULL};
    rr_error error;

    memset(&j, 0, sizeof j);
    j.fails_from = 700;
    j.n_workers = rr_workers(&call, TASKS);
    CHECK(rr_run(task, &j, TASKS, &call, &error) == RR_ERR_VALUE);
    CHECK(error.row == 700);
    for (int i = 0; i < 700; i++) {
        CHECK(j.done[i] == 1);
    }
}

static void a_call_can_stop_it(int threads)
{
    static job j;
    rr_call call = {stop, &j, threads, NULL};
    rr_error error;

    memset(&j, 0, sizeof j);
    j.fails_from = TASKS;
    j.n_workers = rr_workers(&call, TASKS);
    CHECK(rr_run(task, &j, TASKS, &call, &error) == RR_ERR_INTERRUPTED);
    CHECK(atomic_load(&j.asked) == 1);
}

int main(void)
{
    const int threads[] = {0, 1, 2, 7, 64};
    rr_error error;
    rr_call seven = {NULL, NULL, 7, NULL};

    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        for (int again = 0; again < 20; again++) {
            every_task_is_done_once(threads[i]);
            the_lowest_failure_wins(threads[i]);
            a_call_can_stop_it(threads[i]);
        }
    }
    CHECK(rr_workers(NULL, 100) == 1);
    CHECK(rr_workers(&seven, 100) == 7);
    CHECK(rr_workers(&seven, 3) == 3);
    CHECK(rr_workers(&seven, 0) == 1);
    CHECK(rr_run(task, NULL, 0, &seven, &error) == RR_OK);
    failing_allocation = 0;
    CHECK(rr_run(task, NULL, 1, NULL, &error) == RR_ERR_MEMORY);
    for (int64_t n = 0; n < 30; n++) {
        for (int64_t chunk = 0; chunk < 7; chunk++) {
            int64_t rows = rr_chunk_start(n, chunk + 1, 7) - rr_chunk_start(n, chunk, 7);

            CHECK(rows == n / 7 || rows == n / 7 + 1);
        }
        CHECK(rr_chunk_start(n, 0, 7) == 0 && rr_chunk_start(n, 7, 7) == n);
    }
    return 0;
}
