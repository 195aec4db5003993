/* Where the fields end: the first of two phases, and the only one that looks at every byte.
 *
 * Idea. 64 bytes become masks, one bit a byte: commas, newlines, and whatever else is special. Where
 * nothing is, the positions of the commas and newlines are written out and that is all. Otherwise the
 * quotes say what is inside of them: the prefix-xor of the mask of quotes is 1 from each opening
 * quote up to its closing one. Quoting is proved, not assumed: an opening quote follows a comma or a
 * newline, a closing one is followed by one of them or by CR LF. At the first byte that breaks this,
 * and at a doubled quote, a CR without its LF or a NUL, the index ends: there libcsv goes on.
 *
 * Most words have their own short way: a loop for those without quotes, and a step for those whose
 * quotes are where they should be and that hold nothing else. The prefix-xor is a carry-less product.
 *
 * Cost. A load, four compares and one store of 16 positions for 64 bytes without quotes. 256 KiB in the
 * cache, one core of a server of 2023: 11 microseconds with AVX-512, 24 with AVX2, 160 with neither;
 * with every field quoted 23, 39 and 190. With one way for all words it was 16 and 36 with AVX-512. To
 * have the file read takes another 30. Blocks of 256 and 512 KiB are equal, of 128 KiB a tenth
 * slower. */
#include "csv_internal.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define RR_CSV_X86 1
#include <immintrin.h>
#endif

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

typedef struct masks {
    uint64_t comma, newline, quote;
    uint64_t odd; /* not 0: CR, NUL, tab or another control character, 0x80 or more */
} masks;

typedef struct specials {
    uint64_t cr, nul, high;
} specials;

/* A level of the machine: how masks are made and how positions are written. */
typedef masks (*find_masks)(const char *bytes);
typedef specials (*find_specials)(const char *bytes);
/* Writes base + i for every bit i of `mask`; may write 64 elements. Returns how many it meant. */
typedef int64_t (*write_bits)(uint64_t mask, uint32_t base, uint32_t *out);
/* Bit i: the xor of the bits 0 to i. */
typedef uint64_t (*xor_bits)(uint64_t mask);

INLINE int64_t count_bits(uint64_t x)
{
    return __builtin_popcountll(x);
}

INLINE uint64_t below_lowest(uint64_t x)
{
    return (x & (0 - x)) - 1; /* all ones for 0 */
}

/* What one word hands on to the next: each is 0, or 1 for the byte before, `inside` all ones. */
typedef struct carry {
    uint64_t inside, separator, closing, cr;
} carry;

/* What is inside of quotes in a word, in *inside; returns the bytes at which quoting breaks. `closes` may
 * stand behind a closing quote. */
INLINE uint64_t follow_quotes(xor_bits prefix, uint64_t quote, uint64_t separators, uint64_t closes,
                              carry *before, uint64_t *inside)
{
    uint64_t opening, closing, after_separator, after_closing;

    *inside = prefix(quote) ^ before->inside;
    opening = quote & *inside;
    closing = quote & ~*inside;
    after_separator = separators << 1 | before->separator;
    after_closing = closing << 1 | before->closing;
    before->inside = (uint64_t)0 - (*inside >> 63);
    before->separator = separators >> 63;
    before->closing = closing >> 63;
    return (opening & ~after_separator) | (after_closing & ~closes);
}

