/* Every rule of the sweep, pairs, absorption and narrowing against answers found by looking at every
 * pair. */
#include "columns.h"
#include "tables.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { FEW = 60, LARGE = 1 << 20 };

/* A linkage with everything that a rule may point to. */
typedef struct world {
    table index;
    table events;
    rr_rule rule;
    uint8_t use[FEW];
    uint8_t apart[FEW];
    int64_t anchor[FEW];
    int64_t self_row[FEW];
    int64_t lower[FEW];
    int64_t upper[FEW];
    int64_t confirm_by[FEW];
    uint8_t vetoed[FEW];
    int64_t confirmed[FEW];
    rr_parts *parts;
} world;

/* What was found for one row. */
typedef struct answer {
    int64_t event_row;
    int32_t gap;
    int64_t count;
    uint8_t vetoed;
    int64_t n_pairs;
    int64_t pair[FEW];
} answer;

/* ---------------------------------------------------------------- the rules, told slowly */

static int is_apart(const world *w, int64_t i)
{
    return w->rule.apart == NULL || w->rule.apart[i];
}

static int is_used(const world *w, int64_t i)
{
    return takes_part(&w->index, i) && (w->rule.use == NULL || w->rule.use[i]) &&
           (w->rule.anchor == NULL || !is_apart(w, i) || w->rule.anchor[i] != RR_NULL_DAY);
}

static int64_t anchor_of(const world *w, int64_t i)
{
    return w->rule.anchor != NULL && is_apart(w, i) ? w->rule.anchor[i] : w->index.day[i];
}

static int within_bounds(const world *w, int64_t i, int64_t day)
{
    const rr_rule *rule = &w->rule;

    if (!is_apart(w, i)) {
        return 1;
    }
    return !(rule->lower && rule->lower[i] != RR_NULL_DAY && day < rule->lower[i]) &&
           !(rule->upper && rule->upper[i] != RR_NULL_DAY && day > rule->upper[i]);
}

static int64_t self_of(const world *w, int64_t i)
{
    return w->rule.same_table ? i : w->rule.self_row ? w->rule.self_row[i] : -1;
}

/* Whether event e has the key of row i and is not the row itself. */
static int is_other(const world *w, int64_t i, int64_t e)
{
    return takes_part(&w->events, e) && w->events.key[e] == w->index.key[i] && e != self_of(w, i);
}

static int is_vetoed(const world *w, int64_t i, int64_t e)
{
    return is_other(w, i, e) && w->rule.vetoed != NULL && w->rule.vetoed[e];
}

static int counts(const world *w, int64_t i, int64_t e)
{
    const rr_rule *rule = &w->rule;
    int confirmed = rule->confirmed == NULL ||
                    (rule->confirmed[e] != RR_NULL_DAY &&
                     (rule->confirm_by == NULL || rule->confirmed[e] <= rule->confirm_by[i]));

    return is_other(w, i, e) && !is_vetoed(w, i, e) && confirmed;
}

/* Whether `day` is on or after the first day that row j admits. */
static int has_begun(const world *w, int64_t j, int64_t day)
{
    int64_t anchor = anchor_of(w, j);

    return day >= rr_add_span(anchor, w->rule.window.min_gap) && day >= anchor &&
           (w->rule.window.include_same_day || day > anchor) &&
           !(w->rule.lower && is_apart(w, j) && w->rule.lower[j] != RR_NULL_DAY &&
             day < w->rule.lower[j]);
}

/* Whether nothing happens on `day` to the person of row j but row j itself. */
static int is_alone(const world *w, int64_t j, int64_t day)
{
    int64_t self = self_of(w, j);

    for (int64_t e = 0; e < w->events.n; e++) {
        if (is_other(w, j, e) && w->events.day[e] == day) {
            return 0;
        }
    }
    return self >= 0 && takes_part(&w->events, self) && w->events.day[self] == day &&
           w->events.key[self] == w->index.key[j];
}

