#include "columns.h"
#include "internal.h"

#include <string.h>

/* ---------------------------------------------------------------- well-formed UTF-8 */

int64_t rr_utf8_sequence(const uint8_t *bytes, int64_t left)
{
    uint8_t lead = bytes[0], low = 0x80, high = 0xBF;
    int64_t length;

    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return 0;
    }
    length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (left < length) {
        return 0;
    }
    if (lead == 0xE0) {
        low = 0xA0;
    } else if (lead == 0xED) {
        high = 0x9F;
    } else if (lead == 0xF0) {
        low = 0x90;
    } else if (lead == 0xF4) {
        high = 0x8F;
    }
    if (bytes[1] < low || bytes[1] > high) {
        return 0;
    }
    for (int64_t i = 2; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return length;
}

/* ---------------------------------------------------------------- comparisons */

void rr_text_compare(const rr_text *text, const uint8_t *value, int64_t length, int8_t *order)
{
    for (int64_t i = 0; i < text->n; i++) {
        int64_t start = text->offsets[i], own = text->offsets[i + 1] - start;
        int64_t common = own < length ? own : length;
        int sign;

        if (text->valid != NULL && !text->valid[i]) {
            order[i] = 2;
            continue;
        }
        /* The order of UTF-8 bytes is the order of code points. */
        sign = common == 0 ? 0 : memcmp(text->data + start, value, (size_t)common);
        if (sign == 0) {
            sign = (own > length) - (own < length);
        }
        order[i] = (int8_t)((sign > 0) - (sign < 0));
    }
}

void rr_text_equal(const rr_text *a, const rr_text *b, uint8_t *same)
{
    for (int64_t i = 0; i < a->n; i++) {
        int64_t start = a->offsets[i], length = a->offsets[i + 1] - start;
        int64_t other = b->offsets[i];

        same[i] = (uint8_t)((a->valid == NULL || a->valid[i]) &&
                            (b->valid == NULL || b->valid[i]) &&
                            b->offsets[i + 1] - other == length &&
                            memcmp(a->data + start, b->data + other, (size_t)length) == 0);
    }
}

/* ---------------------------------------------------------------- rows of a column */

rr_status rr_text_take_offsets(const rr_text *text, const int64_t *rows, int64_t m,
                               int64_t *out_offsets, uint8_t *out_valid, rr_error *error)
{
    int64_t at = 0;

    out_offsets[0] = 0;
    for (int64_t i = 0; i < m; i++) {
        int64_t row = rows[i], length;

        if (row < 0 || row >= text->n) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "a row to take is not in the column");
        }
        length = text->offsets[row + 1] - text->offsets[row];
        if (length > INT64_MAX - at) {
            return rr_fail(error, RR_ERR_TOO_LARGE, "too much text");
        }
        at += length;
        out_offsets[i + 1] = at;
        if (out_valid != NULL) {
            out_valid[i] = text->valid == NULL || text->valid[row];
        }
    }
    return RR_OK;
}

rr_status rr_text_take_data(const rr_text *text, const int64_t *rows, int64_t m, uint8_t *out_data,
                            int64_t length, rr_error *error)
{
    int64_t at = 0;

    for (int64_t i = 0; i < m; i++) {
        int64_t row = rows[i], own;

        if (row < 0 || row >= text->n) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "a row to take is not in the column");
        }
        own = text->offsets[row + 1] - text->offsets[row];
        if (own > length - at) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "no room for the data");
        }
        memcpy(out_data + at, text->data + text->offsets[row], (size_t)own);
        at += own;
    }
    return RR_OK;
}
