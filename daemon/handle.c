/* handle.c - shared memory by descriptor: handles, which die with their connection. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/handle.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "daemon/mailbox.h"
#include "daemon/message.h"
#include "daemon/registry.h"
#include "daemon/shm.h"
#include "proto/json.h"

/* Steals the JSON. */
static void answer_json(struct message *message, json_t *json)
{
    size_t n_bytes = 0;
    char *text = json != NULL ? json_print(json, &n_bytes) : NULL;

    json_decref(json);
    message_answer(message, text, n_bytes);
}

/* 128 random bits, in hexadecimal digits. */
static bool make_handle(char *text)
{
    unsigned char bytes[16];

    if (uv_random(NULL, NULL, bytes, sizeof(bytes), 0, NULL) != 0)
        return false;
    text[0] = 'h';
    text[1] = '_';
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(text + 2 + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static bool read_wish(const struct message *message, struct memfile_wish *wish,
                      struct problem *reterr)
{
    const char *member;
    json_t *value;

    json_object_foreach(message->json, member, value)
    {
        if (strcmp(member, "op") != 0 && !shm_read_wish(member, value, wish, reterr))
            return false;
    }
    return true;
}

static struct memfile *take_one(const struct message *message, struct packet *packet,
                                struct problem *reterr)
{
    struct memfile_wish wish = {.byte_size = UINT64_MAX, .map = true};

    if (packet->n_fds != 1) {
        problem_set(reterr, PROBLEM_BAD_REQUEST, NULL,
                    "One descriptor is registered at a time; %zu came.", packet->n_fds);
        return NULL;
    }
    if (!read_wish(message, &wish, reterr))
        return NULL;
    packet->n_fds = 0;
    return memfile_new(packet->fds[0], &wish, reterr);
}

static json_t *seals_json(unsigned seals)
{
    static const struct {
        unsigned seal;
        const char *name;
    } names[] = {
        {0x1, "seal"}, {0x2, "shrink"}, {0x4, "grow"}, {0x8, "write"}, {0x10, "future_write"}};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((seals & names[i].seal) != 0)
            json_push(&list, json_string(names[i].name));
    }
    return list;
}

void handle_register(struct message *message, struct packet *packet)
{
    struct problem problem = {0};
    struct region region = {.kind = SEGMENT_HANDLE, .uid = message->mailbox->uid};
    struct memfile *memfile = take_one(message, packet, &problem);
    unsigned seals = memfile != NULL ? memfile->seals : 0;
    bool known;

    if (memfile != NULL && !make_handle(region.name)) {
        problem_set(&problem, PROBLEM_INTERNAL, NULL, "There are no random numbers.");
        memfile_release(memfile);
    } else if (memfile != NULL) {
        registry_add(&region, memfile, message->mailbox, &known, &problem);
    }
    if (problem.code != PROBLEM_NONE) {
        message_fail(message, &problem);
        return;
    }
    answer_json(message, json_pack("{s:b, s:s, s:I, s:I, s:I, s:o, s:b, s:s}", "ok", 1, "handle",
                                   region.name, "offset", (json_int_t)region.offset, "byte_size",
                                   (json_int_t)region.byte_size, "object_size",
                                   (json_int_t)region.object_bytes, "seals", seals_json(seals),
                                   "writable", (int)region.writable, "mode", region.mode));
}

void handle_unregister(struct message *message, struct packet *packet)
{
    const char *handle = json_string_value(json_object_get(message->json, "handle"));
    struct problem problem = {0};

    if (packet->n_fds != 0)
        problem_set(&problem, PROBLEM_BAD_REQUEST, NULL, "Nothing is done with descriptors here.");
    else if (handle == NULL || json_object_size(message->json) != 2)
        problem_set(&problem, PROBLEM_BAD_PARAMETER, "#/handle",
                    "unregister has one member, handle, a string.");
    else if (!registry_remove(SEGMENT_HANDLE, handle, message->mailbox->uid, message->mailbox))
        problem_set(&problem, PROBLEM_HANDLE_UNKNOWN, "#/handle",
                    "This connection has made no such handle.");
    if (problem.code != PROBLEM_NONE)
        message_fail(message, &problem);
    else
        answer_json(message, json_pack("{s:b}", "ok", 1));
}
