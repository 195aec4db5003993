/* Columns out of positions: the second phase.
 *
 * Idea. Field c of record r ends at ends[r * n_columns + c] and begins behind the end before it, so a
 * column is one loop with a stride and no state, in which nothing depends on the row before but the
 * place where a text is put. Every loop has a short way for what nearly all fields look like, eight
 * digits or characters in one 64-bit word, and leaves the rest to the same function that reads the
 * fields of libcsv; a field that this function refuses ends the run, and libcsv takes the record.
 *
 * Cost. The positions and the block are in L2, the rows of a block too. FIELDS_MEASURED */
#include "csv_internal.h"

#include <math.h>
#include <stdlib.h>

typedef struct field {
    const char *bytes;
    int64_t length;
} field;

/* The field that ends at *end; `trim` as in rr_csv_run for a record's last field, else 0. */
static inline field field_at(const rr_csv_run *run, const uint32_t *end, int64_t trim)
{
    const char *bytes = run->bytes + end[-1] + 1;
    int64_t quote = run->quoted & (*bytes == '"');

    return (field){.bytes = bytes + quote,
                   .length = (int64_t)end[0] - (int64_t)end[-1] - 1 - trim - 2 * quote};
}

/* The top bit of a byte is set where it is not 0 to 9. */
static inline uint64_t no_digits(uint64_t word)
{
    return ((word + rr_csv_every(0x80 - 10)) | word) & rr_csv_every(0x80);
}

/* ---------------------------------------------------------------- dates */

/* For each year 0 to 9999, 16 entries of which 1 to 12 are months: the day before the first of the
 * month, counted from FIRST_DAY, times 32, plus the number of its days. 0: not worked out yet, or
 * no month. What a table of cases touches of this is a line of the cache for a year. */
enum { MONTHS = 160000, FIRST_DAY = -800000 };

static int64_t first_of(int64_t year, int month)
{
    return rr_day_of((rr_date){.year = year, .month = month, .day = 1});
}

/* Remembers the month of a day that exists. */
static void remember_month(uint32_t *months, int64_t day)
{
    rr_date date = rr_date_of(day);
    int64_t first = day - date.day + 1;
    int64_t next = date.month == 12 ? first_of(date.year + 1, 1)
                                    : first_of(date.year, date.month + 1);

    months[16 * date.year + date.month] = (uint32_t)(first - 1 - FIRST_DAY) << 5 |
                                          (uint32_t)(next - first);
}

/* The day of ten bytes YYYY-MM-DD; 0 if they are none, or of a month not met before. */
static inline int iso_day(const uint32_t *months, const char *bytes, int64_t *day)
{
    /* Digits become 0 to 9 and hyphens 0; the second word begins at the third byte. */
    uint64_t front = rr_csv_word(bytes) ^ UINT64_C(0x2D30302D30303030);
    uint64_t back = rr_csv_word(bytes + 2) ^ UINT64_C(0x30302D30302D3030);
    uint64_t wrong = ((front + UINT64_C(0x7F76767F76767676)) | front |
                      (back + UINT64_C(0x76767F76767F7676)) | back) &
                     rr_csv_every(0x80);
    uint64_t pairs = 10 * front + (front >> 8); /* byte i: digit i and digit i + 1 as a number */
    uint64_t year = 100 * (pairs & 0xFF) + (pairs >> 16 & 0xFF), month = pairs >> 40 & 0xFF;
    uint64_t of_month = 10 * (back >> 48 & 0xFF) + (back >> 56);
    uint32_t entry;

    if (wrong | (month > 12)) {
        return 0;
    }
    entry = months[16 * year + month];
    *day = (int64_t)(entry >> 5) + FIRST_DAY + (int64_t)of_month;
    return of_month - 1 < (entry & 31);
}

