/* What the tallies, and the curves by cluster, share with one another. */
#ifndef RR_TALLY_INTERNAL_H
#define RR_TALLY_INTERNAL_H

#include "internal.h"
#include "tally.h"
#include "threads.h"

#include <string.h>

/* Rows of a task: few enough that Ctrl-C is answered at once and that threads end together, and many
 * enough that a task costs nothing. */
enum { RR_TASK_ROWS = 1 << 17, RR_POLL_ROWS = 1 << 20 };

/* A row that `use` leaves out. */
#define RR_NOT_COUNTED INT64_C(-1)

/* RR_ERR_ARGUMENT or RR_ERR_TOO_LARGE unless the lengths are what rr_grouped allows. */
rr_status rr_check_grouped(const rr_grouped *rows, rr_error *error) RR_MUST_CHECK;

/* The failure of a group code out of range, of a duration that is negative or too long, and of an event
 * on a day that is negative or after the end of its row (in mean_count.c). */
rr_status rr_fail_group(rr_error *error, int64_t row);
rr_status rr_fail_duration(rr_error *error, int64_t row, int32_t duration);
rr_status rr_fail_event_day(rr_error *error, int64_t row, int32_t day);

/* The group of a row, or RR_NOT_COUNTED. A negative code comes out above INT32_MAX, so one comparison
 * with n_groups finds both kinds that are out of range. */
static inline int64_t rr_group_of(const rr_grouped *rows, int64_t row)
{
    if (rows->use != NULL && !rows->use[row]) {
        return RR_NOT_COUNTED;
    }
    return rows->group == NULL ? 0 : (int64_t)(uint32_t)rows->group[row];
}

/* Rows of a block of which those in use are listed before they are read. Where few of many rows count,
 * and nothing tells which, a guess that fails costs more than the list: a tally of 10 M rows, 1.8 M of
 * them in use, takes half the time with it. Half as many rows in a block cost a tenth more: each
 * column is begun anew. */
enum { RR_LISTED_ROWS = 8192 };

/* Bit k of the result: whether byte k of `flags` is not 0. */
static inline unsigned rr_flag_bits(const uint8_t flags[8])
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t word;

    memcpy(&word, flags, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word = ((((word & low) + low) | word) & ~low) >> 7; /* 1 in each byte that is not 0 */
    return (unsigned)(word * UINT64_C(0x0102040810204080) >> 56);
}

/* Lists the rows from `start` up to `stop` that `use` counts (NULL: all), less `start`. Returns how
 * many they are; `rows` has room for RR_LISTED_ROWS. Four rows are listed at a time, by a table of which
 * of them count: half the time of one at a time, and the same however many they are. Going from one bit
 * to the next takes longer, where a fifth of the rows count too, and four times as long where all do. */
static inline int64_t rr_list_rows(const uint8_t *use, int64_t start, int64_t stop, uint16_t *rows)
{
    static const uint16_t places[16][4] = {
        {0}, {0},    {1},    {0, 1},    {2},    {0, 2},    {1, 2},    {0, 1, 2},
        {3}, {0, 3}, {1, 3}, {0, 1, 3}, {2, 3}, {0, 2, 3}, {1, 2, 3}, {0, 1, 2, 3}};
    static const uint8_t count[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    int64_t n = 0, i = 0;

    if (use == NULL) {
        for (; i < stop - start; i++) {
            rows[i] = (uint16_t)i;
        }
        return i;
    }
    for (; i + 8 <= stop - start; i += 8) {
        unsigned bits = rr_flag_bits(use + start + i);

        for (int half = 0; half < 8; half += 4) {
            unsigned four = bits >> half & 15;

            for (int k = 0; k < 4; k++) {
                rows[n + k] = (uint16_t)(i + half + places[four][k]);
            }
            n += count[four];
        }
    }
    for (; i < stop - start; i++) {
        rows[n] = (uint16_t)i;
        n += use[start + i] != 0;
    }
    return n;
}

/* The end of the block of `rows` rows that begins at `start`. */
static inline int64_t rr_block_end(int64_t start, int64_t n, int64_t rows)
{
    return n - start < rows ? n : start + rows;
}

/* How many tasks n rows make; at least one. */
static inline int64_t rr_row_tasks(int64_t n)
{
    return n / RR_TASK_ROWS + 1;
}

/* Elements of a worker that needs n of `size` bytes, where each writes to its own: no line of the cache is
 * then of two of them, which would wait for one another. */
static inline int64_t rr_apart(int64_t n, size_t size)
{
    return n + 128 / (int64_t)size;
}

/* The same call, on no more than so many threads: where each has scratch memory of its own. */
rr_call rr_on_threads(const rr_call *call, int64_t most);

/* Bits of a group code, and of the largest cluster of a row that counts. RR_ERR_ARGUMENT where one is
 * null, with the row. */
int rr_group_bits(const rr_grouped *rows);
rr_status rr_cluster_bits(const rr_grouped *rows, const uint32_t *cluster, int *bits,
                          const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* The limits of one estimate, and those of n of them. */
typedef void rr_limit(double estimate, double std_error, double z, double *lower, double *upper);

rr_status rr_limits(rr_limit *limit, int64_t n, const double *estimate, const double *std_error,
                    double z, double *lower, double *upper, const rr_call *call,
                    rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- rows as words, in order */

/* How rows become words of `bits` bits. The lowest `low` bits (below `bits`) travel along and are no
 * part of the order. `pack` writes the words of the rows from `start` up to `end` that count, and says
 * in *n how many there are; it may be called on several threads, and more than once. */
typedef struct rr_packing {
    rr_status (*pack)(const void *rows, int64_t start, int64_t end, uint64_t *words, int64_t *n,
                      rr_error *error);
    const void *rows;
    int64_t n;
    int bits;
    int low;
} rr_packing;

/* Words in parts, by their highest bits. Words that differ in none but the lowest `low` bits are in
 * one part. */
typedef struct rr_packed {
    uint64_t *words;
    int64_t *start; /* n_parts + 1 */
    int64_t n_parts;
    int64_t largest; /* words of the largest part */
    int shift;
    int low;
    int high;
} rr_packed;

/* Deals the rows into parts; within one they lie as they came. The lowest row that fails names the
 * failure. Zero `dealt` before, rr_packed_free it after, also after a failure. */
rr_status rr_pack(const rr_packing *packing, rr_packed *dealt, const rr_call *call,
                  rr_error *error) RR_MUST_CHECK;
void rr_packed_free(rr_packed *dealt);

/* The call, on so many threads that a scratch of `largest` words for each is no more than the words. */
rr_call rr_sorters(const rr_packed *dealt, const rr_call *call);

/* Sorts a part, and says where it lies and how many words it has. `scratch` has room for `largest`. */
int64_t rr_sort_part(const rr_packed *dealt, int64_t part, uint64_t *scratch, uint64_t **words);

#endif
