#define _DEFAULT_SOURCE /* madvise */

#include "csv_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE = 1 << 23 };

void rr_csv_column_free(rr_csv_column *column)
{
    free(column->values);
    free(column->valid);
    free(column->offsets);
    free(column->data);
    memset(column, 0, sizeof *column);
}

void rr_csv_builder_init(rr_csv_builder *builder, rr_csv_kind kind)
{
    memset(builder, 0, sizeof *builder);
    builder->column.kind = kind;
    builder->column.code_size = sizeof(int32_t);
    builder->last = -1;
}

void rr_csv_builder_free(rr_csv_builder *builder)
{
    rr_csv_column_free(&builder->column);
    free(builder->slots);
    free(builder->recent);
    memset(builder, 0, sizeof *builder);
}

/* Large blocks are first touched a huge page at a time, not in 512 small ones. */
static void ask_for_huge_pages(char *block, size_t size)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const uintptr_t page = (uintptr_t)1 << 21;
    uintptr_t first = ((uintptr_t)block + page - 1) & ~(page - 1);
    uintptr_t last = ((uintptr_t)block + size) & ~(page - 1);

    if (first < last) {
        (void)madvise((void *)first, last - first,
                      MADV_HUGEPAGE); /* advice, which may be refused */
    }
#else
    (void)block;
    (void)size;
#endif
}

/* realloc of count * size. On Linux a large block moves by its page tables and pages that were never
 * touched take no memory, so doubling costs neither a copy nor the double. A block that becomes large
 * comes from the shelf if one lies there; `used` bytes of it are kept. */
static int resize(rr_shelf *shelf, void **block, size_t used, int64_t count, size_t size)
{
    void *moved = NULL;
    size_t bytes;

    if (count < 0 || (uint64_t)count > SIZE_MAX / size) {
        return -1;
    }
    bytes = count == 0 ? 1 : (size_t)count * size;
    if (used < RR_SHELF_LEAST && (moved = rr_shelf_take(shelf, bytes)) != NULL) {
        if (used > 0) {
            memcpy(moved, *block, used);
        }
        free(*block);
        *block = moved;
        return 0;
    }
    moved = realloc(*block, bytes);
    if (moved == NULL) {
        return -1;
    }
    if (bytes > HUGE) {
        ask_for_huge_pages(moved, bytes);
    }
    *block = moved;
    return 0;
}

size_t rr_csv_value_size(rr_csv_kind kind)
{
    switch (kind) {
    case RR_CSV_DATE:
    case RR_CSV_INT64:
        return sizeof(int64_t);
    case RR_CSV_FLOAT64:
        return sizeof(double);
    case RR_CSV_BOOL:
        return sizeof(uint8_t);
    case RR_CSV_CATEGORY:
    case RR_CSV_SKIP:
    case RR_CSV_TEXT:
        break;
    }
    return 0;
}

static int has_mask(rr_csv_kind kind)
{
    return kind == RR_CSV_INT64 || kind == RR_CSV_BOOL || kind == RR_CSV_TEXT;
}

rr_status rr_csv_builder_reserve(rr_csv_builder *builder, int64_t rows)
{
    rr_csv_column *c = &builder->column;
    size_t size = c->kind == RR_CSV_CATEGORY ? (size_t)c->code_size : rr_csv_value_size(c->kind);
    const size_t held = (size_t)builder->room;

    if (size > 0 && resize(builder->shelf, &c->values, held * size, rows, size) < 0) {
        return RR_ERR_MEMORY;
    }
    if (has_mask(c->kind) && (c->valid != NULL || !builder->mask_later)) {
        void *valid = c->valid;

        if (resize(builder->shelf, &valid, valid == NULL ? 0 : held, rows, 1) < 0) {
            return RR_ERR_MEMORY;
        }
        c->valid = valid;
    }
    if (c->kind == RR_CSV_TEXT || (c->kind == RR_CSV_CATEGORY && c->offsets == NULL)) {
        void *offsets = c->offsets;
        int64_t room = c->kind == RR_CSV_TEXT ? rows : 8;
        size_t used = offsets == NULL ? 0 : (held + 1) * sizeof(int64_t);

        if (room == INT64_MAX ||
            resize(builder->shelf, &offsets, used, room + 1, sizeof(int64_t)) < 0) {
            return RR_ERR_MEMORY;
        }
        if (c->offsets == NULL) {
            ((int64_t *)offsets)[0] = 0;
        }
        c->offsets = offsets;
        builder->strings_room = room;
    }
    builder->room = rows;
    return RR_OK;
}

