/* A key is packed into few bits, because bytes moved are what numbering it costs.
 *
 * The bits of a column that vary (key_fields.c) are gathered at the low end of a word; then key columns
 * stand side by side, most often in 64 bits. The packing is exact: a value that has another bit than
 * the constant ones, or another length, does not fit, and is told. */
#include "keys.h"
#include "short_text.h"

#include <string.h>

static inline uint64_t gather_by_moves(const rr_gather *g, uint64_t word)
{
    word &= g->mask;
    for (int i = 0; i < g->n_moves; i++) {
        uint64_t moved = word & g->move[i];

        word = (word ^ moved) | moved >> g->shift[i];
    }
    return word;
}

/* Whether texts vary in no other bits than the field's, and have its constant bits. */
static int varies_as(const rr_field *f, const uint64_t any[2], const uint64_t every[2])
{
    uint64_t misfit = 0;

    for (int w = 0; w < 2; w++) {
        uint64_t fixed = ~f->gather[w].mask;

        misfit |= (any[w] & fixed & ~f->constant[w]) | (f->constant[w] & fixed & ~every[w]);
    }
    return misfit == 0;
}

/* Adds a number at a place of the key. */
RR_INLINE void put(rr_key_words *packed, int wide, int64_t i, uint64_t number, int shift)
{
    if (!wide) {
        packed->low[i] |= number << (shift & 63);
    } else if (shift < 64) {
        packed->low[i] |= number << shift;
        packed->high[i] |= number >> 1 >> (63 - shift);
    } else {
        packed->high[i] |= number << (shift & 63);
    }
}

RR_INLINE int pack_integers(int wide, const rr_field *f, const rr_key_column *c, int64_t first,
                            int64_t n, rr_key_words *packed)
{
    int64_t room[RR_KEY_BLOCK];
    const int64_t *values = rr_key_integers(c, first, n, room);
    uint64_t misfit = 0;

    for (int64_t i = 0; i < n; i++) {
        uint64_t number = (uint64_t)values[i] - f->least;

        number = packed->missing[i] ? 0 : number;
        misfit |= number > f->range;
        put(packed, wide, i, number, f->shift);
    }
    return misfit == 0;
}

typedef uint64_t gather_word(const rr_gather *, uint64_t);

/* Adds the texts of a column to the packed keys. Compiled for either way to gather, and apart for texts
 * of one length, of which the bits beyond the end need not be looked at. */
RR_INLINE int pack_texts(gather_word gather, int wide, int one_length, const rr_field *field,
                         const rr_key_column *c, int64_t first, int64_t n, rr_key_words *packed)
{
    const rr_field f = *field;
    rr_key_block block;
    const int plain = rr_key_texts_at(c, first, n, &block);
    const int64_t *begin = block.from, *end = block.to;
    const uint64_t safe = rr_safe_places(block.n_data);
    const int second = f.shift + f.gathered[0], third = second + f.gathered[1];
    uint64_t any[2] = {0, 0}, every[2] = {UINT64_MAX, UINT64_MAX}, own[2];

    rr_own_bits(f.least, own);
    for (int64_t i = 0; i < n; i++) {
        uint64_t from = (uint64_t)begin[i], past = (uint64_t)end[i] - from - f.least;
        uint64_t word[2];

        if (packed->missing[i]) {
            continue;
        }
        if (past > f.range || from >= safe) {
            if (past > f.range || !rr_key_is_inside(&block, from, past + f.least)) {
                return 0;
            }
            rr_copy_words(block.data + from, past + f.least, word);
        } else {
            memcpy(word, block.data + from, sizeof word);
        }
        if (!one_length) {
            rr_own_bits(past + f.least, own);
        }
        for (int w = 0; w < 2; w++) {
            word[w] &= own[w];
            any[w] |= word[w];
            every[w] &= word[w] | ~own[w];
        }
        put(packed, wide, i, gather(&f.gather[0], word[0]), f.shift);
        put(packed, wide, i, gather(&f.gather[1], word[1]), second);
        if (!one_length) {
            put(packed, wide, i, past, third);
        }
    }
    return plain && varies_as(&f, any, every);
}

RR_INLINE int pack_column(gather_word gather, int wide, const rr_field *f, const rr_key_column *c,
                          int64_t first, int64_t n, rr_key_words *packed)
{
    return !f->is_text     ? pack_integers(wide, f, c, first, n, packed)
           : f->range == 0 ? pack_texts(gather, wide, 1, f, c, first, n, packed)
                           : pack_texts(gather, wide, 0, f, c, first, n, packed);
}

RR_INLINE int pack(gather_word gather, int wide, const rr_key_packing *p, int64_t table,
                   int64_t first, int64_t n, rr_key_words *packed)
{
    int fits = 1;

    memset(packed->missing, 0, (size_t)n);
    memset(packed->low, 0, (size_t)n * sizeof *packed->low);
    if (wide) {
        memset(packed->high, 0, (size_t)n * sizeof *packed->high);
    }
    for (int64_t f = 0; f < p->n_fields; f++) {
        rr_key_missing(p->keys, table, p->fields[f].column, first, n, packed->missing);
    }
    if (p->running_shift < RR_KEY_BITS) {
        for (int64_t i = 0; i < n; i++) {
            uint32_t before = p->keys->codes[table][first + i];

            packed->missing[i] |= before == RR_NULL_KEY;
            put(packed, wide, i, before, p->running_shift);
        }
    }
    for (int64_t f = 0; f < p->n_fields && fits; f++) {
        const rr_field *field = &p->fields[f];

        fits = pack_column(gather, wide, field, &p->keys->tables[table].columns[field->column],
                           first, n, packed);
    }
    return fits;
}

static int pack_by_moves(const rr_key_packing *p, int64_t table, int64_t first, int64_t n,
                         rr_key_words *packed)
{
    return p->bits <= RR_KEY_NARROW ? pack(gather_by_moves, 0, p, table, first, n, packed)
                                    : pack(gather_by_moves, 1, p, table, first, n, packed);
}

#if defined(__x86_64__)
/* One instruction, but of hundreds of steps on the first two generations of AMD's Zen. */
int rr_key_can_extract(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("bmi2") && !__builtin_cpu_is("znver1") &&
           !__builtin_cpu_is("znver2");
}

__attribute__((target("bmi2"))) static inline uint64_t gather_by_extract(const rr_gather *g,
                                                                         uint64_t word)
{
    return __builtin_ia32_pext_di(word, g->mask);
}

__attribute__((target("bmi2"))) static int pack_by_extract(const rr_key_packing *p, int64_t table,
                                                           int64_t first, int64_t n,
                                                           rr_key_words *packed)
{
    return p->bits <= RR_KEY_NARROW ? pack(gather_by_extract, 0, p, table, first, n, packed)
                                    : pack(gather_by_extract, 1, p, table, first, n, packed);
}
#else
int rr_key_can_extract(void)
{
    return 0;
}

static int pack_by_extract(const rr_key_packing *p, int64_t table, int64_t first, int64_t n,
                           rr_key_words *packed)
{
    return pack_by_moves(p, table, first, n, packed);
}
#endif

int rr_key_pack(const rr_key_packing *packing, int64_t table, int64_t first, int64_t n,
                rr_key_words *packed)
{
    return packing->keys->extract ? pack_by_extract(packing, table, first, n, packed)
                                  : pack_by_moves(packing, table, first, n, packed);
}
