/* Keys to codes, against a comparison of every pair of rows and, of many rows, against the values that
 * they were made from. */
#include "check.h"
#include "key_columns.h"
#include "keys.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { MANY = 150000 };

static void test_every_pair(uint64_t *random)
{
    static column columns[2][3];
    static uint32_t codes[2][MOST], again[2][MOST];
    uint32_t *out[2] = {codes[0], codes[1]}, *out_again[2] = {again[0], again[1]};
    uint32_t limit, limit_again;
    int n_columns = (int)random_below(random, 3) + 1, text[3];
    int64_t n[2];
    rr_key_column key[2][3];
    rr_key_table tables[2];
    rr_call call = {.threads = 3};
    rr_keys keys = {.tables = tables, .n_tables = 2, .n_columns = n_columns, .codes = out};

    for (int c = 0; c < n_columns; c++) {
        text[c] = (int)random_below(random, 2);
    }
    for (int t = 0; t < 2; t++) {
        n[t] = random_below(random, MOST);
        tables[t] = fill_keys(columns[t], key[t], n[t], n_columns, text, random);
    }
    keys.hash_mask = random_below(random, 3) == 0 ? random_word(random) & 0x8000000000000003
                                                  : UINT64_MAX;
    keys.dense = (int)random_below(random, 2);
    CHECK(rr_encode_as(&keys, &limit, NULL, NULL) == RR_OK);
    CHECK(!keys.dense || limit <= n[0] + n[1] || limit == 1);
    for (int64_t a = 0; a < n[0] + n[1]; a++) {
        int ta = a >= n[0], missing = 0;
        int64_t i = ta ? a - n[0] : a;

        for (int c = 0; c < n_columns; c++) {
            missing |= !columns[ta][c].valid[i];
        }
        CHECK((codes[ta][i] == RR_NULL_KEY) == missing);
        CHECK(missing || codes[ta][i] < limit);
        for (int64_t b = 0; b < a && !missing; b++) {
            int tb = b >= n[0], same = 1;
            int64_t j = tb ? b - n[0] : b;

            if (codes[tb][j] == RR_NULL_KEY) {
                continue;
            }
            for (int c = 0; c < n_columns && same; c++) {
                same = same_value(text[c], &columns[ta][c], i, &columns[tb][c], j);
            }
            CHECK((codes[ta][i] == codes[tb][j]) == same);
        }
    }
    /* The same codes on threads, by the other way to gather bits, and from the public call. */
    keys.codes = out_again;
    keys.extract = rr_key_can_extract();
    CHECK(rr_encode_as(&keys, &limit_again, &call, NULL) == RR_OK && limit_again == limit);
    CHECK(memcmp(codes[0], again[0], (size_t)n[0] * 4) == 0);
    CHECK(memcmp(codes[1], again[1], (size_t)n[1] * 4) == 0);
    if (keys.hash_mask == UINT64_MAX && !keys.dense) {
        CHECK(rr_encode(tables, 2, n_columns, out_again, &limit_again, NULL, NULL) == RR_OK);
        CHECK(memcmp(codes[0], again[0], (size_t)n[0] * 4) == 0);
    }
}

/* ---------------------------------------------------------------- many rows */

typedef struct many {
    int64_t value[MANY];
    int64_t offsets[MANY + 1];
    uint8_t data[MANY * 24];
    uint32_t codes[MANY];
    uint32_t again[MANY];
} many;

/* Writes value v as text of `width` digits behind a letter. */
static void write_text(many *m, int64_t i, int64_t v, int width)
{
    uint8_t *at = m->data + m->offsets[i];

    at[0] = 'P';
    for (int d = width; d > 0; d--, v /= 10) {
        at[d] = (uint8_t)('0' + v % 10);
    }
    m->offsets[i + 1] = m->offsets[i] + width + 1;
}

/* Values below `distinct` get codes that are one to one with them. */
static void check_one_to_one(const many *m, int64_t distinct)
{
    int64_t *code_of = malloc((size_t)distinct * sizeof *code_of);
    int64_t *value_of = malloc((size_t)distinct * sizeof *value_of);
    int64_t met = 0;

    for (int64_t v = 0; v < distinct; v++) {
        code_of[v] = value_of[v] = -1;
    }
    for (int64_t i = 0; i < MANY; i++) {
        int64_t v = m->value[i];

        if (code_of[v] < 0) {
            met++;
            code_of[v] = m->codes[i];
            CHECK(m->codes[i] < distinct && value_of[m->codes[i]] < 0);
            value_of[m->codes[i]] = v;
        }
        CHECK(m->codes[i] == code_of[v]);
    }
    CHECK(met > 0);
    free(code_of);
    free(value_of);
}

/* Half the rows are of one key; one text in a place that no sample sees is longer than the others, or
 * has a bit that no other has. */
