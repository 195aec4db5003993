/* Tallies, cluster sums and curves against counts in plain tables. */
#include "check.h"
#include "tally.h"

#include <math.h>
#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { ROWS = 40000, GROUPS = 7, CLUSTERS = 900, DAYS = 400, CAUSES = 3 };

typedef struct table {
    int32_t group[ROWS];
    uint32_t cluster[ROWS];
    int32_t duration[ROWS];
    uint8_t hit[ROWS];
    int8_t cause[ROWS];
    uint8_t use[ROWS];
    rr_grouped rows;
} table;

static table t; /* large for a stack */

/* Cluster k has the code k * step, day k the number k * stretch: far apart or close together,
 * so that words of every width are sorted. Rows that are not used hold what no used row may. */
static void fill(int64_t n, int64_t groups, int64_t clusters, uint32_t step, int64_t days,
                 int32_t stretch, int causes, uint64_t *random)
{
    for (int64_t i = 0; i < n; i++) {
        t.use[i] = random_below(random, 5) != 0;
        t.hit[i] = (uint8_t)(random_below(random, 3) == 0 ? 1 + random_below(random, 255) : 0);
        t.cause[i] = (int8_t)(t.use[i] ? random_below(random, causes + 1) : -1);
        t.group[i] = t.use[i] ? (int32_t)random_below(random, groups) : -7;
        t.cluster[i] = t.use[i] ? (uint32_t)random_below(random, clusters) * step : RR_NULL_KEY;
        t.duration[i] = t.use[i] ? (int32_t)random_below(random, days) * stretch : -1;
    }
    t.rows = (rr_grouped){t.group, t.use, n, groups};
}

static void test_tally(void)
{
    int64_t n[GROUPS], linked[GROUPS], n_expected[GROUPS] = {0}, linked_expected[GROUPS] = {0};

    for (int64_t i = 0; i < t.rows.n; i++) {
        if (t.use[i]) {
            n_expected[t.group[i]]++;
            linked_expected[t.group[i]] += t.hit[i] != 0;
        }
    }
    CHECK(rr_tally(&t.rows, t.hit, n, linked, NULL, NULL) == RR_OK);
    for (int64_t g = 0; g < t.rows.n_groups; g++) {
        CHECK(n[g] == n_expected[g]);
        CHECK(linked[g] == linked_expected[g]);
    }
    memset(linked, 1, sizeof linked);
    CHECK(rr_tally(&t.rows, t.hit, NULL, linked, NULL, NULL) == RR_OK);
    CHECK(t.rows.n_groups == 0 || linked[0] == linked_expected[0]);
}

static void test_clusters(uint32_t step)
{
    static int64_t n[GROUPS][CLUSTERS], x[GROUPS][CLUSTERS];
    int64_t clusters[GROUPS], n_squared[GROUPS], n_linked[GROUPS], linked_squared[GROUPS];
    rr_cluster_sums sums = {clusters, n_squared, n_linked, linked_squared}, one = {0};

    memset(n, 0, sizeof n);
    memset(x, 0, sizeof x);
    for (int64_t i = 0; i < t.rows.n; i++) {
        if (t.use[i]) {
            n[t.group[i]][t.cluster[i] / step]++;
            x[t.group[i]][t.cluster[i] / step] += t.hit[i] != 0;
        }
    }
    CHECK(rr_tally_clusters(&t.rows, t.cluster, t.hit, &sums, NULL, NULL) == RR_OK);
    for (int64_t g = 0; g < t.rows.n_groups; g++) {
        int64_t count = 0, nn = 0, nx = 0, xx = 0;

        for (int c = 0; c < CLUSTERS; c++) {
            count += n[g][c] > 0;
            nn += n[g][c] * n[g][c];
            nx += n[g][c] * x[g][c];
            xx += x[g][c] * x[g][c];
        }
        CHECK(clusters[g] == count);
        CHECK(n_squared[g] == nn);
        CHECK(n_linked[g] == nx);
        CHECK(linked_squared[g] == xx);
    }
    one.linked_squared = clusters;
    CHECK(rr_tally_clusters(&t.rows, t.cluster, t.hit, &one, NULL, NULL) == RR_OK);
    CHECK(memcmp(clusters, linked_squared, (size_t)t.rows.n_groups * sizeof *clusters) == 0);
}

