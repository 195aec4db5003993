/* Days lie in blocks of 2^level, at every level, and a block is sorted by when its days were confirmed. A
 * run of days is a few blocks of each level, in each of which a search by halves counts; the nth is in
 * the block where the count passes it, and found from there downwards. So both cost some log n squared,
 * and a tree n log n, for 4 bytes a day and level (100,000 days: 7 MB).
 *
 * Walking from day to day is faster up to some hundred days, and reads only the days that are in
 * somebody's window: a tree is for parts where one key has more than that. */
#include "day_tree.h"

#include <stdlib.h>
#include <string.h>

static void merge(const int32_t *a, const int32_t *b, int64_t n_each, int32_t *to)
{
    for (int64_t i = 0, j = 0; i + j < 2 * n_each;) {
        int first = j == n_each || (i < n_each && a[i] <= b[j]);

        to[i + j] = first ? a[i] : b[j];
        i += first;
        j += !first;
    }
}

rr_status rr_day_tree_make(const int32_t *confirmed, int64_t n, rr_day_tree *tree)
{
    if (n > tree->room) {
        rr_day_tree_free(tree);
        tree->sorted = rr_allocate(n, (size_t)rr_bits((uint64_t)n) * sizeof *tree->sorted);
        if (tree->sorted == NULL) {
            return RR_ERR_MEMORY;
        }
        tree->room = n;
    }
    tree->n = n;
    memcpy(tree->sorted, confirmed, (size_t)n * sizeof *confirmed);
    for (int64_t half = 1, level = 1; 2 * half <= n; half *= 2, level++) {
        const int32_t *halves = tree->sorted + (level - 1) * n;

        /* Blocks that the days do not fill are never asked for. */
        for (int64_t d = 0; d + 2 * half <= n; d += 2 * half) {
            merge(halves + d, halves + d + half, half, tree->sorted + level * n + d);
        }
    }
    return RR_OK;
}

void rr_day_tree_free(rr_day_tree *tree)
{
    free(tree->sorted);
    *tree = (rr_day_tree){0};
}

/* The level of the largest block that begins at `from` and does not end after `to`. */
static int level_at(int64_t from, int64_t to)
{
    int level = 0;

    while ((from >> level & 1) == 0 && from + (INT64_C(2) << level) <= to) {
        level++;
    }
    return level;
}

static int64_t count_in_block(const rr_day_tree *tree, int level, int64_t from, int32_t by)
{
    const int32_t *block = tree->sorted + level * tree->n + from;
    int64_t low = 0, high = INT64_C(1) << level;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (block[middle] <= by) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int64_t rr_day_tree_count(const rr_day_tree *tree, int64_t from, int64_t to, int32_t by)
{
    int64_t n = 0;

    while (from < to) {
        int level = level_at(from, to);

        n += count_in_block(tree, level, from, by);
        from += INT64_C(1) << level;
    }
    return n;
}

int64_t rr_day_tree_nth(const rr_day_tree *tree, int64_t from, int64_t to, int32_t by, int64_t n)
{
    int level = level_at(from, to);
    int64_t here = count_in_block(tree, level, from, by);

    while (here < n) {
        n -= here;
        from += INT64_C(1) << level;
        level = level_at(from, to);
        here = count_in_block(tree, level, from, by);
    }
    while (level-- > 0) {
        here = count_in_block(tree, level, from, by);
        if (here < n) {
            n -= here;
            from += INT64_C(1) << level;
        }
    }
    return from;
}
