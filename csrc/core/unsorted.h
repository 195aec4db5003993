/* What the ways that sort nothing share (nearest.c, pairs_count.c, pairs_fill.c): which days are
 * admissible for an index row, told in words that are looked up in buckets, and where its answer waits
 * for its row. */
#ifndef RR_UNSORTED_H
#define RR_UNSORTED_H

#include "parts.h"
#include "rule.h"

/* Whether parts and rule are such that nothing need be sorted: no vetoes, confirmations or claims, no row
 * that ends its search, and parts whose rows stand in their words. */
int rr_unsorted_will_do(const rr_parts *parts, const rr_rule *rule);

/* The admissible days of an anchor: the first, as it stands in words, and above 32 bits how many they
 * are. As one number they are loaded for several rows at a time. */
typedef uint64_t rr_span_days;

#define RR_NO_DAYS UINT64_C(0)

static inline uint64_t rr_first_of(rr_span_days days)
{
    return days & UINT32_MAX;
}

static inline uint64_t rr_n_of(rr_span_days days)
{
    return days >> 32;
}

/* Those of all index rows. Begin with parts and rule and zeros. */
typedef struct rr_asking {
    const rr_parts *parts;
    const rr_rule *rule;
    int backwards;     /* whether words have their days turned over */
    uint64_t day_mask; /* of a day in a word */
    int64_t lead;      /* days from the parts' origin to their first day */
    rr_bounds bounds;
    rr_span_days *spans; /* by day from the first of the parts */
} rr_asking;

/* Ended by rr_asking_close, also after a failure. RR_ERR_ARGUMENT for a span out of range. */
rr_status rr_asking_open(rr_asking *asking, const rr_parts *parts, const rr_rule *rule,
                         int backwards, rr_error *error) RR_MUST_CHECK;
void rr_asking_close(rr_asking *asking);

/* Of a row that brings no anchor or bounds of its own, by its day from the origin of the parts. */
static inline rr_span_days rr_days_asked(const rr_asking *asking, uint64_t day)
{
    return asking->spans[(int64_t)day - asking->lead];
}

/* What an index row asks for: an anchor, and the days that it admits. */
typedef struct rr_question {
    int64_t anchor; /* from the origin of the parts */
    rr_span_days days;
} rr_question;

/* Of a row on `day`, from the origin, which may bring an anchor or bounds. */
rr_question rr_question_of(const rr_asking *asking, int64_t row, int64_t day);

/* ---------------------------------------------------------------- answers that wait
 *
 * Answers wait where the words of their rows were dealt, each with the number of its row within its chunk
 * below it, until those of a chunk are all there. */

/* Where the answers of a piece of a part of the index go: into room[0]; or, of an index in order, those of
 * each chunk. `room` has one for each chunk. */
void rr_waiting_places(const rr_parts *parts, int64_t part, int64_t piece, int64_t *room);

/* Puts away the answers of n words of the piece, and moves its places on. The highest chunk_bits of an
 * answer are lost. */
static inline void rr_let_wait(const rr_parts *parts, const uint64_t *words, int64_t n,
                               const uint64_t *answers, int64_t *places, uint64_t *waiting)
{
    const int bits = parts->index.chunk_bits, row_bits = parts->index.row_bits;
    const uint64_t row_mask = (UINT64_C(1) << row_bits) - 1;
    const uint64_t in_chunk = ((UINT64_C(1) << bits) - 1) & row_mask;

    if (parts->index.in_order) {
        for (int64_t i = 0; i < n; i++) {
            const uint64_t row = words[i] & row_mask;

            waiting[places[row >> bits]++] = answers[i] << bits | (row & in_chunk);
        }
    } else {
        uint64_t *restrict to = waiting + *places;

        for (int64_t i = 0; i < n; i++) {
            to[i] = answers[i] << bits | (words[i] & in_chunk);
        }
        *places += n;
    }
}

#endif
