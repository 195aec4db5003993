/* Keys to codes, in the fewest bytes moved.
 *
 * Each column is brought to a field of a few bits (key_fields.c), and the fields of a row stand side by
 * side in one packed key (key_pack.c). A packed key of 32 bits is the code; any other is numbered
 * (key_numbers.c). Where columns together need more than 128 bits, or a text is longer than 16 bytes
 * (key_texts.c), what came before is numbered first, and its running code is a field beside what
 * follows. */
#include "keys.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum { STRETCH_LEAST = 1 << 14, STRETCHES_A_THREAD = 4, SAMPLE = 1 << 13 };

static const uint64_t LIMIT_MAX = UINT32_MAX; /* codes are below it, so none is RR_NULL_KEY */

typedef struct plan {
    rr_keys keys;
    rr_stretch *stretches;
    int64_t n_stretches;
    rr_field *fields;
    int sampled; /* the fields are those of some of the rows only */
    int misfit;  /* and a row does not fit them, or they are needed of all rows */
} plan;

/* ---------------------------------------------------------------- rows */

static int64_t count_rows(const rr_key_table *tables, int64_t n_tables)
{
    int64_t n = 0;

    for (int64_t t = 0; t < n_tables; t++) {
        n += tables[t].n;
    }
    return n;
}

int64_t rr_key_step(const rr_keys *keys)
{
    return count_rows(keys->tables, keys->n_tables) / SAMPLE + 1;
}

rr_status rr_key_cut(const rr_keys *keys, rr_stretch **stretches, int64_t *n_stretches,
                     const rr_call *call, rr_error *error)
{
    int64_t wanted = (int64_t)rr_workers(call, INT64_MAX) * STRETCHES_A_THREAD, before = 0;
    int64_t length = count_rows(keys->tables, keys->n_tables) / wanted + 1, most = 0, made = 0;
    rr_stretch *cut;

    length = length < STRETCH_LEAST ? STRETCH_LEAST : length;
    for (int64_t t = 0; t < keys->n_tables; t++) {
        most += keys->tables[t].n / length + 1;
    }
    *stretches = cut = rr_allocate(most, sizeof *cut);
    if (cut == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory for keys");
    }
    for (int64_t t = 0; t < keys->n_tables; t++) {
        int64_t n = keys->tables[t].n, pieces = n / length + 1;

        for (int64_t i = 0; i < pieces && n > 0; i++) {
            int64_t first = rr_chunk_start(n, i, pieces);

            cut[made++] = (rr_stretch){t, first, rr_chunk_start(n, i + 1, pieces) - first,
                                       before + first};
        }
        before += n;
    }
    *n_stretches = made;
    return RR_OK;
}

/* ---------------------------------------------------------------- packed keys that are codes */

typedef struct direct_job {
    const plan *plan;
    const rr_key_packing *packing;
    uint8_t *misfit; /* by stretch */
} direct_job;

static rr_status write_codes(void *argument, int64_t task, int worker, rr_error *error)
{
    const direct_job *job = argument;
    const rr_stretch *s = &job->plan->stretches[task];
    uint32_t *codes = job->plan->keys.codes[s->table] + s->first;
    rr_key_words packed;

    (void)worker, (void)error;
    for (int64_t at = 0; at < s->n; at += RR_KEY_BLOCK) {
        int64_t n = s->n - at < RR_KEY_BLOCK ? s->n - at : RR_KEY_BLOCK;

        if (!rr_key_pack(job->packing, s->table, s->first + at, n, &packed)) {
            job->misfit[task] = 1;
            break;
        }
        for (int64_t i = 0; i < n; i++) {
            codes[at + i] = packed.missing[i] ? RR_NULL_KEY : (uint32_t)packed.low[i];
        }
    }
    return RR_OK;
}

static rr_status fold_directly(plan *p, const rr_key_packing *packing, const rr_call *call,
                               rr_error *error)
{
    direct_job job = {p, packing, calloc((size_t)p->n_stretches + 1, 1)};
    rr_status status;

    if (job.misfit == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory for keys");
    }
    status = rr_run(write_codes, &job, p->n_stretches, call, error);
    for (int64_t s = 0; s < p->n_stretches; s++) {
        p->misfit |= job.misfit[s];
    }
    free(job.misfit);
    return status;
}

/* ---------------------------------------------------------------- folding */

int64_t rr_key_fit(const rr_field *fields, int64_t n_fields, int *bits)
{
    int64_t c = 0;

    while (c < n_fields && !fields[c].is_long && *bits + fields[c].bits <= RR_KEY_BITS) {
        *bits += fields[c++].bits;
    }
    return c;
}

