#include "internal.h"

#include <stdlib.h>
#include <string.h>

static rr_status fail_row(rr_error *error, rr_status status, int64_t row, const char *message)
{
    status = rr_fail(error, status, "%s", message);
    if (error != NULL) {
        error->row = row;
    }
    return status;
}

/* ---------------------------------------------------------------- well-formed UTF-8 */

/* Bytes of the well-formed sequence at `bytes`, or 0; table 3-7 of the Unicode Standard. */
static int64_t sequence_length(const uint8_t *bytes, int64_t left)
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
            return fail_row(error, RR_ERR_ARGUMENT, i, "the offsets of a text column must not fall");
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

        while (at < end) {
            int64_t step = sequence_length(text->data + at, end - at);

            if (step == 0) {
                rr_status status = fail_row(error, RR_ERR_VALUE, i, "not well-formed UTF-8");

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

/* ---------------------------------------------------------------- a table of distinct values */

static uint64_t hash_bytes(const uint8_t *bytes, int64_t length)
{
    const uint64_t multiplier = UINT64_C(0x9E3779B97F4A7C15); /* 2^64 over the golden ratio */
    uint64_t hash = (uint64_t)length * multiplier;

    for (; length >= 8; length -= 8, bytes += 8) {
        uint64_t word;

        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * multiplier;
        hash ^= hash >> 32;
    }
    if (length > 0) {
        uint64_t word = 0;

        memcpy(&word, bytes, (size_t)length);
        hash = (hash ^ word) * multiplier;
        hash ^= hash >> 32;
    }
    return hash * multiplier;
}

/* Open addressing; a slot holds the upper half of the hash, so that most misses and every growth
 * leave the values alone. */
typedef struct slot {
    uint32_t hash;
    int32_t code; /* -1: free */
    int64_t row;  /* of the text that was inserted: the first with this value */
} slot;

typedef struct set {
    slot *slots;
    int64_t size; /* a power of two */
    int shift;    /* 32 - log2(size): the slot is the top of the upper half */
    int64_t used;
} set;

static rr_status set_open(set *s, int bits, rr_error *error)
{
    s->size = INT64_C(1) << bits;
    s->shift = 32 - bits;
    s->used = 0;
    s->slots = rr_allocate(s->size, sizeof *s->slots);
    if (s->slots == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "no memory for %lld distinct values",
                       (long long)s->size);
    }
    for (int64_t i = 0; i < s->size; i++) {
        s->slots[i].code = -1;
    }
    return RR_OK;
}

static rr_status set_grow(set *s, rr_error *error)
{
    set wider;
    rr_status status;

    if (s->shift == 0) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "too many distinct values");
    }
    status = set_open(&wider, 32 - s->shift + 1, error);
    if (status != RR_OK) {
        return status;
    }
    for (int64_t i = 0; i < s->size; i++) {
        if (s->slots[i].code >= 0) {
            int64_t at = s->slots[i].hash >> wider.shift;

            while (wider.slots[at].code >= 0) {
                at = (at + 1) & (wider.size - 1);
            }
            wider.slots[at] = s->slots[i];
        }
    }
    wider.used = s->used;
    free(s->slots);
    *s = wider;
    return RR_OK;
}

/* The slot of a value, or the free one where it belongs. `text` is what the rows in the set mean. */
static slot *set_find(const set *s, const rr_text *text, const uint8_t *value, int64_t length,
                      uint32_t hash)
{
    int64_t at = hash >> s->shift;

    for (;;) {
        slot *found = &s->slots[at];

        if (found->code < 0) {
            return found;
        }
        if (found->hash == hash) {
            int64_t start = text->offsets[found->row];

            if (text->offsets[found->row + 1] - start == length &&
                memcmp(text->data + start, value, (size_t)length) == 0) {
                return found;
            }
        }
        at = (at + 1) & (s->size - 1);
    }
}

/* The code of row i, inserted if it is new. */
static rr_status set_code(set *s, const rr_text *text, int64_t i, int32_t *code, rr_error *error)
{
    const uint8_t *value = text->data + text->offsets[i];
    int64_t length = text->offsets[i + 1] - text->offsets[i];
    uint32_t hash = (uint32_t)(hash_bytes(value, length) >> 32);
    slot *found = set_find(s, text, value, length, hash);

    if (found->code < 0) {
        if (s->used >= INT32_MAX) {
            return rr_fail(error, RR_ERR_TOO_LARGE, "too many distinct values");
        }
        *found = (slot){.hash = hash, .code = (int32_t)s->used, .row = i};
        *code = found->code;
        s->used++;
        return s->used > s->size / 2 ? set_grow(s, error) : RR_OK;
    }
    *code = found->code;
    return RR_OK;
}

rr_status rr_text_codes(const rr_text *text, int32_t *codes, int64_t *distinct, const rr_poll *poll,
                        rr_error *error)
{
    set s = {0};
    rr_status status = set_open(&s, 12, error);

    for (int64_t i = 0; i < text->n && status == RR_OK; i++) {
        if (i % (1 << 18) == 0 && rr_stopped(poll, i, text->n)) {
            status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        } else if (text->valid != NULL && !text->valid[i]) {
            codes[i] = -1;
        } else {
            status = set_code(&s, text, i, &codes[i], error);
        }
    }
    *distinct = s.used;
    free(s.slots);
    return status;
}

