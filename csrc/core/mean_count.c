#include "tally_internal.h"

#include <math.h>
#include <stdio.h>

static rr_status fail_day(rr_error *error, int64_t row, int32_t day, const char *sentence)
{
    char digits[16];

    rr_fail_row(error, RR_ERR_VALUE, row, sentence);
    rr_fail_value(error, digits, snprintf(digits, sizeof digits, "%ld", (long)day));
    return RR_ERR_VALUE;
}

rr_status rr_fail_event_day(rr_error *error, int64_t row, int32_t day)
{
    return fail_day(error, row, day,
                    day < 0 ? "the day of an event is negative"
                            : "an event comes after the end of its row");
}

/* The days of a row, of which several events on one are one; counted, and written if asked for. */
static rr_status days_of_row(const rr_histories *rows, int64_t row, int32_t *day, int64_t *n,
                             rr_error *error)
{
    int32_t before = -1;

    *n = 0;
    for (int64_t i = rows->offsets[row]; i < rows->offsets[row + 1]; i++) {
        int32_t now = rows->days[i];

        if (now < 0 || now > rows->duration[row]) {
            return rr_fail_event_day(error, row, now);
        }
        if (now < before) {
            return fail_day(error, row, now, "the days of a row must not fall");
        }
        if (now > before) {
            day[(*n)++] = now;
        }
        before = now;
    }
    return RR_OK;
}

rr_status rr_event_items(const rr_histories *rows, const rr_items *items, int64_t *n_items,
                         const rr_call *call, rr_error *error)
{
    rr_status status = rr_check_grouped(&rows->grouped, error);
    int64_t at = 0;

    *n_items = 0;
    if (status != RR_OK) {
        return status;
    }
    if (rows->grouped.n >= RR_NULL_KEY) {
        return rr_fail(error, RR_ERR_TOO_LARGE, "more rows than can be told apart");
    }
    for (int64_t i = 0; i < rows->grouped.n; i++) {
        int64_t g = rr_group_of(&rows->grouped, i), n;

        if (rows->offsets[i] < 0 || rows->offsets[i + 1] < rows->offsets[i] ||
            rows->offsets[i + 1] > rows->n_days) {
            return rr_fail_row(error, RR_ERR_ARGUMENT, i,
                               "the offsets fall, or leave the days of the events");
        }
        if (g == RR_NOT_COUNTED) {
            continue;
        }
        if (g >= rows->grouped.n_groups) {
            return rr_fail_group(error, i);
        }
        if (rows->duration[i] < 0) {
            return rr_fail_duration(error, i, rows->duration[i]);
        }
        status = days_of_row(rows, i, items->day + at, &n, error);
        if (status != RR_OK) {
            return status;
        }
        items->day[at + n] = rows->duration[i];
        for (int64_t j = at; j <= at + n; j++) {
            items->group[j] = (int32_t)g;
            items->cause[j] = RR_REPEATED;
            items->cluster[j] = rows->cluster != NULL ? rows->cluster[i] : (uint32_t)i;
        }
        items->cause[at + n] = rows->terminal[i] ? RR_TERMINAL : RR_CENSORED;
        at += n + 1;
        if (i % RR_POLL_ROWS == 0 && rr_stopped(call, i, rows->grouped.n)) {
            return rr_fail(error, RR_ERR_INTERRUPTED, "interrupted");
        }
    }
    *n_items = at;
    return RR_OK;
}

static void mean_of_group(const rr_cells *cells, int64_t first, int64_t end, int64_t *at_risk,
                          double *mean)
{
    int64_t left = 0, since = 0;
    /* Between two censorings the survival falls as the number at risk does, so that an event adds the
     * same to the mean: the survival over the number at risk after the last of them. */
    double from_n, from_survival = 1, from_mean = 0;

    for (int64_t i = first; i < end; i++) {
        left += cells->censored[i] + cells->events[i * RR_ITEM_CAUSES + RR_TERMINAL - 1];
    }
    from_n = (double)left;
    for (int64_t i = first; i < end; i++) {
        int64_t rest = left - cells->events[i * RR_ITEM_CAUSES + RR_TERMINAL - 1];
        double now;

        since += cells->events[i * RR_ITEM_CAUSES + RR_REPEATED - 1];
        now = left > 0 ? from_mean + from_survival * ((double)since / from_n) : NAN;
        if (at_risk != NULL) {
            at_risk[i] = left;
        }
        if (mean != NULL) {
            mean[i] = now;
        }
        left = rest - cells->censored[i];
        if (cells->censored[i] > 0) {
            from_survival *= (double)rest / from_n;
            from_mean = now;
            from_n = (double)left;
            since = 0;
        }
    }
}

rr_status rr_mean_count(const rr_cells *cells, int64_t n_cells, int64_t *at_risk, double *mean,
                        rr_error *error)
{
    for (int64_t first = 0, end; first < n_cells; first = end) {
        for (end = first; end < n_cells && cells->group[end] == cells->group[first]; end++) {
            if (cells->censored[end] < 0 || cells->events[end * RR_ITEM_CAUSES] < 0 ||
                cells->events[end * RR_ITEM_CAUSES + 1] < 0) {
                return rr_fail_row(error, RR_ERR_ARGUMENT, end, "a count is negative");
            }
        }
        mean_of_group(cells, first, end, at_risk, mean);
    }
    return RR_OK;
}

static void limit_log(double mean, double std_error, double z, double *lower, double *upper)
{
    double factor = mean > 0 ? exp(z * std_error / mean) : 1;

    *lower = mean / factor;
    *upper = mean * factor;
}

rr_status rr_log_limits(int64_t n, const double *mean, const double *std_error, double z,
                        double *lower, double *upper, const rr_call *call, rr_error *error)
{
    return rr_limits(limit_log, n, mean, std_error, z, lower, upper, call, error);
}
