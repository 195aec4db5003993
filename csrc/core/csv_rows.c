#include "csv_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rr_csv_kind BAD_KINDS[RR_CSV_N_BAD] = {RR_CSV_INT64, RR_CSV_INT64, RR_CSV_INT64,
                                                    RR_CSV_TEXT, RR_CSV_CATEGORY};

static rr_status complain(rr_csv_rows *r, rr_status kind, int64_t line, int64_t column,
                          const char *bytes, int64_t length, const char *reason)
{
    char shown[RR_CSV_SHOWN];
    int64_t bad, n_shown = rr_csv_show(r->options->encoding, bytes, length, shown, RR_CSV_SHOWN);
    rr_status status = rr_csv_make_room(r->bad, RR_CSV_N_BAD, r->n_bad, &r->bad_room);

    if (status != RR_OK) {
        return status;
    }
    if (r->n_bad == r->first_bad) {
        r->first_status = kind;
    }
    rr_csv_add_int64(&r->bad[RR_CSV_BAD_LINE], line);
    rr_csv_add_int64(&r->bad[RR_CSV_BAD_ROW], r->seen);
    if (column < 0) {
        rr_csv_add_null(&r->bad[RR_CSV_BAD_COLUMN]);
    } else {
        rr_csv_add_int64(&r->bad[RR_CSV_BAD_COLUMN], column);
    }
    if (n_shown == 0) {
        rr_csv_add_null(&r->bad[RR_CSV_BAD_VALUE]);
    } else {
        status = rr_csv_add_text(&r->bad[RR_CSV_BAD_VALUE], RR_CSV_UTF8, shown, n_shown, 0, &bad);
    }
    if (status == RR_OK) {
        status = rr_csv_add_category(&r->bad[RR_CSV_BAD_REASON], RR_CSV_UTF8, reason,
                                     (int64_t)strlen(reason), 0, &bad);
        r->n_bad += status == RR_OK;
    }
    return status;
}

/* Complains about the byte at `bad` of a text. */
static rr_status complain_encoding(rr_csv_rows *r, int64_t line, int64_t column, const char *bytes,
                                   int64_t length, int64_t bad)
{
    unsigned byte = (unsigned char)bytes[bad];
    char reason[96];

    if (r->options->encoding == RR_CSV_UTF8) {
        snprintf(reason, sizeof reason, "is not UTF-8 (byte 0x%02X); try encoding=\"cp1252\"",
                 byte);
    } else {
        snprintf(reason, sizeof reason, "holds byte 0x%02X, which cp1252 does not define", byte);
    }
    return complain(r, RR_ERR_VALUE, line, column, bytes, length, reason);
}

static rr_status convert(rr_csv_rows *r, rr_csv_builder *b, int64_t column, int64_t line,
                         const char *bytes, int64_t length, unsigned holds)
{
    const int check = (holds & RR_CSV_MAY_HOLD_HIGH) != 0;
    rr_status status = RR_OK;
    const char *reason = NULL;
    int64_t number, bad = -1;
    double real;
    uint8_t truth;

    if (length == 0) {
        rr_csv_add_null(b);
        return RR_OK;
    }
    switch (b->column.kind) {
    case RR_CSV_DATE:
        reason = rr_csv_date_read(r->format, bytes, length, &number);
        if (reason == NULL) {
            rr_csv_add_int64(b, number * rr_csv_date_unit(r->options));
        }
        break;
    case RR_CSV_INT64:
        reason = rr_csv_int64_read(bytes, length, &number);
        if (reason == NULL) {
            rr_csv_add_int64(b, number);
        }
        break;
    case RR_CSV_FLOAT64:
        reason = rr_csv_float64_read(bytes, length, r->plain, &real);
        if (reason == NULL) {
            rr_csv_add_float64(b, real);
        }
        break;
    case RR_CSV_BOOL:
        reason = rr_csv_bool_read(bytes, length, &truth);
        if (reason == NULL) {
            rr_csv_add_bool(b, truth);
        }
        break;
    case RR_CSV_TEXT:
        status = rr_csv_add_text(b, r->options->encoding, bytes, length, check, &bad);
        break;
    case RR_CSV_CATEGORY:
        status = rr_csv_add_category(b, r->options->encoding, bytes, length, check, &bad);
        break;
    case RR_CSV_SKIP:
        return RR_OK;
    }
    if (status == RR_OK && bad >= 0) {
        return complain_encoding(r, line, column, bytes, length, bad);
    }
    if (status == RR_OK && reason != NULL) {
        return complain(r, RR_ERR_VALUE, line, column, bytes, length, reason);
    }
    return status;
}

static void on_field(void *context, int64_t column, int64_t line, const char *bytes, int64_t length,
                     unsigned holds)
{
    rr_csv_rows *r = context;

    if (r->status != RR_OK || r->in_header || column >= r->n_columns) {
        return;
    }
    if ((holds & RR_CSV_MAY_HOLD_NUL) && memchr(bytes, '\0', (size_t)length) != NULL) {
        r->status = complain(r, RR_ERR_CSV, line, column, bytes, length, "holds a NUL byte");
    } else {
        r->status = convert(r, &r->columns[column], column, line, bytes, length, holds);
    }
}

