/* CSV in and out: a part of the core's interface, for which the rules of rereferral.h hold.
 *
 * RFC 4180 as libcsv reads it in strict mode: fields between commas, records between LF, CRLF or CR,
 * quotes around a field, doubled inside it. A quote anywhere else, a record with another number of
 * fields than the first, and a field of RR_CSV_FIELD_MAX bytes or more are errors. Blanks belong to
 * their field. A UTF-8 byte order mark at the start is skipped. A blank line is an empty field in a
 * file of one column; elsewhere it is skipped and counted. */
#ifndef RR_CSV_TABLE_H
#define RR_CSV_TABLE_H

#include "rereferral.h"
#include "shelf.h"

#define RR_CSV_FIELD_MAX 1048576 /* bytes; an unclosed quote ends here and not with memory */
#define RR_CSV_COLUMNS_MAX 65536 /* of a header; more come from a file that is no CSV */
#define RR_CSV_BLOCK 262144      /* bytes read at a time unless told otherwise: fits in L2 */
#define RR_CSV_BLOCK_MAX 524288  /* more are not taken at a time, whatever is told */

/* Where the bytes come from: a file (fd >= 0, read with pread from its start, its position is left
 * alone), or `length` bytes of memory (fd < 0). Borrowed. */
typedef struct rr_csv_source {
    int fd;
    const char *bytes;
    int64_t length;
} rr_csv_source;

typedef enum rr_csv_encoding { RR_CSV_UTF8 = 0, RR_CSV_LATIN1, RR_CSV_CP1252 } rr_csv_encoding;

/* How a column is held. An empty field, quoted or not, is null. */
typedef enum rr_csv_kind {
    RR_CSV_SKIP = 0, /* checked as a field, not converted */
    RR_CSV_DATE,     /* int64_t days, or seconds; null: RR_NULL_DAY */
    RR_CSV_INT64,    /* int64_t; null: 0 and valid 0 */
    RR_CSV_FLOAT64,  /* double; null: NaN */
    RR_CSV_BOOL,     /* uint8_t, 1 or 0; null: 0 and valid 0 */
    RR_CSV_TEXT,     /* offsets and data; null: no bytes and valid 0 */
    RR_CSV_CATEGORY  /* codes into a small text, in order of first appearance; null: -1 */
} rr_csv_kind;

/* One column of n rows. Of a column that was read, every pointer was allocated with malloc and is
 * owned by whoever owns the struct: free it with rr_csv_column_free, or take a pointer out, leave
 * NULL, and free it with free. Of a column that is written, every pointer is borrowed. */
typedef struct rr_csv_column {
    rr_csv_kind kind;
    int code_size; /* CATEGORY, bytes of a code: int8_t for fewer than 127 values, int16_t for fewer
                    * than 32767, else int32_t; in a list of complaints int32_t, and 0 means that too
                    * in a column that is written */
    void *values;  /* n elements as the kind says; NULL for SKIP and TEXT */
    uint8_t *valid;    /* INT64, BOOL, TEXT: n elements, 1 = present; NULL: all present */
    int64_t n_strings; /* TEXT: n; CATEGORY: distinct values */
    int64_t *offsets;  /* TEXT, CATEGORY: n_strings + 1, from 0 */
    char *data;        /* TEXT, CATEGORY: offsets[n_strings] bytes of UTF-8 */
    int visible;       /* TEXT that was read: every byte is ASCII above the space, so no value is
                        * blank */
} rr_csv_column;

/* Frees what the column owns. Harmless on a zeroed struct, and twice. */
void rr_csv_column_free(rr_csv_column *column);

/* How records are found; the answer does not depend on it, which is what tests want it for. */
typedef enum rr_csv_path {
    RR_CSV_FASTEST = 0, /* the fastest of the last three that the machine has */
    RR_CSV_LIBCSV,      /* libcsv alone, from the first byte to the last, on one thread */
    RR_CSV_PORTABLE,    /* regular records by plain C, the others by libcsv */
    RR_CSV_AVX2,
    RR_CSV_AVX512
} rr_csv_path;

