/* A block of the file: regular records by their positions, the others by libcsv.
 *
 * A block is known by its bytes, and a record belongs to the block that it begins in. Where the first
 * one begins depends on all that came before, quotes above all; so it is guessed, and the block is
 * read on that guess. Reading a block is a function of where it begins and of nothing else, so when
 * the block before is through, the guess is right or the block is read again. */
#include "csv_internal.h"

#include <stdlib.h>

enum {
    GUESS_BYTES = 8192, /* in which a quote is looked for that shows what is inside */
    WORTH_IT = 8,       /* so many records in a row pay for an index */
    PATIENCE_MAX = 4096
};

/* Beyond the end of a block: most records that begin in it end there. */
static int64_t margin(int64_t size)
{
    return size < 2048 ? 64 : size / 32;
}

rr_status rr_csv_block_open(rr_csv_block *block, int64_t size)
{
    block->size = size;
    if (block->index_of == NULL) {
        return RR_OK;
    }
    block->buffer = rr_allocate(size + margin(size) + 2 * RR_CSV_PAD + 1, 1);
    block->index.ends = rr_allocate(size + margin(size) + RR_CSV_ENDS_SPARE, sizeof(uint32_t));
    if (block->buffer == NULL || block->index.ends == NULL) {
        return RR_ERR_MEMORY;
    }
    memset(block->buffer, 'a', RR_CSV_PAD);
    return RR_OK;
}

void rr_csv_block_close(rr_csv_block *block)
{
    free(block->buffer);
    free(block->index.ends);
    block->buffer = NULL;
    block->index.ends = NULL;
}

static int separates(char c)
{
    return c == ',' || c == '\n' || c == '\r' || c == '"';
}

/* Whether the first of n bytes lies inside of quotes, as the first quote tells that can only be an
 * opening or only be a closing one. */
static int starts_inside(const char *bytes, int64_t n)
{
    int odd = 0;

    for (int64_t i = 0; i < n; i++, odd = !odd) {
        const char *quote = memchr(bytes + i, '"', (size_t)(n - i));

        if (quote == NULL) {
            return 0;
        }
        i = quote - bytes;
        if (i > 0 && !separates(quote[-1])) {
            return !odd;
        }
        if (i + 1 < n && !separates(quote[1])) {
            return odd;
        }
    }
    return 0;
}

