#include "buckets.h"

#include <string.h>

static int bucket_bits(const rr_parts *parts, int64_t n_events)
{
    int bits = rr_bits((uint64_t)n_events) - 1,
        most = parts->shape.key_bits - parts->shape.part_bits;

    return bits < 0 ? 0 : bits > most ? most : bits;
}

rr_status rr_buckets_open(const rr_parts *parts, rr_buckets *buckets)
{
    int64_t room = parts->events->largest;

    buckets->words = rr_allocate(room + RR_LOOK_AT, sizeof *buckets->words);
    buckets->sorting = rr_allocate(room, sizeof *buckets->sorting);
    buckets->start = rr_allocate((INT64_C(1) << bucket_bits(parts, room)) + 2,
                                 sizeof *buckets->start);
    return buckets->words == NULL || buckets->sorting == NULL || buckets->start == NULL
               ? RR_ERR_MEMORY
               : RR_OK;
}

void rr_buckets_close(rr_buckets *buckets)
{
    free(buckets->words);
    free(buckets->sorting);
    free(buckets->start);
}

/* Puts words, in any order, into their buckets; returns how many the largest holds. Counts lie two
 * places on, so that after the words have gone in, start[b] is where b starts. */
static uint32_t scatter(const rr_parts *parts, int64_t part, uint64_t turn, int shift,
                        int64_t n_buckets, const rr_buckets *own)
{
    const int64_t pieces = rr_n_pieces(parts->events);
    uint32_t *start = own->start, longest = 0;

    memset(start, 0, (size_t)(n_buckets + 2) * sizeof *start);
    for (int64_t p = 0; p < pieces; p++) {
        const rr_piece piece = rr_piece_of(parts->events, parts->n_parts, part, p);

        rr_fetch_piece(parts->events, parts->n_parts, part, p);
        for (int64_t i = 0; i < piece.n; i++) {
            start[(piece.words[i] >> shift) + 2]++;
        }
    }
    for (int64_t b = 2; b < n_buckets + 2; b++) {
        longest = start[b] > longest ? start[b] : longest;
        start[b] += start[b - 1];
    }
    for (int64_t p = 0; p < pieces; p++) {
        const rr_piece piece = rr_piece_of(parts->events, parts->n_parts, part, p);

        for (int64_t i = 0; i < piece.n; i++) {
            own->words[start[(piece.words[i] >> shift) + 1]++] = piece.words[i] ^ turn;
        }
    }
    return longest;
}

/* The same for words whose keys ascend: they lie in their buckets already. The last word of a bucket
 * is the last to say where the next one starts. */
static uint32_t copy(const rr_parts *parts, int64_t part, uint64_t turn, int shift,
                     int64_t n_buckets, const rr_buckets *own)
{
    uint32_t *start = own->start, longest = 0, n = 0;

    memset(start, 0, (size_t)(n_buckets + 2) * sizeof *start);
    for (int64_t p = 0; p < rr_n_pieces(parts->events); p++) {
        const rr_piece piece = rr_piece_of(parts->events, parts->n_parts, part, p);

        for (int64_t i = 0; i < piece.n; i++) {
            own->words[n++] = piece.words[i] ^ turn;
            start[(piece.words[i] >> shift) + 1] = n;
        }
    }
    for (int64_t b = 1; b <= n_buckets; b++) {
        start[b] = start[b] < start[b - 1] ? start[b - 1] : start[b];
        longest = start[b] - start[b - 1] > longest ? start[b] - start[b - 1] : longest;
    }
    return longest;
}

static void sort_long_buckets(const rr_parts *parts, const rr_buckets *own, int64_t n_buckets)
{
    int bits = parts->events->row_bits + parts->day_bits + parts->shape.key_bits -
               parts->shape.part_bits;

    for (int64_t b = 0; b < n_buckets; b++) {
        int64_t n = (int64_t)own->start[b + 1] - own->start[b];

        if (n > RR_LONG_BUCKET) {
            rr_sort_words(own->words + own->start[b], NULL, own->sorting, NULL, n, 0, bits);
        }
    }
}

void rr_buckets_fill(const rr_parts *parts, int64_t part, uint64_t turn, rr_buckets *buckets)
{
    const int64_t n = parts->events->part_n[part];
    const int bits = bucket_bits(parts, n);
    const int shift = parts->shape.key_bits - parts->shape.part_bits - bits + parts->day_bits;
    const int word_shift = shift + parts->events->row_bits;
    const int keys_ascend = parts->events->in_order || parts->shape.ascends;
    const int64_t n_buckets = INT64_C(1) << bits;
    const uint32_t longest = keys_ascend
                                 ? copy(parts, part, turn, word_shift, n_buckets, buckets)
                                 : scatter(parts, part, turn, word_shift, n_buckets, buckets);

    if (longest > RR_LONG_BUCKET) {
        sort_long_buckets(parts, buckets, n_buckets);
    }
    for (int i = 0; i < RR_LOOK_AT; i++) {
        buckets->words[n + i] = RR_NO_WORD;
    }
    buckets->shift = shift;
}

uint32_t rr_first_of_many(const uint64_t *words, uint32_t from, uint32_t to, uint64_t base)
{
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (words[middle] < base) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

uint64_t rr_look_past(const rr_buckets *all, uint64_t bucket, uint64_t base, uint64_t self)
{
    const uint64_t *words = all->words;
    uint64_t found = RR_NO_WORD;
    uint32_t from = all->start[bucket], to = all->start[bucket + 1];

    if (to - from > RR_LONG_BUCKET) {
        from = rr_first_of_many(words, from, to, base) + 1;
        to = from + 1;
    }
    for (uint32_t i = from; i < to; i++) {
        uint64_t difference = words[i] - base;

        found = difference == self ? found : rr_least(found, difference);
    }
    return found;
}
