/* test_allocation.c - the k-th allocation of a request fails, for every k until none is left. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "proto/json.h"
#include "tests/fault/allocation.h"
#include "tests/unit/proto/dicom_file.h"
#include "tests/unit/proto/score_fixture.h"

/* Answers whole or not at all: every member that the contract requires is there. */
static void expect_whole(json_t *answer)
{
    static const char *const members[] = {
        "shape", "voxels",   "ignored",    "geometry", "background", "classes",   "regions", "mean",
        "micro", "unlisted", "n_unlisted", "inputs",   "options",    "signature", "timing"};
    bool confusion = json_is_true(json_object_get(json_object_get(answer, "options"), "confusion"));

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        assert_non_null(json_object_get(answer, members[i]));
    assert_int_equal(json_object_get(answer, "confusion") != NULL, confusion);
    assert_int_equal(json_object_size(answer), sizeof(members) / sizeof(members[0]) + confusion);
}

/* One try; false once there were fewer than k + 1 allocations, so that none failed. */
static bool fail_one(const struct score_input *input, long k)
{
    struct problem problem = {0};
    struct fixture_text text;
    bool failed;
    json_t *answer;

    allocations_left = k;
    text = fixture_print(input, &problem);
    failed = allocations_left < 0;
    allocations_left = -1;
    assert_int_equal(fixture_taken_bytes, 0);
    answer = fixture_parse(text);
    if (answer != NULL) {
        expect_whole(answer);
        json_decref(answer);
        return failed;
    }
    if (!failed || problem.code != PROBLEM_OUT_OF_MEMORY)
        fail_msg("allocation %ld: %s: %s", k, problem_name(problem.code), problem.detail);
    return true;
}

static void fail_each(const struct score_input *input)
{
    long k = 0;

    while (fail_one(input, k)) {
        k++;
        assert_true(k < 5000);
    }
    assert_true(k > 30);
}

#define OPTIONS                                                                                  \
    "\"regions\":{\"WT\":[1,2]},\"ignore\":[9],\"confusion\":true,\"labels\":[1,2,{\"label\":5," \
    "\"name\":\"five\"}]"

static void a_multipart_request_survives_every_failure(void **state)
{
    static const char request[] =
        "{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[2,3],\"order\":\"C\"},"
        "\"reference\":{\"format\":\"raw\",\"dtype\":\"uint16\",\"shape\":[2,3],\"order\":\"F\"}"
        "," OPTIONS "}";
    static struct fixture_body body;
    struct score_input input;

    (void)state;
    fixture_part(&body, "prediction", "\1\2\3\4\5\6", 6);
    fixture_part(&body, "reference", "\1\0\4\0\2\0\5\0\3\0\6\0", 12);
    fixture_part(&body, "request", request, strlen(request));
    fixture_end(&body);
    input = fixture_input(&body);
    fail_each(&input);
}

/* As fail_one, for what is kept with an overlay. */
static bool fail_to_keep(const struct score_input *input, long k)
{
    struct problem problem = {0};
    struct score_kept kept = {.group = NULL};
    struct score *score;
    bool ok;
    bool failed;

    allocations_left = k;
    score = score_new(input, &fixture_env, &problem);
    ok = score != NULL && score_open(score, &problem) && score_run(score, &problem) &&
         score_keep(score, &kept, &problem);
    failed = allocations_left < 0;
    allocations_left = -1;
    assert_true(ok ? kept.picture != NULL && kept.group != NULL
                   : failed && problem.code == PROBLEM_OUT_OF_MEMORY);
    score_free(score);
    score_kept_done(&kept);
    assert_int_equal(fixture_taken_bytes, 0);
    return failed;
}

static void a_case_kept_with_an_overlay_survives_every_failure(void **state)
{
    static const char request[] =
        "{\"prediction\":{\"base64\":\"AQEAAAEBAgA=\",\"format\":\"raw\",\"dtype\":\"uint8\","
        "\"shape\":[2,2,2]},"
        "\"reference\":{\"base64\":\"AQAAAAIBAgA=\",\"format\":\"raw\",\"dtype\":\"int8\","
        "\"shape\":[2,2,2],\"order\":\"F\"},"
        "\"ignore\":[7],\"keep\":\"overlay\",\"case\":{\"group\":\"g\",\"tags\":[\"t\"]}}";
    struct score_input input = {.content_type = "application/json",
                                .body = (const uint8_t *)request,
                                .body_bytes = sizeof(request) - 1,
                                .keeps = true};
    long k = 0;

    (void)state;
    while (fail_to_keep(&input, k)) {
        k++;
        assert_true(k < 5000);
    }
    assert_true(k > 60);
}

