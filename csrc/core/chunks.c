/* A side cut into chunks of rows, and each chunk's words into pieces by part. */
#include "parts.h"
#include "shelf.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_BITS = 16, MOST_BITS = 18, PIECE_BITS = 6 };

int rr_chunk_bits(int part_bits)
{
    int bits = part_bits + PIECE_BITS;

    return bits < LEAST_BITS ? LEAST_BITS : bits > MOST_BITS ? MOST_BITS : bits;
}

static int64_t count_chunks(int64_t n, int chunk_bits)
{
    return (n >> chunk_bits) + ((n & ((INT64_C(1) << chunk_bits) - 1)) != 0);
}

typedef struct counting {
    const uint8_t *use;
    rr_side *side;
} counting;

static rr_status count_used(void *job, int64_t chunk, int worker, rr_error *error)
{
    const counting *c = job;
    int64_t n = 0;

    (void)worker;
    (void)error;
    for (int64_t i = chunk << c->side->chunk_bits; i < rr_chunk_end(c->side, chunk); i++) {
        n += c->use[i] != 0;
    }
    c->side->chunk_start[chunk + 1] = n;
    return RR_OK;
}

rr_status rr_chunks_open(rr_side *side, const uint8_t *use, const rr_parts *parts, int chunk_bits,
                         const rr_call *call, rr_error *error)
{
    counting job = {use, side};
    rr_status status = RR_OK;

    side->shelf = rr_shelf_share(call == NULL ? NULL : call->shelf);
    side->chunk_bits = chunk_bits;
    side->n_chunks = count_chunks(side->n_table, chunk_bits);
    side->chunk_start = rr_allocate(side->n_chunks + 1, sizeof *side->chunk_start);
    side->piece = rr_allocate(side->n_chunks * (parts->n_parts + 1), sizeof *side->piece);
    side->part_n = rr_allocate(parts->n_parts, sizeof *side->part_n);
    if (side->chunk_start == NULL || side->piece == NULL || side->part_n == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    if (use != NULL) {
        status = rr_run(count_used, &job, side->n_chunks, call, error);
    }
    if (status != RR_OK) {
        return status;
    }
    side->chunk_start[0] = 0;
    for (int64_t c = 0; c < side->n_chunks; c++) {
        int64_t n = use != NULL ? side->chunk_start[c + 1]
                                : rr_chunk_end(side, c) - (c << chunk_bits);

        side->chunk_start[c + 1] = side->chunk_start[c] + n;
    }
    side->words = rr_shelf_allocate(side->shelf, side->chunk_start[side->n_chunks],
                                    sizeof *side->words);
    return side->words == NULL ? rr_fail(error, RR_ERR_MEMORY, "out of memory") : RR_OK;
}

void rr_chunk_lay_out(uint32_t *piece, int64_t n_parts)
{
    uint32_t sum = 0;

    for (int64_t part = 1; part <= n_parts; part++) {
        uint32_t count = piece[part];

        piece[part] = sum;
        sum += count;
    }
}

/* Chunk by chunk, as the table of pieces lies. */
void rr_chunks_add_up(rr_side *side, int64_t n_parts)
{
    memset(side->part_n, 0, (size_t)n_parts * sizeof *side->part_n);
    for (int64_t c = 0; c < side->n_chunks; c++) {
        const uint32_t *piece = side->piece + c * (n_parts + 1);

        for (int64_t p = 0; p < n_parts; p++) {
            side->part_n[p] += piece[p + 1] - piece[p];
        }
    }
    for (int64_t p = 0; p < n_parts; p++) {
        side->n += side->part_n[p];
        side->largest = side->part_n[p] > side->largest ? side->part_n[p] : side->largest;
    }
}

void rr_side_free(rr_side *side)
{
    free(side->start);
    rr_shelf_put(side->shelf, side->words);
    rr_shelf_put(side->shelf, side->rows);
    rr_shelf_leave(side->shelf);
    free(side->part_n);
    free(side->chunk_start);
    free(side->piece);
}
