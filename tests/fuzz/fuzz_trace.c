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
static const char forbidden[] = "^(ff|00-.{53,}|[0-9a-f]{2}-0{32}|[0-9a-f]{2}-[0-9a-f]{32}-0{16})";

static int is_described(const char *text)
{
    static regex_t described;
    static regex_t excluded;
    static int is_compiled;

    if (!is_compiled && (regcomp(&described, standard, REG_EXTENDED | REG_NOSUB) != 0 ||
                         regcomp(&excluded, forbidden, REG_EXTENDED | REG_NOSUB) != 0))
        abort();
    is_compiled = 1;
    return regexec(&described, text, 0, NULL, 0) == 0 && regexec(&excluded, text, 0, NULL, 0) != 0;
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
    if (strchr(text, '\n') == NULL && taken != is_described(text))
        abort();
    if (taken ? strlen(trace.id) != TRACE_ID_DIGITS || strncmp(trace.text, "00-", 3) != 0 ||
                    strlen(trace.text) != TRACE_TEXT_BYTES - 1
              : trace.id[0] != '\0' || trace.text[0] != '\0')
        abort();
    free(text);
    return 0;
}
