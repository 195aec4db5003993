#include "columns.h"
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static rr_status fail_tick(rr_error *error, int64_t row, int64_t tick, int64_t per_day)
{
    int64_t day = tick / per_day - (tick % per_day < 0);
    int outside = day < RR_DAY_MIN || day > RR_DAY_MAX;
    char digits[32];
    rr_status status = rr_fail_row(error, outside ? RR_ERR_DAY_RANGE : RR_ERR_VALUE, row,
                                   outside ? "the day is out of range" : "a time of day");
    int length = snprintf(digits, sizeof digits, "%" PRId64, tick);

    rr_fail_value(error, digits, length);
    return status;
}

rr_status rr_days_from_ticks(const int64_t *ticks, int64_t n, int64_t per_day, int64_t *days,
                             rr_error *error)
{
    if (per_day < 1) {
        return rr_fail(error, RR_ERR_ARGUMENT, "per_day must be 1 or more");
    }
    if (per_day == 1) { /* without the division, which is most of the time */
        for (int64_t i = 0; i < n; i++) {
            int64_t day = ticks[i];

            if (day != RR_NULL_DAY && (day < RR_DAY_MIN || day > RR_DAY_MAX)) {
                return fail_tick(error, i, day, 1);
            }
            if (days != NULL) {
                days[i] = day;
            }
        }
        return RR_OK;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t tick = ticks[i], day = RR_NULL_DAY;

        if (tick != INT64_MIN) {
            day = tick / per_day;
            if (day * per_day != tick || day < RR_DAY_MIN || day > RR_DAY_MAX) {
                return fail_tick(error, i, tick, per_day);
            }
        }
        if (days != NULL) {
            days[i] = day;
        }
    }
    return RR_OK;
}

rr_status rr_whole_from_double(const double *numbers, int64_t n, int64_t *values, uint8_t *valid,
                               int64_t *nulls, rr_error *error)
{
    const double limit =
        9007199254740992.0; /* 2^53: above it a double no longer tells neighbours */
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++) {
        double number = numbers[i];
        int64_t value = 0;

        if (number >= -limit && number <= limit) {
            value = (int64_t)number;
            if ((double)value != number) {
                return rr_fail_row(error, RR_ERR_VALUE, i, "not a whole number");
            }
            valid[i] = 1;
        } else if (number != number) {
            valid[i] = 0;
            count++;
        } else {
            return rr_fail_row(error, RR_ERR_VALUE, i, "too large to be a whole number exactly");
        }
        values[i] = value;
    }
    *nulls = count;
    return RR_OK;
}
