/* Dealing by key columns: as deal.c deals rows by codes, chunk by chunk within the cache, each row here
 * becomes a key of 64 bits and, beside it, its day and its row within the chunk in 32.
 *
 * A packed key is multiplied by an odd number, which is a bijection of all words and spreads what varies
 * over the highest bits; these say the part. Chunks of 2^16 rows weigh more than L2 holds, buffer and
 * stretch together, and yet pay: with half as many rows a piece is too short to be worth going to.
 *
 * The rows of a block that take part are listed first, and their days and keys are read by the list: a
 * filter often keeps few. With one row in five in use on one side of a table linked with itself that is a
 * twelfth of the whole; a block of which all take part needs no list. */
#include "key_deal.h"

#include "shelf.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t MIX = UINT64_C(0x9E3779B97F4A7C15);

enum { TAKERS = 2 };

/* The rows of a chunk that take part, in their order. */
typedef struct buffer {
    uint64_t *keys;
    uint32_t *beside;
    int64_t n;
} buffer;

/* A side that takes rows of the table. */
typedef struct taker {
    const rr_rows *rows;
    rr_side *side;
    uint32_t *beside;
    rr_day_reader days;
} taker;

typedef struct dealing {
    const rr_key_packing *packing;
    int64_t table;
    const rr_parts *parts;
    taker takers[TAKERS];
    int n_takers;
    buffer *buffers; /* by worker, then taker */
    uint8_t *misfit; /* by chunk */
} dealing;

/* The part of a key. */
static inline uint64_t part_of(uint64_t key, int part_bits)
{
    return key >> 1 >> (63 - part_bits);
}

/* The rows of a block that take part, with their days: all that have n rows, else those of `list`. */
typedef struct block {
    int64_t first; /* row of the table */
    int64_t n;
    int all;
    uint16_t list[RR_KEY_BLOCK];
    uint64_t day[RR_KEY_BLOCK]; /* from the parts' origin */
} block;

/* Lists the rows of a block that are used and have a key. */
static void list_rows(const taker *t, int64_t n, const uint8_t *missing, block *b)
{
    const uint8_t *use = t->rows->use == NULL ? NULL : t->rows->use + b->first;

    b->n = 0;
    for (int64_t i = 0; i < n; i++) {
        b->list[b->n] = (uint16_t)i;
        b->n += use == NULL ? !missing[i] : !missing[i] & (use[i] != 0);
    }
    b->all = b->n == n;
}

RR_INLINE void read_days_as(const rr_day_reader *given, uint64_t origin, rr_day_form form, block *b)
{
    const rr_day_reader days = *given;

    if (b->all) {
        for (int64_t i = 0; i < b->n; i++) {
            b->day[i] = rr_day_place_as(&days, b->first + i, form) - origin;
        }
    } else {
        for (int64_t i = 0; i < b->n; i++) {
            b->day[i] = rr_day_place_as(&days, b->first + b->list[i], form) - origin;
        }
    }
}

static void read_days(const rr_day_reader *days, uint64_t origin, block *b)
{
    switch (days->form) {
    case RR_NARROW_DAYS:
        read_days_as(days, origin, RR_NARROW_DAYS, b);
        break;
    case RR_WHOLE_DAYS:
        read_days_as(days, origin, RR_WHOLE_DAYS, b);
        break;
    case RR_TICKS:
        read_days_as(days, origin, RR_TICKS, b);
        break;
    }
}

/* Leaves out rows without a day. Returns 0 where another lies outside those of the parts. */
static int drop_null_days(const taker *t, uint64_t span, block *b)
{
    int64_t outside = 0, k = 0;

    for (int64_t i = 0; i < b->n; i++) {
        outside += b->day[i] > span;
    }
    if (outside == 0) {
        return 1;
    }
    for (int64_t i = 0; i < b->n; i++) {
        const int inside = b->day[i] <= span;

        if (!inside && rr_tick_of(&t->days, b->first + b->list[i]) != INT64_MIN) {
            return 0;
        }
        b->list[k] = b->list[i];
        b->day[k] = b->day[i];
        k += inside;
    }
    b->n = k;
    b->all = 0;
    return 1;
}

/* Appends the rows of a block of n that take part to the buffer, and counts them by part, one place on.
 * Returns 0 where a day lies outside those of the parts. */
static int take_rows(const dealing *d, const taker *t, int64_t chunk, int64_t first, int64_t n,
                     const rr_key_words *packed, buffer *to, uint32_t *count)
{
    const int part_bits = d->parts->shape.part_bits, chunk_bits = t->side->chunk_bits;
    const uint64_t span = (uint64_t)(d->parts->last_day - d->parts->origin);
    const uint64_t origin = (uint64_t)(d->parts->origin - t->days.first);
    const uint32_t row = (uint32_t)(first - (chunk << chunk_bits));
    uint64_t *restrict keys = to->keys + to->n;
    uint32_t *restrict beside = to->beside + to->n;
    block b = {.first = first};

    list_rows(t, n, packed->missing, &b);
    read_days(&t->days, origin, &b);
    if (!drop_null_days(t, span, &b)) {
        return 0;
    }
    if (b.all) {
        for (int64_t i = 0; i < b.n; i++) {
            keys[i] = packed->low[i] * MIX;
            beside[i] = (uint32_t)b.day[i] << chunk_bits | (row + (uint32_t)i);
        }
    } else {
        for (int64_t i = 0; i < b.n; i++) {
            keys[i] = packed->low[b.list[i]] * MIX;
            beside[i] = (uint32_t)b.day[i] << chunk_bits | (row + b.list[i]);
        }
    }
    for (int64_t i = 0; i < b.n; i++) {
        count[part_of(keys[i], part_bits) + 1]++;
    }
    to->n += b.n;
    return 1;
}

