/* The rows of blocks become one table.
 *
 * A block's rows lie in its worker's own columns, which stay in the cache. When the blocks before are
 * through, the block learns its place: the number of its first row, the first byte of its texts, and
 * the codes that its categories have in the table. That is a few additions, done by one block at a
 * time; then the rows are copied, by several. So every byte of the table is written once, the table
 * grows seldom, and no count of the rows has to go before.
 *
 * Memory that the process has not touched before is dear, so the table has no more than it needs: the
 * codes of a category are as narrow as its values are few, and widen when more appear; a column has a
 * mask from its first null on. 10 M rows of 8 columns, 467 MiB: with codes of four bytes, narrowed
 * later, 582 MiB were touched; then 490, of which 20 were masks of columns without nulls. The first
 * read of a process, three pairs side by side on a machine that is slow to give memory, codes of four
 * bytes and narrow ones: 2.24, 1.71, 0.78 s and 0.91, 0.57, 0.38.
 *
 * What is copied is not read before much else was written, so it goes past the caches (stream.h).
 * Two threads, memcpy and this: four columns 0.146 and 0.135 s, all eight 0.211 and 0.206; and who links
 * the rows next is no slower.
 *
 * Offsets of 32 bits would be half as much to write, but pandas holds text with 64 and would make those
 * of them in memory of its own. */
#include "csv_internal.h"
#include "columns.h"
#include "stream.h"

#include <stdlib.h>

enum { NULL_CODE = 0, UNKNOWN = -2 };

rr_status rr_csv_whole_init(rr_csv_whole *whole, const rr_csv_kind *kinds, int64_t n_columns,
                            rr_shelf *shelf)
{
    static const rr_csv_kind bad[RR_CSV_N_BAD] = {RR_CSV_INT64, RR_CSV_INT64, RR_CSV_INT64,
                                                  RR_CSV_TEXT, RR_CSV_CATEGORY};

    memset(whole, 0, sizeof *whole);
    whole->columns = rr_allocate(n_columns, sizeof *whole->columns);
    whole->used = calloc((size_t)n_columns, sizeof *whole->used);
    whole->unseen = calloc((size_t)n_columns, sizeof *whole->unseen);
    if (whole->columns == NULL || whole->used == NULL || whole->unseen == NULL) {
        return RR_ERR_MEMORY;
    }
    whole->n_columns = n_columns;
    for (int64_t i = 0; i < n_columns; i++) {
        rr_csv_builder_init(&whole->columns[i], kinds[i]);
        whole->columns[i].column.code_size = 1;
        whole->columns[i].mask_later = 1;
        whole->columns[i].shelf = shelf;
    }
    for (int i = 0; i < RR_CSV_N_BAD; i++) {
        rr_csv_builder_init(&whole->bad[i], bad[i]);
    }
    if (rr_csv_make_room(whole->bad, RR_CSV_N_BAD, 0, &whole->bad_room) != RR_OK) {
        return RR_ERR_MEMORY;
    }
    /* The categories' values need room from the start, the rows of everything when there are some. */
    for (int64_t i = 0; i < n_columns; i++) {
        if (rr_csv_builder_reserve(&whole->columns[i], 0) != RR_OK) {
            return RR_ERR_MEMORY;
        }
    }
    return RR_OK;
}

void rr_csv_whole_free(rr_csv_whole *whole)
{
    for (int64_t i = 0; i < whole->n_columns; i++) {
        rr_csv_builder_free(&whole->columns[i]);
    }
    for (int i = 0; i < RR_CSV_N_BAD; i++) {
        rr_csv_builder_free(&whole->bad[i]);
    }
    free(whole->columns);
    free(whole->used);
    free(whole->unseen);
    memset(whole, 0, sizeof *whole);
}

rr_status rr_csv_seam_init(rr_csv_seam *seam, int64_t n_columns)
{
    memset(seam, 0, sizeof *seam);
    seam->of = calloc((size_t)n_columns, sizeof *seam->of);
    seam->used = calloc((size_t)n_columns, sizeof *seam->used);
    seam->unseen = calloc((size_t)n_columns, sizeof *seam->unseen);
    seam->n_columns = n_columns;
    return seam->of == NULL || seam->used == NULL || seam->unseen == NULL ? RR_ERR_MEMORY : RR_OK;
}

