/* Columns are folded one after the other into a running code. A column of integers in a narrow range
 * is folded by arithmetic. Any other is looked up: value and running code travel together, dealt by
 * their hash into parts, and each part is given its codes by a table that fits the cache. One table
 * of millions would be a cache miss for every row. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { PART_RECORDS = 1 << 12, PART_BITS_MAX = 12, INLINE_TEXT = 16, POLL_ROWS = 1 << 20 };

static const uint64_t LIMIT_MAX = UINT32_MAX; /* codes are below it, so none is RR_NULL_KEY */

/* A value with the running code of the columns before it. Integers and texts of up to 16 bytes stand
 * in `value` itself; of a longer text, `value` holds a hash and where its bytes begin. */
typedef struct record {
    uint64_t value[2];
    uint32_t before; /* running code */
    uint32_t length; /* of a text; 0 for an integer */
    int64_t row;     /* over all the tables, one after the other */
} record;

typedef struct lookup {
    const rr_key_table *tables;
    int64_t n_tables;
    int64_t column;
    uint32_t *const *codes;
    record *records;
    int64_t *start; /* n_parts + 1 */
    int part_bits;
} lookup;

static uint64_t scramble(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xD6E8FEB86659FD93);
    x ^= x >> 32;
    x *= UINT64_C(0xD6E8FEB86659FD93);
    return x ^ x >> 32;
}

static uint64_t hash_bytes(const uint8_t *bytes, int64_t n)
{
    uint64_t hash = (uint64_t)n;

    for (int64_t i = 0; i < n; i += 8) {
        uint64_t word = 0;

        memcpy(&word, bytes + i, n - i < 8 ? (size_t)(n - i) : 8);
        hash = scramble(hash ^ word) + UINT64_C(0x9E3779B97F4A7C15);
    }
    return hash;
}

static uint64_t hash_record(const record *r)
{
    uint64_t value = r->length > INLINE_TEXT ? r->value[0]
                                             : r->value[0] ^ scramble(r->value[1] + 1);

    return scramble(value ^ ((uint64_t)r->before << 32 | r->length));
}

static int is_valid(const rr_key_column *column, int64_t i)
{
    return column->valid == NULL || column->valid[i];
}

static record make_record(const rr_key_column *column, int64_t i, uint32_t before, int64_t row)
{
    record r = {.value = {0, 0}, .before = before, .length = 0, .row = row};

    if (column->kind == RR_KEY_INT64) {
        r.value[0] = (uint64_t)column->ints[i];
    } else {
        int64_t from = column->offsets[i], length = column->offsets[i + 1] - from;

        r.length = (uint32_t)length;
        if (length <= INLINE_TEXT) {
            memcpy(r.value, column->data + from, (size_t)length);
        } else {
            r.value[0] = hash_bytes(column->data + from, length);
            r.value[1] = (uint64_t)(uintptr_t)(column->data + from);
        }
    }
    return r;
}

static int same_value(const record *a, const record *b)
{
    if (a->value[0] != b->value[0] || a->before != b->before || a->length != b->length) {
        return 0;
    }
    if (a->length <= INLINE_TEXT) {
        return a->value[1] == b->value[1];
    }
    return memcmp((const void *)(uintptr_t)a->value[1], (const void *)(uintptr_t)b->value[1],
                  a->length) == 0;
}

static int64_t count_rows(const lookup *job)
{
    int64_t n = 0;

    for (int64_t t = 0; t < job->n_tables; t++) {
        n += job->tables[t].n;
    }
    return n;
}

/* Visits every row with a running code, twice: to count the parts, and to deal the records. */
static rr_status deal(lookup *job, int64_t *next, int write, const rr_call *call)
{
    int64_t row = 0;

    for (int64_t t = 0; t < job->n_tables; t++) {
        const rr_key_column *column = &job->tables[t].columns[job->column];

        for (int64_t i = 0; i < job->tables[t].n; i++, row++) {
            uint32_t before = job->codes[t][i];
            record r;
            uint64_t part;

            if (row % POLL_ROWS == 0 && rr_stopped(call, 0, 0)) {
                return RR_ERR_INTERRUPTED;
            }
            if (before == RR_NULL_KEY || !is_valid(column, i)) {
                continue;
            }
            r = make_record(column, i, before, row);
            part = job->part_bits == 0 ? 0 : hash_record(&r) >> (64 - job->part_bits);
            if (write) {
                job->records[next[part]] = r;
            }
            next[part]++;
        }
    }
    return RR_OK;
}

