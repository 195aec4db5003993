#include "internal.h"
#include "tally.h"

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

/* The same where causes compete. The step from here is multinomial: of the n, some left by the cause,
 * some by another, the rest stayed. */
typedef struct crossing {
    double n;
    double survival;
    double risk;
    double var_survival;
    double var_risk;
    double covariance;
} crossing;

/* `at_risk` by cell, the others by cell and cause. */
typedef struct outputs {
    int64_t *at_risk;
    double *risk;
    double *std_error;
    int n_causes;
} outputs;

static int64_t events_of(const rr_cells *cells, int n_causes, int64_t cell)
{
    int64_t n = 0;

    for (int k = 0; k < n_causes; k++) {
        n += cells->events[cell * n_causes + k];
    }
    return n;
}

static int64_t rows_of(const rr_cells *cells, int n_causes, int64_t first, int64_t end)
{
    int64_t n = 0;

    for (int64_t i = first; i < end; i++) {
        n += events_of(cells, n_causes, i) + cells->censored[i];
    }
    return n;
}

static inline void put(const outputs *out, int64_t cell, int64_t at, int64_t at_risk, double risk,
                       double std_error)
{
    if (out->at_risk != NULL) {
        out->at_risk[cell] = at_risk;
    }
    if (out->risk != NULL) {
        out->risk[at] = risk;
    }
    if (out->std_error != NULL) {
        out->std_error[at] = std_error;
    }
}

static void kaplan_meier(const rr_cells *cells, int64_t first, int64_t end, const outputs *out)
{
    int64_t left = rows_of(cells, 1, first, end), since = 0;
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
        put(out, i, i, left, now.risk, now.survival * sqrt(now.greenwood));
        left -= cells->events[i] + cells->censored[i];
        if (cells->censored[i] > 0) {
            from = now;
            from.n = (double)left;
            since = 0;
        }
    }
}

/* From `from`, `by_cause` of its n left by the cause and `rest` stayed. */
static crossing cross(const crossing *from, int64_t by_cause, int64_t rest)
{
    double n = from->n, s2 = from->survival * from->survival;
    double cause = (double)by_cause / n, stay = (double)rest / n;
    double not_cause = (n - (double)by_cause) / n, go = (n - (double)rest) / n;
    crossing now = {
        (double)rest, from->survival * stay, from->risk + from->survival * cause, 0, 0, 0};

    now.var_risk = from->var_risk + 2 * cause * from->covariance +
                   cause * cause * from->var_survival + s2 * cause * not_cause / n;
    now.covariance = stay * (from->covariance + cause * from->var_survival) - s2 * cause * stay / n;
    now.var_survival = stay * stay * from->var_survival + s2 * go * stay / n;
    return now;
}

static void aalen_johansen(const rr_cells *cells, int64_t first, int64_t end, int k,
                           const outputs *out)
{
    int n_causes = out->n_causes;
    int64_t left = rows_of(cells, n_causes, first, end), since = 0, others = 0;
    crossing from = {(double)left, 1, 0, 0, 0, 0};

    for (int64_t i = first; i < end; i++) {
        int64_t mine = cells->events[i * n_causes + k], all = events_of(cells, n_causes, i);
        int64_t rest = left - all;

        since += mine;
        others += all - mine;
        if (left == 0) {
            put(out, i, i * n_causes + k, 0, NAN, NAN);
        } else if (rest == 0 && others == 0) {
            put(out, i, i * n_causes + k, left, 1.0, NAN);
        } else {
            crossing now = cross(&from, since, rest);

            put(out, i, i * n_causes + k, left, now.risk, sqrt(fmax(now.var_risk, 0)));
            if (cells->censored[i] > 0) {
                from = now;
                from.n = (double)(rest - cells->censored[i]);
                since = 0;
            }
        }
        left = rest - cells->censored[i];
    }
}

rr_status rr_curve(const rr_cells *cells, int64_t n_cells, int n_causes, int64_t *at_risk,
                   double *risk, double *std_error, rr_error *error)
{
    const outputs out = {at_risk, risk, std_error, n_causes};

    if (n_causes < 1 || n_causes > RR_CAUSES_MAX) {
        return rr_fail(error, RR_ERR_ARGUMENT, "the number of causes is out of range");
    }
    for (int64_t first = 0, end; first < n_cells; first = end) {
        for (end = first; end < n_cells && cells->group[end] == cells->group[first]; end++) {
            int negative = cells->censored[end] < 0;

            for (int k = 0; k < n_causes; k++) {
                negative |= cells->events[end * n_causes + k] < 0;
            }
            if (negative) {
                return rr_fail_row(error, RR_ERR_ARGUMENT, end, "a count is negative");
            }
        }
        if (n_causes == 1) {
            kaplan_meier(cells, first, end, &out);
        } else {
            for (int k = 0; k < n_causes; k++) {
                aalen_johansen(cells, first, end, k, &out);
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
