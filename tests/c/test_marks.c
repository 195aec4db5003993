/* The rows that conditions leave, against an answer worked out row by row. */
#include "check.h"
#include "marks.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { MOST = 5000, CONDITIONS = 4 };

/* What a number of `size` bytes may be: near 0, near an end of its type, or anything. */
static int64_t any_number(int size, uint64_t *random)
{
    const int64_t most = INT64_MAX >> (64 - 8 * size);
    int64_t near = random_below(random, 7);

    switch (random_below(random, 4)) {
    case 0:
        return most - near;
    case 1:
        return -most - 1 + near;
    case 2:
        return (int64_t)random_word(random) >> (64 - 8 * size);
    default:
        return near - 3;
    }
}

static void put(void *numbers, int size, int64_t i, int64_t number)
{
    /* The low bytes of a number, on a machine of either order, as its own type has them. */
    int8_t n8 = (int8_t)number;
    int16_t n16 = (int16_t)number;
    int32_t n32 = (int32_t)number;
    const void *from = size == 1   ? (const void *)&n8
                       : size == 2 ? (const void *)&n16
                       : size == 4 ? (const void *)&n32
                                   : (const void *)&number;

    memcpy((char *)numbers + i * size, from, (size_t)size);
}

static int meets(const rr_condition *c, int64_t number)
{
    if (c->among != NULL) {
        return number >= 0 && number < c->n_among && c->among[number] != 0;
    }
    for (int k = 0; k < c->n_intervals; k++) {
        if (number >= c->intervals[k].low && number <= c->intervals[k].high) {
            return 1;
        }
    }
    return 0;
}

static void test_rows_left(uint64_t *random)
{
    static int64_t numbers[CONDITIONS][MOST], room[CONDITIONS][MOST];
    static uint8_t before[MOST], expected[CONDITIONS][MOST], left[CONDITIONS][MOST];
    uint8_t *asked[CONDITIONS];
    const uint8_t among[] = {1, 0, 0, 1, 1};
    rr_condition conditions[CONDITIONS];
    rr_call call = {.threads = (int)random_below(random, 3)};
    int64_t n_left[CONDITIONS], n_expected[CONDITIONS];
    int64_t n = random_below(random, 2) ? random_below(random, 70) : random_below(random, MOST);
    int all = random_below(random, 2) == 0;

    for (int k = 0; k < CONDITIONS; k++) {
        int size = 1 << random_below(random, 4);

        conditions[k] = (rr_condition){.numbers = room[k], .size = size};
        conditions[k].n_intervals = (int)random_below(random, RR_INTERVALS_MAX + 1);
        for (int j = 0; j < conditions[k].n_intervals; j++) {
            int of = 1 << random_below(random, 4);
            rr_interval interval = {any_number(of, random), any_number(of, random)};

            conditions[k].intervals[j] = interval;
        }
        if (random_below(random, 4) == 0) {
            conditions[k].among = among;
            conditions[k].n_among = sizeof among;
        }
        for (int64_t i = 0; i < n; i++) {
            numbers[k][i] = any_number(size, random);
            put(room[k], size, i, numbers[k][i]);
        }
    }
    for (int64_t i = 0; i < n; i++) {
        before[i] = (uint8_t)random_below(random, 2);
    }
    for (int k = 0; k < CONDITIONS; k++) {
        n_expected[k] = 0;
        asked[k] = random_below(random, 2) ? left[k] : NULL;
        for (int64_t i = 0; i < n; i++) {
            int marked = k == 0 ? all || before[i] : expected[k - 1][i];

            expected[k][i] = marked && meets(&conditions[k], numbers[k][i]);
            n_expected[k] += expected[k][i];
        }
    }
    CHECK(rr_rows_left(conditions, CONDITIONS, all ? NULL : before, n, asked, n_left, &call,
                       NULL) == RR_OK);
    for (int k = 0; k < CONDITIONS; k++) {
        CHECK(asked[k] == NULL || memcmp(left[k], expected[k], (size_t)n) == 0);
    }
    CHECK(memcmp(n_left, n_expected, sizeof n_left) == 0);
}

static void test_what_is_refused(void)
{
    const int64_t number = 0;
    rr_condition wrong = {.numbers = &number, .size = 3};
    int64_t n_left;
    uint8_t mark, *left = &mark;

    CHECK(rr_rows_left(&wrong, 1, NULL, 1, &left, &n_left, NULL, NULL) == RR_ERR_ARGUMENT);
    wrong = (rr_condition){.numbers = &number, .size = 8, .n_intervals = RR_INTERVALS_MAX + 1};
    CHECK(rr_rows_left(&wrong, 1, NULL, 1, &left, &n_left, NULL, NULL) == RR_ERR_ARGUMENT);
    CHECK(rr_rows_left(NULL, 0, NULL, 1, &left, &n_left, NULL, NULL) == RR_ERR_ARGUMENT);
    wrong.n_intervals = 0;
    failing_allocation = 0;
    CHECK(rr_rows_left(&wrong, 1, NULL, 1, &left, &n_left, NULL, NULL) == RR_ERR_MEMORY);
    failing_allocation = -1;
}

int main(void)
{
    uint64_t random = 5;

    for (int i = 0; i < 400; i++) {
        test_rows_left(&random);
    }
    test_what_is_refused();
    return 0;
}
