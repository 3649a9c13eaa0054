/* multipart.c - the parts of a multipart/form-data body (RFC 7578). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Text between two pointers, of a header; never NUL-terminated. */
struct span {
    const char *at;
    const char *end;
};

static bool is_separator(char byte)
{
    switch (byte) {
    case '(':
    case ')':
    case '<':
    case '>':
    case '@':
    case ',':
    case ';':
    case ':':
    case '\\':
    case '"':
    case '/':
    case '[':
    case ']':
    case '?':
    case '=':
        return true;
    default:
        return false;
    }
}

static bool is_token_byte(char byte)
{
    return byte > ' ' && byte < 0x7f && !is_separator(byte);
}

static void skip_blanks(struct span *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\t'))
        text->at++;
}

static bool span_is(struct span text, const char *word)
{
    size_t n = strlen(word);

    return (size_t)(text.end - text.at) == n && strncasecmp(text.at, word, n) == 0;
}

static struct span take_token(struct span *text)
{
    struct span token = {text->at, text->at};

    while (text->at < text->end && is_token_byte(*text->at))
        text->at++;
    token.end = text->at;
    return token;
}

/* Copies a quoted string or token; what does not fit is cut. false where the quote never ends. */
static bool take_value(struct span *text, char *room, size_t cap)
{
    size_t n = 0;
    bool quoted = text->at < text->end && *text->at == '"';

    text->at += quoted;
    while (text->at < text->end && (quoted ? *text->at != '"' : is_token_byte(*text->at))) {
        if (quoted && *text->at == '\\' && text->at + 1 < text->end)
            text->at++;
        if (n + 1 < cap)
            room[n++] = *text->at;
        text->at++;
    }
    room[n] = '\0';
    if (quoted && text->at == text->end)
        return false;
    text->at += quoted;
    return true;
}

/* One `; name=value`. false at the end of the text and where it is malformed (then at != end). */
static bool take_parameter(struct span *text, struct span *ret_name, char *value, size_t cap)
{
    struct span rest = *text;

    skip_blanks(&rest);
    if (rest.at == rest.end || *rest.at != ';')
        return false;
    rest.at++;
    skip_blanks(&rest);
    *ret_name = take_token(&rest);
    if (ret_name->at == ret_name->end || rest.at == rest.end || *rest.at != '=')
        return false;
    rest.at++;
    if (!take_value(&rest, value, cap))
        return false;
    skip_blanks(&rest);
    *text = rest;
    return true;
}

static bool boundary_is_legal(const char *boundary)
{
    size_t n = strlen(boundary);

    return n >= 1 && n <= MULTIPART_BOUNDARY_MAX && boundary[n - 1] != ' ' &&
           strspn(boundary, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "'()+_,-./:=? ") == n;
}

bool multipart_boundary(const char *content_type, char ret_boundary[MULTIPART_BOUNDARY_MAX + 1],
                        struct problem *reterr)
{
    struct span text = {content_type, content_type + strlen(content_type)};
    struct span name;
    char value[MULTIPART_BOUNDARY_MAX + 2];

    text.at += strcspn(content_type, ";");
    while (take_parameter(&text, &name, value, sizeof(value))) {
        if (!span_is(name, "boundary"))
            continue;
        if (!boundary_is_legal(value))
            break;
        memcpy(ret_boundary, value, strlen(value) + 1);
        return true;
    }
    return problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL,
                       "Content-Type multipart/form-data has no valid boundary parameter.");
}

static bool disposition_parse(struct span value, struct part *part)
{
    struct span name;
    char text[sizeof(part->filename)];
    bool named = false;

    if (!span_is(take_token(&value), "form-data"))
        return false;
    while (take_parameter(&value, &name, text, sizeof(text))) {
        if (span_is(name, "name")) {
            if (named)
                return false;
            named = true;
            snprintf(part->name, sizeof(part->name), "%.*s", (int)sizeof(part->name) - 1, text);
        } else if (span_is(name, "filename")) {
            memcpy(part->filename, text, sizeof(text));
        }
    }
    return named && value.at == value.end;
}

/* The codings that RFC 7578 retired change what the bytes mean, so they are not ignored. */
static bool header_is_plain(struct span name, struct span value)
{
    if (span_is(name, "content-transfer-encoding"))
        return span_is(value, "binary") || span_is(value, "8bit") || span_is(value, "7bit");
    if (span_is(name, "content-encoding"))
        return span_is(value, "identity");
    return true;
}

static bool header_parse(struct span line, struct part *part, bool *named, struct problem *reterr)
{
    struct span name = take_token(&line);

    if (name.at == name.end || line.at == line.end || *line.at != ':')
        return problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL, "A part has a malformed header.");
    line.at++;
    skip_blanks(&line);
    if (span_is(name, "content-disposition")) {
        if (*named || !disposition_parse(line, part))
            return problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL,
                               "A part's Content-Disposition is not form-data with one name.");
        *named = true;
    }
    if (!header_is_plain(name, line))
        return problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL,
                           "A part has a coding of its own (%.*s); say it as \"encoding\" in the "
                           "request part.",
                           (int)(name.end - name.at), name.at);
    return true;
}

