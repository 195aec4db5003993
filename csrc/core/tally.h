/* Counts by group and curves over time: a part of the core's interface, for which the rules of
 * rereferral.h hold. Flags (use, hit, event) are bytes: 0 or not 0. Every sum is of whole numbers, so
 * the order of the rows cannot change a bit of the answer. */
#ifndef RR_TALLY_H
#define RR_TALLY_H

#include "rereferral.h"

/* ---------------------------------------------------------------- counts and curves */

/* Rows and the group of each. */
typedef struct rr_grouped {
    const int32_t *group; /* by row, in [0, n_groups); NULL: every row is in group 0 */
    const uint8_t *use;   /* by row, 0: the row is not counted and not looked at; NULL: all count */
    int64_t n;            /* rows */
    int64_t n_groups;     /* at most INT32_MAX, or RR_ERR_TOO_LARGE */
} rr_grouped;

/* Per group, the rows (`n`) and the rows whose `hit` is set (`linked`). Both have n_groups elements.
 * RR_ERR_ARGUMENT, here and below, for a group code out of range, with its row. */
rr_status rr_tally(const rr_grouped *rows, const uint8_t *hit, int64_t *n, int64_t *linked,
                   const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* seen[g] = 1 where a counted row is of group g, otherwise 0; n_groups elements. */
rr_status rr_codes_seen(const rr_grouped *rows, uint8_t *seen, const rr_call *call,
                        rr_error *error) RR_MUST_CHECK;

/* mapped[i] = to[codes[i]], or `null` where the code is -1. `to` has n_codes elements, the others n;
 * `mapped` may be `codes`. RR_ERR_ARGUMENT for any other code out of range, with its row. */
rr_status rr_codes_map(const int32_t *codes, int64_t n, const int32_t *to, int64_t n_codes,
                       int32_t null, int32_t *mapped, const rr_call *call,
                       rr_error *error) RR_MUST_CHECK;

/* A column of codes, of which each stands for a number in [0, n_ranks). */
typedef struct rr_coded {
    const void *codes; /* int8_t, int16_t or int32_t, from -1 on */
    int size;          /* bytes of one: 1, 2 or 4; 0: the column holds days */
    rr_days days;      /* whose code is the day less days.first, which must be known; -1: null */
    const int32_t *to; /* by code, its number; n_codes elements */
    int64_t n_codes;
    int32_t null; /* the number of code -1 */
    int64_t n_ranks;
} rr_coded;

/* Rows, and their numbers in the order of the first column, then the second and so on: a row's number is
 * its own there times n_ranks of the column behind it, plus the number there. They lie in
 * [0, n_groups). */
typedef struct rr_coded_rows {
    const rr_coded *columns; /* n elements each */
    int n_columns;
    const uint8_t *use; /* by row, 0: the row has no number and is not looked at; NULL: all have */
    int64_t n;
    int64_t n_groups; /* the product of all n_ranks, at most INT32_MAX */
} rr_coded_rows;

/* Writes the numbers to `joined` (n elements, or NULL; 0 for a row that is not in use), and in seen[g]
 * whether a row in use has number g. RR_ERR_ARGUMENT here and below: n_groups is not that product, a
 * code or number is out of range, with its row. */
rr_status rr_codes_join(const rr_coded_rows *rows, int32_t *joined, uint8_t *seen,
                        const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* rr_codes_join and rr_tally at once, for who wants no number of a row: seen[g] as there, and of the
 * rows in use with number g those that are `counted` (NULL: all) in n[g], and those of them whose
 * `hit` is set in linked[g]. Allocates 24 bytes a group and thread. */
rr_status rr_codes_tally(const rr_coded_rows *rows, const uint8_t *counted, const uint8_t *hit,
                         uint8_t *seen, int64_t *n, int64_t *linked, const rr_call *call,
                         rr_error *error) RR_MUST_CHECK;

/* Sums over the clusters of a group, from which the variance of its rate follows: cluster c holds
 * n_c of its rows, of them x_c hits. Arrays have n_groups elements; NULL where not wanted. */
typedef struct rr_cluster_sums {
    int64_t *clusters;       /* how many there are */
    int64_t *n_squared;      /* sum of n_c * n_c */
    int64_t *n_linked;       /* sum of n_c * x_c */
    int64_t *linked_squared; /* sum of x_c * x_c */
} rr_cluster_sums;

/* Fills the sums. A cluster whose rows lie in several groups counts in each of them. `cluster` is by
 * row; RR_NULL_KEY in a counted row is RR_ERR_ARGUMENT, with the row. More rows than the square root
 * of INT64_MAX are RR_ERR_TOO_LARGE: their sums might not fit. Time is linear in the rows; 8 bytes a
 * row are allocated meanwhile, and 16 where most rows are in one group and cluster. */
rr_status rr_tally_clusters(const rr_grouped *rows, const uint32_t *cluster, const uint8_t *hit,
                            const rr_cluster_sums *sums, const rr_call *call,
                            rr_error *error) RR_MUST_CHECK;

/* The largest of the counted durations, in days; 0 where there is none. A negative one is
 * RR_ERR_VALUE, with its row and value. Groups are not looked at. */
rr_status rr_longest(const rr_grouped *rows, const int32_t *duration, int32_t *longest,
                     const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* The group x day tally from which curves come, as cells: one for day 0 of every group, an empty
 * group too, and one for every later day on which a row of the group leaves; in the order of group,
 * then day. Arrays have rr_tally_days_room() elements; NULL where not wanted. */
typedef struct rr_cells {
    int32_t *group;
    int32_t *day;
    int64_t *events;   /* by cell, then cause: rows that leave on the day by cause 1, 2, ... */
    int64_t *censored; /* rows that leave on it otherwise */
} rr_cells;

/* Causes are small whole numbers: 0 is no cause (censored), 1 the event, from 2 on the ends that
 * compete with it. */
#define RR_CAUSES_MAX 127

/* The most cells that rr_tally_days can write, n_groups + min(n, n_groups * longest); -1 for a
 * negative argument and for more than INT64_MAX. */
int64_t rr_tally_days_room(int64_t n, int64_t n_groups, int32_t longest);

/* n_cells * n_causes, the length of what is by cell and cause; -1 for a negative number of cells, for
 * causes out of range, and for more than INT64_MAX. */
int64_t rr_curve_room(int64_t n_cells, int n_causes);

/* Fills the cells and says in *n_cells how many there are. By row: `duration`, the day on which it
 * leaves, in [0, longest]; `cause`, how, in [0, n_causes]; or RR_ERR_VALUE with row and value. With one
 * cause this is a column of flags. n_causes is from 1 to RR_CAUSES_MAX; cells->events has n_causes
 * elements a cell. At most 16 bytes a row and 1 MiB are allocated meanwhile. */
rr_status rr_tally_days(const rr_grouped *rows, const int32_t *duration, const int8_t *cause,
                        int n_causes, int32_t longest, const rr_cells *cells, int64_t *n_cells,
                        const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* The risk of each cause over n_cells cells of rr_tally_days; cells->day is not read. Outputs:
 *
 *   at_risk    by cell: rows that have not left before the day
 *   risk       by cell, then cause: the estimated share that has left by the cause by the end of the
 *              day; NaN in an empty group
 *   std_error  by cell, then cause: its standard error; NaN where the risk is NaN, or 1 because
 *              everybody has left by this cause
 *
 * With one cause: Kaplan-Meier, 1 - S, and Greenwood's standard error. With several: Aalen-Johansen,
 * and the standard error of Greenwood's kind (Marubini and Valsecchi, Analysing Survival Data from
 * Clinical Trials and Observational Studies, 1995, chapter 10; Andersen, Borgan, Gill and Keiding,
 * Statistical Models Based on Counting Processes, 1993, section IV.4), which without censoring is the
 * binomial one.
 *
 * On one day events come before censorings. While nobody has been censored, a risk is the quotient of
 * events by rows, rounded once. A negative count is RR_ERR_ARGUMENT, with its cell as the row. */
rr_status rr_curve(const rr_cells *cells, int64_t n_cells, int n_causes, int64_t *at_risk,
                   double *risk, double *std_error, const rr_call *call,
                   rr_error *error) RR_MUST_CHECK;

/* Rows that leave, and the cluster of each: what rr_tally_days takes, with a code that is not
 * RR_NULL_KEY where a row counts. */
typedef struct rr_leavers {
    rr_grouped grouped;
    const int32_t *duration;
    const int8_t *cause;
    const uint32_t *cluster;
} rr_leavers;

/* Standard errors where the rows of a cluster are not independent, for cells that rr_tally_days made of
 * these rows: the root of the sum, over clusters, of the square of their influence, which is that of
 * their rows added up (the infinitesimal jackknife: L. A. Jaeckel, Bell Laboratories memorandum
 * 72-1215-11, 1972; as survfit with a cluster in R's package survival). If every row is a cluster they
 * are those of rr_curve, but for the last digits.
 *
 *   clusters   by group: how many it has; one whose rows lie in several groups counts in each
 *   std_error  by cell, then cause, for the risk of rr_curve; NaN where the group has one cluster
 *
 * With `repeats`, the rows are the items of rr_event_items and n_causes is 2; then std_error is by
 * cell, for the mean of rr_mean_count. RR_ERR_ARGUMENT for a row that is not in the tally, or has a
 * null cluster. Time is linear in rows plus cells, but for looking up days where a group has more of
 * them than rows. */
rr_status rr_curve_clusters(const rr_leavers *rows, int n_causes, int repeats,
                            const rr_cells *cells, int64_t n_cells, int64_t *clusters,
                            double *std_error, const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* Limits of n risks on the scale log(-log S), z standard errors to each side. A risk of 0 has the
 * limits 0 and 0; one of 1, or NaN, has NaN. */
rr_status rr_loglog_limits(int64_t n, const double *risk, const double *std_error, double z,
                           double *lower, double *upper, const rr_call *call,
                           rr_error *error) RR_MUST_CHECK;

/* ---------------------------------------------------------------- mean cumulative count
 *
 * Events that may come again: how many a row has had, on average, by each day. */

/* Rows with their events. */
typedef struct rr_histories {
    rr_grouped grouped;
    const int32_t *duration; /* days until the row is no longer observed, or has ended */
    const uint8_t *terminal; /* it ended, and nothing can follow; 0: observation ended */
    const uint32_t *cluster; /* not RR_NULL_KEY where the row counts; NULL: each row is a cluster */
    const int64_t *offsets;  /* n + 1: the events of row i are days[offsets[i]] and on */
    const int32_t *days;     /* n_days, in [0, duration] of the row, in no row falling */
    int64_t n_days;
} rr_histories;

/* The causes of items: ends of rows that are not terminal, those that are, and events. */
enum { RR_CENSORED = 0, RR_TERMINAL = 1, RR_REPEATED = 2, RR_ITEM_CAUSES = 2 };

/* Rows and events, one below the other, as rr_tally_days takes rows. Arrays of n + n_days elements. */
typedef struct rr_items {
    int32_t *group;
    int32_t *day;
    int8_t *cause;
    uint32_t *cluster;
} rr_items;

/* Makes the items of the rows that count, and says in *n_items how many there are. Events of a row on
 * one day are one. RR_ERR_VALUE, with row and value, for a negative duration and for the day of an
 * event that is out of range or falls; RR_ERR_ARGUMENT for offsets that fall or leave the days. */
rr_status rr_event_items(const rr_histories *rows, const rr_items *items, int64_t *n_items,
                         const rr_call *call, rr_error *error) RR_MUST_CHECK;

/* The mean cumulative count over n_cells cells of rr_tally_days, with two causes, of such items.
 * Outputs by cell: at_risk, rows that have not left before the day; mean, the sum of S(t-) dN(t) /
 * Y(t) up to and with the day, S being Kaplan-Meier's survival to the terminal exit (D. Ghosh and
 * D. Y. Lin, Biometrics 56, 2000, 554-562); without such exits the estimator of Nelson and Aalen.
 * NaN in an empty group. Events come before exits of their day. Its standard errors are those of
 * rr_curve_clusters. */
rr_status rr_mean_count(const rr_cells *cells, int64_t n_cells, int64_t *at_risk, double *mean,
                        rr_error *error) RR_MUST_CHECK;

/* Limits of n means on the scale log(mean), z standard errors to each side; 0 and 0 where it is 0. */
rr_status rr_log_limits(int64_t n, const double *mean, const double *std_error, double z,
                        double *lower, double *upper, const rr_call *call,
                        rr_error *error) RR_MUST_CHECK;

#endif
