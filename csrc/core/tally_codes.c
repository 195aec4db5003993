/* Codes of groups, on threads: which of them occur, others in their place, several columns of them as
 * one, and those of days. Each costs about what reading the codes costs.
 *
 * Columns are joined a block of rows at a time, whose numbers stay in the cache, so that the codes are
 * read as narrow as they are held and the numbers are written once. */
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

/* ---------------------------------------------------------------- several columns as one */

typedef struct joining {
    const rr_coded *columns;
    const int32_t **tables; /* by column: the numbers of code -1, of the others, and a -1 */
    int n_columns;
    int64_t n;
    const uint8_t *use;
    int64_t n_groups;
    int32_t *joined;
    uint8_t *seen; /* by worker, then number */
} joining;

static inline int32_t code_at(const void *codes, int size, int64_t i)
{
    return size == 1   ? ((const int8_t *)codes)[i]
           : size == 2 ? ((const int16_t *)codes)[i]
                       : ((const int32_t *)codes)[i];
}

/* Brings the listed rows of a column into the numbers so far. Returns what is below 0 if a code was out
 * of range. */
static inline int32_t join_column(const rr_coded *c, const int32_t *table, int size, int64_t start,
                                  const uint16_t *rows, int64_t n, int32_t *numbers)
{
    const uint64_t beyond = (uint64_t)c->n_codes + 1;
    const int32_t n_ranks = (int32_t)c->n_ranks;
    int32_t all = 0;

    for (int64_t k = 0; k < n; k++) {
        uint64_t place = (uint64_t)((int64_t)code_at(c->codes, size, start + rows[k]) + 1);
        int32_t number = table[place < beyond ? place : beyond];

        all |= number;
        numbers[k] = (int32_t)((uint32_t)numbers[k] * (uint32_t)n_ranks + (uint32_t)number);
    }
    return all;
}

/* The failure of the first listed row whose code is out of range. */
static rr_status fail_code(const rr_coded *c, const int32_t *table, int64_t start,
                           const uint16_t *rows, rr_error *error)
{
    for (;; rows++) {
        int64_t code = code_at(c->codes, c->size, start + *rows);

        if (code < -1 || code >= c->n_codes || table[code + 1] < 0) {
            return rr_fail_group(error, start + *rows);
        }
    }
}

static rr_status join_rows(void *job, int64_t task, int worker, rr_error *error)
{
    const joining *in = job;
    uint8_t *seen = in->seen + worker * in->n_groups;
    int64_t n_tasks = rr_row_tasks(in->n), end = rr_chunk_start(in->n, task + 1, n_tasks), stop;

    for (int64_t start = rr_chunk_start(in->n, task, n_tasks); start < end; start = stop) {
        int32_t numbers[RR_LISTED_ROWS] = {0};
        uint16_t rows[RR_LISTED_ROWS];
        int64_t n;

        stop = rr_block_end(start, end, RR_LISTED_ROWS);
        n = rr_list_rows(in->use, start, stop, rows);
        for (int k = 0; k < in->n_columns; k++) {
            const rr_coded *c = &in->columns[k];
            const int32_t *table = in->tables[k];
            int32_t all = c->size == 1   ? join_column(c, table, 1, start, rows, n, numbers)
                          : c->size == 2 ? join_column(c, table, 2, start, rows, n, numbers)
                                         : join_column(c, table, 4, start, rows, n, numbers);

            if (all < 0) {
                return fail_code(c, table, start, rows, error);
            }
        }
        for (int64_t k = 0; k < n; k++) {
            seen[numbers[k]] = 1;
        }
        if (in->joined != NULL) {
            memset(in->joined + start, 0, (size_t)(stop - start) * sizeof *in->joined);
            for (int64_t k = 0; k < n; k++) {
                in->joined[start + rows[k]] = numbers[k];
            }
        }
    }
    return RR_OK;
}

static rr_status check_columns(const rr_coded *columns, int n_columns, int64_t n_groups,
                               rr_error *error)
{
    int64_t product = 1;

    for (int k = 0; k < n_columns; k++) {
        const rr_coded *c = &columns[k];
        int good = c->n_ranks >= 0 && c->null < c->n_ranks &&
                   (c->size == 1 || c->size == 2 || c->size == 4) &&
                   (c->n_ranks == 0 || product <= INT32_MAX / c->n_ranks);

        for (int64_t i = 0; good && i < c->n_codes; i++) {
            good = c->to[i] >= 0 && c->to[i] < c->n_ranks;
        }
        if (!good) {
            return rr_fail(error, RR_ERR_ARGUMENT, "a number of a column is out of range");
        }
        product *= c->n_ranks;
    }
    return product == n_groups ? RR_OK
                               : rr_fail(error, RR_ERR_ARGUMENT, "n_groups must be the product");
}

