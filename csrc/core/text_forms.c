/* Text as numpy and Arrow lay it out, to offsets and data. */
#include "columns.h"
#include "internal.h"

#include <string.h>

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
                return rr_fail_row(error, RR_ERR_VALUE, i, "not a Unicode character");
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
                return rr_fail_row(error, RR_ERR_ARGUMENT, i, "no room for the data");
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
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "no room for the data");
        }
        memcpy(data + at, bytes + i * width, (size_t)own);
        at += own;
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- string views */

enum { VIEW = 16, INLINE = 12 };

/* The bytes of value i and their number, -1 where the view leaves the buffers. */
static int64_t read_view(const rr_views *views, int64_t i, const uint8_t **bytes)
{
    const uint8_t *view = views->views + VIEW * i;
    int32_t length, buffer, offset;

    if (views->valid != NULL && !views->valid[i]) {
        return 0;
    }
    memcpy(&length, view, 4);
    if (length <= INLINE) {
        *bytes = view + 4;
        return length;
    }
    memcpy(&buffer, view + 8, 4);
    memcpy(&offset, view + 12, 4);
    if (buffer < 0 || buffer >= views->n_buffers || offset < 0 ||
        length > views->buffer_lengths[buffer] - offset) {
        return -1;
    }
    *bytes = views->buffers[buffer] + offset;
    return length;
}

rr_status rr_text_views_offsets(const rr_views *views, int64_t *offsets, rr_error *error)
{
    offsets[0] = 0;
    for (int64_t i = 0; i < views->n; i++) {
        const uint8_t *bytes;
        int64_t length = read_view(views, i, &bytes);

        if (length < 0) {
            return rr_fail_row(error, RR_ERR_VALUE, i, "a string view leaves its buffers");
        }
        if (length > INT64_MAX - offsets[i]) {
            return rr_fail(error, RR_ERR_TOO_LARGE, "too much text");
        }
        offsets[i + 1] = offsets[i] + length;
    }
    return RR_OK;
}

rr_status rr_text_views_data(const rr_views *views, uint8_t *data, int64_t length, rr_error *error)
{
    int64_t at = 0;

    for (int64_t i = 0; i < views->n; i++) {
        const uint8_t *bytes = NULL;
        int64_t own = read_view(views, i, &bytes);

        if (own < 0 || own > length - at) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i, "no room for the data");
        }
        if (own > 0) {
            memcpy(data + at, bytes, (size_t)own);
            at += own;
        }
    }
    return RR_OK;
}