void rr_key_place(rr_field *fields, int64_t n_fields, int bits)
{
    for (int64_t c = 0; c < n_fields; c++) {
        bits -= fields[c].bits;
        fields[c].shift = bits;
    }
}

/* One more than the greatest packed key can be; 0 where it is no code. */
static uint64_t packed_limit(const plan *p, const rr_key_packing *packing)
{
    const rr_field *f = packing->fields;
    uint64_t heads = p->keys.running;
    int below = packing->bits - rr_bits(heads - 1);

    if (heads == 1) {
        below -= f->bits;
        heads = f->is_text ? UINT64_C(1) << (f->bits & 63) : f->range + 1;
    }
    if (p->keys.dense || packing->bits > 32 || heads << below > LIMIT_MAX) {
        return 0;
    }
    return heads << below;
}

static rr_status fold(plan *p, int64_t first, int64_t *n_folded, const rr_call *call,
                      rr_error *error)
{
    rr_key_packing packing = {.keys = &p->keys, .fields = p->fields + first};
    rr_key_texts texts = {&p->keys, first};
    uint64_t limit;
    rr_status status;

    packing.bits = rr_bits(p->keys.running - 1);
    packing.n_fields = *n_folded = rr_key_fit(p->fields + first, p->keys.n_columns - first,
                                              &packing.bits);
    if (*n_folded == 0) {
        *n_folded = 1;
        status = rr_key_number(&p->keys, NULL, &texts, p->stretches, p->n_stretches, &limit,
                               &p->misfit, call, error);
    } else {
        packing.running_shift = packing.bits - rr_bits(p->keys.running - 1);
        rr_key_place(p->fields + first, packing.n_fields, packing.running_shift);
        packing.running_shift = p->keys.running > 1 ? packing.running_shift : RR_KEY_BITS;
        limit = packed_limit(p, &packing);
        status = limit > 0 ? fold_directly(p, &packing, call, error)
                           : rr_key_number(&p->keys, &packing, NULL, p->stretches, p->n_stretches,
                                           &limit, &p->misfit, call, error);
    }
    if (status == RR_OK && !p->misfit) {
        p->keys.running = limit < 1 ? 1 : (uint32_t)limit;
    }
    return status;
}

/* Whether all columns go into one packed key, so that no running code is lost if a row does not. */
static int fits_at_once(const plan *p)
{
    int bits = 0;

    return rr_key_fit(p->fields, p->keys.n_columns, &bits) == p->keys.n_columns;
}

/* Looks at the columns and folds them all; with a sample, gives up where that is not enough. */
static rr_status fold_all(plan *p, int64_t step, const rr_call *call, rr_error *error)
{
    rr_status status = rr_key_fields(&p->keys, p->stretches, p->n_stretches, step, p->fields, call,
                                     error);
    int64_t first = 0, folded = 0;

    p->misfit = status == RR_OK && step > 1 && !fits_at_once(p);
    p->keys.running = 1;
    while (status == RR_OK && !p->misfit && first < p->keys.n_columns) {
        status = fold(p, first, &folded, call, error);
        first += folded;
    }
    return status;
}

rr_status rr_encode_as(const rr_keys *keys, uint32_t *limit, const rr_call *call, rr_error *error)
{
    plan p = {.keys = *keys};
    int64_t step = rr_key_step(keys);
    rr_status status = rr_key_cut(keys, &p.stretches, &p.n_stretches, call, error);

    p.fields = rr_allocate(keys->n_columns, sizeof *p.fields);
    if (status == RR_OK && p.fields == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "no memory for keys");
    }
    if (status == RR_OK) {
        status = fold_all(&p, step, call, error);
    }
    if (status == RR_OK && p.misfit) {
        status = fold_all(&p, 1, call, error);
    }
    if (status == RR_OK && p.misfit) {
        status = rr_fail(error, RR_ERR_ARGUMENT, "the keys changed while they were read");
    }
    *limit = p.keys.running;
    free(p.stretches);
    free(p.fields);
    return status;
}

rr_status rr_encode(const rr_key_table *tables, int64_t n_tables, int64_t n_columns,
                    uint32_t *const *codes, uint32_t *limit, const rr_call *call, rr_error *error)
{
    rr_keys keys = {.tables = tables,
                    .n_tables = n_tables,
                    .n_columns = n_columns,
                    .codes = codes,
                    .hash_mask = UINT64_MAX,
                    .extract = rr_key_can_extract()};

    return rr_encode_as(&keys, limit, call, error);
}
