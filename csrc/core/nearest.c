/* The nearest or the farthest event in a window, for rules that ask no more: most links.
 *
 * No part is sorted: its events go into buckets (buckets.h), and each index row, in the order in which
 * it lies, looks into its own. For the farthest day, or the last row of a day, those bits of the words
 * are turned over before they go into the buckets.
 *
 * Rows of a part lie all over the table. Answers that are written to their rows at once cost as much as
 * finding them, because each takes two cache lines of its own from memory and back. So they are put
 * where their words lay when they were dealt, chunk by chunk, in the memory that event_row will fill,
 * and each chunk's answers are taken to their rows when all are there, first in scratch memory, from
 * which event_row and gap_days are written in order: all steps stay in L2. Which rows are to be used,
 * and whether the nearest event lies beyond a row's own last day, is asked then, when rows come one
 * after another.
 *
 * Rows are looked up in batches of three loops: what they ask, the least difference in their buckets,
 * and the answers. The first and the last become vector code.
 *
 * With 10 million events and 5 million index rows, on one thread: 0.03 s for the buckets, 0.02 s for the
 * search, 0.01 s to take the answers to their rows (0.06 s when they are written at once). A row's
 * answer is worked out without a branch, which is worth 0.02 s; AVX-512 is worth 0.01 s more. Batches
 * and the scratch memory took the whole from 0.087 to 0.067 s, memory included. Fetching the buckets
 * of later rows beforehand gained 3 % without batches and nothing with them; half as many buckets,
 * nothing. Dealing takes 0.06 s before; sorting both sides and sweeping them 0.39 s. Looking index rows
 * up in one table of all events, in no parts, takes 15 ns a row for the cache miss alone, however far
 * ahead it is fetched: as much as dealing and searching them. */
#include "nearest.h"

#include "buckets.h"
#include "threads.h"
#include "unsorted.h"

#include <stdlib.h>
#include <string.h>

typedef struct search {
    const rr_parts *parts;
    const rr_rule *rule;
    const rr_matches *matches;
    rr_asking asking; /* what rows ask */
    uint64_t turn;    /* bits of a word that are turned over */
    uint64_t day_mask;
    uint64_t row_mask;
    int row_bits; /* of a word of an event */
    int index_row_bits;
    int by_row; /* whether rows are asked for anchors or bounds of their own */
    /* by row, the bound at the far end of its window, where it is asked when answers have waited; NULL */
    const int64_t *far;
    rr_day_reader index_days;
    rr_buckets *buckets;    /* by worker */
    uint64_t *answers;      /* where words were dealt; NULL: they go to their rows at once */
    uint64_t *answers_room; /* memory of that, unless it is event_row's */
    uint64_t **settled;     /* by worker: the answers of a chunk, by row */
    int64_t *places;        /* by worker, then chunk: where the next answer waits */
} search;

enum { BATCH = 64 };

int rr_nearest_will_do(const rr_parts *parts, const rr_rule *rule, const rr_matches *matches)
{
    return rr_unsorted_will_do(parts, rule) && matches->count == NULL && matches->vetoed == NULL &&
           (rule->take == 1 || rule->take == RR_TAKE_LAST);
}

/* Rules that say something of single rows. A row that is not used admits no day. */
static rr_question ask(const search *s, int64_t row, int64_t day)
{
    const rr_rule *rule = s->rule;

    if (s->answers == NULL && rule->use != NULL && !rule->use[row]) {
        return (rr_question){day, RR_NO_DAYS};
    }
    if (!s->by_row) {
        return (rr_question){day, rr_days_asked(&s->asking, (uint64_t)day)};
    }
    return rr_question_of(&s->asking, row, day);
}

/* ---------------------------------------------------------------- answers
 *
 * An answer is the event's row and, above it, the gap; or all ones, for none. */

/* The row of an index word. */
static inline int64_t row_of(const search *s, uint64_t word)
{
    return (int64_t)(word & ((UINT64_C(1) << s->index_row_bits) - 1));
}

/* The answer of a turned word that lies `found` from base, if that is below the limit. */
static inline uint64_t answer_of(const search *s, uint64_t base, uint64_t found, uint64_t limit,
                                 int64_t anchor)
{
    const uint64_t none = -(uint64_t)(found >= limit), word = (found + base) ^ s->turn;
    const int64_t gap = (int64_t)(word >> s->row_bits & s->day_mask) - anchor;

    return (uint64_t)(gap < 0 ? -gap : gap) << s->row_bits | (word & s->row_mask) | none;
}

