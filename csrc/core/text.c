#include "columns.h"
#include "internal.h"

#include <string.h>

rr_status rr_fail_row(rr_error *error, rr_status status, int64_t row, const char *message)
{
    status = rr_fail(error, status, "%s", message);
    if (error != NULL) {
        error->row = row;
    }
    return status;
}

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

static int is_ascii(const uint8_t *bytes, int64_t length)
{
    uint64_t high = 0;
    int64_t i = 0;

    for (; i + 8 <= length; i += 8) {
        uint64_t word;

        memcpy(&word, bytes + i, 8);
        high |= word;
    }
    for (; i < length; i++) {
        high |= bytes[i];
    }
    return (high & UINT64_C(0x8080808080808080)) == 0;
}

rr_status rr_text_check_offsets(const rr_text *text, int64_t data_length, rr_error *error)
{
    const int64_t *offsets = text->offsets;
    int falls = 0;

    for (int64_t i = 0; i < text->n; i++) {
        falls |= offsets[i + 1] < offsets[i];
    }
    for (int64_t i = 0; falls && i < text->n; i++) {
        if (offsets[i + 1] < offsets[i]) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i,
                               "the offsets of a text column must not fall");
        }
    }
    if (offsets[0] < 0 || offsets[text->n] > data_length) {
        return rr_fail(error, RR_ERR_ARGUMENT, "the offsets of a text column leave its data");
    }
    return RR_OK;
}

rr_status rr_text_check_utf8(const rr_text *text, rr_error *error)
{
    const int64_t *offsets = text->offsets;

    if (is_ascii(text->data + offsets[0], offsets[text->n] - offsets[0])) {
        return RR_OK;
    }
    for (int64_t i = 0; i < text->n; i++) {
        int64_t at = offsets[i], end = offsets[i + 1];

        if (text->valid != NULL && !text->valid[i]) { /* what lies under a null is anything */
            continue;
        }
        while (at < end) {
            int64_t step = rr_utf8_sequence(text->data + at, end - at);

            if (step == 0) {
                rr_status status = rr_fail_row(error, RR_ERR_VALUE, i, "not well-formed UTF-8");

                rr_fail_value(error, (const char *)text->data + offsets[i], end - offsets[i]);
                return status;
            }
            at += step;
        }
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- blank values */

static int is_space(uint32_t c)
{
    if (c < 0x80) {
        return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
    }
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static int is_blank(const uint8_t *bytes, int64_t length)
{
    int64_t i = 0;

    while (i < length) {
        uint32_t c = bytes[i];
        int64_t step = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

        if (step == 4 || step > length - i) { /* no space lies beyond the basic plane */
            return 0;
        }
        if (step == 2) {
            c = (c & 0x1F) << 6 | (bytes[i + 1] & 0x3F);
        } else if (step == 3) {
            c = (c & 0x0F) << 12 | (uint32_t)(bytes[i + 1] & 0x3F) << 6 | (bytes[i + 2] & 0x3F);
        }
        if (!is_space(c)) {
            return 0;
        }
        i += step;
    }
    return 1;
}

void rr_text_present(const rr_text *text, uint8_t *present, int64_t *blank)
{
    int64_t count = 0;

    for (int64_t i = 0; i < text->n; i++) {
        int64_t start = text->offsets[i];
        int valid = text->valid == NULL || text->valid[i];
        int empty = is_blank(text->data + start, text->offsets[i + 1] - start);

        count += valid && empty;
        present[i] = (uint8_t)(valid && !empty);
    }
    *blank = count;
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
