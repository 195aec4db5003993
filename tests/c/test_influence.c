/* Standard errors by cluster, and the mean cumulative count, against each row's own recursion. */
#include "check.h"
#include "tally.h"

#include <math.h>
#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { ROWS = 400, GROUPS = 4, CLUSTERS = 30, DAYS = 25, CAUSES = 3, CELLS = GROUPS * DAYS };

typedef struct table {
    int32_t group[ROWS];
    uint8_t use[ROWS];
    int32_t duration[ROWS];
    int8_t cause[ROWS];
    uint32_t cluster[ROWS];
    rr_leavers rows;
    int n_causes;
} table;

typedef struct tally {
    int32_t group[CELLS];
    int32_t day[CELLS];
    int64_t events[CELLS * CAUSES];
    int64_t censored[CELLS];
    rr_cells cells;
    int64_t n;
} tally;

static table t;
static tally made;

static void fill(int64_t n, int64_t groups, int64_t clusters, int n_causes, uint64_t *random)
{
    for (int64_t i = 0; i < n; i++) {
        t.use[i] = random_below(random, 6) != 0;
        t.group[i] = t.use[i] ? (int32_t)random_below(random, groups) : -1;
        t.duration[i] = t.use[i] ? (int32_t)random_below(random, DAYS) : -1;
        t.cause[i] = t.use[i] ? (int8_t)random_below(random, n_causes + 1) : -1;
        t.cluster[i] = t.use[i] ? (uint32_t)random_below(random, clusters) * 143165576u
                                : RR_NULL_KEY;
    }
    t.n_causes = n_causes;
    t.rows = (rr_leavers){{t.group, t.use, n, groups}, t.duration, t.cause, t.cluster};
    made.cells = (rr_cells){made.group, made.day, made.events, made.censored};
    CHECK(rr_tally_days(&t.rows.grouped, t.duration, t.cause, n_causes, DAYS - 1, &made.cells,
                        &made.n, NULL, NULL) == RR_OK);
}

/* Adds row i's influence to `sums`, by cell: the derivative of each day's step, in turn. */
static void add_influence(int64_t row, int cause, long double *sums)
{
    long double survival = 1, of_survival = 0, of_risk = 0;
    long double left = 0;

    for (int64_t i = 0; i < made.n; i++) {
        if (made.group[i] == t.group[row]) {
            for (int k = 0; k < t.n_causes; k++) {
                left += (long double)made.events[i * t.n_causes + k];
            }
            left += (long double)made.censored[i];
        }
    }
    for (int64_t i = 0; i < made.n; i++) {
        long double leave = 0, hit, mine = 0, mine_leave = 0;

        if (made.group[i] != t.group[row]) {
            continue;
        }
        hit = (long double)made.events[i * t.n_causes + cause - 1];
        for (int k = 0; k < t.n_causes; k++) {
            leave += (long double)made.events[i * t.n_causes + k];
        }
        /* the row's own counts of the day, less its share of all, over those at risk */
        if (t.duration[row] >= made.day[i]) {
            int now = t.duration[row] == made.day[i];

            mine = (((now && t.cause[row] == cause) ? 1 : 0) - hit / left) / left;
            mine_leave = (((now && t.cause[row] > 0) ? 1 : 0) - leave / left) / left;
        }
        of_risk += of_survival * hit / left + survival * mine;
        of_survival = of_survival * (left - leave) / left - survival * mine_leave;
        survival *= (left - leave) / left;
        sums[i] += of_risk;
        left -= leave + (long double)made.censored[i];
    }
}

static void test_curve_clusters(void)
{
    static long double sums[CLUSTERS][CELLS];
    static double std_error[CELLS * CAUSES];
    int64_t clusters[GROUPS];
    int64_t n = t.rows.grouped.n;

    CHECK(rr_curve_clusters(&t.rows, t.n_causes, 0, &made.cells, made.n, clusters, std_error, NULL,
                            NULL) == RR_OK);
    for (int64_t g = 0; g < t.rows.grouped.n_groups; g++) {
        int seen[CLUSTERS] = {0};
        int64_t count = 0;

        for (int64_t i = 0; i < n; i++) {
            if (t.use[i] && t.group[i] == g) {
                count += !seen[t.cluster[i] / 143165576u];
                seen[t.cluster[i] / 143165576u] = 1;
            }
        }
        CHECK(clusters[g] == count);
    }
    for (int cause = 1; cause <= t.n_causes; cause++) {
        memset(sums, 0, sizeof sums);
        for (int64_t i = 0; i < n; i++) {
            if (t.use[i]) {
                add_influence(i, cause, sums[t.cluster[i] / 143165576u]);
            }
        }
        for (int64_t i = 0; i < made.n; i++) {
            double found = std_error[i * t.n_causes + cause - 1];
            long double variance = 0;

            for (int c = 0; c < CLUSTERS; c++) {
                variance += sums[c][i] * sums[c][i];
            }
            CHECK(clusters[made.group[i]] > 1
                      ? fabsl((long double)found * (long double)found - variance) < 1e-15L
                      : isnan(found));
        }
    }
}