static void test_days(int32_t stretch, int32_t beyond, int n_causes)
{
    static int64_t left[GROUPS][DAYS][CAUSES + 1];
    static int32_t group[ROWS + GROUPS], day[ROWS + GROUPS];
    static int64_t events[(ROWS + GROUPS) * CAUSES], censored[ROWS + GROUPS];
    rr_cells cells = {group, day, events, censored}, none = {0};
    int32_t longest = 0;
    int64_t n_cells = -1, at = 0;

    memset(left, 0, sizeof left);
    for (int64_t i = 0; i < t.rows.n; i++) {
        if (t.use[i]) {
            left[t.group[i]][t.duration[i] / stretch][t.cause[i]]++;
        }
    }
    CHECK(rr_longest(&t.rows, t.duration, &longest, NULL, NULL) == RR_OK);
    for (int64_t i = 0; i < t.rows.n; i++) {
        CHECK(!t.use[i] || t.duration[i] <= longest);
    }
    longest = longest > INT32_MAX - beyond ? INT32_MAX : longest + beyond;
    CHECK(rr_tally_days(&t.rows, t.duration, t.cause, n_causes, longest, &cells, &n_cells, NULL,
                        NULL) == RR_OK);
    CHECK(n_cells <= rr_tally_days_room(t.rows.n, t.rows.n_groups, longest));
    for (int32_t g = 0; g < t.rows.n_groups; g++) {
        for (int32_t d = 0; d < DAYS; d++) {
            int64_t all = 0;

            for (int k = 0; k <= n_causes; k++) {
                all += left[g][d][k];
            }
            if (d > 0 && all == 0) {
                continue;
            }
            CHECK(at < n_cells);
            CHECK(group[at] == g && day[at] == d * stretch && censored[at] == left[g][d][0]);
            for (int k = 0; k < n_causes; k++) {
                CHECK(events[at * n_causes + k] == left[g][d][k + 1]);
            }
            at++;
        }
    }
    CHECK(at == n_cells);
    CHECK(rr_tally_days(&t.rows, t.duration, t.cause, n_causes, longest, &none, &at, NULL, NULL) ==
          RR_OK);
    CHECK(at == n_cells);
}

static void test_room(void)
{
    CHECK(rr_tally_days_room(10, 3, 2) == 3 + 6);
    CHECK(rr_tally_days_room(5, 3, 2) == 3 + 5);
    CHECK(rr_tally_days_room(7, 3, 2) == 3 + 6);
    CHECK(rr_tally_days_room(6, 3, 2) == 3 + 6);
    CHECK(rr_tally_days_room(5, 3, 0) == 3);
    CHECK(rr_tally_days_room(0, 0, 5) == 0);
    CHECK(rr_tally_days_room(INT64_MAX - 3, 3, INT32_MAX) == 3 + INT64_C(3) * INT32_MAX);
    CHECK(rr_tally_days_room(INT64_MAX, INT64_MAX / 2, INT32_MAX) == -1);
    CHECK(rr_tally_days_room(-1, 1, 1) == -1);
    CHECK(rr_tally_days_room(1, -1, 1) == -1);
    CHECK(rr_tally_days_room(1, 1, -1) == -1);
    CHECK(rr_curve_room(7, 3) == 21 && rr_curve_room(0, 1) == 0);
    CHECK(rr_curve_room(-1, 1) == -1 && rr_curve_room(1, 0) == -1);
    CHECK(rr_curve_room(1, RR_CAUSES_MAX + 1) == -1 && rr_curve_room(INT64_MAX / 2, 3) == -1);
}

