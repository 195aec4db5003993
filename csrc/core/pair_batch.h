/* Some index rows of a part, and all events in their windows: read off the buckets of the part.
 *
 * A word w is an event of a row exactly when w - base < limit, as in buckets.h. What the differences are
 * is, in the order in which they are sorted, the gap from the first admissible day on and, below it,
 * the event's row. Searching backwards, the days of the words are turned over, so that differences rise
 * with the gap all the same. */
#ifndef RR_PAIR_BATCH_H
#define RR_PAIR_BATCH_H

#include "buckets.h"
#include "unsorted.h"
#include "threads.h"

#include <string.h>

enum { RR_BATCH = 64 };

/* What is asked of all rows. */
typedef struct rr_pair_search {
    const rr_parts *parts;
    const rr_rule *rule;
    rr_asking asking;
    rr_day_reader event_days;
    uint64_t turn; /* bits of a word that are turned over */
    uint64_t row_mask;
    int row_bits; /* of a word of an event */
    int index_row_bits;
    int by_row;          /* whether rows bring anchors or bounds of their own, or are not used */
    int selves;          /* whether an index row may be an event */
    int workers;         /* of all steps, over parts and over chunks of the index */
    rr_buckets *buckets; /* by worker */
    uint32_t **of_chunk; /* by worker: a number for each row of a chunk of the index; or NULL */
} rr_pair_search;

typedef struct rr_batch {
    const uint64_t *words; /* of up to RR_BATCH index rows */
    int64_t n;
    uint64_t bucket[RR_BATCH];
    uint64_t base[RR_BATCH];
    uint64_t limit[RR_BATCH];
    int64_t nearest[RR_BATCH]; /* the gap of the first admissible day */
} rr_batch;

/* Events of the rows whose buckets are not long: differences, row by row, each row's in order. */
typedef struct rr_pairs_found {
    int64_t n;
    uint64_t difference[RR_BATCH * RR_LONG_BUCKET + RR_LOOK_AT];
    uint8_t owner[RR_BATCH * RR_LONG_BUCKET + RR_LOOK_AT]; /* the row in the batch */
} rr_pairs_found;

/* ---------------------------------------------------------------- pair_batch.c */

/* Begin with zeros. Ended by rr_pair_search_close, also after a failure. */
rr_status rr_pair_search_open(rr_pair_search *search, const rr_parts *parts, const rr_rule *rule,
                              const rr_call *call, rr_error *error) RR_MUST_CHECK;
void rr_pair_search_close(rr_pair_search *search);

/* The numbers of a worker, made when they are first asked for; or NULL. */
uint32_t *rr_numbers_of_chunk(const rr_pair_search *search, int worker);

/* The anchors, from the parts' origin, and the admissible days of n rows that bring something of their
 * own. */
void rr_ask_by_row(const rr_pair_search *search, const uint64_t *words, int64_t n, int64_t *anchor,
                   rr_span_days *days);

/* Of row i, whose bucket is long and therefore sorted: its events are the words from *from to *to. Returns
 * how many they are without the event that is the row itself, which lies among them. */
int64_t rr_find_range(const rr_pair_search *search, const rr_buckets *all, const rr_batch *batch,
                      int64_t i, uint32_t *from, uint32_t *to);

/* Sorts the differences of one row. */
void rr_sort_few(uint64_t *difference, int64_t n);

/* Rows that find themselves lose that event. */
void rr_remove_selves(const rr_pair_search *search, const rr_batch *batch, rr_pairs_found *found);

/* ---------------------------------------------------------------- rows of a batch */

static inline int64_t rr_batch_row(const rr_pair_search *search, const rr_batch *batch, int64_t i)
{
    return (int64_t)(batch->words[i] & ((UINT64_C(1) << search->index_row_bits) - 1));
}

/* The row of the event that lies a difference from the base of row i. */
static inline int64_t rr_event_of(const rr_pair_search *search, uint64_t difference)
{
    /* The base ends in zeros. */
    return (int64_t)(difference & search->row_mask);
}

