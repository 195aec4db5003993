/* Copies to memory that nobody reads soon: past the caches, where the machine has stores that do so.
 *
 * A line that is written as a whole need not be read before, as a line in the cache is; and what the
 * cache holds, the block that comes next, stays there. */
#ifndef RR_STREAM_H
#define RR_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define RR_STREAM_LINE 64 /* bytes of a line of the cache */

/* Copies n bytes. */
static inline void rr_stream(void *to, const void *from, size_t n)
{
#if defined(__SSE2__)
    const size_t before = -(uintptr_t)to % RR_STREAM_LINE;
    const char *in = from;
    char *out = to;

    if (n >= before) {
        memcpy(out, in, before);
        out += before, in += before, n -= before;
        for (; n >= RR_STREAM_LINE;
             out += RR_STREAM_LINE, in += RR_STREAM_LINE, n -= RR_STREAM_LINE) {
            for (int i = 0; i < RR_STREAM_LINE; i += 16) {
                _mm_stream_si128((void *)(out + i), _mm_loadu_si128((const void *)(in + i)));
            }
        }
    }
    memcpy(out, in, n);
#else
    memcpy(to, from, n);
#endif
}

/* Copies n numbers, each with `more` added. */
static inline void rr_stream_sums(int64_t *to, const int64_t *from, int64_t n, int64_t more)
{
    int64_t i = 0;

#if defined(__SSE2__)
    const __m128i both = _mm_set1_epi64x(more);

    for (; i < n && (uintptr_t)(to + i) % RR_STREAM_LINE != 0; i++) {
        to[i] = more + from[i];
    }
    for (; i + 8 <= n; i += 8) {
        for (int64_t j = i; j < i + 8; j += 2) {
            _mm_stream_si128((void *)(to + j),
                             _mm_add_epi64(both, _mm_loadu_si128((const void *)(from + j))));
        }
    }
#endif
    for (; i < n; i++) {
        to[i] = more + from[i];
    }
}

/* Such copies are there for other threads that are told of them after this. */
static inline void rr_stream_end(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

#endif
