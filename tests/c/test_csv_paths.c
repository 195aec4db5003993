/* Every way to read CSV against libcsv alone: the same columns, complaints and errors, whatever the
 * instructions, the size of blocks and the number of threads. Documents are drawn at random, and
 * hostile: regular, quoted and irregular records in runs, so that the ways alternate.
 *
 * REREFERRAL_FUZZ=cases,seed draws as many others. */
#include "check.h"
#include "csv_table.h"

#include <string.h>

DEFINE_FAILING_ALLOCATION

enum { ROOM = 1 << 15, COLUMNS_MAX = 5 };

typedef struct document {
    char bytes[ROOM + 4096];
    int64_t length;
    int64_t n_columns;
    rr_csv_kind kinds[COLUMNS_MAX];
    const char *eol;
} document;

static int one_in(uint64_t *random, int64_t n)
{
    return random_below(random, n) == 0;
}

static void put(document *d, const char *text)
{
    size_t n = strlen(text);

    memcpy(d->bytes + d->length, text, n);
    d->length += (int64_t)n;
}

static void put_bytes(document *d, const char *bytes, int64_t n)
{
    memcpy(d->bytes + d->length, bytes, (size_t)n);
    d->length += n;
}

/* A field that nearly always fits its column. */
static void put_value(document *d, rr_csv_kind kind, uint64_t *random)
{
    static const char *const bools[] = {"0", "1", "true", "FALSE", "0", "1"};
    static const char *const texts[] = {
        "a",           "0007", " padded ",     "a text of more than sixteen bytes",
        "caf\xC3\xA9", "\t",   "C10001958893", "x"};
    static const char *const names[] = {
        "E06000001", "E06000002", "RC8", "RC9", "1A", "4", "a category of more than sixteen bytes",
        "\xC3\xA9"};
    char text[64];

    if (one_in(random, 12)) {
        return;
    }
    switch (kind) {
    case RR_CSV_DATE:
        sprintf(text, "%04d-%02d-%02d", 1990 + (int)random_below(random, 30),
                1 + (int)random_below(random, 12), 1 + (int)random_below(random, 28));
        if (one_in(random, 20)) {
            strcpy(text, one_in(random, 2) ? "2020-02-29" : "2019-12-31T00:00");
        }
        put(d, text);
        break;
    case RR_CSV_INT64:
        sprintf(text, "%s%llu", one_in(random, 9) ? "-" : "",
                (unsigned long long)(random_word(random) >> random_below(random, 64)) / 2);
        put(d, text);
        break;
    case RR_CSV_FLOAT64:
        sprintf(text, "%.*g", 1 + (int)random_below(random, 17),
                (double)(int64_t)random_word(random) / (double)(1 + random_below(random, 1 << 20)));
        if (one_in(random, 2)) {
            sprintf(text, "%d.%02d", (int)random_below(random, 2000) - 1000,
                    (int)random_below(random, 100));
        }
        put(d, text);
        break;
    case RR_CSV_BOOL:
        put(d, bools[random_below(random, 6)]);
        break;
    case RR_CSV_CATEGORY:
        if (one_in(random, 10)) {
            sprintf(text, "n%d", (int)random_below(random, 200));
            put(d, text);
        } else {
            put(d, names[random_below(random, 8)]);
        }
        break;
    case RR_CSV_TEXT:
    case RR_CSV_SKIP:
        put(d, texts[random_below(random, 8)]);
        break;
    }
}

/* Something that is wrong in most columns, or in all. */
static void put_nonsense(document *d, uint64_t *random)
{
    static const struct {
        const char *bytes;
        int n;
    } all[] = {{"2019-02-29", 10},
               {"2019-13-01", 10},
               {"0000-01-01", 10},
               {"20190-1-01", 10},
               {"x", 1},
               {"-", 1},
               {"\xFF", 1},
               {"\xC3", 1},
               {"\"", 1},
               {"a\"b", 3},
               {"\"a\"b", 4},
               {"\"a", 2},
               {"a\0b", 3},
               {"\0", 1},
               {"\r", 1},
               {"a\rb", 3},
               {"\n", 1},
               {"\"\n", 2},
               {",", 1},
               {",,,,", 4},
               {"\"a\"\"b\"", 6},
               {"\"\"\"\"", 4},
               {"\"\r\"", 3},
               {"\"\r\n\"", 4},
               {"\"\"a", 3},
               {"a\"b\"", 4},
               {"99999999999999999999", 20},
               {"2019-01-01 10:00", 16},
               {"\"a\"\r", 4},
               {"\x80", 1},
               {"1e999", 5},
               {"2019/01/01", 10}};
    int64_t i = random_below(random, sizeof all / sizeof *all);

    put_bytes(d, all[i].bytes, all[i].n);
}

