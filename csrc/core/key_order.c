/* Both sides in order straight from their key columns: what rr_encode and rr_order do one after the
 * other, without codes by row between them.
 *
 * Two passes, each on threads:
 *   deal    packs the key of a row into up to 64 bits (key_fields.c), mixes them by a bijection, and
 *           appends what of the key the part does not say, with day and row, to a block of its part:
 *           12 bytes. Blocks are taken as they fill up, so nothing is counted first.
 *   number  goes through the blocks of a part in the order of their rows, gives each key its number
 *           within the part, and writes the words that rr_order would have dealt.
 *
 * So a row is written twice and read twice, always as a stream, where codes by row are dealt, numbered,
 * brought back to their rows, read twice and dealt again. The record holds 96 bits: a key that needs
 * more of them than day and row leave, or more than 64, goes by way of codes; so does one of 32 bits or
 * fewer, which is its own code.
 *
 * With 15 million rows of an area and a text of 12 characters: 0.33 s on one thread and 0.17 on two,
 * where the way of codes takes 0.40 and 0.23. Packing is a quarter, dealing a quarter, numbering a third;
 * the rest is the first touch of 20 bytes a row, which may take longer than all of these on a machine
 * whose host takes freed memory back. What paid: fetching the places of a whole block before the first
 * is asked (numbering 160 to 115 ms). What did not: parts of twice or half the size, and a table filled
 * to a half. */
#include "key_places.h"
#include "keys.h"
#include "parts.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 1 << 10,
    RECORD_BYTES = 12,
    BLOCK_ROWS = BLOCK_BYTES / RECORD_BYTES,
    RECORD_BITS = 8 * RECORD_BYTES,
    PART_ROWS = 1 << 14,
    PART_BITS_MAX = 10,
    CODE_BITS = 32,    /* so few need no number, and cost less as codes */
    DAY_BITS_MAX = 25, /* for all days that there are */
    FIRST_PLACES = 1 << 10
};

/* Odd, so that multiplying by it is a bijection of the numbers of any width. */
static const uint64_t MIX = UINT64_C(0x9E3779B97F4A7C15), SPREAD = UINT64_C(0x9E3779B1);

/* The next record of a part in one run of rows. */
typedef struct cursor {
    uint8_t *at;
    int64_t block;
    int64_t full; /* blocks */
} cursor;

/* The first and the last day of the records of a run of rows, as they stand there. */
typedef struct extent {
    uint64_t first;
    uint64_t last;
} extent;

typedef struct ordering {
    rr_keys keys;
    rr_key_packing packing;
    const rr_rows *rows[2];
    rr_side *sides[2];
    rr_day_reader days[2];
    rr_stretch *stretches;
    int64_t n_stretches;
    int key_bits, part_bits, rest_bits; /* those that say the part, and those that are left */
    int day_bits, row_bits;             /* of a record */
    int64_t origin;                     /* day 0 of a record */
    int64_t n_parts;
    uint8_t *room, *pool; /* blocks; the first n_parts of a run of rows begin its parts */
    int64_t *first;       /* by run: its first block */
    int64_t *next;        /* by block: the next of its part */
    cursor *end;          /* by run, then part: after the last record */
    extent *extents;      /* by run */
    uint8_t *misfit;      /* by run */
    rr_parts *parts;
    rr_places *tables; /* by worker */
    int local_bits;    /* of the number of a key within its part */
} ordering;

static const rr_rows NOBODY = {.n = 0};

/* ---------------------------------------------------------------- deal */

static uint8_t *block_at(const ordering *job, int64_t block)
{
    return job->pool + block * BLOCK_BYTES;
}

/* Rows of a block as they go into records. */
typedef struct ready {
    uint64_t low[RR_KEY_BLOCK];
    uint32_t high[RR_KEY_BLOCK];
    uint16_t part[RR_KEY_BLOCK];
} ready;

