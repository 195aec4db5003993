/* Columns as they are given, turned into those that the rest of the core takes: a part of the core's
 * interface, for which the rules of rereferral.h hold. */
#ifndef RR_COLUMNS_H
#define RR_COLUMNS_H

#include "rereferral.h"

/* ---------------------------------------------------------------- days and whole numbers */

/* Ticks since 1970-01-01T00:00, `per_day` (>= 1) of them in a day, INT64_MIN being null, to days.
 * `days` may be NULL (only checked) and may be `ticks` itself. RR_ERR_VALUE names the first row with
 * a time of day other than midnight, RR_ERR_DAY_RANGE the first row outside the range of days. */
rr_status rr_days_from_ticks(const int64_t *ticks, int64_t n, int64_t per_day, int64_t *days,
                             rr_error *error) RR_MUST_CHECK;

/* Checks n days as rr_days_from_ticks does, without writing any, and says their range. */
rr_status rr_days_range(const rr_days *days, int64_t n, rr_day_range *range, const rr_call *call,
                        rr_error *error) RR_MUST_CHECK;

/* The least and the greatest of the numbers that are valid (NULL: all), and how many are; INT64_MAX and
 * INT64_MIN where none is. */
rr_status rr_number_range(const int64_t *numbers, const uint8_t *valid, int64_t n, int64_t *least,
                          int64_t *most, int64_t *n_valid, const rr_call *call,
                          rr_error *error) RR_MUST_CHECK;

/* Doubles that hold whole numbers to integers. NaN is null: `valid` 0 and `values` 0. `nulls` counts
 * them. RR_ERR_VALUE names the first row that is not whole or is beyond +-2^53. */
rr_status rr_whole_from_double(const double *numbers, int64_t n, int64_t *values, uint8_t *valid,
                               int64_t *nulls, rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- text
 *
 * A text column of n values is `offsets` (n + 1 of them), UTF-8 `data`, and `valid` (1 = present,
 * NULL: all present). Value i is data[offsets[i]] to data[offsets[i + 1]]. */

typedef struct rr_text {
    const int64_t *offsets;
    const uint8_t *data;
    const uint8_t *valid;
    int64_t n;
    const int32_t *offsets_32; /* in place of `offsets` where that is NULL: for rr_text_check and
                                   rr_text_codes alone */
} rr_text;

/* Checks that offsets start at 0 or later, never fall, and end inside `data_length` bytes.
 * RR_ERR_ARGUMENT names the row. */
rr_status rr_text_check_offsets(const rr_text *text, int64_t data_length,
                                rr_error *error) RR_MUST_CHECK;

/* The same, and that every value that is not null is well-formed UTF-8: RR_ERR_VALUE names the row.
 * *blank counts the values that are there and hold nothing but white space (as Unicode has it: what
 * Python's str.isspace calls so), or nothing at all. */
rr_status rr_text_check(const rr_text *text, int64_t data_length, int64_t *blank,
                        const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* Whether n bytes are all ASCII above the space: of such no value is blank. */
int rr_text_is_visible(const uint8_t *bytes, int64_t n);

/* present[i] = 1 where the value is there and not blank; *blank as above. Of a checked column. */
rr_status rr_text_present(const rr_text *text, uint8_t *present, int64_t *blank,
                          const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* Texts of `width` characters each, padded with NUL, in bytes or, where that is NULL, in UTF-32. *ascii: 0
 * where there is any other character, and nothing else is told. *blank, and `present` unless it is NULL,
 * as above. */
typedef struct rr_fixed_text {
    const uint8_t *bytes;
    const uint32_t *wide;
    int64_t width;
    const uint8_t *valid; /* NULL: all */
    int64_t n;
} rr_fixed_text;

rr_status rr_fixed_text_check(const rr_fixed_text *text, uint8_t *present, int64_t *blank,
                              int *ascii, const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* found[i] = 1 where value i is one of `values`, of which nulls are ignored. Null is never found. */
rr_status rr_text_isin(const rr_text *text, const rr_text *values, uint8_t *found,
                       rr_error *error) RR_MUST_CHECK;

/* order[i] = -1, 0, 1: value i is before, the same as, after the one of `length` bytes at `value`, by
 * code point; 2 where it is null. */
void rr_text_compare(const rr_text *text, const uint8_t *value, int64_t length, int8_t *order);

/* Codes 0, 1, ... in the order of first appearance, -1 for null. `distinct` is how many codes there
 * are. Checks the offsets as rr_text_check_offsets; RR_ERR_TOO_LARGE beyond 2^31 - 1 codes. */
rr_status rr_text_codes(const rr_text *text, int64_t data_length, int32_t *codes, int64_t *distinct,
                        const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* The rows of a column in the order of their values, by code point; equal values in the order of
 * their rows, null last. `order` has n elements. */
rr_status rr_text_order(const rr_text *text, int64_t *order, const rr_call *call,
                        rr_error *error) RR_MUST_CHECK;

/* The row on which each of rr_text_codes' `distinct` codes appears first. */
rr_status rr_first_rows(const int32_t *codes, int64_t n, int64_t distinct, int64_t *rows,
                        rr_error *error) RR_MUST_CHECK;

/* The values of the rows `rows` (m of them, each in [0, n), or RR_ERR_ARGUMENT): first the offsets
 * (m + 1, from 0) and, unless NULL, `valid`; then the data, of which there are `length` =
 * out_offsets[m] bytes. */
rr_status rr_text_take_offsets(const rr_text *text, const int64_t *rows, int64_t m,
                               int64_t *out_offsets, uint8_t *out_valid,
                               rr_error *error) RR_MUST_CHECK;
rr_status rr_text_take_data(const rr_text *text, const int64_t *rows, int64_t m, uint8_t *out_data,
                            int64_t length, rr_error *error) RR_MUST_CHECK;

typedef enum rr_form_kind {
    RR_FORM_UCS4,  /* `width` UTF-32 characters a value, padded with NUL */
    RR_FORM_BYTES, /* `width` bytes a value, padded with NUL, which rr_text_check then judges */
    RR_FORM_VIEWS /* string views of 16 bytes, as Arrow lays them out: the length in 4 bytes; up to 12
                      bytes of text, or 4 bytes of prefix, the number of a buffer and an offset into it */
} rr_form_kind;

/* n values in another layout. */
typedef struct rr_text_form {
    rr_form_kind kind;
    const void *values;
    int64_t n;
    int64_t width;
    /* of views */
    const uint8_t *valid; /* 0: null, and empty; NULL: all present */
    const uint8_t *const *buffers;
    const int64_t *buffer_lengths;
    int64_t n_buffers;
} rr_text_form;

/* The values as a column: first the offsets (n + 1, from 0), then the data, `length` = offsets[n]
 * bytes. RR_ERR_VALUE names a row with something that is not a character, or whose view leaves the
 * buffers; RR_ERR_ARGUMENT is for other offsets than those of the first call. */
rr_status rr_text_form_offsets(const rr_text_form *form, int64_t *offsets, const rr_call *call,
                               rr_error *error) RR_MUST_CHECK;
rr_status rr_text_form_data(const rr_text_form *form, const int64_t *offsets, uint8_t *data,
                            int64_t length, const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* same[i] = 1 where both columns, of one length, hold the same value; null is the same as nothing. */
void rr_text_equal(const rr_text *a, const rr_text *b, uint8_t *same);

#endif
