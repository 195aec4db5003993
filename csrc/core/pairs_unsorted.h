/* The way of rr_pairs_count and rr_pairs_fill for rules that ask for nothing but the window. */
#ifndef RR_PAIRS_UNSORTED_H
#define RR_PAIRS_UNSORTED_H

#include "parts.h"
#include "rule.h"

/* For a rule that has been checked and rr_unsorted_will_do. Offsets that are filled for rise from 0. */
rr_status rr_pairs_unsorted_count(const rr_parts *parts, const rr_rule *rule, int64_t *offsets,
                                  const rr_call *call, rr_error *error) RR_MUST_CHECK;
rr_status rr_pairs_unsorted_fill(const rr_parts *parts, const rr_rule *rule, const int64_t *offsets,
                                 int64_t *event_row, int32_t *gap_days, const rr_call *call,
                                 rr_error *error) RR_MUST_CHECK;

/* What rr_pairs_fill answers to offsets of other arguments; row -1: of no one row. */
rr_status rr_refuse_offsets(rr_error *error, int64_t row);

#endif
