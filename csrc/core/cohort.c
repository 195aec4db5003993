/* Index rows come in order of key, day and row, so both rules read them once. Whether a row is the
 * first of its person or of its day is a coin toss that no processor foretells: the sweeps choose
 * between values and do not branch on it. What they write are bytes, which might be anything; the
 * sweeps read from a copy of the parts' fields, which they cannot be. */
#include "parts.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum { PERIOD_BITS = 31 };

/* No word: a key takes 32 bits at most, a day 25. */
#define NO_KEY_DAY UINT64_MAX

/* condition ? yes : no, written so that no compiler makes a branch of it. `condition` is 0 or 1. */
static inline int64_t either(int condition, int64_t yes, int64_t no)
{
    uint64_t mask = (uint64_t)0 - (uint64_t)condition;

    return (int64_t)(((uint64_t)yes & mask) | ((uint64_t)no & ~mask));
}

static int64_t rows_of_part(const rr_parts *parts, int64_t part)
{
    return parts->index.start[part + 1] - parts->index.start[part];
}

/* stays[k]: is the kth row of a part kept? Rows of a part lie far apart in their table. A loop that
 * does nothing but fetch waits for many of them at a time. */
static void fetch_kept(const rr_parts *parts, int64_t part, const uint8_t *kept, uint8_t *stays)
{
    const rr_parts order = *parts;
    const int64_t from = order.index.start[part], n = rows_of_part(parts, part);

    for (int64_t k = 0; k < n; k++) {
        stays[k] = kept == NULL || kept[rr_row_of(&order.index, from + k)] != 0;
    }
}

/* ---------------------------------------------------------------- washout */

/* Adding a span never goes back when the day goes on, so of all earlier days the latest reaches
 * farthest and is the only one to remember: the latest of any row, or of a row that stays. */
static void wash_part(const rr_parts *parts, int64_t part, const rr_bounds *bounds,
                      const uint8_t *stays, int rolling, uint8_t *washed)
{
    const rr_parts order = *parts;
    const rr_bounds spans = *bounds;
    const uint64_t day_mask = (UINT64_C(1) << order.day_bits) - 1;
    const int64_t from = order.index.start[part], n = rows_of_part(parts, part);
    int64_t reach = RR_NULL_DAY; /* of the days before this one */
    int64_t next = RR_NULL_DAY;  /* with this one */
    uint64_t before = NO_KEY_DAY;

    for (int64_t k = 0; k < n; k++) {
        uint64_t key_day = rr_key_day(&order.index, from + k);
        int64_t day = order.origin + (int64_t)(key_day & day_mask), first, own;
        int wash;

        next = either((key_day ^ before) >> order.day_bits != 0, RR_NULL_DAY, next);
        reach = either(key_day != before, next, reach);
        before = key_day;
        wash = stays[k] & (day <= reach);
        washed[rr_row_of(&order.index, from + k)] = (uint8_t)wash;
        rr_bounds_at(&spans, day, &first, &own);
        next = either((!rolling) | (stays[k] & !wash), own, next);
    }
}

typedef struct washing {
    const rr_parts *parts;
    rr_bounds bounds;
    const uint8_t *kept;
    uint8_t *stays; /* by worker, of a part */
    int rolling;
    uint8_t *washed;
} washing;

static rr_status wash(void *job, int64_t part, int worker, rr_error *error)
{
    const washing *w = job;
    uint8_t *stays = w->stays + worker * w->parts->index.largest;

    (void)error;
    fetch_kept(w->parts, part, w->kept, stays);
    wash_part(w->parts, part, &w->bounds, stays, w->rolling, w->washed);
    return RR_OK;
}