/* The days of n rows, from that of the reader. */
static void read_days(const rr_day_reader *reader, int64_t first, int64_t n, uint64_t *place)
{
    const rr_day_reader days = *reader;

    switch (days.form) {
    case RR_NARROW_DAYS:
        for (int64_t i = 0; i < n; i++) {
            place[i] = rr_day_place_as(&days, first + i, RR_NARROW_DAYS);
        }
        break;
    case RR_WHOLE_DAYS:
        for (int64_t i = 0; i < n; i++) {
            place[i] = rr_day_place_as(&days, first + i, RR_WHOLE_DAYS);
        }
        break;
    case RR_TICKS:
        for (int64_t i = 0; i < n; i++) {
            place[i] = rr_day_place_as(&days, first + i, RR_TICKS);
        }
        break;
    }
}

/* Makes records of n packed rows; returns how many, or -1 where a day does not fit one.
 * RR_ERR_DAY_RANGE names the row. */
static int64_t make_records(const ordering *job, const rr_stretch *s, int64_t first, int64_t n,
                            const rr_key_words *packed, ready *made, extent *met, rr_status *status,
                            rr_error *error)
{
    const rr_day_reader *days = &job->days[s->table];
    const uint8_t *use = job->rows[s->table]->use;
    const uint64_t origin = (uint64_t)(job->origin - days->first), n_days = days->n_days;
    const uint64_t day_end = UINT64_C(1) << job->day_bits;
    const int to_key = 64 - job->key_bits, to_part = 63 - job->part_bits;
    const int part_bits = job->part_bits, to_rest = 64 - job->rest_bits;
    const int row_bits = job->row_bits, shift = job->day_bits + row_bits;
    uint64_t place[RR_KEY_BLOCK], earliest = met->first, latest = met->last;
    int64_t k = 0;

    read_days(days, first, n, place);
    for (int64_t i = 0; i < n; i++) {
        uint64_t day = place[i] - origin, mixed = packed->low[i] * MIX << to_key;
        uint64_t rest = mixed << part_bits >> to_rest;

        if (packed->missing[i] || (use != NULL && !use[first + i])) {
            continue;
        }
        if (place[i] > n_days || day >= day_end) {
            if (place[i] <= n_days) {
                return -1;
            }
            if (rr_tick_of(days, first + i) != INT64_MIN) {
                *status = rr_fail_row(error, RR_ERR_DAY_RANGE, first + i, "a day is out of range");
                return 0;
            }
            continue;
        }
        earliest = day < earliest ? day : earliest;
        latest = day > latest ? day : latest;
        made->part[k] = (uint16_t)(mixed >> 1 >> to_part);
        made->low[k] = rest << shift | day << row_bits | (uint64_t)(first + i);
        made->high[k] = (uint32_t)(rest >> 1 >> (63 - shift));
        k++;
    }
    *met = (extent){earliest, latest};
    return k;
}

/* Appends n records to the blocks of their parts. */
static void append(const ordering *job, const ready *made, int64_t n, cursor *cursors,
                   int64_t *free_block)
{
    for (int64_t i = 0; i < n; i++) {
        cursor *c = &cursors[made->part[i]];
        uint8_t *at = c->at;

        __builtin_prefetch(at + 64, 1);
        memcpy(at, &made->low[i], sizeof made->low[i]);
        memcpy(at + sizeof made->low[i], &made->high[i], sizeof made->high[i]);
        at += RECORD_BYTES;
        if (((uintptr_t)at & (BLOCK_BYTES - 1)) == BLOCK_ROWS * RECORD_BYTES) {
            job->next[c->block] = *free_block;
            c->block = (*free_block)++;
            c->full++;
            at = block_at(job, c->block);
        }
        c->at = at;
    }
}