static int is_claimed(const world *w, int64_t i, int64_t day)
{
    for (int64_t j = 0; j < w->index.n && w->rule.claim_latest; j++) {
        if (is_used(w, j) && w->index.key[j] == w->index.key[i] &&
            w->index.day[j] > w->index.day[i] && has_begun(w, j, day) &&
            !(is_alone(w, j, day) && !has_begun(w, j, day - 1))) {
            return 1;
        }
    }
    return 0;
}

static int is_admissible(const world *w, int64_t i, int64_t day)
{
    return in_window(&w->rule.window, anchor_of(w, i), day) && within_bounds(w, i, day) &&
           !is_claimed(w, i, day);
}

/* Whether `day` lies in the direction of search, but nearer to `anchor` than the minimum gap. */
static int is_near(const world *w, int64_t i, int64_t anchor, int64_t day, int same_day)
{
    const rr_window *window = &w->rule.window;
    int64_t early = window->direction == RR_FORWARD ? anchor : day;
    int64_t late = window->direction == RR_FORWARD ? day : anchor;

    return late >= early && (same_day || late > early) &&
           late < rr_add_span(early, window->min_gap) && within_bounds(w, i, day);
}

static int64_t distance(const world *w, int64_t i, int64_t e)
{
    int64_t days = w->events.day[e] - anchor_of(w, i);

    return days < 0 ? -days : days;
}

/* The events of row i that count, nearest first. */
static void gather(const world *w, int64_t i, answer *found)
{
    found->n_pairs = 0;
    for (int64_t e = 0; e < w->events.n; e++) {
        int64_t at = found->n_pairs;

        if (!counts(w, i, e) || !is_admissible(w, i, w->events.day[e])) {
            continue;
        }
        for (; at > 0 && distance(w, i, found->pair[at - 1]) > distance(w, i, e); at--) {
            found->pair[at] = found->pair[at - 1];
        }
        found->pair[at] = e;
        found->n_pairs++;
    }
}

/* Whether the search of row i ends before its first event. */
static int is_stopped(const world *w, int64_t i, answer *found)
{
    int64_t nearest = found->n_pairs == 0 ? INT64_MAX : distance(w, i, found->pair[0]);

    for (int64_t e = 0; e < w->events.n; e++) {
        if (w->rule.near == RR_NEAR_STOP && counts(w, i, e) &&
            is_near(w, i, anchor_of(w, i), w->events.day[e], w->rule.window.include_same_day)) {
            return 1;
        }
    }
    for (int64_t e = 0; e < w->events.n && w->rule.veto == RR_VETO_STOP; e++) {
        if (is_vetoed(w, i, e) && is_admissible(w, i, w->events.day[e]) &&
            distance(w, i, e) < nearest) {
            found->vetoed = 1;
        }
    }
    return found->vetoed;
}

static answer expect(const world *w, int64_t i)
{
    answer found = {.event_row = -1, .gap = -1};
    int64_t nth = 0, take = w->rule.take;

    if (!is_used(w, i)) {
        return found;
    }
    gather(w, i, &found);
    if (is_stopped(w, i, &found)) {
        found.n_pairs = 0;
    }
    for (int64_t k = 0; k < found.n_pairs; k++) {
        int64_t gap = distance(w, i, found.pair[k]);

        found.count += k == 0 || gap > distance(w, i, found.pair[k - 1]);
    }
    for (int64_t k = 0; k < found.n_pairs; k++) {
        int64_t gap = distance(w, i, found.pair[k]);

        nth += k == 0 || gap > distance(w, i, found.pair[k - 1]);
        if (nth == (take == RR_TAKE_LAST ? found.count : take) &&
            (found.event_row < 0 || w->rule.ties == RR_TIES_LAST_ROW)) {
            found.event_row = found.pair[k];
            found.gap = (int32_t)gap;
        }
    }
    return found;
}

/* What a caller may find in a column that the core had nothing to write into. */
static const int64_t UNTOUCHED = -77777;

