/* test_gate.c - framings as lists of headers: which are plain, and which could mean two things. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/gate.h"

#define LIMIT 1000
#define HOST                \
    {                       \
        "Host", "localhost" \
    }

/* 0: passes. */
struct framing_case {
    const char *what;
    struct header headers[6];
    int status;
    bool chunked;
    uint64_t length;
    const char *version; /* NULL: HTTP/1.1 */
};

static const struct framing_case cases[] = {
    {"no body", {HOST}, 0, false, 0, NULL},
    {"a length", {HOST, {"Content-Length", "10"}}, 0, false, 10, NULL},
    {"a length of nothing", {HOST, {"Content-Length", "0"}}, 0, false, 0, NULL},
    {"a length with zeros before", {HOST, {"content-length", "0010"}}, 0, false, 10, NULL},
    {"the largest length", {HOST, {"Content-Length", "1000"}}, 0, false, 1000, NULL},
    {"one byte more", {HOST, {"Content-Length", "1001"}}, 413, false, 0, NULL},
    {"2^64-1", {HOST, {"Content-Length", "18446744073709551615"}}, 413, false, 0, NULL},
    {"2^64", {HOST, {"Content-Length", "18446744073709551616"}}, 413, false, 0, NULL},
    {"2^64+5", {HOST, {"Content-Length", "18446744073709551621"}}, 413, false, 0, NULL},
    {"thirty digits",
     {HOST, {"Content-Length", "999999999999999999999999999999"}},
     413,
     false,
     0,
     NULL},
    {"an empty length", {HOST, {"Content-Length", ""}}, 400, false, 0, NULL},
    {"a negative length", {HOST, {"Content-Length", "-1"}}, 400, false, 0, NULL},
    {"a signed length", {HOST, {"Content-Length", "+3"}}, 400, false, 0, NULL},
    {"a list of lengths", {HOST, {"Content-Length", "3,3"}}, 400, false, 0, NULL},
    {"a hexadecimal length", {HOST, {"Content-Length", "0x3"}}, 400, false, 0, NULL},
    {"a length with a blank", {HOST, {"Content-Length", "3 3"}}, 400, false, 0, NULL},
    {"a length with letters", {HOST, {"Content-Length", "3a"}}, 400, false, 0, NULL},
    {"two lengths", {HOST, {"Content-Length", "3"}, {"Content-Length", "4"}}, 400, false, 0, NULL},
    {"two that agree",
     {HOST, {"Content-Length", "3"}, {"CONTENT-LENGTH", "3"}},
     400,
     false,
     0,
     NULL},
    {"chunks", {HOST, {"Transfer-Encoding", "chunked"}}, 0, true, 0, NULL},
    {"chunks in capitals", {HOST, {"transfer-encoding", "CHUNKED"}}, 0, true, 0, NULL},
    {"chunks and a length",
     {HOST, {"Transfer-Encoding", "chunked"}, {"Content-Length", "3"}},
     400,
     false,
     0,
     NULL},
    {"a length and chunks",
     {HOST, {"Content-Length", "3"}, {"Transfer-Encoding", "chunked"}},
     400,
     false,
     0,
     NULL},
    {"no length and chunks",
     {HOST, {"Content-Length", ""}, {"Transfer-Encoding", "chunked"}},
     400,
     false,
     0,
     NULL},
    {"an unknown coding", {HOST, {"Transfer-Encoding", "xchunked"}}, 400, false, 0, NULL},
    {"gzip and chunks", {HOST, {"Transfer-Encoding", "gzip, chunked"}}, 400, false, 0, NULL},
    {"identity", {HOST, {"Transfer-Encoding", "identity"}}, 400, false, 0, NULL},
    {"no coding", {HOST, {"Transfer-Encoding", ""}}, 400, false, 0, NULL},
    {"a parameter", {HOST, {"Transfer-Encoding", "chunked;x"}}, 400, false, 0, NULL},
    {"a blank behind", {HOST, {"Transfer-Encoding", "chunked "}}, 400, false, 0, NULL},
    {"a vertical tab", {HOST, {"Transfer-Encoding", "\vchunked"}}, 400, false, 0, NULL},
    {"chunks twice",
     {HOST, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
     400,
     false,
     0,
     NULL},
    {"chunks on 1.0", {HOST, {"Transfer-Encoding", "chunked"}}, 400, false, 0, "HTTP/1.0"},
    {"a blank before the colon", {HOST, {"Content-Length ", "3"}}, 400, false, 0, NULL},
    {"a tab before the colon", {HOST, {"Transfer-Encoding\t", "chunked"}}, 400, false, 0, NULL},
    {"no name", {HOST, {"", "1"}}, 400, false, 0, NULL},
    {"a blank in a name", {HOST, {"X Y", "1"}}, 400, false, 0, NULL},
    {"a slash in a name", {HOST, {"X/Y", "1"}}, 400, false, 0, NULL},
    {"a high byte in a name", {HOST, {"X\xe9", "1"}}, 400, false, 0, NULL},
    {"every other token byte", {HOST, {"!#$%&'*+-.^_`|~0aZ", "1"}}, 0, false, 0, NULL},
    {"CR in a value", {HOST, {"X", "1\rY: 2"}}, 400, false, 0, NULL},
    {"LF in a value", {HOST, {"X", "1\nY: 2"}}, 400, false, 0, NULL},
    {"a control byte in a value", {HOST, {"X", "\x01"}}, 400, false, 0, NULL},
    {"delete in a value", {HOST, {"X", "\x7f"}}, 400, false, 0, NULL},
    {"a tab in a value", {HOST, {"X", "1\t2"}}, 0, false, 0, NULL},
    {"high bytes in a value", {HOST, {"X", "\xc3\xa9"}}, 0, false, 0, NULL},
    {"no host", {{"X", "1"}}, 400, false, 0, NULL},
    {"no host on 1.0", {{"X", "1"}}, 0, false, 0, "HTTP/1.0"},
    {"two hosts", {HOST, HOST}, 400, false, 0, NULL},
    {"two hosts on 1.0", {HOST, HOST}, 400, false, 0, "HTTP/1.0"},
    {"an empty host", {{"Host", ""}}, 400, false, 0, NULL},
    {"a host with a blank", {{"Host", "a b"}}, 400, false, 0, NULL},
    {"a host with a user", {{"Host", "a@b"}}, 400, false, 0, NULL},
    {"a host with a path", {{"Host", "a/b"}}, 400, false, 0, NULL},
    {"an address", {{"Host", "[::1]:8040"}}, 0, false, 0, NULL},
    {"an address that does not end", {{"Host", "[::1"}}, 400, false, 0, NULL},
    {"an address and a name", {{"Host", "[::1]a"}}, 400, false, 0, NULL},
    {"a port in letters", {{"Host", "localhost:a"}}, 400, false, 0, NULL},
    {"two ports", {{"Host", "localhost:1:2"}}, 400, false, 0, NULL},
    {"a port alone", {{"Host", ":80"}}, 400, false, 0, NULL},
    {"a port that is empty", {{"Host", "localhost:"}}, 0, false, 0, NULL},
    {"HTTP/2", {HOST}, 400, false, 0, "HTTP/2.0"},
    {"HTTP/1.2", {HOST}, 400, false, 0, "HTTP/1.2"},
    {"no version", {HOST}, 400, false, 0, ""},
};

static struct gate_request request_of(const struct header *headers, size_t room)
{
    struct gate_request request = {.method = "POST",
                                   .version = "HTTP/1.1",
                                   .path = "/v1/score",
                                   .headers = headers,
                                   .max_body_bytes = LIMIT,
                                   .allowed_hosts = ""};

    while (request.n_headers < room && headers[request.n_headers].name != NULL)
        request.n_headers++;
    return request;
}

static void framings_pass_or_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gate_request request = request_of(cases[i].headers, 6);
        struct framing framing = {true, 77};
        struct problem problem = {0};
        int status = 0;

        if (cases[i].version != NULL)
            request.version = cases[i].version;
        if (!gate_check(&request, &framing, &problem))
            status = problem_status(problem.code);
        if (status != cases[i].status)
            fail_msg("%s: %d, not %d (%s)", cases[i].what, status, cases[i].status, problem.detail);
        if (status == 0) {
            assert_int_equal(framing.chunked, cases[i].chunked);
            assert_int_equal(framing.content_length, cases[i].length);
        }
    }
}

