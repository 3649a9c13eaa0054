/* test_relay.c - two threads decode and count what one would, and refuse what one would. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <zlib.h>

#include "tests/unit/proto/score_fixture.h"

enum { N_VOXELS = 2200000, N_THREADS = 3 };

struct helper {
    void (*work)(void *argument, size_t i);
    void *argument;
    size_t i;
};

static void *help(void *argument)
{
    struct helper *helper = argument;

    helper->work(helper->argument, helper->i);
    return NULL;
}

static size_t n_calls;

static void each_at_once(void (*work)(void *argument, size_t i), void *argument, size_t n)
{
    struct helper helpers[N_THREADS];
    pthread_t threads[N_THREADS];

    n_calls++;
    assert_true(n <= N_THREADS);
    for (size_t i = 0; i < n; i++) {
        helpers[i] = (struct helper){work, argument, i};
        assert_int_equal(pthread_create(&threads[i], NULL, help, &helpers[i]), 0);
    }
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

/* Nobody comes to help. */
static void each_in_turn(void (*work)(void *argument, size_t i), void *argument, size_t n)
{
    for (size_t i = 0; i < n; i++)
        work(argument, i);
}

/* The fixture's clock is for one thread. */
static uint64_t now_ns(void)
{
    static _Atomic uint64_t now;

    return now += 1000;
}

struct mask {
    const char *dtype;
    size_t width;
    uint8_t *bytes; /* N_VOXELS elements, deflated */
    size_t n;
};

static struct mask deflated(const char *dtype, size_t width, const void *elements)
{
    uLongf n = compressBound((uLong)(N_VOXELS * width));
    struct mask mask = {.dtype = dtype, .width = width, .bytes = malloc(n)};

    assert_non_null(mask.bytes);
    assert_int_equal(compress2(mask.bytes, &n, elements, (uLong)(N_VOXELS * width), 1), Z_OK);
    mask.n = n;
    return mask;
}

static void add_source(char *text, size_t cap, const char *name, const struct mask *mask)
{
    size_t n = strlen(text);

    snprintf(text + n, cap - n,
             "\"%s\":{\"format\":\"raw\",\"dtype\":\"%s\",\"shape\":[%d],\"encoding\":\"zlib\"},",
             name, mask->dtype, N_VOXELS);
}

static struct fixture_body *body_of(const struct mask *prediction, const struct mask *reference,
                                    const char *members)
{
    struct fixture_body *body = calloc(1, sizeof(*body));
    char request[1024] = "{";
    size_t n;

    assert_non_null(body);
    assert_true(prediction->n + reference->n < sizeof(body->bytes) - 2048);
    add_source(request, sizeof(request), "prediction", prediction);
    add_source(request, sizeof(request), "reference", reference);
    n = strlen(request);
    snprintf(request + n, sizeof(request) - n, "\"geometry\":\"check\"%s}", members);
    fixture_part(body, "prediction", prediction->bytes, prediction->n);
    fixture_part(body, "reference", reference->bytes, reference->n);
    fixture_part(body, "request", request, strlen(request));
    fixture_end(body);
    return body;
}

static json_t *answer_with(const struct fixture_body *body,
                           void (*each)(void (*)(void *, size_t), void *, size_t),
                           struct problem *problem)
{
    struct score_input input = fixture_input(body);
    json_t *answer;

    fixture_env.limits.decoded_bytes = 16u << 20;
    fixture_env.limits.voxels = N_VOXELS;
    fixture_env.now_ns = now_ns;
    fixture_env.each = each;
    fixture_env.n_threads = each != NULL ? N_THREADS : 0;
    answer = fixture_score(&input, problem);
    json_object_del(answer, "timing");
    assert_int_equal(fixture_taken_bytes, 0);
    return answer;
}

/* In step, by one thread of a relay, and by several, several times. */
static struct problem expect_one_answer(const struct mask *prediction, const struct mask *reference,
                                        const char *members)
{
    struct fixture_body *body = body_of(prediction, reference, members);
    struct problem expected_problem = {0};
    json_t *expected = answer_with(body, NULL, &expected_problem);

    for (int i = 0; i < 10; i++) {
        struct problem problem = {0};
        json_t *answer = answer_with(body, i == 0 ? each_in_turn : each_at_once, &problem);

        assert_int_equal(answer != NULL, expected != NULL);
        if (answer != NULL && !json_equal(answer, expected))
            fail_msg("%s\nis not\n%s", json_dumps(answer, 0), json_dumps(expected, 0));
        assert_string_equal(problem_name(problem.code), problem_name(expected_problem.code));
        assert_string_equal(problem.detail, expected_problem.detail);
        json_decref(answer);
    }
    assert_int_equal(n_calls, 9);
    n_calls = 0;
    json_decref(expected);
    free(body);
    return expected_problem;
}