/* Makes the first complaint of the current record the error. */
static rr_status report(rr_csv_rows *r, const rr_csv_place *place)
{
    const rr_csv_column *value = &r->bad[RR_CSV_BAD_VALUE].column,
                        *reason = &r->bad[RR_CSV_BAD_REASON].column;
    const int64_t i = r->first_bad;
    const int32_t code = ((const int32_t *)reason->values)[i];
    const int64_t from = reason->offsets[code], to = reason->offsets[code + 1];
    rr_error *error = &r->error;

    rr_fail(error, r->first_status, "%.*s", (int)(to - from), reason->data + from);
    error->line = ((const int64_t *)r->bad[RR_CSV_BAD_LINE].column.values)[i];
    error->row = r->in_header ? -1 : r->seen;
    error->byte = place->byte;
    if (r->bad[RR_CSV_BAD_COLUMN].column.valid[i]) {
        error->column = ((const int64_t *)r->bad[RR_CSV_BAD_COLUMN].column.values)[i];
    }
    if (value->valid[i]) {
        rr_fail_value(error, value->data + value->offsets[i],
                      value->offsets[i + 1] - value->offsets[i]);
    }
    return r->first_status;
}

/* Ends a record with at least one complaint. */
static rr_status leave_out(rr_csv_rows *r, const rr_csv_place *place)
{
    if (r->in_header || !r->options->collect) {
        return report(r, place);
    }
    for (int64_t i = 0; i < r->n_columns; i++) {
        rr_csv_builder_undo(&r->columns[i], r->rows);
    }
    r->first_bad = r->n_bad;
    r->bad_rows++;
    r->seen++;
    return RR_OK;
}

rr_status rr_csv_rows_fail(rr_csv_rows *rows, rr_status status)
{
    return rr_fail(&rows->error, status, "%s",
                   status == RR_ERR_TOO_LARGE ? "a column has more categories than can be counted"
                                              : "out of memory for the columns of the file");
}

static rr_status on_record(void *context, const rr_csv_place *place)
{
    rr_csv_rows *r = context;

    if (r->status != RR_OK) {
        return rr_csv_rows_fail(r, r->status);
    }
    if (r->in_header) {
        r->in_header = 0;
        return RR_OK;
    }
    if (r->n_bad > r->first_bad) {
        return leave_out(r, place);
    }
    r->rows++;
    r->seen++;
    if (rr_csv_make_room(r->columns, r->n_columns, r->rows, &r->room) != RR_OK) {
        return rr_csv_rows_fail(r, RR_ERR_MEMORY);
    }
    return RR_OK;
}

static rr_status on_fault(void *context, const rr_csv_place *place, const rr_csv_fault *fault)
{
    rr_csv_rows *r = context;

    /* Values in a row that has lost its shape are not in their own columns: no word about them. */
    for (int64_t i = 0; i < RR_CSV_N_BAD; i++) {
        rr_csv_builder_undo(&r->bad[i], r->first_bad);
    }
    r->n_bad = r->first_bad;
    if (r->status == RR_OK) {
        r->status = complain(r, RR_ERR_CSV, fault->line, fault->column, fault->value, fault->length,
                             fault->reason);
    }
    if (r->status != RR_OK) {
        return rr_fail(&r->error, r->status, "out of memory for the rows that cannot be read");
    }
    return leave_out(r, &(rr_csv_place){.line = place->line, .byte = fault->byte});
}

rr_csv_events rr_csv_rows_events(rr_csv_rows *rows)
{
    return (rr_csv_events){
        .context = rows, .field = on_field, .record = on_record, .fault = on_fault};
}

/* ---------------------------------------------------------------- life */

rr_status rr_csv_rows_init(rr_csv_rows *rows, const rr_csv_options *options,
                           const rr_csv_date_format *format, locale_t plain,
                           const rr_csv_kind *kinds, int64_t n_columns)
{
    memset(rows, 0, sizeof *rows);
    rows->options = options;
    rows->format = format;
    rows->plain = plain;
    rows->columns = rr_allocate(n_columns, sizeof *rows->columns);
    if (rows->columns == NULL) {
        return RR_ERR_MEMORY;
    }
    rows->n_columns = n_columns;
    for (int64_t i = 0; i < n_columns; i++) {
        rr_csv_builder_init(&rows->columns[i], kinds[i]);
    }
    for (int i = 0; i < RR_CSV_N_BAD; i++) {
        rr_csv_builder_init(&rows->bad[i], BAD_KINDS[i]);
    }
    if (rr_csv_make_room(rows->columns, n_columns, 0, &rows->room) != RR_OK ||
        rr_csv_make_room(rows->bad, RR_CSV_N_BAD, 0, &rows->bad_room) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    return RR_OK;
}

void rr_csv_rows_clear(rr_csv_rows *rows)
{
    for (int64_t i = 0; i < rows->n_columns; i++) {
        rr_csv_builder_undo(&rows->columns[i], 0);
    }
    for (int i = 0; i < RR_CSV_N_BAD; i++) {
        rr_csv_builder_undo(&rows->bad[i], 0);
    }
    rows->rows = rows->seen = rows->bad_rows = rows->n_bad = rows->first_bad = 0;
    rows->status = RR_OK;
}

void rr_csv_rows_free(rr_csv_rows *rows)
{
    for (int64_t i = 0; i < rows->n_columns; i++) {
        rr_csv_builder_free(&rows->columns[i]);
    }
    for (int i = 0; i < RR_CSV_N_BAD; i++) {
        rr_csv_builder_free(&rows->bad[i]);
    }
    free(rows->columns);
    memset(rows, 0, sizeof *rows);
}