static bool passes(const char *method, const char *path, const char *host, const char *allowed)
{
    const struct header headers[] = {{"Host", host}, {NULL, NULL}};
    struct gate_request request = request_of(headers, 1);
    struct framing framing;
    struct problem problem = {0};

    request.method = method;
    request.path = path;
    request.allowed_hosts = allowed;
    return gate_check(&request, &framing, &problem);
}

static void methods_that_nobody_knows_are_refused(void **state)
{
    (void)state;
    assert_true(passes("GET", "/", "a", ""));
    assert_true(passes("HEAD", "/", "a", ""));
    assert_true(passes("DELETE", "/", "a", ""));
    assert_true(passes("OPTIONS", "*", "a", ""));
    assert_false(passes("GET", "*", "a", ""));
    assert_false(passes("get", "/", "a", ""));
    assert_false(passes("TRACE", "/", "a", ""));
    assert_false(passes("CONNECT", "/", "a", ""));
    assert_false(passes("", "/", "a", ""));
}

static void paths_do_not_climb(void **state)
{
    (void)state;
    assert_false(passes("GET", "/..", "a", ""));
    assert_false(passes("GET", "/../a", "a", ""));
    assert_false(passes("GET", "/a/../b", "a", ""));
    assert_false(passes("GET", "/a/..", "a", ""));
    assert_false(passes("GET", "/...//..", "a", ""));
    assert_true(passes("GET", "/a..b", "a", ""));
    assert_true(passes("GET", "/...", "a", ""));
    assert_true(passes("GET", "/a../..b", "a", ""));
}