static void test_refusals(void)
{
    int32_t group[] = {0, 1, 2}, duration[] = {4, -3, 9}, bad_group[] = {0, -1, 1};
    uint32_t cluster[] = {5, 5, RR_NULL_KEY};
    uint8_t hit[] = {1, 0, 1};
    int8_t cause[] = {1, 0, 1};
    int64_t out[4][3];
    rr_cluster_sums sums = {out[0], out[1], out[2], out[3]};
    rr_cells none = {0};
    int64_t n_cells;
    int32_t longest;
    rr_grouped rows = {group, NULL, 3, 2};
    rr_error error;

    CHECK(rr_tally(&rows, hit, out[0], out[1], NULL, &error) == RR_ERR_ARGUMENT && error.row == 2);
    CHECK(rr_tally_clusters(&rows, cluster, hit, &sums, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 2);
    rows.group = bad_group;
    CHECK(rr_tally(&rows, hit, out[0], out[1], NULL, &error) == RR_ERR_ARGUMENT && error.row == 1);
    rows.group = NULL;
    CHECK(rr_tally_clusters(&rows, cluster, hit, &sums, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 2); /* the null cluster */
    CHECK(rr_longest(&rows, duration, &longest, NULL, &error) == RR_ERR_VALUE);
    CHECK(error.row == 1 && strcmp(error.value, "-3") == 0);
    for (int sorts = 0; sorts < 2; sorts++) { /* so many groups that the rows are sorted */
        rr_grouped either = {sorts ? group : NULL, NULL, 3, sorts ? 1000000 : 2};

        CHECK(rr_tally_days(&either, duration, cause, 1, 9, &none, &n_cells, NULL, &error) ==
              RR_ERR_VALUE);
        CHECK(error.row == 1 && strcmp(error.value, "-3") == 0 && n_cells == 0);
        duration[1] = 3;
        CHECK(rr_tally_days(&either, duration, cause, 1, 8, &none, &n_cells, NULL, &error) ==
              RR_ERR_VALUE);
        CHECK(error.row == 2 && strcmp(error.value, "9") == 0);
        group[1] = -1;
        either.group = group;
        CHECK(rr_tally_days(&either, duration, cause, 1, 9, &none, &n_cells, NULL, &error) ==
              RR_ERR_ARGUMENT);
        CHECK(error.row == 1);
        group[1] = 1;
        either.group = NULL;
        for (int k = 0; k < 2; k++) {
            cause[2] = k ? 3 : -1;
            CHECK(rr_tally_days(&either, duration, cause, 2, 9, &none, &n_cells, NULL, &error) ==
                  RR_ERR_VALUE);
            CHECK(error.row == 2 && strcmp(error.value, k ? "3" : "-1") == 0);
        }
        cause[2] = 1;
        duration[1] = -3;
    }
    CHECK(rr_tally_days(&rows, duration, cause, 1, -1, &none, &n_cells, NULL, NULL) ==
          RR_ERR_ARGUMENT);
    CHECK(rr_tally_days(&rows, duration, cause, 0, 9, &none, &n_cells, NULL, NULL) ==
          RR_ERR_ARGUMENT);
    rows.n = INT64_C(3037000500); /* its square is above INT64_MAX */
    CHECK(rr_tally_clusters(&rows, cluster, hit, &sums, NULL, NULL) == RR_ERR_TOO_LARGE);
    rows = (rr_grouped){group, NULL, 3, (int64_t)INT32_MAX + 1};
    CHECK(rr_tally(&rows, hit, NULL, NULL, NULL, NULL) == RR_ERR_TOO_LARGE);
    rows.n_groups = -1;
    CHECK(rr_tally(&rows, hit, NULL, NULL, NULL, NULL) == RR_ERR_ARGUMENT);
}

static int stop_at_once(void *context, int64_t done, int64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    return 1;
}

/* Every allocation fails once, of which each job has five or more, and what is left over is found by
 * the sanitizers. */
static void test_failures(uint64_t *random)
{
    const rr_call call = {stop_at_once, NULL, 1, NULL};
    int64_t n[GROUPS], n_cells;
    rr_cluster_sums sums = {n, NULL, NULL, NULL};
    rr_cells none = {0};
    rr_status status;
    int failed = 0;

    fill(1000, GROUPS, CLUSTERS, 1, DAYS, 1, 1, random);
    CHECK(rr_tally(&t.rows, t.hit, n, n, &call, NULL) == RR_ERR_INTERRUPTED);
    CHECK(rr_tally_clusters(&t.rows, t.cluster, t.hit, &sums, &call, NULL) == RR_ERR_INTERRUPTED);
    CHECK(rr_tally_days(&t.rows, t.duration, t.cause, 1, DAYS, &none, &n_cells, &call, NULL) ==
          RR_ERR_INTERRUPTED);
    CHECK(rr_tally_days(&t.rows, t.duration, t.cause, 1, INT32_MAX, &none, &n_cells, &call, NULL) ==
          RR_ERR_INTERRUPTED);
    for (int job = 0; job < 3; job++) {
        int64_t k = 0;

        do {
            failing_allocation = k++;
            status = job == 0
                         ? rr_tally_clusters(&t.rows, t.cluster, t.hit, &sums, NULL, NULL)
                         : rr_tally_days(&t.rows, t.duration, t.cause, 1,
                                         job == 1 ? DAYS : INT32_MAX, &none, &n_cells, NULL, NULL);
            CHECK(status == RR_OK || status == RR_ERR_MEMORY);
            failed += status != RR_OK;
        } while (status != RR_OK);
        failing_allocation = -1;
    }
    CHECK(failed >= 3 * 5);
}

/* The textbook's product and sum, in long double, one factor a day. */
static void test_curve(uint64_t *random, int with_censoring)
{
    enum { CELLS = 300 };
    int32_t group[CELLS];
    int64_t events[CELLS], censored[CELLS], at_risk[CELLS];
    double risk[CELLS], std_error[CELLS];
    rr_cells cells = {group, NULL, events, censored};
    int64_t n = random_below(random, CELLS), left = 0;
    long double survival = 1, sum = 0;

    for (int64_t i = 0; i < n; i++) {
        group[i] = i == 0 ? 0 : group[i - 1] + (random_below(random, 20) == 0);
        events[i] = random_below(random, 2) * random_below(random, 50);
        censored[i] = with_censoring ? random_below(random, 3) * random_below(random, 9) : 0;
    }
    CHECK(rr_curve(&cells, n, 1, at_risk, risk, std_error, NULL, NULL) == RR_OK);
    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || group[i] != group[i - 1]) {
            left = 0;
            for (int64_t j = i; j < n && group[j] == group[i]; j++) {
                left += events[j] + censored[j];
            }
            survival = 1;
            sum = 0;
        }
        CHECK(at_risk[i] == left);
        if (left == 0) {
            CHECK(isnan(std_error[i]));
            CHECK(isnan(risk[i]) || risk[i] == 1);
            continue;
        }
        survival *= (long double)(left - events[i]) / (long double)left;
        if (events[i] == left) {
            CHECK(risk[i] == 1 && isnan(std_error[i]));
        } else {
            sum += (long double)events[i] / ((long double)left * (long double)(left - events[i]));
            CHECK(fabsl((long double)risk[i] - (1 - survival)) < 1e-14L);
            CHECK(fabsl((long double)std_error[i] - survival * sqrtl(sum)) < 1e-14L);
        }
        left -= events[i] + censored[i];
    }
}