enum { PLAIN, QUOTED, SOME_QUOTED, LINES_IN_QUOTES, WRONG, RAGGED, STYLES };

static void put_record(document *d, int style, uint64_t *random)
{
    int64_t n = d->n_columns, wrong = -1;

    if (style == RAGGED) {
        n = random_below(random, 2 * n + 1);
    }
    if (style == WRONG) {
        wrong = random_below(random, n);
    }
    for (int64_t c = 0; c < n; c++) {
        rr_csv_kind kind = d->kinds[c % d->n_columns];
        int quoted = style == QUOTED || style == LINES_IN_QUOTES ||
                     (style == SOME_QUOTED && one_in(random, 2));

        put(d, c > 0 ? "," : "");
        if (c == wrong) {
            put_nonsense(d, random);
            continue;
        }
        put(d, quoted ? "\"" : "");
        if (style == LINES_IN_QUOTES && (kind == RR_CSV_TEXT || kind == RR_CSV_SKIP)) {
            put(d, one_in(random, 2) ? "two\nlines, and" : "\r\n");
        }
        put_value(d, kind, random);
        put(d, quoted ? "\"" : "");
    }
    if (one_in(random, 100)) {
        put(d, one_in(random, 3) ? "\r" : "\n\n");
    }
    put(d, one_in(random, 200) ? "\n" : d->eol);
}

static void draw(document *d, uint64_t *random)
{
    static const char *const ends[] = {"\n", "\n", "\r\n", "\r"};
    const int64_t wanted = random_below(random, one_in(random, 20) ? ROOM : 3000);
    const int mixed = one_in(random, 2), ragged = one_in(random, 3);
    int style = PLAIN;

    d->length = 0;
    d->n_columns = 1 + random_below(random, COLUMNS_MAX);
    d->eol = ends[random_below(random, one_in(random, 4) ? 4 : 3)];
    for (int64_t c = 0; c < d->n_columns; c++) {
        d->kinds[c] = (rr_csv_kind)random_below(random, RR_CSV_CATEGORY + 1);
    }
    style = (int)random_below(random, LINES_IN_QUOTES + 1);
    while (d->length < wanted) {
        if (mixed && one_in(random, 10)) {
            style = (int)random_below(random, LINES_IN_QUOTES + 1);
        }
        if (ragged && one_in(random, 12)) {
            put_record(d, WRONG + (int)random_below(random, 2), random);
        } else {
            put_record(d, style, random);
        }
    }
    if (d->length > 0 && one_in(random, 4)) {
        d->length -= 1 + random_below(random, d->length < 40 ? d->length : 40);
    }
}

/* ---------------------------------------------------------------- the same answer */

static void same_bytes(const void *a, const void *b, int64_t n, const char *what)
{
    if ((a == NULL) != (b == NULL) || (a != NULL && n > 0 && memcmp(a, b, (size_t)n) != 0)) {
        fprintf(stderr, "%s differ\n", what);
        CHECK(!"the same");
    }
}

static void same_column(const rr_csv_column *a, const rr_csv_column *b, int64_t n)
{
    static const int size[] = {[RR_CSV_DATE] = 8,
                               [RR_CSV_INT64] = 8,
                               [RR_CSV_FLOAT64] = 8,
                               [RR_CSV_BOOL] = 1,
                               [RR_CSV_TEXT] = 0};
    const int is_category = a->kind == RR_CSV_CATEGORY;

    CHECK(a->kind == b->kind && a->n_strings == b->n_strings);
    CHECK(a->code_size == b->code_size);
    same_bytes(a->values, b->values, n * (is_category ? a->code_size : size[a->kind]), "values");
    same_bytes(a->valid, b->valid, n, "masks");
    same_bytes(a->offsets, b->offsets, (a->n_strings + 1) * 8, "offsets");
    if (a->offsets != NULL) {
        same_bytes(a->data, b->data, a->offsets[a->n_strings], "data");
    }
}

static void same_table(const rr_csv_table *a, const rr_csv_table *b)
{
    CHECK(a->n_rows == b->n_rows && a->blank_lines == b->blank_lines);
    CHECK(a->bytes == b->bytes && a->bad_rows == b->bad_rows && a->n_bad == b->n_bad);
    for (int64_t c = 0; c < a->n_columns; c++) {
        same_column(&a->columns[c], &b->columns[c], a->n_rows);
    }
    for (int i = 0; i < 5; i++) {
        same_column(&a->bad[i], &b->bad[i], a->n_bad);
    }
}

