/* test_limits.c - every limit at its edge: n passes, n + 1 is refused and says so. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/refusal.h"

static const char *const JSON[] = {"Content-Type: application/json", NULL};

/* A daemon with one option, the last of whose owners stops it. */
static struct daemon *limited(const char *option)
{
    const char *const options[] = {option, NULL};
    return daemon_start(options);
}

/* The detail names the limit by its key, which is what an operator can change. */
static void assert_limited(struct answer answer, long status, const char *codes, const char *key)
{
    assert_problem(&answer, status, codes);
    const char *detail = json_string_value(json_at(answer.json, "detail"));
    if (!strstr(detail, key))
        fail_msg("%s is not named: %s", key, detail);
    answer_free(&answer);
}

static void end(struct daemon *daemon)
{
    assert_int_equal(daemon_gauge(daemon, "jobs_running"), 0);
    daemon_stop(daemon);
}

/* Two equal masks of n labels, all different: 0, 1, 2 ... */
static struct answer post_labels(struct daemon *daemon, const char *path, int n)
{
    char labels[64], shape[32];
    for (int i = 0; i < n; i++)
        labels[i] = (char)i;
    snprintf(shape, sizeof shape, "(%d,)", n);
    return post_files_to(daemon, path, npy_u8(shape, labels, (size_t)n),
                         npy_u8(shape, labels, (size_t)n), NULL);
}

static void labels_found(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.labels=5");
    assert_accepted(post_labels(daemon, "/v1/score", 6)); /* background and five */
    assert_limited(post_labels(daemon, "/v1/score", 7), 422, "too-many-labels",
                   "5 labels (limits.labels)");
    end(daemon);
}

static void labels_asked_for(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.labels=5");
    assert_accepted(post_labels(daemon, "/v1/score?labels=1,2,3,4,5", 3));
    assert_limited(post_labels(daemon, "/v1/score?labels=1,2,3,4,5,6", 3), 422, "too-many-labels",
                   "limits.labels");
    end(daemon);
}

/* What is not asked for may be more than the limit: it is reported as unlisted. */
static void labels_unlisted(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.labels=5");
    struct answer answer = post_labels(daemon, "/v1/score?labels=1", 20);
    assert_status(&answer, 200);
    assert_member(&answer, "n_unlisted", "18");
    answer_free(&answer);
    end(daemon);
}

static void labels_by_default(void **state)
{
    (void)state;
    uint16_t labels[1026];
    for (size_t i = 0; i < 1026; i++)
        labels[i] = (uint16_t)i;
    struct answer answer = post_files(npy_of("<u2", false, "(1025,)", labels, 2050),
                                      npy_of("<u2", false, "(1025,)", labels, 2050), NULL);
    assert_member(&answer, "mean/n", "1024");
    assert_accepted(answer);
    assert_limited(post_files(npy_of("<u2", false, "(1026,)", labels, 2052),
                              npy_of("<u2", false, "(1026,)", labels, 2052), NULL),
                   422, "too-many-labels", "limits.labels");
}

static void confusion_labels(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.confusion_labels=3");
    assert_accepted(post_labels(daemon, "/v1/score?confusion=true", 3));
    assert_limited(post_labels(daemon, "/v1/score?confusion=true", 4), 422, "too-many-labels",
                   "limits.confusion_labels");
    assert_accepted(post_labels(daemon, "/v1/score", 4));
    end(daemon);
}

static void regions(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.regions=2");
    assert_accepted(post_files_to(daemon, "/v1/score", good_npy(), good_npy(),
                                  "{\"regions\":{\"a\":[1],\"b\":[2]}}"));
    struct answer answer = post_files_to(daemon, "/v1/score", good_npy(), good_npy(),
                                         "{\"regions\":{\"a\":[1],\"b\":[2],\"c\":[1,2]}}");
    assert_limited(answer, 422, "too-many-labels", "limits.regions");
    end(daemon);
}

/* One header of so many bytes: what libmicrohttpd makes of it, and of its answer's, takes more. */
static long status_with_header(struct daemon *daemon, size_t n_bytes)
{
    char *header = calloc(1, n_bytes + 1);
    memset(header, 'x', n_bytes);
    memcpy(header, "X-Long: ", 8);
    struct curl_slist *list = curl_slist_append(NULL, header);
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    struct answer answer = answer_perform(curl, daemon, "/livez");
    long status = answer.status;
    answer_free(&answer);
    curl_easy_cleanup(curl);
    curl_slist_free_all(list);
    free(header);
    return status;
}

static void head_bytes(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.head_bytes=16K");
    assert_int_equal(status_with_header(daemon, 15 << 10), 200);
    assert_int_equal(status_with_header(daemon, 16 << 10), 431);
    end(daemon);
}