/* Takes the rows of a buffer to their places in the chunk. */
static void place_rows(const taker *t, int64_t chunk, const buffer *from, uint32_t *restrict next,
                       int part_bits)
{
    const int64_t start = t->side->chunk_start[chunk];
    uint64_t *restrict words = t->side->words + start;
    uint32_t *restrict beside = t->beside + start;
    const buffer b = *from;

    for (int64_t i = 0; i < b.n; i++) {
        const uint64_t key = b.keys[i];
        const uint32_t place = next[part_of(key, part_bits) + 1]++;

        words[place] = key;
        beside[place] = b.beside[i];
    }
}

static rr_status open_buffer(buffer *b, int chunk_bits, rr_error *error)
{
    const int64_t room = INT64_C(1) << chunk_bits;

    if (b->keys == NULL) {
        b->keys = rr_allocate(room, sizeof *b->keys);
        b->beside = rr_allocate(room, sizeof *b->beside);
    }
    b->n = 0;
    return b->keys == NULL || b->beside == NULL ? rr_fail(error, RR_ERR_MEMORY, "out of memory")
                                                : RR_OK;
}

static uint32_t *pieces_of(const dealing *d, const taker *t, int64_t chunk)
{
    return t->side->piece + chunk * (d->parts->n_parts + 1);
}

static rr_status deal_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const dealing *d = job;
    const rr_side *any = d->takers[0].side;
    const int64_t from = chunk << any->chunk_bits, to = rr_chunk_end(any, chunk);
    const int64_t n_parts = d->parts->n_parts;
    buffer *buffers = d->buffers + worker * TAKERS;
    rr_key_words packed;

    for (int i = 0; i < d->n_takers; i++) {
        rr_status status = open_buffer(&buffers[i], any->chunk_bits, error);

        if (status != RR_OK) {
            return status;
        }
        memset(pieces_of(d, &d->takers[i], chunk), 0, (size_t)(n_parts + 1) * sizeof(uint32_t));
    }
    for (int64_t at = from; at < to; at += RR_KEY_BLOCK) {
        const int64_t n = to - at < RR_KEY_BLOCK ? to - at : RR_KEY_BLOCK;
        int fits = rr_key_pack(d->packing, d->table, at, n, &packed);

        for (int i = 0; i < d->n_takers && fits; i++) {
            const taker *t = &d->takers[i];

            fits = take_rows(d, t, chunk, at, n, &packed, &buffers[i], pieces_of(d, t, chunk));
        }
        if (!fits) {
            d->misfit[chunk] = 1;
            return RR_OK;
        }
    }
    for (int i = 0; i < d->n_takers; i++) {
        uint32_t *next = pieces_of(d, &d->takers[i], chunk);

        rr_chunk_lay_out(next, n_parts);
        place_rows(&d->takers[i], chunk, &buffers[i], next, d->parts->shape.part_bits);
    }
    return RR_OK;
}

/* Chunks for a side, and what stands beside its words. */
static rr_status open_taker(taker *t, const rr_parts *parts, int chunk_bits, const rr_call *call,
                            rr_error *error)
{
    rr_side *side = t->side;
    rr_status status = rr_chunks_open(side, t->rows->use, parts, chunk_bits, call, error);

    if (status != RR_OK) {
        return status;
    }
    t->days = rr_read_days(&t->rows->day);
    t->beside = rr_shelf_allocate(side->shelf, side->chunk_start[side->n_chunks],
                                  sizeof *t->beside);
    return t->beside == NULL ? rr_fail(error, RR_ERR_MEMORY, "no memory to put the keys in order")
                             : RR_OK;
}

rr_status rr_key_deal(const rr_key_packing *packing, int64_t table, const rr_rows *const *rows,
                      const rr_parts *parts, int chunk_bits, rr_side *const *sides,
                      uint32_t **beside, int n_sides, int *fits, const rr_call *call,
                      rr_error *error)
{
    dealing job = {.packing = packing, .table = table, .parts = parts, .n_takers = n_sides};
    int workers = 0;
    int64_t n_chunks;
    rr_status status = RR_OK;

    for (int i = 0; i < n_sides && i < TAKERS; i++) {
        taker *t = &job.takers[i];

        *t = (taker){.rows = rows[i], .side = sides[i]};
        if (status == RR_OK) {
            status = open_taker(t, parts, chunk_bits, call, error);
        }
        beside[i] = t->beside;
    }
    if (status != RR_OK) {
        return status;
    }
    n_chunks = sides[0]->n_chunks;
    workers = rr_workers(call, n_chunks);
    job.buffers = calloc((size_t)workers * TAKERS, sizeof *job.buffers);
    job.misfit = calloc((size_t)n_chunks + 1, sizeof *job.misfit);
    if (job.buffers == NULL || job.misfit == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "no memory to put the keys in order");
    } else {
        status = rr_run(deal_chunk, &job, n_chunks, call, error);
    }
    for (int64_t c = 0; status == RR_OK && c < n_chunks; c++) {
        *fits &= !job.misfit[c];
    }
    for (int i = 0; status == RR_OK && *fits && i < n_sides; i++) {
        rr_chunks_add_up(sides[i], parts->n_parts);
    }
    for (int i = 0; job.buffers != NULL && i < workers * TAKERS; i++) {
        free(job.buffers[i].keys);
        free(job.buffers[i].beside);
    }
    free(job.buffers);
    free(job.misfit);
    return status;
}