/* A table for each column, all in one block that begins with their addresses. */
static const int32_t **make_tables(const rr_coded *columns, int n_columns)
{
    int64_t elements = 0;
    const int32_t **tables;
    int32_t *at;

    for (int k = 0; k < n_columns; k++) {
        elements += columns[k].n_codes + 2;
    }
    tables = rr_allocate(n_columns * (int64_t)sizeof *tables + elements * (int64_t)sizeof *at, 1);
    if (tables == NULL) {
        return NULL;
    }
    at = (int32_t *)(tables + n_columns);
    for (int k = 0; k < n_columns; k++) {
        const rr_coded *c = &columns[k];

        tables[k] = at;
        *at++ = c->null;
        for (int64_t i = 0; i < c->n_codes; i++) {
            *at++ = c->to[i];
        }
        *at++ = -1;
    }
    return tables;
}

rr_status rr_codes_join(const rr_coded *columns, int n_columns, int64_t n, const uint8_t *use,
                        int64_t n_groups, int32_t *joined, uint8_t *seen, const rr_call *call,
                        rr_error *error)
{
    joining in = {columns, NULL, n_columns, n, use, n_groups, joined, NULL};
    rr_status status = check_columns(columns, n_columns, n_groups, error);
    rr_call limited;
    int workers;

    if (status != RR_OK) {
        return status;
    }
    /* No more memory than a byte a row. */
    limited = rr_on_threads(call, n / (n_groups + 1) + 1);
    workers = rr_workers(&limited, rr_row_tasks(n));
    in.tables = make_tables(columns, n_columns);
    in.seen = calloc((size_t)(workers * n_groups + 1), 1);
    if (in.tables == NULL || in.seen == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    status = rr_run(join_rows, &in, rr_row_tasks(n), &limited, error);
    memset(seen, 0, (size_t)n_groups);
    for (int w = 0; w < workers; w++) {
        for (int64_t g = 0; g < n_groups; g++) {
            seen[g] |= in.seen[w * n_groups + g];
        }
    }
out:
    free(in.tables);
    free(in.seen);
    return status;
}

/* ---------------------------------------------------------------- days */

typedef struct dating {
    rr_day_reader reader;
    int64_t n;
    int64_t first;
    const int8_t *of_day;
    int64_t n_days;
    int8_t null;
    int8_t *codes;
} dating;

static rr_status look_up_days(void *job, int64_t task, int worker, rr_error *error)
{
    const dating *in = job;
    const rr_day_reader days = in->reader;
    /* Added to a place it gives the one in of_day, or what is too large. */
    const uint64_t shift = (uint64_t)(days.first - in->first);
    int64_t n_tasks = rr_row_tasks(in->n), end = rr_chunk_start(in->n, task + 1, n_tasks);

    (void)worker;
    for (int64_t i = rr_chunk_start(in->n, task, n_tasks); i < end; i++) {
        uint64_t place = rr_day_place(&days, i);

        if (place <= days.n_days && place + shift < (uint64_t)in->n_days) {
            in->codes[i] = in->of_day[place + shift];
        } else if (place > days.n_days && rr_tick_of(&days, i) == INT64_MIN) {
            in->codes[i] = in->null;
        } else {
            return rr_fail_group(error, i);
        }
    }
    return RR_OK;
}

rr_status rr_codes_of_days(const rr_days *days, int64_t n, int64_t first, const int8_t *of_day,
                           int64_t n_days, int8_t null, int8_t *codes, const rr_call *call,
                           rr_error *error)
{
    dating in = {
        .n = n, .first = first, .of_day = of_day, .n_days = n_days, .null = null, .codes = codes};

    if (days->per_day < 1) {
        return rr_fail(error, RR_ERR_ARGUMENT, "per_day must be 1 or more");
    }
    in.reader = rr_read_days(days);
    return rr_run(look_up_days, &in, rr_row_tasks(n), call, error);
}
