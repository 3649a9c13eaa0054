/* shm.c - shared memory by name: /v1/shm, and how requests over HTTP find it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/clock.h"
#include "daemon/job.h"
#include "daemon/registry.h"
#include "daemon/server.h"
#include "daemon/uid.h"
#include "proto/json.h"

/* A registration is three members. */
#define REQUEST_BYTES 4096

#define JSON_TYPE "application/json"

/* ---- who may --------------------------------------------------------------------------------- */

static bool check_peer(const struct job *job, uid_t *ret_uid, struct problem *reterr)
{
    const struct config *config = &job->settings->config;

    if (strcmp(config->shm_enabled, "yes") != 0)
        return problem_set(reterr, PROBLEM_SHM_DISABLED, NULL,
                           "Shared memory is off (shm.enabled).");
    if (!job->connection->listener->is_unix)
        return problem_set(reterr, PROBLEM_SHM_FORBIDDEN, NULL,
                           "Shared memory is for connections over the Unix socket alone.");
    return (uid_of_peer(job->connection->fd, ret_uid) &&
            uid_is_listed(config->shm_uids, *ret_uid)) ||
           problem_set(reterr, PROBLEM_SHM_FORBIDDEN, NULL,
                       "Your user may not use shared memory here (shm.uids).");
}

struct segment *shm_find_for(uid_t uid, const struct segment_name *name, const char *pointer,
                             struct problem *reterr)
{
    struct memfile *memfile;

    if (name->kind == SEGMENT_FD) {
        problem_set(
            reterr, PROBLEM_BAD_PARAMETER, pointer,
            "Descriptors come with a message over listen.fd, not with a request over HTTP.");
        return NULL;
    }
    memfile = registry_take(name->kind, name->text, uid);
    if (memfile != NULL)
        return &memfile->segment;
    if (name->kind == SEGMENT_SHM)
        problem_set(reterr, PROBLEM_SHM_UNKNOWN, pointer, "You have no region of this name.");
    else
        problem_set(reterr, PROBLEM_HANDLE_UNKNOWN, pointer,
                    "You have no such handle; it ends with the connection that made it.");
    return NULL;
}

struct segment *shm_find(void *job, const struct segment_name *name, const char *pointer,
                         struct problem *reterr)
{
    uid_t uid = 0;

    return check_peer(job, &uid, reterr) ? shm_find_for(uid, name, pointer, reterr) : NULL;
}

/* ---- the name in the path -------------------------------------------------------------------- */

static bool is_name(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    size_t n = strlen(text);

    return n > 0 && n < REGISTRY_NAME_BYTES && strspn(text, allowed) == n;
}

/* Who asks, and for which region. */
static bool check_head(const struct job *job, struct region *ret_region, struct problem *reterr)
{
    const char *name = job->values.text[0];

    *ret_region = (struct region){.kind = SEGMENT_SHM};
    if (!check_peer(job, &ret_region->uid, reterr) || !job_has_no_query(job, reterr))
        return false;
    if (job->values.too_long || !is_name(name))
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                           "A region's name has 1 to 64 letters, digits, '.', '_' and '-'.");
    memcpy(ret_region->name, name, strlen(name) + 1);
    return true;
}

bool shm_check(struct job *job, struct problem *reterr)
{
    struct region region;

    if (!check_head(job, &region, reterr))
        return false;
    if (job->input.content_encoding != NULL)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_ENCODING, NULL,
                           "A registration is sent as it is, without a Content-Encoding.");
    return job->framing.content_length <= REQUEST_BYTES ||
           problem_set(reterr, PROBLEM_REQUEST_TOO_LARGE, NULL,
                       "A registration has at most %d bytes.", REQUEST_BYTES);
}

/* ---- registration ---------------------------------------------------------------------------- */

static bool bad(struct problem *reterr, const char *pointer, const char *wanted)
{
    return problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer, "%s must be %s.", pointer + 2,
                       wanted);
}