static void parts(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.parts=2");
    assert_accepted(post_files_to(daemon, "/v1/score", good_npy(), good_npy(), NULL));
    assert_limited(post_files_to(daemon, "/v1/score", good_npy(), good_npy(), "{}"), 413,
                   "too-many-parts", "limits.parts");
    end(daemon);
}

static void request_bytes(void **state)
{
    (void)state;
    char text[102];
    struct daemon *daemon = limited("--limits.request_bytes=100");
    memset(text, ' ', sizeof text);
    memcpy(text, "{}", 2);
    text[100] = '\0';
    assert_accepted(post_files_to(daemon, "/v1/score", good_npy(), good_npy(), text));
    text[100] = ' ', text[101] = '\0';
    assert_limited(post_files_to(daemon, "/v1/score", good_npy(), good_npy(), text), 413,
                   "request-too-large", "limits.request_bytes");
    end(daemon);
}

static void json_depth(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.json_depth=2");
    assert_accepted(post_files_to(daemon, "/v1/score", good_npy(), good_npy(), "{\"labels\":[1]}"));
    assert_limited(
        post_files_to(daemon, "/v1/score", good_npy(), good_npy(), "{\"regions\":{\"a\":[1]}}"),
        400, "bad-json", "limits.json_depth");
    end(daemon);
}

static struct answer post_zeros(struct daemon *daemon, const char *descr, int n)
{
    static const char zeros[256];
    char shape[32];
    size_t size = (size_t)n * (size_t)(descr[2] - '0');
    snprintf(shape, sizeof shape, "(%d,)", n);
    return post_files_to(daemon, "/v1/score", npy_of(descr, false, shape, zeros, size),
                         npy_of(descr, false, shape, zeros, size), NULL);
}

static void voxels(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.voxels=12");
    assert_accepted(post_zeros(daemon, "|u1", 12));
    assert_limited(post_zeros(daemon, "|u1", 13), 413, "too-many-voxels", "12 (limits.voxels)");
    end(daemon);
}

static struct answer post_raw_u16(struct daemon *daemon, int n)
{
    static const char zeros[256];
    char request[256];
    snprintf(request, sizeof request,
             "{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint16\",\"shape\":[%d]},"
             "\"reference\":{\"format\":\"raw\",\"dtype\":\"uint16\",\"shape\":[%d]}}",
             n, n);
    return post_files_to(daemon, "/v1/score", bytes_new(zeros, (size_t)n * 2),
                         bytes_new(zeros, (size_t)n * 2), request);
}

static void decoded_bytes(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.decoded_bytes=24");
    assert_accepted(post_raw_u16(daemon, 12));
    assert_limited(post_raw_u16(daemon, 13), 413, "decoded-too-large", "limits.decoded_bytes");
    end(daemon);
}

static void decoded_bytes_of_a_compressed_volume(void **state)
{
    (void)state;
    const int dim[8] = {3, 1024, 1024, 4, 1, 1, 1, 1};
    struct daemon *daemon = limited("--limits.decoded_bytes=1M");
    struct bytes zeros = bytes_new(NULL, 4 << 20);
    memset(zeros.data, 0, zeros.size);
    struct bytes plain = nifti_of(2, dim, 1, 0, zeros.data, zeros.size), gzip = deflated(plain, 31);
    assert_limited(post_files_to(daemon, "/v1/score", good_npy(), gzip, NULL), 413,
                   "decoded-too-large", "limits.decoded_bytes");
    end(daemon);
    free(zeros.data), free(plain.data);
}

/* A good request of exactly size bytes, padded with blanks. */
static struct bytes json_body(size_t size)
{
    const char *text =
        "{\"prediction\":{\"base64\":\"AAEB\",\"format\":\"raw\",\"dtype\":\"uint8\","
        "\"shape\":[3]},\"reference\":{\"base64\":\"AAEB\",\"format\":\"raw\","
        "\"dtype\":\"uint8\",\"shape\":[3]}}";
    struct bytes made = bytes_new(NULL, size);
    memset(made.data, ' ', size);
    memcpy(made.data, text, strlen(text));
    return made;
}

static struct answer post_padded(struct daemon *daemon, size_t size, const char *more, bool gzip)
{
    const char *const headers[] = {JSON[0], more, NULL};
    struct bytes body = json_body(size);
    if (gzip) {
        struct bytes packed = deflated(body, 31);
        free(body.data);
        body = packed;
    }
    struct answer answer = answer_post(daemon, "/v1/score", headers, body);
    free(body.data);
    return answer;
}

