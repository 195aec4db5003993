/* The way of rr_link for rules that ask only for the nearest or the farthest event in a window. */
#ifndef RR_NEAREST_H
#define RR_NEAREST_H

#include "parts.h"
#include "rule.h"

/* Whether rr_nearest gives what rr_link must: no counts, vetoes, confirmations or claims, and parts
 * whose rows stand in their words. */
int rr_nearest_will_do(const rr_parts *parts, const rr_rule *rule, const rr_matches *matches);

/* rr_link for such a rule, which has been checked. */
rr_status rr_nearest(const rr_parts *parts, const rr_rule *rule, const rr_matches *matches,
                     const rr_call *call, rr_error *error) RR_MUST_CHECK;

#endif
