#include "csv_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *rr_csv_int64_read(const char *bytes, int64_t length, int64_t *value)
{
    int64_t at = bytes[0] == '-' || bytes[0] == '+';
    int negative = bytes[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0), sum = 0;

    if (at == length) {
        return "is not a whole number";
    }
    for (; at < length; at++) {
        uint64_t digit = (uint64_t)(unsigned char)bytes[at] - '0';

        if (digit > 9) {
            return "is not a whole number";
        }
        if (sum > (limit - digit) / 10) {
            /* Digits that follow decide between "too large" and "no number at all". */
            while (++at < length) {
                if (bytes[at] < '0' || bytes[at] > '9') {
                    return "is not a whole number";
                }
            }
            return "does not fit into 64 bits";
        }
        sum = 10 * sum + digit;
    }
    *value = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return NULL;
}

static int is_word(const char *bytes, int64_t length, const char *word)
{
    if (length != (int64_t)strlen(word)) {
        return 0;
    }
    for (int64_t i = 0; i < length; i++) {
        char c = bytes[i] >= 'A' && bytes[i] <= 'Z' ? (char)(bytes[i] + 'a' - 'A') : bytes[i];

        if (c != word[i]) {
            return 0;
        }
    }
    return 1;
}

const char *rr_csv_bool_read(const char *bytes, int64_t length, uint8_t *value)
{
    *value = is_word(bytes, length, "1") || is_word(bytes, length, "true");
    if (*value || is_word(bytes, length, "0") || is_word(bytes, length, "false")) {
        return NULL;
    }
    return "is none of 0, 1, true, false";
}

static int64_t skip_digits(const char *bytes, int64_t at)
{
    while (bytes[at] >= '0' && bytes[at] <= '9') {
        at++;
    }
    return at;
}

/* strtod also takes "nan", "inf", hexadecimal and leading blanks, which nobody means in a column. */
static int is_decimal(const char *bytes, int64_t length)
{
    int64_t start = bytes[0] == '-' || bytes[0] == '+', at = skip_digits(bytes, start);
    int64_t n_digits = at - start;

    if (bytes[at] == '.') {
        int64_t end = skip_digits(bytes, at + 1);

        n_digits += end - at - 1;
        at = end;
    }
    if (n_digits == 0) {
        return 0;
    }
    if (bytes[at] == 'e' || bytes[at] == 'E') {
        int64_t first = at + 1 + (bytes[at + 1] == '-' || bytes[at + 1] == '+');

        at = skip_digits(bytes, first);
        if (at == first) {
            return 0;
        }
    }
    return at == length;
}

const char *rr_csv_float64_read(const char *bytes, int64_t length, locale_t plain, double *value)
{
    locale_t before;

    if (!is_decimal(bytes, length)) {
        return "is not a number";
    }
    before = uselocale(plain);
    *value = strtod(bytes, NULL);
    uselocale(before);
    return isinf(*value) ? "is too large for a number" : NULL;
}

/* Windows-1252 at 0x80 to 0x9F as Unicode publishes it (CP1252.TXT); 0: not defined. */
static const uint16_t CP1252[32] = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
                                    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

/* One character of the file as UTF-8: its length there in *taken, in UTF-8 as the result; 0 if it is
 * none. */
static int64_t character(rr_csv_encoding encoding, const unsigned char *bytes, int64_t left,
                         char out[4], int64_t *taken)
{
    unsigned code = bytes[0];

    *taken = 1;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (encoding == RR_CSV_UTF8) {
        *taken = rr_utf8_sequence(bytes, left);
        memcpy(out, bytes, (size_t)*taken);
        return *taken;
    }
    if (encoding == RR_CSV_CP1252 && code < 0xA0) {
        code = CP1252[code - 0x80];
        if (code == 0) {
            return 0;
        }
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    out[0] = (char)(0xE0 | (code >> 12));
    out[1] = (char)(0x80 | ((code >> 6) & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
}

int64_t rr_csv_utf8(rr_csv_encoding encoding, const char *bytes, int64_t length, char *out)
{
    int64_t at = 0, used = 0;

    while (at < length) {
        char utf8[4];
        int64_t taken;
        int64_t n = character(encoding, (const unsigned char *)bytes + at, length - at, utf8,
                              &taken);

        if (n == 0) {
            return -1 - at;
        }
        if (out != NULL) {
            memcpy(out + used, utf8, (size_t)n);
        }
        at += taken;
        used += n;
    }
    return used;
}

int64_t rr_csv_show(rr_csv_encoding encoding, const char *bytes, int64_t length, char *out,
                    int64_t room)
{
    int64_t at = 0, used = 0;

    while (at < length) {
        char utf8[4];
        int64_t taken;
        int64_t n = character(encoding, (const unsigned char *)bytes + at, length - at, utf8,
                              &taken);

        if (n == 0) {
            memcpy(utf8, "\xEF\xBF\xBD", 3);
            n = 3;
            taken = 1;
        }
        /* Room for the dots stays free until the last character. */
        if (used + n + (at + taken < length ? 3 : 0) > room) {
            memcpy(out + used, "...", 3);
            return used + 3;
        }
        memcpy(out + used, utf8, (size_t)n);
        used += n;
        at += taken;
    }
    return used;
}