static void a_compressed_json_request_survives_every_failure(void **state)
{
    static const char request[] =
        "{\"prediction\":{\"base64\":\"AQEA\",\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[3]}"
        ","
        "\"reference\":{\"base64\":\"AQAA\",\"format\":\"raw\",\"dtype\":\"int8\",\"shape\":[3]}"
        "," OPTIONS "}";
    static uint8_t room[1024];
    uLongf n = sizeof(room);
    struct score_input input = {
        .content_type = "application/json", .content_encoding = "deflate", .body = room};

    (void)state;
    assert_int_equal(compress(room, &n, (const Bytef *)request, sizeof(request) - 1), Z_OK);
    input.body_bytes = n;
    fail_each(&input);
}

/* 64-bit labels go through the hash, and 5,000 of them make it grow. */
static void a_request_with_many_labels_survives_every_failure(void **state)
{
    static const char request[] =
        "{\"prediction\":{\"format\":\"raw\",\"dtype\":\"int64\",\"shape\":[3000]},"
        "\"reference\":{\"format\":\"raw\",\"dtype\":\"int64\",\"shape\":[3000]}"
        "," OPTIONS "}";
    static struct fixture_body body;
    static int64_t labels[3000];
    struct score_input input;

    (void)state;
    fixture_env.limits.labels = 8;
    for (int64_t i = 0; i < 3000; i++)
        labels[i] = i * 1000 - 5000;
    fixture_part(&body, "prediction", labels, sizeof(labels));
    fixture_part(&body, "reference", labels, sizeof(labels));
    fixture_part(&body, "request", request, strlen(request));
    fixture_end(&body);
    input = fixture_input(&body);
    fail_each(&input);
}

/* Layers that overlap against a label map; memory comes from the budget, and goes back to it. */
static void a_layered_request_survives_every_failure(void **state)
{
    static const char request[] =
        "{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[3,4],"
        "\"layers\":{\"axis\":0,\"labels\":[1,2,5]}},"
        "\"reference\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[4]},"
        "\"regions\":{\"WT\":[1,2]},\"ignore\":[9],\"labels\":[1,2,{\"label\":5,\"name\":\"five\"}]"
        "}";
    static struct fixture_body body;
    struct score_input input;

    (void)state;
    fixture_part(&body, "prediction", "\1\1\0\0\0\1\1\0\1\0\0\0", 12);
    fixture_part(&body, "reference", "\1\2\2\5", 4);
    fixture_part(&body, "request", request, strlen(request));
    fixture_end(&body);
    input = fixture_input(&body);
    fail_each(&input);
}

/* Segments that overlap, compressed inside a compressed file, against a compressed MetaImage. */
static void a_request_of_volumes_survives_every_failure(void **state)
{
    static const char segments[] =
        "NRRD0005\ntype: uchar\ndimension: 4\nkinds: list domain domain domain\n"
        "sizes: 2 4 3 1\nencoding: gzip\nSegment0_Name:=liver\nSegment0_Layer:=0\n"
        "Segment0_LabelValue:=1\nSegment1_Name:=tumour\nSegment1_Layer:=1\n"
        "Segment1_LabelValue:=1\nSegment2_ID:=kidney\nSegment2_LabelValue:=2\n"
        "Segment2_Layer:=1\nSegmentation_ReferenceImageExtentOffset:=1 0 0\n\n";
    static const char image[] =
        "ObjectType = Image\nNDims = 3\nDimSize = 4 3 1\nElementType = MET_UCHAR\n"
        "CompressedData = True\nElementDataFile = LOCAL\n";
    static const char request[] = "{\"regions\":{\"both\":[1,2]}}";
    static struct fixture_body body;
    struct file *nrrd = file_new(), *coded = file_new(), *mha = file_new();
    struct score_input input;

    (void)state;
    put(nrrd, segments, sizeof(segments) - 1);
    put_coded(nrrd, CODING_GZIP, "\0\0\1\0\1\1\0\1\0\2\1\0\0\0\1\0\0\0\0\7\1\1\0\0", 24);
    put_coded(coded, CODING_GZIP, nrrd->bytes, nrrd->n);
    put(mha, image, sizeof(image) - 1);
    put_coded(mha, CODING_ZLIB, picture, sizeof(picture));
    fixture_part(&body, "prediction", coded->bytes, coded->n);
    fixture_part(&body, "reference", mha->bytes, mha->n);
    fixture_part(&body, "request", request, strlen(request));
    fixture_end(&body);
    input = fixture_input(&body);
    fail_each(&input);
    free(mha);
    free(coded);
    free(nrrd);
}

