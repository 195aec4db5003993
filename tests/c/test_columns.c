/* Text and the other columns that come in, against answers found by looking at every pair. */
#include "check.h"
#include "columns.h"

#include <stdlib.h>
#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { MOST = 300, LONGEST = 20 };

typedef struct column {
    int64_t offsets[MOST + 1];
    uint8_t data[MOST * LONGEST];
    uint8_t valid[MOST];
    int64_t n;
} column;

/* Few letters and shared beginnings, so that equal values and equal prefixes are common. */
static void fill(column *c, int64_t n, uint64_t *random)
{
    int64_t at = 0;

    c->n = n;
    c->offsets[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t same = random_below(random, 2) * 8, length = random_below(random, 5);

        c->valid[i] = random_below(random, 6) != 0;
        for (int64_t j = 0; j < same + length; j++) {
            c->data[at++] = j < same ? 'x' : (uint8_t)("\0ab"[random_below(random, 3)]);
        }
        c->offsets[i + 1] = at;
    }
}

static rr_text text_of(const column *c)
{
    return (rr_text){c->offsets, c->data, c->valid, c->n, NULL};
}

/* The order of two values by their bytes. */
static int compare(const rr_text *a, int64_t i, const rr_text *b, int64_t j)
{
    int64_t x = a->offsets[i], y = b->offsets[j];

    for (; x < a->offsets[i + 1] && y < b->offsets[j + 1]; x++, y++) {
        if (a->data[x] != b->data[y]) {
            return a->data[x] < b->data[y] ? -1 : 1;
        }
    }
    return (x < a->offsets[i + 1]) - (y < b->offsets[j + 1]);
}

static void test_codes(const rr_text *t)
{
    int32_t codes[MOST];
    int64_t first[MOST], distinct = -1;

    CHECK(rr_text_codes(t, t->offsets[t->n], codes, &distinct, NULL, NULL) == RR_OK);
    CHECK(rr_first_rows(codes, t->n, distinct, first, NULL) == RR_OK);
    for (int64_t i = 0; i < t->n; i++) {
        CHECK((codes[i] < 0) == !t->valid[i]);
        CHECK(codes[i] < distinct);
        for (int64_t j = 0; j < i && t->valid[i]; j++) {
            CHECK(!t->valid[j] || (codes[i] == codes[j]) == (compare(t, i, t, j) == 0));
        }
    }
    for (int64_t k = 0; k < distinct; k++) {
        CHECK(codes[first[k]] == k);
        CHECK(k == 0 || first[k] > first[k - 1]);
        for (int64_t i = 0; i < first[k]; i++) {
            CHECK(codes[i] != k);
        }
    }
    CHECK(rr_first_rows(codes, t->n, distinct + 1, first, NULL) == RR_ERR_ARGUMENT);
}

static void test_order(const rr_text *t)
{
    int64_t order[MOST];
    uint8_t seen[MOST] = {0};

    CHECK(rr_text_order(t, order, NULL, NULL) == RR_OK);
    for (int64_t i = 0; i < t->n; i++) {
        int64_t before = i > 0 ? order[i - 1] : -1, row = order[i];

        CHECK(row >= 0 && row < t->n && !seen[row]);
        seen[row] = 1;
        if (before < 0) {
            continue;
        }
        CHECK(t->valid[before] || !t->valid[row]);
        if (t->valid[row]) {
            int sign = compare(t, before, t, row);

            CHECK(sign < 0 || (sign == 0 && before < row));
        } else if (!t->valid[before]) {
            CHECK(before < row);
        }
    }
}

