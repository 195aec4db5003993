/* Index rows come in order of key, day and row, so both rules read them once. Whether a row is the
 * first of its person or of its day is a coin toss that no processor foretells: the sweeps choose
 * between values and do not branch on it. What they write are bytes, which might be anything; the
 * sweeps read from a copy of the parts' fields, which they cannot be. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { POLL_ROWS = 1 << 20, PERIOD_BITS = 31 };

/* No word: a key takes 32 bits at most, a day 25. */
#define NO_KEY_DAY UINT64_MAX

/* condition ? yes : no, written so that no compiler makes a branch of it. `condition` is 0 or 1. */
static inline int64_t either(int condition, int64_t yes, int64_t no)
{
    uint64_t mask = (uint64_t)0 - (uint64_t)condition;

    return (int64_t)(((uint64_t)yes & mask) | ((uint64_t)no & ~mask));
}

/* Non-zero when it is time to ask and the call says stop. */
static int stopped_after(int64_t rows, int64_t *since_poll, int64_t part, const rr_parts *parts,
                         const rr_call *call)
{
    *since_poll += rows;
    if (*since_poll < POLL_ROWS) {
        return 0;
    }
    *since_poll = 0;
    return rr_stopped(call, part, parts->n_parts);
}

static int64_t rows_of_part(const rr_parts *parts, int64_t part)
{
    return parts->index.start[part + 1] - parts->index.start[part];
}

static int64_t largest_part(const rr_parts *parts)
{
    int64_t largest = 0;

    for (int64_t p = 0; p < parts->n_parts; p++) {
        int64_t n = rows_of_part(parts, p);

        largest = n > largest ? n : largest;
    }
    return largest;
}

/* stays[k]: is the kth row of a part kept? Rows of a part lie far apart in their table. A loop that
 * does nothing but fetch waits for many of them at a time. */
static void fetch_kept(const rr_parts *parts, int64_t part, const uint8_t *kept, uint8_t *stays)
{
    const rr_parts order = *parts;
    const int64_t from = order.index.start[part], n = rows_of_part(parts, part);

    for (int64_t k = 0; k < n; k++) {
        stays[k] = kept == NULL || kept[rr_row_of(&order, &order.index, from + k)] != 0;
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
        uint64_t key_day = rr_key_day(&order, &order.index, from + k);
        int64_t day = order.first_day + (int64_t)(key_day & day_mask), first, own;
        int wash;

        next = either((key_day ^ before) >> order.day_bits != 0, RR_NULL_DAY, next);
        reach = either(key_day != before, next, reach);
        before = key_day;
        wash = stays[k] & (day <= reach);
        washed[rr_row_of(&order, &order.index, from + k)] = (uint8_t)wash;
        rr_bounds_at(&spans, day, &first, &own);
        next = either((!rolling) | (stays[k] & !wash), own, next);
    }
}