rr_status rr_washout(const rr_parts *parts, rr_span span, const uint8_t *kept, int rolling,
                     int64_t n_index, uint8_t *washed, const rr_call *call, rr_error *error)
{
    const rr_window window = {.direction = RR_FORWARD, .length = span};
    washing job = {.parts = parts, .kept = kept, .rolling = rolling, .washed = washed};
    rr_status status = rr_check_lengths(parts, n_index, parts->events->n_table, error);

    if (status != RR_OK) {
        return status;
    }
    status = rr_bounds_make(&window, parts->first_day, parts->last_day, parts->index.n, &job.bounds,
                            error);
    if (status != RR_OK) {
        goto out;
    }
    job.stays = rr_allocate(rr_workers(call, parts->n_parts) * parts->index.largest,
                            sizeof *job.stays);
    if (job.stays == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    memset(washed, 0, (size_t)n_index);
    status = rr_index_in_order(parts, call, error);
    if (status == RR_OK) {
        status = rr_run(wash, &job, parts->n_parts, call, error);
    }
    rr_parts_done(parts);
out:
    free(job.stays);
    rr_bounds_free(&job.bounds);
    return status;
}

/* ---------------------------------------------------------------- select */

enum { FEW_PERIODS = UINT16_MAX, NOT_KEPT = UINT16_MAX };

/* What a selection reads, and what it remembers. The shorter the codes that have to be fetched from
 * all over the table, the more of them a cache holds: few periods are written out in two bytes,
 * together with which rows left the cohort, and a table tells for each period who had it last. Of
 * many periods the rows of a part are sorted by person and period. */
typedef struct selection {
    const rr_parts *parts;
    const uint8_t *kept;
    const int32_t *period;
    uint8_t *chosen;
    int last;
    uint16_t *code; /* by row; only with few periods */
} selection;

/* What a worker remembers of the part that it is at. */
typedef struct memory {
    int64_t room;    /* rows of the largest part, as `stays` and `codes` have */
    uint8_t *stays;  /* not with few periods */
    uint16_t *codes; /* as the next, only with few periods */
    int64_t *seen;   /* by period: the run of rows of one key that had it last, from 1 */
    uint64_t *words; /* 2 * room, as `rows`; only with many periods */
    uint64_t *rows;
} memory;

/* Rows are met from the first on or from the last on: what is met first is what is chosen. */
static int64_t place_met(int64_t nth, int64_t n, int last)
{
    return last ? n - 1 - nth : nth;
}

static void select_one(const selection *s, const memory *m, int64_t part)
{
    const rr_parts *parts = s->parts;
    uint8_t *chosen = s->chosen;
    const rr_parts order = *parts;
    const uint8_t *stays = m->stays;
    const int64_t from = order.index.start[part], n = rows_of_part(parts, part);
    const int last = s->last;
    uint64_t served = NO_KEY_DAY;

    fetch_kept(parts, part, s->kept, m->stays);
    for (int64_t nth = 0; nth < n; nth++) {
        int64_t k = place_met(nth, n, last);
        uint64_t key = rr_key_day(&order.index, from + k) >> order.day_bits;

        chosen[rr_row_of(&order.index, from + k)] = (uint8_t)(stays[k] & (key != served));
        served = (uint64_t)either(stays[k], (int64_t)key, (int64_t)served);
    }
}

static void select_by_table(const selection *s, const memory *m, int64_t part)
{
    const rr_parts *parts = s->parts;
    uint8_t *chosen = s->chosen;
    const rr_parts order = *parts;
    const int64_t from = order.index.start[part], n = rows_of_part(parts, part);
    const int last = s->last;
    uint16_t *codes = m->codes;
    int64_t *seen = m->seen, run = 0;
    uint64_t before = NO_KEY_DAY;

    for (int64_t k = 0; k < n; k++) {
        codes[k] = s->code[rr_row_of(&order.index, from + k)];
    }
    for (int64_t nth = 0; nth < n; nth++) {
        int64_t k = place_met(nth, n, last);
        uint64_t key = rr_key_day(&order.index, from + k) >> order.day_bits;
        uint16_t code = codes[k];

        run = either(key != before, from + k + 1, run);
        before = key;
        chosen[rr_row_of(&order.index, from + k)] = (uint8_t)((code != NOT_KEPT) &
                                                              (seen[code] != run));
        seen[code] = run;
    }
}

static void select_by_order(const selection *s, const memory *m, int64_t part)
{
    const rr_parts *parts = s->parts;
    uint8_t *chosen = s->chosen;
    const rr_side *index = &parts->index;
    const int64_t from = index->start[part], n = rows_of_part(parts, part);
    int64_t kept = 0;
    uint64_t bits = 0, before = NO_KEY_DAY;

    fetch_kept(parts, part, s->kept, m->stays);
    for (int64_t nth = 0; nth < n; nth++) {
        int64_t k = place_met(nth, n, s->last), row = rr_row_of(index, from + k);
        uint64_t key = rr_key_day(index, from + k) >> parts->day_bits;

        m->words[kept] = key << PERIOD_BITS | (uint64_t)s->period[row];
        m->rows[kept] = (uint64_t)row;
        bits |= m->words[kept];
        kept += m->stays[k];
    }
    rr_sort_words(m->words, m->rows, m->words + m->room, m->rows + m->room, kept, 0, rr_bits(bits));
    for (int64_t k = 0; k < kept; k++) {
        chosen[m->rows[k]] = m->words[k] != before;
        before = m->words[k];
    }
}

/* Codes of the periods in two bytes, where they are few. */
static rr_status shorten_periods(selection *s, int64_t n_index, rr_error *error)
{
    int32_t largest = 0;

    for (int64_t i = 0; s->period != NULL && i < n_index; i++) {
        if (s->period[i] < 0) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "a period must not be negative");
        }
        largest = s->period[i] > largest ? s->period[i] : largest;
    }
    if (s->period == NULL || largest >= FEW_PERIODS) {
        return RR_OK;
    }
    s->code = rr_allocate(n_index, sizeof *s->code);
    if (s->code == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    for (int64_t i = 0; i < n_index; i++) {
        s->code[i] = s->kept == NULL || s->kept[i] ? (uint16_t)s->period[i] : NOT_KEPT;
    }
    return RR_OK;
}