static uint64_t answer_with_rules(const search *s, const rr_buckets *all, uint64_t word)
{
    const int row_bits = s->row_bits;
    const int64_t row = row_of(s, word), self = rr_self_of(s->rule, row);
    const uint64_t key_day = word >> s->index_row_bits;
    const rr_question q = ask(s, row, (int64_t)(key_day & s->day_mask));
    const uint64_t base = ((key_day & ~s->day_mask) | rr_first_of(q.days)) << row_bits;
    const uint64_t limit = rr_n_of(q.days) << row_bits;
    const uint64_t bucket = key_day >> all->shift;
    uint64_t found = q.days == RR_NO_DAYS ? RR_NO_WORD
                                          : rr_look(all, bucket, base, RR_LOOK_ANYWHERE);

    if (found < limit && self >= 0 && (int64_t)(((found + base) ^ s->turn) & s->row_mask) == self) {
        found = rr_look_past(all, bucket, base, found);
    }
    return answer_of(s, base, found, limit, q.anchor);
}

static inline void write_answer(const search *s, int64_t row, uint64_t answer)
{
    const int64_t none = -(int64_t)(answer == UINT64_MAX);

    if (s->matches->event_row != NULL) {
        s->matches->event_row[row] = (int64_t)(answer & s->row_mask) | none;
    }
    if (s->matches->gap_days != NULL) {
        s->matches->gap_days[row] = (int32_t)((int64_t)(answer >> s->row_bits) | none);
    }
}

/* ---------------------------------------------------------------- the search */

/* Puts away the answers of n words that lie together; `places` as rr_let_wait has them. */
static inline void put_answers(const search *s, const uint64_t *words, int64_t n,
                               const uint64_t *answers, int64_t *places)
{
    if (s->answers != NULL) {
        rr_let_wait(s->parts, words, n, answers, places, s->answers);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        write_answer(s, row_of(s, words[i]), answers[i]);
    }
}

/* Where a row found itself, what it finds beside. */
static inline void look_past_self(const search *s, const rr_buckets *all, const uint64_t *words,
                                  int64_t n, const uint64_t *bucket, const uint64_t *base,
                                  const uint64_t *limit, uint64_t *found)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t word = (found[i] + base[i]) ^ s->turn;

        if ((int64_t)(word & s->row_mask) == row_of(s, words[i]) && found[i] < limit[i]) {
            found[i] = rr_look_past(all, bucket[i], base[i], found[i]);
        }
    }
}

/* Answers for up to BATCH index words by the window alone. */
RR_INLINE void answer_batch(const search *s, const rr_buckets *all, const uint64_t *words,
                            int64_t n, rr_look_kind kind, uint64_t *answers)
{
    uint64_t bucket[BATCH], base[BATCH], limit[BATCH], found[BATCH];

    for (int64_t i = 0; i < n; i++) {
        const uint64_t key_day = words[i] >> s->index_row_bits;
        const rr_span_days days = rr_days_asked(&s->asking, key_day & s->day_mask);

        bucket[i] = key_day >> all->shift;
        base[i] = ((key_day & ~s->day_mask) | rr_first_of(days)) << s->row_bits;
        limit[i] = rr_n_of(days) << s->row_bits;
    }
    for (int64_t i = 0; i < n; i++) {
        found[i] = rr_look(all, bucket[i], base[i], kind);
    }
    if (s->rule->same_table) {
        look_past_self(s, all, words, n, bucket, base, limit, found);
    }
    for (int64_t i = 0; i < n; i++) {
        const uint64_t day = words[i] >> s->index_row_bits & s->day_mask;

        answers[i] = answer_of(s, base[i], found[i], limit[i], (int64_t)day);
    }
}

RR_INLINE void search_piece(const search *s, const rr_buckets *all, const rr_piece *piece,
                            int plain, rr_look_kind kind, int64_t *places)
{
    for (int64_t from = 0; from < piece->n; from += BATCH) {
        const int64_t n = piece->n - from < BATCH ? piece->n - from : BATCH;
        const uint64_t *words = piece->words + from;
        uint64_t answers[BATCH];

        if (plain) {
            answer_batch(s, all, words, n, kind, answers);
        } else {
            for (int64_t i = 0; i < n; i++) {
                answers[i] = answer_with_rules(s, all, words[i]);
            }
        }
        put_answers(s, words, n, answers, places);
    }
}

/* The search and the buckets are copied, so that the compiler knows that no answer changes them. */
RR_INLINE void search_pieces(const search *job, int64_t part, int worker, int plain,
                             rr_look_kind kind)
{
    const search s = *job;
    const rr_side *index = &s.parts->index;
    int64_t *places = s.answers != NULL ? s.places + worker * index->n_chunks : NULL;
    rr_buckets all;

    rr_buckets_fill(s.parts, part, s.turn, &s.buckets[worker]);
    all = s.buckets[worker];
    for (int64_t p = 0; p < rr_n_pieces(index); p++) {
        const rr_piece piece = rr_piece_of(index, s.parts->n_parts, part, p);

        if (s.answers != NULL) {
            rr_waiting_places(s.parts, part, p, places);
        }
        rr_fetch_piece(index, s.parts->n_parts, part, p);
        search_piece(&s, &all, &piece, plain, kind, places);
    }
}

