/* problem.c - what can be wrong with a request, as RFC 9457 problem documents. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/problem.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/json.h"

struct entry {
    int status;
    const char *name;
    const char *title;
};

#define ENTRY(symbol, status, code, title) [PROBLEM_##symbol] = {status, code, title},
static const struct entry entries[PROBLEM_N] = {PROBLEM_MAP(ENTRY)};
#undef ENTRY

static const struct entry *entry_of(enum problem_code code)
{
    return &entries[code > PROBLEM_NONE && code < PROBLEM_N ? code : PROBLEM_INTERNAL];
}

int problem_status(enum problem_code code)
{
    return entry_of(code)->status;
}

const char *problem_name(enum problem_code code)
{
    return entry_of(code)->name;
}

/* Details quote what clients send; jansson refuses to print what is not UTF-8. */
static void keep_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
            *text = '?';
    }
}

bool problem_set(struct problem *reterr, enum problem_code code, const char *pointer,
                 const char *format, ...)
{
    va_list arguments;

    if (reterr->code != PROBLEM_NONE)
        return false;
    reterr->code = code;
    snprintf(reterr->pointer, sizeof(reterr->pointer), "%s", pointer != NULL ? pointer : "");
    va_start(arguments, format);
    vsnprintf(reterr->detail, sizeof(reterr->detail), format, arguments);
    va_end(arguments);
    keep_printable(reterr->pointer);
    keep_printable(reterr->detail);
    return false;
}

static json_t *document(const struct problem *problem, const char *instance)
{
    const struct entry *entry = entry_of(problem->code);
    json_t *json = json_pack(
        "{s:o, s:s, s:i, s:s, s:s}", "type", json_sprintf("/problems/%s", entry->name), "title",
        entry->title, "status", entry->status, "code", entry->name, "detail", problem->detail);

    if (json != NULL && instance != NULL)
        json_object_set_new(json, "instance", json_string(instance));
    if (json != NULL && problem->pointer[0] != '\0')
        json_object_set_new(
            json, "errors",
            json_pack("[{s:s, s:s}]", "pointer", problem->pointer, "detail", problem->detail));
    return json;
}

char *problem_print(const struct problem *problem, const char *instance, size_t *ret_bytes)
{
    json_t *json = document(problem, instance);
    char *text = json != NULL ? json_print(json, ret_bytes) : NULL;

    json_decref(json);
    return text;
}
