#include "csv_internal.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libcsv tells no positions and its callbacks cannot stop it. So it is fed a line at a time: what it
 * reports during a line lies on that line, at most one record ends in a line, and a failure is acted
 * on before the next line. */
typedef struct scan {
    struct csv_parser parser;
    const rr_csv_events *events;
    int64_t n_columns;
    int64_t byte, line; /* of what is fed next */
    int at_start;       /* between two records */
    int after_cr;       /* the byte before was a CR that ended a line: an LF belongs to it */
    int skipping;       /* to the end of a line that cannot be read */
    int ended;          /* a record ended in this line */
    rr_csv_place place; /* of the current record */
    int64_t fields;     /* of it that are complete */
    int64_t field_line; /* where its next field begins */
    unsigned holds;     /* RR_CSV_MAY_HOLD_* of the blocks that it lies in */
    int64_t resume_byte, resume_line; /* the line after its first, -1 while that goes on */
    int resume_after_cr;
    int64_t end, most; /* where to stop: at this byte, after so many records */
    int64_t *blank_lines;
} scan;

typedef struct traits {
    unsigned holds;
    int cr, blank;
} traits;

static void *limited_realloc(void *old, size_t size)
{
    return size > RR_CSV_FIELD_MAX ? NULL : realloc(old, size);
}

static int no_space(unsigned char c)
{
    (void)c;
    return 0;
}

static void on_field(void *bytes, size_t length, void *context)
{
    scan *s = context;

    s->events->field(s->events->context, s->fields, s->field_line, bytes, (int64_t)length,
                     s->holds);
    s->fields++;
    s->field_line = s->line;
}

static void on_record(int terminator, void *context)
{
    (void)terminator;
    ((scan *)context)->ended = 1;
}

static void parser_start(scan *s)
{
    /* Fails for a NULL parser only. */
    csv_init(&s->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL);
    csv_set_realloc_func(&s->parser, limited_realloc);
    csv_set_blk_size(&s->parser, 65536);
}

/* A whole block at once, because the compiler makes vectors of this and the rare bytes then cost
 * nothing in the blocks that have none. */
static traits look(const char *block, int64_t n)
{
    unsigned char high = 0, nul = 0, cr = 0, blank = 0;
    traits found;

    for (int64_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)block[i];

        high |= c;
        nul |= c == 0;
        cr |= c == '\r';
        blank |= (c == ' ') | (c == '\t');
    }
    found.holds = (nul ? RR_CSV_MAY_HOLD_NUL : 0u) | (high & 0x80 ? RR_CSV_MAY_HOLD_HIGH : 0u);
    found.cr = cr;
    found.blank = blank;
    return found;
}

/* Length of the line at `bytes` with its LF, CRLF or CR; *terminated is 0 if it goes on beyond. */
static int64_t line_length(const char *bytes, int64_t left, int may_hold_cr, int *terminated)
{
    const char *lf = memchr(bytes, '\n', (size_t)left);
    int64_t length = lf == NULL ? left : lf - bytes + 1;

    *terminated = lf != NULL;
    if (may_hold_cr) {
        const char *cr = memchr(bytes, '\r', (size_t)length);

        if (cr != NULL && cr + 1 != lf) {
            *terminated = 1;
            return cr - bytes + 1;
        }
    }
    return length;
}

static int is_done(const scan *s)
{
    return s->at_start && (s->byte >= s->end || s->most <= 0);
}

/* Forgets the current record. Returns 1 if reading has to go back to an earlier byte. */
static int recover(scan *s)
{
    int64_t reached = s->byte;

    csv_free(&s->parser);
    parser_start(s);
    s->most--;
    if (s->resume_byte < 0) {
        s->skipping = 1;
        return 0;
    }
    s->at_start = 1;
    s->byte = s->resume_byte;
    s->line = s->resume_line;
    s->after_cr = s->resume_after_cr;
    return s->byte != reached;
}

static rr_status quote_fault(const scan *s, int at_end, rr_csv_fault *fault, rr_error *error)
{
    const struct csv_parser *p = &s->parser;

    fault->line = s->field_line;
    fault->column = s->fields;
    fault->value = (const char *)p->entry_buf;
    fault->length = (int64_t)p->entry_pos;
    if (at_end) {
        fault->reason = "begins with a quote that is never closed";
    } else if (p->status == CSV_EPARSE) {
        fault->reason =
            p->quoted
                ? "has text after its closing quote; a quote inside a quoted field is written "
                  "twice, or an earlier quote is not closed"
                : "holds a quote but is not quoted; put quotes around the field and write the "
                  "quote twice";
    } else if (p->entry_size >= RR_CSV_FIELD_MAX) {
        fault->reason = p->quoted ? "begins with a quote that is not closed within 1 MiB"
                                  : "is longer than 1 MiB";
    } else {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory for a field");
    }
    return RR_OK;
}