/* Each row once more, the other way round: not a bit may change. */
static void test_order(void)
{
    static double once[CELLS * CAUSES], again[CELLS * CAUSES];
    static table turned;
    int64_t clusters[GROUPS];
    int64_t n = t.rows.grouped.n;

    for (int64_t i = 0; i < n; i++) {
        int64_t from = n - 1 - i;

        turned.group[i] = t.group[from];
        turned.use[i] = t.use[from];
        turned.duration[i] = t.duration[from];
        turned.cause[i] = t.cause[from];
        turned.cluster[i] = t.cluster[from] == RR_NULL_KEY ? RR_NULL_KEY : ~t.cluster[from] - 1;
    }
    turned.rows = (rr_leavers){{turned.group, turned.use, n, t.rows.grouped.n_groups},
                               turned.duration,
                               turned.cause,
                               turned.cluster};
    CHECK(rr_curve_clusters(&t.rows, t.n_causes, 0, &made.cells, made.n, clusters, once, NULL,
                            NULL) == RR_OK);
    CHECK(rr_curve_clusters(&turned.rows, t.n_causes, 0, &made.cells, made.n, clusters, again, NULL,
                            NULL) == RR_OK);
    CHECK(memcmp(once, again, (size_t)(made.n * t.n_causes) * sizeof *once) == 0);
}

static void test_refusals(void)
{
    int32_t group[] = {0, 0, 1}, duration[] = {0, 2, 5}, day[] = {0, 2, 0, 5};
    int32_t cell_group[] = {0, 0, 1, 1};
    int8_t cause[] = {0, 1, 1};
    uint32_t cluster[] = {7, 8, 9};
    int64_t events[] = {0, 1, 0, 1}, censored[] = {1, 0, 0, 0}, clusters[2];
    double std_error[8];
    rr_cells cells = {cell_group, day, events, censored};
    rr_leavers rows = {{group, NULL, 3, 2}, duration, cause, cluster};
    rr_error error;

    CHECK(rr_curve_clusters(&rows, 1, 0, &cells, 4, clusters, std_error, NULL, NULL) == RR_OK);
    CHECK(clusters[0] == 2 && clusters[1] == 1);
    duration[1] = 3; /* no cell has it */
    CHECK(rr_curve_clusters(&rows, 1, 0, &cells, 4, clusters, std_error, NULL, &error) ==
          RR_ERR_ARGUMENT);
    CHECK(error.row == 1);
    duration[1] = 2;
    cause[2] = 2;
    CHECK(rr_curve_clusters(&rows, 1, 0, &cells, 4, clusters, std_error, NULL, &error) ==
          RR_ERR_ARGUMENT);
    CHECK(error.row == 2);
    cause[2] = 1;
    cluster[2] = RR_NULL_KEY;
    CHECK(rr_curve_clusters(&rows, 1, 0, &cells, 4, clusters, std_error, NULL, &error) ==
          RR_ERR_ARGUMENT);
    CHECK(error.row == 2);
    cluster[2] = 9;
    day[3] = 0;
    CHECK(rr_curve_clusters(&rows, 1, 0, &cells, 4, clusters, std_error, NULL, &error) ==
          RR_ERR_ARGUMENT);
    CHECK(error.row == 3);
    day[3] = 5;
    cell_group[3] = 2;
    CHECK(rr_curve_clusters(&rows, 1, 0, &cells, 4, clusters, std_error, NULL, &error) ==
          RR_ERR_ARGUMENT);
    cell_group[3] = 1;
    CHECK(rr_curve_clusters(&rows, 1, 0, &cells, 2, clusters, std_error, NULL, &error) ==
          RR_ERR_ARGUMENT);
    CHECK(rr_curve_clusters(&rows, 1, 1, &cells, 4, clusters, std_error, NULL, &error) ==
          RR_ERR_ARGUMENT);
    CHECK(rr_curve_clusters(&rows, 0, 0, &cells, 4, clusters, std_error, NULL, &error) ==
          RR_ERR_ARGUMENT);
}

/* Two rows, worked by hand: the first has events on days 1 (twice) and 3 and is lost on day 3, the
 * second ends on day 2. */
