/* Merged spells: a part of the core's interface, for which the rules of rereferral.h hold. */
#ifndef RR_MERGE_H
#define RR_MERGE_H

#include "rereferral.h"

/* spell[row] = the number, from 0, of the merged spell that an index row of `parts` belongs to; -1 for
 * rows that took no part. The day of a row is its start and end[row] its end, RR_NULL_DAY where it has
 * not ended; NULL: every row ends on the day on which it starts. In order of key, start and row, a row
 * belongs to the spell of the row before if its start <= the latest end of that spell so far + gap; to
 * a spell that has not ended belongs everything later. Spells are numbered in the order of the first
 * of their rows in the table. n_index is the length of the index table, of `end` and of `spell`.
 * RR_ERR_ARGUMENT for other lengths, a gap out of range, or (naming the row) an end before the
 * start. */
rr_status rr_merge_spells(const rr_parts *parts, const int64_t *end, rr_span gap, int64_t n_index,
                          int64_t *spell, int64_t *n_spells, const rr_call *call,
                          rr_error *error) RR_MUST_CHECK;

/* The rows that spells are made of, and how one of them is chosen to stand for the others: the lowest
 * rank; of several the earliest start, of several of these the first row. With `last` the latest start
 * and the last row. */
typedef struct rr_spell_rows {
    const int64_t *start;
    const int64_t *end;  /* NULL: the start */
    const int32_t *rank; /* NULL: all are of one rank */
    int last;
} rr_spell_rows;

/* By spell: rows of the table that hold what is asked, and how many rows the spell has. */
typedef struct rr_spells {
    int64_t *row;       /* the one that stands for the others */
    int64_t *start_row; /* the first with the earliest start */
    int64_t *end_row;   /* the first with the latest end, a missing end being the latest */
    int64_t *parts;
} rr_spells;

/* Describes the spells that rr_merge_spells numbered. n is the length of the table and of `spell`; a
 * spell without rows has -1, -1, -1 and 0. RR_ERR_ARGUMENT names the row of a number beyond
 * n_spells. */
rr_status rr_describe_spells(const rr_spell_rows *rows, const int64_t *spell, int64_t n,
                             int64_t n_spells, const rr_spells *spells,
                             rr_error *error) RR_MUST_CHECK;

#endif
