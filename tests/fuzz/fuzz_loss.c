/* fuzz_loss.c - whole multipart bodies of a loss: whatever comes, a problem or an answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/score_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool answer(struct loss *loss, struct problem *problem)
{
    struct loss_answer answer;

    return loss_run(loss, problem) && loss_print(loss, 0, 1, &answer, problem) &&
           loss_write(loss, problem) && answer.n_bytes > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct score_input input = {
        .content_type = "multipart/form-data; boundary=B", .body = data, .body_bytes = n};
    struct problem problem = {0};
    struct loss *loss;
    bool good;

    fixture_env.limits.decoded_bytes = 1 << 16;
    loss = loss_new(&input, &fixture_env, &problem);
    good = loss != NULL && answer(loss, &problem);
    loss_free(loss);
    if (good != (problem.code == PROBLEM_NONE) || fixture_taken_bytes != 0)
        __builtin_trap();
    return 0;
}
