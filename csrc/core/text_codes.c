/* Distinct values of text, by a table with open addressing, and their order. */
#include "columns.h"
#include "internal.h"
#include "keys.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_bytes(const uint8_t *bytes, int64_t length)
{
    const uint64_t multiplier = UINT64_C(0x9E3779B97F4A7C15); /* 2^64 over the golden ratio */
    uint64_t hash = (uint64_t)length * multiplier;

    for (; length >= 8; length -= 8, bytes += 8) {
        uint64_t word;

        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * multiplier;
        hash ^= hash >> 32;
    }
    if (length > 0) {
        uint64_t word = 0;

        memcpy(&word, bytes, (size_t)length);
        hash = (hash ^ word) * multiplier;
        hash ^= hash >> 32;
    }
    return hash * multiplier;
}

/* Open addressing; a slot holds the upper half of the hash, so that most misses and every growth
 * leave the values alone. */
typedef struct slot {
    uint32_t hash;
    int32_t code; /* -1: free */
    int64_t row;  /* of the text that was inserted: the first with this value */
} slot;

typedef struct set {
    slot *slots;
    int64_t size; /* a power of two */
    int shift;    /* 32 - log2(size): the slot is the top of the upper half */
    int64_t used;
} set;

static rr_status set_open(set *s, int bits, rr_error *error)
{
    s->size = INT64_C(1) << bits;
    s->shift = 32 - bits;
    s->used = 0;
    s->slots = rr_allocate(s->size, sizeof *s->slots);
    if (s->slots == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory for %lld distinct values",
                       (long long)s->size);
    }
    for (int64_t i = 0; i < s->size; i++) {
        s->slots[i].code = -1;
    }
    return RR_OK;
}

static rr_status set_grow(set *s, rr_error *error)
{
    set wider;
    rr_status status;

    if (s->shift == 0) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "too many distinct values");
    }
    status = set_open(&wider, 32 - s->shift + 1, error);
    if (status != RR_OK) {
        return status;
    }
    for (int64_t i = 0; i < s->size; i++) {
        if (s->slots[i].code >= 0) {
            int64_t at = s->slots[i].hash >> wider.shift;

            while (wider.slots[at].code >= 0) {
                at = (at + 1) & (wider.size - 1);
            }
            wider.slots[at] = s->slots[i];
        }
    }
    wider.used = s->used;
    free(s->slots);
    *s = wider;
    return RR_OK;
}

/* The slot of a value, or the free one where it belongs. `text` is what the rows in the set mean. */
static slot *set_find(const set *s, const rr_text *text, const uint8_t *value, int64_t length,
                      uint32_t hash)
{
    int64_t at = hash >> s->shift;

    for (;;) {
        slot *found = &s->slots[at];

        if (found->code < 0) {
            return found;
        }
        if (found->hash == hash) {
            int64_t start = text->offsets[found->row];

            if (text->offsets[found->row + 1] - start == length &&
                memcmp(text->data + start, value, (size_t)length) == 0) {
                return found;
            }
        }
        at = (at + 1) & (s->size - 1);
    }
}

/* The code of row i, inserted if it is new. */
static rr_status set_code(set *s, const rr_text *text, int64_t i, int32_t *code, rr_error *error)
{
    const uint8_t *value = text->data + text->offsets[i];
    int64_t length = text->offsets[i + 1] - text->offsets[i];
    uint32_t hash = (uint32_t)(hash_bytes(value, length) >> 32);
    slot *found = set_find(s, text, value, length, hash);

    if (found->code < 0) {
        if (s->used >= INT32_MAX) {
            return rr_fail(error, RR_ERR_TOO_LARGE, "too many distinct values");
        }
        *found = (slot){.hash = hash, .code = (int32_t)s->used, .row = i};
        *code = found->code;
        s->used++;
        return s->used > s->size / 2 ? set_grow(s, error) : RR_OK;
    }
    *code = found->code;
    return RR_OK;
}

/* Many values are numbered as keys are, and then again in the order of their first rows. */
static rr_status code_many(const rr_text *text, int64_t data_length, int32_t *codes,
                           int64_t *distinct, const rr_call *call, rr_error *error)
{
    rr_key_column column = {.kind = RR_KEY_TEXT,
                            .offsets = text->offsets,
                            .offsets_32 = text->offsets_32,
                            .data = text->data,
                            .n_data = data_length,
                            .valid = text->valid};
    rr_key_table table = {&column, text->n};
    uint32_t limit, *numbers = (uint32_t *)codes;
    rr_keys keys = {.tables = &table,
                    .n_tables = 1,
                    .n_columns = 1,
                    .codes = &numbers,
                    .hash_mask = UINT64_MAX,
                    .extract = rr_key_can_extract(),
                    .dense = 1};
    rr_status status = rr_encode_as(&keys, &limit, call, error);
    int32_t *code_of, next = 0;

    if (status != RR_OK) {
        return status;
    }
    code_of = limit > INT32_MAX ? NULL : rr_allocate(limit, sizeof *code_of);
    if (code_of == NULL) {
        return limit > INT32_MAX ? rr_fail(error, RR_ERR_TOO_LARGE, "too many distinct values")
                                 : rr_fail(error, RR_ERR_MEMORY, "no memory for distinct values");
    }
    memset(code_of, 0xFF, limit * sizeof *code_of);
    for (int64_t i = 0; i < text->n; i++) {
        uint32_t number = numbers[i];

        if (number == RR_NULL_KEY) {
            codes[i] = -1;
            continue;
        }
        if (code_of[number] < 0) {
            code_of[number] = next++;
        }
        codes[i] = code_of[number];
    }
    *distinct = next;
    free(code_of);
    return RR_OK;
}

