/* Merged spells against the rows that are near one another, directly or by others. */
#include "check.h"
#include "merge.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { MOST = 150 };

typedef struct table {
    uint32_t key[MOST];
    int64_t start[MOST];
    int64_t end[MOST];
    int32_t rank[MOST];
    uint8_t use[MOST];
    int64_t n;
} table;

static void fill(table *t, int64_t keys, int64_t first_day, int64_t days, uint64_t *random)
{
    t->n = random_below(random, MOST);
    for (int64_t i = 0; i < t->n; i++) {
        t->key[i] = random_below(random, 20) == 0 ? RR_NULL_KEY
                                                  : (uint32_t)random_below(random, keys);
        t->start[i] = random_below(random, 20) == 0 ? RR_NULL_DAY
                                                    : first_day + random_below(random, days);
        t->end[i] = random_below(random, 30) == 0 ? RR_NULL_DAY
                                                  : t->start[i] + random_below(random, 40);
        t->use[i] = random_below(random, 10) != 0;
        t->rank[i] = (int32_t)random_below(random, 3);
        if (!t->use[i] || t->start[i] == RR_NULL_DAY) {
            /* what takes no part may hold anything */
            t->end[i] = random_below(random, 2) ? -RR_DAY_MAX * 5 : RR_DAY_MAX * 5;
        }
    }
}

static int takes_part(const table *t, int64_t i)
{
    return t->use[i] && t->key[i] != RR_NULL_KEY && t->start[i] != RR_NULL_DAY;
}

static int near(const table *t, const int64_t *end, rr_span gap, int64_t a, int64_t b)
{
    int64_t early = t->start[a] <= t->start[b] ? a : b, late = early == a ? b : a;

    return takes_part(t, a) && takes_part(t, b) && t->key[a] == t->key[b] &&
           (end[early] == RR_NULL_DAY || t->start[late] <= rr_add_span(end[early], gap));
}

/* The lowest row that each row is joined to, spread until nothing changes. */
static void join(const table *t, const int64_t *end, rr_span gap, int64_t *lowest)
{
    int changed = 1;

    for (int64_t i = 0; i < t->n; i++) {
        lowest[i] = takes_part(t, i) ? i : -1;
    }
    while (changed) {
        changed = 0;
        for (int64_t a = 0; a < t->n; a++) {
            for (int64_t b = 0; b < t->n; b++) {
                if (near(t, end, gap, a, b) && lowest[b] < lowest[a]) {
                    lowest[a] = lowest[b];
                    changed = 1;
                }
            }
        }
    }
}

static int64_t end_of(const int64_t *end, int64_t row)
{
    return end[row] == RR_NULL_DAY ? INT64_MAX : end[row];
}

/* No other row of the spell would stand for it rather than `row`, or hold its start or end. */
static void check_described(const table *t, const int64_t *end, const rr_spell_rows *rows,
                            const int64_t *spell, const rr_spells *spells, int64_t s)
{
    int64_t row = spells->row[s], first = spells->start_row[s], last = spells->end_row[s];
    int64_t parts = 0;

    CHECK(spell[row] == s && spell[first] == s && spell[last] == s);
    for (int64_t i = 0; i < t->n; i++) {
        int same_rank = rows->rank == NULL || rows->rank[i] == rows->rank[row];

        if (spell[i] != s) {
            continue;
        }
        parts++;
        CHECK(t->start[first] < t->start[i] || (t->start[first] == t->start[i] && first <= i));
        CHECK(end_of(end, last) > end_of(end, i) ||
              (end_of(end, last) == end_of(end, i) && last <= i));
        CHECK(rows->rank == NULL || rows->rank[row] <= rows->rank[i]);
        if (same_rank && rows->last) {
            CHECK(t->start[row] > t->start[i] || (t->start[row] == t->start[i] && row >= i));
        } else if (same_rank) {
            CHECK(t->start[row] < t->start[i] || (t->start[row] == t->start[i] && row <= i));
        }
    }
    CHECK(parts == spells->parts[s]);
}

