/* option.h - the options of a score: one table for JSON members and query parameters. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_OPTION_H
#define PROTO_OPTION_H

#include "proto/json.h"
#include "proto/request.h"

/* How an option is written in a query, if it can be. */
enum query_form {
    QUERY_NONE,
    QUERY_LABELS, /* "1,2" */
    QUERY_LABEL,  /* "0", "none" for null */
    QUERY_WORDS,  /* "dice,iou" */
    QUERY_WORD,
    QUERY_NUMBER,
    QUERY_BOOL,
};

/* What an option's parse function is given beside the request it fills in. */
struct option_value {
    json_t *json;
    struct json_pointer pointer;
    const struct limits *limits;
};

/* What an option is called, and how it is written in a query. */
struct option_name {
    const char *text;
    enum query_form form;
};

/*
 * A request's JSON with the query's parameters as members of it; every member is an option that
 * `find` knows, given once. A new reference; NULL with reterr set.
 */
json_t *option_merge(const struct request_text *text, const struct limits *limits,
                     const struct option_name *(*find)(const char *name), struct problem *reterr);

/* Every member is an option that `find` knows. */
bool option_check_members(json_t *json, const struct option_name *(*find)(const char *name),
                          struct problem *reterr);

struct option {
    struct option_name name;
    bool (*parse)(struct request *request, const struct option_value *value,
                  struct problem *reterr);
};

/* Of a score. NULL for a name that is none. */
const struct option *option_find(const char *name);

/* The JSON that a query's text stands for: a new reference, or NULL with reterr set. */
json_t *option_from_query(const struct option_name *name, const char *text, struct problem *reterr);

/* An integer that a label can be. */
bool option_label(const json_t *json, const char *pointer, int64_t *ret_label,
                  struct problem *reterr);

/* An array of distinct labels, at most `most` of them; *ret_labels is to be freed. */
bool option_labels(const struct option_value *value, uint64_t most, int64_t **ret_labels,
                   size_t *ret_n, struct problem *reterr);

/* proto/source.c: a source called `name`, which its part is called too. */
bool source_read(struct source *source, const char *name, const struct option_value *value,
                 struct problem *reterr);

/* The sources of a score: {"part":...} or {"base64":...} and what is said of it. */
bool option_prediction(struct request *request, const struct option_value *value,
                       struct problem *reterr);
bool option_reference(struct request *request, const struct option_value *value,
                      struct problem *reterr);

/* proto/case.c: what a case that is kept is said to be. */
bool option_case(struct request *request, const struct option_value *value, struct problem *reterr);

#endif