static rr_status search_plainly(void *job, int64_t part, int worker, rr_error *error)
{
    (void)error;
    search_pieces(job, part, worker, 1, RR_LOOK_ANYWHERE);
    return RR_OK;
}

static rr_status search_with_rules(void *job, int64_t part, int worker, rr_error *error)
{
    (void)error;
    search_pieces(job, part, worker, 0, RR_LOOK_ANYWHERE);
    return RR_OK;
}

#if RR_X86_64
__attribute__((target("avx512f"))) static rr_status search_by_avx512(void *job, int64_t part,
                                                                     int worker, rr_error *error)
{
    (void)error;
    search_pieces(job, part, worker, 1, RR_LOOK_AVX512);
    return RR_OK;
}
#endif

/* The answers of rows that lie one after another. The highest bit of one is set where there is none, and
 * only there. */
static void write_answers(const search *s, int64_t from, int64_t n, const uint64_t *answers)
{
    const uint64_t row_mask = s->row_mask;
    const int row_bits = s->row_bits;

    if (s->matches->event_row != NULL) {
        int64_t *event_row = s->matches->event_row + from;

        for (int64_t i = 0; i < n; i++) {
            event_row[i] = (int64_t)((answers[i] & row_mask) | -(answers[i] >> 63));
        }
    }
    if (s->matches->gap_days != NULL) {
        int32_t *gap_days = s->matches->gap_days + from;

        for (int64_t i = 0; i < n; i++) {
            gap_days[i] = (int32_t)(answers[i] >> row_bits | -(answers[i] >> 63));
        }
    }
}

/* The nearest event is no answer where it lies beyond the row's own bound at the far end; nor is then any
 * other. The rows of answers lie one after another. */
static void keep_inside(const search *s, int64_t from, int64_t n, uint64_t *answers)
{
    const rr_rule *rule = s->rule;
    const int forward = rule->window.direction == RR_FORWARD;
    const rr_day_reader days = s->index_days;

    for (int64_t i = 0; i < n; i++) {
        /* Of a row without an answer or a day the sum may wrap round, and says nothing. */
        const uint64_t day = (uint64_t)days.first + rr_day_place(&days, from + i);
        const uint64_t gap = answers[i] >> s->row_bits;
        const int64_t far = s->far[from + i], event = (int64_t)(forward ? day + gap : day - gap);
        const int beyond = forward ? event > far : event < far;

        answers[i] |= -(uint64_t)(beyond & (far != RR_NULL_DAY) & rr_is_apart(rule, from + i));
    }
}

/* Takes the answers of a chunk to their rows. Its rows are as many as its answers or more, so where the
 * answers lie in event_row they lie in the rows of their own chunk. */
static rr_status settle_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const search s = *(const search *)job;
    const rr_side *index = &s.parts->index;
    const int bits = index->chunk_bits;
    const int64_t from = chunk << bits, room = INT64_C(1) << bits;
    const int64_t rows = index->n_table - from < room ? index->n_table - from : room;
    const int64_t n = index->piece[(chunk + 1) * (s.parts->n_parts + 1) - 1];
    const uint64_t *waiting = s.answers + from;
    uint64_t *by_row = s.settled[worker];

    if (by_row == NULL) {
        by_row = s.settled[worker] = rr_allocate(room, sizeof *by_row);
    }
    if (by_row == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    if (n < rows) {
        memset(by_row, 0xFF, (size_t)rows * sizeof *by_row);
    }
    for (int64_t i = 0; i < n; i++) {
        by_row[waiting[i] & (uint64_t)(room - 1)] = (uint64_t)((int64_t)waiting[i] >> bits);
    }
    for (int64_t i = 0; s.rule->use != NULL && i < rows; i++) {
        by_row[i] |= -(uint64_t)(s.rule->use[from + i] == 0);
    }
    if (s.far != NULL) {
        keep_inside(&s, from, rows, by_row);
    }
    write_answers(&s, from, rows, by_row);
    return RR_OK;
}

/* No gap is longer: anchors of their own may lie far from all days of the parts. */
static uint64_t longest_gap(const search *s)
{
    const rr_parts *parts = s->parts;
    const int64_t *anchor = s->rule->anchor;
    int64_t first = parts->first_day, last = parts->last_day;

    for (int64_t i = 0; anchor != NULL && i < parts->index.n_table; i++) {
        const int64_t day = anchor[i] == RR_NULL_DAY ? first : anchor[i];

        first = day < first ? day : first;
        last = day > last ? day : last;
    }
    return (uint64_t)(last - first);
}