static rr_status deal(void *argument, int64_t task, int worker, rr_error *error)
{
    ordering *job = argument;
    const rr_stretch *s = &job->stretches[task];
    cursor *cursors = job->end + task * job->n_parts;
    int64_t free_block = job->first[task] + job->n_parts;
    extent met = {UINT64_MAX, 0};
    rr_status status = RR_OK;
    rr_key_words packed;
    ready made;

    (void)worker;
    for (int64_t p = 0; p < job->n_parts; p++) {
        cursors[p] = (cursor){block_at(job, job->first[task] + p), job->first[task] + p, 0};
    }
    for (int64_t at = 0; at < s->n && status == RR_OK; at += RR_KEY_BLOCK) {
        int64_t n = s->n - at < RR_KEY_BLOCK ? s->n - at : RR_KEY_BLOCK;

        int64_t k = -1;

        if (rr_key_pack(&job->packing, s->table, s->first + at, n, &packed)) {
            k = make_records(job, s, s->first + at, n, &packed, &made, &met, &status, error);
        }
        if (k < 0) {
            job->misfit[task] = 1;
            break;
        }
        append(job, &made, k, cursors, &free_block);
    }
    job->extents[task] = met;
    if (status == RR_ERR_DAY_RANGE && error != NULL) {
        error->column = s->table;
    }
    return status;
}

/* ---------------------------------------------------------------- number */

static inline int64_t records(const ordering *job, const cursor *end)
{
    return end->full * BLOCK_ROWS + (end->at - block_at(job, end->block)) / RECORD_BYTES;
}

/* Where the words of each part begin, and in which of their bits what stands; 0 where it does not fit
 * a word. */
static int lay_out(ordering *job)
{
    rr_parts *parts = job->parts;
    extent days = {UINT64_MAX, 0};
    int64_t largest = 0;

    for (int64_t p = 0; p < job->n_parts; p++) {
        int64_t own[2] = {0, 0};

        for (int64_t s = 0; s < job->n_stretches; s++) {
            own[job->stretches[s].table] += records(job, &job->end[s * job->n_parts + p]);
        }
        for (int side = 0; side < 2; side++) {
            rr_side *to = job->sides[side];

            to->piece[p] = (uint32_t)to->n;
            to->part_n[p] = own[side];
            to->n += own[side];
            to->piece[p + 1] = (uint32_t)to->n;
            to->largest = own[side] > to->largest ? own[side] : to->largest;
        }
        largest = own[0] + own[1] > largest ? own[0] + own[1] : largest;
    }
    for (int64_t s = 0; s < job->n_stretches; s++) {
        days.first = job->extents[s].first < days.first ? job->extents[s].first : days.first;
        days.last = job->extents[s].last > days.last ? job->extents[s].last : days.last;
    }
    if (days.first <= days.last) {
        parts->first_day = job->origin + (int64_t)days.first;
        parts->last_day = job->origin + (int64_t)days.last;
        parts->day_bits = rr_bits(days.last - days.first);
    }
    parts->origin = parts->first_day;
    job->local_bits = rr_bits((uint64_t)(largest == 0 ? 0 : largest - 1));
    parts->n_parts = job->n_parts;
    parts->shape = (rr_shape){.limit = UINT32_MAX,
                              .key_bits = job->local_bits + job->part_bits,
                              .part_bits = job->part_bits,
                              .multiplier = SPREAD};
    for (int side = 0; side < 2; side++) {
        int64_t n = job->rows[side]->n;

        job->sides[side]->chunk_bits = 0;
        job->sides[side]->n_chunks = 1;
        job->sides[side]->chunk_start[0] = 0;
        job->sides[side]->chunk_start[1] = job->sides[side]->n;
        job->sides[side]->n_table = n;
        job->sides[side]->row_bits = rr_bits(n == 0 ? 0 : (uint64_t)(n - 1));
        if (n >= UINT32_MAX ||
            job->local_bits + parts->day_bits + job->sides[side]->row_bits >= 64) {
            return 0;
        }
    }
    return 1;
}

