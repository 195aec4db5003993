/* The short way of rr_link, over parts of many rows and persons with thousands of events, against the
 * sweep that counts; and both the same on any number of threads. */
#include "check.h"
#include "rereferral.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { EVENTS = 280000, INDEX = 270000, KEYS = 90000, DAYS = 900 };

typedef struct side {
    uint32_t key[EVENTS];
    int64_t day[EVENTS];
    uint8_t use[EVENTS];
} side;

typedef struct answers {
    int64_t event_row[EVENTS];
    int32_t gap[EVENTS];
} answers;

/* Some keys have thousands of rows, most have few. Sorted sides take another way of dealing. */
static void fill(side *s, int64_t n, int sorted, int64_t heavy, uint64_t *random)
{
    for (int64_t i = 0; i < n; i++) {
        s->key[i] = (uint32_t)(sorted ? i * KEYS / n : random_below(random, KEYS));
        if (heavy > 0 && random_below(random, 4) == 0) {
            s->key[i] = (uint32_t)(sorted ? s->key[i] / 9000 * 9000 : random_below(random, heavy));
        }
        s->day[i] = random_below(random, 50) ? random_below(random, DAYS) : RR_NULL_DAY;
        s->use[i] = random_below(random, 20) != 0;
        if (random_below(random, 50) == 0) {
            s->key[i] = RR_NULL_KEY;
        }
    }
}

static void fill_mask(uint8_t *mask, int64_t n, uint64_t *random)
{
    for (int64_t i = 0; i < n; i++) {
        mask[i] = random_below(random, 3) != 0;
    }
}

static void same(const answers *a, const answers *b, int64_t n)
{
    CHECK(memcmp(a->event_row, b->event_row, (size_t)n * sizeof *a->event_row) == 0);
    CHECK(memcmp(a->gap, b->gap, (size_t)n * sizeof *a->gap) == 0);
}

static void compare_ways(const rr_rows *index, const rr_rows *events, const rr_rule *rule)
{
    static answers counted, found, first;
    static int64_t count[EVENTS];
    const int threads[] = {1, 2, 7};

    for (int i = 0; i < 3; i++) {
        rr_call call = {NULL, NULL, threads[i], NULL};
        rr_matches with_count = {counted.event_row, counted.gap, count, NULL};
        rr_matches without = {found.event_row, found.gap, NULL, NULL};
        rr_parts *parts, *prepared;

        CHECK(rr_order(index, events, KEYS, &call, &parts, NULL) == RR_OK);
        CHECK(rr_link(parts, rule, index->n, events->n, &without, &call, NULL) == RR_OK);
        if (i == 0) {
            first = found;
        }
        same(&found, &first, index->n);
        CHECK(rr_link(parts, rule, index->n, events->n, &with_count, &call, NULL) == RR_OK);
        same(&counted, &found, index->n);
        /* Now the words are in order, which the short way meets too. */
        memset(&found, 0, sizeof found);
        CHECK(rr_link(parts, rule, index->n, events->n, &without, &call, NULL) == RR_OK);
        same(&found, &first, index->n);
        rr_parts_free(parts);
        memset(&found, 0, sizeof found);
        CHECK(rr_prepare(events, KEYS, &call, &prepared, NULL) == RR_OK);
        CHECK(rr_order_onto(index, prepared, &call, &parts, NULL) == RR_OK);
        CHECK(rr_link(parts, rule, index->n, events->n, i % 2 ? &without : &with_count, &call,
                      NULL) == RR_OK);
        same(i % 2 ? &found : &counted, &first, index->n);
        rr_parts_free(parts);
        rr_parts_free(prepared);
    }
}

/* The same rows in other clothes: whole numbers with a mask for keys, ticks or narrow days, and a range
 * that is known. */
