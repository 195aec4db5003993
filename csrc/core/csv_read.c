#include "csv_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAD_LINE, BAD_ROW, BAD_COLUMN, BAD_VALUE, BAD_REASON, N_BAD };

static const rr_csv_kind BAD_KINDS[N_BAD] = {RR_CSV_INT64, RR_CSV_INT64, RR_CSV_INT64, RR_CSV_TEXT,
                                             RR_CSV_CATEGORY};

typedef struct reading {
    const rr_csv_options *options;
    rr_csv_date_format format;
    locale_t plain; /* for strtod; 0 where no column needs it */
    rr_csv_builder *columns;
    int64_t n_columns, rows, room;
    rr_csv_builder bad[N_BAD];
    int64_t n_bad, bad_room;
    int64_t seen; /* data records, good or bad */
    int64_t bad_rows;
    int64_t first_bad;      /* n_bad when this record began */
    rr_status first_status; /* of its first complaint */
    int in_header;
    rr_status status; /* of a field, which cannot return one */
    rr_error *error;
} reading;

static rr_status complain(reading *r, rr_status kind, int64_t line, int64_t column,
                          const char *bytes, int64_t length, const char *reason)
{
    char shown[RR_CSV_SHOWN];
    int64_t bad, n_shown = rr_csv_show(r->options->encoding, bytes, length, shown, RR_CSV_SHOWN);
    rr_status status = rr_csv_make_room(r->bad, N_BAD, r->n_bad, &r->bad_room);

    if (status != RR_OK) {
        return status;
    }
    if (r->n_bad == r->first_bad) {
        r->first_status = kind;
    }
    rr_csv_add_int64(&r->bad[BAD_LINE], line);
    rr_csv_add_int64(&r->bad[BAD_ROW], r->seen);
    if (column < 0) {
        rr_csv_add_null(&r->bad[BAD_COLUMN]);
    } else {
        rr_csv_add_int64(&r->bad[BAD_COLUMN], column);
    }
    if (n_shown == 0) {
        rr_csv_add_null(&r->bad[BAD_VALUE]);
    } else {
        status = rr_csv_add_text(&r->bad[BAD_VALUE], RR_CSV_UTF8, shown, n_shown, 0, &bad);
    }
    if (status == RR_OK) {
        status = rr_csv_add_category(&r->bad[BAD_REASON], RR_CSV_UTF8, reason,
                                     (int64_t)strlen(reason), 0, &bad);
        r->n_bad += status == RR_OK;
    }
    return status;
}

