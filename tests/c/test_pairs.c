/* The short way of pairs, over parts of many rows and a person with thousands of events, against the
 * sweep, which a veto of nobody takes; both the same on any number of threads, and offsets of other
 * arguments refused. */
#include "check.h"
#include "rereferral.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { EVENTS = 150000, INDEX = 140000, KEYS = 50000, DAYS = 900, HEAVY = 80 };

typedef struct side {
    uint32_t key[EVENTS];
    int64_t day[EVENTS];
    uint8_t use[EVENTS];
} side;

/* What a row brings of its own. */
typedef struct by_row {
    uint8_t use[EVENTS];
    uint8_t apart[EVENTS];
    int64_t anchor[EVENTS];
    int64_t self[EVENTS];
    int64_t lower[EVENTS];
    int64_t upper[EVENTS];
} by_row;

typedef struct all_pairs {
    int64_t offsets[EVENTS + 1];
    int64_t *event_row; /* as many as there are, so that each write beyond them is seen */
    int32_t *gap;
} all_pairs;

typedef struct world {
    rr_rows index;
    rr_rows events;
    rr_rule rule;
    const rr_parts *parts;
} world;

/* With `heavy`, one key has thousands of rows. Sorted sides take another way of dealing. */
static void fill(side *s, int64_t n, int sorted, int heavy, uint64_t *random)
{
    for (int64_t i = 0; i < n; i++) {
        s->key[i] = (uint32_t)(sorted ? i * KEYS / n : random_below(random, KEYS));
        if (heavy &&
            (sorted ? i > n / 2 && i < n / 2 + n / HEAVY : random_below(random, HEAVY) == 0)) {
            s->key[i] = KEYS / 2;
        }
        s->day[i] = random_below(random, 50) ? random_below(random, DAYS) : RR_NULL_DAY;
        s->use[i] = random_below(random, 20) != 0;
        if (random_below(random, 50) == 0) {
            s->key[i] = RR_NULL_KEY;
        }
    }
}

static void open_pairs(all_pairs *p, int64_t n)
{
    p->event_row = malloc((size_t)n * sizeof *p->event_row + 1);
    p->gap = malloc((size_t)n * sizeof *p->gap + 1);
    CHECK(p->event_row != NULL && p->gap != NULL);
}

static void close_pairs(all_pairs *p)
{
    free(p->event_row);
    free(p->gap);
}

static rr_status fill_pairs(const world *w, all_pairs *p, const rr_call *call)
{
    rr_error error;

    return rr_pairs_fill(w->parts, &w->rule, w->index.n, w->events.n, p->offsets, p->event_row,
                         p->gap, call, &error);
}

static void find(const world *w, all_pairs *p, const rr_call *call)
{
    CHECK(rr_pairs_count(w->parts, &w->rule, w->index.n, w->events.n, p->offsets, call, NULL) ==
          RR_OK);
    open_pairs(p, p->offsets[w->index.n]);
    CHECK(fill_pairs(w, p, call) == RR_OK);
}

static void same(const all_pairs *a, const all_pairs *b, int64_t n_index)
{
    const size_t n = (size_t)a->offsets[n_index];

    CHECK(memcmp(a->offsets, b->offsets, (size_t)(n_index + 1) * sizeof *a->offsets) == 0);
    CHECK(memcmp(a->event_row, b->event_row, n * sizeof *a->event_row) == 0);
    CHECK(memcmp(a->gap, b->gap, n * sizeof *a->gap) == 0);
}

/* `want`, found by the short way. */
static void expect(const world *w, const all_pairs *want, const rr_call *call)
{
    static all_pairs found;

    find(w, &found, call);
    same(&found, want, w->index.n);
    close_pairs(&found);
}

