/* Packed keys to codes: the keys are dealt to parts by their hash, each part is numbered by a table
 * that fits the cache, and the codes come back to the rows by dealing again.
 *
 * Three passes, each on threads:
 *   deal    packs a run of rows and appends each key to a block of its part. Blocks are taken as they
 *           fill up, so nothing is counted first; the part of each row is kept, in two bytes.
 *   number  goes through the blocks of a part in the order of their rows, and writes the code of each
 *           key over the keys read before it. A code is the number of keys met before in the part.
 *   replay  goes through the rows again: the code of a row is the next in the blocks of its part. So
 *           the codes are read as some thousand streams, where a record with its row number would be
 *           written to a random place: a cache miss for every row.
 *
 * A row costs a key written and read once, in 64 or 128 bits, its code written and read once, and two
 * bytes for its part: some 19 ns on one thread for an identifier and an area, of which packing and
 * dealing are nine, numbering six and replaying three. What paid: a table filled to a quarter and asked
 * in one branch (numbering 14 to 6), fetching the next block of a part and the next line of a cursor
 * ahead (replay 5 to 3). What did not: parts of half or twice the size, blocks of 512 bytes or 4 KiB. */
#include "keys.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 1 << 10,
    PART_ROWS = 1 << 14,
    PART_BITS_MAX = 12,
    FIRST_PLACES = 1 << 10,
    LOAD = 4, /* places for each key, at least */
    NO_PART = UINT16_MAX
};

static const uint64_t CODES_MAX = UINT32_MAX; /* codes are below it, so none is RR_NULL_KEY */

/* The kinds of record: one word, two words, or the hash and the row of a text. */
enum kind { NARROW, WIDE, LONG };

typedef struct entry {
    uint64_t low;
    uint32_t code;
    uint32_t part; /* for which it was made, from 1: in all other parts the place is free */
} entry;

/* A table with open addressing, one a worker, that grows with the keys of a part. */
typedef struct places {
    entry *entries;
    uint64_t *high; /* NULL for one word */
    uint64_t n;     /* a power of two */
} places;

/* The next record, or code, of a part in one run of rows. */
typedef struct cursor {
    uint8_t *at;
    int64_t block;
} cursor;

typedef struct numbering {
    const rr_keys *keys;
    const rr_key_packing *packing;
    const rr_key_texts *texts;
    const rr_stretch *stretches;
    int64_t n_stretches;
    enum kind kind;
    int part_bits;
    int64_t n_parts;
    uint16_t *part_of;  /* by row over all tables */
    uint8_t *pool;      /* blocks; the first n_parts of a run of rows begin its parts */
    int64_t *first;     /* by run: its first block */
    int64_t *next;      /* by block: the next of its part */
    cursor *end;        /* by run, then part: after the last record */
    places *tables;     /* by worker */
    cursor *cursors;    /* by worker, then part */
    uint32_t *distinct; /* by part; then the first code */
    uint8_t *misfit;    /* by run */
} numbering;

static inline uint64_t scramble(uint64_t x)
{
    x *= UINT64_C(0x9E3779B97F4A7C15);
    x ^= x >> 32;
    x *= UINT64_C(0xD6E8FEB86659FD93);
    return x ^ x >> 32;
}

/* The part is the hash's upper end, the place in the table its lower end. */
static inline uint64_t hash_of(enum kind kind, uint64_t low, uint64_t high, uint64_t mask)
{
    return scramble(kind == WIDE ? low ^ scramble(high) : low) & mask;
}

static inline int record_bytes(enum kind kind)
{
    return kind == NARROW ? 8 : 16;
}

static uint8_t *block_at(const numbering *job, int64_t block)
{
    return job->pool + block * BLOCK_BYTES;
}

/* ---------------------------------------------------------------- deal */

static int pack(const numbering *job, const rr_stretch *s, int64_t at, int64_t n,
                rr_key_words *packed)
{
    return job->packing != NULL ? rr_key_pack(job->packing, s->table, s->first + at, n, packed)
                                : rr_key_pack_texts(job->texts, s, s->first + at, n, packed);
}