static inline int rr_is_long(const rr_buckets *all, const rr_batch *batch, int64_t i)
{
    return all->start[batch->bucket[i] + 1] - all->start[batch->bucket[i]] > RR_LONG_BUCKET;
}

/* What n rows on some days, from the parts' origin, ask that bring nothing of their own. Told that nothing
 * is in the way of another the compiler takes several rows at a time. */
RR_INLINE void rr_ask_alike(const rr_pair_search *search, const uint64_t *restrict words, int64_t n,
                            int64_t *restrict anchor, rr_span_days *restrict days)
{
    const rr_span_days *restrict spans = search->asking.spans;

    for (int64_t i = 0; i < n; i++) {
        const uint64_t day = words[i] >> search->index_row_bits & search->asking.day_mask;

        anchor[i] = (int64_t)day;
        days[i] = spans[(int64_t)day - search->asking.lead];
    }
}

/* Fills in what the rows of words[0] to words[n - 1] ask. */
RR_INLINE void rr_ask(const rr_pair_search *search, const rr_buckets *all,
                      const uint64_t *restrict words, int64_t n, rr_batch *restrict batch)
{
    const uint64_t mask = search->asking.day_mask;
    const int index_row_bits = search->index_row_bits, row_bits = search->row_bits;
    const int shift = all->shift;
    const int64_t from = search->asking.backwards ? (int64_t)mask : 0;
    const int64_t sign = search->asking.backwards ? -1 : 1;
    int64_t anchor[RR_BATCH];
    rr_span_days days[RR_BATCH];

    if (search->by_row) {
        rr_ask_by_row(search, words, n, anchor, days);
    } else {
        rr_ask_alike(search, words, n, anchor, days);
    }
    batch->words = words;
    batch->n = n;
    for (int64_t i = 0; i < n; i++) {
        const uint64_t key_day = words[i] >> index_row_bits;

        batch->bucket[i] = key_day >> shift;
        batch->base[i] = ((key_day & ~mask) | rr_first_of(days[i])) << row_bits;
        batch->limit[i] = rr_n_of(days[i]) << row_bits;
        batch->nearest[i] = (int64_t)rr_first_of(days[i]) - (from + sign * anchor[i]);
    }
}

/* ---------------------------------------------------------------- events of a row
 *
 * Of row i, whose bucket is not long. Words beyond the bucket may be read: they are no events of it. */

RR_INLINE void rr_find_anywhere(const rr_buckets *all, const rr_batch *batch, int64_t i,
                                rr_pairs_found *found)
{
    const uint64_t base = batch->base[i], limit = batch->limit[i];
    const uint32_t to = all->start[batch->bucket[i] + 1];

    for (uint32_t at = all->start[batch->bucket[i]]; at < to; at++) {
        const uint64_t difference = all->words[at] - base;

        found->difference[found->n] = difference;
        found->owner[found->n] = (uint8_t)i;
        found->n += difference < limit;
    }
}

RR_INLINE int64_t rr_count_anywhere(const rr_buckets *all, const rr_batch *batch, int64_t i)
{
    const uint64_t base = batch->base[i], limit = batch->limit[i];
    const uint32_t to = all->start[batch->bucket[i] + 1];
    uint32_t at = all->start[batch->bucket[i]];
    int64_t n = 0;

    do {
        n += (all->words[at] - base < limit) + (all->words[at + 1] - base < limit);
        at += 2;
    } while (at < to);
    return n;
}