/* Segments that overlap, in slices that the other mask leaves out; one of them compressed. */
static void a_request_of_segmentations_survives_every_failure(void **state)
{
    static const char request[] = "{\"regions\":{\"WT\":[1,2]},\"labels\":[1,2]}";
    static struct fixture_body body;
    struct seg_spec spec = binary_spec();
    struct file *low = seg_file(&spec), *high, *compressed = file_new();
    struct score_input input;

    (void)state;
    spec.frames[0].position = "-10\\20\\44";
    high = seg_file(&spec);
    put_coded(compressed, CODING_GZIP, high->bytes, high->n);
    fixture_part(&body, "prediction", low->bytes, low->n);
    fixture_part(&body, "reference", compressed->bytes, compressed->n);
    fixture_part(&body, "request", request, strlen(request));
    fixture_end(&body);
    input = fixture_input(&body);
    fail_each(&input);
    free(compressed);
    free(high);
    free(low);
}

static bool read_nothing(const struct segment *segment, uint64_t offset, void *bytes, size_t n)
{
    (void)segment;
    (void)offset;
    memset(bytes, 1, n);
    return true;
}

static void release_nothing(struct segment *segment)
{
    (void)segment;
}

static struct segment *find_ones(void *user, const struct segment_name *name, const char *pointer,
                                 struct problem *reterr)
{
    static struct segment ones = {
        .n_bytes = 1 << 16, .read = read_nothing, .release = release_nothing};

    (void)user;
    (void)name;
    (void)pointer;
    (void)reterr;
    return &ones;
}

/* A pair that cannot be scored says so in its place; what is said is whole. */
static void expect_results(const char *text, size_t n, bool *ret_refused)
{
    json_t *answer = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    json_t *results = json_object_get(answer, "results");

    assert_int_equal(json_array_size(results), 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *result = json_array_get(results, i);
        bool ok = json_is_true(json_object_get(result, "ok"));

        *ret_refused = *ret_refused || !ok;
        assert_non_null(json_object_get(result, ok ? "classes" : "detail"));
    }
    json_decref(answer);
}

static bool fail_one_of_batch(json_t *message, long k)
{
    static const struct segments segments = {find_ones, NULL};
    struct problem problem = {0};
    struct batch *batch;
    char *text = NULL;
    size_t n_bytes = 0;
    bool refused = false;
    bool failed;

    allocations_left = k;
    batch = batch_new(message, &segments, &fixture_env, &problem);
    if (batch != NULL) {
        batch_look(batch);
        text = batch_run(batch, 0, 0, &n_bytes);
    }
    failed = allocations_left < 0;
    allocations_left = -1;
    if (text != NULL)
        expect_results(text, n_bytes, &refused);
    assert_true(failed || (text != NULL && !refused));
    free(text);
    batch_free(batch);
    assert_int_equal(fixture_taken_bytes, 0);
    return failed;
}

static void a_message_of_pairs_survives_every_failure(void **state)
{
    static const char text[] =
        "{\"op\":\"score\",\"regions\":{\"WT\":[1,2]},\"pairs\":["
        "{\"prediction\":{\"fd\":0,\"dtype\":\"uint8\",\"shape\":[9,9],\"strides\":[40,3]},"
        "\"reference\":{\"fd\":0,\"dtype\":\"int16\",\"shape\":[9,9]}},"
        "{\"prediction\":{\"fd\":0,\"dtype\":\"uint8\",\"shape\":[4]},"
        "\"reference\":{\"fd\":0,\"dtype\":\"uint8\",\"shape\":[4]}}]}";
    json_t *message = json_loads(text, 0, NULL);
    long k = 0;

    (void)state;
    assert_non_null(message);
    while (fail_one_of_batch(message, k)) {
        k++;
        assert_true(k < 5000);
    }
    assert_true(k > 100);
    json_decref(message);
}

static void put_mask(struct fixture_body *body, const char *part, const char *path)
{
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    size_t n;

    assert_non_null(file);
    n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    fixture_part(body, part, bytes, n);
}

static void a_request_of_archives_survives_every_failure(void **state)
{
    static const char request[] =
        "{\"prediction\":{\"member\":\"labels\"},\"reference\":{\"member\":\"labels.npy\"}}";
    static struct fixture_body body;
    struct score_input input;

    (void)state;
    put_mask(&body, "prediction", "examples/masks/prediction.npz");
    put_mask(&body, "reference", "examples/masks/reference.npz");
    fixture_part(&body, "request", request, strlen(request));
    fixture_end(&body);
    input = fixture_input(&body);
    fail_each(&input);
}

