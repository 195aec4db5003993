/* Parts hold some thousands of rows, so the counts of a radix sort and both its buffers stay in the
 * cache; a digit that all rows share costs its count and no move. Digits of nine bits: a key within its
 * part and a day are mostly 27, which take three passes (4.7 ns a word, with bytes 6.2). */
#include "internal.h"

#include <string.h>

enum { DIGIT_BITS = 9, DIGITS = 1 << DIGIT_BITS, FEW = 48 };

int rr_bits(uint64_t largest)
{
    int bits = 0;

    while (bits < 64 && largest >> bits != 0) {
        bits++;
    }
    return bits;
}

static void insertion_sort(uint64_t *words, uint64_t *rows, int64_t n, uint64_t mask)
{
    for (int64_t i = 1; i < n; i++) {
        uint64_t word = words[i], row = rows != NULL ? rows[i] : 0;
        int64_t j = i;

        for (; j > 0 && (words[j - 1] & mask) > (word & mask); j--) {
            words[j] = words[j - 1];
            if (rows != NULL) {
                rows[j] = rows[j - 1];
            }
        }
        words[j] = word;
        if (rows != NULL) {
            rows[j] = row;
        }
    }
}

/* One stable pass by the digit at `shift`. Returns 0, with nothing moved, if all rows share it. */
static int scatter(const uint64_t *words, const uint64_t *rows, uint64_t *to, uint64_t *rows_to,
                   int64_t n, int shift, uint64_t digit_mask)
{
    int64_t place[DIGITS] = {0}, sum = 0;

    for (int64_t i = 0; i < n; i++) {
        place[words[i] >> shift & digit_mask]++;
    }
    if (place[words[0] >> shift & digit_mask] == n) {
        return 0;
    }
    for (int d = 0; d < DIGITS; d++) {
        int64_t count = place[d];

        place[d] = sum;
        sum += count;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t at = place[words[i] >> shift & digit_mask]++;

        to[at] = words[i];
        if (rows != NULL) {
            rows_to[at] = rows[i];
        }
    }
    return 1;
}

/* Tables that come sorted stay so in their parts; others are told apart by their first few words. */
static int is_sorted(const uint64_t *words, int64_t n, uint64_t mask)
{
    for (int64_t i = 1; i < n; i++) {
        if ((words[i] & mask) < (words[i - 1] & mask)) {
            return 0;
        }
    }
    return 1;
}

void rr_sort_words(uint64_t *words, uint64_t *rows, uint64_t *scratch, uint64_t *row_scratch,
                   int64_t n, int low, int high)
{
    uint64_t *from = words, *rows_from = rows, *to = scratch, *rows_to = row_scratch;

    uint64_t above = high >= 64 ? 0 : ~UINT64_C(0) << high;
    uint64_t mask = low >= 64 ? 0 : ~above & ~UINT64_C(0) << low;

    if (n < 2 || high <= low || is_sorted(words, n, mask)) {
        return;
    }
    if (n <= FEW) {
        insertion_sort(words, rows, n, mask);
        return;
    }
    for (int shift = low; shift < high; shift += DIGIT_BITS) {
        int bits = high - shift < DIGIT_BITS ? high - shift : DIGIT_BITS;

        if (scatter(from, rows_from, to, rows_to, n, shift, (UINT64_C(1) << bits) - 1)) {
            uint64_t *swap = from, *rows_swap = rows_from;

            from = to;
            rows_from = rows_to;
            to = swap;
            rows_to = rows_swap;
        }
    }
    if (from != words) {
        memcpy(words, from, (size_t)n * sizeof *words);
        if (rows != NULL) {
            memcpy(rows, rows_from, (size_t)n * sizeof *rows);
        }
    }
}