static void test_merge(uint64_t *random)
{
    const rr_span gaps[] = {{RR_DAYS, 0},   {RR_DAYS, 1},   {RR_DAYS, 7},
                            {RR_MONTHS, 0}, {RR_MONTHS, 1}, {RR_OPEN, 0}};
    static table t;
    int far = random_below(random, 4) == 0; /* a row then needs two words */
    int64_t days = far ? 19999000 : random_below(random, 2) ? 60 : 2000;
    rr_span gap = gaps[random_below(random, 6)];
    rr_rows index = {{.codes = t.key}, {.ticks = t.start, .per_day = 1}, t.use, 0},
            events = {.n = 0};
    int64_t spell[MOST], lowest[MOST], row[MOST], start_row[MOST], end_row[MOST], count[MOST];
    rr_spells spells = {row, start_row, end_row, count};
    rr_spell_rows rows = {.start = t.start, .last = (int)random_below(random, 2)};
    int64_t next = 0, n_spells;
    rr_parts *parts;

    fill(&t, random_below(random, 2) ? 2 : 30, far ? -9999999 : 17000, days, random);
    rows.end = random_below(random, 3) ? t.end : NULL;
    rows.rank = random_below(random, 2) ? t.rank : NULL;
    index.n = t.n;
    CHECK(rr_order(&index, &events, far ? UINT32_MAX : 30, NULL, &parts, NULL) == RR_OK);
    CHECK(rr_merge_spells(parts, rows.end, gap, t.n, spell, &n_spells, NULL, NULL) == RR_OK);
    join(&t, rows.end != NULL ? t.end : t.start, gap, lowest);
    for (int64_t i = 0; i < t.n; i++) {
        /* the first row of a spell has the next number, and the others have its number */
        if (lowest[i] < 0) {
            CHECK(spell[i] == -1);
        } else if (lowest[i] == i) {
            CHECK(spell[i] == next++);
        } else {
            CHECK(spell[i] == spell[lowest[i]]);
        }
    }
    CHECK(n_spells == next);
    CHECK(rr_describe_spells(&rows, spell, t.n, n_spells, &spells, NULL) == RR_OK);
    for (int64_t s = 0; s < n_spells; s++) {
        check_described(&t, rows.end != NULL ? t.end : t.start, &rows, spell, &spells, s);
    }
    rr_parts_free(parts);
}

static int stop_at_once(void *context, int64_t done, int64_t total)
{
    (void)context;
    return done <= total;
}

static void test_failures(void)
{
    enum { ROWS = 1 << 21 }; /* enough to be asked whether to stop */
    uint32_t *key = malloc(ROWS * sizeof *key);
    int64_t *start = calloc(ROWS, sizeof *start), *spell = malloc(ROWS * sizeof *spell);
    int64_t end[] = {5, 3, 9}, early[] = {4, 3, 8}, n_spells;
    rr_rows index = {{.codes = key}, {.ticks = start, .per_day = 1}, NULL, 3}, events = {.n = 0};
    rr_spell_rows rows = {.start = start};
    rr_spells spells = {spell, spell + 3, spell + 6, spell + 9};
    int64_t number[] = {0, -1, 1};
    rr_span gap = {RR_MONTHS, 1}, wrong = {RR_DAYS, -1};
    rr_call call = {stop_at_once, NULL, 1, NULL};
    rr_parts *parts;
    rr_error error;

    for (int64_t i = 0; i < ROWS; i++) {
        key[i] = (uint32_t)i;
    }
    start[0] = 5;
    start[1] = 3;
    start[2] = 9;
    CHECK(rr_order(&index, &events, ROWS, NULL, &parts, NULL) == RR_OK);
    for (int64_t nth = 0; nth < 3; nth++) {
        failing_allocation = nth;
        CHECK(rr_merge_spells(parts, end, gap, 3, spell, &n_spells, NULL, &error) == RR_ERR_MEMORY);
    }
    failing_allocation = -1;
    CHECK(rr_merge_spells(parts, end, gap, 3, spell, &n_spells, NULL, &error) == RR_OK);
    CHECK(n_spells == 3);
    CHECK(rr_merge_spells(parts, end, gap, 2, spell, &n_spells, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(rr_merge_spells(parts, end, wrong, 3, spell, &n_spells, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(rr_merge_spells(parts, early, gap, 3, spell, &n_spells, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 0 || error.row == 2);
    end[1] = RR_DAY_MAX + 1;
    CHECK(rr_merge_spells(parts, end, gap, 3, spell, &n_spells, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 1);
    CHECK(rr_describe_spells(&rows, number, 3, 1, &spells, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 2);
    number[2] = -2;
    CHECK(rr_describe_spells(&rows, number, 3, 1, &spells, &error) == RR_ERR_ARGUMENT);
    number[2] = 0;
    CHECK(rr_describe_spells(&rows, number, 3, 3, &spells, &error) == RR_OK);
    CHECK(spells.parts[0] == 2 && spells.parts[1] == 0 && spells.row[1] == -1);
    rr_parts_free(parts);

    index.n = ROWS;
    CHECK(rr_order(&index, &events, ROWS, NULL, &parts, NULL) == RR_OK);
    CHECK(rr_merge_spells(parts, NULL, gap, ROWS, spell, &n_spells, &call, &error) ==
          RR_ERR_INTERRUPTED);
    rr_parts_free(parts);
    free(key);
    free(start);
    free(spell);
}

int main(void)
{
    uint64_t random = 20160229;

    for (int i = 0; i < 600; i++) {
        test_merge(&random);
    }
    test_failures();
    printf("merge: ok\n");
    return 0;
}
