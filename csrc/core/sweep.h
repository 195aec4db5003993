/* The walk over parts in order that linkage, pairs, absorption and the mean count share (sweep.c): which
 * days with an event the rule admits for an index row (reach.c), and which of them count for it
 * (counted_days.c). */
#ifndef RR_SWEEP_H
#define RR_SWEEP_H

#include "day_tree.h"
#include "parts.h"
#include "rule.h"

/* From how many days of one key on no row may walk over all of them; the tests set it low. */
#ifndef RR_MANY_DAYS
#define RR_MANY_DAYS 256
#endif

/* What vetoes and confirmations make of a day. Days of confirmation as rr_narrow_day has them. */
typedef struct rr_day_detail {
    int32_t confirmed; /* when the first of its events that is not vetoed was; INT32_MAX: never */
    int32_t otherwise; /* the same without that event */
    uint32_t first;    /* that event, and the first (with RR_TIES_LAST_ROW last) that may count, */
    uint32_t tied;     /* counted from the first event of the day */
} rr_day_detail;

/* The days with an event of one part: day d is event positions start[d] to start[d + 1]. */
typedef struct rr_day_runs {
    uint64_t *key_day;
    int64_t *start;
    rr_day_detail *detail; /* NULL where no event is vetoed and none must be confirmed */
    uint8_t *known;        /* 0 until the detail is; then 1 more than vetoed events, of at most 2 */
    int64_t n;
    int64_t most; /* the most of one key */
} rr_day_runs;

typedef struct rr_sweep {
    const rr_parts *parts;
    const rr_rule *rule;
    const rr_bounds *bounds;
    rr_day_reader event_days; /* of the rule */
    rr_day_runs days;
    rr_day_tree tree; /* of the days that count; where a key has many and not all of its days do */
    int32_t *confirmed;     /* by day, what the tree is made of; with a tree only, as the next */
    int64_t *vetoed_before; /* by day: vetoed days before it */
    int64_t *claimed; /* by position in the part: the first day that a later row claims; or NULL */
    uint64_t day_mask;
    int64_t part_from; /* index positions of the part */
    int64_t part_to;
    int64_t low_hint; /* where the last row's days began and ended */
    int64_t high_hint;
} rr_sweep;

/* What the rule admits for one index row. */
typedef struct rr_reach {
    int64_t row;
    uint64_t key; /* in the place that it has in key_day */
    int64_t anchor;
    int32_t confirm_by;
    int64_t self; /* the event row that is the index row, -1 for none */
    int64_t from; /* days of rr_day_runs that are admissible, up to, not including, `to`; */
    int64_t to;   /* none before rr_sweep_row */
    int64_t own;  /* the day of the row's own event among them, -1: not there */
} rr_reach;

/* ---------------------------------------------------------------- sweep.c */

/* Takes the index rows of the sweep's part, at the positions part_from to part_to. `worker` as in
 * rr_task. */
typedef rr_status (*rr_visit)(rr_sweep *sweep, void *job, int worker, rr_error *error);

/* Puts the parts in order and visits them all, on threads: a worker has a sweep of its own. The rule
 * has been checked. */
rr_status rr_sweep_parts(const rr_parts *parts, const rr_rule *rule, rr_visit visit, void *job,
                         const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* Whether events are vetoed or must be confirmed, so that a day in reach need not count. */
static inline int rr_sweep_in_detail(const rr_sweep *sweep)
{
    return sweep->days.detail != NULL;
}

/* Whether a key of the part has more than RR_MANY_DAYS days. */
static inline int rr_many_days(const rr_sweep *sweep)
{
    return sweep->days.most > RR_MANY_DAYS;
}

/* Index rows in order lie all over their table: what is read or written by row is asked for so many rows
 * beforehand. */
enum { RR_ROWS_AHEAD = 16 };

/* The row that is taken so many rows after that at `position`; near the end, the last. */
static inline int64_t rr_row_ahead(const rr_sweep *sweep, int64_t position, int64_t rows)
{
    const int64_t last = sweep->part_to - 1;

    return rr_row_of(&sweep->parts->index, position + rows < last ? position + rows : last);
}

/* Day d as a day. */
static inline int64_t rr_day_at(const rr_sweep *sweep, int64_t d)
{
    return sweep->parts->origin + (int64_t)(sweep->days.key_day[d] & sweep->day_mask);
}

/* ---------------------------------------------------------------- reach.c */

/* Whether the index row at `position` is used, and if so who it is; not yet when its events must be
 * confirmed. */
int rr_sweep_begin(const rr_sweep *sweep, int64_t position, rr_reach *reach);

/* rr_sweep_begin, and whether there is any day with events in its window, and if so its reach. */
int rr_sweep_row(rr_sweep *sweep, int64_t position, rr_reach *reach);

/* Turns the reach to the days that lie `from` days or more from the anchor and nearer than the minimum
 * gap; whether there is one. */
int rr_reach_near(rr_sweep *sweep, rr_reach *reach, int64_t from);

/* The day of the row's own event among all of the part, -1: it has none. */
int64_t rr_own_day(const rr_sweep *sweep, const rr_reach *reach);

/* Fills in sweep->claimed. */
void rr_fill_claimed(rr_sweep *sweep);

/* ---------------------------------------------------------------- counted_days.c */

/* Whether day d in reach is a day with an event; whether it is one of vetoed events only. */
int rr_day_counts(const rr_sweep *sweep, const rr_reach *reach, int64_t d);
int rr_day_is_vetoed(const rr_sweep *sweep, const rr_reach *reach, int64_t d);

/* Whether the event at a position of the ordered events counts for the row. */
int rr_event_counts(const rr_sweep *sweep, const rr_reach *reach, int64_t event);

/* The first event of day d, with RR_TIES_LAST_ROW the last, that may count for some row. With
 * rr_sweep_in_detail only; day d counts for a row. */
int64_t rr_first_tied(const rr_sweep *sweep, int64_t d);

/* Days between the row's anchor and day d. */
int32_t rr_gap(const rr_sweep *sweep, const rr_reach *reach, int64_t d);

/* Days with an event in reach; 0 where the rule stops at an event nearer than the minimum gap, or at a
 * vetoed day that comes first, which sets *vetoed. */
int64_t rr_days_in_reach(rr_sweep *sweep, rr_reach *reach, uint8_t *vetoed);

/* The nth day outwards, from 1, of those in reach that count for the row; there must be one. */
int64_t rr_nth_day(const rr_sweep *sweep, const rr_reach *reach, int64_t n);

/* The first day with an event, in the direction of search, that lies `from` days or more from the
 * anchor and nearer than the minimum gap; or -1. */
int64_t rr_next_near_day(rr_sweep *sweep, rr_reach *reach, int64_t from);

/* Looks up all days of the part, and makes a tree of those that may count; with rr_sweep_in_detail only.
 * rr_free_tree ends the tree of the last part, also after a failure. */
rr_status rr_plant_tree(rr_sweep *sweep) RR_MUST_CHECK;
void rr_free_tree(rr_sweep *sweep);

#endif
