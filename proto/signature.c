/* signature.c - what an answer depends on, in 32 hexadecimal digits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "proto/json.h"
#include "proto/score.h"

static bool add_json(XXH3_state_t *state, const json_t *json)
{
    size_t n = 0;
    char *text = json_print(json, &n);
    bool ok = text != NULL;

    if (ok)
        XXH3_128bits_update(state, text, n + 1);
    free(text);
    return ok;
}

/* What a source says beyond what the answer's inputs repeat: the mask itself, if it stands there.
 */
static bool add_options(XXH3_state_t *state, json_t *options)
{
    static const char *const repeated[] = {"part",  "base64", "format", "encoding",
                                           "dtype", "shape",  "order"};
    json_t *copy = json_copy(options);
    bool ok = copy != NULL;

    for (size_t i = 0; ok && i < sizeof(repeated) / sizeof(repeated[0]); i++)
        json_object_del(copy, repeated[i]);
    ok = ok && (json_object_size(copy) == 0 || add_json(state, copy));
    json_decref(copy);
    return ok;
}

/* Hashed apart, so that bytes cannot move from one mask to the other unseen. */
static bool add_mask(XXH3_state_t *state, const struct source *source)
{
    XXH128_canonical_t digest;

    if (source->options != NULL && !add_options(state, source->options))
        return false;
    XXH128_canonicalFromHash(&digest, XXH3_128bits(source->bytes, source->n_bytes));
    XXH3_128bits_update(state, digest.digest, sizeof(digest.digest));
    return true;
}

struct signature signature_make(const struct score *score, const json_t *options,
                                const json_t *inputs)
{
    XXH3_state_t *state = XXH3_createState();
    XXH128_canonical_t digest;
    struct signature signature = {""};
    bool ok;

    if (state == NULL)
        return signature;
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, ov_version(), strlen(ov_version()) + 1);
    /* A limit shows in an answer: where its list of unlisted labels ends. */
    XXH3_128bits_update(state, &score->env->limits.labels, sizeof(score->env->limits.labels));
    ok = add_json(state, options) && add_json(state, inputs) &&
         add_mask(state, &score->request.prediction) && add_mask(state, &score->request.reference);
    XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(state));
    XXH3_freeState(state);
    for (size_t i = 0; ok && i < sizeof(digest.digest); i++)
        snprintf(signature.text + 2 * i, 3, "%02x", digest.digest[i]);
    return signature;
}
