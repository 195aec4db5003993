/* Large blocks of memory that were freed, kept for who next wants one of their size.
 *
 * A block here is one of malloc's of RR_SHELF_LEAST bytes or more. While it lies here the system may
 * take its pages for other use, and its content is nobody's: it counts as free in all but the number
 * of pages that the process shows. Any thread may call at any time. */
#ifndef RR_SHELF_H
#define RR_SHELF_H

#include <stddef.h>
#include <stdint.h>

#define RR_SHELF_LEAST ((size_t)8 << 20) /* bytes of a block */

typedef struct rr_shelf rr_shelf;

/* An empty one with one owner, or NULL without memory. `most` is how many bytes all blocks together may
 * have; the oldest go first. */
rr_shelf *rr_shelf_new(size_t most);

/* As many as are no burden here: an eighth of the machine's memory, but 4 GB at most. */
size_t rr_shelf_most_here(void);

/* One owner more, and one less: the last frees it and what lies in it. Both do nothing for NULL. */
rr_shelf *rr_shelf_share(rr_shelf *shelf);
void rr_shelf_leave(rr_shelf *shelf);

/* A block of at least `bytes` bytes and little more, whose content is anything, or NULL: none lies here.
 * It is malloc's again: to be freed, resized or put back. */
void *rr_shelf_take(rr_shelf *shelf, size_t bytes);

/* Room for `count` elements of `size` bytes from the shelf, or else from rr_allocate. */
void *rr_shelf_allocate(rr_shelf *shelf, int64_t count, size_t size);

/* Takes a block over: keeps it, or frees it. NULL `shelf`: frees it. */
void rr_shelf_put(rr_shelf *shelf, void *block);

#endif
