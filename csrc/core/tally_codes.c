/* Codes of groups, on threads: which of them occur, and others in their place. Each costs about what
 * reading the codes costs. */
#include "tally_internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct looking {
    const rr_grouped *rows;
    uint8_t *seen; /* by worker, then code */
} looking;

static rr_status look_at_rows(void *job, int64_t task, int worker, rr_error *error)
{
    const looking *in = job;
    const rr_grouped *rows = in->rows;
    uint8_t *seen = in->seen + worker * rows->n_groups;
    int64_t n_tasks = rr_row_tasks(rows->n), end = rr_chunk_start(rows->n, task + 1, n_tasks);

    for (int64_t i = rr_chunk_start(rows->n, task, n_tasks); i < end; i++) {
        int64_t code = rr_group_of(rows, i);

        if (code == RR_NOT_COUNTED) {
            continue;
        }
        if (code >= rows->n_groups) {
            return rr_fail_group(error, i);
        }
        seen[code] = 1;
    }
    return RR_OK;
}

rr_status rr_codes_seen(const rr_grouped *rows, uint8_t *seen, const rr_call *call, rr_error *error)
{
    looking in = {rows, NULL};
    rr_status status = rr_check_grouped(rows, error);
    rr_call limited;
    int workers;

    if (status != RR_OK) {
        return status;
    }
    /* No more memory than a byte a row. */
    limited = rr_on_threads(call, rows->n / (rows->n_groups + 1) + 1);
    workers = rr_workers(&limited, rr_row_tasks(rows->n));
    in.seen = rr_allocate(workers * rows->n_groups, 1);
    if (in.seen == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    memset(in.seen, 0, (size_t)(workers * rows->n_groups));
    status = rr_run(look_at_rows, &in, rr_row_tasks(rows->n), &limited, error);
    memset(seen, 0, (size_t)rows->n_groups);
    for (int w = 0; w < workers; w++) {
        for (int64_t code = 0; code < rows->n_groups; code++) {
            seen[code] |= in.seen[w * rows->n_groups + code];
        }
    }
    free(in.seen);
    return status;
}

typedef struct mapping {
    const int32_t *codes;
    int64_t n;
    const int32_t *to;
    int64_t n_codes;
    int32_t null;
    int32_t *mapped;
} mapping;

static rr_status map_rows(void *job, int64_t task, int worker, rr_error *error)
{
    const mapping *in = job;
    int64_t n_tasks = rr_row_tasks(in->n), end = rr_chunk_start(in->n, task + 1, n_tasks);

    (void)worker;
    for (int64_t i = rr_chunk_start(in->n, task, n_tasks); i < end; i++) {
        int32_t code = in->codes[i];

        if (code < -1 || code >= in->n_codes) {
            return rr_fail_group(error, i);
        }
        in->mapped[i] = code == -1 ? in->null : in->to[code];
    }
    return RR_OK;
}

rr_status rr_codes_map(const int32_t *codes, int64_t n, const int32_t *to, int64_t n_codes,
                       int32_t null, int32_t *mapped, const rr_call *call, rr_error *error)
{
    mapping in = {codes, n, to, n_codes, null, mapped};

    return rr_run(map_rows, &in, rr_row_tasks(n), call, error);
}