bool shm_read_wish(const char *member, const json_t *json, struct memfile_wish *wish,
                   struct problem *reterr)
{
    bool is_offset = strcmp(member, "offset") == 0;
    json_int_t value = json_integer_value(json);

    if (strcmp(member, "writable") == 0) {
        wish->writable = json_is_true(json);
        return json_is_boolean(json) || bad(reterr, "#/writable", "true or false");
    }
    if (!is_offset && strcmp(member, "byte_size") != 0)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, json_pointer_to("#", member).text,
                           "A registration has no such member.");
    if (!json_is_integer(json) || value < 0 || (!is_offset && value == 0))
        return bad(reterr, is_offset ? "#/offset" : "#/byte_size", "a number of bytes");
    *(is_offset ? &wish->offset : &wish->byte_size) = (uint64_t)value;
    return true;
}

static bool has_prefix(const char *list, const char *key)
{
    while (*list != '\0') {
        size_t n;

        list += strspn(list, ", \t");
        n = strcspn(list, ", \t");
        if (n > 0 && strncmp(list, key, n) == 0)
            return true;
        list += n;
    }
    return false;
}

static bool read_key(const struct job *job, const json_t *json, struct region *region,
                     struct problem *reterr)
{
    const char *key = json_string_value(json);
    size_t n = key != NULL ? strlen(key) : 0;

    if (n < 2 || n >= REGISTRY_KEY_BYTES || key[0] != '/' || strchr(key + 1, '/') != NULL ||
        strcmp(key, "/.") == 0 || strcmp(key, "/..") == 0)
        return bad(reterr, "#/key", "the name of a shared memory object, \"/psm_1a2b\"");
    if (!has_prefix(job->settings->config.shm_prefixes, key))
        return problem_set(reterr, PROBLEM_SHM_FORBIDDEN, "#/key",
                           "The key begins with none of the prefixes that are allowed here "
                           "(shm.prefixes).");
    memcpy(region->key, key, n + 1);
    return true;
}

static bool read_members(const struct job *job, json_t *json, struct region *region,
                         struct memfile_wish *wish, struct problem *reterr)
{
    const char *member;
    json_t *value;

    json_object_foreach(json, member, value)
    {
        bool ok = strcmp(member, "key") == 0 ? read_key(job, value, region, reterr)
                                             : shm_read_wish(member, value, wish, reterr);

        if (!ok)
            return false;
    }
    if (region->key[0] == '\0' || wish->byte_size == 0)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                           "A registration needs key and byte_size.");
    return true;
}

static bool read_request(const struct job *job, struct region *region, struct memfile_wish *wish,
                         struct problem *reterr)
{
    json_t *json;
    bool ok;

    if (job->input.body_bytes > REQUEST_BYTES)
        return problem_set(reterr, PROBLEM_REQUEST_TOO_LARGE, NULL,
                           "A registration has at most %d bytes.", REQUEST_BYTES);
    json = json_parse((const char *)job->input.body, job->input.body_bytes,
                      &job->settings->env.limits, reterr);
    ok = json != NULL && read_members(job, json, region, wish, reterr);
    json_decref(json);
    return ok;
}

/* The one thing about shared memory that everybody asks: why it does not open. */
static bool refuse_open(int error, struct problem *reterr)
{
    switch (error) {
    case ENOENT:
        return problem_set(reterr, PROBLEM_SHM_UNKNOWN, "#/key",
                           "There is no such object (ENOENT). Do daemon and client see different "
                           "/dev/shm, as containers do? Passing a descriptor needs no common one.");
    case EACCES:
        return problem_set(reterr, PROBLEM_SHM_FORBIDDEN, "#/key",
                           "The daemon may not open the object (EACCES). Python makes it one of "
                           "its own user alone (mode 0600). Passing a descriptor needs no more.");
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, "#/key",
                           "There is no descriptor or memory left for the object.");
    default:
        return problem_set(reterr, PROBLEM_SHM_BAD_OBJECT, "#/key",
                           "The object is not shared memory that can be opened (error %d).", error);
    }
}

/* For reading alone unless more is wished; O_NONBLOCK, as opening a FIFO would wait for a writer.
 */
