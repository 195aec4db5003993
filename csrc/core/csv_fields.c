/* Columns out of positions: the second phase.
 *
 * Idea. Field c of record r ends at ends[r * n_columns + c] and begins behind the end before it, so a
 * column is one loop with a stride and no state, in which nothing depends on the row before but the
 * place where a text is put. Every loop has a short way for what nearly all fields look like, eight
 * digits or characters in one 64-bit word, and leaves the rest to the same function that reads the
 * fields of libcsv; a field that this function refuses ends the run, and libcsv takes the record.
 *
 * Cost. The positions and the block are in L2, the rows of a block too. One core of a server of 2023: 3 ns
 * for a category, 3 for a text of 12 bytes, 1 for a bool; dates are in csv_iso.c. To look for a category
 * in four slots, so that no two values push each other out, was not faster. Nor was it to cut a value
 * off by a table of masks in place of shifts and branches, nor to take all columns of 256 records before
 * the next, so that positions and bytes stay in L1. */
#include "csv_fields.h"

#include <math.h>
#include <stdlib.h>

/* The top bit of a byte is set where it is not 0 to 9. */
static inline uint64_t no_digits(uint64_t word)
{
    return ((word + rr_csv_every(0x80 - 10)) | word) & rr_csv_every(0x80);
}

/* ---------------------------------------------------------------- dates */

RR_INLINE int64_t add_dates(rr_csv_rows *rows, rr_csv_builder *b, rr_csv_fields c)
{
    const int64_t unit = rr_csv_date_unit(rows->options);
    int64_t *values = (int64_t *)b->column.values + b->n;

    for (int64_t i = 0; i < c.n; i += 64) {
        rr_csv_fields some = c;
        uint64_t left;

        some.ends += i * c.stride;
        some.n = c.n - i < 64 ? c.n - i : 64;
        left = rows->format->iso ? rows->dates_of(some, unit, values + i)
                                 : ~UINT64_C(0) >> (64 - some.n);
        for (; left != 0; left &= left - 1) {
            const int64_t at = i + __builtin_ctzll(left);
            rr_csv_field f = rr_csv_field_of(c, at);

            if (f.length == 0) {
                values[at] = RR_NULL_DAY;
            } else if (rr_csv_date_read(rows->format, f.bytes, f.length, &values[at]) != NULL) {
                return at;
            } else {
                values[at] *= unit;
            }
        }
    }
    return c.n;
}

/* ---------------------------------------------------------------- numbers */

/* The number of 1 to 8 digits before `end`; *wrong is not 0 afterwards if they are no digits. */
static inline uint64_t eight_digits(const char *end, int64_t n, uint64_t *wrong)
{
    uint64_t word = (rr_csv_word(end - 8) ^ rr_csv_every('0')) & (~UINT64_C(0) << (64 - 8 * n));
    const uint64_t every_other = UINT64_C(0x000000FF000000FF);

    *wrong |= no_digits(word);
    word = 10 * word + (word >> 8); /* pairs, then fours and all eight by two products */
    return ((word & every_other) * (100 + (UINT64_C(1000000) << 32)) +
            (word >> 16 & every_other) * (1 + (UINT64_C(10000) << 32))) >>
           32;
}

/* At most 16 digits and nothing else. */
static inline int plain_digits(const char *bytes, int64_t length, uint64_t *value)
{
    uint64_t wrong = 0;

    if (length < 1 || length > 16) {
        return 0;
    }
    if (length <= 8) {
        *value = eight_digits(bytes + length, length, &wrong);
    } else {
        *value = 100000000 * eight_digits(bytes + length - 8, length - 8, &wrong);
        *value += eight_digits(bytes + length, 8, &wrong);
    }
    return wrong == 0;
}

RR_INLINE int64_t add_int64s(rr_csv_builder *b, rr_csv_fields c)
{
    int64_t *values = (int64_t *)b->column.values + b->n, i = 0;
    uint8_t *valid = b->column.valid + b->n;

    for (; i < c.n; i++) {
        rr_csv_field f = rr_csv_field_of(c, i);
        uint64_t value = 0;

        valid[i] = f.length > 0;
        if (f.length == 0 || plain_digits(f.bytes, f.length, &value)) {
            values[i] = (int64_t)value;
        } else if (rr_csv_int64_read(f.bytes, f.length, &values[i]) != NULL) {
            break;
        }
    }
    return i;
}

