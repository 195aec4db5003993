/* The way of rr_link for rules that ask only for the nearest or the farthest event in a window. */
#ifndef RR_NEAREST_H
#define RR_NEAREST_H

#include "parts.h"

/* Whether rr_nearest gives what rr_link must: no counts, vetoes, confirmations or claims, and parts
 * whose rows stand in their words. */
int rr_nearest_will_do(const rr_parts *parts, const rr_rule *rule, const rr_matches *matches);

/* The event row that an index row is, -1 for none. */
static inline int64_t rr_self_of(const rr_rule *rule, int64_t row)
{
    return rule->same_table ? row : rule->self_row != NULL ? rule->self_row[row] : -1;
}

/* rr_link for such a rule, which has been checked. */
rr_status rr_nearest(const rr_parts *parts, const rr_rule *rule, const rr_matches *matches,
                     const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* The admissible days cut to the bounds that the row itself brings. In sweep.c. */
void rr_row_bounds(const rr_rule *rule, int64_t row, int64_t *first, int64_t *last);

#endif