static inline void deal_rows(const numbering *job, enum kind kind, const rr_key_words *packed,
                             int64_t n, uint16_t *part_of, cursor *cursors, int64_t *free_block)
{
    const uint64_t hash_mask = job->keys->hash_mask;
    const int shift = 63 - job->part_bits;

    for (int64_t i = 0; i < n; i++) {
        uint64_t low = packed->low[i], high = kind == NARROW ? 0 : packed->high[i];
        uint64_t part = hash_of(kind, low, high, hash_mask) >> 1 >> shift;
        cursor *c = &cursors[part];
        uint8_t *at = c->at;

        if (packed->missing[i]) {
            part_of[i] = NO_PART;
            continue;
        }
        part_of[i] = (uint16_t)part;
        __builtin_prefetch(at + 64, 1);
        memcpy(at, &low, 8);
        if (kind != NARROW) {
            memcpy(at + 8, &high, 8);
        }
        at += record_bytes(kind);
        if (((uintptr_t)at & (BLOCK_BYTES - 1)) == 0) {
            job->next[c->block] = *free_block;
            c->block = (*free_block)++;
            at = block_at(job, c->block);
        }
        c->at = at;
    }
}

static rr_status deal(void *argument, int64_t task, int worker, rr_error *error)
{
    numbering *job = argument;
    const rr_stretch *s = &job->stretches[task];
    cursor *cursors = job->end + task * job->n_parts;
    int64_t free_block = job->first[task] + job->n_parts;
    rr_key_words packed;

    (void)worker, (void)error;
    for (int64_t p = 0; p < job->n_parts; p++) {
        cursors[p] = (cursor){block_at(job, job->first[task] + p), job->first[task] + p};
    }
    for (int64_t at = 0; at < s->n; at += RR_KEY_BLOCK) {
        int64_t n = s->n - at < RR_KEY_BLOCK ? s->n - at : RR_KEY_BLOCK;
        uint16_t *part_of = job->part_of + s->before + at;

        if (!pack(job, s, at, n, &packed)) {
            job->misfit[task] = 1;
            break;
        }
        if (job->kind == NARROW) {
            deal_rows(job, NARROW, &packed, n, part_of, cursors, &free_block);
        } else if (job->kind == WIDE) {
            deal_rows(job, WIDE, &packed, n, part_of, cursors, &free_block);
        } else {
            deal_rows(job, LONG, &packed, n, part_of, cursors, &free_block);
        }
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- number */

static rr_status open_places(places *p, uint64_t n, int wide, rr_error *error)
{
    p->n = n;
    p->entries = n > INT64_MAX / 2 ? NULL : rr_allocate((int64_t)n, sizeof *p->entries);
    p->high = wide && p->entries != NULL ? rr_allocate((int64_t)n, sizeof *p->high) : NULL;
    if (p->entries == NULL || (wide && p->high == NULL)) {
        free(p->entries);
        *p = (places){NULL, NULL, 0};
        return rr_fail(error, RR_ERR_MEMORY, "no memory to number the keys");
    }
    memset(p->entries, 0, n * sizeof *p->entries);
    if (wide) {
        memset(p->high, 0, n * sizeof *p->high); /* compared even where a place is free */
    }
    return RR_OK;
}

static void close_places(places *p)
{
    free(p->entries);
    free(p->high);
}

/* Whether the key belongs at a place, which holds it or nothing. New keys are one in four, at random;
 * so what is asked of every place is asked in one branch, which is nearly always taken. */
static inline int belongs(const numbering *job, enum kind kind, const places *p, uint64_t place,
                          uint32_t part, uint64_t low, uint64_t high)
{
    const entry *e = &p->entries[place];

    if (kind == LONG) {
        return e->part != part ||
               (e->low == low && rr_key_same_text(job->texts, p->high[place], high));
    }
    return (e->part != part) | ((e->low == low) & (kind == NARROW || p->high[place] == high));
}

static rr_status grow(const numbering *job, enum kind kind, places *p, uint32_t part,
                      rr_error *error)
{
    places wider;
    rr_status status = open_places(&wider, p->n * 2, kind != NARROW, error);

    if (status != RR_OK) {
        return status;
    }
    for (uint64_t i = 0; i < p->n; i++) {
        uint64_t high = kind == NARROW ? 0 : p->high[i], place;

        if (p->entries[i].part != part) {
            continue;
        }
        place = hash_of(kind, p->entries[i].low, high, job->keys->hash_mask) & (wider.n - 1);
        while (wider.entries[place].part == part) {
            place = (place + 1) & (wider.n - 1);
        }
        wider.entries[place] = p->entries[i];
        if (kind != NARROW) {
            wider.high[place] = high;
        }
    }
    close_places(p);
    *p = wider;
    return RR_OK;
}

/* Numbers the records of one block, `n` of them, and writes their codes where the records begin. */
static inline rr_status number_block(const numbering *job, enum kind kind, places *p, uint32_t part,
                                     uint8_t *block, int64_t n, uint32_t *distinct, rr_error *error)
{
    const uint64_t hash_mask = job->keys->hash_mask;
    places table = *p;
    uint32_t found = *distinct;

    for (int64_t i = 0; i < n; i++) {
        uint64_t low, high = 0, place;
        uint32_t code, fresh;
        entry *e;

        memcpy(&low, block + i * record_bytes(kind), 8);
        if (kind != NARROW) {
            memcpy(&high, block + i * record_bytes(kind) + 8, 8);
        }
        place = hash_of(kind, low, high, hash_mask) & (table.n - 1);
        while (!belongs(job, kind, &table, place, part, low, high)) {
            place = (place + 1) & (table.n - 1);
        }
        e = &table.entries[place];
        fresh = e->part != part;
        code = fresh ? found : e->code;
        *e = (entry){low, code, part};
        if (kind == WIDE || (kind == LONG && fresh)) {
            table.high[place] = high;
        }
        found += fresh;
        memcpy(block + 4 * i, &code, 4);
        if (found > table.n / LOAD) {
            rr_status status = grow(job, kind, p, part, error);

            if (status != RR_OK) {
                return status;
            }
            table = *p;
        }
    }
    *distinct = found;
    return RR_OK;
}

/* The blocks of a part lie anywhere. */
static void prefetch_block(const numbering *job, int64_t block)
{
    const uint8_t *at = block_at(job, block);

    __builtin_prefetch(&job->next[block]);
    for (int line = 0; line < BLOCK_BYTES; line += 64) {
        __builtin_prefetch(at + line);
    }
}

static inline rr_status number_part(const numbering *job, enum kind kind, int64_t part, places *p,
                                    rr_error *error)
{
    uint32_t distinct = 0;

    for (int64_t s = 0; s < job->n_stretches; s++) {
        const cursor *end = &job->end[s * job->n_parts + part];
        int64_t block = job->first[s] + part;

        for (;; block = job->next[block]) {
            int last = block == end->block;
            uint8_t *at = block_at(job, block);

            if (!last) {
                prefetch_block(job, job->next[block]);
            }
            int64_t n = (last ? end->at - at : BLOCK_BYTES) / record_bytes(kind);
            rr_status status = number_block(job, kind, p, (uint32_t)part + 1, at, n, &distinct,
                                            error);

            if (status != RR_OK) {
                return status;
            }
            if (last) {
                break;
            }
        }
    }
    job->distinct[part] = distinct;
    return RR_OK;
}

static rr_status number(void *argument, int64_t task, int worker, rr_error *error)
{
    numbering *job = argument;
    places *p = &job->tables[worker];

    if (p->entries == NULL) {
        rr_status status = open_places(p, FIRST_PLACES, job->kind != NARROW, error);

        if (status != RR_OK) {
            return status;
        }
    }
    return job->kind == NARROW ? number_part(job, NARROW, task, p, error)
           : job->kind == WIDE ? number_part(job, WIDE, task, p, error)
                               : number_part(job, LONG, task, p, error);
}

/* ---------------------------------------------------------------- replay */

static inline void replay_rows(const numbering *job, enum kind kind, const rr_stretch *s,
                               cursor *cursors)
{
    const uint16_t *part_of = job->part_of + s->before;
    uint32_t *codes = job->keys->codes[s->table] + s->first;
    const uintptr_t end = BLOCK_BYTES / record_bytes(kind) * 4;

    for (int64_t i = 0; i < s->n; i++) {
        uint32_t code;
        cursor *c;

        if (part_of[i] == NO_PART) {
            codes[i] = RR_NULL_KEY;
            continue;
        }
        c = &cursors[part_of[i]];
        __builtin_prefetch(c->at + 64);
        memcpy(&code, c->at, 4);
        codes[i] = job->distinct[part_of[i]] + code;
        c->at += 4;
        if (((uintptr_t)c->at & (BLOCK_BYTES - 1)) == end) {
            c->block = job->next[c->block];
            c->at = block_at(job, c->block);
        }
    }
}

static rr_status replay(void *argument, int64_t task, int worker, rr_error *error)
{
    numbering *job = argument;
    cursor *cursors = job->cursors + worker * job->n_parts;

    (void)error;
    for (int64_t p = 0; p < job->n_parts; p++) {
        cursors[p] = (cursor){block_at(job, job->first[task] + p), job->first[task] + p};
    }
    if (job->kind == NARROW) {
        replay_rows(job, NARROW, &job->stretches[task], cursors);
    } else {
        replay_rows(job, WIDE, &job->stretches[task], cursors);
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- the whole */

/* Number of keys of each part to the code of its first. */
static rr_status add_up(const numbering *job, uint64_t *n_codes, rr_error *error)
{
    uint64_t sum = 0;

    for (int64_t p = 0; p < job->n_parts; p++) {
        uint64_t own = job->distinct[p];

        job->distinct[p] = (uint32_t)sum;
        sum += own;
        if (sum > CODES_MAX) {
            return rr_fail(error, RR_ERR_TOO_LARGE,
                           "there are more than four thousand million keys");
        }
    }
    *n_codes = sum;
    return RR_OK;
}

rr_status rr_key_number(const rr_keys *keys, const rr_key_packing *packing,
                        const rr_key_texts *texts, const rr_stretch *stretches, int64_t n_stretches,
                        uint64_t *n_codes, int *misfit, const rr_call *call, rr_error *error)
{
    numbering job = {.keys = keys,
                     .packing = packing,
                     .texts = texts,
                     .stretches = stretches,
                     .n_stretches = n_stretches};
    const rr_stretch *last = n_stretches == 0 ? NULL : &stretches[n_stretches - 1];
    int64_t n = last == NULL ? 0 : last->before + last->n, blocks = 0;
    int workers = rr_workers(call, INT64_MAX);
    uint8_t *pool = NULL;
    rr_status status;

    *misfit = 0;
    job.kind = packing == NULL ? LONG : packing->bits <= RR_KEY_NARROW ? NARROW : WIDE;
    job.part_bits = rr_bits((uint64_t)(n / PART_ROWS));
    job.part_bits = job.part_bits > PART_BITS_MAX ? PART_BITS_MAX : job.part_bits;
    job.n_parts = INT64_C(1) << job.part_bits;
    job.first = rr_allocate(n_stretches, sizeof *job.first);
    job.misfit = calloc((size_t)n_stretches + 1, 1);
    job.tables = calloc((size_t)workers, sizeof *job.tables);
    status = rr_fail(error, RR_ERR_MEMORY, "no memory to number the keys");
    if (job.first == NULL || job.misfit == NULL || job.tables == NULL) {
        goto out;
    }
    for (int64_t s = 0; s < n_stretches; s++) {
        job.first[s] = blocks;
        blocks += job.n_parts + stretches[s].n * record_bytes(job.kind) / BLOCK_BYTES;
    }
    job.part_of = rr_allocate(n, sizeof *job.part_of);
    pool = rr_allocate(blocks + 1, BLOCK_BYTES);
    job.next = rr_allocate(blocks, sizeof *job.next);
    job.end = rr_allocate(n_stretches * job.n_parts, sizeof *job.end);
    job.cursors = rr_allocate(workers * job.n_parts, sizeof *job.cursors);
    job.distinct = rr_allocate(job.n_parts, sizeof *job.distinct);
    if (job.part_of == NULL || pool == NULL || job.next == NULL || job.end == NULL ||
        job.cursors == NULL || job.distinct == NULL) {
        goto out;
    }
    job.pool = pool + (BLOCK_BYTES - (uintptr_t)pool % BLOCK_BYTES) % BLOCK_BYTES;
    status = rr_run(deal, &job, n_stretches, call, error);
    for (int64_t s = 0; s < n_stretches && status == RR_OK; s++) {
        *misfit |= job.misfit[s];
    }
    if (status != RR_OK || *misfit) {
        goto out;
    }
    status = rr_run(number, &job, job.n_parts, call, error);
    if (status == RR_OK) {
        status = add_up(&job, n_codes, error);
    }
    if (status == RR_OK) {
        status = rr_run(replay, &job, n_stretches, call, error);
    }
out:
    for (int w = 0; job.tables != NULL && w < workers; w++) {
        close_places(&job.tables[w]);
    }
    free(job.first);
    free(job.misfit);
    free(job.tables);
    free(job.part_of);
    free(pool);
    free(job.next);
    free(job.end);
    free(job.cursors);
    free(job.distinct);
    return status;
}