void rr_csv_seam_free(rr_csv_seam *seam)
{
    for (int64_t i = 0; seam->of != NULL && i < seam->n_columns; i++) {
        free(seam->of[i].codes);
    }
    free(seam->of);
    free(seam->used);
    free(seam->unseen);
    memset(seam, 0, sizeof *seam);
}

/* ---------------------------------------------------------------- room */

static int64_t text_bytes(const rr_csv_rows *rows, int64_t i)
{
    const rr_csv_builder *b = &rows->columns[i];

    return b->column.kind == RR_CSV_TEXT ? b->column.offsets[rows->rows] : 0;
}

int rr_csv_whole_holds(const rr_csv_whole *whole)
{
    int holds = whole->rows <= whole->room;

    for (int64_t i = 0; holds && i < whole->n_columns; i++) {
        holds = whole->used[i] <= whole->columns[i].data_room;
    }
    return holds;
}

/* What `n` so far will be in the end, with a little more; never less than `least`. */
static int64_t foreseen(int64_t n, double share, int64_t least)
{
    double wanted = 1.02 * (double)n * share + 1024;

    return wanted < (double)least ? least : wanted > 1e18 ? INT64_MAX / 16 : (int64_t)wanted;
}

rr_status rr_csv_whole_grow(rr_csv_whole *whole, double share)
{
    if (whole->rows > whole->room) {
        int64_t room = foreseen(whole->rows, share, whole->rows + whole->room / 8);

        for (int64_t i = 0; i < whole->n_columns; i++) {
            if (rr_csv_builder_reserve(&whole->columns[i], room) != RR_OK) {
                return RR_ERR_MEMORY;
            }
        }
        whole->room = room;
    }
    for (int64_t i = 0; i < whole->n_columns; i++) {
        rr_csv_builder *b = &whole->columns[i];
        const int64_t bytes = whole->used[i];

        if (bytes > b->data_room &&
            rr_csv_builder_set_data(b, foreseen(bytes, share, bytes + b->data_room / 8)) != RR_OK) {
            return RR_ERR_MEMORY;
        }
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- width of codes */

/* That which pandas holds the codes in too. */
static int code_size_of(int64_t n_values)
{
    return n_values < INT8_MAX ? 1 : n_values < INT16_MAX ? 2 : 4;
}

static int is_narrow(const rr_csv_column *c)
{
    return c->kind == RR_CSV_CATEGORY && c->code_size < code_size_of(c->n_strings);
}

/* Whether the rows hold the first null of a column that marks nulls in a mask. */
static int is_first_null(const rr_csv_column *c, const rr_csv_rows *rows, int64_t column)
{
    const uint8_t *valid = rows->columns[column].column.valid;

    return c->valid == NULL && valid != NULL && rows->rows > 0 &&
           memchr(valid, 0, (size_t)rows->rows) != NULL;
}

int rr_csv_whole_is_narrow(const rr_csv_whole *whole, const rr_csv_rows *rows)
{
    int narrow = 0;

    for (int64_t i = 0; i < whole->n_columns; i++) {
        const rr_csv_column *c = &whole->columns[i].column;

        narrow |= is_narrow(c) || is_first_null(c, rows, i);
    }
    return narrow;
}

/* From the last to the first, each beyond what is still to be read. */
static void widen(char *codes, int64_t n, int from, int to)
{
    for (int64_t i = n - 1; i >= 0; i--) {
        int8_t byte;
        int16_t two;
        int32_t code;

        memcpy(&byte, codes + i * from, sizeof byte);
        code = byte;
        if (from == 2) {
            memcpy(&two, codes + i * from, sizeof two);
            code = two;
        }
        two = (int16_t)code;
        memcpy(codes + i * to, to == 2 ? (const void *)&two : (const void *)&code, (size_t)to);
    }
}

rr_status rr_csv_whole_widen(rr_csv_whole *whole, const rr_csv_rows *rows, int64_t n)
{
    for (int64_t i = 0; i < whole->n_columns; i++) {
        rr_csv_column *c = &whole->columns[i].column;

        if (is_first_null(c, rows, i) &&
            rr_csv_builder_mask(&whole->columns[i], n, whole->room) != RR_OK) {
            return RR_ERR_MEMORY;
        }

        if (is_narrow(c)) {
            const int from = c->code_size;

            c->code_size = code_size_of(c->n_strings);
            if (rr_csv_builder_reserve(&whole->columns[i], whole->room) != RR_OK) {
                return RR_ERR_MEMORY;
            }
            widen(c->values, n, from, c->code_size);
        }
    }
    return RR_OK;
}

/* ---------------------------------------------------------------- a place */

/* Gives codes of the table to the block's values that have none yet, in the order in which its rows
 * name them. A value that only rows left out had is no category. */
static rr_status place_category(rr_csv_builder *table, const rr_csv_builder *own, int64_t n_rows,
                                struct rr_csv_codes *known)
{
    const rr_csv_column *c = &own->column;
    const int32_t *rows = c->values;

    if (known->room < c->n_strings + 1) {
        int64_t room = 2 * (c->n_strings + 32);
        int32_t *codes = rr_allocate(room, sizeof *codes);

        if (codes == NULL) {
            return RR_ERR_MEMORY;
        }
        if (known->codes != NULL) {
            memcpy(codes, known->codes, (size_t)(known->n + 1) * sizeof *codes);
        }
        free(known->codes);
        known->codes = codes;
        known->room = room;
        codes[NULL_CODE] = -1;
    }
    for (; known->n < c->n_strings; known->n++, known->unknown++) {
        known->codes[1 + known->n] = UNKNOWN;
    }
    for (int64_t i = 0; i < n_rows && known->unknown > 0; i++) {
        int32_t *code = &known->codes[1 + rows[i]];

        if (*code == UNKNOWN) {
            int64_t from = c->offsets[rows[i]], to = c->offsets[rows[i] + 1];
            rr_status status = rr_csv_category_code(table, c->data + from, to - from, code);

            if (status != RR_OK) {
                return status;
            }
            known->unknown--;
        }
    }
    return RR_OK;
}

static rr_status place_bad(rr_csv_whole *whole, const rr_csv_rows *rows, int64_t line, int64_t row)
{
    const rr_csv_column *value = &rows->bad[RR_CSV_BAD_VALUE].column;
    const rr_csv_column *reason = &rows->bad[RR_CSV_BAD_REASON].column;
    const rr_csv_column *column = &rows->bad[RR_CSV_BAD_COLUMN].column;
    rr_csv_builder *out = whole->bad;

    for (int64_t i = 0; i < rows->n_bad; i++) {
        const int32_t code = ((const int32_t *)reason->values)[i];
        const int64_t from = value->offsets[i], to = value->offsets[i + 1];
        int64_t bad;
        rr_status status = rr_csv_make_room(out, RR_CSV_N_BAD, whole->n_bad, &whole->bad_room);

        if (status != RR_OK) {
            return status;
        }
        rr_csv_add_int64(&out[RR_CSV_BAD_LINE],
                         line + ((const int64_t *)rows->bad[RR_CSV_BAD_LINE].column.values)[i]);
        rr_csv_add_int64(&out[RR_CSV_BAD_ROW],
                         row + ((const int64_t *)rows->bad[RR_CSV_BAD_ROW].column.values)[i]);
        if (column->valid[i]) {
            rr_csv_add_int64(&out[RR_CSV_BAD_COLUMN], ((const int64_t *)column->values)[i]);
        } else {
            rr_csv_add_null(&out[RR_CSV_BAD_COLUMN]);
        }
        if (value->valid[i]) {
            status = rr_csv_add_text(&out[RR_CSV_BAD_VALUE], RR_CSV_UTF8, value->data + from,
                                     to - from, 0, &bad);
        } else {
            rr_csv_add_null(&out[RR_CSV_BAD_VALUE]);
        }
        if (status == RR_OK) {
            status = rr_csv_add_category(
                &out[RR_CSV_BAD_REASON], RR_CSV_UTF8, reason->data + reason->offsets[code],
                reason->offsets[code + 1] - reason->offsets[code], 0, &bad);
        }
        if (status != RR_OK) {
            return status;
        }
        whole->n_bad++;
    }
    whole->bad_rows += rows->bad_rows;
    return RR_OK;
}

rr_status rr_csv_whole_place(rr_csv_whole *whole, const rr_csv_rows *rows, int64_t line,
                             int64_t row, rr_csv_seam *seam)
{
    seam->row = whole->rows;
    for (int64_t i = 0; i < whole->n_columns; i++) {
        if (whole->columns[i].column.kind == RR_CSV_CATEGORY) {
            rr_status status = place_category(&whole->columns[i], &rows->columns[i], rows->rows,
                                              &seam->of[i]);

            if (status != RR_OK) {
                return status;
            }
        }
        seam->used[i] = whole->used[i];
        whole->used[i] += text_bytes(rows, i);
    }
    whole->rows += rows->rows;
    return place_bad(whole, rows, line, row);
}

/* ---------------------------------------------------------------- the copy */

static void copy_codes(const rr_csv_column *to, const int32_t *in, int64_t n, int64_t row,
                       const int32_t *codes)
{
    if (to->code_size == 1) {
        int8_t *out = (int8_t *)to->values + row;

        for (int64_t i = 0; i < n; i++) {
            out[i] = (int8_t)codes[1 + in[i]];
        }
    } else if (to->code_size == 2) {
        int16_t *out = (int16_t *)to->values + row;

        for (int64_t i = 0; i < n; i++) {
            out[i] = (int16_t)codes[1 + in[i]];
        }
    } else {
        int32_t *out = (int32_t *)to->values + row;

        for (int64_t i = 0; i < n; i++) {
            out[i] = codes[1 + in[i]];
        }
    }
}

static void copy_column(const rr_csv_builder *table, const rr_csv_builder *own, int64_t n,
                        int64_t row, int64_t used, const int32_t *codes)
{
    const rr_csv_column *from = &own->column, *to = &table->column;

    if (from->kind == RR_CSV_CATEGORY) {
        copy_codes(to, from->values, n, row, codes);
    } else if (from->kind == RR_CSV_TEXT) {
        rr_stream_sums(to->offsets + row + 1, from->offsets + 1, n, used);
        if (from->offsets[n] > 0) {
            rr_stream(to->data + used, from->data, (size_t)from->offsets[n]);
        }
    } else if (from->values != NULL) {
        const size_t size = rr_csv_value_size(from->kind);

        rr_stream((char *)to->values + (size_t)row * size, from->values, (size_t)n * size);
    }
    if (to->valid != NULL) {
        memcpy(to->valid + row, from->valid, (size_t)n);
    }
}

void rr_csv_whole_copy(const rr_csv_whole *whole, const rr_csv_rows *rows, rr_csv_seam *seam)
{
    for (int64_t i = 0; rows->rows > 0 && i < whole->n_columns; i++) {
        const int64_t bytes = text_bytes(rows, i);

        /* Looked at here, where they are in the cache and about to be read. */
        if (bytes > 0 && !seam->unseen[i]) {
            const char *data = rows->columns[i].column.data;

            seam->unseen[i] = !rr_text_is_visible((const uint8_t *)data, bytes);
        }
        copy_column(&whole->columns[i], &rows->columns[i], rows->rows, seam->row, seam->used[i],
                    seam->of[i].codes);
    }
    rr_stream_end();
}

void rr_csv_whole_hear(rr_csv_whole *whole, const rr_csv_seam *seam)
{
    for (int64_t i = 0; seam->unseen != NULL && i < whole->n_columns; i++) {
        whole->unseen[i] |= seam->unseen[i];
    }
}

/* ---------------------------------------------------------------- the end */

rr_status rr_csv_whole_finish(rr_csv_whole *whole, rr_csv_encoding encoding, rr_csv_table *table)
{
    table->columns = calloc((size_t)whole->n_columns, sizeof *table->columns);
    if (table->columns == NULL) {
        return RR_ERR_MEMORY;
    }
    table->n_columns = whole->n_columns;
    for (int64_t i = 0; i < whole->n_columns; i++) {
        whole->columns[i].n = whole->rows;
        if (whole->columns[i].column.kind == RR_CSV_TEXT) {
            whole->columns[i].column.n_strings = whole->rows;
            whole->columns[i].column.visible = !whole->unseen[i];
        }
        if (rr_csv_builder_finish(&whole->columns[i], encoding, &table->columns[i]) != RR_OK) {
            return RR_ERR_MEMORY;
        }
    }
    for (int i = 0; i < RR_CSV_N_BAD; i++) {
        if (rr_csv_builder_finish(&whole->bad[i], RR_CSV_UTF8, &table->bad[i]) != RR_OK) {
            return RR_ERR_MEMORY;
        }
    }
    table->n_rows = whole->rows;
    table->bad_rows = whole->bad_rows;
    table->n_bad = whole->n_bad;
    return RR_OK;
}