#if RR_X86_64
__attribute__((target("avx512f,popcnt"))) static inline void
rr_find_avx512(const rr_buckets *all, const rr_batch *batch, int64_t i, rr_pairs_found *found)
{
    const __m512i base = _mm512_set1_epi64((int64_t)batch->base[i]);
    const __m512i limit = _mm512_set1_epi64((int64_t)batch->limit[i]);
    const uint64_t owners = (uint64_t)i * UINT64_C(0x0101010101010101);
    const uint32_t to = all->start[batch->bucket[i] + 1];
    uint32_t at = all->start[batch->bucket[i]];

    do {
        const __m512i d = _mm512_sub_epi64(_mm512_loadu_si512(all->words + at), base);
        const __mmask8 in = _mm512_cmplt_epu64_mask(d, limit);

        /* Compressed in a register, and not by the store, which is slow where it is microcode. */
        _mm512_storeu_si512(found->difference + found->n, _mm512_maskz_compress_epi64(in, d));
        memcpy(found->owner + found->n, &owners, sizeof owners);
        found->n += __builtin_popcount(in);
        at += RR_LOOK_AT;
    } while (at < to);
}

__attribute__((target("avx512f,popcnt"))) static inline int64_t
rr_count_avx512(const rr_buckets *all, const rr_batch *batch, int64_t i)
{
    const __m512i base = _mm512_set1_epi64((int64_t)batch->base[i]);
    const __m512i limit = _mm512_set1_epi64((int64_t)batch->limit[i]);
    const uint32_t to = all->start[batch->bucket[i] + 1];
    uint32_t at = all->start[batch->bucket[i]];
    int64_t n = 0;

    do {
        const __m512i d = _mm512_sub_epi64(_mm512_loadu_si512(all->words + at), base);

        n += __builtin_popcount(_mm512_cmplt_epu64_mask(d, limit));
        at += RR_LOOK_AT;
    } while (at < to);
    return n;
}
#endif

RR_INLINE void rr_find_of_row(const rr_buckets *all, const rr_batch *batch, int64_t i,
                              rr_look_kind kind, rr_pairs_found *found)
{
#if RR_X86_64
    if (kind == RR_LOOK_AVX512) {
        rr_find_avx512(all, batch, i, found);
        return;
    }
#endif
    (void)kind;
    rr_find_anywhere(all, batch, i, found);
}

RR_INLINE int64_t rr_count_of_row(const rr_buckets *all, const rr_batch *batch, int64_t i,
                                  rr_look_kind kind)
{
#if RR_X86_64
    if (kind == RR_LOOK_AVX512) {
        return rr_count_avx512(all, batch, i);
    }
#endif
    (void)kind;
    return rr_count_anywhere(all, batch, i);
}

/* ---------------------------------------------------------------- events of a batch */

/* Those of all rows but the ones with a long bucket; whether there is such a row. */
RR_INLINE int rr_find_pairs(const rr_pair_search *search, const rr_buckets *all,
                            const rr_batch *batch, rr_look_kind kind, rr_pairs_found *found)
{
    int some_long = 0;

    found->n = 0;
    for (int64_t i = 0; i < batch->n; i++) {
        const int64_t before = found->n;

        if (rr_is_long(all, batch, i)) {
            some_long = 1;
            continue;
        }
        rr_find_of_row(all, batch, i, kind, found);
        if (found->n - before > 1) {
            rr_sort_few(found->difference + before, found->n - before);
        }
    }
    if (search->selves) {
        rr_remove_selves(search, batch, found);
    }
    return some_long;
}

/* How many each row has. `found` is room for finding them. */
RR_INLINE void rr_count_pairs(const rr_pair_search *search, const rr_buckets *all,
                              const rr_batch *batch, rr_look_kind kind, rr_pairs_found *found,
                              uint64_t *counts)
{
    uint32_t from, to;

    if (search->selves) {
        memset(counts, 0, RR_BATCH * sizeof *counts);
        rr_find_pairs(search, all, batch, kind, found);
        for (int64_t k = 0; k < found->n; k++) {
            counts[found->owner[k]]++;
        }
    }
    for (int64_t i = 0; i < batch->n; i++) {
        if (rr_is_long(all, batch, i)) {
            counts[i] = (uint64_t)rr_find_range(search, all, batch, i, &from, &to);
        } else if (!search->selves) {
            counts[i] = (uint64_t)rr_count_of_row(all, batch, i, kind);
        }
    }
}

#endif
