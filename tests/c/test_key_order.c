/* Order by key columns and the book of keys, against codes of the same columns. */
#include "check.h"
#include "key_columns.h"
#include "keys.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { MANY = 150000, FIRST_DAY = 16000 };

static const rr_rule YEAR = {.window = {.length = {RR_DAYS, 365}}, .take = 1};

/* What a linkage finds by parts; the counts come from sorted parts. */
typedef struct answers {
    int64_t event_row[MANY];
    int32_t gap_days[MANY];
    int64_t count[MANY];
} answers;

static void answer(const rr_parts *parts, int64_t n_index, int64_t n_events, answers *a)
{
    const rr_matches nearest = {.event_row = a->event_row, .gap_days = a->gap_days};
    const rr_matches counts = {.count = a->count};

    CHECK(rr_link(parts, &YEAR, n_index, n_events, &nearest, NULL, NULL) == RR_OK);
    CHECK(rr_link(parts, &YEAR, n_index, n_events, &counts, NULL, NULL) == RR_OK);
}

static int same_answers(const answers *a, const answers *b, int64_t n)
{
    return memcmp(a->event_row, b->event_row, (size_t)n * sizeof *a->event_row) == 0 &&
           memcmp(a->gap_days, b->gap_days, (size_t)n * sizeof *a->gap_days) == 0 &&
           memcmp(a->count, b->count, (size_t)n * sizeof *a->count) == 0;
}

/* The answers by codes of rr_encode. */
static void answer_by_codes(const rr_keys *keys, const rr_rows *index, const rr_rows *events,
                            answers *a)
{
    rr_rows rows[2] = {*index, *events};
    uint32_t *codes[2] = {malloc((size_t)index->n * 4 + 4), malloc((size_t)events->n * 4 + 4)};
    rr_keys coded = *keys;
    rr_parts *parts;
    uint32_t limit;

    coded.codes = codes;
    CHECK(rr_encode_as(&coded, &limit, NULL, NULL) == RR_OK);
    rows[0].key.codes = codes[0];
    rows[1].key.codes = codes[1];
    CHECK(rr_order(&rows[0], &rows[1], limit, NULL, &parts, NULL) == RR_OK);
    answer(parts, index->n, events->n, a);
    rr_parts_free(parts);
    free(codes[0]);
    free(codes[1]);
}

static void check_order(const rr_keys *keys, const rr_rows *index, const rr_rows *events, int plain)
{
    static answers by_codes, by_keys;

    answer_by_codes(keys, index, events, &by_codes);
    for (int threads = 1; threads <= 7; threads += 3) {
        rr_call call = {.threads = threads};
        rr_parts *parts;

        CHECK(rr_order_keys_as(keys, index, events, &call, &parts, NULL) == RR_OK);
        answer(parts, index->n, events->n, &by_keys);
        rr_parts_free(parts);
        CHECK(same_answers(&by_codes, &by_keys, index->n));
        if (plain) {
            CHECK(rr_order_keys(keys->tables, keys->n_columns, index, events, &call, &parts,
                                NULL) == RR_OK);
            answer(parts, index->n, events->n, &by_keys);
            rr_parts_free(parts);
            CHECK(same_answers(&by_codes, &by_keys, index->n));
        }
    }
}

/* ---------------------------------------------------------------- few rows, any columns */

typedef struct side {
    column columns[3];
    rr_key_column key[3];
    int32_t day[MOST];
    uint8_t use[MOST];
    uint32_t codes[MOST], again[MOST], known[MOST];
} side;

static rr_rows rows_of(side *s, int64_t n, int64_t days, uint64_t *random)
{
    for (int64_t i = 0; i < n; i++) {
        s->day[i] = random_below(random, 20) == 0
                        ? INT32_MIN
                        : (int32_t)(FIRST_DAY + random_below(random, days));
        s->use[i] = random_below(random, 10) != 0;
    }
    return (rr_rows){
        .day = {NULL, 0, s->day}, .use = random_below(random, 2) ? s->use : NULL, .n = n};
}