static int64_t expect_absorbed(const world *w, int64_t i)
{
    int64_t anchor = w->index.day[i];
    int same_day = w->rule.window.include_same_day;

    if (!takes_part(&w->index, i) || (w->rule.use != NULL && !w->rule.use[i])) {
        return UNTOUCHED;
    }
    for (;;) {
        int64_t nearest = RR_NULL_DAY;

        for (int64_t e = 0; e < w->events.n; e++) {
            int64_t day = w->events.day[e];

            if (counts(w, i, e) && is_near(w, i, anchor, day, same_day) &&
                (nearest == RR_NULL_DAY ||
                 (w->rule.window.direction == RR_FORWARD ? day < nearest : day > nearest))) {
                nearest = day;
            }
        }
        if (nearest == RR_NULL_DAY) {
            return anchor;
        }
        anchor = nearest;
        same_day = 0;
    }
}

/* ---------------------------------------------------------------- random worlds */

static int64_t maybe_day(int64_t first_day, int64_t days, uint64_t *random)
{
    return random_below(random, 4) == 0 ? RR_NULL_DAY : first_day + random_below(random, days);
}

static void make_arrays(world *w, int64_t first_day, int64_t days, uint64_t *random)
{
    for (int64_t i = 0; i < w->index.n; i++) {
        w->use[i] = random_below(random, 8) != 0;
        w->anchor[i] = random_below(random, 9) == 0 || w->index.day[i] == RR_NULL_DAY
                           ? RR_NULL_DAY
                           : w->index.day[i] + random_below(random, 30) - 10;
        w->self_row[i] = w->events.n == 0 ? -1 : random_below(random, w->events.n + 1) - 1;
        w->apart[i] = random_below(random, 2) == 0;
        w->lower[i] = maybe_day(first_day, days, random);
        w->upper[i] = maybe_day(first_day, days, random);
        w->confirm_by[i] = random_below(random, 5) == 0 ? INT64_MAX
                                                        : first_day + random_below(random, days);
    }
    for (int64_t e = 0; e < w->events.n; e++) {
        w->vetoed[e] = random_below(random, 3) == 0;
        w->confirmed[e] = maybe_day(first_day, days, random);
    }
}

static int64_t some(uint64_t *random, const void *present)
{
    return present != NULL && random_below(random, 3) == 0;
}

static void make_rule(world *w, uint64_t *random)
{
    rr_rule *rule = &w->rule;

    *rule = (rr_rule){.window = {.direction = (rr_direction)random_below(random, 2),
                                 .length = random_span(random),
                                 .min_gap = random_span(random),
                                 .exclusive_end = (int)random_below(random, 2),
                                 .include_same_day = (int)random_below(random, 2)},
                      .ties = (rr_ties)random_below(random, 2),
                      .near = (rr_near)random_below(random, 2),
                      .veto = (rr_veto)random_below(random, 2),
                      .take = random_below(random, 4),
                      .event_day = {.ticks = w->events.day, .per_day = 1}};
    if (rule->window.min_gap.unit == RR_OPEN || random_below(random, 2)) {
        rule->window.min_gap = (rr_span){RR_DAYS, random_below(random, 3) * 7};
    }
    rule->claim_latest = rule->window.direction == RR_FORWARD && some(random, rule);
    rule->same_table = (int)some(random, rule);
    rule->self_row = !rule->same_table && some(random, rule) ? w->self_row : NULL;
    rule->use = some(random, rule) ? w->use : NULL;
    rule->apart = some(random, rule) ? w->apart : NULL;
    rule->anchor = some(random, rule) ? w->anchor : NULL;
    rule->lower = some(random, rule) ? w->lower : NULL;
    rule->upper = some(random, rule) ? w->upper : NULL;
    rule->vetoed = some(random, rule) ? w->vetoed : NULL;
    rule->confirmed = some(random, rule) ? w->confirmed : NULL;
    rule->confirm_by = some(random, rule) ? w->confirm_by : NULL;
}

