/* Washout and selection against answers found by looking at every pair. */
#include "check.h"
#include "rereferral.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { MOST = 300 };

typedef struct table {
    uint32_t key[MOST];
    int64_t day[MOST];
    uint8_t use[MOST];
    uint8_t kept[MOST];
    int32_t period[MOST];
    int64_t n;
} table;

static void fill(table *t, int64_t keys, int64_t first_day, int64_t days, int64_t periods,
                 uint64_t *random)
{
    t->n = random_below(random, MOST);
    for (int64_t i = 0; i < t->n; i++) {
        t->key[i] = random_below(random, 20) == 0 ? RR_NULL_KEY
                                                  : (uint32_t)random_below(random, keys);
        t->day[i] = random_below(random, 20) == 0 ? RR_NULL_DAY
                                                  : first_day + random_below(random, days);
        t->use[i] = random_below(random, 10) != 0;
        t->kept[i] = random_below(random, 5) != 0;
        t->period[i] = (int32_t)(periods - 1 - random_below(random, 4));
    }
}

static int takes_part(const table *t, int64_t i)
{
    return t->use[i] && t->key[i] != RR_NULL_KEY && t->day[i] != RR_NULL_DAY;
}

static rr_parts *ordered(const table *t, uint32_t limit)
{
    rr_rows index = {{.codes = t->key}, {.ticks = t->day, .per_day = 1}, t->use, t->n},
            events = {.n = 0};
    rr_parts *parts;

    CHECK(rr_order(&index, &events, limit, NULL, &parts, NULL) == RR_OK);
    return parts;
}

/* Row e is on an earlier day than row i, and i is within the span of it. */
static int precedes(const table *t, rr_span span, int64_t e, int64_t i)
{
    return takes_part(t, e) && t->key[e] == t->key[i] && t->day[e] < t->day[i] &&
           t->day[i] <= rr_add_span(t->day[e], span);
}

/* Is row i washed out? Rolling, the rows before it are asked first: each is on an earlier day. */
static int expect_washed(const table *t, const uint8_t *kept, rr_span span, int rolling, int64_t i,
                         int8_t *known)
{
    if (known[i] < 0) {
        known[i] = 0;
        if (takes_part(t, i) && (kept == NULL || kept[i])) {
            for (int64_t e = 0; e < t->n && !known[i]; e++) {
                if (precedes(t, span, e, i)) {
                    known[i] = !rolling || ((kept == NULL || kept[e]) &&
                                            !expect_washed(t, kept, span, 1, e, known));
                }
            }
        }
    }
    return known[i];
}

static void test_washout(uint64_t *random)
{
    const rr_span spans[] = {{RR_DAYS, 0},   {RR_DAYS, 1},    {RR_DAYS, 20}, {RR_MONTHS, 1},
                             {RR_MONTHS, 6}, {RR_MONTHS, 12}, {RR_OPEN, 0}};
    static table t;
    int far = random_below(random, 4) == 0; /* a row then needs two words */
    int64_t keys = random_below(random, 2) ? 3 : 40;
    rr_span span = spans[random_below(random, 7)];
    uint8_t washed[MOST];
    int8_t known[MOST];

    fill(&t, keys, far ? -9999999 : 17000, far ? 19999999 : 400, 4, random);
    for (int i = 0; i < t.n && far; i++) {
        /* few days far apart, so that some are near one another all the same */
        t.day[i] = t.day[i] == RR_NULL_DAY ? RR_NULL_DAY
                                           : (t.day[i] & 1 ? -9999999 : 9999000) + i % 50;
    }
    for (int rolling = 0; rolling < 2; rolling++) {
        const uint8_t *kept = random_below(random, 2) ? t.kept : NULL;
        rr_parts *parts = ordered(&t, far ? UINT32_MAX : 40);

        memset(washed, 7, sizeof washed);
        memset(known, -1, sizeof known);
        CHECK(rr_washout(parts, span, kept, rolling, t.n, washed, NULL, NULL) == RR_OK);
        for (int64_t i = 0; i < t.n; i++) {
            CHECK(washed[i] == expect_washed(&t, kept, span, rolling, i, known));
        }
        rr_parts_free(parts);
    }
}

/* No other row of the key and period comes before row i (after it, with `last`). */
static int expect_chosen(const table *t, const uint8_t *kept, const int32_t *period, int last,
                         int64_t i)
{
    if (!takes_part(t, i) || (kept != NULL && !kept[i])) {
        return 0;
    }
    for (int64_t e = 0; e < t->n; e++) {
        int before = t->day[e] < t->day[i] || (t->day[e] == t->day[i] && e < i);

        if (e != i && takes_part(t, e) && (kept == NULL || kept[e]) && t->key[e] == t->key[i] &&
            (period == NULL || period[e] == period[i]) && before != last) {
            return 0;
        }
    }
    return 1;
}