rr_status rr_csv_builder_mask(rr_csv_builder *builder, int64_t n, int64_t rows)
{
    void *valid = NULL;

    if (resize(builder->shelf, &valid, 0, rows, 1) < 0) {
        return RR_ERR_MEMORY;
    }
    memset(valid, 1, (size_t)n);
    builder->column.valid = valid;
    return RR_OK;
}

rr_status rr_csv_make_room(rr_csv_builder *builders, int64_t n_builders, int64_t n, int64_t *room)
{
    int64_t wanted = *room < 64 ? 64 : *room;

    if (n < *room) {
        return RR_OK;
    }
    while (wanted <= n) {
        wanted = wanted > INT64_MAX / 2 ? INT64_MAX : 2 * wanted;
    }
    for (int64_t i = 0; i < n_builders; i++) {
        rr_status status = rr_csv_builder_reserve(&builders[i], wanted);

        if (status != RR_OK) {
            return status;
        }
    }
    *room = wanted;
    return RR_OK;
}

rr_status rr_csv_builder_reserve_data(rr_csv_builder *builder, int64_t used, int64_t more)
{
    int64_t room = builder->data_room < 256 ? 256 : builder->data_room;

    if (more <= builder->data_room - used) {
        return RR_OK;
    }
    if (more > INT64_MAX / 4 || used > INT64_MAX / 4) {
        return RR_ERR_MEMORY;
    }
    while (room - used < more) {
        room *= 2;
    }
    return rr_csv_builder_set_data(builder, room);
}

rr_status rr_csv_builder_set_data(rr_csv_builder *builder, int64_t room)
{
    void *data = builder->column.data;

    if (resize(builder->shelf, &data, (size_t)builder->data_room, room, 1) < 0) {
        return RR_ERR_MEMORY;
    }
    builder->column.data = data;
    builder->data_room = room;
    return RR_OK;
}

/* Makes room for `more` bytes after the last string. */
static rr_status reserve_data(rr_csv_builder *builder, int64_t more)
{
    return rr_csv_builder_reserve_data(builder, builder->column.offsets[builder->column.n_strings],
                                       more);
}

void rr_csv_add_null(rr_csv_builder *builder)
{
    rr_csv_column *c = &builder->column;
    int64_t row = builder->n++;

    switch (c->kind) {
    case RR_CSV_DATE:
        ((int64_t *)c->values)[row] = RR_NULL_DAY;
        break;
    case RR_CSV_INT64:
        ((int64_t *)c->values)[row] = 0;
        c->valid[row] = 0;
        break;
    case RR_CSV_FLOAT64:
        ((double *)c->values)[row] = NAN;
        break;
    case RR_CSV_BOOL:
        ((uint8_t *)c->values)[row] = 0;
        c->valid[row] = 0;
        break;
    case RR_CSV_TEXT:
        c->offsets[row + 1] = c->offsets[row];
        c->valid[row] = 0;
        c->n_strings = row + 1;
        break;
    case RR_CSV_CATEGORY:
        ((int32_t *)c->values)[row] = -1;
        break;
    case RR_CSV_SKIP:
        break;
    }
}

void rr_csv_add_int64(rr_csv_builder *builder, int64_t value)
{
    rr_csv_column *c = &builder->column;

    if (c->valid != NULL) {
        c->valid[builder->n] = 1;
    }
    ((int64_t *)c->values)[builder->n++] = value;
}

void rr_csv_add_float64(rr_csv_builder *builder, double value)
{
    ((double *)builder->column.values)[builder->n++] = value;
}

void rr_csv_add_bool(rr_csv_builder *builder, uint8_t value)
{
    builder->column.valid[builder->n] = 1;
    ((uint8_t *)builder->column.values)[builder->n++] = value;
}

