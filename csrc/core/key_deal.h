/* Rows dealt by their key columns, before the keys of a part are numbered: between key_deal.c and
 * key_order.c. */
#ifndef RR_KEY_DEAL_H
#define RR_KEY_DEAL_H

#include "keys.h"
#include "parts.h"

/* Deals the rows of a table to one side, or to both where they are of the same table; n_table is set. A
 * word of a side is then a whole key, equal for equal keys and for no others, and the number at the same
 * place of its `beside` holds the day from the parts' origin and, in chunk_bits below it, the row within
 * its chunk; together at most 32 bits. The parts' days and part_bits are set. The caller puts what is
 * not NULL of `beside` on the side's shelf. *fits becomes 0, and nothing is dealt, where a value does not
 * fit the packing or a day the parts. */
rr_status rr_key_deal(const rr_key_packing *packing, int64_t table, const rr_rows *const *rows,
                      const rr_parts *parts, int chunk_bits, rr_side *const *sides,
                      uint32_t **beside, int n_sides, int *fits, const rr_call *call,
                      rr_error *error) RR_MUST_CHECK;

#endif
