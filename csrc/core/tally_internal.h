/* What the tallies, and the curves by cluster, share with one another. */
#ifndef RR_TALLY_INTERNAL_H
#define RR_TALLY_INTERNAL_H

#include "internal.h"
#include "tally.h"

enum { RR_POLL_ROWS = 1 << 20 };

/* A row that `use` leaves out. */
#define RR_NOT_COUNTED INT64_C(-1)

/* RR_ERR_ARGUMENT or RR_ERR_TOO_LARGE unless the lengths are what rr_grouped allows. */
rr_status rr_check_grouped(const rr_grouped *rows, rr_error *error) RR_MUST_CHECK;

/* The failure of a group code out of range, and of a duration that is negative or too long. */
rr_status rr_fail_group(rr_error *error, int64_t row);
rr_status rr_fail_duration(rr_error *error, int64_t row, int32_t duration);

/* The group of a row, or RR_NOT_COUNTED. A negative code comes out above INT32_MAX, so one comparison
 * with n_groups finds both kinds that are out of range. */
static inline int64_t rr_group_of(const rr_grouped *rows, int64_t row)
{
    if (rows->use != NULL && !rows->use[row]) {
        return RR_NOT_COUNTED;
    }
    return rows->group == NULL ? 0 : (int64_t)(uint32_t)rows->group[row];
}

/* The end of the block of `rows` rows that begins at `start`. */
static inline int64_t rr_block_end(int64_t start, int64_t n, int64_t rows)
{
    return n - start < rows ? n : start + rows;
}

/* Bits of a group code. */
int rr_group_bits(const rr_grouped *rows);

/* Where rows are packed into words, and put in order. */
typedef struct rr_packed {
    uint64_t *words;
    uint64_t *sorted;
    int64_t n;
} rr_packed;

/* Room for so many words, none of them filled. Zero the struct before, rr_packed_free it after, also
 * after a failure. */
rr_status rr_packed_make(rr_packed *rows, int64_t room, rr_error *error) RR_MUST_CHECK;
void rr_packed_free(rr_packed *rows);

/* Sorts the n words, of `bits` bits each, into `sorted`; the lowest `low` bits (below `bits`)
 * travel along and are no part of the order. `words` is overwritten. */
rr_status rr_packed_sort(rr_packed *rows, int low, int bits, const rr_call *call,
                         rr_error *error) RR_MUST_CHECK;

#endif