static void count_reason(char *reason, size_t room, int64_t fields, int more, int64_t n_columns)
{
    snprintf(reason, room, "the row has %s%lld field%s where %lld %s expected",
             more ? "more than " : "", (long long)fields, fields == 1 ? "" : "s",
             (long long)n_columns, n_columns == 1 ? "is" : "are");
}

static rr_status record_ended(scan *s, int *back)
{
    rr_csv_fault fault = {.line = s->place.line, .byte = s->place.byte, .column = -1};
    char reason[128];
    rr_status status;

    *back = 0;
    s->ended = 0;
    if (s->n_columns < 0 || s->fields == s->n_columns) {
        s->at_start = 1;
        s->most--;
        return s->events->record(s->events->context, &s->place);
    }
    count_reason(reason, sizeof reason, s->fields, 0, s->n_columns);
    fault.reason = reason;
    status = s->events->fault(s->events->context, &s->place, &fault);
    *back = status == RR_OK && recover(s);
    return status;
}

/* Begins a record at the current byte. */
static void begin(scan *s)
{
    s->at_start = 0;
    s->place.line = s->field_line = s->line;
    s->place.byte = s->byte;
    s->fields = 0;
    s->holds = 0;
    s->resume_byte = -1;
}

static rr_status blank_line(scan *s)
{
    int back;

    if (s->n_columns != 1) {
        (*s->blank_lines)++;
        return RR_OK;
    }
    begin(s);
    s->events->field(s->events->context, 0, s->line, "", 0, 0);
    s->fields = 1;
    return record_ended(s, &back);
}

/* Moves on by a line of which `taken` bytes went through the parser, and acts on what it found. */
static rr_status line_done(scan *s, int64_t length, int64_t taken, int terminated, int last_cr,
                           int *back, rr_error *error)
{
    rr_csv_fault fault = {.line = s->place.line, .byte = s->byte + taken, .column = -1};
    char reason[128];
    rr_status status;

    *back = 0;
    s->byte += length;
    s->line += terminated;
    s->after_cr = terminated && last_cr;
    if (terminated && s->resume_byte < 0) {
        s->resume_byte = s->byte;
        s->resume_line = s->line;
        s->resume_after_cr = s->after_cr;
    }
    if (taken != length) {
        status = quote_fault(s, 0, &fault, error);
    } else if (s->n_columns < 0 && s->fields > RR_CSV_COLUMNS_MAX) {
        fault.reason = "the line has more than 65,536 fields; is it the header of a CSV file?";
        status = RR_OK;
    } else if (s->ended) {
        return record_ended(s, back);
    } else if (terminated && s->n_columns >= 0 && s->fields > s->n_columns) {
        /* At once, so that quotes out of step cannot make one record of the rest of the file. */
        fault.byte = s->place.byte;
        count_reason(reason, sizeof reason, s->n_columns, 1, s->n_columns);
        fault.reason = reason;
        status = RR_OK;
    } else {
        return RR_OK;
    }
    if (status == RR_OK) {
        status = s->events->fault(s->events->context, &s->place, &fault);
    }
    *back = status == RR_OK && recover(s);
    return status;
}

