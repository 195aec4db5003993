/* What the files that turn keys into codes share. keys.c has the plan. */
#ifndef RR_KEYS_H
#define RR_KEYS_H

#include "internal.h"

enum {
    RR_KEY_BLOCK = 512, /* rows that are packed at a time, in the first cache */
    RR_KEY_BITS = 128,  /* of a packed key */
    RR_KEY_NARROW = 64  /* of one that is a single word */
};

/* The keys of a call. */
typedef struct rr_keys {
    const rr_key_table *tables;
    int64_t n_tables;
    int64_t n_columns;
    uint32_t *const *codes;
    uint32_t running;   /* while columns are folded: codes below it stand in `codes` */
    uint64_t hash_mask; /* all bits; a test takes some away, so that hashes collide */
    int extract;        /* bits are gathered by the processor's own instruction */
    int dense;          /* every number below the limit is a code */
} rr_keys;

/* A run of rows of one table: what a thread takes at a time. */
typedef struct rr_stretch {
    int64_t table;
    int64_t first;
    int64_t n;
    int64_t before; /* rows of all tables that stand before it */
} rr_stretch;

/* Some rows of one table, packed: equal keys have equal words. */
typedef struct rr_key_words {
    uint64_t low[RR_KEY_BLOCK];
    uint64_t high[RR_KEY_BLOCK];
    uint8_t missing[RR_KEY_BLOCK];
} rr_key_words;

/* ---------------------------------------------------------------- key_values.c */

/* Where some texts of a column lie: text i is data[from[i]] to data[to[i]]. */
typedef struct rr_key_block {
    const uint8_t *data;
    int64_t n_data;
    const int64_t *from, *to;
    int64_t from_room[RR_KEY_BLOCK + 1], to_room[RR_KEY_BLOCK];
    uint8_t room[RR_KEY_BLOCK * RR_WIDTH_MAX];
} rr_key_block;

/* The n texts from `first` on, at most RR_KEY_BLOCK. Returns 0 where a character of fixed width is not
 * ASCII. Offsets are left unchecked. */
int rr_key_texts_at(const rr_key_column *column, int64_t first, int64_t n, rr_key_block *block);

/* missing[i] = 1 where row first + i has no running code, or no value in the column. */
void rr_key_missing(const rr_keys *keys, int64_t table, int64_t column, int64_t first, int64_t n,
                    uint8_t *missing);

static inline int rr_key_is_inside(const rr_key_block *block, uint64_t from, uint64_t length)
{
    return length <= (uint64_t)block->n_data && from <= (uint64_t)block->n_data - length;
}

/* The codes, or integers of 32 bits, of the rows first to first + n, widened into `room` if they must
 * be. */
const int32_t *rr_key_narrow_integers(const rr_key_column *column, int64_t first, int64_t n,
                                      int32_t *room);

/* The integers of the rows first to first + n, widened into `room` if they must be; -1 for a code
 * without a meaning. */
const int64_t *rr_key_integers(const rr_key_column *column, int64_t first, int64_t n,
                               int64_t *room);

/* ---------------------------------------------------------------- key_fields.c */

/* Brings the bits of a word that `mask` names together at its low end, in their order. */
typedef struct rr_gather {
    uint64_t mask;
    uint64_t move[6]; /* the bits that go down by 2^i places */
    int shift[6];
    int n_moves;
} rr_gather;

/* What one column contributes to a packed key. */
typedef struct rr_field {
    int64_t column;
    int is_text;
    int is_long;          /* a text that must be compared where it stands */
    int bits;             /* altogether */
    int shift;            /* its place in the key */
    uint64_t least;       /* of integers, or of the lengths of texts */
    uint64_t range;       /* the greatest of these less the least */
    uint64_t constant[2]; /* the bits that all texts have where the gathers have none */
    rr_gather gather[2];
    int gathered[2]; /* bits */
} rr_field;

