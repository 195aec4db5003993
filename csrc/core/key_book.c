/* Keys that are coded once and asked for many times.
 *
 * A key is packed into one or two words (key_fields.c), and its code stands in a table with open
 * addressing, of twice as many places as keys or more. Rows are looked up where they lie: the places of
 * a block of rows are fetched ahead of the probes, so that many cache misses are under way at a time.
 *
 * 5 million index rows asked of 10 million events, by area and a text of 12 characters, on two threads:
 * a linkage with prepared events takes 0.30 s, and took 0.7 when both tables were coded again. The book
 * weighs 16 bytes a place, some 37 a key, and making it adds about half a second to preparing.
 *
 * A row that does not fit the packing has a key that the book cannot hold; the packing tells this of many
 * rows at once, and halving finds which they are. */
#include "keys.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { TASK_ROWS = 1 << 16, FREE = 0 };

typedef struct entry {
    uint64_t low;
    uint32_t code_from_1; /* FREE: none */
} entry;

struct rr_key_book {
    rr_field *fields;
    int64_t n_columns;
    int bits;
    uint32_t limit;
    int extract;
    uint64_t hash_mask;
    entry *entries;
    uint64_t *high; /* of the entries; NULL for keys of one word */
    uint64_t n;     /* a power of two */
};

static inline uint64_t place_of(const rr_key_book *book, uint64_t low, uint64_t high)
{
    uint64_t hash = (low ^ high * UINT64_C(0xD6E8FEB86659FD93)) * UINT64_C(0x9E3779B97F4A7C15);

    return ((hash ^ hash >> 32) & book->hash_mask) & (book->n - 1);
}

static rr_key_packing packing_of(const rr_key_book *book, const rr_keys *keys)
{
    return (rr_key_packing){.keys = keys,
                            .fields = book->fields,
                            .n_fields = book->n_columns,
                            .bits = book->bits,
                            .running_shift = RR_KEY_BITS};
}

static int64_t count_tasks(int64_t n)
{
    return n / TASK_ROWS + (n % TASK_ROWS != 0);
}

/* ---------------------------------------------------------------- making */

/* The packed keys by code. Rows with one code write the same words. */
typedef struct listing {
    const rr_key_packing *packing;
    const uint32_t *codes;
    int64_t n;
    _Atomic uint64_t *low, *high; /* high: NULL for keys of one word */
    atomic_int misfit, some;      /* a row that does not fit; one that has a key */
} listing;

static rr_status list_rows(void *argument, int64_t task, int worker, rr_error *error)
{
    listing *job = argument;
    int64_t end = (task + 1) * TASK_ROWS < job->n ? (task + 1) * TASK_ROWS : job->n;
    rr_key_words packed;
    int some = 0;

    (void)worker, (void)error;
    for (int64_t first = task * TASK_ROWS; first < end; first += RR_KEY_BLOCK) {
        int64_t n = end - first < RR_KEY_BLOCK ? end - first : RR_KEY_BLOCK;

        if (!rr_key_pack(job->packing, 0, first, n, &packed)) {
            atomic_store(&job->misfit, 1);
            return RR_OK;
        }
        for (int64_t i = 0; i < n; i++) {
            uint32_t code = job->codes[first + i];

            if (code == RR_NULL_KEY) {
                continue;
            }
            some = 1;
            atomic_store_explicit(&job->low[code], packed.low[i], memory_order_relaxed);
            if (job->high != NULL) {
                atomic_store_explicit(&job->high[code], packed.high[i], memory_order_relaxed);
            }
        }
    }
    if (some) {
        atomic_store(&job->some, 1);
    }
    return RR_OK;
}