static rr_status feed(scan *s, const char *block, int64_t n, rr_error *error)
{
    const int64_t block_byte = s->byte;
    const traits found = look(block, n);
    rr_status status = RR_OK;

    s->holds |= found.holds;
    while (status == RR_OK && s->byte - block_byte < n) {
        const char *line = block + (s->byte - block_byte);
        int64_t left = n - (s->byte - block_byte), length, taken;
        int terminated, back, rest_of_crlf = s->after_cr && *line == '\n';

        s->after_cr = 0;
        if (rest_of_crlf && s->at_start) {
            s->byte++;
            continue;
        }
        if (is_done(s)) {
            break;
        }
        if (rest_of_crlf) {
            length = 1;
            terminated = 0;
        } else {
            length = line_length(line, left, found.cr, &terminated);
        }
        if (s->skipping) {
            s->byte += length;
            s->line += terminated;
            s->after_cr = terminated && line[length - 1] == '\r';
            s->skipping = !terminated;
            s->at_start = terminated;
            continue;
        }
        if (s->at_start && terminated && (*line == '\n' || *line == '\r')) {
            status = blank_line(s);
            s->byte += length;
            s->line++;
            s->after_cr = line[length - 1] == '\r';
            continue;
        }
        if (s->at_start) {
            begin(s);
            s->holds = found.holds;
        }
        /* Blanks belong to their field: libcsv must not take them for padding. Asking a function
         * about every byte costs a third of the speed, so it is done for lines that hold one. */
        csv_set_space_func(&s->parser, found.blank && (memchr(line, ' ', (size_t)length) != NULL ||
                                                       memchr(line, '\t', (size_t)length) != NULL)
                                           ? no_space
                                           : NULL);
        taken = (int64_t)csv_parse(&s->parser, line, (size_t)length, on_field, on_record, s);
        status = line_done(s, length, taken, terminated, line[length - 1] == '\r', &back, error);
        if (back && s->byte < block_byte) {
            break;
        }
    }
    return status;
}

/* The end of the file. Returns with s->byte before the end if reading has to go back. */
static rr_status finish(scan *s, rr_error *error)
{
    rr_csv_fault fault = {.byte = s->byte, .column = -1};
    rr_status status;
    int back;

    if (s->at_start || s->skipping) {
        return RR_OK;
    }
    if (csv_fini(&s->parser, on_field, on_record, s) == 0) {
        status = s->ended ? record_ended(s, &back) : RR_OK;
    } else {
        status = quote_fault(s, 1, &fault, error);
        if (status == RR_OK) {
            status = s->events->fault(s->events->context, &s->place, &fault);
        }
        if (status == RR_OK) {
            recover(s);
        }
    }
    return status;
}

/* Up to `want` bytes from s->byte: those in memory, else those that were read into *buffer, which is
 * made when it is needed. */
static rr_status next_bytes(const scan *s, const rr_csv_input *input, int64_t want, char **buffer,
                            const char **block, int64_t *n, rr_error *error)
{
    int64_t held = input->held_from + input->held_length - s->byte;
    int64_t left = input->stamp->size - s->byte;

    if (held > 0 && s->byte >= input->held_from) {
        *block = input->held + (s->byte - input->held_from);
        *n = held < want ? held : want;
        return RR_OK;
    }
    if (*buffer == NULL) {
        *buffer = rr_allocate(input->block_size, 1);
        if (*buffer == NULL) {
            return rr_fail(error, RR_ERR_MEMORY, "out of memory for a block of the file");
        }
    }
    *block = *buffer;
    return rr_csv_bytes(input->source, s->byte, *buffer, left < want ? left : want, n, error);
}

rr_status rr_csv_scan(const rr_csv_input *input, int64_t n_columns, rr_csv_place *at, int64_t end,
                      int64_t most, const rr_csv_events *events, int64_t *blank_lines,
                      const rr_call *call, rr_error *error)
{
    scan s = {.events = events,
              .n_columns = n_columns,
              .byte = at->byte,
              .line = at->line,
              .at_start = 1,
              .resume_byte = -1,
              .end = end,
              .most = most,
              .blank_lines = blank_lines};
    /* One record is a few hundred bytes, and every byte that is fed is looked at before. */
    int64_t want = input->block_size < 1024 ? input->block_size : 1024;
    char *buffer = NULL;
    rr_status status = RR_OK;

    parser_start(&s);
    while (status == RR_OK && (!is_done(&s) || s.after_cr)) {
        const char *block = NULL;
        int64_t n = 0, reached;

        if (rr_stopped(call, s.byte, input->stamp->size)) {
            status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
            break;
        }
        status = next_bytes(&s, input, want, &buffer, &block, &n, error);
        if (status == RR_OK && n > 0) {
            status = feed(&s, block, n, error);
        } else if (status == RR_OK) {
            /* A torn last row is the mark of a file that shrank: say that, and not what it tore. */
            status = rr_csv_stamp_check(input->source, input->stamp, error);
            reached = s.byte;
            if (status == RR_OK) {
                status = finish(&s, error);
            }
            if (status == RR_OK && s.byte == reached) {
                break;
            }
        }
        want = 2 * want < input->block_size ? 2 * want : input->block_size;
    }
    *at = (rr_csv_place){.line = s.line, .byte = s.byte};
    csv_free(&s.parser);
    free(buffer);
    return status;
}