rr_status rr_washout(const rr_parts *parts, rr_span span, const uint8_t *kept, int rolling,
                     int64_t n_index, uint8_t *washed, const rr_call *call, rr_error *error)
{
    const rr_window window = {.direction = RR_FORWARD, .length = span};
    uint8_t *stays = NULL;
    int64_t since_poll = 0;
    rr_bounds bounds;
    rr_status status = rr_check_lengths(parts, n_index, parts->events.n_table, error);

    if (status != RR_OK) {
        return status;
    }
    status = rr_bounds_make(&window, parts->first_day, parts->last_day, parts->index.n, &bounds,
                            error);
    if (status != RR_OK) {
        goto out;
    }
    stays = rr_allocate(largest_part(parts), sizeof *stays);
    if (stays == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    memset(washed, 0, (size_t)n_index);
    for (int64_t p = 0; p < parts->n_parts; p++) {
        if (stopped_after(rows_of_part(parts, p), &since_poll, p, parts, call)) {
            status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
            goto out;
        }
        fetch_kept(parts, p, kept, stays);
        wash_part(parts, p, &bounds, stays, rolling, washed);
    }
out:
    free(stays);
    rr_bounds_free(&bounds);
    return status;
}

/* ---------------------------------------------------------------- select */

enum { FEW_PERIODS = UINT16_MAX, NOT_KEPT = UINT16_MAX };

/* What a selection reads, and what it remembers. The shorter the codes that have to be fetched from
 * all over the table, the more of them a cache holds: few periods are written out in two bytes,
 * together with which rows left the cohort, and a table tells for each period who had it last. Of
 * many periods the rows of a part are sorted by person and period. */
typedef struct selection {
    const uint8_t *kept;
    const int32_t *period;
    int last;
    int64_t room;    /* rows of the largest part, as `stays` and `codes` have */
    uint8_t *stays;  /* of a part; not with few periods */
    uint16_t *code;  /* by row; as the next two, only with few periods */
    uint16_t *codes; /* of a part */
    int64_t *seen;   /* by period: the run of rows of one key that had it last, from 1 */
    uint64_t *words; /* 2 * room, as `rows`; only with many periods */
    uint64_t *rows;
} selection;

/* Rows are met from the first on or from the last on: what is met first is what is chosen. */
static int64_t place_met(int64_t nth, int64_t n, int last)
{
    return last ? n - 1 - nth : nth;
}

static void select_one(const rr_parts *parts, int64_t part, const selection *s, uint8_t *chosen)
{
    const rr_parts order = *parts;
    const uint8_t *stays = s->stays;
    const int64_t from = order.index.start[part], n = rows_of_part(parts, part);
    const int last = s->last;
    uint64_t served = NO_KEY_DAY;

    fetch_kept(parts, part, s->kept, s->stays);
    for (int64_t nth = 0; nth < n; nth++) {
        int64_t k = place_met(nth, n, last);
        uint64_t key = rr_key_day(&order, &order.index, from + k) >> order.day_bits;

        chosen[rr_row_of(&order, &order.index, from + k)] = (uint8_t)(stays[k] & (key != served));
        served = (uint64_t)either(stays[k], (int64_t)key, (int64_t)served);
    }
}

static void select_by_table(const rr_parts *parts, int64_t part, const selection *s,
                            uint8_t *chosen)
{
    const rr_parts order = *parts;
    const int64_t from = order.index.start[part], n = rows_of_part(parts, part);
    const int last = s->last;
    uint16_t *codes = s->codes;
    int64_t *seen = s->seen, run = 0;
    uint64_t before = NO_KEY_DAY;

    for (int64_t k = 0; k < n; k++) {
        codes[k] = s->code[rr_row_of(&order, &order.index, from + k)];
    }
    for (int64_t nth = 0; nth < n; nth++) {
        int64_t k = place_met(nth, n, last);
        uint64_t key = rr_key_day(&order, &order.index, from + k) >> order.day_bits;
        uint16_t code = codes[k];

        run = either(key != before, from + k + 1, run);
        before = key;
        chosen[rr_row_of(&order, &order.index, from + k)] = (uint8_t)((code != NOT_KEPT) &
                                                                      (seen[code] != run));
        seen[code] = run;
    }
}

static void select_by_order(const rr_parts *parts, int64_t part, const selection *s,
                            uint8_t *chosen)
{
    const rr_side *index = &parts->index;
    const int64_t from = index->start[part], n = rows_of_part(parts, part);
    int64_t kept = 0;
    uint64_t bits = 0, before = NO_KEY_DAY;

    fetch_kept(parts, part, s->kept, s->stays);
    for (int64_t nth = 0; nth < n; nth++) {
        int64_t k = place_met(nth, n, s->last), row = rr_row_of(parts, index, from + k);
        uint64_t key = rr_key_day(parts, index, from + k) >> parts->day_bits;

        s->words[kept] = key << PERIOD_BITS | (uint64_t)s->period[row];
        s->rows[kept] = (uint64_t)row;
        bits |= s->words[kept];
        kept += s->stays[k];
    }
    rr_sort_words(s->words, s->rows, s->words + s->room, s->rows + s->room, kept, 0, rr_bits(bits));
    for (int64_t k = 0; k < kept; k++) {
        chosen[s->rows[k]] = s->words[k] != before;
        before = s->words[k];
    }
}

static int open_few(selection *s, int64_t n_index)
{
    s->code = rr_allocate(n_index, sizeof *s->code);
    s->codes = rr_allocate(s->room, sizeof *s->codes);
    s->seen = calloc((size_t)NOT_KEPT + 1, sizeof *s->seen);
    if (s->code == NULL || s->codes == NULL || s->seen == NULL) {
        return 0;
    }
    for (int64_t i = 0; i < n_index; i++) {
        s->code[i] = s->kept == NULL || s->kept[i] ? (uint16_t)s->period[i] : NOT_KEPT;
    }
    return 1;
}

static int open_many(selection *s)
{
    s->stays = rr_allocate(s->room, sizeof *s->stays);
    s->words = rr_allocate(2 * s->room, sizeof *s->words);
    s->rows = rr_allocate(2 * s->room, sizeof *s->rows);
    return s->stays != NULL && s->words != NULL && s->rows != NULL;
}

static rr_status open_selection(const rr_parts *parts, selection *s, int64_t n_index,
                                rr_error *error)
{
    int32_t largest = 0;
    int opened;

    s->room = largest_part(parts);
    for (int64_t i = 0; s->period != NULL && i < n_index; i++) {
        if (s->period[i] < 0) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "a period must not be negative");
        }
        largest = s->period[i] > largest ? s->period[i] : largest;
    }
    if (s->period == NULL) {
        s->stays = rr_allocate(s->room, sizeof *s->stays);
        opened = s->stays != NULL;
    } else {
        opened = largest < FEW_PERIODS ? open_few(s, n_index) : open_many(s);
    }
    return opened ? RR_OK : rr_fail(error, RR_ERR_MEMORY, "out of memory");
}

static void close_selection(selection *s)
{
    free(s->stays);
    free(s->code);
    free(s->codes);
    free(s->seen);
    free(s->words);
    free(s->rows);
}

rr_status rr_select(const rr_parts *parts, const uint8_t *kept, const int32_t *period, int last,
                    int64_t n_index, uint8_t *chosen, const rr_call *call, rr_error *error)
{
    selection s = {.kept = kept, .period = period, .last = last};
    int64_t since_poll = 0;
    rr_status status = rr_check_lengths(parts, n_index, parts->events.n_table, error);

    if (status != RR_OK) {
        return status;
    }
    status = open_selection(parts, &s, n_index, error);
    if (status != RR_OK) {
        goto out;
    }
    memset(chosen, 0, (size_t)n_index);
    for (int64_t p = 0; p < parts->n_parts; p++) {
        if (stopped_after(rows_of_part(parts, p), &since_poll, p, parts, call)) {
            status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
            goto out;
        }
        if (s.period == NULL) {
            select_one(parts, p, &s, chosen);
        } else if (s.code != NULL) {
            select_by_table(parts, p, &s, chosen);
        } else {
            select_by_order(parts, p, &s, chosen);
        }
    }
out:
    close_selection(&s);
    return status;
}
