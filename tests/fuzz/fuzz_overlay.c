/* fuzz_overlay.c - whole multipart bodies kept with an overlay: slices add up to the classes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/overlay.h"
#include "tests/unit/proto/score_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void expect_sums(const struct score *score)
{
    const struct ov_overlay_slice *slices = ov_overlay_slices(score->overlay->made);
    uint64_t tp = 0;
    uint64_t fp = 0;
    uint64_t fn = 0;

    for (uint64_t i = 0; i < score->overlay->options.n_slices; i++) {
        tp += slices[i].tp;
        fp += slices[i].fp;
        fn += slices[i].fn;
    }
    for (size_t i = 0; i < score->n_classes; i++) {
        const struct ov_counts *counts = &score->classes[i].counts;

        if (!classes_may_have(score, score->classes[i].label))
            continue;
        tp -= counts->tp;
        fp -= counts->prediction - counts->tp;
        fn -= counts->reference - counts->tp;
    }
    if (tp != 0 || fp != 0 || fn != 0)
        __builtin_trap();
}

static void expect_picture(const struct score_kept *kept)
{
    json_t *said = json_loads(kept->overlay, JSON_REJECT_DUPLICATES, NULL);
    json_int_t n_slices = json_integer_value(json_object_get(said, "slices"));
    json_int_t slice = json_integer_value(json_object_get(said, "slice"));

    if (slice < 0 || slice >= n_slices ||
        json_array_size(json_object_get(said, "dice")) != (size_t)n_slices || kept->n_picture < 8 ||
        memcmp(kept->picture, "\x89PNG\r\n\x1a\n", 8) != 0)
        __builtin_trap();
    json_decref(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct parameter keep = {"keep", "overlay"};
    struct score_input input = {.content_type = "multipart/form-data; boundary=B",
                                .parameters = &keep,
                                .n_parameters = 1,
                                .body = data,
                                .body_bytes = n,
                                .keeps = true};
    struct problem problem = {0};
    struct score_kept kept;
    struct score *score;

    fixture_env.limits.decoded_bytes = 1 << 16;
    fixture_env.limits.overlay_pixels = 64;
    fixture_env.limits.overlay_slices = 64;
    score = score_new(&input, &fixture_env, &problem);
    if (score != NULL && score_open(score, &problem) && score_run(score, &problem)) {
        expect_sums(score);
        if (score_keep(score, &kept, &problem)) {
            expect_picture(&kept);
            score_kept_done(&kept);
        }
    } else if (problem.code == PROBLEM_NONE) {
        __builtin_trap();
    }
    score_free(score);
    if (fixture_taken_bytes != 0)
        __builtin_trap();
    return 0;
}