static void a_request_of_images_survives_every_failure(void **state)
{
    static const char request[] = "{\"reference\":{\"colors\":{\"#ff0000\":1,\"*\":2}}}";
    static struct fixture_body body;
    struct score_input input;

    (void)state;
    put_mask(&body, "prediction", "examples/masks/prediction.tiff");
    put_mask(&body, "reference", "examples/masks/reference_colours.png");
    fixture_part(&body, "request", request, strlen(request));
    fixture_end(&body);
    input = fixture_input(&body);
    fail_each(&input);
}

static int hook_jansson(void **state)
{
    (void)state;
    json_set_up();
    return 0;
}

/*
 * jansson 2.14 reads and writes beyond a string of 15 bytes and more that it had no memory for; so
 * where such are read, only what it is called by fails.
 */
static void spare_jansson(void)
{
    json_set_alloc_funcs(__real_malloc, free);
}

#define RUNS   "{\"size\":[3,4],\"counts\":\"321O4\"}"
#define BRUSH  "[0,0,0,48,57,27,252,96,19,255,206,1,31,254,23,0]"
#define SQUARE "0,0,3,0,3,3,0,3"

/* Envelopes with names, polygons along rows and columns, bitmaps. */
static void annotations_survive_every_failure(void **state)
{
    static const char *const requests[] = {
        "{\"prediction\":{\"label_studio\":[{\"type\":\"brushlabels\",\"original_width\":4,"
        "\"original_height\":3,\"value\":{\"rle\":" BRUSH ",\"brushlabels\":[\"a\",\"b\"]}},"
        "{\"type\":\"choices\"}]},\"reference\":{\"coco\":{\"images\":[{\"id\":1,\"height\":3,"
        "\"width\":4}],\"categories\":[{\"id\":1,\"name\":\"a\"}],\"annotations\":[{\"image_id\":1,"
        "\"category_id\":1,\"segmentation\":[[" SQUARE "]]},{\"image_id\":1,\"category_id\":2,"
        "\"segmentation\":" RUNS "},{\"bbox\":[]}]}}}",
        "{\"prediction\":{\"cvat\":{\"shapes\":[{\"type\":\"polygon\",\"label\":\"a\",\"points\":"
        "[" SQUARE
        "]}]},\"shape\":[3,3]},\"reference\":{\"supervisely\":{\"origin\":[0,0],\"data\":"
        "\"eNrrDPBz5+WS4mJgYOD19HAJAtLMIMwIInOeqf8BUmwBPiGuQPr///9Lb86/"
        "C2QxlgT5BTM4PLuRBuTwebo4hlTMSa44sKXhISMDux5T8q1Xf0SBMgyern4u65wSmgDgbxyx\"},\"shape\":[3,"
        "3]}}",
    };

    (void)state;
    spare_jansson();
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct score_input input = {.content_type = "application/json",
                                    .body = (const uint8_t *)requests[i],
                                    .body_bytes = strlen(requests[i])};

        fail_each(&input);
    }
    hook_jansson(state);
}

static void an_annotation_file_survives_every_failure(void **state)
{
    static const char file[] =
        "{\"images\":[{\"id\":1,\"height\":3,\"width\":4}],\"annotations\":[{\"image_id\":1,"
        "\"category_id\":1,\"segmentation\":" RUNS "}]}";
    static struct fixture_body body;
    uint8_t coded[1024];
    uLongf n_coded = sizeof(coded);
    struct score_input input;

    (void)state;
    assert_int_equal(compress(coded, &n_coded, (const Bytef *)file, sizeof(file) - 1), Z_OK);
    fixture_part(&body, "prediction", file, sizeof(file) - 1);
    fixture_part(&body, "reference", coded, n_coded);
    fixture_part(&body, "request", "{\"reference\":{\"encoding\":\"zlib\"}}", 33);
    fixture_end(&body);
    input = fixture_input(&body);
    spare_jansson();
    fail_each(&input);
    hook_jansson(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_multipart_request_survives_every_failure),
        cmocka_unit_test(a_case_kept_with_an_overlay_survives_every_failure),
        cmocka_unit_test(a_compressed_json_request_survives_every_failure),
        cmocka_unit_test(a_layered_request_survives_every_failure),
        cmocka_unit_test(a_request_of_volumes_survives_every_failure),
        cmocka_unit_test(a_request_of_segmentations_survives_every_failure),
        cmocka_unit_test(a_message_of_pairs_survives_every_failure),
        cmocka_unit_test(a_request_of_archives_survives_every_failure),
        cmocka_unit_test(a_request_of_images_survives_every_failure),
        cmocka_unit_test(a_request_with_many_labels_survives_every_failure),
        cmocka_unit_test(annotations_survive_every_failure),
        cmocka_unit_test(an_annotation_file_survives_every_failure),
    };

    return cmocka_run_group_tests(tests, hook_jansson, NULL);
}
