/* Both sides in order straight from their key columns: what rr_encode and rr_order do one after the
 * other, without codes by row between them.
 *
 * Rows are dealt by their packed keys (key_deal.c); then a part is in the cache, where each of its keys
 * gets a number, and the words that rr_order would have dealt take the place of the keys. So a row is
 * written twice and read twice, in one place, where codes by row are dealt, numbered, brought back to
 * their rows, read twice and dealt again. The number of a key is its place in a table of the part's keys,
 * which needs no counter and never grows.
 *
 * A key of more than 64 bits, or days of more than DAY_BITS_MAX, go by way of codes; so does a key of 32
 * bits or fewer, which is its own code.
 *
 * With 15 million rows of an area and a text of 12 characters: 0.25 s on one thread and 0.13 on two,
 * where the way of codes takes 0.36 and 0.20. Numbering is a quarter, dealing a third, packing a sixth;
 * the rest is the first touch of 12 bytes a row. What paid: the places of BLOCK rows fetched before the
 * first is asked; numbers that are places, in place of a counter beside each key (a tenth). What did
 * not: parts of half or twice the size, a table of half the size; keys of the index alone in the table,
 * and events left out whose key is not there (as many branches that nobody guesses cost more than the
 * smaller table and fewer words save). */
#include "key_deal.h"
#include "shelf.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum {
    BESIDE_BITS = 32,  /* for the day and the row within its chunk */
    DAY_BITS_MAX = 20, /* which leaves chunks of 4,096 rows */
    CODE_BITS = 32,    /* so few need no number, and cost less as codes */
    BLOCK = 64         /* rows whose places are fetched before the first is asked */
};

static const uint64_t HASH = UINT64_C(0xD6E8FEB86659FD93);

typedef struct ordering {
    rr_keys keys;
    rr_key_packing packing;
    const rr_rows *rows[2];
    rr_parts *parts;
    rr_side *sides[2];
    int chunk_bits;
    uint32_t *beside[2];
    uint64_t **tables; /* by worker: keys by their places, for the largest part */
    int local_bits;    /* of a place in it */
} ordering;

/* Where the keys of one part have their places. */
typedef struct table {
    uint64_t *keys;
    uint64_t last; /* place */
    uint64_t hash_mask;
    int to_part; /* bits of a key below those that say its part */
} table;

/* ---------------------------------------------------------------- number */

/* Of a place in a table for so many rows, which is never full beyond four fifths. */
static int table_bits(int64_t rows)
{
    return rr_bits((uint64_t)(rows + rows / 4));
}

/* The number of a key in its part is its place in the table. A place whose key is of another part is
 * free: the highest bits of a key say its part. */
static inline uint64_t place_of(const table *t, uint64_t key)
{
    key *= HASH;
    return (key ^ key >> 32) & t->hash_mask & t->last;
}

static inline uint64_t take_place(const table *t, uint64_t key, uint64_t place)
{
    uint64_t there = t->keys[place];

    while ((there != key) & ((there ^ key) >> t->to_part == 0)) {
        place = (place + 1) & t->last;
        there = t->keys[place];
    }
    t->keys[place] = key;
    return place;
}

/* Turns the keys of n rows of a chunk, at most BLOCK, into words. */
static inline void number_block(const ordering *job, const table *t, const rr_side *side,
                                int64_t first_row, int64_t n, uint64_t *words,
                                const uint32_t *beside)
{
    const int row_bits = side->row_bits, chunk_bits = side->chunk_bits;
    const int key_shift = job->parts->day_bits + row_bits;
    const uint32_t in_chunk = (UINT32_C(1) << chunk_bits) - 1;
    uint64_t place[BLOCK];

    for (int64_t i = 0; i < n; i++) {
        place[i] = place_of(t, words[i]);
        __builtin_prefetch(&t->keys[place[i]], 1);
    }
    for (int64_t i = 0; i < n; i++) {
        const uint64_t local = take_place(t, words[i], place[i]);
        const uint64_t row = (uint64_t)first_row + (beside[i] & in_chunk);

        words[i] = local << key_shift | (uint64_t)(beside[i] >> chunk_bits) << row_bits | row;
    }
}

