/* The events of a part are folded into days with an event, for events of a key on one day are one day;
 * then its index rows are visited. */
#include "sweep.h"
#include "threads.h"

#include <stdlib.h>

static void fold_days(const rr_parts *parts, int64_t part, rr_day_runs *days)
{
    int64_t from = parts->events->start[part], to = parts->events->start[part + 1];
    int64_t first_of_key = 0;
    uint64_t key = UINT64_MAX;

    days->n = days->most = 0;
    for (int64_t i = from; i < to; i++) {
        uint64_t key_day = rr_key_day(parts->events, i);

        if (days->n == 0 || days->key_day[days->n - 1] != key_day) {
            days->key_day[days->n] = key_day;
            days->start[days->n] = i;
            if (days->detail != NULL) {
                days->known[days->n] = 0;
            }
            first_of_key = key_day >> parts->day_bits == key ? first_of_key : days->n;
            key = key_day >> parts->day_bits;
            days->n++;
            days->most = days->n - first_of_key > days->most ? days->n - first_of_key : days->most;
        }
    }
    days->start[days->n] = to;
}

typedef struct walk {
    rr_sweep *sweeps; /* by worker */
    rr_visit visit;
    void *job;
} walk;

static rr_status go_to_part(rr_sweep *s, int64_t part)
{
    s->part_from = s->parts->index.start[part];
    s->part_to = s->parts->index.start[part + 1];
    s->low_hint = s->high_hint = 0;
    s->tree.n = 0;
    fold_days(s->parts, part, &s->days);
    if (s->claimed != NULL) {
        rr_fill_claimed(s);
    }
    return rr_sweep_in_detail(s) && rr_many_days(s) ? rr_plant_tree(s) : RR_OK;
}

static rr_status visit_part(void *job, int64_t part, int worker, rr_error *error)
{
    const walk *w = job;
    rr_sweep *sweep = &w->sweeps[worker];

    if (go_to_part(sweep, part) != RR_OK) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    return w->visit(sweep, w->job, worker, error);
}

static rr_status open_sweep(rr_sweep *s, const rr_parts *parts, const rr_rule *rule,
                            const rr_bounds *bounds)
{
    int detail = rule->vetoed != NULL || rule->confirmed != NULL;
    int64_t room = parts->events->largest;

    *s = (rr_sweep){.parts = parts, .rule = rule, .bounds = bounds};
    s->event_days = rr_read_days(&rule->event_day);
    s->day_mask = (UINT64_C(1) << parts->day_bits) - 1;
    s->days.key_day = rr_allocate(room, sizeof *s->days.key_day);
    s->days.start = rr_allocate(room + 1, sizeof *s->days.start);
    s->days.detail = detail ? rr_allocate(room, sizeof *s->days.detail) : NULL;
    s->days.known = detail ? rr_allocate(room, 1) : NULL;
    s->claimed = rule->claim_latest ? rr_allocate(parts->index.largest, sizeof *s->claimed) : NULL;
    return s->days.key_day == NULL || s->days.start == NULL ||
                   (detail && (s->days.detail == NULL || s->days.known == NULL)) ||
                   (rule->claim_latest && s->claimed == NULL)
               ? RR_ERR_MEMORY
               : RR_OK;
}

static void close_sweep(rr_sweep *s)
{
    free(s->days.key_day);
    free(s->days.start);
    free(s->days.detail);
    free(s->days.known);
    free(s->claimed);
    rr_free_tree(s);
}

rr_status rr_sweep_parts(const rr_parts *parts, const rr_rule *rule, rr_visit visit, void *job,
                         const rr_call *call, rr_error *error)
{
    int workers = rr_workers(call, parts->n_parts);
    walk w = {.visit = visit, .job = job};
    rr_bounds bounds = {0};
    rr_status status = rr_parts_in_order(parts, call, error);

    if (status == RR_OK) {
        status = rr_bounds_make(&rule->window, parts->first_day, parts->last_day, parts->index.n,
                                &bounds, error);
    }
    if (status != RR_OK) {
        goto out;
    }
    w.sweeps = calloc((size_t)workers, sizeof *w.sweeps);
    for (int i = 0; i < workers && status == RR_OK; i++) {
        status = w.sweeps == NULL ? RR_ERR_MEMORY : open_sweep(&w.sweeps[i], parts, rule, &bounds);
    }
    if (status != RR_OK) {
        status = rr_fail(error, status, "out of memory");
        goto out;
    }
    status = rr_run(visit_part, &w, parts->n_parts, call, error);
out:
    rr_parts_done(parts);
    for (int i = 0; w.sweeps != NULL && i < workers; i++) {
        close_sweep(&w.sweeps[i]);
    }
    free(w.sweeps);
    rr_bounds_free(&bounds);
    return status;
}
