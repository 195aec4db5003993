#include "csv_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM 262144  /* bytes gathered before they are written */
#define PLAIN_MAX 32 /* bytes of a date or a number at most */

typedef struct writing {
    int fd;
    char *buffer;
    int64_t used;
    locale_t plain;
    rr_error *error;
} writing;

static int32_t code_of(const rr_csv_column *c, int64_t row)
{
    return c->code_size == 1   ? ((const int8_t *)c->values)[row]
           : c->code_size == 2 ? ((const int16_t *)c->values)[row]
                               : ((const int32_t *)c->values)[row];
}

static rr_status flush(writing *w)
{
    int64_t done = 0;

    while (done < w->used) {
        ssize_t n = write(w->fd, w->buffer + done, (size_t)(w->used - done));

        if (n < 0 && errno != EINTR) {
            int code = errno;
            rr_status status = rr_fail(w->error, RR_ERR_IO, "the file cannot be written");

            if (w->error != NULL) {
                w->error->code = code;
            }
            return status;
        }
        done += n < 0 ? 0 : n;
    }
    w->used = 0;
    return RR_OK;
}

static rr_status put(writing *w, const char *bytes, int64_t length)
{
    while (length > ROOM - w->used) {
        int64_t part = ROOM - w->used;
        rr_status status;

        memcpy(w->buffer + w->used, bytes, (size_t)part);
        w->used = ROOM;
        bytes += part;
        length -= part;
        status = flush(w);
        if (status != RR_OK) {
            return status;
        }
    }
    memcpy(w->buffer + w->used, bytes, (size_t)length);
    w->used += length;
    return RR_OK;
}

/* 0: as it is; 1: needs quotes; -1: holds a NUL, which no reader takes. */
static int special(const char *bytes, int64_t length)
{
    int quotes = 0, nul = 0;

    for (int64_t i = 0; i < length; i++) {
        char c = bytes[i];

        quotes |= (c == ',') | (c == '"') | (c == '\n') | (c == '\r');
        nul |= c == '\0';
    }
    return nul ? -1 : quotes;
}

static rr_status put_quoted(writing *w, const char *bytes, int64_t length)
{
    const char *end = bytes + length;
    rr_status status = put(w, "\"", 1);

    while (status == RR_OK && bytes < end) {
        const char *quote = memchr(bytes, '"', (size_t)(end - bytes));
        const char *stop = quote == NULL ? end : quote + 1;

        status = put(w, bytes, stop - bytes);
        if (status == RR_OK && quote != NULL) {
            status = put(w, "\"", 1);
        }
        bytes = stop;
    }
    return status == RR_OK ? put(w, "\"", 1) : status;
}

static rr_status fail_at(writing *w, int64_t row, int64_t column, const char *reason)
{
    rr_status status = rr_fail(w->error, RR_ERR_VALUE, "%s", reason);

    if (w->error != NULL) {
        w->error->row = row;
        w->error->column = column;
    }
    return status;
}

static rr_status put_text(writing *w, const char *bytes, int64_t length, int64_t row,
                          int64_t column)
{
    rr_status status;

    switch (special(bytes, length)) {
    case 0:
        return put(w, bytes, length);
    case 1:
        return put_quoted(w, bytes, length);
    default:
        status = fail_at(w, row, column, "holds a NUL byte, which CSV cannot carry");
        rr_fail_value(w->error, bytes, length);
        return status;
    }
}

/* Digits of an int64 at the end of `out` (PLAIN_MAX bytes); returns where they begin. */
static char *decimal(int64_t value, char *out)
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *at = out + PLAIN_MAX;

    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        *--at = '-';
    }
    return at;
}

/* The fewest digits that read back the same: 15 always survive, 17 always suffice. */
static int shortest(double value, locale_t plain, char *out)
{
    locale_t before = uselocale(plain);
    int n = 0;

    for (int precision = 15; precision <= 17; precision++) {
        n = snprintf(out, PLAIN_MAX, "%.*g", precision, value);
        if (strtod(out, NULL) == value) {
            break;
        }
    }
    uselocale(before);
    return n;
}

