/* body.h - a request's body taken apart: its JSON, and the files that its sources name. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_BODY_H
#define PROTO_BODY_H

#include "proto/growth.h"
#include "proto/multipart.h"
#include "proto/proto.h"
#include "proto/reader.h"

#define BODY_MAX_FILES 3

/* A file that the body may have, by the name of its part or member. */
struct body_file {
    const char *name;
    const uint8_t *bytes; /* of the part of that name; NULL for none */
    size_t n_bytes;
    char filename[MULTIPART_FILENAME_BYTES];
    uint8_t *owned;          /* decoded from base64 */
    struct segment *segment; /* a reference to shared memory */
};

struct body {
    struct growth growth; /* what is taken from the budget until body_done */
    bool is_json;         /* else multipart */
    const char *json;     /* the request's JSON; NULL for none */
    size_t n_json;
    uint8_t *decoded;                /* without its Content-Encoding; NULL where it had none */
    const struct segments *segments; /* who finds shared memory; NULL where it is not taken */
    struct body_file files[BODY_MAX_FILES];
    size_t n_files;
};

/* What the headers say of a body is supported. */
bool body_check(const struct score_input *input, struct problem *reterr);

/* The names are static. body_done is for a body that could not be read too, and may come twice. */
void body_init(struct body *body, const struct env *env, const char *const *names, size_t n_names);
void body_done(struct body *body);

/* Take off the coding, find the parts. The input is borrowed until body_done. */
bool body_read(struct body *body, const struct score_input *input, struct problem *reterr);

/* Instead of body_read, where the request's JSON is parsed already. */
void body_of_parsed(struct body *body, const struct segments *segments);

/*
 * Give a source its bytes: those of its part, what its base64 says, or its shared memory; one that
 * stands in the request has none.
 */
bool body_source(struct body *body, size_t which, struct source *source, struct problem *reterr);

/* Whether there is such a source at all. */
bool body_has(const struct body *body, size_t which, const struct source *source);

#endif
