/* test_allocation_loss.c - the k-th allocation of a loss fails: no byte of a gradient gets out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/json.h"
#include "tests/fault/allocation.h"
#include "tests/unit/proto/score_fixture.h"

static uint64_t written_bytes;
static int n_references;

/* ---- shared memory --------------------------------------------------------------------------- */

/* As floats these are tiny probabilities, as bytes the second class. */
static bool read_ones(const struct segment *segment, uint64_t offset, void *bytes, size_t n)
{
    (void)segment;
    (void)offset;
    memset(bytes, 1, n);
    return true;
}

static bool write_any(const struct segment *segment, uint64_t offset, const void *bytes, size_t n,
                      const char *pointer, struct problem *reterr)
{
    (void)segment;
    (void)bytes;
    (void)pointer;
    (void)reterr;
    assert_int_equal(offset, 4096);
    written_bytes += n;
    return true;
}

static void release(struct segment *segment)
{
    (void)segment;
    n_references--;
}

static struct segment *find(void *user, const struct segment_name *name, const char *pointer,
                            struct problem *reterr)
{
    static struct segment segment = {
        .n_bytes = 1 << 16, .read = read_ones, .release = release, .write = write_any};

    (void)user;
    (void)name;
    (void)pointer;
    (void)reterr;
    n_references++;
    return &segment;
}

/* ---- a loss ---------------------------------------------------------------------------------- */

#define PLACE(member, type, shape, offset)                                                        \
    "\"" member "\":{\"shm\":\"a\",\"dtype\":\"" type "\",\"shape\":" shape ",\"offset\":" offset \
    "}"

static const char request[] = "{" PLACE("prediction", "float32", "[1,2,40]", "0") "," PLACE(
    "target", "uint8", "[1,40]",
    "1024") "," PLACE("mask", "uint8", "[1,40]",
                      "2048") "," PLACE("gradient", "float32", "[1,2,40]",
                                        "4096") ",\"class_weights\":[1,2]}";

/* false once there were fewer than k + 1 allocations, so that none failed. */
static bool fail_one(long k)
{
    static const struct segments segments = {find, NULL};
    struct score_input input = {.content_type = "application/json",
                                .body = (const uint8_t *)request,
                                .body_bytes = sizeof(request) - 1,
                                .segments = &segments};
    struct problem problem = {0};
    struct loss_answer answer = {.text = NULL};
    struct loss *loss;
    bool failed, done;

    written_bytes = 0;
    allocations_left = k;
    loss = loss_new(&input, &fixture_env, &problem);
    done = loss != NULL && loss_run(loss, &problem) && loss_print(loss, 0, 0, &answer, &problem) &&
           loss_write(loss, &problem);
    failed = allocations_left < 0;
    allocations_left = -1;
    assert_int_equal(written_bytes, done ? 2 * 40 * sizeof(float) : 0);
    if (done)
        loss_shed(loss);
    assert_int_equal(n_references, done ? 0 : n_references);
    loss_free(loss);
    assert_int_equal(n_references, 0);
    assert_int_equal(fixture_taken_bytes, 0);
    if (!done && (!failed || problem.code != PROBLEM_OUT_OF_MEMORY))
        fail_msg("allocation %ld: %s: %s", k, problem_name(problem.code), problem.detail);
    return failed;
}

static void a_loss_survives_every_failure_and_writes_its_gradient_last(void **state)
{
    long k = 0;

    (void)state;
    while (fail_one(k)) {
        k++;
        assert_true(k < 5000);
    }
    assert_true(k > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_survives_every_failure_and_writes_its_gradient_last),
    };

    json_set_up();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
