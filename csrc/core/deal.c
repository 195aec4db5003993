/* Dealing: each row of a table becomes a word in the part of its key.
 *
 * The table is cut into chunks of a quarter of a million rows. Every chunk counts its rows by part; sums
 * over parts, then chunks, say where each chunk's rows of each part begin; then every chunk writes its
 * words there. So chunks need nothing of one another, rows keep their order within a part, and the words
 * are the same on any number of threads.
 *
 * Cost: two passes over key and day, and one store a row to one of n_parts places. With 512 places
 * their cache lines stay in L1 and 5 ns a row became 3; with 2,048 they lie in L2. Whole lines written
 * past the cache (non-temporal stores from 64-byte buffers) gained little with 2,048 parts and lost with
 * 512, so stores are plain and parts are few and large. */
#include "parts.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

/* The first and the last day of the rows of a chunk that take part. */
typedef struct extent {
    int64_t first_day;
    int64_t last_day;
} extent;

static const extent NO_DAYS = {INT64_MAX, INT64_MIN};

typedef struct dealing {
    const rr_rows *rows;
    const rr_parts *parts;
    rr_side *side;
    rr_day_reader days;
    extent *extents; /* by chunk; while counting */
} dealing;

static int64_t count_chunks(int64_t n)
{
    return n / RR_CHUNK_ROWS + (n % RR_CHUNK_ROWS != 0);
}

static int64_t chunk_end(int64_t chunk, int64_t n)
{
    int64_t end = (chunk + 1) * RR_CHUNK_ROWS;

    return end < n ? end : n;
}

/* The code of a row's key, RR_NULL_KEY if it is missing. A number out of range, which no event has, gets
 * the code that none of them has. */
static inline uint32_t code_of(const rr_keys_of_rows *key, uint32_t most, int64_t i)
{
    uint64_t code;

    if (key->codes != NULL) {
        return key->codes[i];
    }
    if (key->valid != NULL && !key->valid[i]) {
        return RR_NULL_KEY;
    }
    code = (uint64_t)key->numbers[i] - (uint64_t)key->least;
    return code < most ? (uint32_t)code : most;
}

static inline uint64_t mix(uint32_t key, const rr_shape *shape)
{
    return key * shape->multiplier & ((UINT64_C(1) << shape->key_bits) - 1);
}

static inline int takes_part(const rr_rows *rows, int64_t i, uint32_t code)
{
    return code != RR_NULL_KEY && (rows->use == NULL || rows->use[i]);
}

static rr_status count_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const dealing *d = job;
    const rr_rows *rows = d->rows;
    const rr_shape shape = d->parts->shape;
    const rr_day_reader days = d->days;
    const int shift = shape.key_bits - shape.part_bits;
    int64_t *count = d->side->next + chunk * d->parts->n_parts;
    const uint32_t most = shape.limit + (d->parts->borrows_events != 0);
    uint64_t first = UINT64_MAX, last = 0;

    (void)worker;
    memset(count, 0, (size_t)d->parts->n_parts * sizeof *count);
    for (int64_t i = chunk * RR_CHUNK_ROWS; i < chunk_end(chunk, rows->n); i++) {
        uint64_t day = rr_day_place(&days, i);
        uint32_t code = code_of(&rows->key, shape.limit, i);
        uint64_t part = mix(code, &shape) >> shift;

        if (day > days.n_days || !takes_part(rows, i, code)) {
            if (day > days.n_days && takes_part(rows, i, code) &&
                rr_tick_of(&days, i) != INT64_MIN) {
                return rr_fail_row(error, RR_ERR_DAY_RANGE, i, "a day is out of range");
            }
            continue;
        }
        if (code >= most) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "a key is out of range");
        }
        count[part]++;
        first = day < first ? day : first;
        last = day > last ? day : last;
    }
    d->extents[chunk] = first > last
                            ? NO_DAYS
                            : (extent){days.first + (int64_t)first, days.first + (int64_t)last};
    return RR_OK;
}

/* Turns the counts by chunk and part into where each begins. */
static void add_up(rr_side *side, int64_t parts, int64_t chunks)
{
    int64_t sum = 0;

    for (int64_t p = 0; p < parts; p++) {
        side->start[p] = sum;
        for (int64_t c = 0; c < chunks; c++) {
            int64_t count = side->next[c * parts + p];

            side->next[c * parts + p] = sum;
            sum += count;
        }
        side->largest = sum - side->start[p] > side->largest ? sum - side->start[p] : side->largest;
    }
    side->start[parts] = sum;
    side->n = sum;
}