rr_status rr_csv_add_text(rr_csv_builder *builder, rr_csv_encoding encoding, const char *bytes,
                          int64_t length, int check, int64_t *bad)
{
    rr_csv_column *c = &builder->column;
    int64_t row = builder->n, used = c->offsets[row], written = length;

    *bad = -1;
    if (reserve_data(builder, check ? RR_CSV_GROWTH * length : length) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    if (check) {
        written = rr_csv_utf8(encoding, bytes, length, c->data + used);
        if (written < 0) {
            *bad = -1 - written;
            return RR_OK;
        }
    } else {
        memcpy(c->data + used, bytes, (size_t)length);
    }
    c->offsets[row + 1] = used + written;
    c->valid[row] = 1;
    c->n_strings = builder->n = row + 1;
    return RR_OK;
}

/* ---------------------------------------------------------------- categories */

static uint64_t hash(const char *bytes, int64_t length)
{
    /* Odd constants of the golden ratio and of Steele and Vigna's mixer: any odd ones would do, the
     * table compares the bytes. */
    uint64_t h = (uint64_t)length * UINT64_C(0x9E3779B97F4A7C15);

    while (length >= 8) {
        uint64_t word;

        memcpy(&word, bytes, 8);
        h = (h ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
        h ^= h >> 32;
        bytes += 8;
        length -= 8;
    }
    if (length > 0) {
        uint64_t word = 0;

        memcpy(&word, bytes, (size_t)length);
        h = (h ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
        h ^= h >> 32;
    }
    return h;
}

static int is_string(const rr_csv_column *c, int32_t code, const char *bytes, int64_t length)
{
    int64_t from = c->offsets[code];

    return c->offsets[code + 1] - from == length &&
           memcmp(c->data + from, bytes, (size_t)length) == 0;
}

/* The slot of these bytes, or the free slot where they belong. */
static int64_t find(const rr_csv_builder *builder, const char *bytes, int64_t length)
{
    int64_t mask = builder->n_slots - 1, at = (int64_t)(hash(bytes, length) & (uint64_t)mask);

    while (builder->slots[at] >= 0 &&
           !is_string(&builder->column, builder->slots[at], bytes, length)) {
        at = (at + 1) & mask;
    }
    return at;
}

static int grow_slots(rr_csv_builder *builder)
{
    const rr_csv_column *c = &builder->column;
    int64_t n = builder->n_slots == 0 ? 64 : 2 * builder->n_slots;
    int32_t *slots = rr_allocate(n, sizeof *slots);

    if (slots == NULL) {
        return -1;
    }
    free(builder->slots);
    builder->slots = slots;
    builder->n_slots = n;
    memset(slots, 0xFF, (size_t)n * sizeof *slots);
    for (int32_t code = 0; code < c->n_strings; code++) {
        int64_t from = c->offsets[code];

        slots[find(builder, c->data + from, c->offsets[code + 1] - from)] = code;
    }
    return 0;
}

/* Room for one more value in the offsets and the bytes, and a table at most half full. */
static int reserve_category(rr_csv_builder *builder, int64_t length)
{
    rr_csv_column *c = &builder->column;

    if (c->n_strings == builder->strings_room) {
        void *offsets = c->offsets;

        if (resize(NULL, &offsets, 0, 2 * builder->strings_room + 1, sizeof(int64_t)) < 0) {
            return -1;
        }
        c->offsets = offsets;
        builder->strings_room *= 2;
    }
    if (2 * (c->n_strings + 1) > builder->n_slots && grow_slots(builder) < 0) {
        return -1;
    }
    return reserve_data(builder, length) == RR_OK ? 0 : -1;
}

static rr_status code_of(rr_csv_builder *builder, rr_csv_encoding encoding, const char *bytes,
                         int64_t length, int check, int64_t *bad, int32_t *code)
{
    rr_csv_column *c = &builder->column;
    int64_t slot;

    if (reserve_category(builder, length) < 0) {
        return RR_ERR_MEMORY;
    }
    slot = find(builder, bytes, length);
    *code = builder->slots[slot];
    if (*code >= 0) {
        return RR_OK;
    }
    if (c->n_strings == INT32_MAX) {
        return RR_ERR_TOO_LARGE;
    }
    if (check) {
        int64_t written = rr_csv_utf8(encoding, bytes, length, NULL);

        if (written < 0) {
            *bad = -1 - written;
            return RR_OK;
        }
    }
    *code = (int32_t)c->n_strings;
    memcpy(c->data + c->offsets[*code], bytes, (size_t)length);
    c->offsets[*code + 1] = c->offsets[*code] + length;
    c->n_strings++;
    builder->slots[slot] = *code;
    return RR_OK;
}

rr_status rr_csv_add_category(rr_csv_builder *builder, rr_csv_encoding encoding, const char *bytes,
                              int64_t length, int check, int64_t *bad)
{
    rr_status status = RR_OK;

    *bad = -1;
    if (builder->last < 0 || !is_string(&builder->column, builder->last, bytes, length)) {
        int32_t code;

        status = code_of(builder, encoding, bytes, length, check, bad, &code);
        if (status != RR_OK || *bad >= 0) {
            return status;
        }
        builder->last = code;
    }
    ((int32_t *)builder->column.values)[builder->n++] = builder->last;
    return RR_OK;
}

rr_status rr_csv_category_code(rr_csv_builder *builder, const char *bytes, int64_t length,
                               int32_t *code)
{
    int64_t bad;

    return code_of(builder, RR_CSV_UTF8, bytes, length, 0, &bad, code);
}

void rr_csv_builder_undo(rr_csv_builder *builder, int64_t rows)
{
    if (builder->n > rows) {
        builder->n = rows;
        if (builder->column.kind == RR_CSV_TEXT) {
            builder->column.n_strings = rows;
        }
    }
}

/* ---------------------------------------------------------------- the end */

/* Categories were compared as the bytes of the file; now each is recoded, once. */
static int recode(rr_csv_column *c, rr_csv_encoding encoding)
{
    int64_t used = 0, from = 0;
    char *data = rr_allocate(c->offsets[c->n_strings], RR_CSV_GROWTH);

    if (data == NULL) {
        return -1;
    }
    for (int64_t i = 0; i < c->n_strings; i++) {
        int64_t to = c->offsets[i + 1];

        used += rr_csv_utf8(encoding, c->data + from, to - from, data + used);
        c->offsets[i + 1] = used;
        from = to;
    }
    free(c->data);
    c->data = data;
    return 0;
}

/* Shrinking keeps the block if the allocator cannot do better, so it cannot fail. */
static void *shrink(void *block, int64_t count, size_t size)
{
    void *moved = block;

    return block == NULL || resize(NULL, &moved, 0, count, size) < 0 ? block : moved;
}

/* Whether spare memory is worth giving back. A little of it was never touched, and blocks that keep
 * their size are found on the shelf when the file is read again. */
static int is_roomy(const rr_csv_builder *builder, int64_t used, int64_t room)
{
    return builder->shelf == NULL || used < room - room / 8;
}

rr_status rr_csv_builder_finish(rr_csv_builder *builder, rr_csv_encoding encoding,
                                rr_csv_column *out)
{
    rr_csv_column *c = &builder->column;

    if (is_roomy(builder, builder->n, builder->room) &&
        rr_csv_builder_reserve(builder, builder->n) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    if (c->kind == RR_CSV_CATEGORY && encoding != RR_CSV_UTF8 && c->n_strings > 0 &&
        recode(c, encoding) < 0) {
        return RR_ERR_MEMORY;
    }
    if (c->valid != NULL && memchr(c->valid, 0, (size_t)builder->n) == NULL) {
        free(c->valid);
        c->valid = NULL;
    }
    if (c->offsets != NULL) {
        if (reserve_data(builder, 1) != RR_OK) { /* data is never NULL beside offsets */
            return RR_ERR_MEMORY;
        }
        if (is_roomy(builder, c->offsets[c->n_strings], builder->data_room)) {
            c->data = shrink(c->data, c->offsets[c->n_strings], 1);
        }
        if (c->kind == RR_CSV_CATEGORY) {
            c->offsets = shrink(c->offsets, c->n_strings + 1, sizeof(int64_t));
        }
    }
    *out = *c;
    memset(c, 0, sizeof *c);
    rr_csv_builder_free(builder);
    return RR_OK;
}
