/* The events of one part by bucket, and the nearest of them to what an index row asks.
 *
 * Events are counted into about as many buckets as there are events, by the first bits of their mixed
 * keys, and not sorted. A word w lies in a row's window exactly when w - base < limit, where base is the
 * row's key with the first admissible day, and limit the number of days, in units of a day. Words of
 * other keys and days wrap round to something larger, so the least difference among the events of the
 * bucket is the answer, and finding it takes no branch: that is what pays. A bucket with many events
 * (one child with thousands of referrals) is sorted and searched by halves. */
#ifndef RR_BUCKETS_H
#define RR_BUCKETS_H

#include "parts.h"

#include <stdlib.h>

#if RR_X86_64
#include <immintrin.h>
#endif

/* Room for the buckets of one part after another; a worker has its own. */
typedef struct rr_buckets {
    uint64_t *words;   /* by bucket, turned; then RR_LOOK_AT words that are no event's */
    uint64_t *sorting; /* for sorting a long bucket */
    uint32_t *start;   /* of each bucket, and the end */
    int shift;         /* from a key and day to its bucket */
} rr_buckets;

enum { RR_LOOK_AT = 8, RR_LONG_BUCKET = 64 };

/* No word, and no difference of two. */
#define RR_NO_WORD UINT64_MAX

/* Room for any part. Ended by rr_buckets_close, also after a failure. */
rr_status rr_buckets_open(const rr_parts *parts, rr_buckets *buckets) RR_MUST_CHECK;

/* Fills in the events of a part, each word with the bits of `turn` turned over. */
void rr_buckets_fill(const rr_parts *parts, int64_t part, uint64_t turn, rr_buckets *buckets);

void rr_buckets_close(rr_buckets *buckets);

/* How a bucket is read: the results are the same. */
typedef enum rr_look_kind { RR_LOOK_ANYWHERE, RR_LOOK_AVX512 } rr_look_kind;

/* The first of the words sorted from `from` to `to` that is not below base. */
uint32_t rr_first_of_many(const uint64_t *words, uint32_t from, uint32_t to, uint64_t base);

static inline uint64_t rr_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The least difference of a word from base; words beyond `to` may be among them. */
RR_INLINE uint64_t rr_least_anywhere(const uint64_t *words, uint32_t from, uint32_t to,
                                     uint64_t base)
{
    uint64_t found = RR_NO_WORD;

    do {
        uint64_t a = rr_least(words[from] - base, words[from + 1] - base);
        uint64_t b = rr_least(words[from + 2] - base, words[from + 3] - base);

        found = rr_least(found, rr_least(a, b));
        from += 4;
    } while (from < to);
    return found;
}

#if RR_X86_64
__attribute__((target("avx512f"))) static inline uint64_t
rr_least_avx512(const uint64_t *words, uint32_t from, uint32_t to, uint64_t base)
{
    const __m512i bases = _mm512_set1_epi64((int64_t)base);
    __m512i found = _mm512_sub_epi64(_mm512_loadu_si512(words + from), bases);

    for (from += 8; from < to; from += 8) {
        __m512i more = _mm512_sub_epi64(_mm512_loadu_si512(words + from), bases);

        found = _mm512_min_epu64(found, more);
    }
    return _mm512_reduce_min_epu64(found);
}
#endif

/* The least difference from base among the events of a bucket; limit or more if none is in the window. */
RR_INLINE uint64_t rr_look(const rr_buckets *all, uint64_t bucket, uint64_t base, rr_look_kind kind)
{
    const uint64_t *words = all->words;
    uint32_t from = all->start[bucket], to = all->start[bucket + 1];

    if (to - from > RR_LONG_BUCKET) {
        return words[rr_first_of_many(words, from, to, base)] - base;
    }
#if RR_X86_64
    if (kind == RR_LOOK_AVX512) {
        return rr_least_avx512(words, from, to, base);
    }
#endif
    (void)kind;
    return rr_least_anywhere(words, from, to, base);
}

/* rr_look again, for a row that found itself. */
uint64_t rr_look_past(const rr_buckets *all, uint64_t bucket, uint64_t base, uint64_t self);

#endif