static void make_world(world *w, uint64_t *random)
{
    int64_t first_day = 17000, days = random_below(random, 2) ? 60 : 500;
    int64_t keys = random_below(random, 2) ? 2 : 12;
    rr_rows index_rows, event_rows;

    make_rule(w, random);
    fill(&w->events, random_below(random, FEW), keys, first_day, days, random);
    if (w->rule.same_table) {
        w->index = w->events;
    } else {
        fill(&w->index, random_below(random, FEW), keys, first_day, days, random);
    }
    make_arrays(w, first_day, days, random);
    index_rows = rows_of(&w->index);
    event_rows = rows_of(&w->events);
    CHECK(rr_order(&index_rows, &event_rows, (uint32_t)keys, NULL, &w->parts, NULL) == RR_OK);
}

/* ---------------------------------------------------------------- tests */

/* Where counts and vetoes are not asked for, another way may be taken to the same rows. */
static void test_short_way(const world *w)
{
    int64_t event_row[FEW];
    int32_t gap[FEW];
    rr_matches matches = {event_row, gap, NULL, NULL};

    CHECK(rr_link(w->parts, &w->rule, w->index.n, w->events.n, &matches, NULL, NULL) == RR_OK);
    for (int64_t i = 0; i < w->index.n; i++) {
        answer want = expect(w, i);

        CHECK(event_row[i] == want.event_row);
        CHECK(gap[i] == want.gap);
    }
}

static void test_link(const world *w)
{
    int64_t event_row[FEW], count[FEW];
    int32_t gap[FEW];
    uint8_t vetoed[FEW];
    rr_matches matches = {event_row, gap, count, vetoed};

    test_short_way(w); /* before the parts are put in order, and after */
    CHECK(rr_link(w->parts, &w->rule, w->index.n, w->events.n, &matches, NULL, NULL) == RR_OK);
    test_short_way(w);
    for (int64_t i = 0; i < w->index.n; i++) {
        answer want = expect(w, i);

        CHECK(count[i] == want.count);
        CHECK(event_row[i] == want.event_row);
        CHECK(gap[i] == want.gap);
        CHECK(vetoed[i] == want.vetoed);
    }
}

static void test_pairs(const world *w, uint64_t *random)
{
    int64_t offsets[FEW + 1], event_row[FEW * FEW];
    int32_t gap[FEW * FEW];
    int64_t n = w->index.n, m = w->events.n, at = 0;
    rr_error error;

    CHECK(rr_pairs_count(w->parts, &w->rule, n, m, offsets, NULL, NULL) == RR_OK);
    CHECK(rr_pairs_fill(w->parts, &w->rule, n, m, offsets, event_row, gap, NULL, NULL) == RR_OK);
    CHECK(offsets[0] == 0);
    for (int64_t i = 0; i < n; i++) {
        answer want = expect(w, i);

        CHECK(offsets[i + 1] - offsets[i] == want.n_pairs);
        for (int64_t k = 0; k < want.n_pairs; k++, at++) {
            CHECK(event_row[at] == want.pair[k]);
            CHECK(gap[at] == distance(w, i, want.pair[k]));
        }
    }
    /* Offsets of other arguments: a pair too many for one row, and each way to leave the columns. */
    if (n > 0) {
        int64_t i = random_below(random, n);

        for (int64_t k = i + 1; k <= n; k++) {
            offsets[k]++;
        }
        CHECK(rr_pairs_fill(w->parts, &w->rule, n, m, offsets, event_row, gap, NULL, &error) ==
              RR_ERR_ARGUMENT);
        offsets[i] = offsets[i + 1] + 1;
        CHECK(rr_pairs_fill(w->parts, &w->rule, n, m, offsets, event_row, gap, NULL, &error) ==
              RR_ERR_ARGUMENT);
        for (int64_t k = 0; k <= n; k++) {
            offsets[k] = FEW * FEW;
        }
        CHECK(rr_pairs_fill(w->parts, &w->rule, n, m, offsets, event_row, gap, NULL, &error) ==
              RR_ERR_ARGUMENT);
    }
}