static void compare_clothes(const side *index, const side *events, const rr_rule *rule)
{
    enum { LEAST = -7, PER_DAY = 86400 };
    static int64_t numbers[2][EVENTS], ticks[2][EVENTS];
    static int32_t narrow[2][EVENTS];
    static uint8_t valid[2][EVENTS];
    static answers plain, dressed;
    const side *sides[2] = {index, events};
    const int64_t n[2] = {INDEX, EVENTS};
    rr_rows as_codes[2], as_numbers[2];
    rr_call call = {NULL, NULL, 2, NULL};
    rr_parts *parts;
    rr_error error;

    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; i < n[k]; i++) {
            int64_t day = sides[k]->day[i];

            valid[k][i] = sides[k]->key[i] != RR_NULL_KEY && sides[k]->use[i];
            numbers[k][i] = valid[k][i] ? (int64_t)sides[k]->key[i] + LEAST : INT64_MAX;
            ticks[k][i] = day == RR_NULL_DAY ? INT64_MIN : day * PER_DAY;
            narrow[k][i] = day == RR_NULL_DAY ? INT32_MIN : (int32_t)day;
        }
        as_codes[k] = (rr_rows){
            {.codes = sides[k]->key}, {.ticks = sides[k]->day, .per_day = 1}, sides[k]->use, n[k]};
        as_numbers[k] = (rr_rows){{.numbers = numbers[k], .least = LEAST, .valid = valid[k]},
                                  {.ticks = k ? ticks[k] : NULL,
                                   .per_day = PER_DAY,
                                   .narrow = narrow[k],
                                   .has_range = 1,
                                   .first = 0,
                                   .last = DAYS},
                                  NULL,
                                  n[k]};
    }
    CHECK(rr_order(&as_codes[0], &as_codes[1], KEYS, &call, &parts, NULL) == RR_OK);
    CHECK(rr_link(parts, rule, INDEX, EVENTS, &(rr_matches){plain.event_row, plain.gap, NULL, NULL},
                  &call, NULL) == RR_OK);
    rr_parts_free(parts);
    CHECK(rr_order(&as_numbers[0], &as_numbers[1], KEYS, &call, &parts, NULL) == RR_OK);
    CHECK(rr_link(parts, rule, INDEX, EVENTS,
                  &(rr_matches){dressed.event_row, dressed.gap, NULL, NULL}, &call, NULL) == RR_OK);
    same(&dressed, &plain, INDEX);
    /* Gaps alone, and rows alone. */
    memset(&dressed, 0, sizeof dressed);
    CHECK(rr_link(parts, rule, INDEX, EVENTS, &(rr_matches){NULL, dressed.gap, NULL, NULL}, &call,
                  NULL) == RR_OK);
    CHECK(rr_link(parts, rule, INDEX, EVENTS, &(rr_matches){dressed.event_row, NULL, NULL, NULL},
                  &call, NULL) == RR_OK);
    same(&dressed, &plain, INDEX);
    rr_parts_free(parts);
    /* A range that does not hold. */
    as_numbers[1].day.last = DAYS / 2;
    as_numbers[0].day.last = DAYS / 2;
    CHECK(rr_order(&as_numbers[0], &as_numbers[1], KEYS, &call, &parts, &error) ==
          RR_ERR_DAY_RANGE);
    CHECK(error.column == 0 && narrow[0][error.row] > DAYS / 2 && valid[0][error.row]);
    for (int64_t i = 0; i < error.row; i++) {
        CHECK(narrow[0][i] <= DAYS / 2 || !valid[0][i]);
    }
}

/* With an argument, that many of the shapes. */
int main(int n_arguments, char **arguments)
{
    const int shapes = n_arguments > 1 ? atoi(arguments[1]) : 12;

    const int64_t far_anchor =
        -9999999; /* long before all events; shapes that are even look forward */

    static side index, events;
    static int64_t self[EVENTS], bound[EVENTS];
    static int64_t anchor[EVENTS];
    static uint8_t use[EVENTS], apart[EVENTS];
    uint64_t random = 20210331;

    for (int shape = 0; shape < shapes; shape++) {
        int one_table = shape / 7;
        int64_t n_index = one_table ? EVENTS : INDEX;
        rr_rule rule = {
            .window = {.direction = shape % 2 ? RR_BACKWARD : RR_FORWARD,
                       .length = {RR_DAYS, shape % 3 ? 60 : 2},
                       .include_same_day = shape % 4 < 2},
            .ties = random_below(&random, 2) ? RR_TIES_FIRST_ROW : RR_TIES_LAST_ROW,
            .take = random_below(&random, 2) ? 1 : RR_TAKE_LAST,
            .same_table = one_table,
        };
        rr_rows event_rows = {
            {.codes = events.key}, {.ticks = events.day, .per_day = 1}, events.use, EVENTS};
        rr_rows index_rows = {
            {.codes = index.key}, {.ticks = index.day, .per_day = 1}, index.use, n_index};

        fill(&events, EVENTS, shape % 5 == 1, shape % 3 * 2, &random);
        fill(&index, INDEX, shape % 5 == 1, shape % 3 * 2, &random);
        if (one_table) {
            index_rows = event_rows;
            rule.event_day = (rr_days){.ticks = events.day, .per_day = 1};
        } else if (shape % 4 == 3) {
            for (int64_t i = 0; i < n_index; i++) {
                self[i] = random_below(&random, EVENTS + 1) - 1;
            }
            rule.self_row = self;
            rule.event_day = (rr_days){.ticks = events.day, .per_day = 1};
        }
        if (shape % 6 == 5 || shape % 6 == 2) {
            for (int64_t i = 0; i < n_index; i++) {
                bound[i] = random_below(&random, 2) ? RR_NULL_DAY : random_below(&random, DAYS);
            }
            rule.lower = shape % 6 == 5 ? bound : NULL;
            rule.upper = shape % 6 == 2 ? bound : NULL;
            /* The nearest of the first shapes, whose bounds at the far end may wait. */
            rule.take = shape < 6 ? 1 : rule.take;
            if (shape < 6 || random_below(&random, 4) != 0) {
                rule.index_day = index_rows.day;
            }
            fill_mask(apart, n_index, &random);
            rule.apart = random_below(&random, 2) ? apart : NULL;
        }
        if (shape % 4 == 0) {
            for (int64_t i = 0; i < n_index; i++) {
                anchor[i] = random_below(&random, 3) ? index_rows.day.ticks[i] : far_anchor;
            }
            rule.anchor = anchor;
            rule.window.length.unit = RR_OPEN;
        }
        if (shape % 3 == 1) {
            fill_mask(use, n_index, &random);
            rule.use = use;
        }
        compare_ways(&index_rows, &event_rows, &rule);
        if (!one_table) {
            compare_clothes(&index, &events, &rule);
        }
    }
    return 0;
}