static int64_t row_of_most(const all_pairs *p, int64_t n)
{
    int64_t most = 0;

    for (int64_t i = 1; i < n; i++) {
        if (p->offsets[i + 1] - p->offsets[i] > p->offsets[most + 1] - p->offsets[most]) {
            most = i;
        }
    }
    return most;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* Offsets of other arguments: a pair too many or too few for a row, a pair that is another row's, all of
 * one row, any that rise, any that do not, and a pair too many for the row that has most. */
static void refuse(const world *w, const all_pairs *right, const rr_call *call, uint64_t *random)
{
    static all_pairs wrong;
    const int64_t n = w->index.n, total = right->offsets[n];

    for (int way = 0; total > 0 && way < 8; way++) {
        const int64_t row = way == 7 ? row_of_most(right, n) : random_below(random, n);

        memcpy(wrong.offsets, right->offsets, sizeof wrong.offsets);
        for (int64_t i = row + 1; (way < 2 || way == 7) && i <= n; i++) {
            wrong.offsets[i] += way == 1 ? -1 : 1;
        }
        if (way == 2) {
            wrong.offsets[row + 1] += row + 1 < n ? 1 : -1;
        }
        for (int64_t i = 1; way == 3 && i < n; i++) {
            wrong.offsets[i] = i <= row ? 0 : total;
        }
        for (int64_t i = 1; way >= 4 && way < 6 && i < n; i++) {
            wrong.offsets[i] = random_below(random, total + 1);
        }
        if (way == 4) {
            qsort(wrong.offsets, (size_t)n, sizeof *wrong.offsets, by_number);
        }
        if (way == 6) {
            wrong.offsets[0] = 1;
        }
        open_pairs(&wrong, wrong.offsets[n]);
        CHECK(fill_pairs(w, &wrong, call) == RR_ERR_ARGUMENT);
        close_pairs(&wrong);
    }
}

static void check_rows(const all_pairs *p, int64_t n, const rr_call *call)
{
    const int64_t total = p->offsets[n];
    int64_t *row = malloc((size_t)total * sizeof *row + 1);
    int64_t falling[] = {0, 2, 1, 2};
    rr_error error;

    CHECK(row != NULL && rr_pairs_rows(p->offsets, n, row, call, NULL) == RR_OK);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = p->offsets[i]; k < p->offsets[i + 1]; k++) {
            CHECK(row[k] == i);
        }
    }
    free(row);
    CHECK(rr_pairs_rows(falling, 3, falling, call, &error) == RR_ERR_ARGUMENT && error.row == 1);
}

static void compare(world *w, uint64_t *random)
{
    static all_pairs swept;
    static uint8_t nobody[EVENTS], washed[EVENTS];
    const int threads[] = {1, 3, 7};
    const rr_rule rule = w->rule;
    rr_call one = {NULL, NULL, 1, NULL};
    rr_parts *parts;

    CHECK(rr_order(&w->index, &w->events, KEYS, &one, &parts, NULL) == RR_OK);
    w->parts = parts;
    w->rule.vetoed = nobody;
    find(w, &swept, &one);
    w->rule = rule;
    /* The words are in order by now, which the short way meets too. */
    expect(w, &swept, &one);
    refuse(w, &swept, &one, random);
    rr_parts_free(parts);
    for (int i = 0; i < 3; i++) {
        rr_call call = {NULL, NULL, threads[i], NULL};
        rr_parts *prepared;

        CHECK(rr_order(&w->index, &w->events, KEYS, &call, &parts, NULL) == RR_OK);
        w->parts = parts;
        expect(w, &swept, &call);
        refuse(w, &swept, &call, random);
        check_rows(&swept, w->index.n, &call);
        if (i == 2) {
            /* Who washes rows out puts the index in order, and leaves the events as they are. */
            CHECK(rr_washout(parts, (rr_span){RR_DAYS, 1}, NULL, 0, w->index.n, washed, &call,
                             NULL) == RR_OK);
            expect(w, &swept, &call);
        }
        rr_parts_free(parts);
        if (i == 1) {
            CHECK(rr_prepare(&w->events, KEYS, &call, &prepared, NULL) == RR_OK);
            CHECK(rr_order_onto(&w->index, prepared, &call, &parts, NULL) == RR_OK);
            w->parts = parts;
            expect(w, &swept, &call);
            rr_parts_free(parts);
            rr_parts_free(prepared);
        }
    }
    close_pairs(&swept);
}