static void test_absorb(const world *w)
{
    int64_t anchor[FEW];

    for (int64_t i = 0; i < w->index.n; i++) {
        anchor[i] = UNTOUCHED;
    }
    CHECK(rr_absorb(w->parts, &w->rule, w->index.n, w->events.n, anchor, NULL, NULL) == RR_OK);
    for (int64_t i = 0; i < w->index.n; i++) {
        int64_t want = expect_absorbed(w, i);

        /* Absorbing an event of the row's own day moves nothing, and may be written or not. */
        CHECK(anchor[i] == want || (anchor[i] == UNTOUCHED && want == w->index.day[i]));
    }
}

/* A shorter window reads off what a longer one found. */
static void test_narrow(world *w, uint64_t *random)
{
    int64_t found_row[FEW], anchor[FEW];
    int32_t found_gap[FEW], gap[FEW], same[FEW];
    rr_matches matches = {found_row, found_gap, NULL, NULL};
    rr_days anchors = {.ticks = anchor, .per_day = 1};
    rr_narrowed windows[2];
    rr_rule longest = w->rule;
    int64_t n = w->index.n;

    if (longest.take == RR_TAKE_LAST) {
        return;
    }
    longest.window.length = random_below(random, 2) ? (rr_span){RR_MONTHS, 13}
                                                    : (rr_span){.unit = RR_OPEN};
    longest.window.exclusive_end = 0;
    if (w->rule.window.length.unit == RR_OPEN) {
        w->rule.window.length = (rr_span){RR_DAYS, 20};
    }
    for (int64_t i = 0; i < n; i++) {
        anchor[i] = anchor_of(w, i);
    }
    if (random_below(random, 2)) {
        rr_day_range range;

        CHECK(rr_days_range(&anchors, n, &range, NULL, NULL) == RR_OK);
        anchors.has_range = 1;
        anchors.first = range.first;
        anchors.last = range.last;
    }
    windows[0] = (rr_narrowed){w->rule.window, gap};
    windows[1] = (rr_narrowed){longest.window, same};
    CHECK(rr_link(w->parts, &longest, n, w->events.n, &matches, NULL, NULL) == RR_OK);
    CHECK(rr_narrow(windows, 2, &anchors, n, found_gap, NULL, NULL) == RR_OK);
    for (int64_t i = 0; i < n; i++) {
        answer want = expect(w, i);

        CHECK(gap[i] == want.gap);
        CHECK(gap[i] < 0 || found_row[i] == want.event_row);
        CHECK(same[i] == found_gap[i]);
    }
    if (n > 0) {
        rr_error error;
        int64_t i = random_below(random, n);

        found_gap[i] = 0;
        anchor[i] = RR_DAY_MAX + 1;
        CHECK(rr_narrow(windows, 2, &anchors, n, found_gap, NULL, &error) == RR_ERR_DAY_RANGE);
        CHECK(error.row == i);
    }
}

/* Every failure of an allocation must come back as a status and leave nothing behind. */
static void test_failures(world *w)
{
    int64_t offsets[FEW + 1], event_row[FEW * FEW], count[FEW];
    int32_t gap[FEW * FEW];
    rr_matches matches = {event_row, gap, count, NULL};
    int64_t n = w->index.n, m = w->events.n;
    rr_narrowed narrowed = {w->rule.window, gap};
    rr_days days = {.ticks = w->index.day, .per_day = 1};

    for (int which = 0; which < 5; which++) {
        rr_status status = RR_ERR_MEMORY;
        int64_t nth;

        for (nth = 0; status != RR_OK; nth++) {
            /* What fills needs offsets, so these come first. */
            CHECK(rr_pairs_count(w->parts, &w->rule, n, m, offsets, NULL, NULL) == RR_OK);
            failing_allocation = nth;
            status = which == 0   ? rr_link(w->parts, &w->rule, n, m, &matches, NULL, NULL)
                     : which == 1 ? rr_pairs_count(w->parts, &w->rule, n, m, offsets, NULL, NULL)
                     : which == 2 ? rr_pairs_fill(w->parts, &w->rule, n, m, offsets, event_row, gap,
                                                  NULL, NULL)
                     : which == 3 ? rr_absorb(w->parts, &w->rule, n, m, event_row, NULL, NULL)
                                  : rr_narrow(&narrowed, 1, &days, n, gap, NULL, NULL);
            failing_allocation = -1;
            CHECK(status == RR_OK || (status == RR_ERR_MEMORY && nth < 20));
        }
        /* The days of the sweep take two; a table of bounds is made only where it pays. */
        CHECK(nth > (which == 4 ? 1 : 2));
    }
}