rr_status rr_text_codes(const rr_text *text, int64_t data_length, int32_t *codes, int64_t *distinct,
                        const rr_call *call, rr_error *error)
{
    int few;
    rr_status status = rr_text_few_codes(text, data_length, codes, distinct, &few, call, error);

    return status != RR_OK || few ? status
                                  : code_many(text, data_length, codes, distinct, call, error);
}

rr_status rr_first_rows(const int32_t *codes, int64_t n, int64_t distinct, int64_t *rows,
                        rr_error *error)
{
    int64_t next = 0;

    for (int64_t i = 0; i < n && next < distinct; i++) {
        if (codes[i] == next) {
            rows[next++] = i;
        }
    }
    if (next < distinct) {
        return rr_fail(error, RR_ERR_ARGUMENT, "a code does not appear in its turn");
    }
    return RR_OK;
}

rr_status rr_text_isin(const rr_text *text, const rr_text *values, uint8_t *found, rr_error *error)
{
    set s = {0};
    rr_status status = set_open(&s, 4, error);

    for (int64_t i = 0; i < values->n && status == RR_OK; i++) {
        int32_t code;

        if (values->valid == NULL || values->valid[i]) {
            status = set_code(&s, values, i, &code, error);
        }
    }
    for (int64_t i = 0; i < text->n && status == RR_OK; i++) {
        const uint8_t *value = text->data + text->offsets[i];
        int64_t length = text->offsets[i + 1] - text->offsets[i];
        uint32_t hash = (uint32_t)(hash_bytes(value, length) >> 32);

        found[i] = (uint8_t)((text->valid == NULL || text->valid[i]) &&
                             set_find(&s, values, value, length, hash)->code >= 0);
    }
    free(s.slots);
    return status;
}

/* ---------------------------------------------------------------- order */

/* The first eight bytes of a value as a number that sorts as they do, so that most comparisons leave
 * the text alone. */
typedef struct prefixed {
    uint64_t prefix;
    int64_t row;
} prefixed;

static uint64_t prefix_of(const rr_text *text, int64_t row)
{
    const uint8_t *bytes = text->data + text->offsets[row];
    int64_t length = text->offsets[row + 1] - text->offsets[row];
    uint64_t prefix = 0;

    for (int64_t i = 0; i < 8; i++) {
        prefix = prefix << 8 | (i < length ? bytes[i] : 0);
    }
    return prefix;
}

/* True when b must stand before a, which stands before it now. */
static int is_before(const rr_text *text, const prefixed *b, const prefixed *a)
{
    int64_t length_a, length_b, common;
    int sign;

    if (b->prefix != a->prefix) {
        return b->prefix < a->prefix;
    }
    length_a = text->offsets[a->row + 1] - text->offsets[a->row];
    length_b = text->offsets[b->row + 1] - text->offsets[b->row];
    common = length_a < length_b ? length_a : length_b;
    sign = memcmp(text->data + text->offsets[b->row], text->data + text->offsets[a->row],
                  (size_t)common);
    return sign < 0 || (sign == 0 && length_b < length_a);
}

static void merge(const rr_text *text, const prefixed *from, prefixed *to, int64_t start,
                  int64_t middle, int64_t end)
{
    int64_t a = start, b = middle;

    for (int64_t i = start; i < end; i++) {
        int take_b = b < end && (a >= middle || is_before(text, &from[b], &from[a]));

        to[i] = take_b ? from[b++] : from[a++];
    }
}

rr_status rr_text_order(const rr_text *text, int64_t *order, const rr_call *call, rr_error *error)
{
    prefixed *from = rr_allocate(text->n, sizeof *from);
    prefixed *to = rr_allocate(text->n, sizeof *to);
    int64_t n = 0, last = text->n;
    rr_status status = RR_OK;

    if (from == NULL || to == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "no memory to sort text");
        goto out;
    }
    for (int64_t i = 0; i < text->n; i++) {
        if (text->valid == NULL || text->valid[i]) {
            from[n++] = (prefixed){prefix_of(text, i), i};
        }
    }
    for (int64_t width = 1; width < n; width *= 2) {
        prefixed *swap = from;

        for (int64_t start = 0; start < n; start += 2 * width) {
            int64_t middle = start + width < n ? start + width : n;
            int64_t end = start + 2 * width < n ? start + 2 * width : n;

            merge(text, from, to, start, middle, end);
        }
        from = to;
        to = swap;
        if (rr_stopped(call, width, n)) {
            status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
            goto out;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        order[i] = from[i].row;
    }
    for (int64_t i = text->n - 1; i >= 0 && last > n; i--) {
        if (text->valid != NULL && !text->valid[i]) {
            order[--last] = i;
        }
    }
out:
    free(from);
    free(to);
    return status;
}
