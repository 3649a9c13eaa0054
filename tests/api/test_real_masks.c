/* test_real_masks.c - every pair of ../shared/data over HTTP against counts made by other software.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/http.h"

#include <math.h>

#define DATA "../shared/data"

static json_t *expected;

/* "/v1/score?labels=0,1&threshold=0.5", with every label that is expected. */
static void path_of(const char *key, bool all_labels, char *ret_path, size_t cap_path)
{
    json_t *pair = json_object_get(expected, key), *value;
    json_t *threshold = json_object_get(pair, "threshold");
    const char *label, *comma = "";
    size_t used = (size_t)snprintf(ret_path, cap_path, "/v1/score?");
    if (threshold)
        used += (size_t)snprintf(ret_path + used, cap_path - used, "threshold=%g&",
                                 json_number_value(threshold));
    used += (size_t)snprintf(ret_path + used, cap_path - used, all_labels ? "labels=" : "");
    json_object_foreach(json_object_get(pair, "labels"), label, value)
    {
        (void)value;
        if (all_labels)
            used += (size_t)snprintf(ret_path + used, cap_path - used, "%s%s", comma, label);
        comma = ",";
    }
}

static void add_file(curl_mime *form, const char *name, const char *key, const char *file)
{
    char path[512];
    snprintf(path, sizeof path, DATA "/%.*s/%s", (int)strcspn(key, "/"), key, file);
    curl_mimepart *part = curl_mime_addpart(form);
    curl_mime_name(part, name);
    assert_int_equal(curl_mime_filedata(part, path), CURLE_OK);
}

static struct answer post_files(const char *key, const char *path)
{
    json_t *pair = json_object_get(expected, key);
    CURL *curl = curl_easy_init();
    curl_mime *form = curl_mime_init(curl);
    add_file(form, "prediction", key, json_string_value(json_object_get(pair, "prediction")));
    add_file(form, "reference", key, json_string_value(json_object_get(pair, "reference")));
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);
    struct answer answer = answer_perform(curl, shared, path);
    curl_mime_free(form);
    curl_easy_cleanup(curl);
    return answer;
}

static struct answer post_pair(const char *key, bool all_labels)
{
    char path[2048];
    path_of(key, all_labels, path, sizeof path);
    struct answer answer = post_files(key, path);
    assert_status(&answer, 200);
    return answer;
}

static json_t *class_of(const struct answer *answer, const char *label)
{
    json_t *classes = json_object_get(answer->json, "classes");
    for (size_t i = 0; i < json_array_size(classes); i++) {
        json_t *one = json_array_get(classes, i);
        if (json_integer_value(json_object_get(one, "label")) == strtoll(label, NULL, 10))
            return one;
    }
    fail_msg("label %s is not in the answer", label);
    return NULL;
}

static void assert_counts(const char *label, json_t *seen, json_t *wanted)
{
    static const char *const counts[] = {"prediction", "reference", "tp", "fp", "fn"};
    for (size_t i = 0; i < 5; i++) {
        json_int_t have = json_integer_value(json_object_get(seen, counts[i]));
        json_int_t want = json_integer_value(json_object_get(wanted, counts[i]));
        if (have != want)
            fail_msg("label %s: %s is %lld, wanted %lld", label, counts[i], (long long)have,
                     (long long)want);
    }
}

static void assert_class(const char *label, json_t *seen, json_t *wanted)
{
    static const char *const ratios[] = {"dice", "iou"};
    assert_counts(label, seen, wanted);
    for (size_t i = 0; i < 2; i++) {
        double have = json_number_value(json_object_get(seen, ratios[i]));
        double want = json_number_value(json_object_get(wanted, ratios[i]));
        if (!(fabs(have - want) <= 1e-12 * fabs(want)))
            fail_msg("label %s: %s is %.17g, wanted %.17g", label, ratios[i], have, want);
    }
}

static void every_count_and_ratio_is_equal(void **state)
{
    const char *key = *state, *label;
    json_t *labels = json_object_get(json_object_get(expected, key), "labels"), *wanted;
    struct answer answer = post_pair(key, true);
    json_object_foreach(labels, label, wanted)
        assert_class(label, class_of(&answer, label), wanted);
    assert_int_equal(json_array_size(json_object_get(answer.json, "classes")),
                     json_object_size(labels));
    assert_member(&answer, "unlisted", "[]");
    answer_free(&answer);
}

static void the_labels_found_are_those_expected_without_background(void **state)
{
    const char *key = *state, *label;
    json_t *labels = json_object_get(json_object_get(expected, key), "labels"), *wanted;
    struct answer answer = post_pair(key, false);
    json_object_foreach(labels, label, wanted)
    {
        if (strcmp(label, "0") != 0)
            assert_class(label, class_of(&answer, label), wanted);
        else
            assert_counts(label, json_object_get(answer.json, "background"), wanted);
    }
    assert_int_equal(json_array_size(json_object_get(answer.json, "classes")),
                     json_object_size(labels) - 1);
    answer_free(&answer);
}

/* Two tests for each pair of the file. Their names are freed by the caller. */
static size_t tests_of(struct CMUnitTest *ret_tests, size_t cap_tests)
{
    const char *key;
    json_t *pair;
    size_t n = 0;
    json_object_foreach(expected, key, pair)
    {
        (void)pair;
        char name[2][160];
        snprintf(name[0], sizeof name[0], "%s: every count and ratio is equal", key);
        snprintf(name[1], sizeof name[1], "%s: the labels found are those expected", key);
        for (size_t i = 0; i < 2 && n < cap_tests; i++, n++)
            ret_tests[n] = (struct CMUnitTest){
                .name = strdup(name[i]),
                .test_func = i == 0 ? every_count_and_ratio_is_equal
                                    : the_labels_found_are_those_expected_without_background,
                .initial_state = (void *)(uintptr_t)key};
    }
    return n;
}

int main(void)
{
    struct CMUnitTest tests[64];
    expected = json_load_file(DATA "/expected.json", 0, NULL);
    if (!expected) {
        puts("1..1\nok 1 - real masks # SKIP " DATA "/expected.json is absent");
        return 0;
    }
    size_t n_tests = tests_of(tests, 64);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = _cmocka_run_group_tests("real masks", tests, n_tests, start, stop);
    curl_global_cleanup();
    for (size_t i = 0; i < n_tests; i++)
        free((void *)(uintptr_t)tests[i].name);
    json_decref(expected);
    return failed;
}
