#include "internal.h"

#include <math.h>

/* The state at the last time that somebody was censored. From there on the product of quotients
 * telescopes, and so does Greenwood's sum, d / (n (n - d)) = 1 / (n - d) - 1 / n: what follows is
 * one step from here, not a chain of rounded factors, and without censoring it is the plain
 * quotient. */
typedef struct anchor {
    double n; /* at risk after it */
    double survival;
    double risk;
    double greenwood;
} anchor;

static int64_t rows_of(const rr_cells *cells, int64_t first, int64_t end)
{
    int64_t n = 0;

    for (int64_t i = first; i < end; i++) {
        n += cells->events[i] + cells->censored[i];
    }
    return n;
}

static void curve_of_group(const rr_cells *cells, int64_t first, int64_t end, int64_t *at_risk,
                           double *risk, double *std_error)
{
    int64_t left = rows_of(cells, first, end), since = 0;
    anchor from = {(double)left, 1.0, 0.0, 0.0};

    for (int64_t i = first; i < end; i++) {
        double rest = (double)(left - cells->events[i]);
        anchor now = {rest, NAN, NAN, NAN};

        since += cells->events[i];
        if (rest > 0) {
            now.survival = from.survival * (rest / from.n);
            now.risk = from.risk + from.survival * ((double)since / from.n);
            now.greenwood = from.greenwood + (double)since / (from.n * rest);
        } else if (left > 0) {
            now.risk = 1.0;
        }
        if (at_risk != NULL) {
            at_risk[i] = left;
        }
        if (risk != NULL) {
            risk[i] = now.risk;
        }
        if (std_error != NULL) {
            std_error[i] = now.survival * sqrt(now.greenwood);
        }
        left -= cells->events[i] + cells->censored[i];
        if (cells->censored[i] > 0) {
            from = now;
            from.n = (double)left;
            since = 0;
        }
    }
}

rr_status rr_curve(const rr_cells *cells, int64_t n_cells, int64_t *at_risk, double *risk,
                   double *std_error, rr_error *error)
{
    for (int64_t first = 0, end; first < n_cells; first = end) {
        for (end = first; end < n_cells && cells->group[end] == cells->group[first]; end++) {
            if (cells->events[end] < 0 || cells->censored[end] < 0) {
                rr_fail(error, RR_ERR_ARGUMENT, "a count is negative");
                if (error != NULL) {
                    error->row = end;
                }
                return RR_ERR_ARGUMENT;
            }
        }
        curve_of_group(cells, first, end, at_risk, risk, std_error);
    }
    return RR_OK;
}

void rr_loglog_limits(int64_t n, const double *risk, const double *std_error, double z,
                      double *lower, double *upper)
{
    for (int64_t i = 0; i < n; i++) {
        double low = NAN, high = NAN;

        if (risk[i] == 0.0) {
            low = high = 0.0;
        } else if (risk[i] > 0.0 && risk[i] < 1.0) {
            double log_survival = log1p(-risk[i]);
            double factor = exp(z * std_error[i] / ((1.0 - risk[i]) * log_survival));

            low = -expm1(log_survival * factor);
            high = -expm1(log_survival / factor);
        }
        if (lower != NULL) {
            lower[i] = low;
        }
        if (upper != NULL) {
            upper[i] = high;
        }
    }
}
