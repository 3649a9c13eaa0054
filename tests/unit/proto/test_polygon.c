/* test_polygon.c - polygons by COCO's rule, on masks that pycocotools made, and hostile ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

/* Written by pycocotools. */
static const struct {
    const char *source;
    const char *rows;
} vectors[] = {
    {"{'polygons': [[1, 1, 5, 1, 5, 3, 1, 3]], 'shape': [5, 7]}",
     "0000000/0111100/0111100/0000000/0000000"},
    {"{'polygons': [[0, 0, 6.4, 0.3, 3.2, 4.9]], 'shape': [5, 7]}",
     "1111110/0111110/0011100/0011000/0000000"},
    {"{'polygons': [[0.5, 0.5, 6.5, 0.5, 6.5, 4.5, 0.5, 4.5]], 'shape': [5, 7]}",
     "0000000/0111111/0111111/0111111/0111111"},
    {"{'polygons': [[-3, -2, 4, 2.5, -3, 8]], 'shape': [5, 7]}",
     "1000000/1100000/1111000/1110000/1100000"},
    {"{'polygons': [[0, 0, 7, 5, 7, 0, 0, 5]], 'shape': [5, 7]}",
     "1000001/1100011/1110111/1100011/1000001"},
    {"{'polygons': [[2, 1, 2, 1, 2, 1]], 'shape': [5, 7]}",
     "0000000/0000000/0000000/0000000/0000000"},
    {"{'polygons': [[0, 2, 6, 2, 3, 2]], 'shape': [5, 7]}",
     "0000000/0000000/0000000/0000000/0000000"},
    {"{'polygons': [[3, 0, 3, 5, 3, 2]], 'shape': [5, 7]}",
     "0000000/0000000/0000000/0000000/0000000"},
    {"{'polygons': [[1, 1, 1, 4, 6, 4, 6, 1, 3.5, 2.7]], 'shape': [5, 7]}",
     "0000000/0100010/0110110/0111110/0000000"},
    {"{'polygons': [[0, 0, 3, 0, 3, 3, 0, 3], [2, 1, 6, 1, 6, 5, 2, 5]], 'shape': [5, 7]}",
     "1110000/1111110/1111110/0011110/0011110"},
    {"{'polygons': [[100, 100, 200, 100, 200, 200]], 'shape': [5, 7]}",
     "0000000/0000000/0000000/0000000/0000000"},
    {"{'polygons': [[2.29, 0.71, 4.31, 0.69, 4.31, 3.29, 2.31, 3.31]], 'shape': [5, 7]}",
     "0000000/0011000/0011000/0000000/0000000"},
    {"{'polygons': [[0, 0, 1, 0, 1, 1, 0, 1]], 'shape': [1, 1]}", "1"},
    {"{'polygons': [[6.9, 0, 0.1, 0.4, 0.2, 4.9]], 'shape': [5, 7]}",
     "1111110/1111100/1111000/1100000/1000000"},
};

static void published_polygons_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        assert_layer(vectors[i].source, 1, vectors[i].rows);
}

/* The same, from CVAT, which numbers pixels along the rows. */
static void polygons_along_rows_are_the_same_pixels(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        char source[512];
        const char *points = strstr(vectors[i].source, "[[") + 1;
        int n = (int)(strchr(points, ']') + 1 - points);

        if (points[n] == ',') /* several polygons */
            continue;
        snprintf(source, sizeof(source),
                 "{'cvat': {'shapes': [{'type': 'polygon', 'label_id': 1, 'points': %.*s}]}%s", n,
                 points, points + n + 1);
        assert_layer(source, 1, vectors[i].rows);
    }
}

static void a_size_may_stand_with_the_polygons(void **state)
{
    (void)state;
    assert_layer("{'polygons': {'size': [2, 2], 'segmentation': [[0, 0, 2, 0, 2, 2, 0, 2]]},"
                 " 'label': 4}",
                 4, "11/11");
    assert_layer("{'polygons': [], 'shape': [1, 2]}", 1, "00");
    assert_refused("{'polygons': [[0, 0, 2, 0, 2, 2]]}", PROBLEM_BAD_PARAMETER, "give \"shape\"");
}