/* Writes the words of n records of a block. */
static inline rr_status number_block(const ordering *job, rr_places *places, uint32_t part,
                                     const rr_side *side, const uint8_t *block, int64_t n,
                                     uint64_t *words, uint32_t *distinct, rr_error *error)
{
    const int shift = job->day_bits + job->row_bits, row_bits = side->row_bits;
    const int key_shift = job->parts->day_bits + row_bits;
    const uint64_t row_mask = (UINT64_C(1) << job->row_bits) - 1;
    const uint64_t day_mask = (UINT64_C(1) << job->day_bits) - 1;
    const uint64_t lead = (uint64_t)(job->parts->origin - job->origin);
    const uint64_t local_mask = (UINT64_C(1) << job->local_bits) - 1;
    const uint64_t hash_mask = job->keys.hash_mask;
    rr_places table = *places;
    uint32_t found = *distinct;
    uint64_t rests[BLOCK_ROWS], of[BLOCK_ROWS];

    for (int64_t i = 0; i < n; i++) {
        uint64_t low;
        uint32_t high;

        memcpy(&low, block + i * RECORD_BYTES, sizeof low);
        memcpy(&high, block + i * RECORD_BYTES + sizeof low, sizeof high);
        rests[i] = low >> 1 >> (shift - 1) | (uint64_t)high << (64 - shift);
        of[i] = rr_place_of(&table, rests[i], hash_mask);
        __builtin_prefetch(&table.entries[of[i]]);
        words[i] = ((low >> job->row_bits & day_mask) - lead) << row_bits | (low & row_mask);
    }
    for (int64_t i = 0; i < n; i++) {
        uint32_t code = rr_place_number(&table, part, rests[i], of[i], &found);

        words[i] |= (code * SPREAD & local_mask) << key_shift;
        if (found > table.n / RR_PLACES_LOAD) {
            rr_status status = rr_places_grow(places, part, hash_mask, error);

            if (status != RR_OK) {
                return status;
            }
            table = *places;
            for (int64_t j = i + 1; j < n; j++) {
                of[j] = rr_place_of(&table, rests[j], hash_mask);
            }
        }
    }
    *distinct = found;
    return RR_OK;
}

/* The blocks of a part lie anywhere. */
static void prefetch_block(const ordering *job, int64_t block)
{
    const uint8_t *at = block_at(job, block);

    __builtin_prefetch(&job->next[block]);
    for (int line = 0; line < BLOCK_BYTES; line += 64) {
        __builtin_prefetch(at + line);
    }
}

static rr_status number(void *argument, int64_t part, int worker, rr_error *error)
{
    ordering *job = argument;
    rr_places *places = &job->tables[worker];
    uint64_t *words[2];
    uint32_t distinct = 0;
    rr_status status = RR_OK;

    if (places->entries == NULL) {
        status = rr_places_open(places, FIRST_PLACES, error);
    }
    for (int side = 0; side < 2; side++) {
        words[side] = job->sides[side]->words + job->sides[side]->piece[part];
    }
    for (int64_t s = 0; s < job->n_stretches && status == RR_OK; s++) {
        const cursor *end = &job->end[s * job->n_parts + part];
        const int64_t table = job->stretches[s].table;
        int64_t block = job->first[s] + part;

        for (;; block = job->next[block]) {
            int last = block == end->block;
            const uint8_t *at = block_at(job, block);
            int64_t n = last ? (end->at - at) / RECORD_BYTES : BLOCK_ROWS;

            if (!last) {
                prefetch_block(job, job->next[block]);
            }
            status = number_block(job, places, (uint32_t)part + 1, job->sides[table], at, n,
                                  words[table], &distinct, error);
            words[table] += n;
            if (last || status != RR_OK) {
                break;
            }
        }
    }
    return status;
}

/* ---------------------------------------------------------------- the whole */

/* Day 0 of a record: all days come after it, or any day that a row has lies in the middle. */
static int64_t origin_of(const ordering *job)
{
    for (int t = 0; t < 2 && job->day_bits < DAY_BITS_MAX; t++) {
        for (int64_t i = 0; i < job->rows[t]->n; i++) {
            uint64_t place = rr_day_place(&job->days[t], i);

            if (place <= job->days[t].n_days) {
                return job->days[t].first + (int64_t)place - (INT64_C(1) << (job->day_bits - 1));
            }
        }
    }
    return RR_DAY_MIN;
}