/* Parses headers up to the blank line; *at is moved behind it. */
static bool headers_parse(const char **at, const char *end, size_t max_bytes, struct part *part,
                          struct problem *reterr)
{
    bool named = false;
    size_t n = (size_t)(end - *at) < max_bytes ? (size_t)(end - *at) : max_bytes;
    const char *limit = *at + n;

    for (;;) {
        const char *eol = memmem(*at, (size_t)(limit - *at), "\r\n", 2);
        struct span line = {*at, eol};

        if (eol == NULL)
            return problem_set(
                reterr, PROBLEM_BAD_MULTIPART, NULL,
                "A part's headers do not end within %zu bytes (limits.part_header_bytes).",
                max_bytes);
        *at = eol + 2;
        if (line.at == line.end)
            break;
        if (!header_parse(line, part, &named, reterr))
            return false;
    }
    return named || problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL,
                                "A part has no Content-Disposition with a name.");
}

/* After as many bytes that were only like the delimiter's last. */
#define MAX_GUESSES 64

/*
 * As memmem, which looks at each byte of a mask. Few are like the last of a delimiter, a letter or
 * digit: memchr finds those ten times as fast.
 */
static const char *find(const char *at, const char *end, const char *delimiter, size_t n)
{
    for (int i = 0; i < MAX_GUESSES && (size_t)(end - at) >= n; i++) {
        const char *last = memchr(at + n - 1, delimiter[n - 1], (size_t)(end - at) - n + 1);

        if (last == NULL)
            return NULL;
        at = last - n + 1;
        if (memcmp(at, delimiter, n) == 0)
            return at;
        at++;
    }
    return memmem(at, (size_t)(end - at), delimiter, n);
}

/* The next line that is the delimiter, at or after `at`; NULL where there is none. */
static const char *delimiter_find(const char *at, const char *end, const char *delimiter, size_t n)
{
    const char *found = at;

    while ((found = find(found, end, delimiter, n)) != NULL) {
        const char *behind = found + n;

        if (end - behind >= 2 && (memcmp(behind, "\r\n", 2) == 0 || memcmp(behind, "--", 2) == 0))
            return found;
        found = behind;
    }
    return NULL;
}

static bool parts_parse(struct span body, const char *delimiter, const struct limits *limits,
                        struct part *parts, size_t *n, struct problem *reterr)
{
    size_t n_delimiter = strlen(delimiter);

    while (memcmp(body.at, "--", 2) != 0) {
        struct part *part = &parts[*n];
        const char *next;

        if (*n == limits->parts)
            return problem_set(reterr, PROBLEM_TOO_MANY_PARTS, NULL,
                               "The body has more than %zu parts (limits.parts).",
                               (size_t)limits->parts);
        memset(part, 0, sizeof(*part));
        body.at += 2;
        if (!headers_parse(&body.at, body.end, limits->part_header_bytes, part, reterr))
            return false;
        /* An empty part's delimiter begins with the line end of its headers. */
        next = delimiter_find(body.at - 2, body.end, delimiter, n_delimiter);
        if (next == NULL)
            return problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL,
                               "Part \"%s\" has no end: the closing boundary is missing.",
                               part->name);
        part->bytes = (const uint8_t *)body.at;
        part->n_bytes = next > body.at ? (size_t)(next - body.at) : 0;
        body.at = next + n_delimiter;
        (*n)++;
    }
    body.at += 2;
    if (body.end - body.at >= 2 && memcmp(body.at, "\r\n", 2) == 0)
        body.at += 2;
    return body.at == body.end ||
           problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL, "Bytes follow the closing boundary.");
}

bool multipart_parse(const uint8_t *body, size_t n_bytes, const char *boundary,
                     const struct limits *limits, struct parts *ret_parts, struct problem *reterr)
{
    char delimiter[MULTIPART_BOUNDARY_MAX + 5];
    struct span text = {(const char *)body, (const char *)body + n_bytes};
    size_t n_first = strlen(boundary) + 2;
    size_t n = 0;

    snprintf(delimiter, sizeof(delimiter), "\r\n--%s", boundary);
    if (n_bytes < n_first + 2 || memcmp(body, delimiter + 2, n_first) != 0 ||
        (memcmp(body + n_first, "\r\n", 2) != 0 && memcmp(body + n_first, "--", 2) != 0))
        return problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL,
                           "The body does not begin with the boundary of its Content-Type.");
    text.at += n_first;
    if (!parts_parse(text, delimiter, limits, ret_parts->list, &n, reterr))
        return false;
    ret_parts->n = n;
    return true;
}
