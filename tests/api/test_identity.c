/* test_identity.c - the same request gets the same bytes: on every kernel, thread count and
 * occasion. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/example.h"

/* Remove the timing object, the only member that may differ. */
static void cut_timing(struct answer *answer)
{
    char *at = strstr((char *)answer->body.data, "\"timing\"");
    assert_non_null(at);
    char *end = strchr(at, '}');
    assert_non_null(end);
    memmove(at, end + 1, strlen(end + 1) + 1);
}

static bool cpu_has(const char *isa)
{
#if defined(__x86_64__)
    if (strcmp(isa, "avx2") == 0)
        return __builtin_cpu_supports("avx2");
    if (strcmp(isa, "avx512") == 0)
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    return strcmp(isa, "neon") != 0;
#else
    return strcmp(isa, "avx2") != 0 && strcmp(isa, "avx512") != 0;
#endif
}

/* A volume with many labels and odd sizes, so that vector tails and merges matter. */
static struct bytes volume(unsigned seed, size_t n, unsigned n_labels)
{
    struct bytes labels = bytes_new(NULL, n);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        labels.data[i] = (uint8_t)((i / 97 % 5 ? i / 1013 : seed >> 24) % n_labels);
    }
    struct bytes made = npy_of("|u1", false, "(101, 97, 103)", labels.data, n);
    free(labels.data);
    return made;
}

static struct answer score_volume(const char *isa, const char *threads)
{
    char isa_option[64], threads_option[64];
    snprintf(isa_option, sizeof isa_option, "--kernels.isa=%s", isa);
    snprintf(threads_option, sizeof threads_option, "--workers.threads=%s", threads);
    const char *const options[] = {isa_option, threads_option, NULL};
    struct daemon *daemon = daemon_start(options);
    struct bytes p = volume(1, 101 * 97 * 103, 23), r = volume(2, 101 * 97 * 103, 23);
    struct answer answer = answer_score(daemon, "/v1/score?confusion=true&ignore=5", p, r, NULL);
    assert_status(&answer, 200);
    cut_timing(&answer);
    free(p.data), free(r.data);
    daemon_stop(daemon);
    return answer;
}

static void every_instruction_set_and_thread_count_answers_the_same_bytes(void **state)
{
    (void)state;
    static const char *const sets[] = {"auto", "avx2", "avx512", "neon", "scalar"};
    static const char *const threads[] = {"1", "2"};
    struct answer first = score_volume("scalar", "1");
    for (size_t i = 0; i < 10; i++) {
        if (!cpu_has(sets[i / 2]))
            continue;
        struct answer answer = score_volume(sets[i / 2], threads[i % 2]);
        assert_string_equal((const char *)answer.body.data, (const char *)first.body.data);
        answer_free(&answer);
    }
    answer_free(&first);
}

static void the_same_request_gets_the_same_bytes_again(void **state)
{
    (void)state;
    struct answer first = score("/v1/score?metrics=mcc,dice", NULL);
    struct answer again = score("/v1/score?metrics=mcc,dice", NULL);
    cut_timing(&first);
    cut_timing(&again);
    assert_string_equal((const char *)first.body.data, (const char *)again.body.data);
    answer_free(&first);
    answer_free(&again);
}

static void take_signature(struct answer answer, char ret_signature[40])
{
    const char *text = json_string_value(json_at(answer.json, "signature"));
    assert_non_null(text);
    assert_int_equal(strspn(text, "0123456789abcdef"), 32);
    snprintf(ret_signature, 40, "%s", text);
    answer_free(&answer);
}

static void the_signature_follows_input_and_options(void **state)
{
    (void)state;
    char first[40], other[40];
    take_signature(score("/v1/score", NULL), first);
    take_signature(score("/v1/score", "{}"), other);
    assert_string_equal(first, other);
    take_signature(score("/v1/score?metrics=dice,iou", NULL), other);
    assert_string_equal(first, other);
    take_signature(score("/v1/score?metrics=dice", NULL), other);
    assert_string_not_equal(first, other);
    take_signature(score("/v1/score?ignore=200", NULL), other);
    assert_string_not_equal(first, other);
    take_signature(score_files("/v1/score", npy_example(REFERENCE), npy_example(PREDICTION), NULL),
                   other);
    assert_string_not_equal(first, other);
    take_signature(score_files("/v1/score", npy_example(PREDICTION), npy_example(PREDICTION), NULL),
                   other);
    assert_string_not_equal(first, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_set_and_thread_count_answers_the_same_bytes),
        cmocka_unit_test(the_same_request_gets_the_same_bytes_again),
        cmocka_unit_test(the_signature_follows_input_and_options),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return failed;
}