static void test_many(many *m, int width, int odd, uint64_t *random)
{
    enum { DISTINCT = 40000 };
    rr_key_column key = {.kind = RR_KEY_TEXT, .offsets = m->offsets, .data = m->data, .n_data = 0};
    rr_key_table table = {&key, MANY};
    uint32_t *out = m->again, limit = 0, limit_again;

    m->offsets[0] = 0;
    for (int64_t i = 0; i < MANY; i++) {
        int64_t v = random_below(random, 2) ? 5 : random_below(random, DISTINCT);

        m->value[i] = v;
        write_text(m, i, v * 2654435761 % (width < 9 ? 1000003 : 99999999977), width);
        if (odd && i == MANY - 3) {
            m->value[i] = DISTINCT;
            m->data[m->offsets[i]] = odd == 1 ? 'P' : 0xC3;
            m->offsets[i + 1] += odd == 1;
            m->data[m->offsets[i + 1] - 1] = '7';
        }
    }
    key.n_data = m->offsets[MANY];
    for (int threads = 1; threads <= 7; threads += 3) {
        rr_call call = {.threads = threads};

        CHECK(rr_encode(&table, 1, 1, &out, &limit_again, &call, NULL) == RR_OK);
        if (threads == 1) {
            memcpy(m->codes, m->again, sizeof m->codes);
            limit = limit_again;
        }
        CHECK(limit_again == limit && memcmp(m->codes, m->again, sizeof m->codes) == 0);
    }
    if (limit <= DISTINCT + 1) { /* else the texts themselves were short enough to be codes */
        check_one_to_one(m, DISTINCT + 1);
    }
    CHECK(width < 9 || limit <= DISTINCT + 1);
}

/* ---------------------------------------------------------------- refusals */

static void test_refusals(void)
{
    static int64_t wide[MOST], offsets[MOST + 1];
    static int32_t codes_32[MOST];
    static uint8_t data[MOST];
    static uint32_t codes[MOST];
    const uint32_t meanings[] = {1, 2};
    uint32_t *out = codes, limit;
    rr_key_column key[2] = {{.kind = RR_KEY_INT64, .ints = wide},
                            {.kind = RR_KEY_TEXT, .offsets = offsets, .data = data}};
    rr_key_table table = {key, MOST};
    rr_status status = RR_ERR_MEMORY;
    rr_error error;

    for (int64_t i = 0; i < MOST; i++) {
        wide[i] = i << 40;
        offsets[i + 1] = i + 1;
    }
    key[1].n_data = MOST;
    for (int64_t nth = 0; status != RR_OK; nth++) {
        failing_allocation = nth;
        status = rr_encode(&table, 1, 2, &out, &limit, NULL, &error);
        failing_allocation = -1;
        CHECK(status == RR_OK || status == RR_ERR_MEMORY);
        CHECK(nth < 100);
    }
    offsets[3] = 9;
    CHECK(rr_encode(&table, 1, 2, &out, &limit, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 3 && error.column == 1);
    offsets[3] = 3;
    key[1].n_data = MOST - 1;
    CHECK(rr_encode(&table, 1, 2, &out, &limit, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == MOST - 1);
    key[1] = (rr_key_column){
        .kind = RR_KEY_CODES, .ints_32 = codes_32, .meanings = meanings, .n_meanings = 2};
    codes_32[77] = 2;
    CHECK(rr_encode(&table, 1, 2, &out, &limit, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == 77 && error.column == 1);
}

/* What no sample sees is refused all the same: bad offsets, and a code without a meaning. */
static void test_refusals_of_many(many *m)
{
    static int32_t codes_32[MANY];
    const uint32_t meanings[] = {1, 2};
    rr_key_column key = {
        .kind = RR_KEY_TEXT, .offsets = m->offsets, .data = m->data, .n_data = MANY};
    rr_key_table table = {&key, MANY};
    uint32_t *out = m->codes, limit;
    rr_error error;

    for (int64_t i = 0; i <= MANY; i++) {
        m->offsets[i] = i;
    }
    m->offsets[MANY - 5] = 2;
    CHECK(rr_encode(&table, 1, 1, &out, &limit, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == MANY - 6);
    key = (rr_key_column){
        .kind = RR_KEY_CODES, .ints_32 = codes_32, .meanings = meanings, .n_meanings = 2};
    codes_32[MANY - 5] = 2;
    CHECK(rr_encode(&table, 1, 1, &out, &limit, NULL, &error) == RR_ERR_ARGUMENT);
    CHECK(error.row == MANY - 5);
}

/* Integers of a narrow range keep their order and gaps; tables without rows have no codes. */
static void test_narrow(void)
{
    int64_t ints[] = {-5, 100, 0};
    uint8_t none[] = {0, 0, 0};
    rr_key_column key = {.kind = RR_KEY_INT64, .ints = ints};
    rr_key_table table = {&key, 3};
    uint32_t codes[3], *out = codes, limit;

    CHECK(rr_encode(&table, 1, 1, &out, &limit, NULL, NULL) == RR_OK);
    CHECK(codes[0] == 0 && codes[1] == 105 && codes[2] == 5 && limit == 106);
    key.valid = none;
    CHECK(rr_encode(&table, 1, 1, &out, &limit, NULL, NULL) == RR_OK);
    CHECK(codes[0] == RR_NULL_KEY && codes[2] == RR_NULL_KEY && limit >= 1);
    table.n = 0;
    CHECK(rr_encode(&table, 1, 1, &out, &limit, NULL, NULL) == RR_OK && limit >= 1);
}

int main(void)
{
    uint64_t random = 20160401;
    many *m = malloc(sizeof *m);

    for (int round = 0; round < 600; round++) {
        test_every_pair(&random);
    }
    for (int odd = 0; odd < 3; odd++) {
        test_many(m, 7, odd, &random);
        test_many(m, 11, odd, &random);
        test_many(m, 22, odd, &random);
    }
    test_refusals();
    test_refusals_of_many(m);
    test_narrow();
    free(m);
    return 0;
}