static void test_pairs(const rr_text *t, const rr_text *other)
{
    uint8_t found[MOST], same[MOST];
    int8_t order[MOST];

    CHECK(rr_text_isin(t, other, found, NULL) == RR_OK);
    for (int64_t i = 0; i < t->n; i++) {
        int expected = 0;

        for (int64_t j = 0; j < other->n; j++) {
            expected |= t->valid[i] && other->valid[j] && compare(t, i, other, j) == 0;
        }
        CHECK(found[i] == expected);
    }
    if (t->n == other->n) {
        rr_text_equal(t, other, same);
        for (int64_t i = 0; i < t->n; i++) {
            CHECK(same[i] == (t->valid[i] && other->valid[i] && compare(t, i, other, i) == 0));
        }
    }
    for (int64_t j = 0; j < other->n && j < 3; j++) {
        int64_t start = other->offsets[j];

        rr_text_compare(t, other->data + start, other->offsets[j + 1] - start, order);
        for (int64_t i = 0; i < t->n; i++) {
            CHECK(order[i] == (t->valid[i] ? compare(t, i, other, j) : 2));
        }
    }
}

/* Into rooms of every size from none to enough. */
static void test_take(const rr_text *t, uint64_t *random)
{
    int64_t rows[MOST], offsets[MOST + 1], m = t->n == 0 ? 0 : random_below(random, 20);
    uint8_t valid[MOST], data[MOST * LONGEST];
    rr_text taken = {offsets, data, valid, m, NULL};

    for (int64_t i = 0; i < m; i++) {
        rows[i] = random_below(random, t->n);
    }
    CHECK(rr_text_take_offsets(t, rows, m, offsets, valid, NULL) == RR_OK);
    for (int64_t room = 0; room <= offsets[m]; room++) {
        rr_status status = rr_text_take_data(t, rows, m, data, room, NULL);

        CHECK(status == (room < offsets[m] ? RR_ERR_ARGUMENT : RR_OK));
    }
    for (int64_t i = 0; i < m; i++) {
        CHECK(valid[i] == t->valid[rows[i]]);
        CHECK(compare(&taken, i, t, rows[i]) == 0);
    }
    rows[0] = t->n;
    CHECK(rr_text_take_offsets(t, rows, 1, offsets, NULL, NULL) == RR_ERR_ARGUMENT);
    rows[0] = -1;
    CHECK(rr_text_take_offsets(t, rows, 1, offsets, NULL, NULL) == RR_ERR_ARGUMENT);
}

