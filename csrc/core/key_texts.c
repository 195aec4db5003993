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
    rr_key_block block;
    const int plain = rr_key_texts_at(c, first, n, &block);

    memset(packed->missing, 0, (size_t)n);
    rr_key_missing(keys, stretch->table, texts->column, first, n, packed->missing);
    for (int64_t i = 0; i < n; i++) {
        uint32_t before = running_code(keys, stretch->table, first + i);

        packed->missing[i] |= before == RR_NULL_KEY;
        packed->low[i] = packed->missing[i] ? 0
                                            : hash_bytes(block.data + block.from[i],
                                                         block.to[i] - block.from[i], before);
        packed->high[i] = (uint64_t)(stretch->before + first - stretch->first + i);
    }
    return plain;
}

typedef struct value {
    const uint8_t *bytes;
    int64_t length;
    uint32_t before;
} value;

static value value_of(const rr_key_texts *texts, uint64_t row, rr_key_block *block)
{
    const rr_key_table *table = texts->keys->tables;
    int64_t i = (int64_t)row, t = 0;

    while (i >= table[t].n) {
        i -= table[t++].n;
    }
    (void)rr_key_texts_at(&table[t].columns[texts->column], i, 1, block); /* it was ASCII before */
    return (value){block->data + block->from[0], block->to[0] - block->from[0],
                   running_code(texts->keys, t, i)};
}

int rr_key_same_text(const rr_key_texts *texts, uint64_t row, uint64_t other)
{
    rr_key_block blocks[2];
    value a = value_of(texts, row, &blocks[0]), b = value_of(texts, other, &blocks[1]);

    return a.before == b.before && a.length == b.length &&
           (a.length == 0 || memcmp(a.bytes, b.bytes, (size_t)a.length) == 0);
}