/* Which bits of a record, and how many parts; 0 where a record has too few. */
static int plan(ordering *job, rr_field *fields)
{
    int64_t n = job->rows[0]->n + job->rows[1]->n, most;
    int bits = 0;

    if (rr_key_fit(fields, job->keys.n_columns, &bits) < job->keys.n_columns ||
        bits > RR_KEY_NARROW || bits <= CODE_BITS) {
        return 0;
    }
    rr_key_place(fields, job->keys.n_columns, bits);
    job->packing = (rr_key_packing){.keys = &job->keys,
                                    .fields = fields,
                                    .n_fields = job->keys.n_columns,
                                    .bits = bits,
                                    .running_shift = RR_KEY_BITS};
    job->key_bits = bits;
    job->part_bits = rr_bits((uint64_t)(n / PART_ROWS));
    job->part_bits = job->part_bits > PART_BITS_MAX ? PART_BITS_MAX : job->part_bits;
    job->rest_bits = job->key_bits - job->part_bits;
    job->n_parts = INT64_C(1) << job->part_bits;
    most = job->rows[0]->n > job->rows[1]->n ? job->rows[0]->n : job->rows[1]->n;
    job->row_bits = rr_bits((uint64_t)most);
    job->day_bits = RECORD_BITS - job->rest_bits - job->row_bits;
    job->day_bits = job->day_bits > DAY_BITS_MAX ? DAY_BITS_MAX : job->day_bits;
    if (job->day_bits < 1 || job->row_bits + job->day_bits >= 64) {
        return 0;
    }
    job->origin = origin_of(job);
    return 1;
}

static void close_dealt(ordering *job)
{
    free(job->first);
    free(job->misfit);
    free(job->extents);
    free(job->room);
    free(job->next);
    free(job->end);
    job->first = job->next = NULL;
    job->misfit = job->room = NULL;
    job->extents = NULL;
    job->end = NULL;
}

static rr_status deal_all(ordering *job, int *fits, const rr_call *call, rr_error *error)
{
    int64_t blocks = 0;
    rr_status status;

    job->first = rr_allocate(job->n_stretches, sizeof *job->first);
    job->misfit = calloc((size_t)job->n_stretches + 1, 1);
    job->extents = rr_allocate(job->n_stretches, sizeof *job->extents);
    if (job->first == NULL || job->misfit == NULL || job->extents == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory to put the keys in order");
    }
    for (int64_t s = 0; s < job->n_stretches; s++) {
        job->first[s] = blocks;
        blocks += job->n_parts + job->stretches[s].n / BLOCK_ROWS;
    }
    job->room = rr_allocate(blocks + 1, BLOCK_BYTES);
    job->next = rr_allocate(blocks, sizeof *job->next);
    job->end = rr_allocate(job->n_stretches * job->n_parts, sizeof *job->end);
    if (job->room == NULL || job->next == NULL || job->end == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory to put the keys in order");
    }
    job->pool = job->room + (BLOCK_BYTES - (uintptr_t)job->room % BLOCK_BYTES) % BLOCK_BYTES;
    status = rr_run(deal, job, job->n_stretches, call, error);
    for (int64_t s = 0; s < job->n_stretches; s++) {
        *fits &= !job->misfit[s];
    }
    return status;
}

