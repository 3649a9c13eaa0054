/* npz.c - NumPy's .npz: one .npy out of a ZIP archive, the only one or the one that is named. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/format/zip.h"
#include "proto/json.h"
#include "proto/reader.h"
#include "proto/whole.h"

#define SUFFIX   ".npy"
#define N_SUFFIX (sizeof(SUFFIX) - 1)

static const char *const extensions[] = {".npz", NULL};

struct npz {
    struct whole file;
    struct zip zip;
    struct coding *member;
};

struct text {
    char at[300];
};

/* An empty archive begins with its end record. */
static bool npz_is(const uint8_t *bytes, size_t n)
{
    n = n < 4 ? n : 4;
    return n > 0 && (memcmp(bytes, "PK\3\4", n) == 0 || memcmp(bytes, "PK\5\6", n) == 0);
}

static void npz_close(void *state)
{
    struct npz *npz = state;

    coding_free(npz->member);
    zip_done(&npz->zip);
    whole_done(&npz->file);
    free(npz);
}

/* ---- which member ---------------------------------------------------------------------------- */

static bool is_array(const struct zip_member *member)
{
    return member->n_name > N_SUFFIX &&
           memcmp(member->name + member->n_name - N_SUFFIX, SUFFIX, N_SUFFIX) == 0;
}

/* "pred.npy, ref.npy, ..." */
static struct text list_members(const struct zip *zip)
{
    struct text text = {""};
    size_t at = 0;

    for (size_t i = 0; i < zip->n_members; i++) {
        const struct zip_member *member = &zip->members[i];

        if (member->n_name + 8 > sizeof(text.at) - at) {
            snprintf(text.at + at, sizeof(text.at) - at, ", ...");
            break;
        }
        at += (size_t)snprintf(text.at + at, sizeof(text.at) - at, "%s%.*s", i > 0 ? ", " : "",
                               (int)member->n_name, member->name);
    }
    return text;
}

static const struct zip_member *no_choice(const struct npz *npz, const struct source *source,
                                          const char *why, struct problem *reterr)
{
    if (npz->zip.n_members == 0)
        problem_set(reterr, PROBLEM_NO_MEMBER, source->pointer, "The archive is empty.");
    else
        problem_set(reterr, PROBLEM_NO_MEMBER, source->pointer, "%s; it has %s.", why,
                    list_members(&npz->zip).at);
    return NULL;
}

static const struct zip_member *only_array(const struct npz *npz, const struct source *source,
                                           struct problem *reterr)
{
    const struct zip_member *only = NULL;
    size_t n = 0;

    for (size_t i = 0; i < npz->zip.n_members; i++) {
        if (is_array(&npz->zip.members[i])) {
            only = &npz->zip.members[i];
            n++;
        }
    }
    if (n == 1)
        return only;
    return no_choice(npz, source,
                     n == 0 ? "The archive has no array (.npy)"
                            : "The archive has several arrays: name one as \"member\"",
                     reterr);
}

/* As it is in the archive, or as NumPy calls it, without its ending. */
static const struct zip_member *named_member(const struct npz *npz, const struct source *source,
                                             const json_t *name, struct problem *reterr)
{
    const struct zip_member *member;
    char text[256];
    int n;

    if (!json_is_string(name)) {
        problem_set(reterr, PROBLEM_BAD_PARAMETER, json_pointer_to(source->pointer, "member").text,
                    "The member of an archive must be a string.");
        return NULL;
    }
    member = zip_find(&npz->zip, json_string_value(name), json_string_length(name));
    n = snprintf(text, sizeof(text), "%s" SUFFIX, json_string_value(name));
    if (member == NULL && n > 0 && (size_t)n < sizeof(text))
        member = zip_find(&npz->zip, text, (size_t)n);
    return member != NULL
               ? member
               : no_choice(npz, source, "The archive has no member of that name", reterr);
}

/* ---- the format ------------------------------------------------------------------------------ */

static bool open_member(struct npz *npz, struct reader *reader, struct problem *reterr)
{
    const struct source *source = reader__source(reader);
    const json_t *name = json_object_get(source->options, "member");
    const struct zip_member *member =
        name != NULL ? named_member(npz, source, name, reterr) : only_array(npz, source, reterr);

    if (member == NULL)
        return false;
    npz->member = zip_open(&npz->zip, member, reterr);
    return npz->member != NULL && format_npy.open(reader, npz->member, reterr);
}

static bool npz_open(struct reader *reader, struct coding *stream, struct problem *reterr)
{
    const char *pointer = reader__source(reader)->pointer;
    struct npz *npz = calloc(1, sizeof(*npz));

    *reader__state(reader) = npz;
    if (npz == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, pointer,
                           "There is no memory for an NPZ archive.");
    return whole_init(&npz->file, reader, stream, reterr) &&
           (npz_is(npz->file.bytes, npz->file.n_bytes) ||
            problem_set(reterr, PROBLEM_FORMAT_MISMATCH, pointer,
                        "The mask's name says NPZ, but it does not begin like a ZIP archive.")) &&
           zip_init(&npz->zip, npz->file.bytes, npz->file.n_bytes, pointer, reterr) &&
           open_member(npz, reader, reterr);
}

static bool npz_tile(struct reader *reader, size_t n, void *room, struct problem *reterr)
{
    struct npz *npz = *reader__state(reader);
    size_t n_bytes = n * ov_dtype_bytes(reader__header(reader)->encoding.dtype);

    return coding_read(npz->member, room, n_bytes, reterr);
}

static bool npz_finish(struct reader *reader, struct problem *reterr)
{
    struct npz *npz = *reader__state(reader);

    return coding_finish(npz->member, reterr);
}

const struct format format_npz = {
    .kind = FORMAT_NPZ,
    .is = npz_is,
    .extensions = extensions,
    .open = npz_open,
    .tile = npz_tile,
    .finish = npz_finish,
    .close = npz_close,
};
