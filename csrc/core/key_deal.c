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

/* The rows of a chunk that take part, in their order. */
typedef struct buffer {
    uint64_t *keys;
    uint32_t *beside;
} buffer;

typedef struct dealing {
    const rr_key_packing *packing;
    int64_t table;
    const rr_rows *rows;
    const rr_parts *parts;
    rr_side *side;
    uint32_t *beside;
    rr_day_reader days;
    buffer *buffers; /* by worker */
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

/* Marks the rows of a block that take no part, beside those whose key is missing. Returns 0 where a day
 * lies outside those of the parts. */
static int mark_dead(const dealing *d, int64_t first, int64_t n, const uint64_t *day, uint8_t *dead)
{
    const uint8_t *use = d->rows->use;
    const uint64_t span = (uint64_t)(d->parts->last_day - d->parts->origin);
    uint64_t outside = 0;

    for (int64_t i = 0; use != NULL && i < n; i++) {
        dead[i] |= !use[first + i];
    }
    for (int64_t i = 0; i < n; i++) {
        outside |= day[i] > span;
    }
    for (int64_t i = 0; outside && i < n; i++) {
        if (day[i] > span && !dead[i]) {
            if (rr_tick_of(&d->days, first + i) != INT64_MIN) {
                return 0;
            }
            dead[i] = 1;
        }
    }
    return 1;
}

/* Appends the rows of a block that take part to a buffer that holds *held, and counts them by part, one
 * place on. Returns 0 where a day lies outside those of the parts. */
static int take_rows(const dealing *d, int64_t chunk, int64_t first, int64_t n,
                     rr_key_words *packed, const buffer *to, int64_t *held, uint32_t *count)
{
    const int part_bits = d->parts->shape.part_bits, chunk_bits = d->side->chunk_bits;
    const uint32_t row = (uint32_t)(first - (chunk << chunk_bits));
    uint64_t *keys = to->keys + *held;
    uint32_t *beside = to->beside + *held;
    uint64_t day[RR_KEY_BLOCK];
    int64_t k = 0;

    read_days(&d->days, first, n, (uint64_t)(d->parts->origin - d->days.first), day);
    if (!mark_dead(d, first, n, day, packed->missing)) {
        return 0;
    }
    for (int64_t i = 0; i < n; i++) {
        const uint64_t key = packed->low[i] * MIX;
        const uint32_t lives = !packed->missing[i];

        keys[k] = key;
        beside[k] = (uint32_t)day[i] << chunk_bits | (row + (uint32_t)i);
        count[part_of(key, part_bits) + 1] += lives;
        k += lives;
    }
    *held += k;
    return 1;
}

static rr_status open_buffer(buffer *b, int chunk_bits, rr_error *error)
{
    /* One more: a row that takes no part is written too, and the next one over it. */
    const int64_t room = (INT64_C(1) << chunk_bits) + 1;

    if (b->keys == NULL) {
        b->keys = rr_allocate(room, sizeof *b->keys);
        b->beside = rr_allocate(room, sizeof *b->beside);
    }
    return b->keys == NULL || b->beside == NULL ? rr_fail(error, RR_ERR_MEMORY, "out of memory")
                                                : RR_OK;
}

static rr_status deal_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const dealing *d = job;
    const rr_side *side = d->side;
    const int64_t n_parts = d->parts->n_parts, start = side->chunk_start[chunk];
    const int64_t from = chunk << side->chunk_bits, to = rr_chunk_end(side, chunk);
    const int part_bits = d->parts->shape.part_bits;
    uint32_t *next = side->piece + chunk * (n_parts + 1);
    buffer *b = &d->buffers[worker];
    rr_key_words packed;
    int64_t held = 0;
    rr_status status = open_buffer(b, side->chunk_bits, error);

    if (status != RR_OK) {
        return status;
    }
    memset(next, 0, (size_t)(n_parts + 1) * sizeof *next);
    for (int64_t at = from; at < to; at += RR_KEY_BLOCK) {
        int64_t n = to - at < RR_KEY_BLOCK ? to - at : RR_KEY_BLOCK;

        if (!rr_key_pack(d->packing, d->table, at, n, &packed) ||
            !take_rows(d, chunk, at, n, &packed, b, &held, next)) {
            d->misfit[chunk] = 1;
            return RR_OK;
        }
    }
    rr_chunk_lay_out(next, n_parts);
    for (int64_t i = 0; i < held; i++) {
        const uint64_t key = b->keys[i];
        const int64_t place = start + next[part_of(key, part_bits) + 1]++;

        side->words[place] = key;
        d->beside[place] = b->beside[i];
    }
    return RR_OK;
}

rr_status rr_key_deal(const rr_key_packing *packing, int64_t table, const rr_rows *rows,
                      const rr_parts *parts, int chunk_bits, rr_side *side, uint32_t **beside,
                      int *fits, const rr_call *call, rr_error *error)
{
    dealing job = {.packing = packing, .table = table, .rows = rows, .parts = parts, .side = side};
    int workers;
    rr_status status = rr_chunks_open(side, rows->use, parts, chunk_bits, call, error);

    *beside = NULL;
    if (status != RR_OK) {
        return status;
    }
    workers = rr_workers(call, side->n_chunks);
    job.days = rr_read_days(&rows->day);
    job.buffers = calloc((size_t)workers, sizeof *job.buffers);
    job.misfit = calloc((size_t)side->n_chunks + 1, sizeof *job.misfit);
    *beside = job.beside = rr_shelf_allocate(side->shelf, side->chunk_start[side->n_chunks],
                                             sizeof *job.beside);
    if (job.buffers == NULL || job.misfit == NULL || job.beside == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "no memory to put the keys in order");
    } else {
        status = rr_run(deal_chunk, &job, side->n_chunks, call, error);
    }
    for (int64_t c = 0; status == RR_OK && c < side->n_chunks; c++) {
        *fits &= !job.misfit[c];
    }
    if (status == RR_OK && *fits) {
        rr_chunks_add_up(side, parts->n_parts);
    }
    for (int w = 0; job.buffers != NULL && w < workers; w++) {
        free(job.buffers[w].keys);
        free(job.buffers[w].beside);
    }
    free(job.buffers);
    free(job.misfit);
    return status;
}
