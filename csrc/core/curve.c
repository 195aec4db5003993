#include "internal.h"

#include <math.h>

rr_status rr_curve(int64_t n_cells, const int32_t *cell_group, const int64_t *events,
                   const int64_t *censored, int64_t *at_risk, double *risk, double *std_error,
                   rr_error *error)
{
    for (int64_t first = 0, end; first < n_cells; first = end) {
        int64_t left = 0;
        /* The last time that somebody was censored. From there on the product of quotients and
         * Greenwood's sum telescope, so what follows is computed in one step from the anchor and
         * not as a chain of rounded factors:
         *   S = anchor_s * rest / anchor_n,  sum d / (n (n - d)) = (anchor_n - rest) / (anchor_n
         * rest). */
        double anchor_n, anchor_s = 1.0, anchor_risk = 0.0, anchor_sum = 0.0;
        int64_t since = 0;

        for (end = first; end < n_cells && cell_group[end] == cell_group[first]; end++) {
            if (events[end] < 0 || censored[end] < 0) {
                rr_fail(error, RR_ERR_ARGUMENT, "a count is negative");
                if (error != NULL) {
                    error->row = end;
                }
                return RR_ERR_ARGUMENT;
            }
            left += events[end] + censored[end];
        }
        anchor_n = (double)left;
        for (int64_t i = first; i < end; i++) {
            double rest, s, now, sum;

            if (at_risk != NULL) {
                at_risk[i] = left;
            }
            since += events[i];
            rest = (double)(left - events[i]);
            s = anchor_s * (rest / anchor_n);
            now = rest == 0 ? 1.0 : anchor_risk + anchor_s * ((double)since / anchor_n);
            sum = anchor_sum + (double)since / (anchor_n * rest);
            if (left == 0) {
                now = NAN;
            }
            if (risk != NULL) {
                risk[i] = now;
            }
            if (std_error != NULL) {
                std_error[i] = rest == 0 ? NAN : s * sqrt(sum);
            }
            left -= events[i] + censored[i];
            if (censored[i] > 0) {
                anchor_n = (double)left;
                anchor_s = s;
                anchor_risk = now;
                anchor_sum = sum;
                since = 0;
            }
        }
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
            double log_s = log1p(-risk[i]);
            double step = z * std_error[i] / ((1.0 - risk[i]) * log_s);

            low = -expm1(log_s * exp(step));
            high = -expm1(log_s * exp(-step));
        }
        if (lower != NULL) {
            lower[i] = low;
        }
        if (upper != NULL) {
            upper[i] = high;
        }
    }
}