/* Rows that are events are some event of their key. */
static void fill_by_row(by_row *own, const side *index, const side *events, uint64_t *random)
{
    static int64_t event_of[KEYS];

    memset(event_of, -1, sizeof event_of);
    for (int64_t i = 0; i < EVENTS; i++) {
        const uint32_t key = events->key[i];

        if (key != RR_NULL_KEY && (event_of[key] < 0 || random_below(random, 4) == 0)) {
            event_of[key] = i;
        }
    }
    for (int64_t i = 0; i < EVENTS; i++) {
        own->use[i] = random_below(random, 5) != 0;
        own->apart[i] = random_below(random, 3) == 0;
        own->anchor[i] = random_below(random, 9) ? random_below(random, 3 * DAYS) - DAYS
                                                 : RR_NULL_DAY;
        own->self[i] = index->key[i] == RR_NULL_KEY || random_below(random, 9) == 0
                           ? -1
                           : event_of[index->key[i]];
        own->lower[i] = random_below(random, 2) ? RR_NULL_DAY : random_below(random, DAYS);
        own->upper[i] = random_below(random, 2) ? RR_NULL_DAY : random_below(random, DAYS);
    }
}

/* With an argument, that many of the shapes. */
int main(int n_arguments, char **arguments)
{
    const int shapes = n_arguments > 1 ? atoi(arguments[1]) : 12;

    static side index, events;
    static by_row own;
    uint64_t random = 20210331;

    for (int shape = 0; shape < shapes; shape++) {
        const int one_table = shape % 4 == 1, sorted = shape % 5 == 2, heavy = shape % 3 != 0;
        rr_rows event_rows = {
            {.codes = events.key}, {.ticks = events.day, .per_day = 1}, events.use, EVENTS};
        rr_rows index_rows = {
            {.codes = index.key}, {.ticks = index.day, .per_day = 1}, index.use, INDEX};
        world w = {.events = event_rows, .index = one_table ? event_rows : index_rows};

        /* Open windows of a person with thousands of events: more pairs of a chunk than wait. */
        w.rule = (rr_rule){.window = {.direction = shape % 2 ? RR_BACKWARD : RR_FORWARD,
                                      .length = {shape % 6 == 4 ? RR_OPEN : RR_DAYS, 60},
                                      .min_gap = {RR_DAYS, shape % 7 == 3 ? 20 : 0},
                                      .include_same_day = shape % 8 < 4},
                           .take = 1,
                           .same_table = one_table};
        fill(&events, EVENTS, sorted, heavy, &random);
        fill(&index, INDEX, sorted, heavy, &random);
        fill_by_row(&own, &index, &events, &random);
        if (one_table || shape % 4 == 3) {
            w.rule.self_row = one_table ? NULL : own.self;
            w.rule.event_day = (rr_days){.ticks = events.day, .per_day = 1};
        }
        w.rule.use = shape % 3 == 1 ? own.use : NULL;
        w.rule.upper = shape % 6 == 5 ? own.upper : NULL;
        w.rule.lower = shape % 6 >= 4 && shape > 6 ? own.lower : NULL;
        w.rule.anchor = shape % 9 == 6 ? own.anchor : NULL;
        w.rule.apart = shape == 6 || shape == 11 ? own.apart : NULL;
        compare(&w, &random);
        for (int few = 0; shape == 0 && few < 4; few++) {
            /* One chunk of index rows, and tables without rows. */
            w.index.n = few < 2 ? 30000 : 0;
            w.events.n = few % 2 ? 0 : EVENTS;
            compare(&w, &random);
        }
    }
    return 0;
}
