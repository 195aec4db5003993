/* One column of the records that an index knows: what csv_fields.c and csv_iso.c share. */
#ifndef RR_CSV_FIELDS_H
#define RR_CSV_FIELDS_H

#include "csv_internal.h"

typedef struct rr_csv_field {
    const char *bytes;
    int64_t length;
} rr_csv_field;

/* One column of a run. Held by value in the loops: what they write could else be part of it. */
typedef struct rr_csv_fields {
    const char *bytes;
    const uint32_t *ends; /* of the column's field in the first record */
    int64_t stride;       /* ends from a record to the next */
    int64_t trim;         /* as in rr_csv_run for a record's last field, else 0 */
    int64_t n;            /* records */
    int quoted, high;
} rr_csv_fields;

/* The field of record i. */
static inline rr_csv_field rr_csv_field_of(rr_csv_fields c, int64_t i)
{
    const uint32_t *end = c.ends + i * c.stride;
    const char *bytes = c.bytes + end[-1] + 1;
    int64_t quote = c.quoted & (*bytes == '"');

    return (rr_csv_field){.bytes = bytes + quote,
                          .length = (int64_t)end[0] - (int64_t)end[-1] - 1 - c.trim - 2 * quote};
}

#endif
