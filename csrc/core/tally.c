#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { POLL_EVERY = 1 << 20, DIGIT_BITS = 11 };

/* floor(sqrt(INT64_MAX)): up to here the square of a count of rows fits. */
static const int64_t MOST_CLUSTERED_ROWS = INT64_C(3037000499);

static int64_t block_end(int64_t start, int64_t n)
{
    return n - start < POLL_EVERY ? n : start + POLL_EVERY;
}

static rr_status fail_at(rr_error *error, rr_status status, int64_t row, const char *sentence)
{
    rr_fail(error, status, "%s", sentence);
    if (error != NULL) {
        error->row = row;
    }
    return status;
}

static rr_status fail_group(rr_error *error, int64_t row)
{
    return fail_at(error, RR_ERR_ARGUMENT, row, "a group code is outside the number of groups");
}

static rr_status fail_duration(rr_error *error, int64_t row, int32_t duration)
{
    char digits[16];
    int length = 0;
    int64_t rest = duration < 0 ? -(int64_t)duration : duration;

    fail_at(error, RR_ERR_VALUE, row,
            duration < 0 ? "a duration is negative" : "a duration is longer than the longest");
    do {
        digits[sizeof digits - 1 - (size_t)length++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (duration < 0) {
        digits[sizeof digits - 1 - (size_t)length++] = '-';
    }
    rr_fail_value(error, digits + sizeof digits - length, length);
    return RR_ERR_VALUE;
}

static void zero(int64_t *counts, int64_t n)
{
    if (counts != NULL) {
        memset(counts, 0, (size_t)n * sizeof *counts);
    }
}

rr_status rr_tally(int64_t n_rows, const int32_t *group, const uint8_t *use, const uint8_t *hit,
                   int64_t n_groups, int64_t *n, int64_t *linked, const rr_poll *poll,
                   rr_error *error)
{
    zero(n, n_groups);
    zero(linked, n_groups);
    for (int64_t start = 0; start < n_rows; start += POLL_EVERY) {
        int64_t end = block_end(start, n_rows);

        if (rr_stopped(poll, start, n_rows)) {
            return rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        }
        for (int64_t i = start; i < end; i++) {
            int64_t g = group == NULL ? 0 : group[i];

            if (use != NULL && !use[i]) {
                continue;
            }
            if (g < 0 || g >= n_groups) {
                return fail_group(error, i);
            }
            if (n != NULL) {
                n[g]++;
            }
            if (linked != NULL) {
                linked[g] += hit[i] != 0;
            }
        }
    }
    return RR_OK;
}

static int bits_of(uint64_t largest)
{
    int bits = 0;

    while (largest != 0) {
        bits++;
        largest >>= 1;
    }
    return bits;
}

/* Sorts words by their bits [low, low + bits), least significant digit first, through `scratch` of
 * the same length. *sorted is whichever of the two holds the answer. A digit is at most 11 bits, so
 * that its counters stay in the first cache. Returns non-zero when the poll asks to stop. */
static int radix_sort(uint64_t *words, uint64_t *scratch, int64_t n, int low, int bits,
                      const rr_poll *poll, uint64_t **sorted)
{
    int passes = (bits + DIGIT_BITS - 1) / DIGIT_BITS;
    int64_t next[1 << DIGIT_BITS];

    for (int pass = 0; pass < passes; pass++) {
        int from = low + bits * pass / passes;
        int width = low + bits * (pass + 1) / passes - from;
        uint64_t mask = (UINT64_C(1) << width) - 1;
        uint64_t *swap = words;
        int64_t total = 0;

        memset(next, 0, sizeof next);
        for (int64_t i = 0; i < n; i++) {
            next[words[i] >> from & mask]++;
        }
        for (uint64_t digit = 0; digit <= mask; digit++) {
            int64_t count = next[digit];

            next[digit] = total;
            total += count;
        }
        for (int64_t start = 0; start < n; start += POLL_EVERY) {
            int64_t end = block_end(start, n);

            if (rr_stopped(poll, pass * n + start, passes * n)) {
                return 1;
            }
            for (int64_t i = start; i < end; i++) {
                scratch[next[words[i] >> from & mask]++] = words[i];
            }
        }
        words = scratch;
        scratch = swap;
    }
    *sorted = words;
    return 0;
}

rr_status rr_tally_clusters(int64_t n_rows, const uint32_t *cluster, const int32_t *group,
                            const uint8_t *use, const uint8_t *hit, int64_t n_groups,
                            int64_t *clusters, int64_t *n_squared, int64_t *n_linked,
                            int64_t *linked_squared, const rr_poll *poll, rr_error *error)
{
    rr_status status = RR_OK;
    uint64_t *words = NULL, *scratch = NULL, *sorted = NULL;
    uint64_t largest = 0;
    int group_bits = n_groups > 1 ? bits_of((uint64_t)n_groups - 1) : 0;
    int64_t used = 0;

    zero(clusters, n_groups);
    zero(n_squared, n_groups);
    zero(n_linked, n_groups);
    zero(linked_squared, n_groups);
    if (n_rows > MOST_CLUSTERED_ROWS) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "more rows than can be counted in clusters");
    }
    words = rr_allocate(n_rows, sizeof *words);
    scratch = rr_allocate(n_rows, sizeof *scratch);
    if (words == NULL || scratch == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    /* cluster | group | hit always fits: 32 bits, at most 31, and 1. */
    for (int64_t i = 0; i < n_rows; i++) {
        int64_t g = group == NULL ? 0 : group[i];

        if (use != NULL && !use[i]) {
            continue;
        }
        if (g < 0 || g >= n_groups) {
            status = fail_group(error, i);
            goto out;
        }
        if (cluster[i] == UINT32_MAX) {
            status = fail_at(error, RR_ERR_ARGUMENT, i, "a counted row has a null cluster");
            goto out;
        }
        largest = cluster[i] > largest ? cluster[i] : largest;
        words[used++] =
            ((uint64_t)cluster[i] << group_bits | (uint64_t)g) << 1 | (uint64_t)(hit[i] != 0);
    }
    if (radix_sort(words, scratch, used, 1, bits_of(largest) + group_bits, poll, &sorted)) {
        status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        goto out;
    }
    for (int64_t i = 0; i < used;) {
        uint64_t key = sorted[i] >> 1;
        uint64_t g = key & ((UINT64_C(1) << group_bits) - 1);
        int64_t n = 0, x = 0;

        for (; i < used && sorted[i] >> 1 == key; i++) {
            n++;
            x += (int64_t)(sorted[i] & 1);
        }
        if (clusters != NULL) {
            clusters[g]++;
        }
        if (n_squared != NULL) {
            n_squared[g] += n * n;
        }
        if (n_linked != NULL) {
            n_linked[g] += n * x;
        }
        if (linked_squared != NULL) {
            linked_squared[g] += x * x;
        }
    }
out:
    free(words);
    free(scratch);
    return status;
}

rr_status rr_longest(int64_t n_rows, const int32_t *duration, const uint8_t *use, int32_t *longest,
                     rr_error *error)
{
    int32_t most = 0;

    for (int64_t i = 0; i < n_rows; i++) {
        if (use != NULL && !use[i]) {
            continue;
        }
        if (duration[i] < 0) {
            return fail_duration(error, i, duration[i]);
        }
        most = duration[i] > most ? duration[i] : most;
    }
    *longest = most;
    return RR_OK;
}

int64_t rr_tally_days_room(int64_t n_rows, int64_t n_groups, int32_t longest)
{
    int64_t later = n_rows;

    if (n_rows < 0 || n_groups < 0 || longest < 0) {
        return -1;
    }
    if (longest == 0 || n_groups <= n_rows / longest) {
        later = n_groups * longest;
    }
    return n_groups > INT64_MAX - later ? -1 : n_groups + later;
}

/* Where rr_tally_days writes, and how far it has come. */
typedef struct cells {
    int32_t *group, *day;
    int64_t *events, *censored;
    int64_t n;
} cells;

static void put_cell(cells *out, int64_t group, int64_t day, int64_t events, int64_t censored)
{
    if (out->group != NULL) {
        out->group[out->n] = (int32_t)group;
    }
    if (out->day != NULL) {
        out->day[out->n] = (int32_t)day;
    }
    if (out->events != NULL) {
        out->events[out->n] = events;
    }
    if (out->censored != NULL) {
        out->censored[out->n] = censored;
    }
    out->n++;
}

/* Few cells for the rows: count them all. Two counters a cell, censored and events, side by side.
 */
static rr_status days_by_counting(int64_t n_rows, const int32_t *duration, const uint8_t *event,
                                  const int32_t *group, const uint8_t *use, int64_t n_groups,
                                  int32_t longest, cells *out, const rr_poll *poll, rr_error *error)
{
    rr_status status = RR_OK;
    int64_t days = (int64_t)longest + 1;
    uint32_t *counts = rr_allocate(n_groups * days, 2 * sizeof *counts);

    if (counts == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    memset(counts, 0, (size_t)(n_groups * days) * 2 * sizeof *counts);
    for (int64_t start = 0; start < n_rows; start += POLL_EVERY) {
        int64_t end = block_end(start, n_rows);

        if (rr_stopped(poll, start, n_rows)) {
            status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
            goto out;
        }
        for (int64_t i = start; i < end; i++) {
            int64_t g = group == NULL ? 0 : group[i];

            if (use != NULL && !use[i]) {
                continue;
            }
            if (g < 0 || g >= n_groups) {
                status = fail_group(error, i);
                goto out;
            }
            if (duration[i] < 0 || duration[i] > longest) {
                status = fail_duration(error, i, duration[i]);
                goto out;
            }
            counts[(g * days + duration[i]) * 2 + (event[i] != 0)]++;
        }
    }
    for (int64_t g = 0; g < n_groups; g++) {
        for (int64_t day = 0; day < days; day++) {
            const uint32_t *cell = counts + (g * days + day) * 2;

            if (day == 0 || cell[0] != 0 || cell[1] != 0) {
                put_cell(out, g, day, cell[1], cell[0]);
            }
        }
    }
out:
    free(counts);
    return status;
}

/* Many cells, few of them filled: sort the rows, packed as group | day | event. */
static rr_status days_by_sorting(int64_t n_rows, const int32_t *duration, const uint8_t *event,
                                 const int32_t *group, const uint8_t *use, int64_t n_groups,
                                 int32_t longest, cells *out, const rr_poll *poll, rr_error *error)
{
    rr_status status = RR_OK;
    uint64_t *words = rr_allocate(n_rows, sizeof *words);
    uint64_t *scratch = rr_allocate(n_rows, sizeof *scratch);
    uint64_t *sorted = NULL;
    int day_bits = bits_of((uint64_t)longest);
    int group_bits = n_groups > 1 ? bits_of((uint64_t)n_groups - 1) : 0;
    int64_t used = 0, i = 0;

    if (words == NULL || scratch == NULL) {
        status = rr_fail(error, RR_ERR_MEMORY, "out of memory");
        goto out;
    }
    for (int64_t row = 0; row < n_rows; row++) {
        int64_t g = group == NULL ? 0 : group[row];

        if (use != NULL && !use[row]) {
            continue;
        }
        if (g < 0 || g >= n_groups) {
            status = fail_group(error, row);
            goto out;
        }
        if (duration[row] < 0 || duration[row] > longest) {
            status = fail_duration(error, row, duration[row]);
            goto out;
        }
        words[used++] =
            ((uint64_t)g << day_bits | (uint64_t)duration[row]) << 1 | (uint64_t)(event[row] != 0);
    }
    if (radix_sort(words, scratch, used, 1, day_bits + group_bits, poll, &sorted)) {
        status = rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        goto out;
    }
    for (int64_t g = 0; g < n_groups; g++) {
        uint64_t key = (uint64_t)g << day_bits;

        if (i == used || sorted[i] >> 1 != key) {
            put_cell(out, g, 0, 0, 0);
        }
        while (i < used && sorted[i] >> 1 >> day_bits == (uint64_t)g) {
            int64_t n[2] = {0, 0};

            for (key = sorted[i] >> 1; i < used && sorted[i] >> 1 == key; i++) {
                n[sorted[i] & 1]++;
            }
            put_cell(out, g, (int64_t)(key & ((UINT64_C(1) << day_bits) - 1)), n[1], n[0]);
        }
    }
out:
    free(words);
    free(scratch);
    return status;
}

rr_status rr_tally_days(int64_t n_rows, const int32_t *duration, const uint8_t *event,
                        const int32_t *group, const uint8_t *use, int64_t n_groups, int32_t longest,
                        int64_t *n_cells, int32_t *cell_group, int32_t *cell_day, int64_t *events,
                        int64_t *censored, const rr_poll *poll, rr_error *error)
{
    cells out = {cell_group, cell_day, events, censored, 0};
    /* The counters then take no more memory than the sort would: 8 bytes a cell, 16 a row. */
    int64_t most_cells = n_rows > (INT64_MAX - (1 << 17)) / 2 ? INT64_MAX : 2 * n_rows + (1 << 17);
    int counts =
        longest >= 0 && n_rows <= UINT32_MAX && n_groups <= most_cells / ((int64_t)longest + 1);
    rr_status status;

    *n_cells = 0;
    if (rr_tally_days_room(n_rows, n_groups, longest) < 0) {
        return rr_fail(error, RR_ERR_ARGUMENT, "negative or too large a number of rows or groups");
    }
    if (counts) {
        status = days_by_counting(n_rows, duration, event, group, use, n_groups, longest, &out,
                                  poll, error);
    } else {
        status = days_by_sorting(n_rows, duration, event, group, use, n_groups, longest, &out, poll,
                                 error);
    }
    *n_cells = status == RR_OK ? out.n : 0;
    return status;
}