static rr_status put_value(writing *w, const rr_csv_column *c, int64_t row, int64_t column)
{
    char plain[PLAIN_MAX];
    const char *digits;
    int64_t day, from;
    int32_t code;
    double real;

    if (c->valid != NULL && !c->valid[row]) {
        return RR_OK;
    }
    switch (c->kind) {
    case RR_CSV_DATE:
        day = ((const int64_t *)c->values)[row];
        if (day == RR_NULL_DAY) {
            return RR_OK;
        }
        if (!rr_csv_date_write(day, plain)) {
            return fail_at(w, row, column, "a day outside the years 1 to 9999");
        }
        return put(w, plain, 10);
    case RR_CSV_INT64:
        digits = decimal(((const int64_t *)c->values)[row], plain);
        return put(w, digits, plain + PLAIN_MAX - digits);
    case RR_CSV_FLOAT64:
        real = ((const double *)c->values)[row];
        if (isnan(real)) {
            return RR_OK;
        }
        if (isinf(real)) {
            return fail_at(w, row, column, "an infinite number");
        }
        return put(w, plain, shortest(real, w->plain, plain));
    case RR_CSV_BOOL:
        return put(w, ((const uint8_t *)c->values)[row] ? "1" : "0", 1);
    case RR_CSV_TEXT:
        from = c->offsets[row];
        return put_text(w, c->data + from, c->offsets[row + 1] - from, row, column);
    case RR_CSV_CATEGORY:
        code = code_of(c, row);
        if (code == -1) {
            return RR_OK;
        }
        from = c->offsets[code];
        return put_text(w, c->data + from, c->offsets[code + 1] - from, -1, column);
    case RR_CSV_SKIP:
        break;
    }
    return RR_OK;
}

static rr_status check_text(const rr_csv_column *c, int64_t n, int64_t column, rr_error *error)
{
    for (int64_t i = 0; i < n; i++) {
        if (c->offsets[i + 1] < c->offsets[i] || c->offsets[0] < 0) {
            rr_status status = rr_fail(error, RR_ERR_ARGUMENT, "the offsets of a text decrease");

            if (error != NULL) {
                error->row = i;
                error->column = column;
            }
            return status;
        }
    }
    return RR_OK;
}

static rr_status check(const rr_csv_column *c, int64_t n_rows, int64_t column, rr_error *error)
{
    rr_status status;

    if (c->kind == RR_CSV_TEXT) {
        return check_text(c, n_rows, column, error);
    }
    if (c->kind != RR_CSV_CATEGORY) {
        return (unsigned)c->kind <= RR_CSV_CATEGORY && c->kind != RR_CSV_SKIP
                   ? RR_OK
                   : rr_fail(error, RR_ERR_ARGUMENT, "a kind of column that cannot be written");
    }
    status = check_text(c, c->n_strings, column, error);
    for (int64_t i = 0; status == RR_OK && i < n_rows; i++) {
        int32_t code = code_of(c, i);

        if (code < -1 || code >= c->n_strings) {
            status = rr_fail(error, RR_ERR_ARGUMENT, "a code is outside its categories");
            if (error != NULL) {
                error->row = i;
                error->column = column;
            }
        }
    }
    return status;
}

rr_status rr_csv_write(int fd, const rr_csv_column *names, const rr_csv_column *columns,
                       int64_t n_columns, int64_t n_rows, const rr_call *call, rr_error *error)
{
    writing w = {.fd = fd, .error = error};
    rr_status status = check_text(names, n_columns, -1, error);

    for (int64_t i = 0; status == RR_OK && i < n_columns; i++) {
        status = check(&columns[i], n_rows, i, error);
    }
    if (status != RR_OK) {
        return status;
    }
    w.buffer = rr_allocate(ROOM, 1);
    w.plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (w.buffer == NULL || w.plain == (locale_t)0) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory for a block of the file");
        goto out;
    }
    for (int64_t row = -1; row < n_rows; row++) {
        if (row % 4096 == 0 && rr_stopped(call, row, n_rows)) {
            status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        }
        for (int64_t i = 0; status == RR_OK && i < n_columns; i++) {
            if (i > 0) {
                status = put(&w, ",", 1);
            }
            if (status == RR_OK && row < 0) {
                status = put_text(&w, names->data + names->offsets[i],
                                  names->offsets[i + 1] - names->offsets[i], -1, i);
            } else if (status == RR_OK) {
                status = put_value(&w, &columns[i], row, i);
            }
        }
        if (status == RR_OK) {
            status = put(&w, "\n", 1);
        }
        if (status != RR_OK) {
            goto out;
        }
    }
    status = flush(&w);
out:
    free(w.buffer);
    if (w.plain != (locale_t)0) {
        freelocale(w.plain);
    }
    return status;
}