RR_INLINE int64_t add_bools(rr_csv_builder *b, rr_csv_fields c)
{
    uint8_t *values = (uint8_t *)b->column.values + b->n, *valid = b->column.valid + b->n;
    int64_t i = 0;

    for (; i < c.n; i++) {
        rr_csv_field f = rr_csv_field_of(c, i);

        valid[i] = f.length > 0;
        if (f.length == 1 && (f.bytes[0] == '0' || f.bytes[0] == '1')) {
            values[i] = (uint8_t)(f.bytes[0] - '0');
        } else if (f.length == 0) {
            values[i] = 0;
        } else if (rr_csv_bool_read(f.bytes, f.length, &values[i]) != NULL) {
            break;
        }
    }
    return i;
}

/* Digits with a point among them: a whole number below 10^15 over a power of ten up to 10^15 are both
 * doubles, so that one division rounds once, as strtod does. */
static int plain_decimal(const char *bytes, int64_t length, double *value)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const int64_t sign = bytes[0] == '-';
    int64_t sum = 0, after = 0;
    int point = 0;

    if (length - sign < 1 || length - sign > 15) {
        return 0;
    }
    for (int64_t i = sign; i < length; i++) {
        unsigned digit = (unsigned)(unsigned char)bytes[i] - '0';

        if (digit <= 9) {
            sum = 10 * sum + digit;
            after += point;
        } else if (bytes[i] == '.' && !point && length - sign > 1) {
            point = 1;
        } else {
            return 0;
        }
    }
    *value = (double)sum / powers[after];
    *value = sign ? -*value : *value;
    return 1;
}

RR_INLINE int64_t add_float64s(rr_csv_rows *rows, rr_csv_builder *b, rr_csv_fields c)
{
    double *values = (double *)b->column.values + b->n;
    int64_t i = 0;

    for (; i < c.n; i++) {
        rr_csv_field f = rr_csv_field_of(c, i);

        if (f.length == 0) {
            values[i] = NAN;
        } else if (!plain_decimal(f.bytes, f.length, &values[i]) &&
                   rr_csv_float64_read(f.bytes, f.length, rows->plain, &values[i]) != NULL) {
            break;
        }
    }
    return i;
}

/* ---------------------------------------------------------------- text and categories */

/* The first `n` bytes of a word, up to 8. */
static inline uint64_t first_bytes(uint64_t word, int64_t n)
{
    return n >= 8 ? word : word & ((UINT64_C(1) << 8 * n) - 1);
}

static int has_high(rr_csv_field f)
{
    uint64_t all = 0;

    for (int64_t at = 0; at < f.length; at += 8) {
        all |= first_bytes(rr_csv_word(f.bytes + at), f.length - at);
    }
    return (all & rr_csv_every(0x80)) != 0;
}

RR_INLINE int64_t add_texts(rr_csv_rows *rows, rr_csv_builder *b, rr_csv_fields c)
{
    const rr_csv_encoding encoding = rows->options->encoding;
    const int64_t longest = c.ends[(c.n - 1) * c.stride] - (int64_t)c.ends[-1];
    int64_t *offsets = b->column.offsets + b->n, used = offsets[0], i = 0;
    uint8_t *valid = b->column.valid + b->n;
    char *data;

    /* All that the run holds, and up to 16 bytes beyond the last. */
    if (rr_csv_builder_reserve_data(b, used, RR_CSV_GROWTH * longest + 16) != RR_OK) {
        rows->status = RR_ERR_MEMORY;
        return 0;
    }
    data = b->column.data;
    for (; i < c.n; i++) {
        rr_csv_field f = rr_csv_field_of(c, i);

        valid[i] = f.length > 0;
        if (c.high && has_high(f)) {
            int64_t written = rr_csv_utf8(encoding, f.bytes, f.length, data + used);

            if (written < 0) {
                break;
            }
            used += written;
        } else {
            memcpy(data + used, f.bytes, 16);
            for (int64_t at = 16; at < f.length; at += 16) {
                memcpy(data + used + at, f.bytes + at, 16);
            }
            used += f.length;
        }
        offsets[i + 1] = used;
    }
    return i;
}

