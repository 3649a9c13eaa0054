/* shm.h - shared memory by name: /v1/shm, and how requests over HTTP find it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SHM_H
#define DAEMON_SHM_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/segment.h"

struct job;
struct json_t;
struct memfile_wish;
struct registry_counts;
struct server;

/* The routes PUT, GET, DELETE /v1/shm/{name} and GET /v1/shm. */
bool shm_check(struct job *job, struct problem *reterr);
bool shm_put(struct job *job);
bool shm_get(struct job *job);
bool shm_delete(struct job *job);
bool shm_list(struct job *job);

/* struct segments' find, whose user is the job. */
struct segment *shm_find(void *job, const struct segment_name *name, const char *pointer,
                         struct problem *reterr);

/* The same for a user of whom it is known that they may. */
struct segment *shm_find_for(uid_t uid, const struct segment_name *name, const char *pointer,
                             struct problem *reterr);

/*
 * "offset", "byte_size" and "writable" of a registration; what is not given is left alone. Other
 * members are for the caller, who calls it for each.
 */
bool shm_read_wish(const char *member, const struct json_t *json, struct memfile_wish *wish,
                   struct problem *reterr);

#endif
