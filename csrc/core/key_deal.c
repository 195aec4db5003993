/* Dealing by key columns: as deal.c deals rows by codes, chunk by chunk within the cache, each row here
 * becomes a key of 64 bits and, beside it, its day and its row within the chunk in 32.
 *
 * A packed key is multiplied by an odd number, which is a bijection of all words and spreads what varies
 * over the highest bits; these say the part. Chunks of 2^16 rows weigh more than L2 holds, buffer and
 * stretch together, and yet pay: with half as many rows a piece is too short to be worth going to. */
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

/* The days of rows from `first` on, counted from `origin` places on. */
static void read_days(const rr_day_reader *reader, int64_t first, int64_t n, uint64_t origin,
                      uint64_t *day)
{
    const rr_day_reader days = *reader;

    switch (days.form) {
    case RR_NARROW_DAYS:
        for (int64_t i = 0; i < n; i++) {
            day[i] = rr_day_place_as(&days, first + i, RR_NARROW_DAYS) - origin;
        }
        break;
    case RR_WHOLE_DAYS:
        for (int64_t i = 0; i < n; i++) {
            day[i] = rr_day_place_as(&days, first + i, RR_WHOLE_DAYS) - origin;
        }
        break;
    case RR_TICKS:
        for (int64_t i = 0; i < n; i++) {
            day[i] = rr_day_place_as(&days, first + i, RR_TICKS) - origin;
        }
        break;
    }
}

/* The part of a key. */
static inline uint64_t part_of(uint64_t key, int part_bits)
{
    return key >> 1 >> (63 - part_bits);
}

/* How many days of a block are null, of the rows that are not dead. */
static int64_t count_nulls(const rr_day_reader *days, int64_t first, int64_t n, const uint8_t *dead)
{
    int64_t nulls = 0;

    for (int64_t i = 0; i < n; i++) {
        nulls += !dead[i] & (rr_tick_of(days, first + i) == INT64_MIN);
    }
    return nulls;
}

/* Marks the rows of a block that take no part, beside those whose key is missing. Returns 0 where a day
 * lies outside those of the parts. */
static int mark_dead(const taker *t, int64_t first, int64_t n, uint64_t span, const uint64_t *day,
                     uint8_t *dead)
{
    const uint8_t *use = t->rows->use;
    int64_t outside = 0;

    for (int64_t i = 0; use != NULL && i < n; i++) {
        dead[i] |= !use[first + i];
    }
    for (int64_t i = 0; i < n; i++) {
        outside += !dead[i] & (day[i] > span);
    }
    if (outside == 0) {
        return 1;
    }
    if (outside > count_nulls(&t->days, first, n, dead)) {
        return 0;
    }
    for (int64_t i = 0; i < n; i++) {
        dead[i] |= day[i] > span;
    }
    return 1;
}

/* Appends the rows of a block that take part to the buffer, and counts them by part, one place on.
 * Returns 0 where a day lies outside those of the parts. */
static int take_rows(const dealing *d, const taker *t, int64_t chunk, int64_t first, int64_t n,
                     const rr_key_words *packed, buffer *to, uint32_t *count)
{
    const int part_bits = d->parts->shape.part_bits, chunk_bits = t->side->chunk_bits;
    const uint64_t span = (uint64_t)(d->parts->last_day - d->parts->origin);
    const uint64_t origin = (uint64_t)(d->parts->origin - t->days.first);
    const uint32_t row = (uint32_t)(first - (chunk << chunk_bits));
    uint64_t *keys = to->keys + to->n, day[RR_KEY_BLOCK];
    uint32_t *beside = to->beside + to->n;
    uint8_t dead[RR_KEY_BLOCK];
    int64_t k = 0;

    memcpy(dead, packed->missing, (size_t)n);
    read_days(&t->days, first, n, origin, day);
    if (!mark_dead(t, first, n, span, day, dead)) {
        return 0;
    }
    for (int64_t i = 0; i < n; i++) {
        const uint64_t key = packed->low[i] * MIX;
        const uint32_t lives = !dead[i];

        keys[k] = key;
        beside[k] = (uint32_t)day[i] << chunk_bits | (row + (uint32_t)i);
        count[part_of(key, part_bits) + 1] += lives;
        k += lives;
    }
    to->n += k;
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
    /* One more: a row that takes no part is written too, and the next one over it. */
    const int64_t room = (INT64_C(1) << chunk_bits) + 1;

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