/* What stands beside the keys of a piece that will soon be read. */
static void fetch_beside(const ordering *job, int which, int64_t part, int64_t chunk)
{
    enum { AHEAD = 3, LINE = 16 };
    const rr_side *side = job->sides[which];

    if (chunk + AHEAD < side->n_chunks) {
        const rr_piece piece = rr_piece_of(side, job->parts->n_parts, part, chunk + AHEAD);
        const uint32_t *beside = job->beside[which] + (piece.words - side->words);

        for (int64_t i = 0; i < piece.n; i += LINE) {
            __builtin_prefetch(beside + i);
        }
    }
}

static void number_side(const ordering *job, const table *t, int which, int64_t part)
{
    const rr_side *side = job->sides[which];
    const int64_t n_parts = job->parts->n_parts;

    for (int64_t c = 0; c < side->n_chunks; c++) {
        const rr_piece piece = rr_piece_of(side, n_parts, part, c);
        const int64_t from = piece.words - side->words;

        rr_fetch_piece(side, n_parts, part, c);
        fetch_beside(job, which, part, c);
        for (int64_t i = 0; i < piece.n; i += BLOCK) {
            const int64_t n = piece.n - i < BLOCK ? piece.n - i : BLOCK;

            number_block(job, t, side, c << side->chunk_bits, n, side->words + from + i,
                         job->beside[which] + from + i);
        }
    }
}

static rr_status number_part(void *argument, int64_t part, int worker, rr_error *error)
{
    ordering *job = argument;
    const int64_t rows = job->sides[0]->part_n[part] + job->sides[1]->part_n[part];
    const uint64_t places = UINT64_C(1) << table_bits(rows);
    table t = {.keys = job->tables[worker],
               .last = places - 1,
               .hash_mask = job->keys.hash_mask,
               .to_part = 64 - job->parts->shape.part_bits};

    if (t.keys == NULL) {
        t.keys = job->tables[worker] = calloc((size_t)1 << job->local_bits, sizeof *t.keys);
    }
    if (t.keys == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory to number the keys");
    }
    /* Nought is a key of part 0, which is begun first: to all other parts its places are free. */
    if (part == 0) {
        memset(t.keys, 0xFF, places * sizeof *t.keys);
    }
    for (int side = 0; side < 2; side++) {
        number_side(job, &t, side, part);
    }
    if (part == 0) {
        memset(t.keys, 0, places * sizeof *t.keys);
    }
    return RR_OK;
}

/* In which bits of a word what stands; 0 where it does not fit. */
static int lay_out_words(ordering *job)
{
    rr_parts *parts = job->parts;
    int64_t largest = 0;

    for (int64_t p = 0; p < parts->n_parts; p++) {
        const int64_t n = job->sides[0]->part_n[p] + job->sides[1]->part_n[p];

        largest = n > largest ? n : largest;
    }
    job->local_bits = table_bits(largest);
    parts->shape.key_bits = job->local_bits + parts->shape.part_bits;
    for (int i = 0; i < 2; i++) {
        rr_side *side = job->sides[i];

        side->row_bits = rr_bits(side->n_table == 0 ? 0 : (uint64_t)(side->n_table - 1));
        if (side->n_table >= UINT32_MAX ||
            job->local_bits + parts->day_bits + side->row_bits >= 64) {
            return 0;
        }
    }
    return 1;
}