/* The sums of Marubini and Valsecchi, in long double, one by one. */
static void test_competing(uint64_t *random, int with_censoring)
{
    enum { CELLS = 60, K = 3 };
    int32_t group[CELLS] = {0};
    int64_t events[CELLS * K], censored[CELLS], at_risk[CELLS], left = 0;
    double risk[CELLS * K], std_error[CELLS * K];
    rr_cells cells = {group, NULL, events, censored};
    int64_t n = 1 + random_below(random, CELLS - 1);
    long double s[CELLS + 1], f[CELLS][K];

    for (int64_t i = 0; i < n; i++) {
        for (int k = 0; k < K; k++) {
            events[i * K + k] = random_below(random, 2) * random_below(random, 9);
        }
        censored[i] = with_censoring ? random_below(random, 3) * random_below(random, 9) : 0;
    }
    events[0]++; /* the group is not empty */
    events[n * K - 1] = 2;
    CHECK(rr_curve(&cells, n, K, at_risk, risk, std_error, NULL, NULL) == RR_OK);
    s[0] = 1;
    for (int64_t i = n; i-- > 0;) {
        left += censored[i] + events[i * K] + events[i * K + 1] + events[i * K + 2];
        CHECK(at_risk[i] == left);
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t d = events[i * K] + events[i * K + 1] + events[i * K + 2];

        s[i + 1] = s[i] * (long double)(at_risk[i] - d) / (long double)at_risk[i];
        for (int k = 0; k < K; k++) {
            long double variance = 0;

            f[i][k] = (i > 0 ? f[i - 1][k] : 0) +
                      s[i] * (long double)events[i * K + k] / (long double)at_risk[i];
            CHECK(fabsl((long double)risk[i * K + k] - f[i][k]) < 1e-14L);
            for (int64_t j = 0; j <= i; j++) {
                long double y = (long double)at_risk[j], dk = (long double)events[j * K + k];
                long double dj = (long double)(events[j * K] + events[j * K + 1] +
                                               events[j * K + 2]);
                long double rise = f[i][k] - f[j][k];

                variance += s[j] * s[j] * dk * (y - dk) / (y * y * y) -
                            2 * rise * s[j] * dk / (y * y);
                variance += dj < y ? rise * rise * dj / (y * (y - dj)) : 0;
            }
            CHECK(fabsl((long double)std_error[i * K + k] * (long double)std_error[i * K + k] -
                        variance) < 1e-15L);
        }
    }
}

