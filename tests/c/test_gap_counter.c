/* Gaps counted 64 at a time against gaps counted one by one. */
#include "check.h"
#include "gap_counter.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { SPAN = 500, LONGEST = 700, STRIDE = 3 };

/* Rows from anchors within the days and beyond both of their ends. */
static void test_counts(uint64_t *random, int forward, int64_t n_rows)
{
    int64_t first = -40 + random_below(random, 80), n = 1 + random_below(random, SPAN);
    uint64_t counts[(LONGEST + 1) * STRIDE] = {0}, expected[(LONGEST + 1) * STRIDE] = {0};
    uint8_t has[SPAN];
    rr_gap_counter counter;

    CHECK(rr_gap_counter_open(&counter, LONGEST, counts, STRIDE) == RR_OK);
    /* Of the key before, nothing may be left. */
    CHECK(rr_gap_counter_begin(&counter, first, first + SPAN, forward) == RR_OK);
    for (int64_t d = 0; d <= SPAN; d++) {
        rr_gap_counter_day(&counter, first + d);
    }
    CHECK(rr_gap_counter_begin(&counter, first, first + n - 1, forward) == RR_OK);
    for (int64_t d = 0; d < n; d++) {
        has[d] = random_below(random, 3) > 0;
        if (has[d]) {
            rr_gap_counter_day(&counter, first + d);
        }
    }
    for (int64_t i = 0; i < n_rows; i++) {
        int64_t a = random_below(random, n), b = random_below(random, n);
        int64_t near = a < b ? a : b, far = a < b ? b : a;
        /* Where the row stands: no farther than the longest gap, and often outside of the days. */
        int64_t start = far - LONGEST + random_below(random, LONGEST - (far - near) + 1);

        rr_gap_counter_row(&counter, forward ? first + start : first + n - 1 - start, near - start,
                           far - start);
        for (int64_t k = near; k <= far; k++) {
            expected[(k - start) * STRIDE] += has[forward ? k : n - 1 - k];
        }
    }
    rr_gap_counter_pour(&counter);
    CHECK(memcmp(counts, expected, sizeof counts) == 0);
    rr_gap_counter_pour(&counter);
    CHECK(memcmp(counts, expected, sizeof counts) == 0);
    rr_gap_counter_close(&counter);
}

static void test_no_memory(void)
{
    uint64_t count = 0;
    rr_gap_counter counter;

    failing_allocation = 0;
    CHECK(rr_gap_counter_open(&counter, 0, &count, 1) == RR_ERR_MEMORY);
    rr_gap_counter_close(&counter);
    failing_allocation = 1;
    CHECK(rr_gap_counter_open(&counter, 0, &count, 1) == RR_OK);
    CHECK(rr_gap_counter_begin(&counter, 5, 5, 1) == RR_ERR_MEMORY);
    rr_gap_counter_close(&counter);
    failing_allocation = -1;
}

int main(void)
{
    uint64_t random = 20210331;

    for (int i = 0; i < 400; i++) {
        /* 255 rows are as many as the digits count. */
        test_counts(&random, i % 2, i % 8 == 0 ? 255 : random_below(&random, 600));
    }
    test_no_memory();
    return 0;
}
