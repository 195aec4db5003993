/* Codes of a text column that has few distinct values, such as areas, on threads.
 *
 * Every worker keeps a table of the values it has met, some hundred lines of cache, and writes its own
 * codes; chunks of rows note who did them. Then the values of all workers are put in the order of the
 * first row that has them, which is the same whoever met it, and a second pass turns the codes of each
 * worker into these. A row costs its bytes, a probe in L1 or L2, and four bytes written twice: 2 ns.
 * Where a worker meets more than MOST values the column is not one for this. */
#include "columns.h"
#include "internal.h"
#include "short_text.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 1 << 16, BLOCK_ROWS = 512, PLACES = 1 << 12, MOST = PLACES / 4 };

typedef struct value {
    uint64_t word[2]; /* the first bytes, 0 beyond the end */
    int64_t length;
    int64_t row; /* the first that the worker met; chunks are taken in order, so its least */
    int32_t code;
    int32_t used;
} value;

typedef struct few_job {
    const rr_text *text;
    int64_t n_data;
    int32_t *codes;
    value *places;    /* by worker, PLACES of them */
    int32_t *met;     /* by worker: values */
    int32_t *meaning; /* by worker, MOST codes: the code over all workers */
    int *worker_of;   /* by chunk */
    int *many;        /* by worker: it met too many */
} few_job;

static int64_t chunk_end(const few_job *job, int64_t chunk)
{
    int64_t end = (chunk + 1) * CHUNK_ROWS;

    return end < job->text->n ? end : job->text->n;
}

/* ---------------------------------------------------------------- values */

static inline uint64_t hash_of(const value *v, const uint8_t *bytes)
{
    uint64_t hash = v->word[0] * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)v->length;

    hash = (hash ^ hash >> 32 ^ v->word[1]) * UINT64_C(0xD6E8FEB86659FD93);
    if (v->length > RR_SHORT_TEXT) {
        uint64_t last;

        memcpy(&last, bytes + v->length - 8, 8);
        hash = (hash ^ hash >> 32 ^ last) * UINT64_C(0xD6E8FEB86659FD93);
    }
    return hash >> 32;
}

static inline int same_value(const rr_text *text, const value *a, const value *b,
                             const uint8_t *b_bytes)
{
    int64_t from, room[2];

    if (a->word[0] != b->word[0] || a->word[1] != b->word[1] || a->length != b->length) {
        return 0;
    }
    if (a->length <= RR_SHORT_TEXT) {
        return 1;
    }
    from = rr_text_offsets(text, a->row, 1, room)[0];
    return memcmp(text->data + from, b_bytes, (size_t)a->length) == 0;
}

static inline value value_at(const uint8_t *data, uint64_t from, int64_t length, uint64_t safe)
{
    value v = {.length = length, .used = 1};
    uint64_t own[2], first = length < RR_SHORT_TEXT ? (uint64_t)length : RR_SHORT_TEXT;

    if (from >= safe) {
        rr_copy_words(data + from, first, v.word);
        return v;
    }
    rr_own_bits(first, own);
    memcpy(v.word, data + from, sizeof v.word);
    v.word[0] &= own[0];
    v.word[1] &= own[1];
    return v;
}

/* ---------------------------------------------------------------- passes */

static rr_status code_chunk(void *argument, int64_t chunk, int worker, rr_error *error)
{
    few_job *job = argument;
    const rr_text *text = job->text;
    value *places = job->places + (int64_t)worker * PLACES;
    const uint64_t safe = rr_safe_places(job->n_data);
    int64_t end = chunk_end(job, chunk), room[BLOCK_ROWS + 1];

    job->worker_of[chunk] = worker;
    for (int64_t first = chunk * CHUNK_ROWS; first < end && !job->many[worker];
         first += BLOCK_ROWS) {
        int64_t n = end - first < BLOCK_ROWS ? end - first : BLOCK_ROWS;
        const int64_t *offsets = rr_text_offsets(text, first, n, room);
        rr_status status = rr_text_check_block(offsets, first, n, job->n_data, error);

        if (status != RR_OK) {
            return status;
        }
        for (int64_t i = 0; i < n; i++) {
            const uint8_t *bytes = text->data + offsets[i];
            value v = value_at(text->data, (uint64_t)offsets[i], offsets[i + 1] - offsets[i], safe);
            uint64_t place = hash_of(&v, bytes) & (PLACES - 1);

            if (text->valid != NULL && !text->valid[first + i]) {
                job->codes[first + i] = -1;
                continue;
            }
            while (places[place].used && !same_value(text, &places[place], &v, bytes)) {
                place = (place + 1) & (PLACES - 1);
            }
            if (!places[place].used) {
                if (job->met[worker] == MOST) {
                    job->many[worker] = 1;
                    return RR_OK;
                }
                v.row = first + i;
                v.code = job->met[worker]++;
                places[place] = v;
            }
            job->codes[first + i] = places[place].code;
        }
    }
    return RR_OK;
}