INLINE void make_index(find_masks masks_of, find_specials specials_of, write_bits write,
                       xor_bits prefix, const char *bytes, int64_t from, int64_t length,
                       int64_t last, rr_csv_index *index)
{
    uint32_t *out = index->ends + 1;
    carry before = {.separator = 1};
    int64_t base = from, reach = from, newlines = 0, inner = 0;
    int quoted = 0;

    memset(&index->newlines, 0, sizeof *index - offsetof(rr_csv_index, newlines));
    index->ends[0] = (uint32_t)(from - 1);
    last = last < length ? last : length; /* the short ways look no further than that */
    while (base < length) {
        masks m = masks_of(bytes + base);
        uint64_t separators, inside, inner_newlines, stop, cr, keep;
        carry after;
        specials s;

        /* Commas and newlines only. */
        while (base + 64 <= last &&
               (m.quote | m.odd | before.inside | before.closing | before.cr) == 0) {
            out += write(m.comma | m.newline, (uint32_t)base, out);
            newlines += count_bits(m.newline);
            before.separator = (m.comma | m.newline) >> 63;
            base += 64;
            m = masks_of(bytes + base);
        }
        separators = m.comma | m.newline;
        after = before;
        /* And quotes where they should be. */
        if (base + 64 <= last && (m.odd | before.cr) == 0 &&
            follow_quotes(prefix, m.quote, separators, separators, &after, &inside) == 0) {
            out += write(separators & ~inside, (uint32_t)base, out);
            newlines += count_bits(m.newline & ~inside);
            inner += count_bits(m.newline & inside);
            quoted = 1;
            before = after;
            reach = base += 64;
            continue;
        }
        /* Anything. */
        after = before;
        s = specials_of(bytes + base);
        stop = follow_quotes(prefix, m.quote, separators, separators | s.cr, &after, &inside);
        cr = s.cr << 1 | before.cr;
        stop |= (cr & ~m.newline) | s.nul;
        before = after;
        before.cr = s.cr >> 63;
        separators &= ~inside;
        keep = below_lowest(stop);
        quoted |= m.quote != 0;
        index->high |= s.high != 0;
        inner_newlines = m.newline & inside;
        m.newline &= ~inside;
        if (base + 64 > last) {
            /* The first newline at `last` or after it ends the last record. */
            uint64_t from_last = base >= last ? ~UINT64_C(0) : ~UINT64_C(0) << (last - base);
            uint64_t final = m.newline & keep & from_last;

            if (final != 0) {
                keep &= below_lowest(final) | (final & (0 - final));
                length = base;
            }
        }
        if (stop != 0) {
            length = base;
        }
        separators &= keep;
        m.newline &= keep;
        out += write(separators, (uint32_t)base, out);
        newlines += count_bits(m.newline);
        inner += count_bits(inner_newlines & keep);
        reach = base + count_bits(keep); /* kept is what lies below a bit */
        index->crlf += count_bits(m.newline & cr);
        base += 64;
    }
    index->n = out - (index->ends + 1);
    index->newlines = newlines;
    index->inner = inner;
    index->reach = reach;
    index->quoted = quoted;
}

/* ---------------------------------------------------------------- any machine: 8 bytes at a time */

/* The top bit of each byte that is zero. */
INLINE uint64_t zeros(uint64_t word)
{
    return ~(((word & rr_csv_every(0x7F)) + rr_csv_every(0x7F)) | word | rr_csv_every(0x7F));
}

/* Top bits to 8 bits, that of the first byte lowest. */
INLINE uint64_t gather(uint64_t tops)
{
    return ((tops >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

INLINE masks masks_portable(const char *bytes)
{
    masks m = {0};

    for (int i = 0; i < 64; i += 8) {
        uint64_t w = rr_csv_word(bytes + i), newline = zeros(w ^ rr_csv_every(0x0A));
        /* below 0x0E, for bytes below 0x80; from 0x80 on their own top bit tells */
        uint64_t low = ~((w & rr_csv_every(0x7F)) + rr_csv_every(0x80 - 0x0E));

        m.comma |= gather(zeros(w ^ rr_csv_every(0x2C))) << i;
        m.newline |= gather(newline) << i;
        m.quote |= gather(zeros(w ^ rr_csv_every(0x22))) << i;
        m.odd |= ((low | w) & rr_csv_every(0x80)) & ~newline;
    }
    return m;
}

INLINE specials specials_portable(const char *bytes)
{
    specials s = {0};

    for (int i = 0; i < 64; i += 8) {
        uint64_t w = rr_csv_word(bytes + i);

        s.cr |= gather(zeros(w ^ rr_csv_every(0x0D))) << i;
        s.nul |= gather(zeros(w)) << i;
        s.high |= w & rr_csv_every(0x80);
    }
    return s;
}

/* Eight at a time whether there are so many or not: a guess that fails costs more than a store. */
INLINE int64_t write_portable(uint64_t mask, uint32_t base, uint32_t *out)
{
    int64_t n = count_bits(mask);

    for (int64_t i = 0; i < n; i += 8) {
        for (int64_t j = i; j < i + 8; j++) {
            out[j] = base + (uint32_t)__builtin_ctzll(mask | UINT64_C(1) << 63);
            mask &= mask - 1;
        }
    }
    return n;
}

/* Each step doubles how many bits below are in the sum. */
INLINE uint64_t xor_portable(uint64_t x)
{
    x ^= x << 1;
    x ^= x << 2;
    x ^= x << 4;
    x ^= x << 8;
    x ^= x << 16;
    x ^= x << 32;
    return x;
}

static void index_portable(const char *bytes, int64_t from, int64_t length, int64_t last,
                           rr_csv_index *index)
{
    make_index(masks_portable, specials_portable, write_portable, xor_portable, bytes, from, length,
               last, index);
}

#ifdef RR_CSV_X86

/* ---------------------------------------------------------------- AVX2 */

#define AVX2 __attribute__((target("avx2,bmi,popcnt,pclmul")))

AVX2 static inline uint64_t equal_avx2(__m256i low, __m256i high, char c)
{
    const __m256i all = _mm256_set1_epi8(c);
    uint64_t first = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all));
    uint64_t second = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, all));

    return first | second << 32;
}

