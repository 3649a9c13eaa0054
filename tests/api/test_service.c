/* test_service.c - the other routes, methods, listeners and connections. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/example.h"

/* A connection of curl's that posts two files, each time it is performed. */
struct poster {
    CURL *curl;
    curl_mime *form;
    struct bytes prediction, reference;
};

/* Takes both files. */
static struct poster poster_new(struct bytes prediction, struct bytes reference)
{
    const struct part parts[] = {{"prediction", prediction, NULL}, {"reference", reference, NULL}};
    struct poster poster = {curl_easy_init(), NULL, prediction, reference};
    poster.form = form_new(poster.curl, parts, 2);
    curl_easy_setopt(poster.curl, CURLOPT_MIMEPOST, poster.form);
    return poster;
}

static void poster_free(struct poster *poster)
{
    curl_mime_free(poster->form);
    curl_easy_cleanup(poster->curl);
    free(poster->prediction.data), free(poster->reference.data);
}

static void the_unix_listener_scores_too(void **state)
{
    (void)state;
    struct poster poster = poster_new(npy_example(PREDICTION), npy_example(REFERENCE));
    curl_easy_setopt(poster.curl, CURLOPT_UNIX_SOCKET_PATH, shared->unix_path);
    struct answer answer = answer_perform(poster.curl, shared, "/v1/score");
    assert_example(&answer);
    poster_free(&poster);
}

static void a_connection_serves_many_requests(void **state)
{
    (void)state;
    struct poster poster = poster_new(npy_example(PREDICTION), npy_example(REFERENCE));
    for (int i = 0; i < 20; i++) {
        struct answer answer = answer_perform(poster.curl, shared, "/v1/score");
        assert_int_equal(answer.n_connects, i == 0);
        assert_example(&answer);
    }
    poster_free(&poster);
}

static void a_refused_request_does_not_cost_the_connection(void **state)
{
    (void)state;
    struct poster poster = poster_new(npy_example(PREDICTION), bytes_text("not a mask"));
    for (int i = 0; i < 3; i++) {
        struct answer answer = answer_perform(poster.curl, shared, "/v1/score");
        assert_status(&answer, 422);
        assert_int_equal(answer.n_connects, i == 0);
        answer_free(&answer);
    }
    poster_free(&poster);
}

static void head_is_get_without_the_body(void **state)
{
    (void)state;
    static const char *const paths[] = {"/v1/info", "/openapi.yaml", "/livez", "/readyz"};
    for (size_t i = 0; i < 4; i++) {
        char wanted[256], seen[256];
        struct answer get = answer_get(shared, paths[i]);
        struct answer head = answer_method(shared, "HEAD", paths[i]);
        assert_status(&get, 200);
        assert_status(&head, 200);
        assert_int_equal(head.body.size, 0);
        assert_string_equal(answer_header(&head, "Content-Length", seen),
                            answer_header(&get, "Content-Length", wanted));
        assert_string_equal(answer_header(&head, "Content-Type", seen),
                            answer_header(&get, "Content-Type", wanted));
        answer_free(&get);
        answer_free(&head);
    }
}

static void options_says_what_is_allowed(void **state)
{
    (void)state;
    char allow[256];
    struct answer answer = answer_method(shared, "OPTIONS", "/v1/score");
    assert_status(&answer, 204);
    assert_int_equal(answer.body.size, 0);
    assert_non_null(strstr(answer_header(&answer, "Allow", allow), "POST"));
    assert_null(strstr(allow, "GET"));
    answer_free(&answer);
    answer = answer_method(shared, "OPTIONS", "/v1/info");
    assert_status(&answer, 204);
    assert_non_null(strstr(answer_header(&answer, "Allow", allow), "GET"));
    assert_non_null(strstr(allow, "HEAD"));
    answer_free(&answer);
}

static void the_wrong_method_gets_405_and_allow(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *allowed;
    } wrong[] = {{"GET", "/v1/score", "POST"}, {"DELETE", "/v1/score", "POST"},
                 {"PUT", "/v1/info", "GET"},   {"DELETE", "/livez", "GET"},
                 {"DELETE", "/readyz", "GET"}, {"DELETE", "/openapi.yaml", "GET"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char value[256];
        struct answer answer = answer_method(shared, wrong[i].method, wrong[i].path);
        assert_status(&answer, 405);
        assert_member(&answer, "code", "\"method-not-allowed\"");
        assert_non_null(strstr(answer_header(&answer, "Allow", value), wrong[i].allowed));
        assert_non_null(strstr(json_string_value(json_at(answer.json, "detail")), value));
        assert_string_equal(answer_header(&answer, "Content-Type", value),
                            "application/problem+json");
        answer_free(&answer);
    }
}