/* A few hundred values are met again and again: each has a slot that its bytes alone choose. Two that
 * share one push each other out, and the table of the builder finds them. */
RR_INLINE int64_t add_categories(rr_csv_rows *rows, rr_csv_builder *b, rr_csv_fields c)
{
    const int64_t before = b->n;
    int32_t *codes = (int32_t *)b->column.values + before;
    rr_csv_recent *recent = b->recent;
    int64_t i = 0;

    if (recent == NULL) {
        recent = b->recent = calloc(RR_CSV_RECENT, sizeof *b->recent);
        if (recent == NULL) {
            rows->status = RR_ERR_MEMORY;
            return 0;
        }
    }
    for (; i < c.n; i++) {
        rr_csv_field f = rr_csv_field_of(c, i);
        uint64_t low = first_bytes(rr_csv_word(f.bytes), f.length), high = 0;
        rr_csv_recent *slot;
        int64_t bad;

        if (f.length == 0) {
            codes[i] = -1;
            continue;
        }
        if (f.length > 8) {
            high = first_bytes(rr_csv_word(f.bytes + 8), f.length - 8);
        }
        slot = &recent[((low ^ high << 1) * UINT64_C(0x9E3779B97F4A7C15)) >> 52];
        if (f.length <= 16 && slot->low == low && slot->high == high) {
            codes[i] = slot->code;
            continue;
        }
        b->n = before + i;
        rows->status = rr_csv_add_category(b, rows->options->encoding, f.bytes, f.length, c.high,
                                           &bad);
        if (rows->status != RR_OK || bad >= 0) {
            break;
        }
        if (f.length <= 16) {
            *slot = (rr_csv_recent){.low = low, .high = high, .code = codes[i]};
        }
    }
    return i;
}

/* ---------------------------------------------------------------- a run */

/* Adds a column for the first of c.n records; returns for how many. */
RR_INLINE int64_t add_fields(rr_csv_rows *rows, rr_csv_builder *b, rr_csv_fields c)
{
    switch (b->column.kind) {
    case RR_CSV_DATE:
        return add_dates(rows, b, c);
    case RR_CSV_INT64:
        return add_int64s(b, c);
    case RR_CSV_FLOAT64:
        return add_float64s(rows, b, c);
    case RR_CSV_BOOL:
        return add_bools(b, c);
    case RR_CSV_TEXT:
        return add_texts(rows, b, c);
    case RR_CSV_CATEGORY:
        return add_categories(rows, b, c);
    case RR_CSV_SKIP:
        break;
    }
    return c.n;
}

/* A loop of its own where there are neither quotes nor high bytes: all eight columns of such a file
 * then take a tenth less. */
static int64_t add_column(rr_csv_rows *rows, rr_csv_builder *b, rr_csv_fields c)
{
    if (c.quoted || c.high) {
        return add_fields(rows, b, c);
    }
    c.quoted = c.high = 0;
    return add_fields(rows, b, c);
}

rr_status rr_csv_rows_add(rr_csv_rows *rows, const rr_csv_run *run, int64_t *added)
{
    const int64_t stride = rows->n_columns;
    int64_t n = run->n;

    *added = 0;
    rows->status = rr_csv_make_room(rows->columns, stride, rows->rows + n, &rows->room);
    for (int64_t i = 0; rows->status == RR_OK && n > 0 && i < stride; i++) {
        rows->columns[i].n = rows->rows;
        n = add_column(rows, &rows->columns[i],
                       (rr_csv_fields){.bytes = run->bytes,
                                       .ends = run->ends + i,
                                       .stride = stride,
                                       .trim = i == stride - 1 ? run->trim : 0,
                                       .n = n,
                                       .quoted = run->quoted,
                                       .high = run->high});
    }
    if (rows->status != RR_OK) {
        return rr_csv_rows_fail(rows, rows->status);
    }
    rows->rows += n;
    rows->seen += n;
    for (int64_t i = 0; i < stride; i++) {
        rows->columns[i].n = rows->rows;
        if (rows->columns[i].column.kind == RR_CSV_TEXT) {
            rows->columns[i].column.n_strings = rows->rows;
        }
    }
    *added = n;
    return RR_OK;
}
