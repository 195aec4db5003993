/* What the csv_*.c files share with one another.
 *
 *   csv_source   blocks of bytes         -> csv_grammar (libcsv)   fields and records
 *   csv_values   one field to one value  -> csv_columns            growing columns
 *   csv_header   the names of the columns
 *   csv_read     puts all that together  -> csv_write              columns to bytes */
#ifndef RR_CSV_INTERNAL_H
#define RR_CSV_INTERNAL_H

/* For pread, nanoseconds of fstat, and uselocale; so this file is included before any other. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include "csv_table.h"
#include "internal.h"

#include <locale.h>

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

/* Up to `want` bytes from `offset`: *got of them at *block, 0 at the end. `buffer` has room for
 * `want`; *block points into it, or into the source's memory. */
rr_status rr_csv_block(const rr_csv_source *source, int64_t offset, char *buffer, int64_t want,
                       const char **block, int64_t *got, rr_error *error) RR_MUST_CHECK;

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

typedef struct rr_csv_scan_result {
    int64_t records;     /* that were right */
    int64_t blank_lines; /* skipped */
    int64_t bytes;       /* size of the file */
} rr_csv_scan_result;

/* Reads records to the end of the file, or until `max_records` were right (-1: no limit).
 * n_columns -1: not known, any number of fields is right and every blank line is skipped. */
rr_status rr_csv_scan(const rr_csv_source *source, const rr_csv_options *options, int64_t n_columns,
                      int64_t max_records, const rr_csv_events *events, rr_csv_scan_result *result,
                      const rr_call *call, rr_error *error) RR_MUST_CHECK;

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

/* Ten bytes YYYY-MM-DD. Returns 0 for a day outside the years 1 to 9999. */
int rr_csv_date_write(int64_t day, char *out);

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

/* A column that grows. The capacity in rows is the caller's affair, because all columns of a table
 * share it; that of the bytes of a text is looked after here. */
typedef struct rr_csv_builder {
    rr_csv_column column;
    int64_t n;            /* rows */
    int64_t data_room;    /* bytes that column.data can hold */
    int64_t strings_room; /* CATEGORY: values that column.offsets can hold */
    int32_t *slots;       /* CATEGORY: a hash table of codes, -1 free; open addressing */
    int64_t n_slots;      /* a power of two, or 0 */
    int32_t last;         /* CATEGORY: the code of the row before, -1 none */
    int64_t newest_row;   /* CATEGORY: the row that brought the newest value, -1 none */
} rr_csv_builder;

void rr_csv_builder_init(rr_csv_builder *builder, rr_csv_kind kind);
void rr_csv_builder_free(rr_csv_builder *builder);

/* Makes room for `rows` rows in all. */
rr_status rr_csv_builder_reserve(rr_csv_builder *builder, int64_t rows) RR_MUST_CHECK;

/* Doubles *room, which the builders share, if n rows fill it. */
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

/* Takes the rows from `rows` on away again. A category that the only such row brought goes with it;
 * of several such rows, only the newest category does. */
void rr_csv_builder_undo(rr_csv_builder *builder, int64_t rows);

/* Gives spare memory back, recodes categories, and moves the column to `out` (zeroed). */
rr_status rr_csv_builder_finish(rr_csv_builder *builder, rr_csv_encoding encoding,
                                rr_csv_column *out) RR_MUST_CHECK;

#endif