static struct memfile *open_object(const struct region *region, const struct memfile_wish *wish,
                                   struct problem *reterr)
{
    int access = wish->writable ? O_RDWR : O_RDONLY;
    int fd = shm_open(region->key, access | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW, 0);

    if (fd < 0) {
        refuse_open(errno, reterr);
        return NULL;
    }
    return memfile_new(fd, wish, reterr);
}

/* ---- answers --------------------------------------------------------------------------------- */

static json_t *region_json(const struct region *region)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:s, s:f}", "name", region->name, "key",
                     region->key, "offset", (json_int_t)region->offset, "byte_size",
                     (json_int_t)region->byte_size, "object_size", (json_int_t)region->object_bytes,
                     "writable", (int)region->writable, "mode", region->mode, "idle",
                     (double)(clock_ms() - region->used_ms) / 1e3);
}

/* Steals the JSON. */
static bool answer_json(struct job *job, unsigned status, json_t *json)
{
    struct problem problem = {0};
    size_t n_bytes = 0;
    char *text = json != NULL ? json_print(json, &n_bytes) : NULL;

    json_decref(json);
    if (text == NULL) {
        problem_set(&problem, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the answer.");
        job_fail(job, &problem);
        return true;
    }
    answer_take(&job->answer, JSON_TYPE, text, n_bytes);
    job->answer.status = status;
    job->answer.no_store = true;
    return true;
}

static bool fail(struct job *job, const struct problem *problem)
{
    job_fail(job, problem);
    return true;
}

bool shm_put(struct job *job)
{
    struct problem problem = {0};
    struct region region;
    struct memfile_wish wish = {.has_owner = true, .map = true, .pointer = "#/key"};
    struct memfile *memfile;
    bool known;

    if (!check_head(job, &region, &problem) || !read_request(job, &region, &wish, &problem))
        return fail(job, &problem);
    wish.owner = region.uid;
    memfile = open_object(&region, &wish, &problem);
    if (memfile == NULL || !registry_add(&region, memfile, NULL, &known, &problem))
        return fail(job, &problem);
    return answer_json(job, known ? MHD_HTTP_OK : MHD_HTTP_CREATED, region_json(&region));
}

static bool unknown(struct job *job)
{
    struct problem problem = {0};

    problem_set(&problem, PROBLEM_SHM_UNKNOWN, NULL, "You have no region of this name.");
    return fail(job, &problem);
}

bool shm_get(struct job *job)
{
    struct problem problem = {0};
    struct region region;

    if (!check_head(job, &region, &problem))
        return fail(job, &problem);
    if (!registry_find(SEGMENT_SHM, region.name, region.uid, &region))
        return unknown(job);
    return answer_json(job, MHD_HTTP_OK, region_json(&region));
}

bool shm_delete(struct job *job)
{
    struct problem problem = {0};
    struct region region;

    if (!check_head(job, &region, &problem))
        return fail(job, &problem);
    if (!registry_remove(SEGMENT_SHM, region.name, region.uid, NULL))
        return unknown(job);
    answer_fixed(&job->answer, MHD_HTTP_NO_CONTENT, NULL, "", 0);
    return true;
}

bool shm_list(struct job *job)
{
    struct problem problem = {0};
    size_t cap = (size_t)job->settings->config.shm_regions_per_uid;
    struct region *regions;
    json_t *list;
    json_t *answer;
    uid_t uid = 0;
    size_t n;

    if (!check_peer(job, &uid, &problem) || !job_has_no_query(job, &problem))
        return fail(job, &problem);
    regions = calloc(cap, sizeof(*regions));
    if (regions == NULL)
        return answer_json(job, 0, NULL);
    list = json_array();
    answer = json_object();
    n = registry_list(SEGMENT_SHM, uid, regions, cap);
    for (size_t i = 0; i < n; i++)
        json_push(&list, region_json(&regions[i]));
    json_put(&answer, "regions", list);
    free(regions);
    return answer_json(job, MHD_HTTP_OK, answer);
}
