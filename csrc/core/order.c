/* Both sides dealt by a mixed key into parts that fit the cache, and put in order there when a sweep
 * needs it.
 *
 * Mixing is a bijection on the bits of a key, so the part says some of the key's bits and the word need
 * not repeat them: key, day and row then fit into 64 bits for any table that fits a machine, and a
 * second word for the row is the exception (very long day ranges). Where both tables come sorted by
 * key, the multiplier is 1: a part is then a run of keys, and words, events and answers lie in memory
 * in the order in which they are read.
 *
 * A part is some 30,000 rows of both sides, 240 KB: with a copy of its events it stays in L2, and the
 * parts of 15 million rows are few enough (512) to be dealt to from L1. Parts of 8,000 rows cost a
 * quarter more, nearly all of it in dealing. */
#define _XOPEN_SOURCE 700 /* pthread_rwlock_t */

#include "parts.h"
#include "threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PART_ROWS = 1 << 15, PART_BITS_MAX = 12 };

struct rr_lock {
    pthread_rwlock_t lock;
};

static const uint64_t SCATTER = UINT64_C(0x9E3779B1), KEEP = 1;

/* ---------------------------------------------------------------- in order of key */

typedef struct key_check {
    const rr_rows *rows;
    int *ascends; /* by chunk */
} key_check;

static rr_status check_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const key_check *check = job;
    const uint32_t *key = check->rows->key;
    int64_t from = chunk * RR_CHUNK_ROWS, to = from + RR_CHUNK_ROWS;

    (void)worker;
    to = to < check->rows->n ? to : check->rows->n;
    check->ascends[chunk] = 1;
    for (int64_t i = from == 0 ? 1 : from; i < to && check->ascends[chunk]; i++) {
        check->ascends[chunk] = key[i] >= key[i - 1] || key[i] == RR_NULL_KEY;
    }
    (void)error;
    return RR_OK;
}

/* Whether the keys of a side ascend, but perhaps for null keys. Keys in no order are told apart by the
 * first few rows of each chunk, so this costs nothing where it does not pay. */