/* Equal codes where rr_encode over both tables has equal ones, and the limit for all others. */
static void check_book(const rr_keys *keys, side *sides, int may_lack)
{
    const int64_t *n = (int64_t[]){keys->tables[0].n, keys->tables[1].n};
    uint32_t *own = sides[1].known, *both[2] = {sides[0].codes, sides[1].codes};
    rr_keys of_both = *keys, of_one = *keys;
    rr_key_book *book;
    uint32_t limit, limit_of_both;

    of_both.codes = both;
    CHECK(rr_encode_as(&of_both, &limit_of_both, NULL, NULL) == RR_OK);
    of_one.tables = &keys->tables[1];
    of_one.n_tables = 1;
    of_one.codes = &own;
    of_one.dense = 1;
    CHECK(rr_key_book_make_as(&of_one, &limit, &book, &(rr_call){.threads = 3}, NULL) == RR_OK);
    CHECK(may_lack || book != NULL);
    if (book == NULL) {
        return;
    }
    CHECK(rr_key_book_columns(book) == keys->n_columns);
    CHECK(rr_key_book_look_up(book, &keys->tables[0], sides[0].known, NULL, NULL) == RR_OK);
    CHECK(rr_key_book_look_up(book, &keys->tables[1], sides[1].again, NULL, NULL) == RR_OK);
    CHECK(memcmp(sides[1].again, own, (size_t)n[1] * 4) == 0);
    for (int64_t i = 0; i < n[0]; i++) {
        uint32_t expected = sides[0].codes[i] == RR_NULL_KEY ? RR_NULL_KEY : limit;

        for (int64_t j = 0; j < n[1] && expected == limit; j++) {
            expected = sides[1].codes[j] == sides[0].codes[i] ? own[j] : expected;
        }
        CHECK(sides[0].known[i] == expected);
    }
    rr_key_book_free(book);
}

static void test_any_columns(uint64_t *random)
{
    static side sides[2];
    int n_columns = (int)random_below(random, 3) + 1, text[3], long_text = 0;
    int64_t days = random_below(random, 4) == 0 ? 2000000 : 900;
    rr_key_table tables[2];
    rr_rows rows[2];
    rr_keys keys = {.tables = tables, .n_tables = 2, .n_columns = n_columns};

    for (int c = 0; c < n_columns; c++) {
        text[c] = (int)random_below(random, 2);
        long_text |= text[c] || n_columns > 2;
    }
    for (int t = 0; t < 2; t++) {
        int64_t n = random_below(random, MOST);

        tables[t] = fill_keys(sides[t].columns, sides[t].key, n, n_columns, text, random);
        rows[t] = rows_of(&sides[t], n, days, random);
    }
    keys.hash_mask = random_below(random, 3) == 0 ? random_word(random) & 0x8000000000000003
                                                  : UINT64_MAX;
    keys.extract = random_below(random, 2) ? rr_key_can_extract() : 0;
    check_order(&keys, &rows[0], &rows[1], 0);
    check_book(&keys, sides, long_text);
}

/* ---------------------------------------------------------------- many rows */

typedef struct many {
    int64_t offsets[MANY + 1];
    uint8_t data[MANY * 20];
    int16_t area[MANY];
    int32_t day[MANY];
} many;

/* Letter and eleven digits, within an area; half the rows are of one key. */
static void fill_many(many *m, uint64_t *random)
{
    m->offsets[0] = 0;
    for (int64_t i = 0; i < MANY; i++) {
        int64_t v = random_below(random, 2) ? 5 : random_below(random, 20000);
        uint8_t *at = m->data + m->offsets[i];

        at[0] = (uint8_t)('A' + v % 26);
        m->area[i] = (int16_t)(v % 150);
        m->day[i] = (int32_t)(FIRST_DAY + random_below(random, 3000));
        v = v * 2654435761 % 99999999977;
        for (int d = 11; d > 0; d--, v /= 10) {
            at[d] = (uint8_t)('0' + v % 10);
        }
        m->offsets[i + 1] = m->offsets[i] + 12;
    }
}

static void keys_of(const many *m, rr_key_column key[2], const uint32_t *meanings)
{
    key[0] = (rr_key_column){
        .kind = RR_KEY_CODES, .ints_16 = m->area, .meanings = meanings, .n_meanings = 150};
    key[1] = (rr_key_column){
        .kind = RR_KEY_TEXT, .offsets = m->offsets, .data = m->data, .n_data = m->offsets[MANY]};
}

enum odd { PLAIN, LONGER_TEXT, OTHER_TEXT, VERY_LONG_TEXT, FAR_DAY, FARTHEST_DAY, ODDITIES };