/* Fields for all columns, from what the values have in common. Integers are looked at one by one, and
 * of text every `step`th row; with step 1 the offsets of every text are checked: RR_ERR_ARGUMENT names
 * row and column. `shift` is left to the caller. */
rr_status rr_key_fields(const rr_keys *keys, const rr_stretch *stretches, int64_t n_stretches,
                        int64_t step, rr_field *fields, const rr_call *call,
                        rr_error *error) RR_MUST_CHECK;

/* Looks at one row of one table as rr_key_fields does: RR_ERR_ARGUMENT where a text or a code is none. */
rr_status rr_key_check_row(const rr_keys *keys, int64_t table, int64_t row,
                           rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- key_pack.c */

/* Whether the processor can gather bits, and well. */
int rr_key_can_extract(void);

typedef struct rr_key_packing {
    const rr_keys *keys;
    const rr_field *fields;
    int64_t n_fields;
    int bits;
    int running_shift; /* of the running code; RR_KEY_BITS: there is none */
} rr_key_packing;

/* Packs n rows of a table, at most RR_KEY_BLOCK; `high` is only written for keys of more than
 * RR_KEY_NARROW bits. Returns 0 where a value does not fit its field. */
int rr_key_pack(const rr_key_packing *packing, int64_t table, int64_t first, int64_t n,
                rr_key_words *packed);

/* ---------------------------------------------------------------- key_texts.c */

typedef struct rr_key_texts {
    const rr_keys *keys;
    int64_t column;
} rr_key_texts;

/* As rr_key_pack, for text of any length: a hash of text and running code, and the row over all
 * tables. */
int rr_key_pack_texts(const rr_key_texts *texts, const rr_stretch *stretch, int64_t first,
                      int64_t n, rr_key_words *packed);

/* Whether two rows over all tables have the same text and running code. */
int rr_key_same_text(const rr_key_texts *texts, uint64_t row, uint64_t other);

/* ---------------------------------------------------------------- key_numbers.c */

/* Numbers the packed keys of all rows, by `packing` or, where that is NULL, by `texts`: equal keys get
 * equal codes, 0, 1, ..., in an order that depends on the keys and their rows alone. *misfit: a row did
 * not fit the packing, and the codes are untouched. */
rr_status rr_key_number(const rr_keys *keys, const rr_key_packing *packing,
                        const rr_key_texts *texts, const rr_stretch *stretches, int64_t n_stretches,
                        uint64_t *n_codes, int *misfit, const rr_call *call,
                        rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- keys.c */

/* rr_encode for `keys`, of which all but `running` is set. */
rr_status rr_encode_as(const rr_keys *keys, uint32_t *limit, const rr_call *call,
                       rr_error *error) RR_MUST_CHECK;

/* Cuts the tables into runs of rows, which the caller frees. How many there are changes no result. */
rr_status rr_key_cut(const rr_keys *keys, rr_stretch **stretches, int64_t *n_stretches,
                     const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* So few rows of all are looked at for a sample: every how many-th. */
int64_t rr_key_step(const rr_keys *keys);

/* How many fields, from the first, go into one packed key beside so many bits, to which theirs are
 * added. A field that is long goes into none. */
int64_t rr_key_fit(const rr_field *fields, int64_t n_fields, int *bits);

/* Places fields below so many bits: the first is the most significant, so integers keep their order. */
void rr_key_place(rr_field *fields, int64_t n_fields, int bits);

/* ---------------------------------------------------------------- key_book.c */

/* rr_key_book_make for `keys` of one table as rr_encode_as takes them. */
rr_status rr_key_book_make_as(const rr_keys *keys, uint32_t *limit, rr_key_book **book,
                              const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- key_order.c */

/* rr_order_keys for `keys` as rr_encode_as takes them; their codes are not read. */
rr_status rr_order_keys_as(const rr_keys *keys, const rr_rows *index, const rr_rows *events,
                           const rr_call *call, rr_parts **parts, rr_error *error) RR_MUST_CHECK;

#endif
