/* fuzz_score.c - whole multipart bodies: whatever comes, a problem or an answer that adds up. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/score_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static json_int_t integer(json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static void expect_sums(json_t *answer)
{
    json_int_t voxels = integer(answer, "voxels") - integer(answer, "ignored");
    size_t i;
    json_t *class;

    json_array_foreach(json_object_get(answer, "classes"), i, class)
    {
        json_int_t tp = integer(class, "tp");

        if (tp + integer(class, "fp") != integer(class, "prediction") ||
            tp + integer(class, "fn") != integer(class, "reference") ||
            tp + integer(class, "fp") + integer(class, "fn") > voxels)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct score_input input = {
        .content_type = "multipart/form-data; boundary=B", .body = data, .body_bytes = n};
    struct problem problem = {0};
    json_t *answer;

    fixture_env.limits.decoded_bytes = 1 << 16;
    answer = fixture_score(&input, &problem);
    if ((answer == NULL) == (problem.code == PROBLEM_NONE) || fixture_taken_bytes != 0)
        __builtin_trap();
    if (answer != NULL)
        expect_sums(answer);
    json_decref(answer);
    return 0;
}