static void an_unknown_path_is_a_problem(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/v1",          "/v1/",      "/v1/score/",  "/v2/score",
        "/v1/score%2f", "/V1/SCORE", "/etc/passwd", "/../../etc/passwd"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct answer answer = answer_get(shared, paths[i]);
        assert_true(answer.status == 404 || (answer.status == 400 && strpbrk(paths[i], ".%")));
        assert_true(json_is_string(json_at(answer.json, "detail")));
        answer_free(&answer);
    }
}

static void info_lists_every_limit(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        long long value;
    } limits[] = {{"body_bytes", 268435456},
                  {"decoded_bytes", 1073741824},
                  {"voxels", 1073741824},
                  {"labels", 1024},
                  {"confusion_labels", 256},
                  {"regions", 64},
                  {"request_bytes", 65536},
                  {"json_depth", 32},
                  {"parts", 8},
                  {"connections", 512},
                  {"connections_per_address", 64},
                  {"waiting", 256}};
    struct answer answer = answer_get(shared, "/v1/info");
    assert_status(&answer, 200);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char path[64];
        snprintf(path, sizeof path, "limits/%s", limits[i].name);
        assert_int_equal(json_integer_value(json_at(answer.json, path)), limits[i].value);
    }
    assert_true(json_integer_value(json_at(answer.json, "limits/budget_bytes")) > 0);
    answer_free(&answer);
}

static void info_says_what_is_supported(void **state)
{
    (void)state;
    struct answer answer = answer_get(shared, "/v1/info");
    const char *text = (const char *)answer.body.data;
    static const char *const words[] = {"\"version\"", "\"isa\"", "\"npy\"",  "\"nifti\"",
                                        "\"png\"",     "\"raw\"", "\"gzip\"", "\"zstd\"",
                                        "\"dice\"",    "\"mcc\""};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strstr(text, words[i]))
            fail_msg("%s is not in %s", words[i], text);
    answer_free(&answer);
}

static void info_follows_the_configuration(void **state)
{
    (void)state;
    const char *const options[] = {"--limits.voxels=12582912", "--limits.labels=7",
                                   "--kernels.isa=scalar", NULL};
    struct daemon *daemon = daemon_start(options);
    struct answer answer = answer_get(daemon, "/v1/info");
    assert_member(&answer, "limits/voxels", "12582912");
    assert_member(&answer, "limits/labels", "7");
    assert_member(&answer, "isa", "\"scalar\"");
    answer_free(&answer);
    daemon_stop(daemon);
}

static void the_contract_is_served(void **state)
{
    (void)state;
    char type[256];
    struct answer answer = answer_get(shared, "/openapi.yaml");
    assert_status(&answer, 200);
    assert_string_equal(answer_header(&answer, "Content-Type", type), "application/yaml");
    assert_non_null(strstr((const char *)answer.body.data, "openapi: 3.1"));
    answer_free(&answer);
}

static void the_probes_answer(void **state)
{
    (void)state;
    char type[256];
    struct answer live = answer_get(shared, "/livez"), ready = answer_get(shared, "/readyz");
    assert_status(&live, 200);
    assert_string_equal((const char *)live.body.data, "ok\n");
    assert_int_equal(strncmp(answer_header(&live, "Content-Type", type), "text/plain", 10), 0);
    assert_status(&ready, 200);
    assert_string_equal((const char *)ready.body.data, "ready\n");
    answer_free(&live);
    answer_free(&ready);
}

static void readyz_verbose_lists_the_gauges(void **state)
{
    (void)state;
    static const char *const names[] = {"connections",  "requests",     "jobs_queued",
                                        "jobs_running", "budget_bytes", "budget_used_bytes",
                                        "waiting"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_true(daemon_gauge(shared, names[i]) >= 0);
    assert_true(daemon_gauge(shared, "connections") >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_unix_listener_scores_too),
        cmocka_unit_test(a_connection_serves_many_requests),
        cmocka_unit_test(a_refused_request_does_not_cost_the_connection),
        cmocka_unit_test(head_is_get_without_the_body),
        cmocka_unit_test(options_says_what_is_allowed),
        cmocka_unit_test(the_wrong_method_gets_405_and_allow),
        cmocka_unit_test(an_unknown_path_is_a_problem),
        cmocka_unit_test(info_lists_every_limit),
        cmocka_unit_test(info_says_what_is_supported),
        cmocka_unit_test(info_follows_the_configuration),
        cmocka_unit_test(the_contract_is_served),
        cmocka_unit_test(the_probes_answer),
        cmocka_unit_test(readyz_verbose_lists_the_gauges),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return failed;
}