/* In a place that no sample sees. */
static void make_odd(many *m, enum odd odd)
{
    const int64_t row = MANY - 1;

    if (odd == LONGER_TEXT || odd == VERY_LONG_TEXT) {
        int64_t length = odd == LONGER_TEXT ? 13 : 19;

        memset(m->data + m->offsets[row], 'x', (size_t)length);
        m->offsets[MANY] = m->offsets[row] + length;
    } else if (odd == OTHER_TEXT) {
        m->data[m->offsets[row]] = 0xC3;
    } else if (odd == FAR_DAY) {
        m->day[row] = FIRST_DAY + 500000;
    } else if (odd == FARTHEST_DAY) {
        m->day[row] = (int32_t)RR_DAY_MIN;
    }
}

static void test_many(many *m, enum odd odd, uint64_t *random)
{
    rr_key_column key[2][2];
    rr_key_table tables[2] = {{key[0], MANY}, {key[1], MANY}};
    rr_rows rows[2] = {{.n = MANY}, {.n = MANY}};
    uint32_t meanings[150];
    rr_keys keys = {.tables = tables,
                    .n_tables = 2,
                    .n_columns = 2,
                    .hash_mask = UINT64_MAX,
                    .extract = rr_key_can_extract()};

    for (uint32_t i = 0; i < 150; i++) {
        meanings[i] = 149 - i;
    }
    for (int t = 0; t < 2; t++) {
        fill_many(&m[t], random);
        keys_of(&m[t], key[t], meanings);
        rows[t].day.narrow = m[t].day;
    }
    make_odd(&m[random_below(random, 2)], odd);
    key[0][1].n_data = m[0].offsets[MANY];
    key[1][1].n_data = m[1].offsets[MANY];
    check_order(&keys, &rows[0], &rows[1], 1);
}

/* Both sides are rows of one table, by dates and marks of their own. */
static void test_one_table(many *m, enum odd odd, uint64_t *random)
{
    rr_key_column key[2];
    rr_key_table tables[2] = {{key, MANY}, {key, MANY}};
    rr_rows rows[2] = {{.n = MANY}, {.n = MANY}};
    uint8_t *use = malloc(MANY);
    uint32_t meanings[150] = {0};
    rr_keys keys = {.tables = tables,
                    .n_tables = 2,
                    .n_columns = 2,
                    .hash_mask = UINT64_MAX,
                    .extract = rr_key_can_extract()};

    for (int t = 0; t < 2; t++) {
        fill_many(&m[t], random);
        rows[t].day.narrow = m[t].day;
    }
    for (int64_t i = 0; i < MANY; i++) {
        use[i] = (uint8_t)random_below(random, 2);
        if (random_below(random, 3) == 0) {
            m[random_below(random, 2)].day[i] = INT32_MIN;
        }
    }
    rows[0].use = use;
    keys_of(m, key, meanings);
    make_odd(m, odd);
    key[1].n_data = m->offsets[MANY];
    check_order(&keys, &rows[0], &rows[1], 1);
    free(use);
}

/* ---------------------------------------------------------------- what fits no record or no word */

/* Keys of all 64 bits, and days in two places far from one another; or one key, and so many events that
 * number, day and row need more than a word. */
static void test_wide(int64_t n_events, int64_t n_keys, int64_t apart, uint64_t *random)
{
    enum { INDEX = 200 };
    int64_t n[2] = {INDEX, n_events};
    int64_t *numbers[2];
    int32_t *days[2];
    rr_key_column key[2];
    rr_key_table tables[2];
    rr_rows rows[2];
    rr_keys keys = {.tables = tables, .n_tables = 2, .n_columns = 1, .hash_mask = UINT64_MAX};

    for (int t = 0; t < 2; t++) {
        numbers[t] = malloc((size_t)n[t] * sizeof *numbers[t]);
        days[t] = malloc((size_t)n[t] * sizeof *days[t]);
        for (int64_t i = 0; i < n[t]; i++) {
            numbers[t][i] = random_below(random, n_keys) - n_keys / 2;
            numbers[t][i] *= apart;
            days[t][i] = (int32_t)(random_below(random, 2) ? RR_DAY_MIN : RR_DAY_MAX - 1000);
            days[t][i] += (int32_t)random_below(random, 900);
        }
        key[t] = (rr_key_column){.kind = RR_KEY_INT64, .ints = numbers[t]};
        tables[t] = (rr_key_table){&key[t], n[t]};
        rows[t] = (rr_rows){.day = {NULL, 0, days[t]}, .n = n[t]};
    }
    check_order(&keys, &rows[0], &rows[1], 0);
    for (int t = 0; t < 2; t++) {
        free(numbers[t]);
        free(days[t]);
    }
}