static int open_memory(memory *m, const selection *s)
{
    m->room = s->parts->index.largest;
    if (s->code != NULL) {
        m->codes = rr_allocate(m->room, sizeof *m->codes);
        m->seen = calloc((size_t)NOT_KEPT + 1, sizeof *m->seen);
        return m->codes != NULL && m->seen != NULL;
    }
    m->stays = rr_allocate(m->room, sizeof *m->stays);
    if (s->period != NULL) {
        m->words = rr_allocate(2 * m->room, sizeof *m->words);
        m->rows = rr_allocate(2 * m->room, sizeof *m->rows);
    }
    return m->stays != NULL && (s->period == NULL || (m->words != NULL && m->rows != NULL));
}

static void close_memory(memory *m)
{
    free(m->stays);
    free(m->codes);
    free(m->seen);
    free(m->words);
    free(m->rows);
}

typedef struct selecting {
    const selection *selection;
    memory *memories; /* by worker */
} selecting;

static rr_status select_part(void *job, int64_t part, int worker, rr_error *error)
{
    const selecting *own = job;
    const selection *s = own->selection;
    const memory *m = &own->memories[worker];

    (void)error;
    if (s->period == NULL) {
        select_one(s, m, part);
    } else if (s->code != NULL) {
        select_by_table(s, m, part);
    } else {
        select_by_order(s, m, part);
    }
    return RR_OK;
}

rr_status rr_select(const rr_parts *parts, const uint8_t *kept, const int32_t *period, int last,
                    int64_t n_index, uint8_t *chosen, const rr_call *call, rr_error *error)
{
    selection s = {.parts = parts, .kept = kept, .period = period, .chosen = chosen, .last = last};
    selecting job = {.selection = &s};
    int workers = rr_workers(call, parts->n_parts);
    rr_status status = rr_check_lengths(parts, n_index, parts->events->n_table, error);

    if (status != RR_OK) {
        return status;
    }
    status = shorten_periods(&s, n_index, error);
    if (status != RR_OK) {
        goto out;
    }
    job.memories = calloc((size_t)workers, sizeof *job.memories);
    for (int i = 0; i < workers && status == RR_OK; i++) {
        if (job.memories == NULL || !open_memory(&job.memories[i], &s)) {
            status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        }
    }
    if (status != RR_OK) {
        goto out;
    }
    memset(chosen, 0, (size_t)n_index);
    status = rr_index_in_order(parts, call, error);
    if (status == RR_OK) {
        status = rr_run(select_part, &job, parts->n_parts, call, error);
    }
    rr_parts_done(parts);
out:
    for (int i = 0; job.memories != NULL && i < workers; i++) {
        close_memory(&job.memories[i]);
    }
    free(job.memories);
    free(s.code);
    return status;
}
