/* Keys, order, linkage and spells against answers found by looking at every pair. */
#include "tables.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

static void expect(const table *index, const table *events, const rr_rule *rule, int64_t i,
                   int64_t *event_row, int32_t *gap, int64_t *count)
{
    int64_t seen[MOST];

    *event_row = *gap = -1;
    *count = 0;
    if (!takes_part(index, i)) {
        return;
    }
    for (int64_t e = 0; e < events->n; e++) {
        int64_t distance = events->day[e] - index->day[i];
        int known = 0, self = rule->same_table ? e == i
                              : rule->self_row ? e == rule->self_row[i]
                                               : 0;

        distance = distance < 0 ? -distance : distance;
        if (!takes_part(events, e) || self || events->key[e] != index->key[i] ||
            !in_window(&rule->window, index->day[i], events->day[e]) ||
            (rule->lower && rule->lower[i] != RR_NULL_DAY && events->day[e] < rule->lower[i]) ||
            (rule->upper && rule->upper[i] != RR_NULL_DAY && events->day[e] > rule->upper[i])) {
            continue;
        }
        for (int64_t k = 0; k < *count; k++) {
            known |= seen[k] == events->day[e];
        }
        if (!known) {
            seen[(*count)++] = events->day[e];
        }
        if (*gap < 0 || distance < *gap || (distance == *gap && rule->ties == RR_TIES_LAST_ROW)) {
            *gap = (int32_t)distance;
            *event_row = e;
        }
    }
}

static void test_link(uint64_t *random)
{
    static table index, events;
    int64_t event_row[MOST], count[MOST], self_row[MOST], lower[MOST], upper[MOST];
    int32_t gap[MOST];
    /* A range of days so long that a row needs two words comes up now and then. */
    int64_t first_day = random_below(random, 3) == 0 ? -9999999 : 17000;
    int64_t days = first_day < 0 && random_below(random, 2) ? 19999999 : 500;
    int64_t keys = random_below(random, 2) ? 5 : 60;
    uint32_t limit = random_below(random, 2) ? (uint32_t)keys : UINT32_MAX;
    rr_rule rule = {.take = 1,
                    .window = {.direction = random_below(random, 2) ? RR_FORWARD : RR_BACKWARD,
                               .length = random_span(random),
                               .exclusive_end = (int)random_below(random, 2),
                               .include_same_day = (int)random_below(random, 2)},
                    .ties = random_below(random, 2) ? RR_TIES_FIRST_ROW : RR_TIES_LAST_ROW};
    rr_matches matches = {event_row, gap, count, NULL};
    rr_rows index_rows, event_rows;
    rr_parts *parts;
    rr_error error;

    fill(&events, random_below(random, MOST), keys, first_day, days, random);
    rule.same_table = random_below(random, 3) == 0;
    if (rule.same_table) {
        index = events;
    } else {
        fill(&index, random_below(random, MOST), keys, first_day, days, random);
    }
    rule.window.min_gap = random_span(random);
    if (rule.window.min_gap.unit == RR_OPEN || random_below(random, 2)) {
        rule.window.min_gap = (rr_span){RR_DAYS, 0};
    }
    for (int64_t i = 0; i < index.n; i++) {
        self_row[i] = events.n == 0 ? -1 : random_below(random, events.n + 1) - 1;
        lower[i] = random_below(random, 3) == 0 ? RR_NULL_DAY
                                                : first_day + random_below(random, days);
        upper[i] = random_below(random, 3) == 0 ? RR_NULL_DAY
                                                : first_day + random_below(random, days);
    }
    rule.event_day = (rr_days){.ticks = events.day, .per_day = 1};
    rule.self_row = !rule.same_table && random_below(random, 2) ? self_row : NULL;
    rule.lower = random_below(random, 2) ? lower : NULL;
    rule.upper = random_below(random, 2) ? upper : NULL;
    index_rows = rows_of(&index);
    event_rows = rows_of(&events);
    CHECK(rr_order(&index_rows, &event_rows, limit, NULL, &parts, &error) == RR_OK);
    CHECK(rr_link(parts, &rule, index.n, events.n, &matches, NULL, &error) == RR_OK);
    for (int64_t i = 0; i < index.n; i++) {
        int64_t want_row, want_count;
        int32_t want_gap;

        expect(&index, &events, &rule, i, &want_row, &want_gap, &want_count);
        CHECK(event_row[i] == want_row);
        CHECK(gap[i] == want_gap);
        CHECK(count[i] == want_count);
    }
    rr_parts_free(parts);
}

static void test_spells(uint64_t *random)
{
    static table index, spells;
    uint8_t open[MOST], shared[MOST];
    rr_rows index_rows, spell_rows;
    rr_parts *parts;

    fill(&index, random_below(random, MOST), 20, 17000, 60, random);
    fill(&spells, random_below(random, MOST), 20, 17000, 60, random);
    index_rows = rows_of(&index);
    spell_rows = rows_of(&spells);
    CHECK(rr_order(&index_rows, &spell_rows, 20, NULL, &parts, NULL) == RR_OK);
    CHECK(rr_open_spells(parts, spells.end, index.n, spells.n, open, NULL, NULL) == RR_OK);
    CHECK(rr_shared_days(parts, spells.n, shared, NULL, NULL) == RR_OK);
    CHECK(rr_open_spells(parts, spells.end, index.n, spells.n + 1, open, NULL, NULL) ==
          RR_ERR_ARGUMENT);
    for (int64_t i = 0; i < index.n; i++) {
        int want = 0;

        for (int64_t s = 0; s < spells.n && takes_part(&index, i); s++) {
            want |= takes_part(&spells, s) && spells.key[s] == index.key[i] &&
                    spells.day[s] <= index.day[i] &&
                    (spells.end[s] == RR_NULL_DAY || spells.end[s] > index.day[i]);
        }
        CHECK(open[i] == want);
    }
    for (int64_t i = 0; i < spells.n; i++) {
        int want = 0;

        for (int64_t s = 0; s < spells.n && takes_part(&spells, i); s++) {
            want |= s != i && takes_part(&spells, s) && spells.key[s] == spells.key[i] &&
                    spells.day[s] == spells.day[i];
        }
        CHECK(shared[i] == want);
    }
    rr_parts_free(parts);
}

