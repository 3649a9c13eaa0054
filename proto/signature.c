/* signature.c - what an answer depends on, in 32 hexadecimal digits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
/* The one with vectors for this processor, where the library was built with them. */
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

#include "proto/score.h"
#include "proto/writer.h"

static void add_text(XXH3_state_t *state, const struct signed_text *text)
{
    XXH3_128bits_update(state, text->at, text->n_bytes);
    XXH3_128bits_update(state, "", 1);
}

/* The answer's inputs repeat these, and the mask is hashed as bytes. */
static bool is_repeated(const char *name)
{
    static const char *const repeated[] = {"part",  "base64", "format", "encoding",
                                           "dtype", "shape",  "order"};

    for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++) {
        if (strcmp(name, repeated[i]) == 0)
            return true;
    }
    return false;
}

/* What a source says beyond what the answer's inputs repeat: the mask itself, if it stands there.
 */
static bool add_options(XXH3_state_t *state, json_t *options)
{
    struct writer writer;
    const char *name;
    json_t *value;
    bool ok;

    writer_init(&writer);
    writer_open(&writer, '{');
    json_object_foreach(options, name, value)
    {
        if (is_repeated(name))
            continue;
        writer_name(&writer, name);
        writer_json(&writer, value);
    }
    writer_close(&writer, '}');
    ok = !writer.failed;
    if (ok && writer.n > sizeof("{}") - 1)
        add_text(state, &(struct signed_text){writer.at, writer.n});
    writer_done(&writer);
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

struct signature signature_make(const struct score *score, const struct signed_text *options,
                                const struct signed_text *inputs)
{
    static const char digits[] = "0123456789abcdef";
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
    add_text(state, options);
    add_text(state, inputs);
    ok = add_mask(state, &score->request.prediction) && add_mask(state, &score->request.reference);
    XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(state));
    XXH3_freeState(state);
    for (size_t i = 0; ok && i < sizeof(digest.digest); i++) {
        signature.text[2 * i] = digits[digest.digest[i] >> 4];
        signature.text[2 * i + 1] = digits[digest.digest[i] & 15];
    }
    return signature;
}