static rr_status add_dates(rr_csv_rows *rows, rr_csv_builder *b, const rr_csv_run *run,
                           const uint32_t *end, int64_t trim, int64_t *n)
{
    int64_t *values = (int64_t *)b->column.values + b->n;
    const int64_t short_way = rows->format->iso ? 10 : -1;

    if (rows->months == NULL) {
        rows->months = calloc(MONTHS, sizeof *rows->months);
        if (rows->months == NULL) {
            return RR_ERR_MEMORY;
        }
    }
    for (int64_t i = 0; i < *n; i++, end += rows->n_columns) {
        field f = field_at(run, end, trim);

        if (f.length == short_way && iso_day(rows->months, f.bytes, &values[i])) {
            continue;
        }
        if (f.length == 0) {
            values[i] = RR_NULL_DAY;
        } else if (rr_csv_date_read(rows->format, f.bytes, f.length, &values[i]) != NULL) {
            *n = i;
        } else {
            remember_month(rows->months, values[i]);
        }
    }
    return RR_OK;
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

static int64_t add_int64s(rr_csv_rows *rows, rr_csv_builder *b, const rr_csv_run *run,
                          const uint32_t *end, int64_t trim, int64_t n)
{
    int64_t *values = (int64_t *)b->column.values + b->n;
    uint8_t *valid = b->column.valid + b->n;

    for (int64_t i = 0; i < n; i++, end += rows->n_columns) {
        field f = field_at(run, end, trim);
        uint64_t value = 0;

        valid[i] = f.length > 0;
        if (f.length == 0 || plain_digits(f.bytes, f.length, &value)) {
            values[i] = (int64_t)value;
        } else if (rr_csv_int64_read(f.bytes, f.length, &values[i]) != NULL) {
            return i;
        }
    }
    return n;
}

static int64_t add_bools(rr_csv_rows *rows, rr_csv_builder *b, const rr_csv_run *run,
                         const uint32_t *end, int64_t trim, int64_t n)
{
    uint8_t *values = (uint8_t *)b->column.values + b->n, *valid = b->column.valid + b->n;

    for (int64_t i = 0; i < n; i++, end += rows->n_columns) {
        field f = field_at(run, end, trim);

        valid[i] = f.length > 0;
        if (f.length == 1 && (f.bytes[0] == '0' || f.bytes[0] == '1')) {
            values[i] = (uint8_t)(f.bytes[0] - '0');
        } else if (f.length == 0) {
            values[i] = 0;
        } else if (rr_csv_bool_read(f.bytes, f.length, &values[i]) != NULL) {
            return i;
        }
    }
    return n;
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

static int64_t add_float64s(rr_csv_rows *rows, rr_csv_builder *b, const rr_csv_run *run,
                            const uint32_t *end, int64_t trim, int64_t n)
{
    double *values = (double *)b->column.values + b->n;

    for (int64_t i = 0; i < n; i++, end += rows->n_columns) {
        field f = field_at(run, end, trim);

        if (f.length == 0) {
            values[i] = NAN;
        } else if (!plain_decimal(f.bytes, f.length, &values[i]) &&
                   rr_csv_float64_read(f.bytes, f.length, rows->plain, &values[i]) != NULL) {
            return i;
        }
    }
    return n;
}

/* ---------------------------------------------------------------- text and categories */

static int has_high(field f)
{
    unsigned char all = 0;

    for (int64_t i = 0; i < f.length; i++) {
        all |= (unsigned char)f.bytes[i];
    }
    return all >= 0x80;
}

static rr_status add_texts(rr_csv_rows *rows, rr_csv_builder *b, const rr_csv_run *run,
                           const uint32_t *end, int64_t trim, int64_t *n)
{
    const rr_csv_encoding encoding = rows->options->encoding;
    const uint32_t *last = end + (*n - 1) * rows->n_columns;
    int64_t *offsets = b->column.offsets + b->n, used = offsets[0];
    uint8_t *valid = b->column.valid + b->n;
    char *data;

    /* What the run is long, and up to 16 bytes beyond each end. */
    if (rr_csv_builder_reserve_data(
            b, used, RR_CSV_GROWTH * ((int64_t)*last - (int64_t)end[-1]) + 16) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    data = b->column.data;
    for (int64_t i = 0; i < *n; i++, end += rows->n_columns) {
        field f = field_at(run, end, trim);

        valid[i] = f.length > 0;
        if (run->high && has_high(f)) {
            int64_t written = rr_csv_utf8(encoding, f.bytes, f.length, data + used);

            if (written < 0) {
                *n = i;
                break;
            }
            used += written;
        } else {
            for (int64_t at = 0; at < f.length; at += 16) {
                memcpy(data + used + at, f.bytes + at, 16);
            }
            used += f.length;
        }
        offsets[i + 1] = used;
    }
    return RR_OK;
}

/* The first `n` bytes of a word, up to 8. */
static inline uint64_t first_bytes(uint64_t word, int64_t n)
{
    return n >= 8 ? word : word & ((UINT64_C(1) << 8 * n) - 1);
}

/* A few hundred values are met again and again: each has a slot that its bytes alone choose. Two that
 * share one push each other out, and the table of the builder finds them. */
static rr_status add_categories(rr_csv_rows *rows, rr_csv_builder *b, const rr_csv_run *run,
                                const uint32_t *end, int64_t trim, int64_t *n)
{
    const int64_t before = b->n;
    int32_t *codes = (int32_t *)b->column.values + before;

    if (b->recent == NULL) {
        b->recent = calloc(RR_CSV_RECENT, sizeof *b->recent);
        if (b->recent == NULL) {
            return RR_ERR_MEMORY;
        }
    }
    for (int64_t i = 0; i < *n; i++, end += rows->n_columns) {
        field f = field_at(run, end, trim);
        uint64_t low = first_bytes(rr_csv_word(f.bytes), f.length), high = 0;
        rr_csv_recent *slot;
        rr_status status;
        int64_t bad;

        if (f.length == 0) {
            codes[i] = -1;
            continue;
        }
        if (f.length > 8) {
            high = first_bytes(rr_csv_word(f.bytes + 8), f.length - 8);
        }
        slot = &b->recent[((low ^ high << 1) * UINT64_C(0x9E3779B97F4A7C15)) >> 52];
        if (f.length <= 16 && slot->low == low && slot->high == high) {
            codes[i] = slot->code;
            continue;
        }
        b->n = before + i;
        status = rr_csv_add_category(b, rows->options->encoding, f.bytes, f.length, run->high,
                                     &bad);
        if (status != RR_OK) {
            return status;
        }
        if (bad >= 0) {
            *n = i;
            break;
        }
        if (f.length <= 16) {
            *slot = (rr_csv_recent){.low = low, .high = high, .code = codes[i]};
        }
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- a run */

/* Adds column `c` for the first *n records, or so many as are right. */
static rr_status add_column(rr_csv_rows *rows, int64_t c, const rr_csv_run *run, int64_t *n)
{
    rr_csv_builder *b = &rows->columns[c];
    const uint32_t *end = run->ends + c;
    const int64_t trim = c == rows->n_columns - 1 ? run->trim : 0;

    switch (b->column.kind) {
    case RR_CSV_DATE:
        return add_dates(rows, b, run, end, trim, n);
    case RR_CSV_INT64:
        *n = add_int64s(rows, b, run, end, trim, *n);
        break;
    case RR_CSV_FLOAT64:
        *n = add_float64s(rows, b, run, end, trim, *n);
        break;
    case RR_CSV_BOOL:
        *n = add_bools(rows, b, run, end, trim, *n);
        break;
    case RR_CSV_TEXT:
        return add_texts(rows, b, run, end, trim, n);
    case RR_CSV_CATEGORY:
        return add_categories(rows, b, run, end, trim, n);
    case RR_CSV_SKIP:
        break;
    }
    return RR_OK;
}

rr_status rr_csv_rows_add(rr_csv_rows *rows, const rr_csv_run *run, int64_t *added)
{
    int64_t n = run->n;
    rr_status status;

    *added = 0;
    status = rr_csv_make_room(rows->columns, rows->n_columns, rows->rows + n, &rows->room);
    for (int64_t c = 0; status == RR_OK && n > 0 && c < rows->n_columns; c++) {
        rows->columns[c].n = rows->rows;
        status = add_column(rows, c, run, &n);
    }
    if (status != RR_OK) {
        return rr_csv_rows_fail(rows, status);
    }
    rows->rows += n;
    rows->seen += n;
    for (int64_t c = 0; c < rows->n_columns; c++) {
        rows->columns[c].n = rows->rows;
        if (rows->columns[c].column.kind == RR_CSV_TEXT) {
            rows->columns[c].column.n_strings = rows->rows;
        }
    }
    *added = n;
    return RR_OK;
}