static void what_is_no_polygon_is_refused(void **state)
{
    (void)state;
    assert_refused("{'polygons': [[0, 0, 2, 0, 2, 2, 0]], 'shape': [2, 2]}", PROBLEM_BAD_MASK,
                   "not a list of x, y");
    assert_refused("{'polygons': [[0, 0, 2, 0]], 'shape': [2, 2]}", PROBLEM_BAD_MASK,
                   "has 2 points");
    assert_refused("{'polygons': [[]], 'shape': [2, 2]}", PROBLEM_BAD_MASK, "has 0 points");
    assert_refused("{'polygons': [3], 'shape': [2, 2]}", PROBLEM_BAD_MASK, "not a list of x, y");
    assert_refused("{'polygons': {}, 'shape': [2, 2]}", PROBLEM_BAD_MASK, "not a list of polygons");
    assert_refused("{'polygons': [[0, 0, 2, '0', 2, 2]], 'shape': [2, 2]}", PROBLEM_BAD_MASK,
                   "point 1 of a polygon is not two numbers");
    assert_refused("{'polygons': [[0, 0, null, 0, 2, 2]], 'shape': [2, 2]}", PROBLEM_BAD_MASK,
                   "point 1 of a polygon is not two numbers");
}

static void coordinates_beyond_the_rule_are_refused(void **state)
{
    static const char *const numbers[] = {"1e308", "-1e308", "134217729", "-134217728.5",
                                          "9223372036854775807"};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char source[128];

        snprintf(source, sizeof(source), "{'polygons': [[0, 0, %s, 0, 2, 2]], 'shape': [2, 2]}",
                 numbers[i]);
        assert_refused(source, PROBLEM_BAD_MASK, "point 1 of a polygon is beyond");
        snprintf(source, sizeof(source), "{'polygons': [[0, 0, 2, 0, 2, %s]], 'shape': [2, 2]}",
                 numbers[i]);
        assert_refused(source, PROBLEM_BAD_MASK, "point 2 of a polygon is beyond");
    }
}

/* Edges are not walked: a long one costs what it crosses of the image. */
static void the_farthest_edges_cost_nothing(void **state)
{
    (void)state;
    assert_layer("{'polygons': [[-134217728, -134217728, 134217728, -134217728, 134217728,"
                 " 134217728, -134217728, 134217728]], 'shape': [3, 4]}",
                 1, "1111/1111/1111");
    assert_layer("{'polygons': [[-134217728, 0, 134217728, 0, 134217728, 2, -134217728, 2]],"
                 " 'shape': [3, 4]}",
                 1, "1111/1111/0000");
    assert_layer("{'polygons': [[1, -134217728, 2, -134217728, 2, 134217728, 1, 134217728]],"
                 " 'shape': [3, 4]}",
                 1, "0100/0100/0100");
}

/* Zigzags across the whole image: what they ask for is counted before it is worked on. */
static void crossings_are_bounded(void **state)
{
    char *source = malloc(1 << 20);
    size_t n = (size_t)sprintf(source, "{'polygons': [");

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        n += (size_t)sprintf(source + n, "%s[0, 0", i > 0 ? ", " : "");
        for (size_t point = 1; point < 50; point++)
            n += (size_t)sprintf(source + n, ", %d, %d", point % 2 == 1 ? 4000 : 0, (int)point);
        n += (size_t)sprintf(source + n, "]");
    }
    sprintf(source + n, "], 'shape': [1, 4000]}");
    assert_refused(source, PROBLEM_UNSUPPORTED_MASK, "more than 16777216 times");
    free(source);
}

static void memory_for_crossings_comes_from_the_budget(void **state)
{
    struct inline_mask mask;
    json_t *json = json_loads("[[0, 0, 1000, 0, 1000, 3, 0, 3]]", 0, NULL);
    struct source source = source_of(NULL, 0);
    struct env env = inline_env();

    (void)state;
    mask = (struct inline_mask){.json = json, .names = names_new()};
    source.format = FORMAT_POLYGONS;
    source.json = json;
    source.dtype = OV_N_DTYPES;
    source.ndim = 2;
    source.shape[0] = 3;
    source.shape[1] = 1000;
    budget_bytes = 6000;
    mask.reader = reader_new(&source, &env, &mask.problem);
    assert_null(mask.reader);
    assert_int_equal(mask.problem.code, PROBLEM_OUT_OF_MEMORY);
    inline_done(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_polygons_are_read),
        cmocka_unit_test(polygons_along_rows_are_the_same_pixels),
        cmocka_unit_test(a_size_may_stand_with_the_polygons),
        cmocka_unit_test(what_is_no_polygon_is_refused),
        cmocka_unit_test(coordinates_beyond_the_rule_are_refused),
        cmocka_unit_test(the_farthest_edges_cost_nothing),
        cmocka_unit_test(crossings_are_bounded),
        cmocka_unit_test(memory_for_crossings_comes_from_the_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
