/* test_histogram.c - values are counted under their bounds, and printed as Prometheus reads them.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "daemon/histogram.h"

static const struct bounds bounds = {{0.5, 1, 1024}, 3};

static void expect_text(const struct histogram *histogram, const char *labels, const char *wanted)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    histogram_print(out, "x", labels, histogram, &bounds);
    fclose(out);
    assert_string_equal(text, wanted);
    free(text);
}

static void buckets_add_up_and_a_bound_belongs_to_its_own(void **state)
{
    struct histogram histogram = {.sum = 0};
    static const double values[] = {0.25, 0.5, 0.75, 1, 2, 1024, 2000};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        histogram_observe(&histogram, &bounds, values[i]);
    assert_int_equal(histogram_count(&histogram), 7);
    expect_text(&histogram, "a=\"b\"",
                "x_bucket{a=\"b\",le=\"0.5\"} 2\nx_bucket{a=\"b\",le=\"1.0\"} 4\n"
                "x_bucket{a=\"b\",le=\"1024.0\"} 6\nx_bucket{a=\"b\",le=\"+Inf\"} 7\n"
                "x_sum{a=\"b\"} 3028.5\nx_count{a=\"b\"} 7\n");
}

static void an_empty_one_has_all_its_samples(void **state)
{
    struct histogram histogram = {.sum = 0};

    (void)state;
    expect_text(&histogram, "",
                "x_bucket{le=\"0.5\"} 0\nx_bucket{le=\"1.0\"} 0\nx_bucket{le=\"1024.0\"} 0\n"
                "x_bucket{le=\"+Inf\"} 0\nx_sum 0\nx_count 0\n");
}

static void the_bounds_ascend(void **state)
{
    const struct bounds *all[] = {&histogram_seconds, &histogram_bytes};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_in_range(all[i]->n, 1, HISTOGRAM_MAX_BOUNDS);
        for (size_t j = 1; j < all[i]->n; j++)
            assert_true(all[i]->list[j] > all[i]->list[j - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_add_up_and_a_bound_belongs_to_its_own),
        cmocka_unit_test(an_empty_one_has_all_its_samples),
        cmocka_unit_test(the_bounds_ascend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
