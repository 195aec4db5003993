#include "csv_internal.h"

#include <string.h>

typedef struct naming {
    const rr_csv_options *options;
    rr_csv_builder names;
    int64_t room;
    rr_status status;
    rr_error *error;
} naming;

static void on_name(void *context, int64_t column, int64_t line, const char *bytes, int64_t length,
                    unsigned holds)
{
    naming *h = context;
    int64_t bad = -1;

    if (h->status != RR_OK) {
        return;
    }
    h->status = rr_csv_make_room(&h->names, 1, column, &h->room);
    if (h->status != RR_OK) {
        rr_fail(h->error, h->status, "out of memory for the header");
        return;
    }
    if ((holds & RR_CSV_MAY_HOLD_NUL) && memchr(bytes, '\0', (size_t)length) != NULL) {
        h->status = rr_fail(h->error, RR_ERR_CSV, "holds a NUL byte");
    } else if (length == 0) {
        rr_csv_add_null(&h->names);
    } else {
        h->status = rr_csv_add_text(&h->names, h->options->encoding, bytes, length, 1, &bad);
        if (h->status != RR_OK) {
            rr_fail(h->error, h->status, "out of memory for the header");
        } else if (bad >= 0) {
            h->status = rr_fail(h->error, RR_ERR_VALUE,
                                h->options->encoding == RR_CSV_UTF8
                                    ? "is not UTF-8; try encoding=\"cp1252\""
                                    : "holds a byte that cp1252 does not define");
        }
    }
    if (h->error != NULL && (h->status == RR_ERR_CSV || h->status == RR_ERR_VALUE)) {
        char shown[RR_CSV_SHOWN];

        h->error->line = line;
        h->error->column = column;
        rr_fail_value(h->error, shown,
                      rr_csv_show(h->options->encoding, bytes, length, shown, RR_CSV_SHOWN));
    }
}

static rr_status on_names(void *context, const rr_csv_place *place)
{
    (void)place;
    return ((naming *)context)->status;
}

static rr_status on_names_fault(void *context, const rr_csv_place *place, const rr_csv_fault *fault)
{
    naming *h = context;
    char shown[RR_CSV_SHOWN];

    (void)place;
    if (h->status != RR_OK) {
        return h->status;
    }
    rr_fail(h->error, RR_ERR_CSV, "%s", fault->reason);
    if (h->error != NULL) {
        h->error->line = fault->line;
        h->error->byte = fault->byte;
        h->error->column = fault->column;
        rr_fail_value(
            h->error, shown,
            rr_csv_show(h->options->encoding, fault->value, fault->length, shown, RR_CSV_SHOWN));
    }
    return RR_ERR_CSV;
}

rr_status rr_csv_header(const rr_csv_source *source, const rr_csv_options *options,
                        rr_csv_column *names, const rr_call *call, rr_error *error)
{
    naming h = {.options = options, .error = error};
    rr_csv_events events = {
        .context = &h, .field = on_name, .record = on_names, .fault = on_names_fault};
    rr_csv_input input = {.source = source};
    rr_csv_place at = {.line = 1};
    rr_csv_stamp stamp;
    int64_t blank_lines = 0;
    rr_status status = rr_csv_check_options(source, options, error);

    if (status != RR_OK) {
        return status;
    }
    rr_csv_builder_init(&h.names, RR_CSV_TEXT);
    status = rr_csv_make_room(&h.names, 1, 0, &h.room);
    if (status != RR_OK) {
        rr_fail(error, status, "out of memory for the header");
        goto out;
    }
    status = rr_csv_stamp_take(source, &stamp, error);
    if (status == RR_OK) {
        status = rr_csv_start(source, options->encoding, &at.byte, error);
    }
    if (status != RR_OK) {
        goto out;
    }
    input.stamp = &stamp;
    input.block_size = options->block_size == 0 ? RR_CSV_BLOCK : options->block_size;
    status = rr_csv_scan(&input, -1, &at, INT64_MAX, 1, &events, &blank_lines, call, error);
    if (status != RR_OK) {
        goto out;
    }
    if (blank_lines > 0 && h.names.n <= 1) {
        /* One column: the blank line in front was its first field. */
        rr_csv_builder_undo(&h.names, 0);
        rr_csv_add_null(&h.names);
    }
    status = rr_csv_builder_finish(&h.names, options->encoding, names);
    if (status != RR_OK) {
        rr_fail(error, status, "out of memory for the header");
    }
out:
    rr_csv_builder_free(&h.names);
    return status;
}
