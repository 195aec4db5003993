#include "csv_internal.h"

#include <stdio.h>
#include <string.h>

/* Whether there is such a date; `day` is the day of it. Every month has 28 days. */
static int exists(rr_date date, int64_t day)
{
    if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1) {
        return 0;
    }
    return date.day <= 28 || rr_date_of(day).day == date.day;
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
    rr_date date = {0, 0, 0};
    int64_t at = 0;
    int time;

    if (format->iso && length >= 10) {
        unsigned century = two(bytes), rest = two(bytes + 2);
        unsigned mm = two(bytes + 5), dd = two(bytes + 8);

        if (century > 99 || rest > 99 || mm > 99 || dd > 99 || bytes[4] != '-' || bytes[7] != '-') {
            return format->wanted;
        }
        date = (rr_date){.year = 100 * century + rest, .month = (int)mm, .day = (int)dd};
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
                date.year = number;
            } else if (format->items[i].what == 'm') {
                date.month = number;
            } else {
                date.day = number;
            }
        }
    }
    time = at == length ? 1 : midnight(bytes + at, length - at);
    if (time == 0) {
        return format->wanted;
    }
    *day = rr_day_of(date);
    if (!exists(date, *day)) {
        return "is not a date: there is no such day";
    }
    if (time < 0) {
        return "has a time of day; floor it to the day first, or read it as text under another "
               "name and use pandas .dt.floor(\"D\")";
    }
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
    rr_date date;

    if (day < RR_DAY_MIN || day > RR_DAY_MAX) {
        return 0;
    }
    date = rr_date_of(day);
    if (date.year < 1 || date.year > 9999) {
        return 0;
    }
    digits(out, 4, date.year);
    out[4] = '-';
    digits(out + 5, 2, date.month);
    out[7] = '-';
    digits(out + 8, 2, date.day);
    return 1;
}
