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

enum { PART_ROWS = 1 << 15, PART_BITS_MAX = 12, PREPARED_DAY_BITS = 25 };

struct rr_lock {
    pthread_rwlock_t lock;
};

static const uint64_t SCATTER = UINT64_C(0x9E3779B1), KEEP = 1;

/* ---------------------------------------------------------------- in order of key */

enum { CHECK_ROWS = 1 << 18 };

typedef struct key_check {
    const rr_rows *rows;
    int *ascends; /* by chunk */
} key_check;

static rr_status check_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const key_check *check = job;
    const uint32_t *codes = check->rows->key.codes;
    const int64_t *numbers = check->rows->key.numbers;
    int64_t from = chunk * CHECK_ROWS, to = from + CHECK_ROWS;

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
    int64_t chunks = rows->n / CHECK_ROWS + 1;
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

rr_parts *rr_parts_open(void)
{
    return open_parts(NULL);
}

int rr_part_bits(int64_t rows)
{
    int bits = rr_bits((uint64_t)(rows / PART_ROWS));

    return bits > PART_BITS_MAX ? PART_BITS_MAX : bits;
}

/* The shape for so many rows. */
static void choose_shape(rr_parts *parts, int64_t rows, uint32_t limit, int ascends)
{
    rr_shape *shape = &parts->shape;

    shape->limit = limit;
    shape->key_bits = rr_bits(limit);
    shape->part_bits = rr_part_bits(rows);
    shape->part_bits = shape->part_bits > shape->key_bits ? shape->key_bits : shape->part_bits;
    shape->ascends = ascends;
    shape->multiplier = ascends ? KEEP : SCATTER;
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

/* A failure that names a row is one of the index or of the events. */
static rr_status of_side(rr_status status, int of_events, rr_error *error)
{
    if (status == RR_ERR_DAY_RANGE && error != NULL) {
        error->column = of_events;
    }
    return status;
}

static rr_status deal(const rr_rows *rows, rr_parts *parts, int of_events, const rr_call *call,
                      rr_error *error)
{
    rr_side *side = of_events ? parts->events : &parts->index;

    side->n_table = rows->n;
    lay_out_rows(parts, side);
    return of_side(rr_deal(rows, parts, side, call, error), of_events, error);
}

static rr_status survey(const rr_rows *rows, rr_parts *parts, int of_events, const rr_call *call,
                        rr_error *error)
{
    return of_side(rr_survey_days(rows, parts, call, error), of_events, error);
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
        status = survey(index, parts, 0, call, error);
    }
    if (status == RR_OK) {
        status = survey(events, parts, 1, call, error);
    }
    parts->origin = parts->first_day;
    parts->day_bits = rr_bits((uint64_t)days_between(parts));
    if (status == RR_OK) {
        status = deal(index, parts, 0, call, error);
    }
    if (status == RR_OK) {
        status = deal(events, parts, 1, call, error);
    }
    return finish(status, parts, result);
}

/* ---------------------------------------------------------------- order within the parts */

typedef struct sorting {
    const rr_parts *parts;
    const rr_side *side;
    uint64_t *words;
    uint64_t *rows;
    const int64_t *start;
    uint64_t **scratch; /* by worker: twice as many words as the largest part */
} sorting;

static rr_status sort_part(void *job, int64_t part, int worker, rr_error *error)
{
    const sorting *s = job;
    const rr_side *side = s->side;
    int64_t from = s->start[part], n = s->start[part + 1] - from, done = 0;
    int low = side->row_bits;
    int high = low + s->parts->day_bits + s->parts->shape.key_bits - s->parts->shape.part_bits;
    uint64_t *words = s->words + from, *rows = s->rows != NULL ? s->rows + from : NULL;
    uint64_t *scratch = s->scratch[worker];

    if (scratch == NULL) {
        scratch = s->scratch[worker] = rr_allocate(side->largest, 2 * sizeof *scratch);
    }
    if (scratch == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    for (int64_t i = 0; i < side->n_chunks; i++) {
        rr_piece piece = rr_piece_of(side, s->parts->n_parts, part, i);

        memcpy(words + done, piece.words, (size_t)piece.n * sizeof *words);
        if (rows != NULL) {
            memcpy(rows + done, piece.rows, (size_t)piece.n * sizeof *rows);
        }
        done += piece.n;
    }
    rr_sort_words(words, rows, scratch, rows != NULL ? scratch + side->largest : NULL, n, low,
                  high);
    return RR_OK;
}

/* Where each part starts when its pieces lie together. */
static void add_up_parts(const rr_parts *parts, const rr_side *side, int64_t *start)
{
    start[0] = 0;
    for (int64_t p = 0; p < parts->n_parts; p++) {
        start[p + 1] = start[p] + side->part_n[p];
    }
}

static rr_status sort_side(const rr_parts *parts, rr_side *side, const rr_call *call,
                           rr_error *error)
{
    sorting job = {.parts = parts, .side = side};
    int workers = rr_workers(call, parts->n_parts), with_rows = side->rows != NULL;
    int64_t *start = rr_allocate(parts->n_parts + 1, sizeof *start);
    rr_status status;

    job.words = rr_allocate(side->n, sizeof *job.words);
    job.rows = with_rows ? rr_allocate(side->n, sizeof *job.rows) : NULL;
    job.scratch = calloc((size_t)workers, sizeof *job.scratch);
    if (start == NULL || job.words == NULL || (with_rows && job.rows == NULL) ||
        job.scratch == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    add_up_parts(parts, side, start);
    job.start = start;
    status = rr_run(sort_part, &job, parts->n_parts, call, error);
out:
    for (int i = 0; job.scratch != NULL && i < workers; i++) {
        free(job.scratch[i]);
    }
    free(job.scratch);
    if (status == RR_OK) {
        free(side->words);
        free(side->rows);
        side->words = job.words;
        side->rows = job.rows;
        side->start = start;
        side->in_order = 1;
    } else {
        free(job.words);
        free(job.rows);
        free(start);
    }
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

rr_status rr_index_in_order(const rr_parts *parts, const rr_call *call, rr_error *error)
{
    rr_status status = take_in_order(parts, index_of(parts), call, error);

    pthread_rwlock_rdlock(&parts->events->lock->lock);
    return status;
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
static void lay_out_spare_days(rr_parts *parts, int64_t n_events)
{
    int needed = rr_bits((uint64_t)days_between(parts)) + 1;
    int left = 63 - (parts->shape.key_bits - parts->shape.part_bits) - rr_bits((uint64_t)n_events);

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
        status = survey(events, parts, 1, call, error);
    }
    lay_out_spare_days(parts, events->n);
    if (status == RR_OK) {
        status = deal(&nobody, parts, 0, call, error);
    }
    if (status == RR_OK) {
        status = deal(events, parts, 1, call, error);
    }
    if (status == RR_OK) {
        /* It is done once, and makes every search shorter. */
        status = sort_side(parts, parts->events, call, error);
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
    status = survey(index, parts, 0, call, error);
    if (status == RR_OK && (parts->first_day < parts->origin ||
                            parts->last_day - parts->origin >= INT64_C(1) << parts->day_bits)) {
        status = rr_fail(error, RR_ERR_TOO_LARGE,
                         "index days lie too far from those of the events");
    }
    if (status == RR_OK) {
        status = deal(index, parts, 0, call, error);
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
