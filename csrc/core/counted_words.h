/* A list of words and how many there are of each. */
#ifndef RR_COUNTED_WORDS_H
#define RR_COUNTED_WORDS_H

#include "internal.h"

typedef struct rr_counted {
    uint64_t *words; /* a word may stand in it more than once, until it is counted together */
    uint64_t *times; /* by word */
    int64_t n;
    int64_t room;
} rr_counted;

/* An empty list with room for so many words; a zeroed one is empty too, and has none. rr_counted_close
 * ends it, also after RR_ERR_MEMORY, which here and below writes no error. */
rr_status rr_counted_open(rr_counted *list, int64_t room) RR_MUST_CHECK;
void rr_counted_close(rr_counted *list);

/* Puts the words, of `bits` bits, in order, each once. `scratch` has room for as many. */
void rr_count_together(rr_counted *list, const rr_counted *scratch, int bits);

/* The same with a scratch of its own. */
rr_status rr_counted_settle(rr_counted *list, int bits) RR_MUST_CHECK;

/* Makes room for n more: by counting together, and where that does not make half of it free, by growing. */
rr_status rr_counted_make_room(rr_counted *list, int64_t n, int bits) RR_MUST_CHECK;

/* Adds the words of another list. */
rr_status rr_counted_append(rr_counted *list, const rr_counted *more, int bits) RR_MUST_CHECK;

#endif