static void test_limits(void)
{
    const double risk[] = {0, 1, NAN, 0.2638888888888889, 1e-9},
                 std_error[] = {0, NAN, NAN, 0.0212051019809588, 1e-9};
    double lower[5], upper[5];
    int32_t group[] = {0, 0};
    int64_t bad[] = {3, -1}, good[] = {0, 0};
    rr_cells cells = {group, NULL, good, bad};
    rr_error error;

    CHECK(rr_loglog_limits(5, risk, std_error, 1.959963984540054, lower, upper, NULL, NULL) ==
          RR_OK);
    CHECK(lower[0] == 0 && upper[0] == 0);
    CHECK(isnan(lower[1]) && isnan(upper[1]) && isnan(lower[2]) && isnan(upper[2]));
    /* R survival: S(52) of the Rossi data lies between 0.691859715796487 and 0.775063183374674 */
    CHECK(fabs(lower[3] - (1 - 0.775063183374674)) < 1e-12);
    CHECK(fabs(upper[3] - (1 - 0.691859715796487)) < 1e-12);
    CHECK(0 < lower[4] && lower[4] < risk[4] && risk[4] < upper[4] && upper[4] < 1e-8);
    CHECK(rr_curve(&cells, 2, 1, NULL, NULL, NULL, NULL, &error) == RR_ERR_ARGUMENT &&
          error.row == 1);
}

int main(void)
{
    uint64_t random = 19811012;

    for (int round = 0; round < 60; round++) {
        int64_t n = round == 0  ? 0
                    : round % 3 ? random_below(&random, 300)
                                : random_below(&random, ROWS);
        int64_t groups = 1 + random_below(&random, GROUPS);
        uint32_t step = round % 2 ? 1 : (RR_NULL_KEY - 1) / CLUSTERS;
        int causes = 1 + round % CAUSES;
        int32_t stretch = round % 4 < 2 ? 1 : INT32_MAX / DAYS;

        fill(n, groups, 1 + random_below(&random, CLUSTERS), step, 1 + random_below(&random, DAYS),
             stretch, causes, &random);
        test_tally();
        test_clusters(step);
        test_days(stretch, 0, causes);
        test_days(stretch, INT32_MAX, causes);
    }
    fill(ROWS, 1, 1, 1, 1, 1, 1, &random); /* many rows whose keys have hardly a bit */
    test_clusters(1);
    test_days(1, INT32_MAX, 1);
    t.rows = (rr_grouped){NULL, NULL, 0, 0};
    test_tally();
    test_days(1, 0, 1);
    test_room();
    test_refusals();
    test_failures(&random);
    for (int i = 0; i < 300; i++) {
        test_curve(&random, i % 2);
        test_competing(&random, i % 2);
    }
    test_limits();
    printf("tally: ok\n");
    return 0;
}
