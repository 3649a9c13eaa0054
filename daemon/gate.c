/* gate.c - whether a request's framing means one thing only; libmicrohttpd takes more than that. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/gate.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* RFC 9110, 5.6.2 */
static bool is_token(const char *text)
{
    size_t n = 0;

    while (text[n] != '\0' && (is_alphanumeric(text[n]) || strchr("!#$%&'*+-.^_`|~", text[n])))
        n++;
    return n > 0 && text[n] == '\0';
}

static bool is_field_value(const char *text)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    }
    return true;
}

static size_t n_of_host(const char *text, const char *more)
{
    size_t n = 0;

    while (text[n] != '\0' && (is_alphanumeric(text[n]) || strchr(more, text[n]) != NULL))
        n++;
    return n;
}

/* A name, or an address that is in brackets where it is IPv6; and a port. */
static bool is_host(const char *text)
{
    size_t n = text[0] == '[' ? 1 + n_of_host(text + 1, ".:%-_") : n_of_host(text, ".-_");

    if (text[0] == '[' && text[n] == ']')
        n++;
    else if (text[0] == '[' || n == 0)
        return false;
    if (text[n] == ':')
        n += 1 + strspn(text + n + 1, "0123456789");
    return text[n] == '\0';
}

/* Of what RFC 3986 wants escaped, browsers leave some as it is, which all read alike. */
static bool is_target_byte(char c)
{
    return (unsigned char)c > ' ' && (unsigned char)c < 0x7f && strchr("\"#<>", c) == NULL;
}

static bool is_escape(const char *text)
{
    static const char digits[] = "0123456789abcdefABCDEF";

    return text[1] != '\0' && strchr(digits, text[1]) != NULL && text[2] != '\0' &&
           strchr(digits, text[2]) != NULL;
}

/* Once unescaped it would part two segments, which for whoever is in front were one. */
static bool has_escaped_slash(const char *target)
{
    size_t n_path = strcspn(target, "?");
    const char *at = strcasestr(target, "%2f");

    return at != NULL && (size_t)(at - target) < n_path;
}

const char *gate_target_fault(const char *target)
{
    if (target == NULL || (target[0] != '/' && strcmp(target, "*") != 0))
        return "The request target does not begin with '/'";
    if (strstr(target, "%00") != NULL)
        return "The request target has a NUL in it";
    if (has_escaped_slash(target))
        return "The path of the request target has an escaped '/' in it";
    for (const char *at = target; *at != '\0'; at++) {
        if (!is_target_byte(*at))
            return "The request target has a byte in it that must be escaped";
        if (*at == '%' && !is_escape(at))
            return "The request target has a '%' without two hexadecimal digits after it";
    }
    return NULL;
}

static bool has_dot_dot(const char *path)
{
    for (const char *at = strstr(path, ".."); at != NULL; at = strstr(at + 1, "..")) {
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0'))
            return true;
    }
    return false;
}

static bool check_line(const struct gate_request *request, struct problem *reterr)
{
    static const char *const methods[] = {"GET",    "HEAD",  "POST",   "PUT",
                                          "DELETE", "PATCH", "OPTIONS"};
    bool known = false;

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        known = known || strcmp(methods[i], request->method) == 0;
    if (!known)
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL, "The method %s is not known.",
                           request->method);
    if (strcmp(request->version, "HTTP/1.1") != 0 && strcmp(request->version, "HTTP/1.0") != 0)
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL, "The version %s is not HTTP/1.1.",
                           request->version);
    if (strcmp(request->path, "*") == 0 && strcmp(request->method, "OPTIONS") != 0)
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL, "The target * is for OPTIONS alone.");
    if (has_dot_dot(request->path))
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL, "The path has '..' in it.");
    return true;
}

static bool check_headers(const struct header *headers, size_t n, struct problem *reterr)
{
    for (size_t i = 0; i < n; i++) {
        const struct header *header = &headers[i];

        if (!is_token(header->name))
            return problem_set(reterr, PROBLEM_BAD_HEADER, NULL,
                               "The header name '%s' is not a token.", header->name);
        if (!is_field_value(header->value))
            return problem_set(reterr, PROBLEM_BAD_HEADER, NULL,
                               "The value of %s has a control character in it.", header->name);
    }
    return true;
}

/* Where a header's value ends; NULL where that is not the header that begins at name. */
static const char *end_of(const struct header *header, const char *name)
{
    const char *value = header->name + strlen(header->name) + 1;

    if (header->name != name || value + strspn(value, " \t") != header->value)
        return NULL;
    return header->value + strlen(header->value);
}

static bool is_seamless(const struct header *headers, size_t n, const char **end)
{
    for (size_t i = 0; i < n && *end != NULL; i++)
        *end = end_of(&headers[i], *end + 2);
    return *end != NULL;
}