static rr_status number_all(ordering *job, const rr_call *call, rr_error *error)
{
    const int workers = rr_workers(call, job->parts->n_parts);
    rr_status status;

    job->tables = calloc((size_t)workers, sizeof *job->tables);
    if (job->tables == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    status = rr_run(number_part, job, job->parts->n_parts, call, error);
    for (int w = 0; w < workers; w++) {
        free(job->tables[w]);
    }
    free(job->tables);
    return status;
}

/* ---------------------------------------------------------------- the whole */

/* How keys are packed; 0 where they are no words that need a number. */
static int plan_keys(ordering *job, rr_field *fields)
{
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
    return 1;
}

/* Parts for so many rows and their days; *fits becomes 0 where there is none, or one is out of
 * range or too far from the others. */
static rr_status open_for_rows(ordering *job, int *fits, const rr_call *call, rr_error *error)
{
    rr_parts *parts = job->parts = rr_parts_open();
    int part_bits = rr_part_bits(job->rows[0]->n + job->rows[1]->n), chunk_bits;
    rr_status status = RR_OK;

    if (parts == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    part_bits = part_bits < 1 ? 1 : part_bits; /* a key needs one to say its part */
    parts->shape = (rr_shape){.limit = UINT32_MAX, .part_bits = part_bits};
    parts->n_parts = INT64_C(1) << part_bits;
    job->sides[0] = &parts->index;
    job->sides[1] = parts->events;
    for (int i = 0; i < 2 && status == RR_OK; i++) {
        job->sides[i]->n_table = job->rows[i]->n;
        status = rr_survey_days(job->rows[i], parts, call, error);
    }
    if (status == RR_ERR_DAY_RANGE) { /* perhaps of a row without a key: codes will tell */
        *fits = 0;
        return RR_OK;
    }
    if (parts->first_day > parts->last_day) {
        *fits = 0;
        return status;
    }
    parts->origin = parts->first_day;
    parts->day_bits = rr_bits((uint64_t)(parts->last_day - parts->first_day));
    *fits &= parts->day_bits <= DAY_BITS_MAX;
    chunk_bits = rr_chunk_bits(part_bits);
    job->chunk_bits = chunk_bits > BESIDE_BITS - parts->day_bits ? BESIDE_BITS - parts->day_bits
                                                                 : chunk_bits;
    return status;
}

/* Whether two columns lie in the same memory. What codes mean may be written down twice. */
static int is_one_column(const rr_key_column *a, const rr_key_column *b)
{
    return a->kind == b->kind && a->ints == b->ints && a->ints_32 == b->ints_32 &&
           a->ints_16 == b->ints_16 && a->ints_8 == b->ints_8 && a->offsets == b->offsets &&
           a->offsets_32 == b->offsets_32 && a->data == b->data && a->width == b->width &&
           a->wide == b->wide && a->valid == b->valid && a->n_meanings == b->n_meanings &&
           (a->meanings == b->meanings ||
            (a->meanings != NULL && b->meanings != NULL &&
             memcmp(a->meanings, b->meanings, (size_t)a->n_meanings * sizeof *a->meanings) == 0));
}

/* Whether index and events are rows of the same table: then its keys are packed once. */
static int is_one_table(const rr_key_table *tables, int64_t n_columns)
{
    int same = tables[0].n == tables[1].n;

    for (int64_t c = 0; c < n_columns && same; c++) {
        same = is_one_column(&tables[0].columns[c], &tables[1].columns[c]);
    }
    return same;
}

/* With fields of every `step`th text. *fits: 0, and no parts, where they do not fit all. */
static rr_status order_by_sample(ordering *job, const rr_stretch *stretches, int64_t n_stretches,
                                 int64_t step, rr_field *fields, int *fits, const rr_call *call,
                                 rr_error *error)
{
    const int of_a_table = is_one_table(job->keys.tables, job->keys.n_columns) ? 2 : 1;
    rr_status status = rr_key_fields(&job->keys, stretches, n_stretches, step, fields, call, error);

    *fits = status == RR_OK && plan_keys(job, fields);
    if (*fits) {
        status = open_for_rows(job, fits, call, error);
    }
    for (int i = 0; i < 2 && status == RR_OK && *fits; i += of_a_table) {
        status = rr_key_deal(&job->packing, i, job->rows + i, job->parts, job->chunk_bits,
                             job->sides + i, job->beside + i, of_a_table, fits, call, error);
    }
    if (status == RR_OK && *fits) {
        *fits = lay_out_words(job);
    }
    if (status == RR_OK && *fits) {
        status = number_all(job, call, error);
    }
    for (int i = 0; i < 2 && job->parts != NULL; i++) {
        rr_shelf_put(job->sides[i]->shelf, job->beside[i]);
        job->beside[i] = NULL;
    }
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
    rr_stretch *stretches = NULL;
    int64_t step = rr_key_step(keys), n_stretches;
    int fits = 0;
    rr_status status = rr_key_cut(keys, &stretches, &n_stretches, call, error);

    *parts = NULL;
    if (status == RR_OK && fields == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "no memory for keys");
    }
    if (status == RR_OK) {
        status = order_by_sample(&job, stretches, n_stretches, step, fields, &fits, call, error);
    }
    if (status == RR_OK && !fits && step > 1) {
        status = order_by_sample(&job, stretches, n_stretches, 1, fields, &fits, call, error);
    }
    *parts = job.parts;
    if (status == RR_OK && !fits) {
        status = order_by_codes(keys, index, events, call, parts, error);
    }
    free(stretches);
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