/* Complains about the byte at `bad` of a text. */
static rr_status complain_encoding(reading *r, int64_t line, int64_t column, const char *bytes,
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

static rr_status convert(reading *r, rr_csv_builder *b, int64_t column, int64_t line,
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
        reason = rr_csv_date_read(&r->format, bytes, length, &number);
        if (reason == NULL) {
            rr_csv_add_int64(b, number);
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
    reading *r = context;

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
static rr_status report(const reading *r, const rr_csv_place *place)
{
    const rr_csv_column *value = &r->bad[BAD_VALUE].column, *reason = &r->bad[BAD_REASON].column;
    const int64_t i = r->first_bad;
    const int32_t code = ((const int32_t *)reason->values)[i];
    const int64_t from = reason->offsets[code], to = reason->offsets[code + 1];
    rr_error *error = r->error;

    rr_fail(error, r->first_status, "%.*s", (int)(to - from), reason->data + from);
    if (error != NULL) {
        error->line = ((const int64_t *)r->bad[BAD_LINE].column.values)[i];
        error->row = r->in_header ? -1 : r->seen;
        error->byte = place->byte;
        if (r->bad[BAD_COLUMN].column.valid[i]) {
            error->column = ((const int64_t *)r->bad[BAD_COLUMN].column.values)[i];
        }
        if (value->valid[i]) {
            rr_fail_value(error, value->data + value->offsets[i],
                          value->offsets[i + 1] - value->offsets[i]);
        }
    }
    return r->first_status;
}

/* Ends a record with at least one complaint. */
static rr_status leave_out(reading *r, const rr_csv_place *place)
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

static rr_status on_record(void *context, const rr_csv_place *place)
{
    reading *r = context;

    if (r->status != RR_OK) {
        return rr_fail(r->error, r->status, "%s",
                       r->status == RR_ERR_MEMORY
                           ? "out of memory for the columns of the file"
                           : "a column has more categories than can be counted");
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
        return rr_fail(r->error, RR_ERR_MEMORY, "out of memory for the columns of the file");
    }
    return RR_OK;
}

static rr_status on_fault(void *context, const rr_csv_place *place, const rr_csv_fault *fault)
{
    reading *r = context;

    /* Values in a row that has lost its shape are not in their own columns: no word about them. */
    for (int64_t i = 0; i < N_BAD; i++) {
        rr_csv_builder_undo(&r->bad[i], r->first_bad);
    }
    r->n_bad = r->first_bad;
    if (r->status == RR_OK) {
        r->status = complain(r, RR_ERR_CSV, fault->line, fault->column, fault->value, fault->length,
                             fault->reason);
    }
    if (r->status != RR_OK) {
        return rr_fail(r->error, r->status, "out of memory for the rows that cannot be read");
    }
    return leave_out(r, &(rr_csv_place){.line = place->line, .byte = fault->byte});
}

void rr_csv_table_free(rr_csv_table *table)
{
    if (table->columns != NULL) {
        for (int64_t i = 0; i < table->n_columns; i++) {
            rr_csv_column_free(&table->columns[i]);
        }
    }
    free(table->columns);
    for (int i = 0; i < N_BAD; i++) {
        rr_csv_column_free(&table->bad[i]);
    }
    memset(table, 0, sizeof *table);
}

static rr_status start(reading *r, const rr_csv_kind *kinds, rr_error *error)
{
    int needs_locale = 0;
    rr_status status = rr_csv_date_compile(r->options->date_format, &r->format, error);

    for (int64_t i = 0; status == RR_OK && i < r->n_columns; i++) {
        if ((unsigned)kinds[i] > RR_CSV_CATEGORY) {
            return rr_fail(error, RR_ERR_ARGUMENT, "a kind of column that is not known");
        }
        needs_locale |= kinds[i] == RR_CSV_FLOAT64;
    }
    if (status != RR_OK) {
        return status;
    }
    r->columns = rr_allocate(r->n_columns, sizeof *r->columns);
    if (r->columns == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory for the columns of the file");
    }
    for (int64_t i = 0; i < r->n_columns; i++) {
        rr_csv_builder_init(&r->columns[i], kinds[i]);
    }
    for (int i = 0; i < N_BAD; i++) {
        rr_csv_builder_init(&r->bad[i], BAD_KINDS[i]);
    }
    if (rr_csv_make_room(r->columns, r->n_columns, 0, &r->room) != RR_OK ||
        rr_csv_make_room(r->bad, N_BAD, 0, &r->bad_room) != RR_OK) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory for the columns of the file");
    }
    if (needs_locale) {
        r->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        if (r->plain == (locale_t)0) {
            return rr_fail(error, RR_ERR_MEMORY, "out of memory for a locale");
        }
    }
    return RR_OK;
}

static rr_status hand_over(reading *r, rr_csv_table *table)
{
    table->columns = calloc((size_t)r->n_columns, sizeof *table->columns);
    if (table->columns == NULL) {
        return RR_ERR_MEMORY;
    }
    table->n_columns = r->n_columns;
    for (int64_t i = 0; i < r->n_columns; i++) {
        if (rr_csv_builder_finish(&r->columns[i], r->options->encoding, &table->columns[i]) !=
            RR_OK) {
            return RR_ERR_MEMORY;
        }
    }
    for (int i = 0; i < N_BAD; i++) {
        if (rr_csv_builder_finish(&r->bad[i], RR_CSV_UTF8, &table->bad[i]) != RR_OK) {
            return RR_ERR_MEMORY;
        }
    }
    table->n_rows = r->rows;
    table->bad_rows = r->bad_rows;
    table->n_bad = r->n_bad;
    return RR_OK;
}

rr_status rr_csv_read(const rr_csv_source *source, const rr_csv_options *options,
                      const rr_csv_kind *kinds, int64_t n_columns, rr_csv_table *table,
                      const rr_call *call, rr_error *error)
{
    reading r = {.options = options,
                 .n_columns = n_columns,
                 .in_header = options->has_header != 0,
                 .error = error};
    rr_csv_events events = {
        .context = &r, .field = on_field, .record = on_record, .fault = on_fault};
    rr_csv_scan_result found;
    rr_status status = rr_csv_check_options(source, options, error);

    if (status == RR_OK && n_columns < 1) {
        status = rr_fail(error, RR_ERR_ARGUMENT, "n_columns must be at least 1");
    }
    if (status != RR_OK) {
        return status;
    }
    status = start(&r, kinds, error);
    if (status != RR_OK) {
        goto out;
    }
    status = rr_csv_scan(source, options, n_columns, -1, &events, &found, call, error);
    if (status != RR_OK) {
        goto out;
    }
    status = hand_over(&r, table);
    if (status != RR_OK) {
        rr_fail(error, status, "out of memory for the columns of the file");
        goto out;
    }
    table->bytes = found.bytes;
    table->blank_lines = found.blank_lines;
out:
    for (int64_t i = 0; r.columns != NULL && i < n_columns; i++) {
        rr_csv_builder_free(&r.columns[i]);
    }
    for (int i = 0; i < N_BAD; i++) {
        rr_csv_builder_free(&r.bad[i]);
    }
    free(r.columns);
    if (r.plain != (locale_t)0) {
        freelocale(r.plain);
    }
    return status;
}
