/* The values of key columns, block by block, in the one form that survey and packing read. */
#include "keys.h"

/* How long a text of `width` bytes is without the NULs at its end. */
static inline int64_t own_length(const uint8_t *bytes, int64_t width)
{
    while (width > 0 && bytes[width - 1] == 0) {
        width--;
    }
    return width;
}

int rr_key_texts_at(const rr_key_column *column, int64_t first, int64_t n, rr_key_block *block)
{
    const int64_t width = column->width;
    uint32_t any = 0;

    block->data = column->data;
    block->n_data = column->n_data;
    block->from = block->from_room;
    block->to = block->to_room;
    if (width == 0) {
        block->from = column->offsets == NULL ? block->from_room : column->offsets + first;
        block->to = block->from + 1;
        for (int64_t i = 0; column->offsets == NULL && i <= n; i++) {
            block->from_room[i] = column->offsets_32[first + i];
        }
        return 1;
    }
    if (column->wide != NULL) {
        for (int64_t i = 0; i < n * width; i++) {
            any |= column->wide[first * width + i];
            block->room[i] = (uint8_t)column->wide[first * width + i];
        }
        block->data = block->room;
        block->n_data = n * width;
        first = 0;
    }
    for (int64_t i = 0; i < n; i++) {
        block->from_room[i] = (first + i) * width;
        block->to_room[i] = block->from_room[i] +
                            own_length(block->data + block->from_room[i], width);
    }
    return any < 0x80;
}

const int32_t *rr_key_narrow_integers(const rr_key_column *column, int64_t first, int64_t n,
                                      int32_t *room)
{
    if (column->ints_32 != NULL) {
        return column->ints_32 + first;
    }
    for (int64_t i = 0; column->ints_16 != NULL && i < n; i++) {
        room[i] = column->ints_16[first + i];
    }
    for (int64_t i = 0; column->ints_16 == NULL && i < n; i++) {
        room[i] = column->ints_8[first + i];
    }
    return room;
}

const int64_t *rr_key_integers(const rr_key_column *column, int64_t first, int64_t n, int64_t *room)
{
    int32_t narrow_room[RR_KEY_BLOCK];
    const int32_t *narrow;

    if (column->kind == RR_KEY_INT64) {
        return column->ints + first;
    }
    narrow = rr_key_narrow_integers(column, first, n, narrow_room);
    if (column->meanings != NULL) {
        for (int64_t i = 0; i < n; i++) {
            int32_t code = narrow[i];

            room[i] = code >= 0 && code < column->n_meanings ? (int64_t)column->meanings[code] : -1;
        }
        return room;
    }
    for (int64_t i = 0; i < n; i++) {
        room[i] = narrow[i];
    }
    return room;
}

void rr_key_missing(const rr_keys *keys, int64_t table, int64_t column, int64_t first, int64_t n,
                    uint8_t *missing)
{
    const rr_key_column *c = &keys->tables[table].columns[column];

    if (c->valid != NULL) {
        for (int64_t i = 0; i < n; i++) {
            missing[i] |= !c->valid[first + i];
        }
    }
    if (c->kind == RR_KEY_CODES) {
        int32_t room[RR_KEY_BLOCK];
        const int32_t *codes = rr_key_narrow_integers(c, first, n, room);

        for (int64_t i = 0; i < n; i++) {
            missing[i] |= codes[i] < 0;
        }
    }
}