static void test_select(uint64_t *random)
{
    static table t;
    int64_t keys = random_below(random, 2) ? 2 : 40;
    int64_t days = random_below(random, 2) ? 10 : 500;
    /* up to the most that are told apart by a table, and more */
    const int64_t periods[] = {4, UINT16_MAX, UINT16_MAX + 1, UINT16_MAX + 2, INT64_C(1) << 31};
    uint8_t chosen[MOST];

    fill(&t, keys, 17000, days, periods[random_below(random, 5)], random);
    if (random_below(random, 3) == 0) {
        /* periods in the order of the days, as of a calendar */
        for (int64_t i = 0; i < t.n; i++) {
            t.period[i] = t.day[i] == RR_NULL_DAY ? 0 : (int32_t)(t.day[i] / 7);
        }
    }
    for (int last = 0; last < 2; last++) {
        const uint8_t *kept = random_below(random, 2) ? t.kept : NULL;
        const int32_t *period = random_below(random, 3) ? t.period : NULL;
        rr_parts *parts = ordered(&t, 40);

        memset(chosen, 7, sizeof chosen);
        CHECK(rr_select(parts, kept, period, last, t.n, chosen, NULL, NULL) == RR_OK);
        for (int64_t i = 0; i < t.n; i++) {
            CHECK(chosen[i] == expect_chosen(&t, kept, period, last, i));
        }
        rr_parts_free(parts);
    }
}

/* One person with 100,000 rows, each in a period of its own, out of order. */
static void test_one_person(void)
{
    enum { ROWS = 100000 };
    uint32_t *key = calloc(ROWS, sizeof *key);
    int64_t *day = malloc(ROWS * sizeof *day);
    int32_t *period = malloc(ROWS * sizeof *period);
    uint8_t *chosen = malloc(ROWS);
    rr_rows index = {{.codes = key}, {.ticks = day, .per_day = 1}, NULL, ROWS}, events = {.n = 0};
    rr_parts *parts;

    for (int64_t i = 0; i < ROWS; i++) {
        day[i] = i;
        period[i] = (int32_t)(i * 7919 % ROWS);
    }
    CHECK(rr_order(&index, &events, 1, NULL, &parts, NULL) == RR_OK);
    CHECK(rr_select(parts, NULL, period, 0, ROWS, chosen, NULL, NULL) == RR_OK);
    for (int64_t i = 0; i < ROWS; i++) {
        CHECK(chosen[i] == 1);
    }
    rr_parts_free(parts);
    free(key);
    free(day);
    free(period);
    free(chosen);
}

static int stop_at_once(void *context, int64_t done, int64_t total)
{
    (void)context;
    return done <= total;
}

static void test_failures(uint64_t *random)
{
    enum { ROWS = 1 << 21 }; /* enough to be asked whether to stop */
    static table t;
    rr_call call = {stop_at_once, NULL, 1, NULL};
    rr_rows index, events = {.n = 0};
    uint32_t *key = malloc(ROWS * sizeof *key);
    int64_t *day = calloc(ROWS, sizeof *day);
    uint8_t *marked = malloc(ROWS);
    rr_parts *parts;
    rr_error error;

    do {
        fill(&t, 5, 17000, 100, 4, random);
    } while (t.n < 200);
    parts = ordered(&t, 5);
    for (int64_t nth = 0; nth < 3; nth++) {
        failing_allocation = nth;
        CHECK(rr_washout(parts, (rr_span){RR_MONTHS, 6}, NULL, 0, t.n, marked, NULL, &error) ==
              RR_ERR_MEMORY);
    }
    for (int many = 0; many < 2; many++) {
        t.period[0] = many ? INT32_MAX : 0;
        for (int64_t nth = 0; nth < 3; nth++) {
            failing_allocation = nth;
            CHECK(rr_select(parts, NULL, t.period, 0, t.n, marked, NULL, &error) == RR_ERR_MEMORY);
        }
    }
    failing_allocation = 0;
    CHECK(rr_select(parts, NULL, NULL, 0, t.n, marked, NULL, &error) == RR_ERR_MEMORY);
    failing_allocation = -1;
    CHECK(rr_washout(parts, (rr_span){RR_DAYS, -1}, NULL, 0, t.n, marked, NULL, &error) ==
          RR_ERR_ARGUMENT);
    CHECK(rr_washout(parts, (rr_span){RR_DAYS, 1}, NULL, 0, t.n - 1, marked, NULL, &error) ==
          RR_ERR_ARGUMENT);
    CHECK(rr_select(parts, NULL, NULL, 0, t.n + 1, marked, NULL, &error) == RR_ERR_ARGUMENT);
    t.period[17] = -1;
    CHECK(rr_select(parts, NULL, t.period, 0, t.n, marked, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 17);
    rr_parts_free(parts);

    for (int64_t i = 0; i < ROWS; i++) {
        key[i] = (uint32_t)i;
    }
    index = (rr_rows){{.codes = key}, {.ticks = day, .per_day = 1}, NULL, ROWS};
    CHECK(rr_order(&index, &events, ROWS, NULL, &parts, NULL) == RR_OK);
    CHECK(rr_washout(parts, (rr_span){RR_DAYS, 1}, NULL, 0, ROWS, marked, &call, &error) ==
          RR_ERR_INTERRUPTED);
    CHECK(rr_select(parts, NULL, NULL, 0, ROWS, marked, &call, &error) == RR_ERR_INTERRUPTED);
    rr_parts_free(parts);
    free(key);
    free(day);
    free(marked);
}

int main(void)
{
    uint64_t random = 20160229;

    for (int i = 0; i < 400; i++) {
        test_washout(&random);
        test_select(&random);
    }
    test_one_person();
    test_failures(&random);
    printf("cohort: ok\n");
    return 0;
}