static void test_mean_count(void)
{
    int32_t duration[] = {3, 2}, days[] = {1, 1, 3};
    uint8_t terminal[] = {0, 9};
    int64_t offsets[] = {0, 3, 3}, n_items, n_cells, at_risk[8], clusters[1];
    int32_t group[5], day[5], cell_group[8], cell_day[8];
    int8_t cause[5];
    uint32_t cluster[5];
    int64_t events[16], censored[8];
    double mean[8], std_error[8], lower[8], upper[8];
    rr_histories rows = {{NULL, NULL, 2, 1}, duration, terminal, NULL, offsets, days, 3};
    rr_items items = {group, day, cause, cluster};
    rr_cells cells = {cell_group, cell_day, events, censored};
    rr_leavers leavers = {{group, NULL, 4, 1}, day, cause, cluster};
    rr_error error;

    CHECK(rr_event_items(&rows, &items, &n_items, NULL, NULL) == RR_OK && n_items == 4);
    CHECK(day[0] == 1 && day[1] == 3 && day[2] == 3 && day[3] == 2);
    CHECK(cause[0] == 2 && cause[1] == 2 && cause[2] == 0 && cause[3] == 1);
    CHECK(cluster[0] == 0 && cluster[2] == 0 && cluster[3] == 1);
    CHECK(rr_tally_days(&leavers.grouped, day, cause, 2, 3, &cells, &n_cells, NULL, NULL) == RR_OK);
    CHECK(n_cells == 4);
    CHECK(rr_mean_count(&cells, n_cells, at_risk, mean, NULL) == RR_OK);
    CHECK(at_risk[0] == 2 && at_risk[1] == 2 && at_risk[2] == 2 && at_risk[3] == 1);
    CHECK(mean[0] == 0 && mean[1] == 0.5 && mean[2] == 0.5 && mean[3] == 1);
    CHECK(rr_curve_clusters(&leavers, 2, 1, &cells, n_cells, clusters, std_error, NULL, NULL) ==
          RR_OK);
    /* nobody was lost before an event: the spread of the counts 1 and 0, then 2 and 0 */
    CHECK(clusters[0] == 2 && std_error[0] == 0);
    CHECK(fabs(std_error[1] - sqrt(0.125)) < 1e-15 && fabs(std_error[3] - sqrt(0.5)) < 1e-15);
    CHECK(rr_log_limits(n_cells, mean, std_error, 1, lower, upper, NULL, NULL) == RR_OK);
    CHECK(lower[0] == 0 && upper[0] == 0);
    CHECK(fabs(upper[3] - exp(sqrt(0.5))) < 1e-15 && fabs(lower[3] * upper[3] - 1) < 1e-15);
    duration[0] = 2;
    CHECK(rr_event_items(&rows, &items, &n_items, NULL, &error) == RR_ERR_VALUE);
    CHECK(error.row == 0 && strcmp(error.value, "3") == 0 && n_items == 0);
    duration[0] = 3;
    days[1] = 4;
    duration[0] = 5;
    CHECK(rr_event_items(&rows, &items, &n_items, NULL, &error) == RR_ERR_VALUE);
    CHECK(error.row == 0 && strcmp(error.value, "3") == 0);
    days[1] = -1;
    CHECK(rr_event_items(&rows, &items, &n_items, NULL, &error) == RR_ERR_VALUE);
    CHECK(strcmp(error.value, "-1") == 0);
    days[1] = 1;
    offsets[1] = 4;
    CHECK(rr_event_items(&rows, &items, &n_items, NULL, &error) == RR_ERR_ARGUMENT);
    offsets[1] = 3;
    offsets[2] = 2;
    CHECK(rr_event_items(&rows, &items, &n_items, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 1);
    offsets[2] = 3;
    duration[1] = -1;
    CHECK(rr_event_items(&rows, &items, &n_items, NULL, &error) == RR_ERR_VALUE && error.row == 1);
    censored[1] = -1;
    CHECK(rr_mean_count(&cells, n_cells, NULL, NULL, &error) == RR_ERR_ARGUMENT && error.row == 1);
}

static int stop_at_once(void *context, int64_t done, int64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    return 1;
}

static void test_failures(void)
{
    static double std_error[CELLS * CAUSES];
    const rr_call call = {stop_at_once, NULL, 1, NULL};
    int64_t clusters[GROUPS], k = 0;
    rr_status status;

    CHECK(rr_curve_clusters(&t.rows, t.n_causes, 0, &made.cells, made.n, clusters, std_error, &call,
                            NULL) == RR_ERR_INTERRUPTED);
    do {
        failing_allocation = k++;
        status = rr_curve_clusters(&t.rows, t.n_causes, 0, &made.cells, made.n, clusters, std_error,
                                   NULL, NULL);
        CHECK(status == RR_OK || status == RR_ERR_MEMORY);
    } while (status != RR_OK);
    failing_allocation = -1;
    CHECK(k > 10); /* there are more allocations than that */
}

int main(void)
{
    uint64_t random = 19610227;

    for (int round = 0; round < 40; round++) {
        int64_t n = random_below(&random, round % 2 ? 20 : ROWS);

        fill(n, 1 + random_below(&random, GROUPS), 1 + random_below(&random, CLUSTERS),
             1 + round % CAUSES, &random);
        test_curve_clusters();
        test_order();
    }
    test_failures();
    test_refusals();
    test_mean_count();
    printf("influence: ok\n");
    return 0;
}
