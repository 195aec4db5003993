#include "internal.h"

#include <stdlib.h>

/* Calendar arithmetic counts years from 1 March, so that the leap day is the last of its year and
 * the lengths of the months before it follow one linear formula; and in eras of 400 years, which all
 * have as many days. */
enum { ERA_DAYS = 146097, EPOCH_SHIFT = 719468 /* days from 0000-03-01 to 1970-01-01 */ };

typedef struct civil {
    int64_t month; /* months since March of the year 0 */
    int64_t day;   /* of the month, from 1 */
} civil;

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t day_of_month_start(int64_t month)
{
    int64_t year = floor_divide(month, 12), in_year = month - year * 12;
    int64_t era = floor_divide(year, 400), in_era = year - era * 400;

    return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + (153 * in_year + 2) / 5 -
           EPOCH_SHIFT;
}

static civil civil_of(int64_t day)
{
    int64_t shifted = day + EPOCH_SHIFT, era = floor_divide(shifted, ERA_DAYS);
    int64_t in_era = shifted - era * ERA_DAYS;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153;

    return (civil){.month = (era * 400 + year) * 12 + month,
                   .day = in_year - (153 * month + 2) / 5 + 1};
}

/* Months since March of the year 0, from a year and a month from 1. */
static int64_t month_number(int64_t year, int month)
{
    return year * 12 + month - 3;
}

int64_t rr_day_of(rr_date date)
{
    return day_of_month_start(month_number(date.year, date.month)) + date.day - 1;
}

rr_date rr_date_of(int64_t day)
{
    civil date = civil_of(day);
    int64_t month = date.month + 2; /* since January of the year 0 */
    int64_t year = floor_divide(month, 12);

    return (rr_date){.year = year, .month = (int)(month - year * 12) + 1, .day = (int)date.day};
}

static int64_t add_months(int64_t day, int64_t months)
{
    civil date = civil_of(day);
    int64_t start = day_of_month_start(date.month + months);
    int64_t length = day_of_month_start(date.month + months + 1) - start;

    return start + (date.day < length ? date.day : length) - 1;
}

int64_t rr_add_span(int64_t day, rr_span span)
{
    if (day == RR_NULL_DAY) {
        return RR_NULL_DAY;
    }
    switch (span.unit) {
    case RR_DAYS:
        return day + span.length;
    case RR_MONTHS:
        return add_months(day, span.length);
    case RR_OPEN:
        break;
    }
    return INT64_MAX;
}

/* The earliest day d with d + span >= day. Adding months never goes back when the day goes on, and
 * it differs from taking them away by at most three days: the search is over seven candidates. */
static int64_t earliest_reaching(int64_t day, rr_span span)
{
    int64_t candidate;

    if (span.unit == RR_OPEN) {
        return -INT64_MAX;
    }
    if (span.unit == RR_DAYS) {
        return day - span.length;
    }
    candidate = add_months(day, -span.length) - 3;
    while (add_months(candidate, span.length) < day) {
        candidate++;
    }
    return candidate;
}

void rr_bounds_of(const rr_window *window, int64_t day, int64_t *first, int64_t *last)
{
    int64_t other = window->include_same_day ? 0 : 1;

    if (window->direction == RR_FORWARD) {
        int64_t gap = rr_add_span(day, window->min_gap), end = rr_add_span(day, window->length);

        *first = gap > day + other ? gap : day + other;
        *last = end == INT64_MAX || !window->exclusive_end ? end : end - 1;
    } else {
        /* event + min_gap <= day: the day before the first event that would reach day + 1 */
        int64_t gap = earliest_reaching(day + 1, window->min_gap) - 1;

        *last = gap < day - other ? gap : day - other;
        *first = earliest_reaching(window->exclusive_end ? day + 1 : day, window->length);
    }
}

static rr_status check_span(rr_span span, const char *what, rr_error *error)
{
    if (span.unit != RR_OPEN && (span.length < 0 || span.length > RR_SPAN_MAX)) {
        return rr_fail(error, RR_ERR_ARGUMENT, "%s must be from 0 to %lld units long", what,
                       (long long)RR_SPAN_MAX);
    }
    return RR_OK;
}

rr_status rr_check_window(const rr_window *window, rr_error *error)
{
    rr_status status = check_span(window->length, "the window", error);

    if (status == RR_OK) {
        status = check_span(window->min_gap, "the minimum gap", error);
    }
    if (status == RR_OK && window->min_gap.unit == RR_OPEN) {
        status = rr_fail(error, RR_ERR_ARGUMENT, "the minimum gap must have an end");
    }
    return status;
}

static rr_status check_day(int64_t day, int64_t row, rr_error *error)
{
    rr_status status;

    if (day == RR_NULL_DAY || (day >= RR_DAY_MIN && day <= RR_DAY_MAX)) {
        return RR_OK;
    }
    status = rr_fail(error, RR_ERR_DAY_RANGE, "day %lld is out of range", (long long)day);
    if (error != NULL) {
        error->row = row;
    }
    return status;
}

rr_status rr_add_spans(const int64_t *day, int64_t n, rr_span span, int64_t *end, rr_error *error)
{
    rr_status status = check_span(span, "the span", error);

    for (int64_t i = 0; i < n && status == RR_OK; i++) {
        status = check_day(day[i], i, error);
        if (status == RR_OK) {
            end[i] = rr_add_span(day[i], span);
        }
    }
    return status;
}

rr_status rr_window_bounds(const rr_window *window, const int64_t *day, int64_t n, int64_t *first,
                           int64_t *last, rr_error *error)
{
    int64_t earliest = RR_DAY_MAX, latest = RR_DAY_MIN, known = 0;
    rr_bounds bounds;
    rr_status status;

    for (int64_t i = 0; i < n; i++) {
        status = check_day(day[i], i, error);
        if (status != RR_OK) {
            return status;
        }
        if (day[i] != RR_NULL_DAY) {
            earliest = day[i] < earliest ? day[i] : earliest;
            latest = day[i] > latest ? day[i] : latest;
            known++;
        }
    }
    status = rr_bounds_make(window, earliest, latest, known, &bounds, error);
    for (int64_t i = 0; i < n && status == RR_OK; i++) {
        if (day[i] == RR_NULL_DAY) {
            first[i] = last[i] = RR_NULL_DAY;
        } else {
            rr_bounds_at(&bounds, day[i], &first[i], &last[i]);
        }
    }
    rr_bounds_free(&bounds);
    return status;
}

rr_status rr_bounds_make(const rr_window *window, int64_t first_day, int64_t last_day, int64_t uses,
                         rr_bounds *bounds, rr_error *error)
{
    rr_status status = rr_check_window(window, error);
    int64_t n = last_day - first_day + 1;

    *bounds = (rr_bounds){.window = *window, .first_day = first_day};
    if (status != RR_OK || n <= 0 || n / 4 > uses) {
        return status;
    }
    bounds->first = rr_allocate(n, sizeof *bounds->first);
    bounds->last = rr_allocate(n, sizeof *bounds->last);
    if (bounds->first == NULL || bounds->last == NULL) {
        return rr_fail(error, RR_ERR_MEMORY, "out of memory");
    }
    bounds->n = n;
    for (int64_t i = 0; i < n; i++) {
        rr_bounds_of(window, first_day + i, &bounds->first[i], &bounds->last[i]);
    }
    return RR_OK;
}

void rr_bounds_free(rr_bounds *bounds)
{
    free(bounds->first);
    free(bounds->last);
    bounds->first = bounds->last = NULL;
    bounds->n = 0;
}
