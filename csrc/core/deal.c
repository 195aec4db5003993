/* Dealing: each row of a table becomes a word in the part of its key.
 *
 * The table is cut into chunks of tens of thousands of rows, and every chunk is dealt within itself: its
 * rows are packed, key before day, into a buffer; counts of the buffer say where each part begins in
 * the chunk's own stretch of words; then the words go there. Buffer and stretch stay in the caches, so
 * a row is read from memory once and written once, in order, and chunks need nothing of one another.
 * What a part is made of lies in as many pieces as there are chunks, in the order of the rows, and is
 * the same on any number of threads.
 *
 * Packing is three loops, over keys, days and marks, that the compiler turns into vector code; what
 * is out of range is only noticed there, and looked for row by row when it happens.
 *
 * The words of a large table are put together beside the buffer and go to their stretch past the caches.
 * Into fresh memory each line of a part is first fetched, and with more than a thousand parts in turn the
 * processor no longer does that ahead: a word takes 5 ns in place of 1.5.
 *
 * 15 million rows of int64 keys and nanoseconds, one thread: 0.055 s, of which a third is packing; without
 * AVX2 0.078 s. Counting the whole table first and dealing to places all over it took 0.105 s. Chunks of
 * 2^15 rows are a tenth slower. 150 million in 4,096 parts, two threads, link included: 0.75 s; into fresh
 * memory 1.0, with chunks of 2^17 rows 0.82. */
#include "parts.h"
#include "shelf.h"
#include "stream.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 2048, STREAM_ROWS = 1 << 20 };

/* ---------------------------------------------------------------- the days of a table */

enum { DAYS_CHUNK = 1 << 18 };

typedef struct extent {
    uint64_t first;
    uint64_t last;
} extent;

typedef struct surveying {
    const rr_rows *rows;
    rr_day_reader days;
    extent *extents; /* by worker */
} surveying;

static inline int is_null_key(const rr_keys_of_rows *key, int64_t i)
{
    return key->codes != NULL ? key->codes[i] == RR_NULL_KEY : key->valid != NULL && !key->valid[i];
}

static inline int takes_part(const rr_rows *rows, int64_t i)
{
    return !is_null_key(&rows->key, i) && (rows->use == NULL || rows->use[i]);
}

static rr_status survey_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const surveying *s = job;
    const rr_rows *rows = s->rows;
    const rr_day_reader days = s->days;
    int64_t from = chunk * DAYS_CHUNK, to = from + DAYS_CHUNK;
    extent own = s->extents[worker];

    to = to < rows->n ? to : rows->n;
    for (int64_t i = from; i < to; i++) {
        uint64_t day = rr_day_place(&days, i);

        if (!takes_part(rows, i)) {
            continue;
        }
        if (day <= days.n_days) {
            own.first = day < own.first ? day : own.first;
            own.last = day > own.last ? day : own.last;
        } else if (rr_tick_of(&days, i) != INT64_MIN) {
            return rr_fail_row(error, RR_ERR_DAY_RANGE, i, "a day is out of range");
        }
    }
    s->extents[worker] = own;
    return RR_OK;
}

static void widen(rr_parts *parts, int64_t first, int64_t last)
{
    int known = parts->first_day <= parts->last_day;

    if (first > last) {
        return;
    }
    parts->first_day = known && parts->first_day < first ? parts->first_day : first;
    parts->last_day = known && parts->last_day > last ? parts->last_day : last;
}

