#include "csv_internal.h"

#include <stdio.h>
#include <string.h>

static const int BEFORE_MONTH[14] = {0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

#define DAYS_TO_1970 INT64_C(719162) /* from 1 January of the year 1 */

static int is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1 January of the year 1 to 1 January of `year`. */
static int64_t before_year(int64_t year)
{
    int64_t past = year - 1;

    return 365 * past + past / 4 - past / 100 + past / 400;
}

/* Days before the first of a month; month 13 gives the length of the year. */
static int before_month(int64_t year, int month)
{
    return BEFORE_MONTH[month] + (month > 2 && is_leap(year));
}

static int exists(int year, int month, int day)
{
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
           day <= before_month(year, month + 1) - before_month(year, month);
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

rr_status rr_csv_date_compile(const char *text, rr_csv_date_format *format, rr_error *error)
{
    int seen[3] = {0, 0, 0};
    const char *all = "Ymd";

    memset(format, 0, sizeof *format);
    format->iso = text == NULL || strcmp(text, "ISO") == 0;
    if (format->iso) {
        text = "%Y-%m-%d";
    }
    for (const char *c = text; *c != '\0'; c++) {
        const char *which;

        if (format->n == RR_CSV_DATE_ITEMS) {
            return rr_fail(error, RR_ERR_ARGUMENT, "the date format is too long");
        }
        if (*c != '%') {
            if (is_digit(*c)) {
                return rr_fail(error, RR_ERR_ARGUMENT, "the date format has a digit in it");
            }
            format->items[format->n++].literal = *c;
            continue;
        }
        c++;
        which = *c == '\0' ? NULL : strchr(all, *c);
        if (which == NULL) {
            return rr_fail(error, RR_ERR_ARGUMENT,
                           "a date format is \"ISO\" or made of %%Y, %%m, %%d and separators");
        }
        if (seen[which - all]++ > 0) {
            return rr_fail(error, RR_ERR_ARGUMENT, "the date format has %%%c twice", *c);
        }
        format->items[format->n].what = *c;
        format->items[format->n].most = *c == 'Y' ? 4 : 2;
        format->n++;
    }
    if (!(seen[0] && seen[1] && seen[2])) {
        return rr_fail(error, RR_ERR_ARGUMENT, "a date format needs each of %%Y, %%m and %%d");
    }
    for (int i = 0; i < format->n; i++) {
        /* "1/4/2019" can be read in one way only; in "142019" digits could belong to either side. */
        int fixed = format->iso || format->items[i].what == 'Y' ||
                    (i + 1 < format->n && format->items[i + 1].what != 0) ||
                    (i > 0 && format->items[i - 1].what != 0);

        format->items[i].least = fixed ? format->items[i].most : 1;
    }
    snprintf(format->wanted, sizeof format->wanted, "is not a date (want %s)",
             format->iso ? "YYYY-MM-DD" : text);
    return RR_OK;
}

/* 1: "THH:MM", with seconds and a fraction if any, all zero; -1: another time; 0: no time. */
static int midnight(const char *bytes, int64_t length)
{
    int zero = 1, minute, second = 0;

    if (length < 6 || (bytes[0] != 'T' && bytes[0] != ' ') || bytes[3] != ':') {
        return 0;
    }
    for (int64_t i = 1; i < length; i++) {
        if (i == 3 || i == 6 || i == 9) {
            if (bytes[i] != (i == 9 ? '.' : ':')) {
                return 0;
            }
        } else if (!is_digit(bytes[i])) {
            return 0;
        }
        zero = zero && (bytes[i] == '0' || !is_digit(bytes[i]));
    }
    if (length != 6 && length != 9 && length < 11) {
        return 0;
    }
    minute = 10 * (bytes[4] - '0') + bytes[5] - '0';
    if (length >= 9) {
        second = 10 * (bytes[7] - '0') + bytes[8] - '0';
    }
    if (10 * (bytes[1] - '0') + bytes[2] - '0' > 24 || minute > 59 || second > 60) {
        return 0;
    }
    return zero ? 1 : -1;
}

/* The two digits at `c` as a number; more than 99 if they are none. */
static unsigned two(const char *c)
{
    unsigned high = (unsigned)(unsigned char)c[0] - '0', low = (unsigned)(unsigned char)c[1] - '0';

    return high > 9 || low > 9 ? 1000 : 10 * high + low;
}

const char *rr_csv_date_read(const rr_csv_date_format *format, const char *bytes, int64_t length,
                             int64_t *day)
{
    int year = 0, month = 0, date = 0, time;
    int64_t at = 0;

    if (format->iso && length >= 10) {
        unsigned century = two(bytes), rest = two(bytes + 2);
        unsigned mm = two(bytes + 5), dd = two(bytes + 8);

        if (century > 99 || rest > 99 || mm > 99 || dd > 99 || bytes[4] != '-' || bytes[7] != '-') {
            return format->wanted;
        }
        year = (int)(100 * century + rest);
        month = (int)mm;
        date = (int)dd;
        at = 10;
    } else {
        for (int i = 0; i < format->n; i++) {
            int number = 0, digits = 0;

            if (format->items[i].what == 0) {
                if (at == length || bytes[at] != format->items[i].literal) {
                    return format->wanted;
                }
                at++;
                continue;
            }
            while (at < length && digits < format->items[i].most && is_digit(bytes[at])) {
                number = 10 * number + bytes[at] - '0';
                digits++;
                at++;
            }
            if (digits < format->items[i].least) {
                return format->wanted;
            }
            if (format->items[i].what == 'Y') {
                year = number;
            } else if (format->items[i].what == 'm') {
                month = number;
            } else {
                date = number;
            }
        }
    }
    time = at == length ? 1 : midnight(bytes + at, length - at);
    if (time == 0) {
        return format->wanted;
    }
    if (!exists(year, month, date)) {
        return "is not a date: there is no such day";
    }
    if (time < 0) {
        return "has a time of day; floor it to the day first, or read it as text under another "
               "name "
               "and use pandas .dt.floor(\"D\")";
    }
    *day = before_year(year) + before_month(year, month) + date - 1 - DAYS_TO_1970;
    return NULL;
}

static void digits(char *out, int n, int64_t number)
{
    for (int i = n - 1; i >= 0; i--) {
        out[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

int rr_csv_date_write(int64_t day, char *out)
{
    int64_t since = day + DAYS_TO_1970, year;
    int month, rest;

    if (day < -DAYS_TO_1970 || since >= before_year(10000)) {
        return 0;
    }
    /* 400 years have 146097 days; the guess is at most one year off. */
    year = since * 400 / 146097 + 1;
    year -= before_year(year) > since;
    year += before_year(year + 1) <= since;
    rest = (int)(since - before_year(year));
    month = rest / 31 + 1;
    month += rest >= before_month(year, month + 1);
    digits(out, 4, year);
    out[4] = '-';
    digits(out + 5, 2, month);
    out[7] = '-';
    digits(out + 8, 2, rest - before_month(year, month) + 1);
    return 1;
}
