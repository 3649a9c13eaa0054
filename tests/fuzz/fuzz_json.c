/* fuzz_json.c - JSON with long strings: what is read around jansson is what jansson reads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct limits limits = {.json_depth = 16, .json_values = 4096};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *text = (const char *)data;
    struct problem problem = {0};
    uint64_t n_bytes;
    json_t *json, *expected;

    if (!json_bound(text, n, &limits, &n_bytes, &problem))
        return 0;
    expected = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    json = json_parse_any(text, n, &limits, &problem);
    if ((json == NULL) != (expected == NULL) || (json != NULL && !json_equal(json, expected)) ||
        (json == NULL && problem.code != PROBLEM_BAD_JSON))
        __builtin_trap();
    json_decref(json);
    json_decref(expected);
    return 0;
}
