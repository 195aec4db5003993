/* The first bytes of a text as two words, so that most texts are compared without a loop. */
#ifndef RR_SHORT_TEXT_H
#define RR_SHORT_TEXT_H

#include "internal.h"

#include <string.h>

enum { RR_SHORT_TEXT = 16 };

/* The bits of the two words that a text of so many bytes, up to 16, covers. */
RR_INLINE void rr_own_bits(uint64_t length, uint64_t own[2])
{
    static const uint8_t ends[2 * RR_SHORT_TEXT] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                                    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

    memcpy(own, ends + RR_SHORT_TEXT - length, RR_SHORT_TEXT);
}

/* The words of a text of up to 16 bytes, byte by byte; 0 beyond its end. */
static inline void rr_copy_words(const uint8_t *bytes, uint64_t length, uint64_t word[2])
{
    word[0] = word[1] = 0;
    if (length > 0) {
        memcpy(word, bytes, (size_t)length);
    }
}

/* How many of the first places of n_data bytes have 16 bytes after them: there a load reads what it
 * may, and the bits of other texts are then masked. */
static inline uint64_t rr_safe_places(int64_t n_data)
{
    return n_data < RR_SHORT_TEXT ? 0 : (uint64_t)(n_data - RR_SHORT_TEXT + 1);
}

#endif
