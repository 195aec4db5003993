/* Rows are dealt into parts by a mixed key, then each part is sorted where it lies. Mixing is a
 * bijection on the bits of a key, so the part says some of the key's bits and the word need not
 * repeat them: key, day and row then fit into 64 bits for any table that fits a machine, and a
 * second word for the row is the exception (very long day ranges). */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { PART_ROWS = 1 << 13, PART_BITS_MAX = 12, POLL_ROWS = 1 << 20 };

typedef struct layout {
    int key_bits;
    int part_bits;
    uint64_t key_mask;
    uint64_t rest_mask;
} layout;

static uint64_t mix(uint32_t key, const layout *shape)
{
    return (key * UINT64_C(0x9E3779B1)) & shape->key_mask;
}

static int64_t part_of(uint64_t mixed, const layout *shape)
{
    return (int64_t)(mixed >> (shape->key_bits - shape->part_bits));
}

static int takes_part(const rr_rows *rows, int64_t i)
{
    return rows->key[i] != RR_NULL_KEY && rows->day[i] != RR_NULL_DAY &&
           (rows->use == NULL || rows->use[i]);
}

static rr_status find_range(const rr_rows *rows, int64_t side, int64_t *first, int64_t *last,
                            int64_t *n, rr_error *error)
{
    for (int64_t i = 0; i < rows->n; i++) {
        int64_t day = rows->day[i];

        if (!takes_part(rows, i)) {
            continue;
        }
        if (day < RR_DAY_MIN || day > RR_DAY_MAX) {
            rr_status status = rr_fail(error, RR_ERR_DAY_RANGE, "day %lld is out of range",
                                       (long long)day);

            if (error != NULL) {
                error->row = i;
                error->column = side;
            }
            return status;
        }
        *first = day < *first ? day : *first;
        *last = day > *last ? day : *last;
        ++*n;
    }
    return RR_OK;
}

static rr_status allocate_side(rr_side *side, int64_t n_parts, int with_rows)
{
    side->start = rr_allocate(n_parts + 1, sizeof *side->start);
    side->words = rr_allocate(side->n, sizeof *side->words);
    side->rows = with_rows ? rr_allocate(side->n, sizeof *side->rows) : NULL;
    return side->start == NULL || side->words == NULL || (with_rows && side->rows == NULL)
               ? RR_ERR_MEMORY
               : RR_OK;
}

/* Deals the rows into the parts, in the order they come, so that rows within a key stay in order. */
static rr_status deal(const rr_rows *rows, const rr_parts *parts, const layout *shape,
                      rr_side *side, int64_t *next, const rr_call *call)
{
    int64_t sum = 0;

    memset(next, 0, (size_t)parts->n_parts * sizeof *next);
    for (int64_t i = 0; i < rows->n; i++) {
        if (takes_part(rows, i)) {
            next[part_of(mix(rows->key[i], shape), shape)]++;
        }
    }
    for (int64_t p = 0; p < parts->n_parts; p++) {
        side->start[p] = sum;
        sum += next[p];
        next[p] = side->start[p];
    }
    side->start[parts->n_parts] = sum;
    for (int64_t i = 0; i < rows->n; i++) {
        uint64_t mixed, word;
        int64_t at;

        if (i % POLL_ROWS == 0 && rr_stopped(call, 0, 0)) {
            return RR_ERR_INTERRUPTED;
        }
        if (!takes_part(rows, i)) {
            continue;
        }
        mixed = mix(rows->key[i], shape);
        at = next[part_of(mixed, shape)]++;
        word = (mixed & shape->rest_mask) << parts->day_bits |
               (uint64_t)(rows->day[i] - parts->first_day);
        if (side->rows != NULL) {
            side->words[at] = word;
            side->rows[at] = (uint64_t)i;
        } else {
            side->words[at] = word << parts->row_bits | (uint64_t)i;
        }
    }
    return RR_OK;
}

