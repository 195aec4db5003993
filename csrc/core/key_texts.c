/* Keys with a text of any length: told apart by a hash and, where that is equal, by their bytes. */
#include "keys.h"

#include <string.h>

static uint64_t scramble(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xD6E8FEB86659FD93);
    return x ^ x >> 32;
}

static uint64_t hash_bytes(const uint8_t *bytes, int64_t n, uint64_t hash)
{
    hash ^= (uint64_t)n * UINT64_C(0x9E3779B97F4A7C15);
    for (; n >= 8; n -= 8, bytes += 8) {
        uint64_t word;

        memcpy(&word, bytes, 8);
        hash = scramble(hash ^ word) + UINT64_C(0x9E3779B97F4A7C15);
    }
    if (n > 0) {
        uint64_t word = 0;

        memcpy(&word, bytes, (size_t)n);
        hash = scramble(hash ^ word);
    }
    return hash;
}

static uint32_t running_code(const rr_keys *keys, int64_t table, int64_t row)
{
    return keys->running > 1 ? keys->codes[table][row] : 0;
}

int rr_key_pack_texts(const rr_key_texts *texts, const rr_stretch *stretch, int64_t first,
                      int64_t n, rr_key_words *packed)
{
    const rr_keys *keys = texts->keys;
    const rr_key_column *c = &keys->tables[stretch->table].columns[texts->column];
    int64_t room[RR_KEY_BLOCK + 1];
    const int64_t *offsets = rr_key_offsets(c, first, n, room);

    memset(packed->missing, 0, (size_t)n);
    rr_key_missing(keys, stretch->table, texts->column, first, n, packed->missing);
    for (int64_t i = 0; i < n; i++) {
        uint32_t before = running_code(keys, stretch->table, first + i);

        packed->missing[i] |= before == RR_NULL_KEY;
        packed->low[i] = packed->missing[i] ? 0
                                            : hash_bytes(c->data + offsets[i],
                                                         offsets[i + 1] - offsets[i], before);
        packed->high[i] = (uint64_t)(stretch->before + first - stretch->first + i);
    }
    return 1;
}

typedef struct value {
    const uint8_t *bytes;
    int64_t length;
    uint32_t before;
} value;

static value value_of(const rr_key_texts *texts, uint64_t row)
{
    const rr_key_table *table = texts->keys->tables;
    int64_t i = (int64_t)row, t = 0, room[2];
    const rr_key_column *column;
    const int64_t *offsets;

    while (i >= table[t].n) {
        i -= table[t++].n;
    }
    column = &table[t].columns[texts->column];
    offsets = rr_key_offsets(column, i, 1, room);
    return (value){column->data + offsets[0], offsets[1] - offsets[0],
                   running_code(texts->keys, t, i)};
}

int rr_key_same_text(const rr_key_texts *texts, uint64_t row, uint64_t other)
{
    value a = value_of(texts, row), b = value_of(texts, other);

    return a.before == b.before && a.length == b.length &&
           (a.length == 0 || memcmp(a.bytes, b.bytes, (size_t)a.length) == 0);
}