AVX2 static inline masks masks_avx2(const char *bytes)
{
    const __m256i low = _mm256_loadu_si256((const __m256i *)bytes);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(bytes + 32));
    const __m256i newline = _mm256_set1_epi8('\n');
    const __m256i control = _mm256_set1_epi8(14); /* signed: 0x80 and more are below it too */
    __m256i odd = _mm256_or_si256(
        _mm256_andnot_si256(_mm256_cmpeq_epi8(low, newline), _mm256_cmpgt_epi8(control, low)),
        _mm256_andnot_si256(_mm256_cmpeq_epi8(high, newline), _mm256_cmpgt_epi8(control, high)));

    return (masks){.comma = equal_avx2(low, high, ','),
                   .newline = equal_avx2(low, high, '\n'),
                   .quote = equal_avx2(low, high, '"'),
                   .odd = (uint32_t)_mm256_movemask_epi8(odd)};
}

AVX2 static inline specials specials_avx2(const char *bytes)
{
    const __m256i low = _mm256_loadu_si256((const __m256i *)bytes);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(bytes + 32));

    return (specials){.cr = equal_avx2(low, high, '\r'),
                      .nul = equal_avx2(low, high, '\0'),
                      .high = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, high))};
}

/* Without carries a product by ones is the sum of all shifts. */
AVX2 static inline uint64_t xor_avx2(uint64_t mask)
{
    const __m128i ones = _mm_set1_epi8(-1);

    return (uint64_t)_mm_cvtsi128_si64(
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)mask), ones, 0));
}

AVX2 static void index_avx2(const char *bytes, int64_t from, int64_t length, int64_t last,
                            rr_csv_index *index)
{
    make_index(masks_avx2, specials_avx2, write_portable, xor_avx2, bytes, from, length, last,
               index);
}

/* ---------------------------------------------------------------- AVX-512 */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,popcnt,pclmul")))

AVX512 static inline masks masks_avx512(const char *bytes)
{
    const __m512i v = _mm512_loadu_si512(bytes);
    const uint64_t newline = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n'));

    return (masks){.comma = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(',')),
                   .newline = newline,
                   .quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')),
                   .odd = _mm512_cmplt_epi8_mask(v, _mm512_set1_epi8(14)) & ~newline};
}

AVX512 static inline specials specials_avx512(const char *bytes)
{
    const __m512i v = _mm512_loadu_si512(bytes);

    return (specials){.cr = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\r')),
                      .nul = _mm512_testn_epi8_mask(v, v),
                      .high = _mm512_movepi8_mask(v)};
}

AVX512 static inline int64_t write_avx512(uint64_t mask, uint32_t base, uint32_t *out)
{
    const int64_t n = count_bits(mask);
    const __m512i numbers = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i start = _mm512_set1_epi32((int)base);
    const __m512i bits = _mm512_maskz_compress_epi8(mask, numbers);

    _mm512_storeu_si512(
        out, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(bits))));
    if (__builtin_expect(n > 16, 0)) {
        _mm512_storeu_si512(
            out + 16,
            _mm512_add_epi32(start, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(bits, 1))));
        _mm512_storeu_si512(
            out + 32,
            _mm512_add_epi32(start, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(bits, 2))));
        _mm512_storeu_si512(
            out + 48,
            _mm512_add_epi32(start, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(bits, 3))));
    }
    return n;
}

AVX512 static inline uint64_t xor_avx512(uint64_t mask)
{
    return (uint64_t)_mm_cvtsi128_si64(
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)mask), _mm_set1_epi8(-1), 0));
}

AVX512 static void index_avx512(const char *bytes, int64_t from, int64_t length, int64_t last,
                                rr_csv_index *index)
{
    make_index(masks_avx512, specials_avx512, write_avx512, xor_avx512, bytes, from, length, last,
               index);
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("pclmul");
}

#endif

int rr_csv_has_avx512(void)
{
#ifdef RR_CSV_X86
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("pclmul");
#else
    return 0;
#endif
}

rr_status rr_csv_indexer(rr_csv_path path, rr_csv_indexing **make, rr_error *error)
{
    *make = NULL;
    switch (path) {
    case RR_CSV_LIBCSV:
        return RR_OK;
    case RR_CSV_PORTABLE:
        *make = index_portable;
        return RR_OK;
#ifdef RR_CSV_X86
    case RR_CSV_AVX2:
        *make = has_avx2() ? index_avx2 : NULL;
        break;
    case RR_CSV_AVX512:
        *make = rr_csv_has_avx512() ? index_avx512 : NULL;
        break;
    case RR_CSV_FASTEST:
        *make = rr_csv_has_avx512() ? index_avx512 : has_avx2() ? index_avx2 : index_portable;
        break;
#else
    case RR_CSV_FASTEST:
        *make = index_portable;
        break;
    default:
        break;
#endif
    }
    return *make != NULL ? RR_OK
                         : rr_fail(error, RR_ERR_ARGUMENT, "this machine cannot take that path");
}