static void hosts_are_compared_with_the_list(void **state)
{
    static const char list[] = "localhost, scores.example:8040,[::1]";

    (void)state;
    assert_true(passes("GET", "/", "localhost", list));
    assert_true(passes("GET", "/", "LOCALHOST:1", list));
    assert_true(passes("GET", "/", "scores.example:8040", list));
    assert_true(passes("GET", "/", "[::1]:8040", list));
    assert_true(passes("GET", "/", "[::1]", list));
    assert_false(passes("GET", "/", "scores.example", list));
    assert_false(passes("GET", "/", "scores.example:80", list));
    assert_false(passes("GET", "/", "local", list));
    assert_false(passes("GET", "/", "localhost.evil.example", list));
    assert_false(passes("GET", "/", "[::2]", list));
    assert_false(passes("GET", "/", "a", " , "));
}

static void targets_are_paths(void **state)
{
    (void)state;
    assert_null(gate_target_fault("/"));
    assert_null(gate_target_fault("/v1/score?labels=1,2&beta=2"));
    assert_null(gate_target_fault("*"));
    assert_null(gate_target_fault("/%20%01"));
    assert_non_null(gate_target_fault(NULL));
    assert_non_null(gate_target_fault(""));
    assert_non_null(gate_target_fault("livez"));
    assert_non_null(gate_target_fault("http://localhost/livez"));
    assert_non_null(gate_target_fault("localhost:8040"));
    assert_non_null(gate_target_fault("/livez%00"));
    assert_non_null(gate_target_fault("/?a=%00"));
    assert_non_null(gate_target_fault("/a b"));
    assert_non_null(gate_target_fault("/a\tb"));
    assert_non_null(gate_target_fault("/a#b"));
    assert_non_null(gate_target_fault("/\x7f"));
    assert_non_null(gate_target_fault("/\xc3\xa9"));
    assert_non_null(gate_target_fault("/a\"b"));
    assert_non_null(gate_target_fault("/%"));
    assert_non_null(gate_target_fault("/%2"));
    assert_non_null(gate_target_fault("/%2g"));
    assert_null(gate_target_fault("/?a=[1]|{2}^`\\%2f%2F"));
    assert_non_null(gate_target_fault("/v1/runs/u%2fcases"));
    assert_non_null(gate_target_fault("/v1/runs%2Fu?a=b"));
}

