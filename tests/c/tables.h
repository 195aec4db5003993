/* Small random tables for the tests of linkage, and what a window means, told without its bounds. */
#ifndef RR_TEST_TABLES_H
#define RR_TEST_TABLES_H

#include "check.h"
#include "rereferral.h"

enum { MOST = 400 };

typedef struct table {
    uint32_t key[MOST];
    int64_t day[MOST];
    uint8_t use[MOST];
    int64_t end[MOST];
    int64_t n;
} table;

static inline void fill(table *t, int64_t n, int64_t keys, int64_t first_day, int64_t days,
                        uint64_t *random)
{
    t->n = n;
    for (int64_t i = 0; i < n; i++) {
        t->key[i] = random_below(random, 20) == 0 ? RR_NULL_KEY
                                                  : (uint32_t)random_below(random, keys);
        t->day[i] = random_below(random, 20) == 0 ? RR_NULL_DAY
                                                  : first_day + random_below(random, days);
        t->use[i] = random_below(random, 10) != 0;
        t->end[i] = random_below(random, 4) == 0 ? RR_NULL_DAY
                                                 : t->day[i] + random_below(random, 40);
    }
}

static inline rr_rows rows_of(const table *t)
{
    return (rr_rows){{.codes = t->key}, {.ticks = t->day, .per_day = 1}, t->use, t->n};
}

static inline int takes_part(const table *t, int64_t i)
{
    return t->use[i] && t->key[i] != RR_NULL_KEY && t->day[i] != RR_NULL_DAY;
}

/* The window's meaning, told by adding spans to the earlier date alone. */
static inline int in_window(const rr_window *w, int64_t index, int64_t event)
{
    int64_t early = w->direction == RR_FORWARD ? index : event;
    int64_t late = w->direction == RR_FORWARD ? event : index;
    int64_t end = rr_add_span(early, w->length);

    if (late < early || (late == early && !w->include_same_day)) {
        return 0;
    }
    if (late < rr_add_span(early, w->min_gap)) {
        return 0;
    }
    return w->exclusive_end && end != INT64_MAX ? late < end : late <= end;
}

static inline rr_span random_span(uint64_t *random)
{
    rr_span spans[] = {{RR_DAYS, 0},   {RR_DAYS, 1},    {RR_DAYS, 30},  {RR_DAYS, 365},
                       {RR_MONTHS, 1}, {RR_MONTHS, 12}, {RR_MONTHS, 0}, {RR_OPEN, 0}};

    return spans[random_below(random, 8)];
}

static inline int stop_at_once(void *context, int64_t done, int64_t total)
{
    (void)context, (void)done, (void)total;
    return 1;
}

#endif