static void widen(rr_parts *parts, const extent *days)
{
    if (days->first_day > days->last_day) {
        return;
    }
    if (parts->first_day > parts->last_day) {
        parts->first_day = days->first_day;
        parts->last_day = days->last_day;
    }
    parts->first_day = days->first_day < parts->first_day ? days->first_day : parts->first_day;
    parts->last_day = days->last_day > parts->last_day ? days->last_day : parts->last_day;
}

rr_status rr_deal_count(const rr_rows *rows, rr_parts *parts, rr_side *side, const rr_call *call,
                        rr_error *error)
{
    int64_t chunks = count_chunks(rows->n);
    dealing job = {.rows = rows, .parts = parts, .side = side};
    rr_status status;

    if (rows->day.ticks != NULL && rows->day.per_day < 1) {
        return rr_fail(error, RR_ERR_ARGUMENT, "per_day must be 1 or more");
    }
    job.days = rr_read_days(&rows->day);
    side->n_table = rows->n;
    side->start = rr_allocate(parts->n_parts + 1, sizeof *side->start);
    side->next = rr_allocate(chunks * parts->n_parts, sizeof *side->next);
    job.extents = rr_allocate(chunks, sizeof *job.extents);
    if (side->start == NULL || side->next == NULL || job.extents == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    status = rr_run(count_chunk, &job, chunks, call, error);
    if (status != RR_OK) {
        goto out;
    }
    for (int64_t c = 0; c < chunks; c++) {
        widen(parts, &job.extents[c]);
    }
    add_up(side, parts->n_parts, chunks);
out:
    free(job.extents);
    return status;
}

static inline void deal_rows(const dealing *d, int64_t chunk, rr_day_form form)
{
    const rr_rows *rows = d->rows;
    const rr_parts *parts = d->parts;
    const rr_shape shape = d->parts->shape;
    const rr_day_reader days = d->days;
    const int shift = shape.key_bits - shape.part_bits;
    const int day_bits = parts->day_bits, row_bits = d->side->row_bits;
    const uint64_t rest_mask = (UINT64_C(1) << shift) - 1;
    const uint64_t origin = (uint64_t)(parts->origin - days.first);
    const int64_t end = chunk_end(chunk, rows->n);
    int64_t *next = d->side->next + chunk * d->parts->n_parts;
    uint64_t *words = d->side->words, *wide = d->side->rows;

    for (int64_t i = chunk * RR_CHUNK_ROWS; i < end; i++) {
        uint64_t day = rr_day_place_as(&days, i, form), mixed, word;
        int64_t at;

        uint32_t code = code_of(&rows->key, shape.limit, i);

        if (day > days.n_days || !takes_part(rows, i, code)) {
            continue;
        }
        mixed = mix(code, &shape);
        at = next[mixed >> shift]++;
        word = (mixed & rest_mask) << day_bits | (day - origin);
        if (wide != NULL) {
            words[at] = word;
            wide[at] = (uint64_t)i;
        } else {
            words[at] = word << row_bits | (uint64_t)i;
        }
    }
}

static rr_status deal_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const dealing *d = job;

    (void)worker;
    (void)error;
    switch (d->days.form) {
    case RR_NARROW_DAYS:
        deal_rows(d, chunk, RR_NARROW_DAYS);
        break;
    case RR_WHOLE_DAYS:
        deal_rows(d, chunk, RR_WHOLE_DAYS);
        break;
    case RR_TICKS:
        deal_rows(d, chunk, RR_TICKS);
        break;
    }
    return RR_OK;
}

rr_status rr_deal(const rr_rows *rows, const rr_parts *parts, rr_side *side, const rr_call *call,
                  rr_error *error)
{
    dealing job = {.rows = rows, .parts = parts, .side = side};
    int with_rows = side->row_bits == 0 && rows->n > 1;
    rr_status status;

    job.days = rr_read_days(&rows->day);
    side->words = rr_allocate(side->n, sizeof *side->words);
    side->rows = with_rows ? rr_allocate(side->n, sizeof *side->rows) : NULL;
    if (side->words == NULL || (with_rows && side->rows == NULL)) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    status = rr_run(deal_chunk, &job, count_chunks(rows->n), call, error);
    free(side->next);
    side->next = NULL;
    return status;
}

void rr_side_free(rr_side *side)
{
    free(side->start);
    free(side->words);
    free(side->rows);
    free(side->next);
}
