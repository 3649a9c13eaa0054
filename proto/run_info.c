/* run_info.c - what is said of a run: any small JSON object. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/json.h"
#include "proto/runs.h"

#define INFO_BYTES  16384
#define MAX_MEMBERS 64

static bool is_plain(const json_t *value)
{
    return json_is_string(value) || json_is_number(value) || json_is_boolean(value) ||
           json_is_null(value);
}

static bool check(json_t *json, struct problem *reterr)
{
    const char *name;
    json_t *value;

    if (json_object_size(json) > MAX_MEMBERS)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                           "The info of a run has at most %d members.", MAX_MEMBERS);
    json_object_foreach(json, name, value)
    {
        if (!is_plain(value))
            return problem_set(reterr, PROBLEM_BAD_PARAMETER, json_pointer_to("#", name).text,
                               "A member of info is a text, a number, true, false or null.");
    }
    return true;
}

char *run_info_parse(const struct score_input *input, const struct env *env, struct problem *reterr)
{
    json_t *json;
    char *text;
    size_t n_bytes;

    if (input->body_bytes > INFO_BYTES) {
        problem_set(reterr, PROBLEM_REQUEST_TOO_LARGE, NULL,
                    "The info of a run has at most %d bytes.", INFO_BYTES);
        return NULL;
    }
    json = json_parse((const char *)input->body, input->body_bytes, &env->limits, reterr);
    if (json == NULL)
        return NULL;
    text = check(json, reterr) ? json_print(json, &n_bytes) : NULL;
    json_decref(json);
    if (text == NULL)
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the run's info.");
    return text;
}
