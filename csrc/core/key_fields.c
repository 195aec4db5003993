/* What varies in key columns, and so must be in a packed key (key_pack.c): learned from the values, the
 * bits that are not the same in all of them. Of an identifier most bits say nothing: "P" and eleven
 * digits vary in 44 of their 96. Since packing tells a value that does not fit, text may be surveyed by
 * a sample, and a pass over all of it is saved (of four). */
#include "keys.h"
#include "short_text.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

/* A parallel suffix over the mask: bit i of `move` k says that the bit has an odd 2^k in the number of
 * gaps below it (H. S. Warren, Hacker's Delight, 2nd edition, section 7-4). Moves of nothing, as of
 * digits, whose gaps are half bytes, are left out. */
static rr_gather gather_of(uint64_t mask)
{
    rr_gather g = {.mask = mask};
    uint64_t left = mask, gaps = ~mask << 1;

    for (int i = 0; i < 6; i++) {
        uint64_t odd = gaps, move;

        for (int by = 1; by < 64; by *= 2) {
            odd ^= odd << by;
        }
        move = odd & left;
        left = (left ^ move) | move >> (1 << i);
        gaps &= ~odd;
        if (move != 0) {
            g.move[g.n_moves] = move;
            g.shift[g.n_moves++] = 1 << i;
        }
    }
    return g;
}

static int count_bits(uint64_t word)
{
    int n = 0;

    for (; word != 0; word &= word - 1) {
        n++;
    }
    return n;
}

/* What the values of a column have in common. */
typedef struct survey {
    int64_t least, greatest;   /* integers, or lengths */
    uint64_t any[2], every[2]; /* bits that a text has, and that all have; of those not too long */
} survey;

typedef struct survey_job {
    const rr_keys *keys;
    const rr_stretch *stretches;
    int64_t step;
    survey *surveys; /* by stretch, then column */
} survey_job;

static const survey NOTHING = {INT64_MAX, INT64_MIN, {0, 0}, {UINT64_MAX, UINT64_MAX}};

static rr_status fail_value(rr_error *error, int64_t row, int64_t column, const char *message)
{
    rr_status status = rr_fail_row(error, RR_ERR_ARGUMENT, row, message);

    if (error != NULL) {
        error->column = column;
    }
    return status;
}

static void survey_integers(const rr_keys *keys, const rr_stretch *s, int64_t column, survey *found)
{
    const rr_key_column *c = &keys->tables[s->table].columns[column];
    int64_t room[RR_KEY_BLOCK];

    for (int64_t at = 0; at < s->n; at += RR_KEY_BLOCK) {
        int64_t n = s->n - at < RR_KEY_BLOCK ? s->n - at : RR_KEY_BLOCK;
        const int64_t *values = rr_key_integers(c, s->first + at, n, room);
        int64_t least = found->least, greatest = found->greatest;

        if (c->valid == NULL && c->kind != RR_KEY_CODES) {
            for (int64_t i = 0; i < n; i++) {
                least = values[i] < least ? values[i] : least;
                greatest = values[i] > greatest ? values[i] : greatest;
            }
        } else {
            uint8_t missing[RR_KEY_BLOCK] = {0};

            rr_key_missing(keys, s->table, column, s->first + at, n, missing);
            for (int64_t i = 0; i < n; i++) {
                least = !missing[i] && values[i] < least ? values[i] : least;
                greatest = !missing[i] && values[i] > greatest ? values[i] : greatest;
            }
        }
        found->least = least;
        found->greatest = greatest;
    }
}

/* Codes that stand for others: looking at the meanings is less than looking at the rows. */
static rr_status survey_codes(const rr_keys *keys, const rr_stretch *s, int64_t column,
                              int64_t step, survey *found, rr_error *error)
{
    const rr_key_column *c = &keys->tables[s->table].columns[column];

    for (int64_t i = s->first; step == 1 && i < s->first + s->n; i++) {
        int32_t room[1];

        if (*rr_key_narrow_integers(c, i, 1, room) >= c->n_meanings) {
            return fail_value(error, i, column, "a code has no meaning");
        }
    }
    for (int64_t i = 0; s->first == 0 && i < c->n_meanings; i++) {
        int64_t meaning = c->meanings[i];

        found->least = meaning < found->least ? meaning : found->least;
        found->greatest = meaning > found->greatest ? meaning : found->greatest;
    }
    return RR_OK;
}

