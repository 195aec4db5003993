/* A key is packed into few bits, because bytes moved are what numbering it costs.
 *
 * Of an identifier most bits say nothing: "P" and eleven digits vary in 44 of their 96. What varies is
 * learned from the values (the bits that are not the same in all of them) and gathered at the low end
 * of a word; then key columns stand side by side, most often in 64 bits. The packing is exact: a value
 * that has another bit than the constant ones, or another length, does not fit, and is told. So text
 * may be surveyed by a sample, and a pass over all of it is saved (of four). */
#include "keys.h"
#include "short_text.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- gathering bits */

/* A parallel suffix over the mask: bit i of `move` k says that the bit has an odd 2^k in the number of
 * gaps below it (H. S. Warren, Hacker's Delight, 2nd edition, section 7-4). Moves of nothing, as of
 * digits, whose gaps are half bytes, are left out. */
static rr_gather gather_of(uint64_t mask)
{
    rr_gather g = {.mask = mask};
    uint64_t left = mask, gaps = ~mask << 1;

    for (int i = 0; i < 6; i++) {
        uint64_t odd = gaps, move;

        for (int by = 1; by < 64; by *= 2) {
            odd ^= odd << by;
        }
        move = odd & left;
        left = (left ^ move) | move >> (1 << i);
        gaps &= ~odd;
        if (move != 0) {
            g.move[g.n_moves] = move;
            g.shift[g.n_moves++] = 1 << i;
        }
    }
    return g;
}

static inline uint64_t gather_by_moves(const rr_gather *g, uint64_t word)
{
    word &= g->mask;
    for (int i = 0; i < g->n_moves; i++) {
        uint64_t moved = word & g->move[i];

        word = (word ^ moved) | moved >> g->shift[i];
    }
    return word;
}

static int count_bits(uint64_t word)
{
    int n = 0;

    for (; word != 0; word &= word - 1) {
        n++;
    }
    return n;
}

/* ---------------------------------------------------------------- reading columns */

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

/* The codes, or integers of 32 bits, of the rows first to first + n, widened into `room` if they must
 * be. */
static const int32_t *narrow_integers(const rr_key_column *column, int64_t first, int64_t n,
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

/* The integers of the rows first to first + n, widened into `room` if they must be; -1 for a code
 * without a meaning. */
static const int64_t *integers(const rr_key_column *column, int64_t first, int64_t n, int64_t *room)
{
    int32_t narrow_room[RR_KEY_BLOCK];
    const int32_t *narrow;

    if (column->kind == RR_KEY_INT64) {
        return column->ints + first;
    }
    narrow = narrow_integers(column, first, n, narrow_room);
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
        const int32_t *codes = narrow_integers(c, first, n, room);

        for (int64_t i = 0; i < n; i++) {
            missing[i] |= codes[i] < 0;
        }
    }
}

static int is_inside(const rr_key_block *block, uint64_t from, uint64_t length)
{
    return length <= (uint64_t)block->n_data && from <= (uint64_t)block->n_data - length;
}

/* ---------------------------------------------------------------- survey */

/* What the values of a column have in common. */
typedef struct survey {
    int64_t least, greatest;   /* integers, or lengths */
    uint64_t any[2], every[2]; /* bits that a text has, and that all have; of those not too long */
} survey;

typedef struct survey_job {
    const rr_keys *keys;
    const rr_stretch *stretches;
    int64_t step;
    survey *surveys; /* by stretch, then column */
} survey_job;

static const survey NOTHING = {INT64_MAX, INT64_MIN, {0, 0}, {UINT64_MAX, UINT64_MAX}};

static rr_status fail_value(rr_error *error, int64_t row, int64_t column, const char *message)
{
    rr_status status = rr_fail_row(error, RR_ERR_ARGUMENT, row, message);

    if (error != NULL) {
        error->column = column;
    }
    return status;
}