/* Every failure of an allocation, and a stop, must come back as a status and leave nothing behind. */
static void test_failures(uint64_t *random)
{
    static table index, events;
    int64_t event_row[MOST], wide[MOST];
    int32_t gap[MOST];
    rr_matches matches = {event_row, gap, NULL, NULL};
    rr_rule rule = {.window = {.length = {RR_MONTHS, 12}}, .take = 1};
    rr_call call = {stop_at_once, NULL, 1, NULL};
    rr_key_column column = {.kind = RR_KEY_INT64, .ints = wide};
    rr_key_table key_table = {&column, MOST};
    uint32_t codes[MOST], *out = codes, limit;
    rr_rows index_rows, event_rows;
    rr_parts *parts = NULL;
    rr_status status = RR_ERR_MEMORY;
    rr_error error;

    fill(&index, MOST, 30, 17000, 900, random);
    fill(&events, MOST, 30, 17000, 900, random);
    index_rows = rows_of(&index);
    event_rows = rows_of(&events);
    for (int64_t i = 0; i < MOST; i++) {
        wide[i] = i << 40;
    }
    for (int64_t nth = 0; status != RR_OK; nth++) {
        failing_allocation = nth;
        status = rr_encode(&key_table, 1, 1, &out, &limit, NULL, &error);
        if (status == RR_OK) {
            failing_allocation = nth - 5;
            status = rr_order(&index_rows, &event_rows, 30, NULL, &parts, &error);
        }
        if (status == RR_OK) {
            failing_allocation = nth - 12;
            status = rr_link(parts, &rule, MOST, MOST, &matches, NULL, &error);
        }
        CHECK(status == RR_OK || status == RR_ERR_MEMORY);
        rr_parts_free(parts);
        parts = NULL;
        CHECK(nth < 100);
    }
    failing_allocation = -1;
    CHECK(rr_encode(&key_table, 1, 1, &out, &limit, &call, &error) == RR_ERR_INTERRUPTED);
    CHECK(rr_order(&index_rows, &event_rows, 30, &call, &parts, &error) == RR_ERR_INTERRUPTED);
    CHECK(parts == NULL);
    index.day[7] = RR_DAY_MAX + 1;
    index.key[7] = 0;
    index.use[7] = 1;
    CHECK(rr_order(&index_rows, &event_rows, 30, NULL, &parts, &error) == RR_ERR_DAY_RANGE);
    CHECK(error.row == 7 && error.column == 0);
}

/* Months against a calendar that is counted day by day. */
static void test_months(void)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static int64_t start[12 * 500];
    static int length[12 * 500];
    int64_t day = 0; /* 1970-01-01 */

    for (int m = 0; m < 12 * 500; m++) {
        int year = 1970 + m / 12;
        int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        length[m] = lengths[m % 12] + (m % 12 == 1 && leap);
        start[m] = day;
        day += length[m];
    }
    for (int m = 0; m < 12 * 480; m++) {
        for (int d = 0; d < length[m]; d++) {
            static const int months[] = {0, 1, 6, 11, 12, 13, 48, 240};

            for (int k = 0; k < 8; k++) {
                int to = m + months[k], at = d < length[to] ? d : length[to] - 1;
                /* 400 years earlier the calendar is the same */
                int64_t shift = 146097;

                CHECK(rr_add_span(start[m] + d, (rr_span){RR_MONTHS, months[k]}) == start[to] + at);
                CHECK(rr_add_span(start[m] + d - 3 * shift, (rr_span){RR_MONTHS, months[k]}) ==
                      start[to] + at - 3 * shift);
            }
        }
    }
}

/* The bounds of a window say of every day what in_window says of it. */
static void test_bounds(uint64_t *random)
{
    rr_window w = {.direction = random_below(random, 2) ? RR_FORWARD : RR_BACKWARD,
                   .length = random_span(random),
                   .min_gap = random_span(random),
                   .exclusive_end = (int)random_below(random, 2),
                   .include_same_day = (int)random_below(random, 2)};
    int64_t day = 16800 + random_below(random, 1500), first, last;

    if (w.min_gap.unit == RR_OPEN) {
        CHECK(rr_window_bounds(&w, &day, 1, &first, &last, NULL) == RR_ERR_ARGUMENT);
        return;
    }
    CHECK(rr_window_bounds(&w, &day, 1, &first, &last, NULL) == RR_OK);
    for (int64_t event = day - 500; event <= day + 500; event++) {
        CHECK((first <= event && event <= last) == in_window(&w, day, event));
    }
}

int main(void)
{
    uint64_t random = 20160229;

    test_months();
    for (int i = 0; i < 3000; i++) {
        test_bounds(&random);
    }
    for (int i = 0; i < 400; i++) {
        test_link(&random);
        test_spells(&random);
    }
    for (int i = 0; i < 40; i++) {
    }
    test_failures(&random);
    printf("link: ok\n");
    return 0;
}