static rr_status survey_texts(const rr_keys *keys, const rr_stretch *s, int64_t column,
                              int64_t step, survey *found, rr_error *error)
{
    const rr_key_column *c = &keys->tables[s->table].columns[column];

    for (int64_t i = s->first; i < s->first + s->n; i += step) {
        rr_key_block block;
        int64_t from, length;

        if (!rr_key_texts_at(c, i, 1, &block)) {
            return fail_value(error, i, column, "text of fixed width must be ASCII");
        }
        from = block.from[0];
        if (from < 0 || block.to[0] < from || block.to[0] > block.n_data) {
            return fail_value(error, i, column, "text offsets are not in order or leave the data");
        }
        if (c->valid != NULL && !c->valid[i]) {
            continue;
        }
        length = block.to[0] - from;
        found->least = length < found->least ? length : found->least;
        found->greatest = length > found->greatest ? length : found->greatest;
        if (length <= RR_SHORT_TEXT) {
            uint64_t word[2], own[2];

            rr_copy_words(block.data + from, (uint64_t)length, word);
            rr_own_bits((uint64_t)length, own);
            for (int w = 0; w < 2; w++) {
                found->any[w] |= word[w];
                found->every[w] &= word[w] | ~own[w];
            }
        }
    }
    return RR_OK;
}

static int is_text(const rr_key_column *column)
{
    return column->kind == RR_KEY_TEXT;
}

static rr_status survey_stretch(void *job, int64_t task, int worker, rr_error *error)
{
    const survey_job *j = job;
    const rr_stretch *s = &j->stretches[task];
    rr_status status = RR_OK;

    (void)worker;
    for (int64_t c = 0; c < j->keys->n_columns && status == RR_OK; c++) {
        const rr_key_column *column = &j->keys->tables[s->table].columns[c];
        survey *found = &j->surveys[task * j->keys->n_columns + c];

        *found = NOTHING;
        if (is_text(column)) {
            status = survey_texts(j->keys, s, c, j->step, found, error);
        } else if (column->meanings != NULL) {
            status = survey_codes(j->keys, s, c, j->step, found, error);
        } else {
            survey_integers(j->keys, s, c, found);
        }
    }
    return status;
}

rr_status rr_key_check_row(const rr_keys *keys, int64_t table, int64_t row, rr_error *error)
{
    const rr_stretch one = {.table = table, .first = row, .n = 1};

    for (int64_t c = 0; c < keys->n_columns; c++) {
        const rr_key_column *column = &keys->tables[table].columns[c];
        survey found = NOTHING;
        rr_status status = RR_OK;

        if (is_text(column)) {
            status = survey_texts(keys, &one, c, 1, &found, error);
        } else if (column->meanings != NULL) {
            status = survey_codes(keys, &one, c, 1, &found, error);
        }
        if (status != RR_OK) {
            return status;
        }
    }
    return RR_OK;
}

static rr_field field_of(const survey *found, int64_t column, int text)
{
    rr_field f = {.column = column, .is_text = text};

    if (found->greatest < found->least) { /* no value at all */
        f.least = 0;
        return f;
    }
    f.least = (uint64_t)found->least;
    f.range = (uint64_t)found->greatest - (uint64_t)found->least;
    f.bits = rr_bits(f.range);
    if (text) {
        f.is_long = found->greatest > RR_SHORT_TEXT;
        for (int w = 0; w < 2; w++) {
            uint64_t varying = found->any[w] & ~found->every[w];

            f.constant[w] = found->any[w] & found->every[w];
            f.gather[w] = gather_of(varying);
            f.gathered[w] = count_bits(varying);
            f.bits += f.gathered[w];
        }
    }
    return f;
}

rr_status rr_key_fields(const rr_keys *keys, const rr_stretch *stretches, int64_t n_stretches,
                        int64_t step, rr_field *fields, const rr_call *call, rr_error *error)
{
    int64_t n = keys->n_columns;
    survey_job job = {keys, stretches, step, NULL};
    rr_status status;

    job.surveys = n_stretches > INT64_MAX / (n + 1)
                      ? NULL
                      : rr_allocate(n_stretches * n, sizeof *job.surveys);
    if (job.surveys == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory to look at the keys");
    }
    status = rr_run(survey_stretch, &job, n_stretches, call, error);
    for (int64_t c = 0; c < n && status == RR_OK; c++) {
        survey sum = NOTHING;

        for (int64_t s = 0; s < n_stretches; s++) {
            const survey *one = &job.surveys[s * n + c];

            sum.least = one->least < sum.least ? one->least : sum.least;
            sum.greatest = one->greatest > sum.greatest ? one->greatest : sum.greatest;
            for (int w = 0; w < 2; w++) {
                sum.any[w] |= one->any[w];
                sum.every[w] &= one->every[w];
            }
        }
        fields[c] = field_of(&sum, c, is_text(&keys->tables[0].columns[c]));
    }
    free(job.surveys);
    return status;
}