static void survey_integers(const rr_keys *keys, const rr_stretch *s, int64_t column, survey *found)
{
    const rr_key_column *c = &keys->tables[s->table].columns[column];
    int64_t room[RR_KEY_BLOCK];

    for (int64_t at = 0; at < s->n; at += RR_KEY_BLOCK) {
        int64_t n = s->n - at < RR_KEY_BLOCK ? s->n - at : RR_KEY_BLOCK;
        const int64_t *values = integers(c, s->first + at, n, room);
        int64_t least = found->least, greatest = found->greatest;

        if (c->valid == NULL && c->kind != RR_KEY_CODES) {
            for (int64_t i = 0; i < n; i++) {
                least = values[i] < least ? values[i] : least;
                greatest = values[i] > greatest ? values[i] : greatest;
            }
        } else {
            uint8_t missing[RR_KEY_BLOCK] = {0};

            rr_key_missing(keys, s->table, column, s->first + at, n, missing);
            for (int64_t i = 0; i < n; i++) {
                least = !missing[i] && values[i] < least ? values[i] : least;
                greatest = !missing[i] && values[i] > greatest ? values[i] : greatest;
            }
        }
        found->least = least;
        found->greatest = greatest;
    }
}

/* Codes that stand for others: looking at the meanings is less than looking at the rows. */
static rr_status survey_codes(const rr_keys *keys, const rr_stretch *s, int64_t column,
                              int64_t step, survey *found, rr_error *error)
{
    const rr_key_column *c = &keys->tables[s->table].columns[column];

    for (int64_t i = s->first; step == 1 && i < s->first + s->n; i++) {
        int32_t room[1];

        if (*narrow_integers(c, i, 1, room) >= c->n_meanings) {
            return fail_value(error, i, column, "a code has no meaning");
        }
    }
    for (int64_t i = 0; s->first == 0 && i < c->n_meanings; i++) {
        int64_t meaning = c->meanings[i];

        found->least = meaning < found->least ? meaning : found->least;
        found->greatest = meaning > found->greatest ? meaning : found->greatest;
    }
    return RR_OK;
}

static rr_status survey_texts(const rr_keys *keys, const rr_stretch *s, int64_t column,
                              int64_t step, survey *found, rr_error *error)
{
    const rr_key_column *c = &keys->tables[s->table].columns[column];

    for (int64_t i = s->first; i < s->first + s->n; i += step) {
        rr_key_block block;
        int64_t from, length;

        if (!rr_key_texts_at(c, i, 1, &block)) {
            return fail_value(error, i, column, "text of fixed width must be ASCII");
        }
        from = block.from[0];
        if (from < 0 || block.to[0] < from || block.to[0] > block.n_data) {
            return fail_value(error, i, column, "text offsets are not in order or leave the data");
        }
        if (c->valid != NULL && !c->valid[i]) {
            continue;
        }
        length = block.to[0] - from;
        found->least = length < found->least ? length : found->least;
        found->greatest = length > found->greatest ? length : found->greatest;
        if (length <= RR_SHORT_TEXT) {
            uint64_t word[2], own[2];

            rr_copy_words(block.data + from, (uint64_t)length, word);
            rr_own_bits((uint64_t)length, own);
            for (int w = 0; w < 2; w++) {
                found->any[w] |= word[w];
                found->every[w] &= word[w] | ~own[w];
            }
        }
    }
    return RR_OK;
}

static int is_text(const rr_key_column *column)
{
    return column->kind == RR_KEY_TEXT;
}

static rr_status survey_stretch(void *job, int64_t task, int worker, rr_error *error)
{
    const survey_job *j = job;
    const rr_stretch *s = &j->stretches[task];
    rr_status status = RR_OK;

    (void)worker;
    for (int64_t c = 0; c < j->keys->n_columns && status == RR_OK; c++) {
        const rr_key_column *column = &j->keys->tables[s->table].columns[c];
        survey *found = &j->surveys[task * j->keys->n_columns + c];

        *found = NOTHING;
        if (is_text(column)) {
            status = survey_texts(j->keys, s, c, j->step, found, error);
        } else if (column->meanings != NULL) {
            status = survey_codes(j->keys, s, c, j->step, found, error);
        } else {
            survey_integers(j->keys, s, c, found);
        }
    }
    return status;
}