rr_status rr_first_rows(const int32_t *codes, int64_t n, int64_t distinct, int64_t *rows,
                        rr_error *error)
{
    int64_t next = 0;

    for (int64_t i = 0; i < n && next < distinct; i++) {
        if (codes[i] == next) {
            rows[next++] = i;
        }
    }
    if (next < distinct) {
        return rr_fail(error, RR_ERR_ARGUMENT, "a code does not appear in its turn");
    }
    return RR_OK;
}

rr_status rr_text_isin(const rr_text *text, const rr_text *values, uint8_t *found, rr_error *error)
{
    set s = {0};
    rr_status status = set_open(&s, 4, error);

    for (int64_t i = 0; i < values->n && status == RR_OK; i++) {
        int32_t code;

        if (values->valid == NULL || values->valid[i]) {
            status = set_code(&s, values, i, &code, error);
        }
    }
    for (int64_t i = 0; i < text->n && status == RR_OK; i++) {
        const uint8_t *value = text->data + text->offsets[i];
        int64_t length = text->offsets[i + 1] - text->offsets[i];
        uint32_t hash = (uint32_t)(hash_bytes(value, length) >> 32);

        found[i] = (uint8_t)((text->valid == NULL || text->valid[i]) &&
                             set_find(&s, values, value, length, hash)->code >= 0);
    }
    free(s.slots);
    return status;
}

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

/* ---------------------------------------------------------------- rows of a column */

rr_status rr_text_take_offsets(const rr_text *text, const int64_t *rows, int64_t m,
                               int64_t *out_offsets, uint8_t *out_valid, rr_error *error)
{
    int64_t at = 0;

    out_offsets[0] = 0;
    for (int64_t i = 0; i < m; i++) {
        int64_t row = rows[i], length;

        if (row < 0 || row >= text->n) {
            return fail_row(error, RR_ERR_ARGUMENT, i, "a row to take is not in the column");
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
            return fail_row(error, RR_ERR_ARGUMENT, i, "a row to take is not in the column");
        }
        own = text->offsets[row + 1] - text->offsets[row];
        if (own > length - at) {
            return fail_row(error, RR_ERR_ARGUMENT, i, "no room for the data");
        }
        memcpy(out_data + at, text->data + text->offsets[row], (size_t)own);
        at += own;
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- values of a fixed width */

static int64_t ucs4_length(const uint32_t *characters, int64_t width)
{
    while (width > 0 && characters[width - 1] == 0) {
        width--;
    }
    return width;
}

static int character_length(uint32_t c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

rr_status rr_text_ucs4_offsets(const uint32_t *characters, int64_t n, int64_t width,
                               int64_t *offsets, rr_error *error)
{
    int64_t at = 0;

    if (width < 0 || (width > 0 && n > INT64_MAX / 4 / width)) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "too much text");
    }
    offsets[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        const uint32_t *value = characters + i * width;
        int64_t own = ucs4_length(value, width);

        for (int64_t j = 0; j < own; j++) {
            uint32_t c = value[j];

            if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
                return fail_row(error, RR_ERR_VALUE, i, "not a Unicode character");
            }
            at += character_length(c);
        }
        offsets[i + 1] = at;
    }
    return RR_OK;
}

rr_status rr_text_ucs4_data(const uint32_t *characters, int64_t n, int64_t width, uint8_t *data,
                            int64_t length, rr_error *error)
{
    int64_t at = 0;

    for (int64_t i = 0; i < n; i++) {
        const uint32_t *value = characters + i * width;
        int64_t own = ucs4_length(value, width);

        for (int64_t j = 0; j < own; j++) {
            uint32_t c = value[j];
            int bytes = character_length(c);

            if (bytes > length - at) {
                return fail_row(error, RR_ERR_ARGUMENT, i, "no room for the data");
            }
            if (bytes == 1) {
                data[at++] = (uint8_t)c;
                continue;
            }
            /* The lead byte says how many follow; each of them carries six bits. */
            data[at++] = (uint8_t)((0xF00 >> bytes & 0xFF) | c >> 6 * (bytes - 1));
            for (int k = bytes - 2; k >= 0; k--) {
                data[at++] = (uint8_t)(0x80 | (c >> 6 * k & 0x3F));
            }
        }
    }
    return RR_OK;
}

static int64_t bytes_length(const uint8_t *bytes, int64_t width)
{
    while (width > 0 && bytes[width - 1] == 0) {
        width--;
    }
    return width;
}

rr_status rr_text_bytes_offsets(const uint8_t *bytes, int64_t n, int64_t width, int64_t *offsets,
                                rr_error *error)
{
    if (width < 0 || (width > 0 && n > INT64_MAX / width)) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "too much text");
    }
    offsets[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        offsets[i + 1] = offsets[i] + bytes_length(bytes + i * width, width);
    }
    return RR_OK;
}

rr_status rr_text_bytes_data(const uint8_t *bytes, int64_t n, int64_t width, uint8_t *data,
                             int64_t length, rr_error *error)
{
    int64_t at = 0;

    for (int64_t i = 0; i < n; i++) {
        int64_t own = bytes_length(bytes + i * width, width);

        if (own > length - at) {
            return fail_row(error, RR_ERR_ARGUMENT, i, "no room for the data");
        }
        memcpy(data + at, bytes + i * width, (size_t)own);
        at += own;
    }
    return RR_OK;
}
