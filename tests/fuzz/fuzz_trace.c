/* fuzz_trace.c - any header as traceparent: one that is taken is one that the standard describes.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The standard's words, as an expression of another library. */
static const char standard[] = "^(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}|"
                               "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?)$";
static const char forbidden[] = "^(ff|00-.{54,}|[0-9a-f]{2}-0{32}|[0-9a-f]{2}-[0-9a-f]{32}-0{16})";

static int matches(const char *expression, const char *text)
{
    regex_t compiled;
    int found;

    if (regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB) != 0)
        abort();
    found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct trace trace = {"", ""};
    char *text = malloc(n + 1);
    int taken;

    if (text == NULL)
        return 0;
    memcpy(text, data, n);
    text[n] = '\0';
    taken = trace_parse(text, &trace);
    if (strchr(text, '\n') == NULL &&
        taken != (matches(standard, text) && !matches(forbidden, text)))
        abort();
    if (taken ? strlen(trace.id) != TRACE_ID_DIGITS || strncmp(trace.text, "00-", 3) != 0 ||
                    strlen(trace.text) != TRACE_TEXT_BYTES - 1
              : trace.id[0] != '\0' || trace.text[0] != '\0')
        abort();
    free(text);
    return 0;
}