static uint32_t *code_of_row(const lookup *job, int64_t row)
{
    int64_t t = 0;

    while (row >= job->tables[t].n) {
        row -= job->tables[t].n;
        t++;
    }
    return &job->codes[t][row];
}

/* Gives the records of one part their codes, from *code on. `slots` has at least twice as many places
 * as the part has records, and a power of two. */
static void number_part(const lookup *job, int64_t part, uint32_t *slots, uint64_t mask,
                        uint64_t *code, uint32_t *code_of_slot)
{
    const record *records = job->records + job->start[part];
    int64_t n = job->start[part + 1] - job->start[part];

    memset(slots, 0xFF, (size_t)(mask + 1) * sizeof *slots);
    for (int64_t i = 0; i < n; i++) {
        uint64_t slot = hash_record(&records[i]) & mask;

        while (slots[slot] != UINT32_MAX && !same_value(&records[slots[slot]], &records[i])) {
            slot = (slot + 1) & mask;
        }
        if (slots[slot] == UINT32_MAX) {
            slots[slot] = (uint32_t)i;
            code_of_slot[slot] = (uint32_t)(*code)++;
        }
        *code_of_row(job, records[i].row) = code_of_slot[slot];
    }
}

static rr_status look_up(lookup *job, uint64_t *limit, const rr_call *call)
{
    int64_t n = count_rows(job), n_parts, largest = 0, sum = 0;
    int64_t *next = NULL;
    uint32_t *slots = NULL, *code_of_slot = NULL;
    uint64_t code = 0, places = 2;
    rr_status status = RR_ERR_MEMORY;

    job->part_bits = rr_bits((uint64_t)(n / PART_RECORDS));
    job->part_bits = job->part_bits > PART_BITS_MAX ? PART_BITS_MAX : job->part_bits;
    n_parts = INT64_C(1) << job->part_bits;
    job->records = rr_allocate(n, sizeof *job->records);
    job->start = rr_allocate(n_parts + 1, sizeof *job->start);
    next = calloc((size_t)n_parts, sizeof *next);
    if (job->records == NULL || job->start == NULL || next == NULL) {
        goto out;
    }
    status = deal(job, next, 0, call);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t p = 0; p < n_parts; p++) {
        int64_t count = next[p];

        job->start[p] = next[p] = sum;
        sum += count;
        largest = count > largest ? count : largest;
    }
    job->start[n_parts] = sum;
    if (largest >= (int64_t)LIMIT_MAX) {
        status = RR_ERR_TOO_LARGE;
        goto out;
    }
    status = deal(job, next, 1, call);
    if (status != RR_OK) {
        goto out;
    }
    while (places < (uint64_t)largest * 2) {
        places *= 2;
    }
    status = RR_ERR_MEMORY;
    slots = rr_allocate((int64_t)places, sizeof *slots);
    code_of_slot = rr_allocate((int64_t)places, sizeof *code_of_slot);
    if (slots == NULL || code_of_slot == NULL) {
        goto out;
    }
    status = RR_OK;
    for (int64_t p = 0; p < n_parts; p++) {
        uint64_t needed = 2;

        if (p % 64 == 0 && rr_stopped(call, p, n_parts)) {
            status = RR_ERR_INTERRUPTED;
            goto out;
        }
        while (needed < (uint64_t)(job->start[p + 1] - job->start[p]) * 2) {
            needed *= 2;
        }
        if (code + (uint64_t)(job->start[p + 1] - job->start[p]) > LIMIT_MAX) {
            status = RR_ERR_TOO_LARGE;
            goto out;
        }
        number_part(job, p, slots, needed - 1, &code, code_of_slot);
    }
    *limit = code;