static void body_bytes_with_known_length(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.body_bytes=4096");
    assert_accepted(post_padded(daemon, 4096, NULL, false));
    assert_limited(post_padded(daemon, 4097, NULL, false), 413, "body-too-large",
                   "4096 bytes, the limit (limits.body_bytes)");
    assert_well(daemon);
    end(daemon);
}

static void body_bytes_behind_a_coding(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.body_bytes=4096");
    assert_accepted(post_padded(daemon, 4096, "Content-Encoding: gzip", true));
    assert_limited(post_padded(daemon, 4097, "Content-Encoding: gzip", true), 413, "body-too-large",
                   "limits.body_bytes");
    assert_limited(post_padded(daemon, 1 << 26, "Content-Encoding: gzip", true), 413,
                   "body-too-large", "limits.body_bytes");
    assert_well(daemon);
    end(daemon);
}

/* What libcurl asks for when it uploads. */
struct upload {
    size_t left, taken;
};

static size_t upload_read(char *to, size_t size, size_t n, void *data)
{
    struct upload *upload = data;
    size_t now = size * n < upload->left ? size * n : upload->left;
    memset(to, ' ', now);
    upload->left -= now;
    upload->taken += now;
    return now;
}

static struct answer post_upload(struct daemon *daemon, struct upload *upload, const char *more,
                                 bool chunked)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *list = curl_slist_append(NULL, JSON[0]);
    list = curl_slist_append(list, more);
    list = chunked ? curl_slist_append(list, "Transfer-Encoding: chunked") : list;
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, upload_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, upload);
    curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, 20000L);
    if (!chunked)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)upload->left);
    struct answer answer = answer_perform(curl, daemon, "/v1/score");
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    return answer;
}

static void a_client_that_asks_first_uploads_nothing(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.body_bytes=1M");
    struct upload upload = {.left = 5 << 20};
    assert_limited(post_upload(daemon, &upload, "Expect: 100-continue", false), 413,
                   "body-too-large", "limits.body_bytes");
    assert_int_equal(upload.taken, 0);
    assert_well(daemon);
    end(daemon);
}

static void a_client_that_asks_first_is_told_of_its_type_first(void **state)
{
    (void)state;
    struct upload upload = {.left = 5 << 20};
    assert_refused(post_upload(shared, &upload, "Content-Encoding: br", false), 415,
                   "unsupported-encoding");
    upload = (struct upload){.left = 5 << 20};
    struct answer answer = post_upload(shared, &upload, "Expect: 100-continue", false);
    assert_problem(&answer, 400, "bad-json"); /* a good length is read: five million blanks */
    assert_int_equal(upload.taken, 5 << 20);
    answer_free(&answer);
}

static void a_client_that_does_not_ask_still_reads_the_refusal(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.body_bytes=1M");
    for (int i = 0; i < 10; i++) {
        struct upload upload = {.left = 5 << 20};
        assert_limited(post_upload(daemon, &upload, "Expect:", false), 413, "body-too-large",
                       "limits.body_bytes");
    }
    assert_well(daemon);
    end(daemon);
}

static void a_chunked_body_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct daemon *daemon = limited("--limits.body_bytes=1M");
    for (int i = 0; i < 5; i++) {
        struct upload upload = {.left = (1 << 20) + 1};
        assert_limited(post_upload(daemon, &upload, "Expect:", true), 413, "body-too-large",
                       "limits.body_bytes");
    }
    struct upload upload = {.left = 1 << 20};
    assert_refused(post_upload(daemon, &upload, "Expect:", true), 400, "bad-json");
    assert_well(daemon);
    end(daemon);
}

int main(void)
{
#define REFUSAL(test) cmocka_unit_test_teardown(test, is_well)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_found),
        cmocka_unit_test(labels_asked_for),
        cmocka_unit_test(labels_unlisted),
        REFUSAL(labels_by_default),
        cmocka_unit_test(confusion_labels),
        cmocka_unit_test(regions),
        cmocka_unit_test(head_bytes),
        cmocka_unit_test(parts),
        cmocka_unit_test(request_bytes),
        cmocka_unit_test(json_depth),
        cmocka_unit_test(voxels),
        cmocka_unit_test(decoded_bytes),
        cmocka_unit_test(decoded_bytes_of_a_compressed_volume),
        cmocka_unit_test(body_bytes_with_known_length),
        cmocka_unit_test(body_bytes_behind_a_coding),
        cmocka_unit_test(a_client_that_asks_first_uploads_nothing),
        REFUSAL(a_client_that_asks_first_is_told_of_its_type_first),
        cmocka_unit_test(a_client_that_does_not_ask_still_reads_the_refusal),
        cmocka_unit_test(a_chunked_body_over_the_limit_is_refused),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return failed;
}
