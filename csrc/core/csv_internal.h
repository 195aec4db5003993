/* What the csv_*.c files share with one another.
 *
 *   csv_source    bytes of the file
 *   csv_grammar   libcsv: any record, field by field     csv_index    positions in regular records
 *   csv_values, csv_dates: one field to one value        csv_columns  growing columns
 *   csv_rows      the rows of a block from libcsv        csv_fields   the same from positions,
 *                                                        csv_iso      dates among them
 *   csv_blocks    a block of the file, by both
 *   csv_read      blocks on threads, in order            csv_stitch   their rows to one table
 *   csv_header    the names of the columns               csv_write    columns to bytes */
#ifndef RR_CSV_INTERNAL_H
#define RR_CSV_INTERNAL_H

/* For pread, nanoseconds of fstat, and uselocale; so this file is included before any other. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "csv_table.h"
#include "internal.h"

#include <locale.h>
#include <stddef.h>
#include <string.h>

/* Eight bytes as a number, the first of them lowest on any machine. */
static inline uint64_t rr_csv_word(const char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Eight times the same byte. */
static inline uint64_t rr_csv_every(unsigned char byte)
{
    return byte * UINT64_C(0x0101010101010101);
}

/* ---------------------------------------------------------------- csv_source.c */

/* RR_ERR_ARGUMENT for an encoding, a block size or a source that cannot be. */
rr_status rr_csv_check_options(const rr_csv_source *source, const rr_csv_options *options,
                               rr_error *error) RR_MUST_CHECK;

/* What a file was when reading began. */
typedef struct rr_csv_stamp {
    int64_t size;
    int64_t seconds, nanoseconds; /* of its last change; 0 for memory */
} rr_csv_stamp;

rr_status rr_csv_stamp_take(const rr_csv_source *source, rr_csv_stamp *stamp,
                            rr_error *error) RR_MUST_CHECK;

/* RR_ERR_CSV if the file is no longer what the stamp says. */
rr_status rr_csv_stamp_check(const rr_csv_source *source, const rr_csv_stamp *stamp,
                             rr_error *error) RR_MUST_CHECK;

/* Reads `want` bytes from `offset` into `buffer`; *got is less only at the end of the source. */
rr_status rr_csv_bytes(const rr_csv_source *source, int64_t offset, char *buffer, int64_t want,
                       int64_t *got, rr_error *error) RR_MUST_CHECK;

/* Looks at the first bytes: *start is 3 after a UTF-8 byte order mark and 0 otherwise. RR_ERR_CSV
 * for what is no text in this encoding: compressed files, UTF-16, a mark that denies it. */
rr_status rr_csv_start(const rr_csv_source *source, rr_csv_encoding encoding, int64_t *start,
                       rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- csv_grammar.c */

#define RR_CSV_MAY_HOLD_NUL 1u
#define RR_CSV_MAY_HOLD_HIGH 2u /* a byte of 0x80 or more */

/* Where a record began. */
typedef struct rr_csv_place {
    int64_t line; /* from 1 */
    int64_t byte;
} rr_csv_place;

/* What is wrong with a record as a whole. */
typedef struct rr_csv_fault {
    int64_t line;
    int64_t byte;
    int64_t column;    /* -1: none */
    const char *value; /* `length` bytes, valid during the call; may be NULL with length 0 */
    int64_t length;
    const char *reason;
} rr_csv_fault;

/* Who is told. Any status but RR_OK ends the scan and is returned by it. */
typedef struct rr_csv_events {
    void *context;
    /* A field, in order. `bytes` is followed by a NUL. `holds`: RR_CSV_MAY_HOLD_* of the record so
     * far. A failure is kept by the context and returned by the next record() or fault(). */
    void (*field)(void *context, int64_t column, int64_t line, const char *bytes, int64_t length,
                  unsigned holds);
    /* A record with the right number of fields. */
    rr_status (*record)(void *context, const rr_csv_place *place);
    /* A record that cannot be read; its fields so far do not count. RR_OK: go on with the line after
     * the one that the record began on. */
    rr_status (*fault)(void *context, const rr_csv_place *place, const rr_csv_fault *fault);
} rr_csv_events;

/* What libcsv is to read. */
typedef struct rr_csv_input {
    const rr_csv_source *source;
    const rr_csv_stamp *stamp; /* the file ends where it did then */
    const char *held;          /* `held_length` bytes of it, from byte held_from, are in memory */
    int64_t held_from, held_length;
    int64_t block_size;
} rr_csv_input;

/* Reads records from `at`, which is where a record begins, until the first that begins at byte `end`
 * or later, or until `most` were read, right or wrong. *at is then where the next one begins.
 * *blank_lines grows by those that were skipped. n_columns -1: not known, any number of fields is
 * right and every blank line is skipped. */
rr_status rr_csv_scan(const rr_csv_input *input, int64_t n_columns, rr_csv_place *at, int64_t end,
                      int64_t most, const rr_csv_events *events, int64_t *blank_lines,
                      const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- csv_index.c */

/* Ends of fields among the bytes of a buffer: commas, and the newlines that end records. */
typedef struct rr_csv_index {
    uint32_t *ends;   /* n + 1 positions, the first being the byte before the first record; has room
                         for RR_CSV_ENDS_SPARE more than there are bytes */
    int64_t n;        /* fields */
    int64_t newlines; /* records */
    int64_t crlf;     /* of them end in CR LF */
    int64_t inner;    /* newlines inside of quotes, before the position `reach` */
    int64_t reach;
    int quoted, high; /* there are quotes, bytes of 0x80 or more */
} rr_csv_index;

#define RR_CSV_ENDS_SPARE 128
#define RR_CSV_PAD 64 /* bytes before and after those that are read */

/* Indexes `bytes` from position `from` (at least 1), where a record begins, up to the end of the
 * record that holds position `last`, or to `length`, or to what only libcsv can judge; RR_CSV_PAD
 * bytes after `length` must be there and hold no separator. */
typedef void rr_csv_indexing(const char *bytes, int64_t from, int64_t length, int64_t last,
                             rr_csv_index *index);

/* Whether the machine has the instructions of RR_CSV_AVX512. */
int rr_csv_has_avx512(void);

/* The function for a path, NULL for RR_CSV_LIBCSV. RR_ERR_ARGUMENT: this machine cannot. */
rr_status rr_csv_indexer(rr_csv_path path, rr_csv_indexing **make, rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- csv_dates.c */

#define RR_CSV_DATE_ITEMS 32

typedef struct rr_csv_date_format {
    struct {
        char what; /* 'Y', 'm', 'd', or 0 for a literal byte */
        char literal;
        unsigned char least, most; /* digits */
    } items[RR_CSV_DATE_ITEMS];
    int n;
    int iso;
    char wanted[96]; /* "is not a date (want ...)" */
} rr_csv_date_format;

/* NULL and "ISO" are YYYY-MM-DD. RR_ERR_ARGUMENT says what is wrong with the format. */
rr_status rr_csv_date_compile(const char *text, rr_csv_date_format *format,
                              rr_error *error) RR_MUST_CHECK;

/* The day of a field, or why it is none: NULL for success, else a sentence without its subject that
 * lives as long as the format. A time of day is accepted if it is midnight. */
const char *rr_csv_date_read(const rr_csv_date_format *format, const char *bytes, int64_t length,
                             int64_t *day);

/* What a day counts in a column. */
static inline int64_t rr_csv_date_unit(const rr_csv_options *options)
{
    return options->in_seconds ? 86400 : 1;
}

/* Ten bytes YYYY-MM-DD. Returns 0 for a day outside the years 1 to 9999. */
int rr_csv_date_write(int64_t day, char *out);

/* ---------------------------------------------------------------- csv_iso.c */

struct rr_csv_fields;

/* Reads the at most 64 fields of `fields` that are YYYY-MM-DD or empty to `dates`, as so many units a
 * day. Bit i of the answer: field i is left to be read in another way. */
typedef uint64_t rr_csv_dating(struct rr_csv_fields fields, int64_t unit, int64_t *dates);

/* The function for a path that the machine can take. */
rr_csv_dating *rr_csv_dater(rr_csv_path path);

/* ---------------------------------------------------------------- csv_values.c */

/* Each reads a field that is not empty and returns NULL, or why not, as rr_csv_date_read does. */
const char *rr_csv_int64_read(const char *bytes, int64_t length, int64_t *value);
const char *rr_csv_bool_read(const char *bytes, int64_t length, uint8_t *value);
/* `bytes` must be followed by a NUL. `plain` is a locale whose decimal point is a point. */
const char *rr_csv_float64_read(const char *bytes, int64_t length, locale_t plain, double *value);

#define RR_CSV_SHOWN 1000 /* bytes of a wrong value that are kept */

#define RR_CSV_GROWTH 3 /* one byte becomes at most so many in UTF-8 */

/* Writes `bytes` as UTF-8 to `out`, which has room for RR_CSV_GROWTH * length (for RR_CSV_UTF8:
 * length), and returns how many bytes that took, or -1 - the position of the first byte that is
 * wrong. NULL out: only the answer. */
int64_t rr_csv_utf8(rr_csv_encoding encoding, const char *bytes, int64_t length, char *out);

/* As rr_csv_utf8, but never fails: what is wrong becomes U+FFFD, and the text is cut, with "..." at
 * its end, to fit `room` (at least 8) bytes. Returns the length. */
int64_t rr_csv_show(rr_csv_encoding encoding, const char *bytes, int64_t length, char *out,
                    int64_t room);

/* ---------------------------------------------------------------- csv_columns.c */

/* A value of a category of at most 16 bytes, zeros after them, as two words. */
typedef struct rr_csv_recent {
    uint64_t low, high; /* both 0: none */
    int32_t code;
} rr_csv_recent;

#define RR_CSV_RECENT 4096 /* slots: a value has one of its own, and takes it from another */

/* A column that grows. The capacity in rows is the caller's affair, because all columns of a table
 * share it; that of the bytes of a text is looked after here. */
typedef struct rr_csv_builder {
    rr_csv_column column;
    int64_t n;             /* rows */
    int64_t room;          /* rows that it can hold */
    int64_t data_room;     /* bytes that column.data can hold */
    int64_t strings_room;  /* CATEGORY: values that column.offsets can hold */
    int32_t *slots;        /* CATEGORY: a hash table of codes, -1 free; open addressing */
    int64_t n_slots;       /* a power of two, or 0 */
    int32_t last;          /* CATEGORY: the code of the row before, -1 none */
    rr_csv_recent *recent; /* CATEGORY: NULL, or RR_CSV_RECENT slots before the table */
    int mask_later;        /* column.valid is NULL until rr_csv_builder_mask makes it */
    rr_shelf *shelf;       /* where large blocks may come from; NULL: none. Borrowed */
} rr_csv_builder;

void rr_csv_builder_init(rr_csv_builder *builder, rr_csv_kind kind);
void rr_csv_builder_free(rr_csv_builder *builder);

/* Makes room for `rows` rows in all, or for `more` bytes after those of a text. */
rr_status rr_csv_builder_reserve(rr_csv_builder *builder, int64_t rows) RR_MUST_CHECK;
rr_status rr_csv_builder_reserve_data(rr_csv_builder *builder, int64_t used,
                                      int64_t more) RR_MUST_CHECK;

/* Makes room for `room` bytes of text in all. */
rr_status rr_csv_builder_set_data(rr_csv_builder *builder, int64_t room) RR_MUST_CHECK;

/* Makes the mask of a builder with mask_later: n rows are present, and there is room for `rows`. */
rr_status rr_csv_builder_mask(rr_csv_builder *builder, int64_t n, int64_t rows) RR_MUST_CHECK;

/* Bytes of a value; 0 for SKIP and TEXT. */
size_t rr_csv_value_size(rr_csv_kind kind);

/* Doubles *room, which the builders share, until n rows do not fill it. */
rr_status rr_csv_make_room(rr_csv_builder *builders, int64_t n_builders, int64_t n,
                           int64_t *room) RR_MUST_CHECK;

/* Add a row, for which there must be room. */
void rr_csv_add_null(rr_csv_builder *builder);
void rr_csv_add_int64(rr_csv_builder *builder, int64_t value); /* also DATE */
void rr_csv_add_float64(rr_csv_builder *builder, double value);
void rr_csv_add_bool(rr_csv_builder *builder, uint8_t value);

/* These two add a row of `length` > 0 bytes that is already known to be good in the encoding, or
 * where `check` is set find out: *bad is then the position of the first wrong byte and nothing was
 * added, or -1. Categories keep the bytes of the file until rr_csv_builder_finish. */
rr_status rr_csv_add_text(rr_csv_builder *builder, rr_csv_encoding encoding, const char *bytes,
                          int64_t length, int check, int64_t *bad) RR_MUST_CHECK;
rr_status rr_csv_add_category(rr_csv_builder *builder, rr_csv_encoding encoding, const char *bytes,
                              int64_t length, int check, int64_t *bad) RR_MUST_CHECK;

/* The code of a value, which becomes one of the category if it is not; no row is added. */
rr_status rr_csv_category_code(rr_csv_builder *builder, const char *bytes, int64_t length,
                               int32_t *code) RR_MUST_CHECK;

/* Takes the rows from `rows` on away again. The values of a category stay. */
void rr_csv_builder_undo(rr_csv_builder *builder, int64_t rows);

/* Gives spare memory back, recodes categories, and moves the column to `out` (zeroed). */
rr_status rr_csv_builder_finish(rr_csv_builder *builder, rr_csv_encoding encoding,
                                rr_csv_column *out) RR_MUST_CHECK;

/* ---------------------------------------------------------------- csv_rows.c */

enum {
    RR_CSV_BAD_LINE,
    RR_CSV_BAD_ROW,
    RR_CSV_BAD_COLUMN,
    RR_CSV_BAD_VALUE,
    RR_CSV_BAD_REASON,
    RR_CSV_N_BAD
};

/* The rows of a part of the file, and what was wrong there. Lines and rows count from the start of
 * that part. */
typedef struct rr_csv_rows {
    const rr_csv_options *options;
    const rr_csv_date_format *format;
    locale_t plain; /* for strtod; 0 where no column needs it */
    rr_csv_builder *columns;
    int64_t n_columns, rows, room;
    rr_csv_builder bad[RR_CSV_N_BAD]; /* as in rr_csv_table */
    int64_t n_bad, bad_room;
    int64_t seen; /* data records, good or bad */
    int64_t bad_rows;
    int64_t first_bad;      /* n_bad when this record began */
    rr_status first_status; /* of its first complaint */
    int in_header;
    rr_status status;        /* of a field, which cannot return one */
    rr_error error;          /* of whatever failed last */
    rr_csv_dating *dates_of; /* for csv_fields, which needs it */
} rr_csv_rows;

/* `kinds` has n_columns elements. Free the rows also after a failure, which is one of memory. */
rr_status rr_csv_rows_init(rr_csv_rows *rows, const rr_csv_options *options,
                           const rr_csv_date_format *format, locale_t plain,
                           const rr_csv_kind *kinds, int64_t n_columns) RR_MUST_CHECK;
void rr_csv_rows_free(rr_csv_rows *rows);

/* Forgets the rows; keeps memory and the values of categories. */
void rr_csv_rows_clear(rr_csv_rows *rows);

/* What turns records of libcsv into rows. A failure leaves rows->error. */
rr_csv_events rr_csv_rows_events(rr_csv_rows *rows);

/* Makes a failure of a column, of memory or too many categories, the error. Returns the status. */
rr_status rr_csv_rows_fail(rr_csv_rows *rows, rr_status status);

/* ---------------------------------------------------------------- csv_fields.c */

/* Records of which an index knows the fields, all of them well-formed. */
typedef struct rr_csv_run {
    const char *bytes;    /* what the positions count from */
    const uint32_t *ends; /* of the first field; ends[-1] is the byte before it */
    int64_t n;            /* records */
    int64_t trim;         /* bytes between a record's last field and the newline: 1 for CR LF */
    int quoted, high;     /* there may be quotes around fields, and bytes of 0x80 or more */
} rr_csv_run;

/* Adds the records of a run to the rows until one has a value that does not fit its column: *added
 * says how many. */
rr_status rr_csv_rows_add(rr_csv_rows *rows, const rr_csv_run *run, int64_t *added) RR_MUST_CHECK;

/* ---------------------------------------------------------------- csv_blocks.c */

/* One worker's means of reading a block. */
typedef struct rr_csv_block {
    rr_csv_indexing *index_of; /* NULL: libcsv for everything */
    const rr_csv_source *source;
    const rr_csv_stamp *stamp;
    int64_t size;         /* bytes of a block */
    char *buffer;         /* NULL without index_of */
    int64_t from, length; /* the bytes of the file that follow RR_CSV_PAD in the buffer */
    rr_csv_index index;
    int is_even;    /* all records of the index have the same shape */
    int64_t at_end; /* number of the end that stands before the next record */
    rr_csv_rows rows;
    int64_t blank_lines;
} rr_csv_block;

/* The buffers of a block; the rows are the caller's affair. Close it also after a failure, which is
 * one of memory. */
rr_status rr_csv_block_open(rr_csv_block *block, int64_t size) RR_MUST_CHECK;
void rr_csv_block_close(rr_csv_block *block);

/* Brings the bytes from `from` to a little after `end` to memory, and guesses where the first record
 * at `from` or later begins: -1 for no idea. */
rr_status rr_csv_block_load(rr_csv_block *block, int64_t first, int64_t from, int64_t end,
                            int64_t *guess, rr_error *error) RR_MUST_CHECK;

/* Reads the records that begin from `at` on, where one begins, and before `end`, into block->rows,
 * and moves `at` to the next. A failure leaves block->rows.error. */
rr_status rr_csv_block_read(rr_csv_block *block, rr_csv_place *at, int64_t end) RR_MUST_CHECK;

/* ---------------------------------------------------------------- csv_stitch.c */

/* The table that the rows of blocks come together in. */
typedef struct rr_csv_whole {
    rr_csv_builder *columns;
    int64_t n_columns, rows, room;
    rr_csv_builder bad[RR_CSV_N_BAD];
    int64_t n_bad, bad_room, bad_rows;
    int64_t *used; /* bytes of each text column */
    int *unseen;   /* of each: not all of them are visible (rr_text_is_visible) */
} rr_csv_whole;

/* What one worker knows of that table: the codes there of its own categories, and where the rows
 * of the block have their place. */
typedef struct rr_csv_seam {
    struct rr_csv_codes {
        int32_t *codes; /* codes[0] is that of null, codes[1 + own] may be -2: not known yet */
        int64_t n, room, unknown;
    } *of;         /* a column each */
    int64_t *used; /* bytes of each text column before this block */
    int *unseen;   /* of each: not all that this worker has copied are visible */
    int64_t row;
    int64_t n_columns;
} rr_csv_seam;

/* `shelf` may be NULL. */
rr_status rr_csv_whole_init(rr_csv_whole *whole, const rr_csv_kind *kinds, int64_t n_columns,
                            rr_shelf *shelf) RR_MUST_CHECK;
void rr_csv_whole_free(rr_csv_whole *whole);
rr_status rr_csv_seam_init(rr_csv_seam *seam, int64_t n_columns) RR_MUST_CHECK;
void rr_csv_seam_free(rr_csv_seam *seam);

/* Gives the rows their place: one block after another. `line` and `row` are those before the block's
 * first. */
rr_status rr_csv_whole_place(rr_csv_whole *whole, const rr_csv_rows *rows, int64_t line,
                             int64_t row, rr_csv_seam *seam) RR_MUST_CHECK;

/* Whether the rows, which have been given their place, do not go into the table as it is: a category
 * has more values by now than its codes can tell, or there is the first null of a column. */
int rr_csv_whole_is_narrow(const rr_csv_whole *whole, const rr_csv_rows *rows);

/* Widens such codes and makes such masks, of the first n rows: those that have been copied. Moves the
 * table: nobody may be copying. */
rr_status rr_csv_whole_widen(rr_csv_whole *whole, const rr_csv_rows *rows, int64_t n) RR_MUST_CHECK;

/* Whether the table has room for the rows that have a place. */
int rr_csv_whole_holds(const rr_csv_whole *whole);

/* Makes room for them and for what may follow, of which so much of the file is left as `share` says:
 * 2.0 if the rows so far are half of it. Moves the table: nobody may be copying. */
rr_status rr_csv_whole_grow(rr_csv_whole *whole, double share) RR_MUST_CHECK;

/* Copies them there; several blocks may do so at a time. */
void rr_csv_whole_copy(const rr_csv_whole *whole, const rr_csv_rows *rows, rr_csv_seam *seam);

/* Takes over what a worker that copies no more has found out: one worker after another. */
void rr_csv_whole_hear(rr_csv_whole *whole, const rr_csv_seam *seam);

/* Moves the columns to `table` (zeroed). */
rr_status rr_csv_whole_finish(rr_csv_whole *whole, rr_csv_encoding encoding,
                              rr_csv_table *table) RR_MUST_CHECK;

#endif
