/* query.c - a query's parameters as members of the request's JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/option.h"

/* A whole decimal integer of n characters; NULL where it is none. */
static json_t *integer(const char *text, size_t n)
{
    char digits[24];
    char *end;
    long long value;

    if (n == 0 || n >= sizeof(digits) || strspn(text, "+-0123456789") < n)
        return NULL;
    memcpy(digits, text, n);
    digits[n] = '\0';
    errno = 0;
    value = strtoll(digits, &end, 10);
    return errno == 0 && *end == '\0' ? json_integer(value) : NULL;
}

static json_t *word(const char *text, size_t n)
{
    return n > 0 ? json_stringn(text, n) : NULL;
}

static json_t *list(const char *text, json_t *(*item)(const char *, size_t))
{
    json_t *array = json_array();

    for (;;) {
        size_t n = strcspn(text, ",");

        if (json_array_append_new(array, item(text, n)) != 0) {
            json_decref(array);
            return NULL;
        }
        if (text[n] == '\0')
            return array;
        text += n + 1;
    }
}

static json_t *number(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    /* strtod also takes blanks, hexadecimal, "inf" and "nan". */
    if (*text == '\0' || *end != '\0' || strspn(text, "+-.0123456789eE") < strlen(text))
        return NULL;
    return isfinite(value) ? json_real(value) : NULL;
}

static json_t *convert(enum query_form form, const char *text)
{
    switch (form) {
    case QUERY_LABELS:
        return strcmp(text, "auto") == 0 ? json_string(text) : list(text, integer);
    case QUERY_LABEL:
        return strcmp(text, "none") == 0 ? json_null() : integer(text, strlen(text));
    case QUERY_WORDS:
        return list(text, word);
    case QUERY_WORD:
        return word(text, strlen(text));
    case QUERY_NUMBER:
        return number(text);
    case QUERY_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return NULL;
        return json_boolean(text[0] == 't');
    case QUERY_NONE:
        break;
    }
    return NULL;
}

json_t *option_from_query(const struct option_name *name, const char *text, struct problem *reterr)
{
    static const char *const wanted[] = {
        [QUERY_NONE] = "given in the request part, not in the query",
        [QUERY_LABELS] = "integers with commas between them",
        [QUERY_LABEL] = "an integer or none",
        [QUERY_WORDS] = "names with commas between them",
        [QUERY_WORD] = "a word",
        [QUERY_NUMBER] = "a number",
        [QUERY_BOOL] = "true or false",
    };
    json_t *json = convert(name->form, text);

    if (json == NULL)
        problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL, "Query parameter %s must be %s.",
                    name->text, wanted[name->form]);
    return json;
}

static bool add_parameter(json_t *json, const struct parameter *parameter,
                          const struct option_name *(*find)(const char *name),
                          struct problem *reterr)
{
    const struct option_name *name = find(parameter->name);
    json_t *value;

    if (name == NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                           "There is no query parameter \"%s\".", parameter->name);
    if (json_object_get(json, name->text) != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                           "%s is given twice: in the query, or there and in the request.",
                           name->text);
    value = option_from_query(name, parameter->value, reterr);
    if (value == NULL)
        return false;
    return json_object_set_new(json, name->text, value) == 0 ||
           problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the request.");
}

bool option_check_members(json_t *json, const struct option_name *(*find)(const char *name),
                          struct problem *reterr)
{
    const char *name;
    json_t *value;

    json_object_foreach(json, name, value)
    {
        if (find(name) == NULL)
            return problem_set(reterr, PROBLEM_BAD_PARAMETER, json_pointer_to("#", name).text,
                               "The request has no member \"%.64s\".", name);
    }
    return true;
}

json_t *option_merge(const struct request_text *text, const struct limits *limits,
                     const struct option_name *(*find)(const char *name), struct problem *reterr)
{
    json_t *json =
        text->json != NULL ? json_parse(text->json, text->n_json, limits, reterr) : json_object();
    bool good = json != NULL;

    if (!good)
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the request.");
    for (size_t i = 0; good && i < text->n_parameters; i++)
        good = add_parameter(json, &text->parameters[i], find, reterr);
    if (good && option_check_members(json, find, reterr))
        return json;
    json_decref(json);
    return NULL;
}