static rr_status sort_parts(rr_parts *parts, rr_side *side, const layout *shape,
                            const rr_call *call)
{
    int low = parts->row_bits;
    int high = low + parts->day_bits + shape->key_bits - shape->part_bits;
    uint64_t *scratch = NULL, *row_scratch = NULL;
    int64_t largest = 0, since_poll = 0;
    rr_status status = RR_OK;

    for (int64_t p = 0; p < parts->n_parts; p++) {
        int64_t n = side->start[p + 1] - side->start[p];

        largest = n > largest ? n : largest;
    }
    scratch = rr_allocate(largest, sizeof *scratch);
    row_scratch = side->rows != NULL ? rr_allocate(largest, sizeof *row_scratch) : NULL;
    if (scratch == NULL || (side->rows != NULL && row_scratch == NULL)) {
        status = RR_ERR_MEMORY;
        goto out;
    }
    for (int64_t p = 0; p < parts->n_parts; p++) {
        int64_t from = side->start[p], n = side->start[p + 1] - from;

        since_poll += n;
        if (since_poll >= POLL_ROWS) {
            since_poll = 0;
            if (rr_stopped(call, 0, 0)) {
                status = RR_ERR_INTERRUPTED;
                goto out;
            }
        }
        rr_sort_words(side->words + from, side->rows != NULL ? side->rows + from : NULL, scratch,
                      row_scratch, n, low, high);
    }
    if (side == &parts->events) {
        parts->largest_event_part = largest;
    }
out:
    free(scratch);
    free(row_scratch);
    return status;
}

rr_status rr_order(const rr_rows *index, const rr_rows *events, uint32_t limit, const rr_call *call,
                   rr_parts **result, rr_error *error)
{
    int64_t first = RR_DAY_MAX, last = RR_DAY_MIN;
    int64_t rows = index->n > events->n ? index->n : events->n;
    rr_parts *parts = NULL;
    int64_t *next = NULL;
    layout shape;
    rr_status status;

    *result = NULL;
    parts = calloc(1, sizeof *parts);
    if (parts == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    status = find_range(index, 0, &first, &last, &parts->index.n, error);
    if (status == RR_OK) {
        status = find_range(events, 1, &first, &last, &parts->events.n, error);
    }
    if (status != RR_OK) {
        goto out;
    }
    parts->index.n_table = index->n;
    parts->events.n_table = events->n;
    parts->first_day = first <= last ? first : 0;
    parts->last_day = first <= last ? last : 0;
    parts->day_bits = rr_bits((uint64_t)(parts->last_day - parts->first_day));
    shape.key_bits = rr_bits(limit == 0 ? 0 : limit - 1);
    shape.part_bits = rr_bits((uint64_t)((parts->index.n + parts->events.n) / PART_ROWS));
    shape.part_bits = shape.part_bits > PART_BITS_MAX ? PART_BITS_MAX : shape.part_bits;
    shape.part_bits = shape.part_bits > shape.key_bits ? shape.key_bits : shape.part_bits;
    shape.key_mask = (UINT64_C(1) << shape.key_bits) - 1;
    shape.rest_mask = (UINT64_C(1) << (shape.key_bits - shape.part_bits)) - 1;
    parts->n_parts = INT64_C(1) << shape.part_bits;
    parts->row_bits = rr_bits(rows == 0 ? 0 : (uint64_t)(rows - 1));
    if (shape.key_bits - shape.part_bits + parts->day_bits + parts->row_bits > 64) {
        parts->row_bits = 0;
    }
    next = rr_allocate(parts->n_parts, sizeof *next);
    status = next == NULL ? RR_ERR_MEMORY : RR_OK;
    for (int i = 0; i < 2 && status == RR_OK; i++) {
        rr_side *side = i == 0 ? &parts->index : &parts->events;

        status = allocate_side(side, parts->n_parts, parts->row_bits == 0 && rows > 1);
        if (status == RR_OK) {
            status = deal(i == 0 ? index : events, parts, &shape, side, next, call);
        }
        if (status == RR_OK) {
            status = sort_parts(parts, side, &shape, call);
        }
    }
    if (status != RR_OK) {
        status = rr_fail(error, status, "%s", rr_strerror(status));
    }
out:
    free(next);
    if (status != RR_OK) {
        rr_parts_free(parts);
        parts = NULL;
    }
    *result = parts;
    return status;
}

rr_status rr_check_lengths(const rr_parts *parts, int64_t n_index, int64_t n_events,
                           rr_error *error)
{
    if (n_index != parts->index.n_table || n_events != parts->events.n_table) {
        return rr_fail(error, RR_ERR_ARGUMENT,
                       "the tables in order have %lld and %lld rows, not %lld and %lld",
                       (long long)parts->index.n_table, (long long)parts->events.n_table,
                       (long long)n_index, (long long)n_events);
    }
    return RR_OK;
}

void rr_parts_free(rr_parts *parts)
{
    if (parts == NULL) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        rr_side *side = i == 0 ? &parts->index : &parts->events;

        free(side->start);
        free(side->words);
        free(side->rows);
    }
    free(parts);
}