rr_status rr_csv_block_load(rr_csv_block *block, int64_t first, int64_t from, int64_t end,
                            int64_t *guess, rr_error *error)
{
    char *bytes = block->buffer + RR_CSV_PAD;
    const int64_t before = from > first; /* whether it begins with a record shows the byte before */
    int64_t want = end - from + margin(block->size) + before, got, inside;
    rr_status status;

    block->from = from - before;
    want = want < block->stamp->size - block->from ? want : block->stamp->size - block->from;
    status = rr_csv_bytes(block->source, block->from, bytes, want, &got, error);
    if (status == RR_OK && got < want) {
        status = rr_csv_stamp_check(block->source, block->stamp, error);
    }
    if (status != RR_OK) {
        return status;
    }
    memset(bytes + got, 'a', RR_CSV_PAD);
    block->length = got;
    block->index.n = block->at_end = 0;
    block->index.ends[0] = 0;
    *guess = before ? -1 : from;
    inside = before && starts_inside(bytes, got < GUESS_BYTES ? got : GUESS_BYTES);
    for (int64_t i = 0; *guess < 0 && i < got; i++) {
        inside ^= bytes[i] == '"';
        if (bytes[i] == '\n' && !inside) {
            *guess = block->from + i + 1;
        }
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- regular records */

/* In runs whose sum fits a byte, so that a compiler adds sixteen at once: a sum of 64 bits took as long
 * as all else that is done to a block. */
static int64_t count_newlines(const char *bytes, int64_t n)
{
    int64_t newlines = 0;

    for (int64_t from = 0; from < n; from += 240) {
        const int64_t end = n - from < 240 ? n : from + 240;
        uint8_t some = 0;

        for (int64_t i = from; i < end; i++) {
            some = (uint8_t)(some + (bytes[i] == '\n'));
        }
        newlines += some;
    }
    return newlines;
}

/* Whether every record of the whole index has the right number of fields, and the same end of line. */
static int is_even(const rr_csv_index *x, const char *bytes, int64_t n_columns)
{
    const uint32_t *end = x->ends + n_columns;
    int64_t right = 0;

    if ((x->crlf != 0 && x->crlf != x->newlines) || x->newlines * n_columns > x->n) {
        return 0;
    }
    for (int64_t i = 0; i < x->newlines; i++, end += n_columns) {
        right += bytes[*end] == '\n';
    }
    return right == x->newlines;
}

/* Brings the index to the record at position `start` of the buffer: it goes on where it is if a record
 * begins there for it too. */
static void find_record(rr_csv_block *b, uint32_t start, int64_t last)
{
    const char *bytes = b->buffer;

    while (b->at_end < b->index.n && b->index.ends[b->at_end] + 1 < start) {
        b->at_end++;
    }
    if (b->index.n > 0 && b->index.ends[b->at_end] + 1 == start && b->at_end < b->index.n &&
        (b->at_end == 0 || bytes[start - 1] == '\n')) {
        return;
    }
    b->index_of(bytes, start, RR_CSV_PAD + b->length, last, &b->index);
    b->at_end = 0;
    b->is_even = is_even(&b->index, bytes, b->rows.n_columns);
}

/* Whether a record of the right shape comes next in the index; *trim as in rr_csv_run. */
static int is_regular(const rr_csv_block *b, const uint32_t *end, int64_t left, int64_t n_columns,
                      int64_t *trim)
{
    if (left < n_columns || b->buffer[end[n_columns - 1]] != '\n') {
        return 0;
    }
    for (int64_t c = 0; c < n_columns - 1; c++) {
        if (b->buffer[end[c]] == '\n') {
            return 0;
        }
    }
    *trim = b->buffer[end[n_columns - 1] - 1] == '\r';
    return 1;
}

/* The longest run of records that begins here, with n 0 if there is none. */
static rr_csv_run next_run(const rr_csv_block *b, int64_t n_columns)
{
    const rr_csv_index *x = &b->index;
    rr_csv_run run = {
        .bytes = b->buffer, .ends = x->ends + b->at_end + 1, .quoted = x->quoted, .high = x->high};
    int64_t left = x->n - b->at_end, trim;

    if (b->is_even) {
        run.n = x->newlines - b->at_end / n_columns;
        run.trim = x->crlf > 0;
        return run;
    }
    while (is_regular(b, run.ends + run.n * n_columns, left, n_columns, &trim) &&
           (run.n == 0 || trim == run.trim)) {
        run.trim = trim;
        run.n++;
        left -= n_columns;
    }
    return run;
}

/* Bytes of the blank line that comes next in the index; 0: none does. */
static int64_t blank_line(const rr_csv_block *b)
{
    const uint32_t *end = b->index.ends + b->at_end + 1;

    if (b->at_end == b->index.n || b->buffer[*end] != '\n') {
        return 0;
    }
    if (end[0] - end[-1] == 1) {
        return 1;
    }
    return end[0] - end[-1] == 2 && b->buffer[*end - 1] == '\r' ? 2 : 0;
}

/* Lines of n records that lie between two positions. Newlines inside of quotes are counted by the index;
 * behind its last record there may be some of a record that it does not know to the end. */
static int64_t lines_of(const rr_csv_block *b, int64_t start, int64_t end, int64_t n)
{
    const rr_csv_index *x = &b->index;

    if (x->inner == 0) {
        return n;
    }
    return n == x->newlines ? n + x->inner - count_newlines(b->buffer + end, x->reach - end)
                            : count_newlines(b->buffer + start, end - start);
}

/* Reads regular records from `at` as far as there are any. */
static rr_status read_regular(rr_csv_block *b, rr_csv_place *at, int64_t end)
{
    const int64_t to_file = b->from - RR_CSV_PAD, n_columns = b->rows.n_columns;
    int64_t added = 0;
    rr_csv_run run;
    rr_status status;

    if (at->byte >= b->from + b->length) {
        return RR_OK;
    }
    find_record(b, (uint32_t)(at->byte - to_file), end - 1 - to_file);
    do {
        int64_t blank;

        while (n_columns != 1 && (blank = blank_line(b)) > 0) {
            b->blank_lines++;
            b->at_end++;
            at->byte += blank;
            at->line++;
        }
        run = next_run(b, n_columns);
        status = run.n > 0 ? rr_csv_rows_add(&b->rows, &run, &added) : RR_OK;
        if (status == RR_OK && run.n > 0) {
            int64_t start = at->byte;

            b->at_end += added * n_columns;
            at->byte = (int64_t)b->index.ends[b->at_end] + 1 + to_file;
            at->line += lines_of(b, start - to_file, at->byte - to_file, added);
        }
    } while (status == RR_OK && run.n > 0 && added == run.n && !b->is_even);
    return status;
}

/* ---------------------------------------------------------------- all records */

rr_status rr_csv_block_read(rr_csv_block *block, rr_csv_place *at, int64_t end)
{
    const rr_csv_events events = rr_csv_rows_events(&block->rows);
    const rr_csv_input input = {.source = block->source,
                                .stamp = block->stamp,
                                .held = block->buffer == NULL ? NULL : block->buffer + RR_CSV_PAD,
                                .held_from = block->from,
                                .held_length = block->length,
                                .block_size = block->size};
    int64_t patience = 1; /* records that libcsv takes before the next look for regular ones */
    rr_status status = RR_OK;

    while (status == RR_OK && at->byte < end) {
        int64_t seen = block->rows.seen;

        if (block->index_of == NULL) {
            patience = INT64_MAX;
        } else {
            status = read_regular(block, at, end);
            patience = block->rows.seen - seen >= WORTH_IT ? 1
                       : patience < PATIENCE_MAX           ? 2 * patience
                                                           : patience;
        }
        if (status == RR_OK && at->byte < end) {
            status = rr_csv_scan(&input, block->rows.n_columns, at, end, patience, &events,
                                 &block->blank_lines, NULL, &block->rows.error);
        }
    }
    return status;
}
