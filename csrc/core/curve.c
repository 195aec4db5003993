#include "tally_internal.h"

#include <math.h>
#include <stdlib.h>

/* Cells, and limits, of a task. */
enum { TASK_CELLS = 1 << 14 };

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

/* Without `with_error` the standard errors are not wanted: two thirds of the time are their divisions
 * and roots. */
static inline void kaplan_meier(const rr_cells *cells, int64_t first, int64_t end,
                                const outputs *out, int with_error)
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
            now.greenwood = with_error ? from.greenwood + (double)since / (from.n * rest)
                                       : from.greenwood;
        } else if (left > 0) {
            now.risk = 1.0;
        }
        put(out, i, i, left, now.risk, with_error ? now.survival * sqrt(now.greenwood) : NAN);
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

typedef struct curving {
    const rr_cells *cells;
    const outputs *out;
    int64_t *start; /* by task: its first cell, with which a group begins */
} curving;

static rr_status curve_groups(void *job, int64_t task, int worker, rr_error *error)
{
    const curving *in = job;
    const rr_cells *cells = in->cells;
    int n_causes = in->out->n_causes;

    (void)worker;
    for (int64_t first = in->start[task], end; first < in->start[task + 1]; first = end) {
        for (end = first; end < in->start[task + 1] && cells->group[end] == cells->group[first];
             end++) {
            int negative = cells->censored[end] < 0;

            for (int k = 0; k < n_causes; k++) {
                negative |= cells->events[end * n_causes + k] < 0;
            }
            if (negative) {
                return rr_fail_row(error, RR_ERR_ARGUMENT, end, "a count is negative");
            }
        }
        if (n_causes == 1 && in->out->std_error != NULL) {
            kaplan_meier(cells, first, end, in->out, 1);
        } else if (n_causes == 1) {
            kaplan_meier(cells, first, end, in->out, 0);
        } else {
            for (int k = 0; k < n_causes; k++) {
                aalen_johansen(cells, first, end, k, in->out);
            }
        }
    }
    return RR_OK;
}

rr_status rr_curve(const rr_cells *cells, int64_t n_cells, int n_causes, int64_t *at_risk,
                   double *risk, double *std_error, const rr_call *call, rr_error *error)
{
    const outputs out = {at_risk, risk, std_error, n_causes};
    int64_t n_tasks = n_cells / TASK_CELLS + 1, at = 0;
    curving in = {cells, &out, NULL};
    rr_status status;

    if (n_causes < 1 || n_causes > RR_CAUSES_MAX) {
        return rr_fail(error, RR_ERR_ARGUMENT, "the number of causes is out of range");
    }
    in.start = rr_allocate(n_tasks + 1, sizeof *in.start);
    if (in.start == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    for (int64_t t = 0; t <= n_tasks; t++) {
        int64_t near = rr_chunk_start(n_cells, t, n_tasks);

        at = near > at ? near : at;
        while (at > 0 && at < n_cells && cells->group[at] == cells->group[at - 1]) {
            at++;
        }
        in.start[t] = at;
    }
    status = rr_run(curve_groups, &in, n_tasks, call, error);
    free(in.start);
    return status;
}

/* ---------------------------------------------------------------- limits */

typedef struct limiting {
    rr_limit *limit;
    int64_t n;
    const double *estimate;
    const double *std_error;
    double z;
    double *lower;
    double *upper;
} limiting;

static rr_status limit_some(void *job, int64_t task, int worker, rr_error *error)
{
    const limiting *in = job;
    int64_t end = rr_block_end(task * TASK_CELLS, in->n, TASK_CELLS);

    (void)worker;
    (void)error;
    for (int64_t i = task * TASK_CELLS; i < end; i++) {
        double low, high;

        in->limit(in->estimate[i], in->std_error[i], in->z, &low, &high);
        if (in->lower != NULL) {
            in->lower[i] = low;
        }
        if (in->upper != NULL) {
            in->upper[i] = high;
        }
    }
    return RR_OK;
}

rr_status rr_limits(rr_limit *limit, int64_t n, const double *estimate, const double *std_error,
                    double z, double *lower, double *upper, const rr_call *call, rr_error *error)
{
    limiting in = {limit, n, estimate, std_error, z, lower, upper};

    return rr_run(limit_some, &in, n / TASK_CELLS + 1, call, error);
}

static void limit_loglog(double risk, double std_error, double z, double *lower, double *upper)
{
    *lower = *upper = NAN;
    if (risk == 0.0) {
        *lower = *upper = 0.0;
    } else if (risk > 0.0 && risk < 1.0) {
        double log_survival = log1p(-risk);
        double factor = exp(z * std_error / ((1.0 - risk) * log_survival));

        *lower = -expm1(log_survival * factor);
        *upper = -expm1(log_survival / factor);
    }
}

rr_status rr_loglog_limits(int64_t n, const double *risk, const double *std_error, double z,
                           double *lower, double *upper, const rr_call *call, rr_error *error)
{
    return rr_limits(limit_loglog, n, risk, std_error, z, lower, upper, call, error);
}
