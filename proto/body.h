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
    uint8_t *owned; /* decoded from base64 */
};

struct body {
    struct growth growth; /* what is taken from the budget until body_done */
    bool is_json;         /* else multipart */
    const char *json;     /* the request's JSON; NULL for none */
    size_t n_json;
    uint8_t *decoded; /* without its Content-Encoding; NULL where it had none */
    struct body_file files[BODY_MAX_FILES];
    size_t n_files;
};

/* What the headers say of a body is supported. */
bool body_check(const struct score_input *input, struct problem *reterr);

/* The names are static. A body is done with once, whether or not it could be read. */
void body_init(struct body *body, const struct env *env, const char *const *names, size_t n_names);
void body_done(struct body *body);

/* Take off the coding, find the parts. The input is borrowed until body_done. */
bool body_read(struct body *body, const struct score_input *input, struct problem *reterr);

/* Give a source its bytes: those of its part, or what its base64 says; an inline one has none. */
bool body_source(struct body *body, size_t which, struct source *source, struct problem *reterr);

/* Whether there is such a source at all. */
bool body_has(const struct body *body, size_t which, const struct source *source);

#endif
