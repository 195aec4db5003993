/* Rows as words, in order, on threads. The rows are dealt by the highest bits of their words into parts
 * that fit the cache, chunk by chunk: each chunk counts what it has for each part, so that it knows
 * where to write, and the words of a part lie in the order of the rows whatever the chunks are. Then a
 * part is sorted alone. A radix sort of the whole would send every pass through memory.
 *
 * Rows are packed twice, once to count and once to write: packing is a few loads a row, and words that
 * were kept between would cost as much memory again as the result. */
#include "tally_internal.h"

#include <stdlib.h>
#include <string.h>

enum { PART_ROWS = 1 << 13, PART_BITS_MAX = 12, PACK_ROWS = 1 << 10 };

typedef struct dealing {
    const rr_packing *packing;
    rr_packed *dealt;
    int64_t n_chunks;
    int64_t *next; /* by chunk, then part: words, then where the next of them goes */
    int placing;   /* the words are written; otherwise counted */
} dealing;

static inline int64_t part_of(const rr_packed *dealt, uint64_t word)
{
    return (int64_t)(word >> dealt->shift & (uint64_t)(dealt->n_parts - 1));
}

static rr_status deal_chunk(void *job, int64_t chunk, int worker, rr_error *error)
{
    const dealing *in = job;
    const rr_packing *packing = in->packing;
    rr_packed *dealt = in->dealt;
    int64_t *next = in->next + chunk * dealt->n_parts;
    int64_t last = rr_chunk_start(packing->n, chunk + 1, in->n_chunks);

    (void)worker;
    for (int64_t at = rr_chunk_start(packing->n, chunk, in->n_chunks); at < last;) {
        uint64_t words[PACK_ROWS];
        int64_t end = rr_block_end(at, last, PACK_ROWS), n = 0;
        rr_status status = packing->pack(packing->rows, at, end, words, &n, error);

        if (status != RR_OK) {
            return status;
        }
        for (int64_t i = 0; in->placing && i < n; i++) {
            dealt->words[next[part_of(dealt, words[i])]++] = words[i];
        }
        for (int64_t i = 0; !in->placing && i < n; i++) {
            next[part_of(dealt, words[i])]++;
        }
        at = end;
    }
    return RR_OK;
}

/* From how many words every chunk has for every part, to where they go. */
static void place_parts(const dealing *in)
{
    rr_packed *dealt = in->dealt;
    int64_t sum = 0;

    for (int64_t p = 0; p < dealt->n_parts; p++) {
        dealt->start[p] = sum;
        for (int64_t c = 0; c < in->n_chunks; c++) {
            int64_t *next = in->next + c * dealt->n_parts + p, count = *next;

            *next = sum;
            sum += count;
        }
        dealt->largest = sum - dealt->start[p] > dealt->largest ? sum - dealt->start[p]
                                                                : dealt->largest;
    }
    dealt->start[dealt->n_parts] = sum;
}

rr_status rr_pack(const rr_packing *packing, rr_packed *dealt, const rr_call *call, rr_error *error)
{
    dealing in = {packing, dealt, rr_row_tasks(packing->n), NULL, 0};
    int part_bits = rr_bits((uint64_t)(packing->n / PART_ROWS));
    rr_status status = RR_OK;

    part_bits = part_bits > PART_BITS_MAX ? PART_BITS_MAX : part_bits;
    part_bits = part_bits > packing->bits - packing->low ? packing->bits - packing->low : part_bits;
    dealt->n_parts = INT64_C(1) << part_bits;
    dealt->low = packing->low;
    dealt->high = packing->bits - part_bits;
    /* A shift by all 64 bits is undefined; with one part the mask is 0 and any shift will do. */
    dealt->shift = part_bits == 0 ? 0 : dealt->high;
    dealt->largest = 0;
    dealt->start = rr_allocate(dealt->n_parts + 1, sizeof *dealt->start);
    in.next = rr_allocate(in.n_chunks * dealt->n_parts, sizeof *in.next);
    if (dealt->start == NULL || in.next == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    memset(in.next, 0, (size_t)(in.n_chunks * dealt->n_parts) * sizeof *in.next);
    status = rr_run(deal_chunk, &in, in.n_chunks, call, error);
    if (status != RR_OK) {
        goto out;
    }
    place_parts(&in);
    dealt->words = rr_allocate(dealt->start[dealt->n_parts], sizeof *dealt->words);
    if (dealt->words == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    in.placing = 1;
    status = rr_run(deal_chunk, &in, in.n_chunks, call, error);
out:
    free(in.next);
    return status;
}

void rr_packed_free(rr_packed *dealt)
{
    free(dealt->words);
    free(dealt->start);
}

rr_call rr_sorters(const rr_packed *dealt, const rr_call *call)
{
    int64_t n = dealt->start[dealt->n_parts];

    return rr_on_threads(call, dealt->largest > 0 ? n / dealt->largest : 1);
}

int64_t rr_sort_part(const rr_packed *dealt, int64_t part, uint64_t *scratch, uint64_t **words)
{
    int64_t n = dealt->start[part + 1] - dealt->start[part];

    *words = dealt->words + dealt->start[part];
    rr_sort_words(*words, NULL, scratch, NULL, n, dealt->low, dealt->high);
    return n;
}