/* Answers wait where words were dealt if an answer has room for its row. */
static rr_status open_answers(search *s, int workers)
{
    const rr_side *index = &s->parts->index;

    if (rr_bits(longest_gap(s)) + s->row_bits + index->chunk_bits >= 64) {
        return RR_OK;
    }
    s->answers = (uint64_t *)(void *)s->matches->event_row;
    if (s->answers == NULL) {
        s->answers = s->answers_room = rr_allocate(index->n_table, sizeof *s->answers_room);
    }
    s->settled = calloc((size_t)workers, sizeof *s->settled);
    s->places = rr_allocate(workers * index->n_chunks, sizeof *s->places);
    return s->answers == NULL || s->settled == NULL || s->places == NULL ? RR_ERR_MEMORY : RR_OK;
}

static rr_status open_search(search *s, int workers)
{
    s->buckets = calloc((size_t)workers, sizeof *s->buckets);
    if (s->buckets == NULL || open_answers(s, workers) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    for (int i = 0; i < workers; i++) {
        if (rr_buckets_open(s->parts, &s->buckets[i]) != RR_OK) {
            return RR_ERR_MEMORY;
        }
    }
    return RR_OK;
}

static void close_search(search *s, int workers)
{
    for (int i = 0; i < workers; i++) {
        if (s->buckets != NULL) {
            rr_buckets_close(&s->buckets[i]);
        }
        if (s->settled != NULL) {
            free(s->settled[i]);
        }
    }
    free(s->buckets);
    free(s->settled);
    free(s->places);
    free(s->answers_room);
    rr_asking_close(&s->asking);
}

/* Who asks rows for anchors and bounds of their own reads them at random. Where all there is are bounds at
 * the far end of the window and the nearest event is wanted, they are asked in order instead, when the
 * answers are taken to their rows. */
static void plan_bounds(search *s)
{
    const rr_rule *rule = s->rule;
    const int forward = rule->window.direction == RR_FORWARD;
    const int64_t *near = forward ? rule->lower : rule->upper;
    const int64_t *far = forward ? rule->upper : rule->lower;
    const int has_days = rule->index_day.ticks != NULL || rule->index_day.narrow != NULL;

    s->index_days = rr_read_days(&rule->index_day);
    s->far = s->answers != NULL && rule->anchor == NULL && near == NULL && rule->take == 1 &&
                     has_days
                 ? far
                 : NULL;
    s->by_row = s->far == NULL && (rule->anchor != NULL || near != NULL || far != NULL);
}

static rr_task way_of(const search *s)
{
    const rr_rule *rule = s->rule;

    if (s->by_row || rule->self_row != NULL || (rule->use != NULL && s->answers == NULL)) {
        return search_with_rules;
    }
#if RR_X86_64
    if (__builtin_cpu_supports("avx512f")) {
        return search_by_avx512;
    }
#endif
    return search_plainly;
}

/* Of both steps. */
static int most_workers(const rr_parts *parts, const rr_call *call)
{
    const int64_t chunks = parts->index.n_chunks;

    return rr_workers(call, parts->n_parts > chunks ? parts->n_parts : chunks);
}

rr_status rr_nearest(const rr_parts *parts, const rr_rule *rule, const rr_matches *matches,
                     const rr_call *call, rr_error *error)
{
    search s = {.parts = parts, .rule = rule, .matches = matches};
    int workers = most_workers(parts, call), backwards;
    rr_status status;

    rr_parts_as_they_are(parts);
    s.day_mask = (UINT64_C(1) << parts->day_bits) - 1;
    s.row_bits = parts->events->row_bits;
    s.row_mask = (UINT64_C(1) << s.row_bits) - 1;
    s.index_row_bits = parts->index.row_bits;
    backwards = (rule->window.direction == RR_BACKWARD) != (rule->take == RR_TAKE_LAST);
    s.turn = (backwards ? s.day_mask << s.row_bits : 0) |
             (rule->ties == RR_TIES_LAST_ROW ? s.row_mask : 0);
    status = rr_asking_open(&s.asking, parts, rule, backwards, error);
    if (status != RR_OK) {
        goto out;
    }
    if (open_search(&s, workers) != RR_OK) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    plan_bounds(&s);
    if (s.answers == NULL && parts->index.n < parts->index.n_table) {
        for (int64_t i = 0; i < parts->index.n_table; i++) {
            write_answer(&s, i, UINT64_MAX);
        }
    }
    status = rr_run(way_of(&s), &s, parts->n_parts, call, error);
    if (status == RR_OK && s.answers != NULL) {
        status = rr_run(settle_chunk, &s, parts->index.n_chunks, call, error);
    }
out:
    rr_parts_done(parts);
    close_search(&s, workers);
    return status;
}