static rr_status fill(rr_key_book *book, const listing *keys, rr_error *error)
{
    enum { AHEAD = 16 };
    const uint32_t n_keys = atomic_load(&keys->some) ? book->limit : 0;
    uint64_t places = 2;

    while (places < 2 * (uint64_t)n_keys) {
        places *= 2;
    }
    book->n = places;
    book->entries = rr_allocate((int64_t)places, sizeof *book->entries);
    book->high = keys->high == NULL ? NULL : rr_allocate((int64_t)places, sizeof *book->high);
    if (book->entries == NULL || (keys->high != NULL && book->high == NULL)) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory for a book of keys");
    }
    memset(book->entries, 0, places * sizeof *book->entries);
    for (uint32_t code = 0; code < n_keys; code++) {
        uint64_t low = keys->low[code], high = keys->high == NULL ? 0 : keys->high[code];
        uint64_t place = place_of(book, low, high);

        if (code + AHEAD < n_keys) {
            uint64_t ahead = keys->high == NULL ? 0 : keys->high[code + AHEAD];

            __builtin_prefetch(&book->entries[place_of(book, keys->low[code + AHEAD], ahead)], 1);
        }
        while (book->entries[place].code_from_1 != FREE) {
            place = (place + 1) & (places - 1);
        }
        book->entries[place] = (entry){low, code + 1};
        if (book->high != NULL) {
            book->high[place] = high;
        }
    }
    return RR_OK;
}

/* Reads the packed keys of all codes, and fills the book with them. */
static rr_status make_from(rr_key_book *book, const rr_keys *keys, const rr_call *call,
                           rr_error *error)
{
    const rr_key_packing packing = packing_of(book, keys);
    listing job = {.packing = &packing, .codes = keys->codes[0], .n = keys->tables[0].n};
    rr_status status;

    atomic_init(&job.misfit, 0);
    atomic_init(&job.some, 0);
    job.low = rr_allocate(book->limit, sizeof *job.low);
    job.high = book->bits <= RR_KEY_NARROW ? NULL : rr_allocate(book->limit, sizeof *job.high);
    if (job.low == NULL || (book->bits > RR_KEY_NARROW && job.high == NULL)) {
        status = rr_fail(error, RR_ERR_MEMORY, "no memory for a book of keys");
        goto out;
    }
    status = rr_run(list_rows, &job, count_tasks(job.n), call, error);
    if (status == RR_OK && atomic_load(&job.misfit)) {
        status = rr_fail(error, RR_ERR_ARGUMENT, "the keys changed while they were read");
    }
    if (status == RR_OK) {
        status = fill(book, &job, error);
    }
out:
    free(job.low);
    free(job.high);
    return status;
}

rr_status rr_key_book_make_as(const rr_keys *keys, uint32_t *limit, rr_key_book **result,
                              const rr_call *call, rr_error *error)
{
    rr_key_book *book = calloc(1, sizeof *book);
    rr_stretch *stretches = NULL;
    int64_t n_stretches = 0;
    rr_status status = rr_fail(error, RR_ERR_MEMORY, "no memory for a book of keys");

    *result = NULL;
    if (book == NULL) {
        return status;
    }
    book->n_columns = keys->n_columns;
    book->extract = keys->extract;
    book->hash_mask = keys->hash_mask;
    book->fields = rr_allocate(keys->n_columns, sizeof *book->fields);
    if (book->fields == NULL) {
        goto out;
    }
    status = rr_encode_as(keys, limit, call, error);
    if (status == RR_OK) {
        book->limit = *limit;
        status = rr_key_cut(keys, &stretches, &n_stretches, call, error);
    }
    if (status == RR_OK) {
        status = rr_key_fields(keys, stretches, n_stretches, 1, book->fields, call, error);
    }
    if (status == RR_OK &&
        rr_key_fit(book->fields, book->n_columns, &book->bits) == book->n_columns) {
        rr_key_place(book->fields, book->n_columns, book->bits);
        status = make_from(book, keys, call, error);
        *result = status == RR_OK ? book : NULL;
    }
out:
    free(stretches);
    if (*result == NULL) {
        rr_key_book_free(book);
    }
    return status;
}

