/* http.h - posts to a daemon with libcurl and reads the answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_API_HTTP_H
#define TESTS_API_HTTP_H

#include "tests/api/harness.h"

#include <curl/curl.h>
#include <jansson.h>
#include <strings.h>

struct answer {
    long status;
    struct bytes body; /* NUL-terminated beyond its size */
    struct bytes headers;
    json_t *json; /* NULL where the body is none */
    long n_connects;
    curl_off_t uploaded;
};

static inline size_t answer_take(char *data, size_t size, size_t n, void *bytes)
{
    bytes_add(bytes, data, size * n);
    return size * n;
}

static inline void answer_free(struct answer *answer)
{
    json_decref(answer->json);
    free(answer->body.data);
    free(answer->headers.data);
    memset(answer, 0, sizeof *answer);
}

/* The value of a header, up to the line's end, in a buffer of the caller's; "" for none. */
static inline const char *answer_header(const struct answer *answer, const char *name,
                                        char ret_value[256])
{
    const char *line = (const char *)answer->headers.data;
    ret_value[0] = '\0';
    for (; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            sscanf(line + strlen(name) + 1, " %255[^\r\n]", ret_value);
    return ret_value;
}

/* Set what every request has; then perform and read. The handle stays the caller's. */
static inline struct answer answer_perform(CURL *curl, const struct daemon *daemon,
                                           const char *path)
{
    struct answer answer = {.body = bytes_new("", 0), .headers = bytes_new("", 0)};
    char url[4096], error[CURL_ERROR_SIZE] = "";
    snprintf(url, sizeof url, "http://%s%s", daemon->tcp, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer.headers);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    if (code != CURLE_OK)
        fail_msg("%s: %s (%s)", url, curl_easy_strerror(code), error);
    bytes_add(&answer.body, "", 1);
    bytes_add(&answer.headers, "", 1);
    answer.body.size--;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &answer.n_connects);
    curl_easy_getinfo(curl, CURLINFO_SIZE_UPLOAD_T, &answer.uploaded);
    answer.json =
        json_loadb((const char *)answer.body.data, answer.body.size, JSON_REJECT_DUPLICATES, NULL);
    return answer;
}

static inline struct answer answer_get(const struct daemon *daemon, const char *path)
{
    CURL *curl = curl_easy_init();
    struct answer answer = answer_perform(curl, daemon, path);
    curl_easy_cleanup(curl);
    return answer;
}

static inline struct answer answer_method(const struct daemon *daemon, const char *method,
                                          const char *path)
{
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    struct answer answer = answer_perform(curl, daemon, path);
    curl_easy_cleanup(curl);
    return answer;
}

/* Post a body; headers are lines "Name: value", the last NULL. */
static inline struct answer answer_post(const struct daemon *daemon, const char *path,
                                        const char *const headers[], struct bytes body)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; headers && headers[i]; i++)
        list = curl_slist_append(list, headers[i]);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data);
    struct answer answer = answer_perform(curl, daemon, path);
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    return answer;
}

static inline struct answer answer_post_json(const struct daemon *daemon, const char *path,
                                             const char *text)
{
    const char *const headers[] = {"Content-Type: application/json", NULL};
    struct bytes body = bytes_text(text);
    struct answer answer = answer_post(daemon, path, headers, body);
    free(body.data);
    return answer;
}

/* One part of a form; file is its file name or NULL. */
struct part {
    const char *name;
    struct bytes data;
    const char *file;
};

static inline curl_mime *form_new(CURL *curl, const struct part *parts, size_t n_parts)
{
    curl_mime *form = curl_mime_init(curl);
    for (size_t i = 0; i < n_parts; i++) {
        curl_mimepart *part = curl_mime_addpart(form);
        curl_mime_name(part, parts[i].name);
        curl_mime_data(part, (const char *)parts[i].data.data, parts[i].data.size);
        if (parts[i].file)
            curl_mime_filename(part, parts[i].file);
    }
    return form;
}

static inline struct answer answer_post_parts(const struct daemon *daemon, const char *path,
                                              const struct part *parts, size_t n_parts)
{
    CURL *curl = curl_easy_init();
    curl_mime *form = form_new(curl, parts, n_parts);
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);
    struct answer answer = answer_perform(curl, daemon, path);
    curl_mime_free(form);
    curl_easy_cleanup(curl);
    return answer;
}

/* The pair as a form, with a request part where request is not NULL. path holds the query. */
static inline struct answer answer_score(const struct daemon *daemon, const char *path,
                                         struct bytes prediction, struct bytes reference,
                                         const char *request)
{
    struct bytes text = bytes_text(request ? request : "");
    const struct part parts[] = {
        {"prediction", prediction, "p"}, {"reference", reference, "r"}, {"request", text, NULL}};
    struct answer answer = answer_post_parts(daemon, path, parts, request ? 3 : 2);
    free(text.data);
    return answer;
}

/* ----------------------------------------------------------------------- reading an answer */

static inline void assert_status(const struct answer *answer, long status)
{
    if (answer->status != status)
        fail_msg("status %ld, wanted %ld: %s", answer->status, status,
                 (const char *)answer->body.data);
}

/* The member of a JSON value by a path like "classes/0/tp"; NULL where there is none. */
static inline json_t *json_at(json_t *value, const char *path)
{
    char copy[256], *rest = copy, *step;
    snprintf(copy, sizeof copy, "%s", path);
    while (value && (step = strsep(&rest, "/")))
        value = json_is_array(value) ? json_array_get(value, strtoul(step, NULL, 10))
                                     : json_object_get(value, step);
    return value;
}

/* The value at path is this JSON text, written compactly with sorted keys. */
static inline void assert_member(const struct answer *answer, const char *path, const char *text)
{
    json_t *value = json_at(answer->json, path);
    char *seen = value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    bool same = seen && strcmp(seen, text) == 0;
    if (!same)
        print_error("%s is %s, wanted %s\n%s\n", path, seen ? seen : "absent", text,
                    (const char *)answer->body.data);
    free(seen);
    assert_true(same);
}

static inline void assert_member_near(const struct answer *answer, const char *path, double wanted,
                                      double tolerance)
{
    json_t *value = json_at(answer->json, path);
    double seen = json_number_value(value), error = seen - wanted;
    if (!json_is_number(value) || error > tolerance || error < -tolerance)
        fail_msg("%s is %.17g, wanted %.17g\n%s", path, seen, wanted,
                 (const char *)answer->body.data);
}

/* A number of /readyz?verbose; -1 where it is not there. */
static inline long long daemon_gauge(const struct daemon *daemon, const char *name)
{
    struct answer answer = answer_get(daemon, "/readyz?verbose");
    char line[96];
    long long value = -1;
    snprintf(line, sizeof line, "%s ", name);
    const char *at = strstr((const char *)answer.body.data, line);
    if (at)
        value = strtoll(at + strlen(line), NULL, 10);
    answer_free(&answer);
    return value;
}

#endif