bool gate_is_seamless(const struct gate_request *request)
{
    const char *end = request->version + strlen(request->version);

    return request->target == request->method + strlen(request->method) + 1 &&
           request->version == request->target + request->target_bytes + 1 &&
           is_seamless(request->headers, request->n_headers, &end) &&
           request->head_bytes == (size_t)(end + 4 - request->method);
}

bool gate_check_trailer(const struct header *headers, size_t n_headers, struct problem *reterr)
{
    return check_headers(headers, n_headers, reterr);
}

/* The value of the last header of a name and how many there are. */
static size_t find(const struct gate_request *request, const char *name, const char **ret_value)
{
    size_t n = 0;

    for (size_t i = 0; i < request->n_headers; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0) {
            *ret_value = request->headers[i].value;
            n++;
        }
    }
    return n;
}

/* 1*DIGIT; what does not fit saturates. */
static bool parse_length(const char *text, uint64_t *ret_length)
{
    uint64_t length = 0;

    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (__builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (uint64_t)(*text - '0'), &length)) {
            length = UINT64_MAX;
            break;
        }
    }
    *ret_length = length;
    return true;
}

static bool check_coding(const struct gate_request *request, const char *coding, bool has_length,
                         struct problem *reterr)
{
    if (has_length)
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL,
                           "Content-Length and Transfer-Encoding exclude each other.");
    if (strcasecmp(coding, "chunked") != 0)
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL,
                           "The Transfer-Encoding %s is not chunked.", coding);
    if (strcmp(request->version, "HTTP/1.1") != 0)
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL, "Transfer-Encoding needs HTTP/1.1.");
    return true;
}

bool gate_check_body(const struct gate_request *request, struct framing *ret_framing,
                     struct problem *reterr)
{
    const char *length = "";
    const char *coding = "";
    size_t n_lengths = find(request, "Content-Length", &length);
    size_t n_codings = find(request, "Transfer-Encoding", &coding);

    *ret_framing = (struct framing){false, 0};
    if (n_lengths > 1 || n_codings > 1)
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL,
                           "There is more than one Content-Length or Transfer-Encoding.");
    ret_framing->chunked = n_codings > 0;
    if (ret_framing->chunked)
        return check_coding(request, coding, n_lengths > 0, reterr);
    if (n_lengths > 0 && !parse_length(length, &ret_framing->content_length))
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL,
                           "The Content-Length %s is not a number.", length);
    if (ret_framing->content_length > request->max_body_bytes)
        return problem_set(reterr, PROBLEM_BODY_TOO_LARGE, NULL,
                           "The body has more than %" PRIu64
                           " bytes, the limit (limits.body_bytes).",
                           request->max_body_bytes);
    return true;
}

/* An entry with a port is compared with the port, one without matches any. */
static bool matches(const char *entry, size_t n, const char *host)
{
    const char *bracket = strrchr(host, ']');
    const char *colon = strchr(bracket != NULL ? bracket : host, ':');
    size_t n_name = colon != NULL ? (size_t)(colon - host) : strlen(host);

    return (n == strlen(host) && strncasecmp(entry, host, n) == 0) ||
           (n == n_name && strncasecmp(entry, host, n) == 0);
}

static bool is_allowed(const char *allowed, const char *host)
{
    while (*allowed != '\0') {
        size_t n;

        allowed += strspn(allowed, ", \t");
        n = strcspn(allowed, ", \t");
        if (n > 0 && matches(allowed, n, host))
            return true;
        allowed += n;
    }
    return false;
}

static bool check_host(const struct gate_request *request, struct problem *reterr)
{
    const char *host = "";
    size_t n = find(request, "Host", &host);

    if (n > 1 || (n == 0 && strcmp(request->version, "HTTP/1.1") == 0))
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL, "There must be one Host header.");
    if (n == 1 && !is_host(host))
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL, "The Host '%s' is not a host.", host);
    /* None at all is HTTP/1.0: no browser, and not misled. */
    if (n == 1 && request->allowed_hosts[0] != '\0' && !is_allowed(request->allowed_hosts, host))
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL,
                           "The Host '%s' is not one that is answered here (http.allowed_hosts).",
                           host);
    return true;
}

/* Whoever reads the first of two may judge otherwise than who reads the last. */
static bool check_single(const struct gate_request *request, struct problem *reterr)
{
    static const char *const names[] = {"Authorization", "Origin"};
    const char *value;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (find(request, names[i], &value) > 1)
            return problem_set(reterr, PROBLEM_BAD_HEADER, NULL,
                               "There is more than one header %s.", names[i]);
    }
    return true;
}

bool gate_check(const struct gate_request *request, struct framing *ret_framing,
                struct problem *reterr)
{
    return check_line(request, reterr) &&
           check_headers(request->headers, request->n_headers, reterr) &&
           check_host(request, reterr) && check_single(request, reterr) &&
           gate_check_body(request, ret_framing, reterr);
}