static rr_status keys_ascend(const rr_rows *rows, int *ascend, const rr_call *call, rr_error *error)
{
    int64_t chunks = rows->n / RR_CHUNK_ROWS + 1;
    key_check check = {rows, NULL};
    rr_status status;

    *ascend = 1;
    check.ascends = rr_allocate(chunks, sizeof *check.ascends);
    if (check.ascends == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    status = rr_run(check_chunk, &check, chunks, call, error);
    for (int64_t c = 0; c < chunks && status == RR_OK; c++) {
        *ascend &= check.ascends[c];
    }
    free(check.ascends);
    return status;
}

/* ---------------------------------------------------------------- dealing both sides */

static rr_status choose_shape(rr_parts *parts, const rr_rows *index, const rr_rows *events,
                              uint32_t limit, const rr_call *call, rr_error *error)
{
    rr_shape *shape = &parts->shape;
    int index_ascends, events_ascend = 0;
    rr_status status = keys_ascend(index, &index_ascends, call, error);

    if (status == RR_OK && index_ascends) {
        status = keys_ascend(events, &events_ascend, call, error);
    }
    shape->key_bits = rr_bits(limit == 0 ? 0 : limit - 1);
    shape->part_bits = rr_bits((uint64_t)((index->n + events->n) / PART_ROWS));
    shape->part_bits = shape->part_bits > PART_BITS_MAX ? PART_BITS_MAX : shape->part_bits;
    shape->part_bits = shape->part_bits > shape->key_bits ? shape->key_bits : shape->part_bits;
    shape->multiplier = events_ascend ? KEEP : SCATTER;
    parts->n_parts = INT64_C(1) << shape->part_bits;
    return status;
}

static void lay_out_words(rr_parts *parts, const rr_extent *days)
{
    int64_t rows = parts->index.n_table > parts->events.n_table ? parts->index.n_table
                                                                : parts->events.n_table;

    parts->first_day = days->n > 0 ? days->first_day : 0;
    parts->last_day = days->n > 0 ? days->last_day : 0;
    parts->day_bits = rr_bits((uint64_t)(parts->last_day - parts->first_day));
    parts->row_bits = rr_bits(rows == 0 ? 0 : (uint64_t)(rows - 1));
    if (parts->shape.key_bits - parts->shape.part_bits + parts->day_bits + parts->row_bits > 64) {
        parts->row_bits = 0;
    }
}

rr_status rr_order(const rr_rows *index, const rr_rows *events, uint32_t limit, const rr_call *call,
                   rr_parts **result, rr_error *error)
{
    const rr_rows *rows[] = {index, events};
    rr_extent days = {INT64_MAX, INT64_MIN, 0};
    rr_parts *parts = calloc(1, sizeof *parts);
    rr_status status;

    *result = NULL;
    if (parts != NULL) {
        parts->lock = malloc(sizeof *parts->lock);
    }
    if (parts == NULL || parts->lock == NULL) {
        free(parts);
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    pthread_rwlock_init(&parts->lock->lock, NULL);
    status = choose_shape(parts, index, events, limit, call, error);
    for (int i = 0; i < 2 && status == RR_OK; i++) {
        rr_side *side = i == 0 ? &parts->index : &parts->events;

        status = rr_deal_count(rows[i], &parts->shape, i == 0, side, &days, call, error);
        if (status == RR_ERR_DAY_RANGE && error != NULL) {
            error->column = i;
        }
    }
    if (status == RR_OK) {
        lay_out_words(parts, &days);
        status = rr_deal(index, parts, &parts->index, call, error);
    }
    if (status == RR_OK) {
        status = rr_deal(events, parts, &parts->events, call, error);
    }
    if (status != RR_OK) {
        rr_parts_free(parts);
        return status;
    }
    *result = parts;
    return RR_OK;
}

/* ---------------------------------------------------------------- order within the parts */

typedef struct sorting {
    rr_parts *parts;
    uint64_t **scratch; /* by worker: twice as many words as the largest part */
    int64_t room;
} sorting;

static rr_status sort_part(void *job, int64_t task, int worker, rr_error *error)
{
    sorting *s = job;
    rr_parts *parts = s->parts;
    rr_side *side = task % 2 == 0 ? &parts->index : &parts->events;
    int64_t from = side->start[task / 2], n = side->start[task / 2 + 1] - from;
    int low = parts->row_bits;
    int high = low + parts->day_bits + parts->shape.key_bits - parts->shape.part_bits;

    if (s->scratch[worker] == NULL) {
        s->scratch[worker] = rr_allocate(s->room, 2 * sizeof **s->scratch);
        if (s->scratch[worker] == NULL) {
            return rr_fail(error, RR_ERR_MEMORY, "out of memory");
        }
    }
    rr_sort_words(side->words + from, side->rows != NULL ? side->rows + from : NULL,
                  s->scratch[worker], side->rows != NULL ? s->scratch[worker] + s->room : NULL, n,
                  low, high);
    return RR_OK;
}

static rr_status sort_parts(rr_parts *parts, const rr_call *call, rr_error *error)
{
    int64_t index = parts->index.largest, events = parts->events.largest;
    sorting job = {.parts = parts, .room = index > events ? index : events};
    int workers = rr_workers(call, parts->n_parts * 2);
    rr_status status = RR_ERR_MEMORY;

    job.scratch = calloc((size_t)workers, sizeof *job.scratch);
    if (job.scratch == NULL) {
        return rr_fail(error, status, "out of memory");
    }
    status = rr_run(sort_part, &job, parts->n_parts * 2, call, error);
    for (int i = 0; i < workers; i++) {
        free(job.scratch[i]);
    }
    free(job.scratch);
    return status;
}

/* What a reader may see of the parts does not change when their words change places, so they are const
 * to readers; the lock keeps apart who moves them and who reads them. */
static rr_parts *writable(const rr_parts *parts)
{
    return (rr_parts *)(uintptr_t)parts;
}

rr_status rr_parts_in_order(const rr_parts *parts, const rr_call *call, rr_error *error)
{
    rr_parts *own = writable(parts);
    rr_status status = RR_OK;

    pthread_rwlock_rdlock(&own->lock->lock);
    if (own->in_order) {
        return RR_OK;
    }
    pthread_rwlock_unlock(&own->lock->lock);
    pthread_rwlock_wrlock(&own->lock->lock);
    if (!own->in_order) {
        status = sort_parts(own, call, error);
        own->in_order = status == RR_OK;
    }
    pthread_rwlock_unlock(&own->lock->lock);
    pthread_rwlock_rdlock(&own->lock->lock);
    return status;
}

void rr_parts_as_they_are(const rr_parts *parts)
{
    pthread_rwlock_rdlock(&parts->lock->lock);
}

void rr_parts_done(const rr_parts *parts)
{
    pthread_rwlock_unlock(&parts->lock->lock);
}

/* ---------------------------------------------------------------- the rest */

rr_status rr_check_lengths(const rr_parts *parts, int64_t n_index, int64_t n_events,
                           rr_error *error)
{
    if (n_index != parts->index.n_table || n_events != parts->events.n_table) {
        return rr_fail(error, RR_ERR_ARGUMENT,
                       "the tables in order have %lld and %lld rows, not %lld and %lld",
                       (long long)parts->index.n_table, (long long)parts->events.n_table,
                       (long long)n_index, (long long)n_events);
    }
    return RR_OK;
}

void rr_parts_free(rr_parts *parts)
{
    if (parts == NULL) {
        return;
    }
    rr_side_free(&parts->index);
    rr_side_free(&parts->events);
    pthread_rwlock_destroy(&parts->lock->lock);
    free(parts->lock);
    free(parts);
}