rr_status rr_key_book_make(const rr_key_table *table, int64_t n_columns, uint32_t *codes,
                           uint32_t *limit, rr_key_book **book, const rr_call *call,
                           rr_error *error)
{
    rr_keys keys = {.tables = table,
                    .n_tables = 1,
                    .n_columns = n_columns,
                    .codes = &codes,
                    .hash_mask = UINT64_MAX,
                    .extract = rr_key_can_extract(),
                    .dense = 1};

    return rr_key_book_make_as(&keys, limit, book, call, error);
}

int64_t rr_key_book_columns(const rr_key_book *book)
{
    return book->n_columns;
}

void rr_key_book_free(rr_key_book *book)
{
    if (book != NULL) {
        free(book->fields);
        free(book->entries);
        free(book->high);
    }
    free(book);
}

/* ---------------------------------------------------------------- looking up */

typedef struct look_up {
    const rr_key_book *book;
    const rr_keys *keys;
    const rr_key_packing *packing;
    uint32_t *codes;
    int64_t n;
} look_up;

static inline uint32_t code_at(const rr_key_book *book, uint64_t place, uint64_t low, uint64_t high)
{
    const entry *e = &book->entries[place];

    while (e->code_from_1 != FREE &&
           (e->low != low || (book->high != NULL && book->high[place] != high))) {
        place = (place + 1) & (book->n - 1);
        e = &book->entries[place];
    }
    return e->code_from_1 == FREE ? book->limit : e->code_from_1 - 1;
}

/* The codes of n rows, at most RR_KEY_BLOCK. */
static rr_status look_up_rows(const look_up *job, int64_t first, int64_t n, rr_key_words *packed,
                              rr_error *error)
{
    const rr_key_book *book = job->book;
    uint64_t place[RR_KEY_BLOCK];

    if (!rr_key_pack(job->packing, 0, first, n, packed)) {
        rr_status status;

        if (n == 1) {
            job->codes[first] = book->limit;
            return rr_key_check_row(job->keys, 0, first, error);
        }
        status = look_up_rows(job, first, n / 2, packed, error);
        return status != RR_OK ? status
                               : look_up_rows(job, first + n / 2, n - n / 2, packed, error);
    }
    for (int64_t i = 0; i < n; i++) {
        if (book->high == NULL) {
            packed->high[i] = 0;
        }
        place[i] = place_of(book, packed->low[i], packed->high[i]);
        __builtin_prefetch(&book->entries[place[i]]);
    }
    for (int64_t i = 0; i < n; i++) {
        job->codes[first + i] = packed->missing[i]
                                    ? RR_NULL_KEY
                                    : code_at(book, place[i], packed->low[i], packed->high[i]);
    }
    return RR_OK;
}

static rr_status look_up_task(void *argument, int64_t task, int worker, rr_error *error)
{
    const look_up *job = argument;
    int64_t end = (task + 1) * TASK_ROWS < job->n ? (task + 1) * TASK_ROWS : job->n;
    rr_status status = RR_OK;
    rr_key_words packed;

    (void)worker;
    for (int64_t first = task * TASK_ROWS; first < end && status == RR_OK; first += RR_KEY_BLOCK) {
        int64_t n = end - first < RR_KEY_BLOCK ? end - first : RR_KEY_BLOCK;

        status = look_up_rows(job, first, n, &packed, error);
    }
    return status;
}

rr_status rr_key_book_look_up(const rr_key_book *book, const rr_key_table *table, uint32_t *codes,
                              const rr_call *call, rr_error *error)
{
    const rr_keys keys = {
        .tables = table, .n_tables = 1, .n_columns = book->n_columns, .extract = book->extract};
    const rr_key_packing packing = packing_of(book, &keys);
    look_up job = {book, &keys, &packing, codes, table->n};

    for (int64_t c = 0; c < book->n_columns; c++) {
        if ((table->columns[c].kind == RR_KEY_TEXT) != book->fields[c].is_text) {
            return rr_fail(error, RR_ERR_ARGUMENT, "a key column is not of the kind of the book's");
        }
    }
    return rr_run(look_up_task, &job, count_tasks(table->n), call, error);
}
