/* Random key columns in every form, for the tests of keys. */
#ifndef RR_TEST_KEY_COLUMNS_H
#define RR_TEST_KEY_COLUMNS_H

#include "check.h"
#include "rereferral.h"

#include <string.h>

enum { MOST = 300, WIDEST = 40 };

/* One column of one table, in every form that it may be given in. */
typedef struct column {
    int64_t ints[MOST];
    int32_t ints_32[MOST];
    int16_t ints_16[MOST];
    int8_t ints_8[MOST];
    int64_t offsets[MOST + 1];
    int32_t offsets_32[MOST + 1];
    uint8_t data[MOST * WIDEST];
    uint8_t fixed[MOST * RR_WIDTH_MAX];
    uint32_t wide[MOST * RR_WIDTH_MAX];
    uint8_t valid[MOST];
} column;

static const uint32_t MEANINGS[] = {7, 3, 7, 4000000000u, 0}; /* two codes mean the same */

/* Numbers of several spreads, among them the whole range. */
static inline int64_t random_number(int spread, uint64_t *random)
{
    int64_t small = random_below(random, 7) - 3;

    return spread == 0   ? small
           : spread == 1 ? small * (INT64_C(1) << 40)
           : small == 3  ? INT64_MAX
           : small == 2  ? INT64_MIN
                         : (int64_t)random_word(random);
}

/* The codes in 16 or 8 bits. */
static inline void give_narrow_codes(column *c, rr_key_column *key, int64_t n, int narrow)
{
    for (int64_t i = 0; i < n; i++) {
        c->ints_16[i] = (int16_t)c->ints_32[i];
        c->ints_8[i] = (int8_t)c->ints_32[i];
    }
    key->ints_32 = narrow == 0 ? c->ints_32 : NULL;
    key->ints_16 = narrow == 1 ? c->ints_16 : NULL;
    key->ints_8 = narrow == 2 ? c->ints_8 : NULL;
}

static inline void fill_numbers(column *c, rr_key_column *key, int64_t n, uint64_t *random)
{
    int form = (int)random_below(random, 3), spread = (int)random_below(random, 3);

    for (int64_t i = 0; i < n; i++) {
        c->ints[i] = random_number(spread, random);
        c->ints_32[i] = (int32_t)random_below(random, 6) - 1;
    }
    if (form == 0) {
        *key = (rr_key_column){.kind = RR_KEY_INT64, .ints = c->ints, .valid = c->valid};
        return;
    }
    *key = (rr_key_column){.kind = form == 1 ? RR_KEY_INT32 : RR_KEY_CODES, .ints_32 = c->ints_32};
    if (form == 2 && random_below(random, 2)) {
        key->meanings = MEANINGS;
        key->n_meanings = 5;
    }
    for (int64_t i = 0; i < n; i++) {
        uint32_t code = (uint32_t)c->ints_32[i];

        c->valid[i] = form == 1 || c->ints_32[i] >= 0;
        c->ints[i] = key->meanings != NULL && c->valid[i] ? (int64_t)MEANINGS[code] : c->ints_32[i];
    }
    key->valid = form == 1 && random_below(random, 2) ? c->valid : NULL;
    if (form == 2) {
        give_narrow_codes(c, key, n, (int)random_below(random, 3));
    }
}

/* Texts that differ in any byte, in their length alone, by a last NUL, or hardly ever. */
static inline void fill_texts(column *c, rr_key_column *key, int64_t n, uint64_t *random)
{
    static const int64_t lengths[] = {12, 0, 1, 8, 9, 15, 16, 17, 40};
    int64_t kinds = random_below(random, 3) == 0 ? 9 : random_below(random, 7) + 1;
    int64_t letters = random_below(random, 3) == 0 ? 256 : 3;

    c->offsets[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t length = lengths[random_below(random, kinds)], from = c->offsets[i];

        memset(c->data + from, 'a', (size_t)length);
        for (int64_t j = random_below(random, 4); j < length; j += 5) {
            c->data[from + j] = (uint8_t)random_below(random, letters);
        }
        if (i > 0 && random_below(random, 2)) { /* a value that was there before */
            int64_t row = random_below(random, i);

            length = c->offsets[row + 1] - c->offsets[row];
            memcpy(c->data + from, c->data + c->offsets[row], (size_t)length);
        }
        c->offsets[i + 1] = from + length;
    }
    for (int64_t i = 0; i <= n; i++) {
        c->offsets_32[i] = (int32_t)c->offsets[i];
    }
    *key = (rr_key_column){
        .kind = RR_KEY_TEXT, .data = c->data, .n_data = c->offsets[n], .valid = c->valid};
    if (random_below(random, 2)) {
        key->offsets = c->offsets;
    } else {
        key->offsets_32 = c->offsets_32;
    }
}

/* ASCII of a fixed width, in bytes or in UTF-32; the offsets and the data say what the texts are. */
static inline void fill_fixed(column *c, rr_key_column *key, int64_t n, uint64_t *random)
{
    int64_t width = random_below(random, RR_WIDTH_MAX) + 1;

    c->offsets[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t row = i > 0 && random_below(random, 2) ? random_below(random, i) : i;
        uint8_t *at = c->fixed + i * width;
        int64_t length = width;

        for (int64_t j = 0; j < width; j++) {
            at[j] = row < i                        ? c->fixed[row * width + j]
                    : random_below(random, 4) == 0 ? (uint8_t)random_below(random, 3)
                                                   : 'a';
            c->wide[i * width + j] = at[j];
        }
        while (length > 0 && at[length - 1] == 0) {
            length--;
        }
        memcpy(c->data + c->offsets[i], at, (size_t)length);
        c->offsets[i + 1] = c->offsets[i] + length;
    }
    *key = (rr_key_column){.kind = RR_KEY_TEXT, .width = width, .valid = c->valid};
    if (random_below(random, 2)) {
        key->data = c->fixed;
        key->n_data = n * width;
    } else {
        key->wide = c->wide;
    }
}

static inline int same_value(int text, const column *a, int64_t i, const column *b, int64_t j)
{
    int64_t length = a->offsets[i + 1] - a->offsets[i];

    if (!text) {
        return a->ints[i] == b->ints[j];
    }
    return length == b->offsets[j + 1] - b->offsets[j] &&
           memcmp(a->data + a->offsets[i], b->data + b->offsets[j], (size_t)length) == 0;
}

/* Fills one table of `n` rows with columns that are text or not. */
static inline rr_key_table fill_keys(column *columns, rr_key_column *key, int64_t n, int n_columns,
                                     const int *text, uint64_t *random)
{
    for (int c = 0; c < n_columns; c++) {
        for (int64_t i = 0; i < n; i++) {
            columns[c].valid[i] = random_below(random, 8) != 0;
        }
        if (text[c] && random_below(random, 3) == 0) {
            fill_fixed(&columns[c], &key[c], n, random);
        } else if (text[c]) {
            fill_texts(&columns[c], &key[c], n, random);
        } else {
            fill_numbers(&columns[c], &key[c], n, random);
        }
    }
    return (rr_key_table){key, n};
}

#endif