out:
    free(job->records);
    free(job->start);
    free(next);
    free(slots);
    free(code_of_slot);
    return status;
}

/* A missing value in this column makes the whole key missing. */
static void spread_nulls(const rr_key_table *table, int64_t column, uint32_t *codes)
{
    const uint8_t *valid = table->columns[column].valid;

    for (int64_t i = 0; valid != NULL && i < table->n; i++) {
        if (!valid[i]) {
            codes[i] = RR_NULL_KEY;
        }
    }
}

/* Folds integers of a narrow range in by arithmetic. Returns 0, with nothing done, if they are not. */
static int fold_range(const lookup *job, uint64_t *limit)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    uint64_t width;

    for (int64_t t = 0; t < job->n_tables; t++) {
        const rr_key_column *column = &job->tables[t].columns[job->column];

        for (int64_t i = 0; i < job->tables[t].n; i++) {
            if (job->codes[t][i] != RR_NULL_KEY) {
                low = column->ints[i] < low ? column->ints[i] : low;
                high = column->ints[i] > high ? column->ints[i] : high;
            }
        }
    }
    if (high < low) { /* no row left: nothing to fold */
        return 1;
    }
    width = (uint64_t)high - (uint64_t)low;
    if (width >= LIMIT_MAX / *limit) {
        return 0;
    }
    width++;
    for (int64_t t = 0; t < job->n_tables; t++) {
        const rr_key_column *column = &job->tables[t].columns[job->column];

        for (int64_t i = 0; i < job->tables[t].n; i++) {
            if (job->codes[t][i] != RR_NULL_KEY) {
                job->codes[t][i] = (uint32_t)(job->codes[t][i] * width +
                                              ((uint64_t)column->ints[i] - (uint64_t)low));
            }
        }
    }
    *limit *= width;
    return 1;
}

/* A text of 2^32 bytes or more would not fit a record; nobody's identifier is one. */
static rr_status check_texts(const rr_key_table *table, int64_t column, rr_error *error)
{
    const rr_key_column *texts = &table->columns[column];

    for (int64_t i = 0; i < table->n; i++) {
        int64_t from = texts->offsets[i], to = texts->offsets[i + 1];

        if (from < 0 || to < from || to > texts->n_data || to - from > INT64_C(0xFFFFFFFF)) {
            rr_status status = rr_fail(error, RR_ERR_ARGUMENT,
                                       "text offsets are not in order or leave the data");

            if (error != NULL) {
                error->row = i;
                error->column = column;
            }
            return status;
        }
    }
    return RR_OK;
}

rr_status rr_encode(const rr_key_table *tables, int64_t n_tables, int64_t n_columns,
                    uint32_t *const *codes, uint32_t *limit, const rr_call *call, rr_error *error)
{
    lookup job = {.tables = tables, .n_tables = n_tables, .codes = codes};
    uint64_t running = 1;

    for (int64_t t = 0; t < n_tables; t++) {
        memset(codes[t], 0, (size_t)tables[t].n * sizeof **codes);
        for (int64_t c = 0; c < n_columns; c++) {
            spread_nulls(&tables[t], c, codes[t]);
        }
    }
    for (job.column = 0; job.column < n_columns; job.column++) {
        rr_status status = RR_OK;

        if (tables[0].columns[job.column].kind == RR_KEY_INT64) {
            if (fold_range(&job, &running)) {
                continue;
            }
        } else {
            for (int64_t t = 0; t < n_tables && status == RR_OK; t++) {
                status = check_texts(&tables[t], job.column, error);
            }
            if (status != RR_OK) {
                return status;
            }
        }
        status = look_up(&job, &running, call);
        if (status != RR_OK) {
            return rr_fail(error, status, "%s",
                           status == RR_ERR_TOO_LARGE
                               ? "there are more than four thousand million keys"
                               : rr_strerror(status));
        }
        running = running == 0 ? 1 : running;
    }
    *limit = (uint32_t)running;
    return RR_OK;
}
