/* Of many days with an event, those that are confirmed by a day: how many, and the nth. */
#ifndef RR_DAY_TREE_H
#define RR_DAY_TREE_H

#include "internal.h"

typedef struct rr_day_tree {
    int64_t n;       /* days; 0: there is no tree */
    int64_t room;    /* days for which there is memory */
    int32_t *sorted; /* by level, n days each */
} rr_day_tree;

/* Makes a tree of n days; confirmed[d] is when day d was, INT32_MAX: never. `tree` is zeroed before its
 * first use, and its memory used again. rr_day_tree_free ends it, also after a failure. */
rr_status rr_day_tree_make(const int32_t *confirmed, int64_t n, rr_day_tree *tree) RR_MUST_CHECK;
void rr_day_tree_free(rr_day_tree *tree);

/* How many of the days `from` up to, not including, `to` are confirmed by a day below INT32_MAX. */
int64_t rr_day_tree_count(const rr_day_tree *tree, int64_t from, int64_t to, int32_t by);

/* The nth of them, from 1; there must be one. */
int64_t rr_day_tree_nth(const rr_day_tree *tree, int64_t from, int64_t to, int32_t by, int64_t n);

#endif
