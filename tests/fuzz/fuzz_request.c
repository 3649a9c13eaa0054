/* fuzz_request.c - request JSON and one query parameter: a problem, or options that read back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/request.h"
#include "proto/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct limits limits = {
    .labels = 64, .regions = 8, .json_depth = 8, .json_values = 1024};

static char *echo_of(const struct request *request, size_t *ret_bytes)
{
    struct writer writer;
    char *text;

    writer_init(&writer);
    request_write(request, &writer);
    text = writer_take(&writer, ret_bytes);
    if (text == NULL)
        __builtin_trap();
    return text;
}

/* What is echoed must be accepted again, and echo the same. */
static void expect_fixed_point(const struct request *request)
{
    struct request again;
    struct problem problem = {0};
    size_t n, n_second;
    char *echo = echo_of(request, &n);
    char *second;

    if (!request_init(&again, &(struct request_text){.json = echo, .n_json = n}, &limits, &problem))
        __builtin_trap();
    second = echo_of(&again, &n_second);
    if (n != n_second || memcmp(echo, second, n) != 0)
        __builtin_trap();
    request_done(&again);
    free(echo);
    free(second);
}

/* The first line is name=value of a parameter; the rest is the JSON. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct request request;
    struct problem problem = {0};
    struct parameter parameter = {"", ""};
    char line[64] = "";
    const uint8_t *end = memchr(data, '\n', n);
    size_t n_line = end != NULL ? (size_t)(end - data) : 0;
    char *equals;
    struct request_text text;

    if (end == NULL || n_line >= sizeof(line))
        return 0;
    memcpy(line, data, n_line);
    equals = strchr(line, '=');
    if (equals != NULL) {
        *equals = '\0';
        parameter = (struct parameter){line, equals + 1};
    }
    text = (struct request_text){(const char *)end + 1, n - n_line - 1, &parameter, equals != NULL};
    if (request_init(&request, &text, &limits, &problem)) {
        expect_fixed_point(&request);
        request_done(&request);
    } else if (problem.code == PROBLEM_NONE) {
        __builtin_trap();
    }
    return 0;
}