static rr_status translate_chunk(void *argument, int64_t chunk, int worker, rr_error *error)
{
    few_job *job = argument;
    const int32_t *meaning = job->meaning + (int64_t)job->worker_of[chunk] * MOST;

    (void)worker, (void)error;
    for (int64_t i = chunk * CHUNK_ROWS; i < chunk_end(job, chunk); i++) {
        job->codes[i] = job->codes[i] < 0 ? -1 : meaning[job->codes[i]];
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- the values of all workers */

typedef struct found {
    const value *value;
    int32_t *meaning;
} found;

static int by_row(const void *a, const void *b)
{
    int64_t x = ((const found *)a)->value->row, y = ((const found *)b)->value->row;

    return (x > y) - (x < y);
}

static const uint8_t *bytes_of(const rr_text *text, const value *v)
{
    int64_t room[2];

    return text->data + rr_text_offsets(text, v->row, 1, room)[0];
}

/* Gives the values their codes in the order of their first rows; returns how many there are. */
static int64_t number_values(few_job *job, found *all, int n_workers)
{
    int64_t n = 0, distinct = 0;

    for (int w = 0; w < n_workers; w++) {
        for (int64_t p = 0; p < PLACES; p++) {
            const value *v = &job->places[(int64_t)w * PLACES + p];

            if (v->used) {
                all[n++] = (found){v, &job->meaning[(int64_t)w * MOST + v->code]};
            }
        }
    }
    qsort(all, (size_t)n, sizeof *all, by_row);
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *bytes = bytes_of(job->text, all[i].value);
        int64_t j = 0;

        while (j < i && !same_value(job->text, all[j].value, all[i].value, bytes)) {
            j++;
        }
        *all[i].meaning = j < i ? *all[j].meaning : (int32_t)distinct++;
    }
    return distinct;
}

rr_status rr_text_few_codes(const rr_text *text, int64_t n_data, int32_t *codes, int64_t *distinct,
                            int *few, const rr_call *call, rr_error *error)
{
    int64_t n_chunks = text->n / CHUNK_ROWS + (text->n % CHUNK_ROWS != 0);
    int n_workers = rr_workers(call, n_chunks);
    few_job job = {.text = text, .n_data = n_data, .codes = codes};
    found *all = rr_allocate((int64_t)n_workers * MOST, sizeof *all);
    rr_status status = rr_fail(error, RR_ERR_MEMORY, "no memory for the values of text");

    *few = 1;
    job.places = calloc((size_t)n_workers * PLACES, sizeof *job.places);
    job.met = calloc((size_t)n_workers, sizeof *job.met);
    job.meaning = rr_allocate((int64_t)n_workers * MOST, sizeof *job.meaning);
    job.worker_of = rr_allocate(n_chunks, sizeof *job.worker_of);
    job.many = calloc((size_t)n_workers, sizeof *job.many);
    if (all == NULL || job.places == NULL || job.met == NULL || job.meaning == NULL ||
        job.worker_of == NULL || job.many == NULL) {
        goto out;
    }
    status = rr_run(code_chunk, &job, n_chunks, call, error);
    for (int w = 0; w < n_workers; w++) {
        *few &= !job.many[w];
    }
    if (status != RR_OK || !*few) {
        goto out;
    }
    *distinct = number_values(&job, all, n_workers);
    status = rr_run(translate_chunk, &job, n_chunks, call, error);
out:
    free(all);
    free(job.places);
    free(job.met);
    free(job.meaning);
    free(job.worker_of);
    free(job.many);
    return status;
}