rr_status rr_key_check_row(const rr_keys *keys, int64_t table, int64_t row, rr_error *error)
{
    const rr_stretch one = {.table = table, .first = row, .n = 1};

    for (int64_t c = 0; c < keys->n_columns; c++) {
        const rr_key_column *column = &keys->tables[table].columns[c];
        survey found = NOTHING;
        rr_status status = RR_OK;

        if (is_text(column)) {
            status = survey_texts(keys, &one, c, 1, &found, error);
        } else if (column->meanings != NULL) {
            status = survey_codes(keys, &one, c, 1, &found, error);
        }
        if (status != RR_OK) {
            return status;
        }
    }
    return RR_OK;
}

static rr_field field_of(const survey *found, int64_t column, int text)
{
    rr_field f = {.column = column, .is_text = text};

    if (found->greatest < found->least) { /* no value at all */
        f.least = 0;
        return f;
    }
    f.least = (uint64_t)found->least;
    f.range = (uint64_t)found->greatest - (uint64_t)found->least;
    f.bits = rr_bits(f.range);
    if (text) {
        f.is_long = found->greatest > RR_SHORT_TEXT;
        for (int w = 0; w < 2; w++) {
            uint64_t varying = found->any[w] & ~found->every[w];

            f.constant[w] = found->any[w] & found->every[w];
            f.gather[w] = gather_of(varying);
            f.gathered[w] = count_bits(varying);
            f.bits += f.gathered[w];
        }
    }
    return f;
}

rr_status rr_key_fields(const rr_keys *keys, const rr_stretch *stretches, int64_t n_stretches,
                        int64_t step, rr_field *fields, const rr_call *call, rr_error *error)
{
    int64_t n = keys->n_columns;
    survey_job job = {keys, stretches, step, NULL};
    rr_status status;

    job.surveys = n_stretches > INT64_MAX / (n + 1)
                      ? NULL
                      : rr_allocate(n_stretches * n, sizeof *job.surveys);
    if (job.surveys == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory to look at the keys");
    }
    status = rr_run(survey_stretch, &job, n_stretches, call, error);
    for (int64_t c = 0; c < n && status == RR_OK; c++) {
        survey sum = NOTHING;

        for (int64_t s = 0; s < n_stretches; s++) {
            const survey *one = &job.surveys[s * n + c];

            sum.least = one->least < sum.least ? one->least : sum.least;
            sum.greatest = one->greatest > sum.greatest ? one->greatest : sum.greatest;
            for (int w = 0; w < 2; w++) {
                sum.any[w] |= one->any[w];
                sum.every[w] &= one->every[w];
            }
        }
        fields[c] = field_of(&sum, c, is_text(&keys->tables[0].columns[c]));
    }
    free(job.surveys);
    return status;
}

/* ---------------------------------------------------------------- packing */

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
static RR_ALWAYS_INLINE void put(rr_key_words *packed, int wide, int64_t i, uint64_t number,
                                 int shift)
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

static RR_ALWAYS_INLINE int pack_integers(int wide, const rr_field *f, const rr_key_column *c,
                                          int64_t first, int64_t n, rr_key_words *packed)
{
    int64_t room[RR_KEY_BLOCK];
    const int64_t *values = integers(c, first, n, room);
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
static RR_ALWAYS_INLINE int pack_texts(gather_word gather, int wide, int one_length,
                                       const rr_field *field, const rr_key_column *c, int64_t first,
                                       int64_t n, rr_key_words *packed)
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
            if (past > f.range || !is_inside(&block, from, past + f.least)) {
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

static RR_ALWAYS_INLINE int pack_column(gather_word gather, int wide, const rr_field *f,
                                        const rr_key_column *c, int64_t first, int64_t n,
                                        rr_key_words *packed)
{
    return !f->is_text     ? pack_integers(wide, f, c, first, n, packed)
           : f->range == 0 ? pack_texts(gather, wide, 1, f, c, first, n, packed)
                           : pack_texts(gather, wide, 0, f, c, first, n, packed);
}

static RR_ALWAYS_INLINE int pack(gather_word gather, int wide, const rr_key_packing *p,
                                 int64_t table, int64_t first, int64_t n, rr_key_words *packed)
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
