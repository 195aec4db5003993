/* Both sides of a linkage, dealt into parts by key: what rr_order makes and every sweep reads. */
#ifndef RR_PARTS_H
#define RR_PARTS_H

#include "internal.h"

/* How a key says its part: of a key mixed by a bijection of key_bits the highest part_bits are the part, and
 * the others are all that a word need hold. Codes are mixed by an odd multiplier, cut to key_bits. */
typedef struct rr_shape {
    uint32_t limit; /* codes of events are below it; it is that of whom no event has */
    int key_bits;
    int part_bits;       /* at most key_bits, and 12 */
    uint64_t multiplier; /* of codes */
    int ascends;         /* the events came in the order of their keys, which are not mixed */
} rr_shape;

/* One side. As dealt, the rows of the table are cut into chunks, and each chunk has a stretch of words,
 * part by part; what a part has of a chunk is a piece, and its pieces hold its rows in their order. Once
 * rr_parts_in_order has been called, part p holds words[start[p]] to words[start[p + 1]], in the order
 * of key, day and row. */
typedef struct rr_side {
    uint64_t *words; /* key within the part, then day, then (unless `rows`) row */
    uint64_t *rows;  /* NULL when the row fits into the word */
    int row_bits;    /* of a word; 0 when rows stand in an array of their own */
    int64_t n;       /* rows that take part */
    int64_t n_table; /* rows of the table that they come from */
    int64_t *part_n; /* rows of each part */
    int64_t largest; /* of them */
    int in_order;    /* which of the two it is */
    int64_t *start;  /* in order: n_parts + 1 */
    /* as dealt; in order it still says how many rows of each chunk a part has */
    int chunk_bits; /* of a row's number within its chunk */
    int64_t n_chunks;
    int64_t *chunk_start;   /* where the words of each chunk begin; n_chunks + 1 */
    uint32_t *piece;        /* by chunk: where each part begins in it, and the end; n_parts + 1 */
    struct rr_lock *lock;   /* of their order; in order.c */
    struct rr_shelf *shelf; /* a share of where words and rows go; NULL: none */
} rr_side;

struct rr_parts {
    rr_shape shape;
    int64_t n_parts;
    int64_t origin; /* day 0 of a word */
    int day_bits;
    int64_t first_day; /* no row that takes part has a day before; 0 and -1 if there is none */
    int64_t last_day;
    rr_side index;
    rr_side *events;
    int borrows_events; /* from parts that were prepared */
};

/* ---------------------------------------------------------------- order.c */

/* Parts without rows, or NULL. */
rr_parts *rr_parts_open(void);

/* In 2^this many parts so many rows, of both sides, lie best. */
int rr_part_bits(int64_t rows);

/* Puts the words of each part in order, once; then every sweep that needs it may read them, until
 * rr_parts_done, which must follow also after a failure. Several threads may call it on the same
 * parts. */
rr_status rr_parts_in_order(const rr_parts *parts, const rr_call *call,
                            rr_error *error) RR_MUST_CHECK;

/* The same for who reads the index alone: events stay as they are. */
rr_status rr_index_in_order(const rr_parts *parts, const rr_call *call,
                            rr_error *error) RR_MUST_CHECK;

/* The same for who can read the words of a part in any order. */
void rr_parts_as_they_are(const rr_parts *parts);

void rr_parts_done(const rr_parts *parts);

/* RR_ERR_ARGUMENT unless `parts` was made from tables of these lengths. */
rr_status rr_check_lengths(const rr_parts *parts, int64_t n_index, int64_t n_events,
                           rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- chunks.c */

/* Of a row's number in chunks where each of 2^part_bits parts has some 64 rows or more, so that its pieces
 * are worth going to. */
int rr_chunk_bits(int part_bits);

/* Cuts a side of n_table rows into chunks of 2^chunk_bits for the parts, and makes room for what a chunk
 * says and for a word of each row that is used (NULL: all). */
rr_status rr_chunks_open(rr_side *side, const uint8_t *use, const rr_parts *parts, int chunk_bits,
                         const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* Turns the counts of each part of a chunk, which stand one place on, into where its words begin, one
 * place on too: a part's place moves to its end as its words are written, where the next part begins. */
void rr_chunk_lay_out(uint32_t *piece, int64_t n_parts);

/* What the pieces add up to, when all are dealt. */
void rr_chunks_add_up(rr_side *side, int64_t n_parts);

void rr_side_free(rr_side *side);

/* ---------------------------------------------------------------- deal.c */

/* Widens first_day and last_day to hold the days of all rows that take part. RR_ERR_DAY_RANGE names the row. */
rr_status rr_survey_days(const rr_rows *rows, rr_parts *parts, const rr_call *call,
                         rr_error *error) RR_MUST_CHECK;

/* Deals the rows; n_table and row_bits are set. RR_ERR_DAY_RANGE names a row outside first_day and
 * last_day, RR_ERR_ARGUMENT one whose key is out of range. */
rr_status rr_deal(const rr_rows *rows, const rr_parts *parts, rr_side *side, const rr_call *call,
                  rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- words */

/* Words of a part that lie together. */
typedef struct rr_piece {
    const uint64_t *words;
    const uint64_t *rows; /* NULL where the side has none */
    int64_t n;
} rr_piece;

/* The row after the last of a chunk. */
static inline int64_t rr_chunk_end(const rr_side *side, int64_t chunk)
{
    int64_t end = (chunk + 1) << side->chunk_bits;

    return end < side->n_table ? end : side->n_table;
}

/* In how many pieces each part of a side lies. */
static inline int64_t rr_n_pieces(const rr_side *side)
{
    return side->in_order ? 1 : side->n_chunks;
}

static inline rr_piece rr_piece_of(const rr_side *side, int64_t n_parts, int64_t part, int64_t i)
{
    int64_t from, to;

    if (side->in_order) {
        from = side->start[part];
        to = side->start[part + 1];
    } else {
        from = side->chunk_start[i] + side->piece[i * (n_parts + 1) + part];
        to = side->chunk_start[i] + side->piece[i * (n_parts + 1) + part + 1];
    }
    return (rr_piece){side->words + from, side->rows != NULL ? side->rows + from : NULL, to - from};
}

/* Asks the processor for a piece that will soon be read: it cannot guess where the next one lies. */
static inline void rr_fetch_piece(const rr_side *side, int64_t n_parts, int64_t part, int64_t i)
{
    enum { AHEAD = 6, LINE = 8 };

    if (i + AHEAD < rr_n_pieces(side)) {
        const rr_piece piece = rr_piece_of(side, n_parts, part, i + AHEAD);

        for (int64_t k = 0; k < piece.n; k += LINE) {
            __builtin_prefetch(piece.words + k);
        }
    }
}

/* Of a side in order: key and day of a row as one number that sorts by key, then day. */
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