rr_status rr_survey_days(const rr_rows *rows, rr_parts *parts, const rr_call *call, rr_error *error)
{
    int64_t chunks = rows->n / DAYS_CHUNK + 1;
    int workers = rr_workers(call, chunks);
    surveying job = {.rows = rows};
    rr_status status;

    if (rows->day.ticks != NULL && rows->day.per_day < 1) {
        return rr_fail(error, RR_ERR_ARGUMENT, "per_day must be 1 or more");
    }
    if (rows->day.has_range) { /* of rows that are not used too: it need not be narrow */
        widen(parts, rows->day.first, rows->day.last);
        return RR_OK;
    }
    job.days = rr_read_days(&rows->day);
    job.extents = rr_allocate(workers, sizeof *job.extents);
    if (job.extents == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    for (int i = 0; i < workers; i++) {
        job.extents[i] = (extent){UINT64_MAX, 0};
    }
    status = rr_run(survey_chunk, &job, chunks, call, error);
    for (int i = 0; i < workers; i++) {
        if (job.extents[i].first <= job.extents[i].last) {
            widen(parts, job.days.first + (int64_t)job.extents[i].first,
                  job.days.first + (int64_t)job.extents[i].last);
        }
    }
    free(job.extents);
    return status;
}

/* ---------------------------------------------------------------- packing */

/* What packing needs to know, in registers. A packed row is the mixed key, then the day from the origin
 * of the parts; `dead` stands above both. */
typedef struct packing {
    rr_keys_of_rows key;
    const uint8_t *use;
    rr_day_reader days;
    uint64_t limit; /* the code of those whom no event has */
    uint64_t most;  /* codes are below it */
    uint64_t multiplier;
    uint64_t key_mask;
    uint64_t origin; /* where the reader has day 0 of the parts */
    uint64_t span;   /* the last day of the parts */
    uint64_t dead;
    int day_bits;
} packing;

RR_INLINE uint64_t mixed(const packing *p, uint64_t code)
{
    return ((uint64_t)(uint32_t)code * p->multiplier & p->key_mask) << p->day_bits;
}

/* The keys of n rows from `from` on; says whether one may be out of range. */
RR_INLINE uint64_t pack_keys(const packing *p, int64_t from, int64_t n, uint64_t *packed)
{
    uint64_t odd = 0;

    if (p->key.codes != NULL) {
        const uint32_t *codes = p->key.codes + from;

        for (int64_t i = 0; i < n; i++) {
            uint64_t null = codes[i] == RR_NULL_KEY;

            odd |= !null & (codes[i] >= p->most);
            packed[i] = null ? p->dead : mixed(p, codes[i]);
        }
        return odd;
    }
    for (int64_t i = 0; i < n; i++) {
        uint64_t code = (uint64_t)p->key.numbers[from + i] - (uint64_t)p->key.least;

        code = code < p->limit ? code : p->limit;
        odd |= code >= p->most;
        packed[i] = mixed(p, code);
    }
    if (p->key.valid != NULL) {
        for (int64_t i = 0; i < n; i++) {
            packed[i] = p->key.valid[from + i] ? packed[i] : p->dead;
        }
    }
    return odd;
}

RR_INLINE uint64_t pack_days(const packing *p, int64_t from, int64_t n, rr_day_form form,
                             uint64_t *packed)
{
    uint64_t odd = 0;

    for (int64_t i = 0; i < n; i++) {
        uint64_t day = rr_day_place_as(&p->days, from + i, form) - p->origin;
        uint64_t outside = day > p->span;

        odd |= outside & (rr_tick_of_form(&p->days, from + i, form) != INT64_MIN);
        packed[i] |= outside ? p->dead : day;
    }
    return odd;
}

/* Packs rows from `from` on; a row that takes no part is dead. Says whether one may be out of range. */
RR_INLINE uint64_t pack(const packing *p, int64_t from, int64_t n, uint64_t *packed)
{
    uint64_t odd = pack_keys(p, from, n, packed);

    switch (p->days.form) {
    case RR_NARROW_DAYS:
        odd |= pack_days(p, from, n, RR_NARROW_DAYS, packed);
        break;
    case RR_WHOLE_DAYS:
        odd |= pack_days(p, from, n, RR_WHOLE_DAYS, packed);
        break;
    case RR_TICKS:
        odd |= pack_days(p, from, n, RR_TICKS, packed);
        break;
    }
    if (p->use != NULL) {
        for (int64_t i = 0; i < n; i++) {
            packed[i] |= p->use[from + i] ? 0 : p->dead;
        }
    }
    return odd;
}

typedef uint64_t (*packer)(const packing *p, int64_t from, int64_t n, uint64_t *packed);

static uint64_t pack_anywhere(const packing *p, int64_t from, int64_t n, uint64_t *packed)
{
    return pack(p, from, n, packed);
}

#if RR_X86_64
__attribute__((target("avx2"))) static uint64_t pack_by_avx2(const packing *p, int64_t from,
                                                             int64_t n, uint64_t *packed)
{
    return pack(p, from, n, packed);
}
#endif

static packer choose_packer(void)
{
#if RR_X86_64
    if (__builtin_cpu_supports("avx2")) {
        return pack_by_avx2;
    }
#endif
    return pack_anywhere;
}

/* Fails with the first row from `from` to `to` that takes part and is out of range, if there is one. */
static rr_status check_rows(const packing *p, const rr_rows *rows, int64_t from, int64_t to,
                            rr_error *error)
{
    for (int64_t i = from; i < to; i++) {
        int64_t tick = rr_tick_of(&p->days, i);
        uint64_t code = p->key.codes != NULL ? p->key.codes[i]
                                             : (uint64_t)p->key.numbers[i] - (uint64_t)p->key.least;

        if (!takes_part(rows, i) || tick == INT64_MIN) {
            continue;
        }
        if (rr_day_place(&p->days, i) - p->origin > p->span) {
            return rr_fail_row(error, RR_ERR_DAY_RANGE, i, "a day is out of range");
        }
        if ((p->key.codes != NULL || p->most == p->limit) && code >= p->most) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "a key is out of range");
        }
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- dealing */

typedef struct dealing {
    const rr_rows *rows;
    const rr_parts *parts;
    rr_side *side;
    rr_day_reader days;
    packer pack;
    int streams;       /* whether words are put together in a buffer and go past the caches */
    uint64_t **buffer; /* by worker: the rows of a chunk, and then its words */
} dealing;

static packing packing_of(const dealing *d)
{
    const rr_parts *parts = d->parts;
    const rr_shape *shape = &parts->shape;

    return (packing){.key = d->rows->key,
                     .use = d->rows->use,
                     .days = d->days,
                     .limit = shape->limit,
                     .most = (uint64_t)shape->limit + (parts->borrows_events != 0),
                     .multiplier = shape->multiplier,
                     .key_mask = (UINT64_C(1) << shape->key_bits) - 1,
                     .origin = (uint64_t)(parts->origin - d->days.first),
                     .span = (uint64_t)(parts->last_day - parts->origin),
                     .dead = UINT64_C(1) << (shape->key_bits + parts->day_bits),
                     .day_bits = parts->day_bits};
}

/* Packs the rows of a chunk and counts them by part, each count one place on. */
static rr_status pack_chunk(const dealing *d, const packing *p, int64_t chunk, uint64_t *packed,
                            uint32_t *count, rr_error *error)
{
    const int shift = p->day_bits + d->parts->shape.key_bits - d->parts->shape.part_bits;
    const int64_t from = chunk << d->side->chunk_bits, to = rr_chunk_end(d->side, chunk);

    for (int64_t i = from; i < to; i += BATCH) {
        int64_t n = to - i < BATCH ? to - i : BATCH;
        uint64_t *batch = packed + (i - from);

        if (d->pack(p, i, n, batch)) {
            rr_status status = check_rows(p, d->rows, i, i + n, error);

            if (status != RR_OK) {
                return status;
            }
        }
        for (int64_t k = 0; k < n; k++) {
            if (batch[k] < p->dead) {
                count[(batch[k] >> shift) + 1]++;
            }
        }
    }
    return RR_OK;
}

static rr_status deal_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const dealing *d = job;
    const rr_side *side = d->side;
    const int64_t n_parts = d->parts->n_parts, room = INT64_C(1) << side->chunk_bits;
    const packing p = packing_of(d);
    const int shift = p.day_bits + d->parts->shape.key_bits - d->parts->shape.part_bits;
    const uint64_t below = (UINT64_C(1) << shift) - 1;
    const int64_t from = chunk << side->chunk_bits, n = rr_chunk_end(side, chunk) - from;
    const int row_bits = side->row_bits;
    uint32_t *next = side->piece + chunk * (n_parts + 1);
    uint64_t *stretch = side->words + side->chunk_start[chunk], *words;
    uint64_t *wide = side->rows != NULL ? side->rows + side->chunk_start[chunk] : NULL;
    uint64_t *packed = d->buffer[worker];
    rr_status status;

    if (packed == NULL) {
        packed = d->buffer[worker] = rr_allocate(d->streams ? 2 * room : room, sizeof *packed);
    }
    if (packed == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    words = d->streams ? packed + room : stretch;
    memset(next, 0, (size_t)(n_parts + 1) * sizeof *next);
    status = pack_chunk(d, &p, chunk, packed, next, error);
    if (status != RR_OK) {
        return status;
    }
    rr_chunk_lay_out(next, n_parts);
    for (int64_t i = 0; i < n; i++) {
        uint64_t word = packed[i];
        uint32_t at;

        if (word >= p.dead) {
            continue;
        }
        at = next[(word >> shift) + 1]++;
        if (wide != NULL) {
            words[at] = word & below;
            wide[at] = (uint64_t)(from + i);
        } else {
            words[at] = (word & below) << row_bits | (uint64_t)(from + i);
        }
    }
    if (d->streams) {
        rr_stream(stretch, words, (size_t)next[n_parts] * sizeof *words);
        rr_stream_end();
    }
    return RR_OK;
}

rr_status rr_deal(const rr_rows *rows, const rr_parts *parts, rr_side *side, const rr_call *call,
                  rr_error *error)
{
    dealing job = {.rows = rows, .parts = parts, .side = side};
    const int with_rows = side->row_bits == 0 && rows->n > 1;
    int workers;
    rr_status status = rr_chunks_open(side, rows->use, parts, rr_chunk_bits(parts->shape.part_bits),
                                      call, error);

    if (status != RR_OK) {
        return status;
    }
    workers = rr_workers(call, side->n_chunks);
    job.days = rr_read_days(&rows->day);
    job.pack = choose_packer();
    job.streams = !with_rows && rows->n >= STREAM_ROWS;
    job.buffer = calloc((size_t)workers, sizeof *job.buffer);
    side->rows = with_rows ? rr_shelf_allocate(side->shelf, side->chunk_start[side->n_chunks],
                                               sizeof *side->rows)
                           : NULL;
    if (job.buffer == NULL || (with_rows && side->rows == NULL)) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
    } else {
        status = rr_run(deal_chunk, &job, side->n_chunks, call, error);
    }
    if (status == RR_OK) {
        rr_chunks_add_up(side, parts->n_parts);
    }
    for (int i = 0; job.buffer != NULL && i < workers; i++) {
        free(job.buffer[i]);
    }
    free(job.buffer);
    return status;
}
