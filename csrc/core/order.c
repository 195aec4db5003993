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

enum { PART_ROWS = 1 << 15, PART_BITS_MAX = 10, PREPARED_DAY_BITS = 25 };

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
    const uint32_t *codes = check->rows->key.codes;
    const int64_t *numbers = check->rows->key.numbers;
    int64_t from = chunk * RR_CHUNK_ROWS, to = from + RR_CHUNK_ROWS;

    (void)worker;
    to = to < check->rows->n ? to : check->rows->n;
    check->ascends[chunk] = 1;
    for (int64_t i = from == 0 ? 1 : from; i < to && check->ascends[chunk]; i++) {
        check->ascends[chunk] = codes == NULL ? numbers[i] >= numbers[i - 1]
                                              : codes[i] >= codes[i - 1] || codes[i] == RR_NULL_KEY;
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

/* ---------------------------------------------------------------- dealing */

static int open_lock(rr_side *side)
{
    side->lock = malloc(sizeof *side->lock);
    if (side->lock != NULL) {
        pthread_rwlock_init(&side->lock->lock, NULL);
    }
    return side->lock != NULL;
}

static void close_side(rr_side *side)
{
    if (side->lock != NULL) {
        pthread_rwlock_destroy(&side->lock->lock);
    }
    free(side->lock);
    rr_side_free(side);
}

/* Parts without rows, with events of their own unless `prepared` lends its. */
static rr_parts *open_parts(const rr_parts *prepared)
{
    rr_parts *parts = calloc(1, sizeof *parts);
    int opened;

    if (parts == NULL) {
        return NULL;
    }
    parts->last_day = -1;
    parts->borrows_events = prepared != NULL;
    parts->events = prepared != NULL ? prepared->events : calloc(1, sizeof *parts->events);
    opened = open_lock(&parts->index) && parts->events != NULL &&
             (parts->borrows_events || open_lock(parts->events));
    if (!opened) {
        rr_parts_free(parts);
        return NULL;
    }
    return parts;
}

/* The shape for so many rows. */
static void choose_shape(rr_parts *parts, int64_t rows, uint32_t limit, int ascend)
{
    rr_shape *shape = &parts->shape;

    shape->limit = limit;
    shape->key_bits = rr_bits(limit);
    shape->part_bits = rr_bits((uint64_t)(rows / PART_ROWS));
    shape->part_bits = shape->part_bits > PART_BITS_MAX ? PART_BITS_MAX : shape->part_bits;
    shape->part_bits = shape->part_bits > shape->key_bits ? shape->key_bits : shape->part_bits;
    shape->multiplier = ascend ? KEEP : SCATTER;
    parts->n_parts = INT64_C(1) << shape->part_bits;
}

/* How many bits of a word are left for the row, beside key and day. */
static int room_for_rows(const rr_parts *parts)
{
    return 64 - (parts->shape.key_bits - parts->shape.part_bits) - parts->day_bits;
}

static int64_t days_between(const rr_parts *parts)
{
    return parts->last_day < parts->first_day ? 0 : parts->last_day - parts->first_day;
}

static void lay_out_rows(const rr_parts *parts, rr_side *side)
{
    int bits = rr_bits(side->n_table == 0 ? 0 : (uint64_t)(side->n_table - 1));

    side->row_bits = bits > room_for_rows(parts) ? 0 : bits;
}

static rr_status count_rows(const rr_rows *rows, rr_parts *parts, int of_events,
                            const rr_call *call, rr_error *error)
{
    rr_side *side = of_events ? parts->events : &parts->index;
    rr_status status = rr_deal_count(rows, parts, side, call, error);

    if (status == RR_ERR_DAY_RANGE && error != NULL) {
        error->column = of_events;
    }
    return status;
}

static rr_status finish(rr_status status, rr_parts *parts, rr_parts **result)
{
    if (status != RR_OK) {
        rr_parts_free(parts);
        parts = NULL;
    }
    *result = parts;
    return status;
}

rr_status rr_order(const rr_rows *index, const rr_rows *events, uint32_t limit, const rr_call *call,
                   rr_parts **result, rr_error *error)
{
    rr_parts *parts = open_parts(NULL);
    int index_ascends = 0, events_ascend = 0;
    rr_status status;

    *result = NULL;
    if (parts == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    status = keys_ascend(index, &index_ascends, call, error);
    if (status == RR_OK && index_ascends) {
        status = keys_ascend(events, &events_ascend, call, error);
    }
    choose_shape(parts, index->n + events->n, limit, events_ascend);
    if (status == RR_OK) {
        status = count_rows(index, parts, 0, call, error);
    }
    if (status == RR_OK) {
        status = count_rows(events, parts, 1, call, error);
    }
    if (status == RR_OK) {
        parts->origin = parts->first_day;
        parts->day_bits = rr_bits((uint64_t)days_between(parts));
        lay_out_rows(parts, &parts->index);
        lay_out_rows(parts, parts->events);
        status = rr_deal(index, parts, &parts->index, call, error);
    }
    if (status == RR_OK) {
        status = rr_deal(events, parts, parts->events, call, error);
    }
    return finish(status, parts, result);
}

/* ---------------------------------------------------------------- order within the parts */

typedef struct sorting {
    const rr_parts *parts;
    rr_side *side;
    uint64_t **scratch; /* by worker: twice as many words as the largest part */
} sorting;

static rr_status sort_part(void *job, int64_t part, int worker, rr_error *error)
{
    const sorting *s = job;
    const rr_side *side = s->side;
    int64_t from = side->start[part], n = side->start[part + 1] - from;
    int low = side->row_bits;
    int high = low + s->parts->day_bits + s->parts->shape.key_bits - s->parts->shape.part_bits;
    uint64_t *scratch = s->scratch[worker];

    if (scratch == NULL) {
        scratch = s->scratch[worker] = rr_allocate(side->largest, 2 * sizeof *scratch);
    }
    if (scratch == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    rr_sort_words(side->words + from, side->rows != NULL ? side->rows + from : NULL, scratch,
                  side->rows != NULL ? scratch + side->largest : NULL, n, low, high);
    return RR_OK;
}

static rr_status sort_side(const rr_parts *parts, rr_side *side, const rr_call *call,
                           rr_error *error)
{
    sorting job = {.parts = parts, .side = side};
    int workers = rr_workers(call, parts->n_parts);
    rr_status status;

    job.scratch = calloc((size_t)workers, sizeof *job.scratch);
    if (job.scratch == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    status = rr_run(sort_part, &job, parts->n_parts, call, error);
    for (int i = 0; i < workers; i++) {
        free(job.scratch[i]);
    }
    free(job.scratch);
    return status;
}

/* Takes the side for reading, in order unless that fails. */
static rr_status take_in_order(const rr_parts *parts, rr_side *side, const rr_call *call,
                               rr_error *error)
{
    pthread_rwlock_t *lock = &side->lock->lock;
    rr_status status = RR_OK;

    pthread_rwlock_rdlock(lock);
    if (side->in_order) {
        return RR_OK;
    }
    pthread_rwlock_unlock(lock);
    pthread_rwlock_wrlock(lock);
    if (!side->in_order) {
        status = sort_side(parts, side, call, error);
        side->in_order = status == RR_OK;
    }
    pthread_rwlock_unlock(lock);
    pthread_rwlock_rdlock(lock);
    return status;
}

/* What a reader may see of the parts does not change when their words change places, so they are const
 * to readers; the locks keep apart who moves them and who reads them. */
static rr_side *index_of(const rr_parts *parts)
{
    return (rr_side *)(uintptr_t)&parts->index;
}

rr_status rr_parts_in_order(const rr_parts *parts, const rr_call *call, rr_error *error)
{
    rr_status status = take_in_order(parts, index_of(parts), call, error);

    if (status != RR_OK) {
        pthread_rwlock_rdlock(&parts->events->lock->lock);
        return status;
    }
    return take_in_order(parts, parts->events, call, error);
}

void rr_parts_as_they_are(const rr_parts *parts)
{
    pthread_rwlock_rdlock(&parts->index.lock->lock);
    pthread_rwlock_rdlock(&parts->events->lock->lock);
}

void rr_parts_done(const rr_parts *parts)
{
    pthread_rwlock_unlock(&parts->events->lock->lock);
    pthread_rwlock_unlock(&parts->index.lock->lock);
}

/* ---------------------------------------------------------------- events prepared for any index */

/* Days that an index may have before and after those of the events: the bits that keys and rows leave,
 * but no more than all days that there are; and one bit is spared, which the short way of a search
 * needs (rr_nearest_will_do). */
static void lay_out_spare_days(rr_parts *parts)
{
    int needed = rr_bits((uint64_t)days_between(parts)) + 1;
    int left = 63 - (parts->shape.key_bits - parts->shape.part_bits) -
               rr_bits((uint64_t)parts->events->n_table);

    parts->day_bits = left < PREPARED_DAY_BITS ? left : PREPARED_DAY_BITS;
    parts->day_bits = parts->day_bits < needed ? needed : parts->day_bits;
    parts->origin = parts->first_day - ((INT64_C(1) << parts->day_bits) - days_between(parts)) / 2;
}

rr_status rr_prepare(const rr_rows *events, uint32_t limit, const rr_call *call, rr_parts **result,
                     rr_error *error)
{
    const rr_rows nobody = {.n = 0};
    rr_parts *parts = open_parts(NULL);
    int ascend = 0;
    rr_status status;

    *result = NULL;
    if (parts == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    status = keys_ascend(events, &ascend, call, error);
    choose_shape(parts, events->n, limit, ascend);
    if (status == RR_OK) {
        status = count_rows(&nobody, parts, 0, call, error);
    }
    if (status == RR_OK) {
        status = count_rows(events, parts, 1, call, error);
    }
    if (status == RR_OK) {
        lay_out_spare_days(parts);
        lay_out_rows(parts, parts->events);
        status = rr_deal(events, parts, parts->events, call, error);
    }
    if (status == RR_OK) {
        /* It is done once, and makes every search shorter. */
        status = sort_side(parts, parts->events, call, error);
        parts->events->in_order = 1;
    }
    return finish(status, parts, result);
}

rr_status rr_order_onto(const rr_rows *index, const rr_parts *prepared, const rr_call *call,
                        rr_parts **result, rr_error *error)
{
    rr_parts *parts = open_parts(prepared);
    rr_status status;

    *result = NULL;
    if (parts == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    parts->shape = prepared->shape;
    parts->n_parts = prepared->n_parts;
    parts->origin = prepared->origin;
    parts->day_bits = prepared->day_bits;
    parts->first_day = prepared->first_day;
    parts->last_day = prepared->last_day;
    status = count_rows(index, parts, 0, call, error);
    if (status == RR_OK && (parts->first_day < parts->origin ||
                            parts->last_day - parts->origin >= INT64_C(1) << parts->day_bits)) {
        status = rr_fail(error, RR_ERR_TOO_LARGE,
                         "index days lie too far from those of the events");
    }
    if (status == RR_OK) {
        lay_out_rows(parts, &parts->index);
        status = rr_deal(index, parts, &parts->index, call, error);
    }
    return finish(status, parts, result);
}

/* ---------------------------------------------------------------- the rest */

rr_status rr_check_lengths(const rr_parts *parts, int64_t n_index, int64_t n_events,
                           rr_error *error)
{
    if (n_index != parts->index.n_table || n_events != parts->events->n_table) {
        return rr_fail(error, RR_ERR_ARGUMENT,
                       "the tables in order have %lld and %lld rows, not %lld and %lld",
                       (long long)parts->index.n_table, (long long)parts->events->n_table,
                       (long long)n_index, (long long)n_events);
    }
    return RR_OK;
}

void rr_parts_free(rr_parts *parts)
{
    if (parts == NULL) {
        return;
    }
    close_side(&parts->index);
    if (!parts->borrows_events && parts->events != NULL) {
        close_side(parts->events);
        free(parts->events);
    }
    free(parts);
}