/* ---- masks ----------------------------------------------------------------------------------- */

static uint8_t labels[N_VOXELS];
static float values[N_VOXELS];

/* Runs of a length about `length`, of labels below n_labels. */
static struct mask of_runs(unsigned seed, unsigned length, unsigned n_labels)
{
    unsigned x = seed;

    for (size_t i = 0; i < N_VOXELS; i++) {
        x = x * 1103515245u + 12345u;
        if (i == 0 || (x >> 16) % length == 0)
            labels[i] = (uint8_t)((x >> 8) % n_labels);
        else
            labels[i] = labels[i - 1];
    }
    return deflated("uint8", 1, labels);
}

static struct mask of_floats(size_t i_odd, float odd)
{
    for (size_t i = 0; i < N_VOXELS; i++)
        values[i] = (float)(i / 1000 % 3);
    if (i_odd < N_VOXELS)
        values[i_odd] = odd;
    return deflated("float32", 4, values);
}

static void runs_noise_and_floats_are_counted_alike(void **state)
{
    struct mask smooth = of_runs(1, 2000, 9);
    struct mask shifted = of_runs(7, 1200, 9);
    struct mask noise = of_runs(3, 100, 2);
    struct mask floats = of_floats(N_VOXELS, 0);

    (void)state;
    assert_int_equal(expect_one_answer(&smooth, &shifted, "").code, PROBLEM_NONE);
    assert_int_equal(expect_one_answer(&smooth, &noise, "").code, PROBLEM_NONE);
    assert_int_equal(expect_one_answer(&floats, &smooth, "").code, PROBLEM_NONE);
    assert_int_equal(expect_one_answer(&smooth, &floats, ",\"ignore\":[2],\"confusion\":true").code,
                     PROBLEM_NONE);
    assert_int_equal(expect_one_answer(&floats, &floats, ",\"threshold\":0.5").code, PROBLEM_NONE);
    free(smooth.bytes);
    free(shifted.bytes);
    free(noise.bytes);
    free(floats.bytes);
}

/* Where both masks are bad, the one whose fault comes first in step is named. */
static void the_first_fault_is_told_whoever_meets_it(void **state)
{
    struct mask good = of_runs(1, 2000, 9);
    struct mask late = of_floats(2000000, 0.5f);
    struct mask early = of_floats(400000, 0.25f);
    struct mask cut = good;
    struct mask damaged = good;
    struct problem problem;

    (void)state;
    cut.n = good.n / 2;
    damaged.bytes = malloc(good.n);
    assert_non_null(damaged.bytes);
    memcpy(damaged.bytes, good.bytes, good.n);
    damaged.bytes[good.n - 1] ^= 1;
    assert_int_equal(expect_one_answer(&cut, &good, "").code, PROBLEM_TRUNCATED);
    problem = expect_one_answer(&good, &cut, "");
    assert_int_equal(problem.code, PROBLEM_TRUNCATED);
    assert_string_equal(problem.pointer, "#/reference");
    assert_string_equal(expect_one_answer(&cut, &cut, "").pointer, "#/prediction");
    assert_int_equal(expect_one_answer(&damaged, &good, "").code, PROBLEM_CORRUPT);
    assert_string_equal(expect_one_answer(&late, &early, "").pointer, "#/reference");
    assert_string_equal(expect_one_answer(&early, &late, "").pointer, "#/prediction");
    assert_int_equal(expect_one_answer(&early, &cut, "").code, PROBLEM_NON_INTEGRAL);
    assert_int_equal(expect_one_answer(&late, &cut, "").code, PROBLEM_TRUNCATED);
    free(damaged.bytes);
    free(good.bytes);
    free(late.bytes);
    free(early.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_noise_and_floats_are_counted_alike),
        cmocka_unit_test(the_first_fault_is_told_whoever_meets_it),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