static void what_stood_between_the_parts_of_a_head_is_seen(void **state)
{
    static const struct {
        const char *head; /* as parsed in place: NULs for CR, LF and what ends a name */
        size_t n_bytes;
        size_t target;
        size_t version;
        size_t places[4]; /* name, value, name, value */
        bool seamless;
    } heads[] = {
#define HEAD(text) text, sizeof(text) - 1
        {HEAD("GET\0/a?b\0HTTP/1.1\0\0X\0 1\0\0Y\0\0\0\0\0"), 4, 9, {19, 22, 25, 27}, true},
        {HEAD("GET\0/a?b\0HTTP/1.1\0\0X\0\t 1\0\0Y\0002\0\0\0\0"), 4, 9, {19, 23, 26, 28}, true},
        {HEAD("GET\0 /ab\0HTTP/1.1\0\0X\0 1\0\0Y\0\0\0\0\0"), 5, 9, {19, 22, 25, 27}, false},
        {HEAD("GET\0/ab \0HTTP/1.1\0\0X\0 1\0\0Y\0\0\0\0\0"), 4, 9, {19, 22, 25, 27}, true},
        {HEAD("GET\0/a?b\0HTTP/1.1\0X\0 1\0\0Y\0\0\0\0\0"), 4, 9, {18, 21, 24, 26}, false},
        {HEAD("GET\0/a?b\0HTTP/1.1\0\0X\0 1\0Y\0\0\0\0\0"), 4, 9, {19, 22, 24, 26}, false},
        {HEAD("GET\0/a?b\0HTTP/1.1\0\0X\0 \0z\0\0Y\0\0\0\0\0"), 4, 9, {19, 22, 26, 28}, false},
        {HEAD("GET\0/a?b\0HTTP/1.1\0\0X\0 1\0\0Y\0\0\0\0"), 4, 9, {19, 22, 25, 27}, false},
        {HEAD("GET\0/a?b\0HTTP/1.1\0\0X\0 1\0\0Y\0\0\0\0\0\0\0"), 4, 9, {19, 22, 25, 27}, false},
        {HEAD("GET\0/a?b\0HTTP/1.1\0\0X\0z1\0\0Y\0\0\0\0\0"), 4, 9, {19, 22, 25, 27}, false},
#undef HEAD
    };

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        const char *head = heads[i].head;
        const size_t *at = heads[i].places;
        const struct header headers[] = {{head + at[0], head + at[1]},
                                         {head + at[2], head + at[3]}};
        const struct gate_request request = {.method = head,
                                             .version = head + heads[i].version,
                                             .headers = headers,
                                             .n_headers = 2,
                                             .target = head + heads[i].target,
                                             .target_bytes = 4,
                                             .head_bytes = heads[i].n_bytes};

        if (gate_is_seamless(&request) != heads[i].seamless)
            fail_msg("case %zu", i);
    }
}

static void trailers_must_be_headers(void **state)
{
    static const struct header good[] = {{"X", "1"}, {"Y", ""}};
    static const struct header bad[] = {{"X", "1"}, {"Y Z", ""}};
    struct problem problem = {0};

    (void)state;
    assert_true(gate_check_trailer(good, 2, &problem));
    assert_true(gate_check_trailer(NULL, 0, &problem));
    assert_false(gate_check_trailer(bad, 2, &problem));
    assert_int_equal(problem.code, PROBLEM_BAD_HEADER);
}

static void a_length_can_be_judged_before_the_head_is_complete(void **state)
{
    const struct header headers[] = {{"Content-Length", "1e1"}, {NULL, NULL}};
    struct gate_request request = request_of(headers, 1);
    struct framing framing;
    struct problem problem = {0};

    (void)state;
    assert_false(gate_check_body(&request, &framing, &problem));
    assert_int_equal(problem.code, PROBLEM_BAD_HEADER);
    request.n_headers = 0;
    assert_true(gate_check_body(&request, &framing, &problem));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framings_pass_or_are_refused),
        cmocka_unit_test(methods_that_nobody_knows_are_refused),
        cmocka_unit_test(paths_do_not_climb),
        cmocka_unit_test(hosts_are_compared_with_the_list),
        cmocka_unit_test(targets_are_paths),
        cmocka_unit_test(what_stood_between_the_parts_of_a_head_is_seen),
        cmocka_unit_test(trailers_must_be_headers),
        cmocka_unit_test(a_length_can_be_judged_before_the_head_is_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