static void show(const document *d, const rr_csv_options *options, int threads, uint64_t seed)
{
    fprintf(stderr, "case %llu: path %d, blocks of %lld, %d threads, collect %d, encoding %d, %d\n",
            (unsigned long long)seed, (int)options->path, (long long)options->block_size, threads,
            options->collect, (int)options->encoding, options->has_header);
    fprintf(stderr, "%lld bytes, %lld columns of kinds", (long long)d->length,
            (long long)d->n_columns);
    for (int64_t c = 0; c < d->n_columns; c++) {
        fprintf(stderr, " %d", (int)d->kinds[c]);
    }
    fprintf(stderr, "\n");
}

static int64_t check_case(const document *d, uint64_t *random, uint64_t seed)
{
    static const int threads[] = {1, 2, 7};
    const rr_csv_source source = {.fd = -1, .bytes = d->bytes, .length = d->length};
    rr_csv_options options = {
        .encoding = (rr_csv_encoding)(one_in(random, 4) ? 1 + random_below(random, 2) : 0),
        .collect = !one_in(random, 3),
        .has_header = one_in(random, 4)};
    rr_csv_table judge = {0};
    rr_error wrong;
    rr_status status;

    options.path = RR_CSV_LIBCSV;
    status = rr_csv_read(&source, &options, d->kinds, d->n_columns, &judge, NULL, &wrong);
    CHECK(status == RR_OK || status == RR_ERR_CSV || status == RR_ERR_VALUE);
    for (int path = RR_CSV_FASTEST; path <= RR_CSV_AVX512; path++) {
        for (int i = 0; i < 3; i++) {
            rr_call call = {.threads = threads[i]};
            rr_csv_table table = {0};
            rr_error error;
            rr_status got;

            if (path == RR_CSV_LIBCSV) {
                continue;
            }
            options.path = (rr_csv_path)path;
            options.block_size = one_in(random, 5)
                                     ? 0
                                     : 1 + random_below(random, one_in(random, 2) ? 300 : 5000);
            got = rr_csv_read(&source, &options, d->kinds, d->n_columns, &table, &call, &error);
            if (got == RR_ERR_ARGUMENT) {
                continue; /* not on this machine */
            }
            if (got != status || (status != RR_OK && memcmp(&error, &wrong, sizeof wrong) != 0)) {
                show(d, &options, call.threads, seed);
                fprintf(stderr, "%d line %lld row %lld byte %lld column %lld \"%s\" %s\n", status,
                        (long long)wrong.line, (long long)wrong.row, (long long)wrong.byte,
                        (long long)wrong.column, wrong.value, wrong.message);
                fprintf(stderr, "%d line %lld row %lld byte %lld column %lld \"%s\" %s\n", got,
                        (long long)error.line, (long long)error.row, (long long)error.byte,
                        (long long)error.column, error.value, error.message);
                CHECK(!"the same error");
            }
            if (status == RR_OK) {
                if (table.n_rows != judge.n_rows || table.n_bad != judge.n_bad ||
                    table.blank_lines != judge.blank_lines) {
                    show(d, &options, call.threads, seed);
                    fprintf(stderr, "rows %lld, %lld; bad %lld, %lld; blank %lld, %lld\n",
                            (long long)judge.n_rows, (long long)table.n_rows,
                            (long long)judge.n_bad, (long long)table.n_bad,
                            (long long)judge.blank_lines, (long long)table.blank_lines);
                }
                same_table(&judge, &table);
            }
            rr_csv_table_free(&table);
        }
    }
    rr_csv_table_free(&judge);
    return status == RR_OK;
}

int main(void)
{
    const char *asked = getenv("REREFERRAL_FUZZ");
    unsigned long long cases = 1000, seed = 1, good = 0;
    document *d = malloc(sizeof *d);

    CHECK(d != NULL);
    if (asked != NULL) {
        CHECK(sscanf(asked, "%llu,%llu", &cases, &seed) == 2);
    }
    for (unsigned long long i = 0; i < cases; i++) {
        uint64_t random = (seed << 32) + i + 1;

        for (int j = 0; j < 8; j++) {
            random_word(&random);
        }
        draw(d, &random);
        good += (unsigned long long)check_case(d, &random, (seed << 32) + i + 1);
    }
    CHECK(good > cases / 3 && good < cases);
    free(d);
    printf("csv paths: ok\n");
    return 0;
}