/* A stop comes back as one, and so do tables of another length and rules out of range. */
static void test_refusals(void)
{
    static uint32_t key[LARGE];
    static int64_t day[LARGE], anchor[LARGE], offsets[LARGE + 1];
    static int32_t gap[LARGE];
    rr_matches matches = {anchor, gap, NULL, NULL};
    rr_rule rule = {.window = {.length = {RR_DAYS, 30}}, .take = 1};
    rr_rows rows = {{.codes = key}, {.ticks = day, .per_day = 1}, NULL, LARGE};
    rr_call call = {stop_at_once, NULL, 1, NULL};
    rr_parts *parts;
    rr_error error;

    for (int64_t i = 0; i < LARGE; i++) {
        key[i] = (uint32_t)(i / 2);
        day[i] = i % 2;
        anchor[i] = 0;
    }
    CHECK(rr_order(&rows, &rows, LARGE, NULL, &parts, &error) == RR_OK);
    CHECK(rr_link(parts, &rule, LARGE, LARGE, &matches, &call, &error) == RR_ERR_INTERRUPTED);
    CHECK(rr_absorb(parts, &rule, LARGE, LARGE, anchor, &call, &error) == RR_ERR_INTERRUPTED);
    CHECK(rr_pairs_count(parts, &rule, LARGE, LARGE, offsets, &call, &error) == RR_ERR_INTERRUPTED);
    CHECK(rr_pairs_count(parts, &rule, LARGE, LARGE, offsets, NULL, &error) == RR_OK);
    CHECK(offsets[LARGE] == LARGE / 2);
    CHECK(rr_pairs_fill(parts, &rule, LARGE, LARGE, offsets, anchor, gap, &call, &error) ==
          RR_ERR_INTERRUPTED);
    CHECK(rr_pairs_fill(parts, &rule, LARGE, LARGE, offsets, NULL, gap, NULL, &error) ==
          RR_ERR_ARGUMENT);
    CHECK(rr_pairs_count(parts, &rule, LARGE, LARGE - 1, offsets, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(rr_absorb(parts, &rule, LARGE, LARGE - 1, anchor, NULL, &error) == RR_ERR_ARGUMENT);
    rule.take = -1;
    CHECK(rr_link(parts, &rule, LARGE, LARGE, &matches, NULL, &error) == RR_ERR_ARGUMENT);
    rule.take = 1;
    rule.window.direction = RR_BACKWARD;
    rule.claim_latest = 1;
    CHECK(rr_link(parts, &rule, LARGE, LARGE, &matches, NULL, &error) == RR_ERR_ARGUMENT);
    rule.claim_latest = 0;
    memset(anchor, 0, sizeof anchor);
    anchor[5] = RR_DAY_MIN - 1;
    rule.anchor = anchor;
    CHECK(rr_link(parts, &rule, LARGE, LARGE, &(rr_matches){0}, NULL, &error) == RR_ERR_DAY_RANGE);
    CHECK(error.row == 5);
    rr_parts_free(parts);
}

int main(void)
{
    static world w;
    uint64_t random = 20200229;

    for (int i = 0; i < 6000; i++) {
        make_world(&w, &random);
        test_link(&w);
        test_pairs(&w, &random);
        test_absorb(&w);
        test_narrow(&w, &random);
        rr_parts_free(w.parts);
    }
    w.parts = NULL;
    do {
        rr_parts_free(w.parts);
        make_world(&w, &random);
    } while (!w.rule.claim_latest || w.rule.confirmed == NULL || w.index.n < 20);
    test_failures(&w);
    rr_parts_free(w.parts);
    test_refusals();
    printf("sweep: ok\n");
    return 0;
}