static rr_status number_all(ordering *job, int *fits, const rr_call *call, rr_error *error)
{
    int workers = rr_workers(call, job->n_parts);
    rr_status status = rr_order(&NOBODY, &NOBODY, 1, NULL, &job->parts, error);

    if (status != RR_OK) {
        return status;
    }
    job->sides[0] = &job->parts->index;
    job->sides[1] = job->parts->events;
    for (int i = 0; i < 2; i++) {
        rr_side *side = job->sides[i];

        free(side->part_n);
        free(side->chunk_start);
        free(side->piece);
        side->part_n = rr_allocate(job->n_parts, sizeof *side->part_n);
        side->chunk_start = rr_allocate(2, sizeof *side->chunk_start);
        side->piece = rr_allocate(job->n_parts + 1, sizeof *side->piece);
        if (side->part_n == NULL || side->chunk_start == NULL || side->piece == NULL) {
            return rr_fail(error, RR_ERR_MEMORY, "out of memory");
        }
    }
    *fits = lay_out(job);
    if (!*fits) {
        return RR_OK;
    }
    for (int side = 0; side < 2; side++) {
        free(job->sides[side]->words);
        job->sides[side]->words = rr_allocate(job->sides[side]->n, sizeof(uint64_t));
        if (job->sides[side]->words == NULL) {
            return rr_fail(error, RR_ERR_MEMORY, "out of memory");
        }
    }
    job->tables = calloc((size_t)workers, sizeof *job->tables);
    if (job->tables == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    status = rr_run(number, job, job->n_parts, call, error);
    for (int w = 0; w < workers; w++) {
        rr_places_close(&job->tables[w]);
    }
    free(job->tables);
    return status;
}

/* With fields of every `step`th text. *fits: 0 where they do not fit all, or no record does. */
static rr_status order_by_sample(ordering *job, int64_t step, rr_field *fields, int *fits,
                                 const rr_call *call, rr_error *error)
{
    rr_status status = rr_key_fields(&job->keys, job->stretches, job->n_stretches, step, fields,
                                     call, error);

    *fits = status == RR_OK && plan(job, fields);
    if (*fits) {
        status = deal_all(job, fits, call, error);
    }
    if (status == RR_OK && *fits) {
        status = number_all(job, fits, call, error);
    }
    close_dealt(job);
    if (status != RR_OK || !*fits) {
        rr_parts_free(job->parts);
        job->parts = NULL;
    }
    return status;
}

/* By way of codes, for any keys. */
static rr_status order_by_codes(const rr_keys *keys, const rr_rows *index, const rr_rows *events,
                                const rr_call *call, rr_parts **parts, rr_error *error)
{
    rr_rows rows[2] = {*index, *events};
    uint32_t *codes[2] = {rr_allocate(index->n, sizeof **codes),
                          rr_allocate(events->n, sizeof **codes)};
    rr_keys coded = *keys;
    uint32_t limit;
    rr_status status;

    if (codes[0] == NULL || codes[1] == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "no memory for keys");
        goto out;
    }
    coded.codes = codes;
    rows[0].key = (rr_keys_of_rows){.codes = codes[0]};
    rows[1].key = (rr_keys_of_rows){.codes = codes[1]};
    status = rr_encode_as(&coded, &limit, call, error);
    if (status == RR_OK) {
        status = rr_order(&rows[0], &rows[1], limit, call, parts, error);
    }
out:
    free(codes[0]);
    free(codes[1]);
    return status;
}

rr_status rr_order_keys_as(const rr_keys *keys, const rr_rows *index, const rr_rows *events,
                           const rr_call *call, rr_parts **parts, rr_error *error)
{
    ordering job = {.keys = *keys, .rows = {index, events}};
    rr_field *fields = rr_allocate(keys->n_columns, sizeof *fields);
    int64_t step = rr_key_step(keys);
    int fits = 0;
    rr_status status = rr_key_cut(keys, &job.stretches, &job.n_stretches, call, error);

    *parts = NULL;
    if (status == RR_OK && fields == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "no memory for keys");
    }
    for (int t = 0; t < 2 && status == RR_OK; t++) {
        const rr_days *day = &job.rows[t]->day;

        if (day->ticks != NULL && day->per_day < 1) {
            status = rr_fail(error, RR_ERR_ARGUMENT, "per_day must be 1 or more");
        }
        job.days[t] = rr_read_days(day);
    }
    if (status == RR_OK) {
        status = order_by_sample(&job, step, fields, &fits, call, error);
    }
    if (status == RR_OK && !fits && step > 1) {
        status = order_by_sample(&job, 1, fields, &fits, call, error);
    }
    *parts = job.parts;
    if (status == RR_OK && !fits) {
        status = order_by_codes(keys, index, events, call, parts, error);
    }
    free(job.stretches);
    free(fields);
    return status;
}

rr_status rr_order_keys(const rr_key_table keys[2], int64_t n_columns, const rr_rows *index,
                        const rr_rows *events, const rr_call *call, rr_parts **parts,
                        rr_error *error)
{
    rr_keys given = {.tables = keys,
                     .n_tables = 2,
                     .n_columns = n_columns,
                     .hash_mask = UINT64_MAX,
                     .extract = rr_key_can_extract()};

    return rr_order_keys_as(&given, index, events, call, parts, error);
}