typedef struct rr_csv_options {
    rr_csv_encoding encoding;
    const char *date_format; /* of RR_CSV_DATE columns: NULL or "ISO" (YYYY-MM-DD), or %Y, %m, %d
                                once each, with any separators that are no digits */
    int in_seconds; /* RR_CSV_DATE columns are midnights in seconds since 1970-01-01, not days */
    int has_header; /* the first record is a header: it is checked for its length, not kept */
    int collect;    /* leave bad rows out and list them, instead of failing at the first */
    int64_t block_size; /* bytes read at a time, at most RR_CSV_BLOCK_MAX; 0: RR_CSV_BLOCK */
    rr_csv_path path;
    rr_shelf *shelf; /* where large blocks may come from; NULL: none. Borrowed */
} rr_csv_options;

/* What rr_csv_read found. `bad` lists what was wrong in the rows left out, in the order of the file,
 * one entry a complaint: line INT64, row INT64 (data record of the file, from 0, good or bad),
 * column INT64 (from 0; null: the row as a whole), value TEXT (cut at 1000 bytes), reason
 * CATEGORY. */
typedef struct rr_csv_table {
    int64_t n_rows;         /* rows kept */
    int64_t n_columns;      /* of the file */
    rr_csv_column *columns; /* n_columns; those asked as SKIP are empty */
    int64_t bytes;          /* size of the file */
    int64_t blank_lines;    /* skipped */
    int64_t bad_rows;       /* left out; 0 unless collect */
    int64_t n_bad;          /* complaints about them */
    rr_csv_column bad[5];
} rr_csv_table;

/* Frees what the table owns. Harmless on a zeroed struct, and twice. */
void rr_csv_table_free(rr_csv_table *table);

/* Reads the first record as a TEXT column, one name a row; 0 rows if the file is empty. A file of
 * one column whose first line is blank has one name, which is empty. Uses encoding and block_size of
 * the options. `names` must be zeroed; rr_csv_column_free it also after a failure.
 *
 * RR_ERR_ARGUMENT: an unknown encoding, or a negative block_size.
 * RR_ERR_CSV: not well-formed, or more than RR_CSV_COLUMNS_MAX names; or compressed, UTF-16, or
 * a byte order mark that denies the encoding. RR_ERR_VALUE: a name that the encoding does not
 * allow. RR_ERR_INTERRUPTED: the call, asked once a block in bytes, said stop. RR_ERR_IO,
 * RR_ERR_MEMORY. */
rr_status rr_csv_header(const rr_csv_source *source, const rr_csv_options *options,
                        rr_csv_column *names, const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* Reads the file into columns. `kinds` has n_columns (at least 1) elements, in the file's order;
 * n_columns is that of rr_csv_header. `table` must be zeroed; rr_csv_table_free it also after a
 * failure. Memory is what the columns take, a block, and the longest field.
 *
 * With `collect`, a row with a value that does not fit its column is left out; a row with a stray or
 * unclosed quote or the wrong number of fields is left out too, and reading goes on with the line
 * after the one that it began on. A header is never collected.
 *
 * RR_ERR_ARGUMENT: kinds, date_format, encoding, block_size or n_columns out of range.
 * RR_ERR_CSV: not well-formed (`line`: where the row or, for quotes, the field begins; `row`, `byte`
 *     and `column` where they apply), or the file shrank or changed while it was read.
 * RR_ERR_VALUE: a value does not fit (`line`, `row`, `column`, `value`).
 * RR_ERR_INTERRUPTED: the call, asked once a block in bytes, said stop.
 * RR_ERR_IO, RR_ERR_MEMORY. */
rr_status rr_csv_read(const rr_csv_source *source, const rr_csv_options *options,
                      const rr_csv_kind *kinds, int64_t n_columns, rr_csv_table *table,
                      const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* Writes a header and n_rows rows to `fd` with write, from its position: LF after every record,
 * dates as YYYY-MM-DD, bools as 0 and 1, doubles with the fewest digits that read back the same,
 * nulls as nothing, quotes where RFC 4180 needs them. `names` is a TEXT column of n_columns
 * elements. Nothing is kept, nothing is closed.
 *
 * RR_ERR_ARGUMENT: offsets that decrease, or a code outside its categories.
 * RR_ERR_VALUE: a date outside the years 1 to 9999, an infinite number, or a NUL byte in a text
 *     (`row`, `column`; row -1: the name or a category).
 * RR_ERR_INTERRUPTED: the call, asked now and then in rows, said stop.
 * RR_ERR_IO, RR_ERR_MEMORY. */
rr_status rr_csv_write(int fd, const rr_csv_column *names, const rr_csv_column *columns,
                       int64_t n_columns, int64_t n_rows, const rr_call *call,
                       rr_error *error) RR_MUST_CHECK;

#endif