/* Every character there is, from UTF-32 and back to its number. */
static void test_characters(void)
{
    rr_error error;

    for (uint32_t c = 1; c < 0x110400; c++) {
        int64_t offsets[2];
        uint8_t data[4], present;
        int64_t blank, counted;
        rr_text_form form = {.kind = RR_FORM_UCS4, .values = &c, .n = 1, .width = 1};
        rr_status status = rr_text_form_offsets(&form, offsets, NULL, &error);
        rr_text text = {offsets, data, NULL, 1, NULL};
        uint32_t back;

        if ((c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF) {
            CHECK(status == RR_ERR_VALUE && error.row == 0);
            continue;
        }
        CHECK(status == RR_OK && offsets[1] <= 4);
        CHECK(rr_text_form_data(&form, offsets, data, offsets[1] - 1, NULL, NULL) ==
              RR_ERR_ARGUMENT);
        CHECK(rr_text_form_data(&form, offsets, data, offsets[1], NULL, NULL) == RR_OK);
        CHECK(rr_text_check(&text, offsets[1], &blank, NULL, NULL) == RR_OK);
        back = offsets[1] == 1 ? data[0] : data[0] & (0x7Fu >> offsets[1]);
        for (int64_t i = 1; i < offsets[1]; i++) {
            back = back << 6 | (data[i] & 0x3Fu);
        }
        CHECK(back == c);
        CHECK(blank == 0 || blank == 1);
        counted = blank;
        CHECK(rr_text_present(&text, &present, &blank, NULL, NULL) == RR_OK);
        CHECK(present == !blank && counted == blank);
        /* Cut short, a sequence is not well-formed. */
        offsets[1]--;
        CHECK(offsets[1] == 0 ||
              rr_text_check(&text, offsets[1], &blank, NULL, &error) == RR_ERR_VALUE);
    }
}

/* Every sequence of three bytes is well-formed exactly when it splits into shortest forms. */
static void test_utf8(void)
{
    static const uint8_t edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
                                    0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC,
                                    0xED, 0xEE, 0xEF, 0xF0, 0xF4, 0xFF};
    const size_t n = sizeof edges;

    for (size_t k = 0; k < n * n * n; k++) {
        uint8_t b[3] = {edges[k / n / n], edges[k / n % n], edges[k % n]};
        int64_t offsets[2] = {0, 3};
        rr_text text = {offsets, b, NULL, 1, NULL};
        int64_t blank;
        int good = 1;

        for (int i = 0; i < 3 && good;) {
            uint32_t c;

            if (b[i] < 0x80) {
                i++;
            } else if (b[i] >= 0xC0 && b[i] < 0xE0 && i + 1 < 3 && b[i + 1] >> 6 == 2) {
                c = (b[i] & 0x1Fu) << 6 | (b[i + 1] & 0x3Fu);
                good = c >= 0x80;
                i += 2;
            } else if (b[i] >= 0xE0 && b[i] < 0xF0 && i == 0 && b[1] >> 6 == 2 && b[2] >> 6 == 2) {
                c = (b[0] & 0x0Fu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
                good = c >= 0x800 && (c < 0xD800 || c > 0xDFFF);
                i += 3;
            } else {
                good = 0;
            }
        }
        CHECK((rr_text_check(&text, 3, &blank, NULL, NULL) == RR_OK) == good);
    }
}

static void test_offsets(void)
{
    int64_t falls[] = {0, 2, 1}, before[] = {-1, 0, 1}, beyond[] = {0, 1, 4}, good[] = {1, 1, 3};
    uint8_t data[3] = "abc";
    rr_error error;
    rr_text text = {falls, data, NULL, 2, NULL};

    CHECK(rr_text_check_offsets(&text, 3, &error) == RR_ERR_ARGUMENT && error.row == 1);
    text.offsets = before;
    CHECK(rr_text_check_offsets(&text, 3, NULL) == RR_ERR_ARGUMENT);
    text.offsets = beyond;
    CHECK(rr_text_check_offsets(&text, 3, NULL) == RR_ERR_ARGUMENT);
    text.offsets = good;
    CHECK(rr_text_check_offsets(&text, 3, NULL) == RR_OK);
}

static void test_fixed_bytes(void)
{
    const uint8_t bytes[] = {'a', 0, 0, 'b', 0, 'c', 0, 0, 0};
    rr_text_form form = {.kind = RR_FORM_BYTES, .values = bytes, .n = 3, .width = 3};
    int64_t offsets[4];
    uint8_t data[4];
    rr_error error;

    CHECK(rr_text_form_offsets(&form, offsets, NULL, NULL) == RR_OK);
    CHECK(offsets[1] == 1 && offsets[2] == 4 && offsets[3] == 4);
    CHECK(rr_text_form_data(&form, offsets, data, 3, NULL, NULL) == RR_ERR_ARGUMENT);
    CHECK(rr_text_form_data(&form, offsets, data, 4, NULL, NULL) == RR_OK);
    CHECK(memcmp(data, "ab\0c", 4) == 0);
    offsets[1] = 2;
    CHECK(rr_text_form_data(&form, offsets, data, 4, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 0);
    form.width = INT64_MAX;
    CHECK(rr_text_form_offsets(&form, offsets, NULL, NULL) == RR_ERR_TOO_LARGE);
    form = (rr_text_form){.kind = RR_FORM_UCS4, .n = 3, .width = INT64_MAX / 8};
    CHECK(rr_text_form_offsets(&form, offsets, NULL, NULL) == RR_ERR_TOO_LARGE);
}

/* Values of every length, over many runs of rows, come out one after the other on any threads. */
static void test_forms_on_threads(void)
{
    enum { MANY = 300000, WIDTH = 5 };
    uint8_t *bytes = calloc(MANY, WIDTH), *data = malloc(MANY * WIDTH);
    uint32_t *characters = calloc(MANY * WIDTH, sizeof *characters);
    int64_t *offsets = malloc((MANY + 1) * sizeof *offsets), at = 0;

    for (int64_t i = 0; i < MANY; i++) {
        for (int64_t j = 0; j < i % 6; j++) {
            bytes[i * WIDTH + j] = (uint8_t)('a' + (i + j) % 26);
            characters[i * WIDTH + j] = (uint32_t)('a' + (i + j) % 26);
        }
    }
    for (int threads = 1; threads <= 7; threads += 3) {
        rr_call call = {.threads = threads};
        rr_text_form forms[] = {
            {.kind = RR_FORM_BYTES, .values = bytes, .n = MANY, .width = WIDTH},
            {.kind = RR_FORM_UCS4, .values = characters, .n = MANY, .width = WIDTH}};

        for (int f = 0; f < 2; f++) {
            CHECK(rr_text_form_offsets(&forms[f], offsets, &call, NULL) == RR_OK);
            memset(data, 0, MANY * WIDTH);
            CHECK(rr_text_form_data(&forms[f], offsets, data, offsets[MANY], &call, NULL) == RR_OK);
            at = 0;
            for (int64_t i = 0; i < MANY; i++) {
                CHECK(offsets[i] == at);
                CHECK(memcmp(data + at, bytes + i * WIDTH, (size_t)(i % 6)) == 0);
                at += i % 6;
            }
            CHECK(offsets[MANY] == at);
        }
    }
    free(bytes);
    free(characters);
    free(offsets);
    free(data);
}

static void write_view(uint8_t *view, int32_t length, int32_t buffer, int32_t offset)
{
    memset(view, 0, 16);
    memcpy(view, &length, 4);
    memcpy(view + 8, &buffer, 4);
    memcpy(view + 12, &offset, 4);
}

static void test_views(void)
{
    static const uint8_t first[] = "0123456789abcdef", second[] = "ABCDEFGHIJKLMNOP";
    const uint8_t *buffers[] = {first, second};
    int64_t lengths[] = {16, 16}, offsets[4];
    uint8_t bytes[3 * 16], valid[] = {1, 0, 1}, data[64];
    rr_text_form views = {.kind = RR_FORM_VIEWS,
                          .values = bytes,
                          .n = 3,
                          .valid = valid,
                          .buffers = buffers,
                          .buffer_lengths = lengths,
                          .n_buffers = 2};
    rr_error error;

    write_view(bytes, 13, 1, 3);
    write_view(bytes + 16, 99, 99, 99); /* under a null, and so not looked at */
    write_view(bytes + 32, 3, 0, 0);
    memcpy(bytes + 36, "abc", 3);
    CHECK(rr_text_form_offsets(&views, offsets, NULL, NULL) == RR_OK);
    CHECK(offsets[1] == 13 && offsets[2] == 13 && offsets[3] == 16);
    CHECK(rr_text_form_data(&views, offsets, data, 15, NULL, NULL) == RR_ERR_ARGUMENT);
    CHECK(rr_text_form_data(&views, offsets, data, 16, NULL, NULL) == RR_OK);
    CHECK(memcmp(data, "DEFGHIJKLMNOPabc", 16) == 0);
    views.valid = NULL;
    CHECK(rr_text_form_offsets(&views, offsets, NULL, &error) == RR_ERR_VALUE && error.row == 1);
    write_view(bytes + 16, 13, 1, 4);
    CHECK(rr_text_form_offsets(&views, offsets, NULL, NULL) == RR_ERR_VALUE);
    write_view(bytes + 16, INT32_MAX, 1, INT32_MAX);
    CHECK(rr_text_form_offsets(&views, offsets, NULL, NULL) == RR_ERR_VALUE);
    write_view(bytes + 16, -5, 0, 0);
    CHECK(rr_text_form_offsets(&views, offsets, NULL, NULL) == RR_ERR_VALUE);
}

static void test_days(void)
{
    int64_t ticks[] = {0, -86400, INT64_MIN, RR_DAY_MAX * 86400, RR_DAY_MIN * 86400}, days[5];
    rr_error error;

    CHECK(rr_days_from_ticks(ticks, 5, 86400, days, &error) == RR_OK);
    CHECK(days[0] == 0 && days[1] == -1 && days[2] == RR_NULL_DAY);
    CHECK(days[3] == RR_DAY_MAX && days[4] == RR_DAY_MIN);
    CHECK(rr_days_from_ticks(days, 5, 1, NULL, &error) == RR_OK);
    CHECK(rr_days_from_ticks(ticks, 5, 1, NULL, &error) == RR_ERR_DAY_RANGE && error.row == 3);
    ticks[1] = -1;
    CHECK(rr_days_from_ticks(ticks, 5, 86400, days, &error) == RR_ERR_VALUE && error.row == 1);
    CHECK(strcmp(error.value, "-1") == 0);
    ticks[1] = (RR_DAY_MAX + 1) * 86400;
    CHECK(rr_days_from_ticks(ticks, 5, 86400, days, &error) == RR_ERR_DAY_RANGE && error.row == 1);
    ticks[1] = INT64_MIN + 1;
    CHECK(rr_days_from_ticks(ticks, 5, 86400, days, &error) == RR_ERR_DAY_RANGE);
    CHECK(rr_days_from_ticks(ticks, 5, 0, days, &error) == RR_ERR_ARGUMENT);
    CHECK(rr_days_from_ticks(ticks, 1, 86400, ticks, &error) == RR_OK);
}

/* The range is that of the days, which are those that a division gives, for ticks of every unit. */
static void test_day_ranges(void)
{
    enum { MANY = 600000 };
    static const int64_t per_day[] = {1, 24, 86400, INT64_C(86400000000), INT64_C(86400000000000)};
    int64_t *ticks = malloc(MANY * sizeof *ticks), *days = malloc(MANY * sizeof *days);
    int32_t *narrow = malloc(MANY * sizeof *narrow);
    rr_call call = {.threads = 3};
    rr_error error;

    for (size_t unit = 0; unit < sizeof per_day / sizeof *per_day; unit++) {
        rr_days column = {.ticks = ticks, .per_day = per_day[unit]};
        rr_day_range range;

        for (int64_t i = 0; i < MANY; i++) {
            days[i] = i % 7 == 3 ? RR_NULL_DAY : (i * 7919) % 200001 - 100000;
            ticks[i] = i % 7 == 3 ? RR_NULL_DAY : days[i] * per_day[unit];
            narrow[i] = i % 7 == 3 ? INT32_MIN : (int32_t)days[i];
        }
        CHECK(rr_days_range(&column, MANY, &range, &call, &error) == RR_OK);
        CHECK(range.first == -100000 && range.last == 100000 && range.nulls == (MANY + 3) / 7);
        CHECK(rr_days_from_ticks(ticks, MANY, per_day[unit], ticks, &error) == RR_OK);
        CHECK(memcmp(ticks, days, MANY * sizeof *ticks) == 0);
        column = (rr_days){.narrow = narrow};
        CHECK(rr_days_range(&column, MANY, &range, &call, &error) == RR_OK);
        CHECK(range.first == -100000 && range.last == 100000 && range.nulls == (MANY + 3) / 7);
        narrow[MANY - 1] = 10000001;
        narrow[400001] = -10000001;
        CHECK(rr_days_range(&column, MANY, &range, &call, &error) == RR_ERR_DAY_RANGE);
        CHECK(error.row == 400001);
    }
    for (int64_t i = 0; i < MANY; i++) {
        ticks[i] = i % 2 == 0 ? INT64_MAX / 86400 * 86400 : -(INT64_MAX / 86400000 * 86400000);
    }
    for (size_t unit = 1; unit < sizeof per_day / sizeof *per_day; unit++) {
        rr_day_range range;

        CHECK(rr_days_range(&(rr_days){.ticks = ticks, .per_day = per_day[unit]}, MANY, &range,
                            &call, &error) != RR_OK);
        CHECK(error.row == 0);
    }
    CHECK(rr_days_range(&(rr_days){.ticks = ticks}, 1, &(rr_day_range){0}, NULL, &error) ==
          RR_ERR_ARGUMENT);
    free(ticks);
    free(days);
    free(narrow);
}

static void test_whole(void)
{
    double zero = 0, numbers[] = {-0.0, 9007199254740992.0, zero / zero, -9007199254740992.0, 7};
    int64_t values[5], nulls;
    uint8_t valid[5];
    rr_error error;

    CHECK(rr_whole_from_double(numbers, 5, values, valid, &nulls, NULL) == RR_OK);
    CHECK(nulls == 1 && !valid[2] && values[2] == 0);
    CHECK(values[0] == 0 && values[1] == INT64_C(1) << 53 && values[3] == -values[1]);
    CHECK(values[4] == 7 && valid[4]);
    numbers[4] = 0.5;
    CHECK(rr_whole_from_double(numbers, 5, values, valid, &nulls, &error) == RR_ERR_VALUE);
    CHECK(error.row == 4);
    numbers[4] = 1 / zero;
    CHECK(rr_whole_from_double(numbers, 5, values, valid, &nulls, &error) == RR_ERR_VALUE);
    numbers[4] = 9007199254740994.0;
    CHECK(rr_whole_from_double(numbers, 5, values, valid, &nulls, &error) == RR_ERR_VALUE);
}

/* Codes of so many values that the table of them grows, each allocation failing in its turn. */
static void test_failures(void)
{
    enum { MANY = 20000 };
    static int64_t offsets[MANY + 1], order[MANY];
    static uint8_t data[MANY * 5], found[MANY];
    static int32_t codes[MANY];
    rr_text text = {offsets, data, NULL, MANY, NULL};
    int64_t distinct;
    rr_status status[3];

    for (int i = 0; i < MANY; i++) {
        offsets[i + 1] = offsets[i] + 5;
        for (int j = 4, left = i; j >= 0; j--, left /= 10) {
            data[5 * i + j] = (uint8_t)('0' + left % 10);
        }
    }
    for (int64_t failing = 0;; failing++) {
        failing_allocation = failing;
        status[0] = rr_text_codes(&text, offsets[MANY], codes, &distinct, NULL, NULL);
        failing_allocation = failing;
        status[1] = rr_text_isin(&text, &text, found, NULL);
        failing_allocation = failing;
        status[2] = rr_text_order(&text, order, NULL, NULL);
        failing_allocation = -1;
        for (int i = 0; i < 3; i++) {
            CHECK(status[i] == RR_OK || status[i] == RR_ERR_MEMORY);
        }
        if (status[0] == RR_OK && status[1] == RR_OK && status[2] == RR_OK) {
            CHECK(failing > 2 && distinct == MANY);
            return;
        }
    }
}

static int stop(void *context, int64_t done, int64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    return 1;
}

static void test_interrupts(const rr_text *t)
{
    rr_call call = {stop, NULL, 1, NULL};
    int32_t codes[MOST];
    int64_t order[MOST], distinct;

    CHECK(rr_text_codes(t, t->offsets[t->n], codes, &distinct, &call, NULL) == RR_ERR_INTERRUPTED);
    CHECK(rr_text_order(t, order, &call, NULL) == RR_ERR_INTERRUPTED);
}

int main(void)
{
    static column a, b;
    uint64_t random = 20190228;

    for (int i = 0; i < 300; i++) {
        int64_t n = random_below(&random, MOST + 1);
        rr_text t, other;

        fill(&a, n, &random);
        fill(&b, random_below(&random, 2) ? n : random_below(&random, 20), &random);
        t = text_of(&a);
        other = text_of(&b);
        test_codes(&t);
        test_order(&t);
        test_pairs(&t, &other);
        test_take(&t, &random);
        if (n > 1 && a.valid[0] && a.valid[1]) {
            test_interrupts(&t);
        }
    }
    test_characters();
    test_utf8();
    test_offsets();
    test_fixed_bytes();
    test_forms_on_threads();
    test_views();
    test_days();
    test_day_ranges();
    test_whole();
    test_failures();
    printf("columns: ok\n");
    return 0;
}
