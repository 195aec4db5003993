#include "tally_internal.h"

#include <stdlib.h>

enum { PART_ROWS = 1 << 13, PART_BITS_MAX = 12 };

rr_status rr_packed_make(rr_packed *rows, int64_t room, rr_error *error)
{
    rows->n = 0;
    rows->words = rr_allocate(room, sizeof *rows->words);
    rows->sorted = rr_allocate(room, sizeof *rows->sorted);
    if (rows->words == NULL || rows->sorted == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    return RR_OK;
}

void rr_packed_free(rr_packed *rows)
{
    free(rows->words);
    free(rows->sorted);
}

/* Deals the words by their highest bits into parts that fit the cache, and sorts each there: a
 * radix sort of the whole would send every pass through memory, and could not be stopped between
 * parts. */
rr_status rr_packed_sort(rr_packed *rows, int low, int bits, const rr_call *call, rr_error *error)
{
    int64_t next[1 << PART_BITS_MAX] = {0};
    int part_bits = rr_bits((uint64_t)(rows->n / PART_ROWS));
    int64_t n_parts, sum = 0, first = 0, since_poll = 0;
    int shift;

    part_bits = part_bits > PART_BITS_MAX ? PART_BITS_MAX : part_bits;
    part_bits = part_bits > bits - low ? bits - low : part_bits;
    n_parts = INT64_C(1) << part_bits;
    /* A shift by all 64 bits is undefined; with one part the mask is 0 and any shift will do. */
    shift = part_bits == 0 ? 0 : bits - part_bits;
    for (int64_t i = 0; i < rows->n; i++) {
        next[rows->words[i] >> shift & (uint64_t)(n_parts - 1)]++;
    }
    for (int64_t p = 0; p < n_parts; p++) {
        int64_t count = next[p];

        next[p] = sum;
        sum += count;
    }
    for (int64_t start = 0; start < rows->n; start += RR_POLL_ROWS) {
        int64_t end = rr_block_end(start, rows->n, RR_POLL_ROWS);

        if (rr_stopped(call, 0, 0)) {
            return rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        }
        for (int64_t i = start; i < end; i++) {
            rows->sorted[next[rows->words[i] >> shift & (uint64_t)(n_parts - 1)]++] =
                rows->words[i];
        }
    }
    for (int64_t p = 0; p < n_parts; p++) {
        int64_t n = next[p] - first;

        since_poll += n;
        if (since_poll >= RR_POLL_ROWS) {
            since_poll = 0;
            if (rr_stopped(call, 0, 0)) {
                return rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
            }
        }
        rr_sort_words(rows->sorted + first, NULL, rows->words + first, NULL, n, low,
                      bits - part_bits);
        first = next[p];
    }
    return RR_OK;
}
