/* Both sides of a linkage, dealt into parts by key: what rr_order makes and every sweep reads. */
#ifndef RR_PARTS_H
#define RR_PARTS_H

#include "internal.h"

enum { RR_CHUNK_ROWS = 1 << 18 };

/* How a key says its part: key * multiplier, cut to key_bits, is a bijection of the keys for any odd
 * multiplier; its highest part_bits are the part, and the others are all that a word need hold. */
typedef struct rr_shape {
    uint32_t limit; /* codes of events are below it; it is that of whom no event has */
    int key_bits;
    int part_bits; /* at most key_bits, and 10 */
    uint64_t multiplier;
} rr_shape;

/* One side. Part p holds words[start[p]] to words[start[p + 1]], in the order of their rows; or, once
 * rr_parts_in_order has been called, in the order of key, day and row. */
typedef struct rr_side {
    int64_t *start;  /* n_parts + 1 */
    uint64_t *words; /* key within the part, then day, then (unless `rows`) row */
    uint64_t *rows;  /* NULL when the row fits into the word */
    int row_bits;    /* of a word; 0 when rows stand in an array of their own */
    int64_t n;       /* rows that take part */
    int64_t n_table; /* rows of the table that they come from */
    int64_t largest; /* rows of the largest part */
    /* Where the rows of each chunk of the table go next in each part, n_parts numbers a chunk; between
     * rr_deal_count and rr_deal. */
    int64_t *next;
    int in_order;         /* the words of every part */
    struct rr_lock *lock; /* of their order; in order.c */
} rr_side;

struct rr_parts {
    rr_shape shape;
    int64_t n_parts;
    int64_t origin; /* day 0 of a word */
    int day_bits;
    int64_t first_day; /* of all rows that take part; 0 and -1 if there is none */
    int64_t last_day;
    rr_side index;
    rr_side *events;
    int borrows_events; /* from parts that were prepared */
};

/* ---------------------------------------------------------------- order.c */

/* Puts the words of each part in order, once; then every sweep that needs it may read them, until
 * rr_parts_done, which must follow also after a failure. Several threads may call it on the same
 * parts. */
rr_status rr_parts_in_order(const rr_parts *parts, const rr_call *call,
                            rr_error *error) RR_MUST_CHECK;

/* The same for who can read the words of a part in any order. */
void rr_parts_as_they_are(const rr_parts *parts);

void rr_parts_done(const rr_parts *parts);

/* RR_ERR_ARGUMENT unless `parts` was made from tables of these lengths. */
rr_status rr_check_lengths(const rr_parts *parts, int64_t n_index, int64_t n_events,
                           rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- deal.c */

/* Counts the rows of each chunk and part. Fills in start, n, n_table, largest and next; widens first_day
 * and last_day. RR_ERR_DAY_RANGE names the row. */
rr_status rr_deal_count(const rr_rows *rows, rr_parts *parts, rr_side *side, const rr_call *call,
                        rr_error *error) RR_MUST_CHECK;

/* Writes the words (and rows, with row_bits 0) of a side that was counted, in the order of the rows. */
rr_status rr_deal(const rr_rows *rows, const rr_parts *parts, rr_side *side, const rr_call *call,
                  rr_error *error) RR_MUST_CHECK;

void rr_side_free(rr_side *side);

/* ---------------------------------------------------------------- words */

/* Key and day of a row as one number that sorts by key, then day. */
static inline uint64_t rr_key_day(const rr_side *side, int64_t position)
{
    return side->words[position] >> side->row_bits;
}

static inline int64_t rr_row_of(const rr_side *side, int64_t position)
{
    return side->rows != NULL
               ? (int64_t)side->rows[position]
               : (int64_t)(side->words[position] & ((UINT64_C(1) << side->row_bits) - 1));
}

#endif