/* ---------------------------------------------------------------- refusals */

static void test_refusals(many *m, uint64_t *random)
{
    rr_key_column key[2];
    rr_key_table tables[2] = {{key, MANY}, {key, MANY}};
    rr_rows rows = {.day = {NULL, 0, m->day}, .n = MANY}, few = rows;
    uint32_t meanings[150] = {0}, *codes = malloc(MANY * sizeof *codes), limit;
    rr_status status = RR_ERR_MEMORY;
    rr_key_book *book;
    rr_parts *parts;
    rr_error error;

    fill_many(m, random);
    keys_of(m, key, meanings);
    for (int64_t nth = 0; status != RR_OK; nth++) {
        failing_allocation = nth;
        status = rr_order_keys(tables, 2, &rows, &rows, NULL, &parts, &error);
        failing_allocation = -1;
        CHECK(status == RR_OK || (status == RR_ERR_MEMORY && parts == NULL));
        CHECK(nth < 100);
    }
    rr_parts_free(parts);
    status = RR_ERR_MEMORY;
    for (int64_t nth = 0; status != RR_OK; nth++) {
        failing_allocation = nth;
        status = rr_key_book_make(tables, 2, codes, &limit, &book, NULL, &error);
        failing_allocation = -1;
        CHECK(status == RR_OK || (status == RR_ERR_MEMORY && book == NULL));
        CHECK(nth < 100);
    }
    /* A row that no sample sees: of the book's keys, and of an order. */
    m->offsets[MANY - 3] = 2;
    CHECK(rr_order_keys(tables, 2, &rows, &rows, NULL, &parts, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == MANY - 4 && error.column == 1 && parts == NULL);
    CHECK(rr_key_book_look_up(book, tables, codes, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == MANY - 4);
    m->offsets[MANY - 3] = 12 * (MANY - 3);
    m->area[MANY - 7] = 150;
    CHECK(rr_key_book_look_up(book, tables, codes, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == MANY - 7 && error.column == 0);
    CHECK(rr_order_keys(tables, 2, &rows, &rows, NULL, &parts, &error) == RR_ERR_ARGUMENT);
    m->area[MANY - 7] = 0;
    m->day[MANY - 9] = (int32_t)RR_DAY_MAX + 1;
    CHECK(rr_order_keys(tables, 2, &rows, &rows, NULL, &parts, &error) == RR_ERR_DAY_RANGE);
    CHECK(error.row == MANY - 9 && error.column == 0);
    tables[0].n = few.n = 0;
    CHECK(rr_order_keys(tables, 2, &few, &rows, NULL, &parts, &error) == RR_ERR_DAY_RANGE);
    CHECK(error.row == MANY - 9 && error.column == 1);
    m->day[MANY - 9] = FIRST_DAY;
    key[1] = (rr_key_column){.kind = RR_KEY_TEXT, .width = 4, .wide = (uint32_t *)(void *)m->data};
    tables[1].n = rows.n = MANY;
    memset(m->data, 'a', sizeof m->data);
    CHECK(rr_order_keys(tables, 2, &few, &rows, NULL, &parts, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 0 && error.column == 1);
    key[1].kind = RR_KEY_INT64;
    CHECK(rr_key_book_look_up(book, tables, codes, NULL, &error) == RR_ERR_ARGUMENT);
    rr_key_book_free(book);
    rr_key_book_free(NULL);
    free(codes);
}

int main(void)
{
    uint64_t random = 20160401;
    many *m = malloc(2 * sizeof *m);

    for (int round = 0; round < 300; round++) {
        test_any_columns(&random);
    }
    for (int odd = PLAIN; odd < ODDITIES; odd++) {
        test_many(m, odd, &random);
        test_one_table(m, odd, &random);
    }
    test_wide(3000, 50, INT64_MAX / 25, &random);
    test_wide(1 << 21, 2, INT64_C(1) << 40, &random);
    test_refusals(m, &random);
    free(m);
    return 0;
}
