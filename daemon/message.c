/* message.c - what a message over listen.fd asks for: to register, to unregister, to score. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/message.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/mailbox.h"
#include "daemon/registry.h"
#include "daemon/server.h"
#include "daemon/shm.h"
#include "daemon/stats.h"
#include "proto/json.h"

/* Longer messages are parsed by a worker: JSON is slow, 64 KiB take about 2 ms. */
#define LOOK_JSON_BYTES (16 * KIB)

/*
 * Up to here the hand-over to a thread costs more than the work: bytes of both masks, which are
 * where they can be read at once, and labels that they can hold.
 */
#define LOOP_BYTES  (512 * KIB)
#define LOOP_LABELS 512

/* Up to here a job takes less than about 5 ms: the small lane. */
#define SMALL_BYTES (4 * MIB)

/* Where there is not even memory to say what is wrong. */
static const char no_memory[] = "{\"ok\": false, \"status\": 503, \"code\": \"out-of-memory\"}";

/* ---- answers --------------------------------------------------------------------------------- */

static void answer(struct message *message, char *text, size_t n_bytes)
{
    if (text == NULL) {
        text = strdup(no_memory);
        n_bytes = sizeof(no_memory) - 1;
    }
    message->answer = text;
    message->answer_bytes = n_bytes;
}

static void fail(struct message *message, const struct problem *problem)
{
    size_t n_bytes = 0;
    char *text = batch_problem(problem, &n_bytes);

    stats_refusal(problem->code);
    answer(message, text, n_bytes);
}

/* Steals the JSON. */
static void answer_json(struct message *message, json_t *json)
{
    size_t n_bytes = 0;
    char *text = json != NULL ? json_print(json, &n_bytes) : NULL;

    json_decref(json);
    answer(message, text, n_bytes);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

/* Every descriptor is taken or closed. A bad one is a problem only of who uses it. */
static void take_files(struct message *message, struct packet *packet)
{
    const struct memfile_wish wish = {.byte_size = UINT64_MAX};

    message->n_files = packet->n_fds;
    for (size_t i = 0; i < packet->n_fds; i++)
        message->files[i] = memfile_new(packet->fds[i], &wish, &message->problems[i]);
    packet->n_fds = 0;
}

static struct segment *find_file(const struct message *message, const struct segment_name *name,
                                 const char *pointer, struct problem *reterr)
{
    const struct problem *problem;

    if (name->index >= message->n_files) {
        problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer,
                    "There is no descriptor %" PRIu64 "; %zu came with the message.", name->index,
                    message->n_files);
        return NULL;
    }
    problem = &message->problems[name->index];
    if (message->files[name->index] == NULL) {
        problem_set(reterr, problem->code, pointer, "%s", problem->detail);
        return NULL;
    }
    return &memfile_reference(message->files[name->index])->segment;
}

/* struct segments' find; any thread. */
static struct segment *find(void *user, const struct segment_name *name, const char *pointer,
                            struct problem *reterr)
{
    const struct message *message = user;

    if (name->kind == SEGMENT_FD)
        return find_file(message, name, pointer, reterr);
    return shm_find_for(message->mailbox->uid, name, pointer, reterr);
}

/* ---- register, unregister -------------------------------------------------------------------- */

/* 128 random bits, in hexadecimal digits. */
static bool make_handle(char *text)
{
    unsigned char bytes[16];

    if (uv_random(NULL, NULL, bytes, sizeof(bytes), 0, NULL) != 0)
        return false;
    memcpy(text, "h_", 2);
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
        if (strcmp(member, "op") != 0 &&
            !shm_read_extent(member, value, &wish->offset, &wish->byte_size, reterr))
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

static void do_register(struct message *message, struct packet *packet)
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
        fail(message, &problem);
        return;
    }
    answer_json(message, json_pack("{s:b, s:s, s:I, s:I, s:I, s:o, s:s}", "ok", 1, "handle",
                                   region.name, "offset", (json_int_t)region.offset, "byte_size",
                                   (json_int_t)region.byte_size, "object_size",
                                   (json_int_t)region.object_bytes, "seals", seals_json(seals),
                                   "mode", region.mode));
}

static void do_unregister(struct message *message, struct packet *packet)
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
        fail(message, &problem);
    else
        answer_json(message, json_pack("{s:b}", "ok", 1));
}

/* ---- score ----------------------------------------------------------------------------------- */

static void run(struct message *message, double queue_s)
{
    size_t n_bytes = 0;
    char *text = batch_run(message->batch, queue_s, message->started_ns, &n_bytes);

    for (size_t i = 0; i < batch_n_pairs(message->batch); i++)
        stats_refusal(batch_problem_of(message->batch, i));
    answer(message, text, n_bytes);
}

static bool make_batch(struct message *message)
{
    struct problem problem = {0};

    message->segments = (struct segments){find, message};
    message->batch =
        batch_new(message->json, &message->segments, &message->mailbox->server->env, &problem);
    json_decref(message->json);
    message->json = NULL;
    if (message->batch == NULL)
        fail(message, &problem);
    return message->batch != NULL;
}

static bool is_score(const struct message *message)
{
    const char *op = json_string_value(json_object_get(message->json, "op"));

    return op != NULL && strcmp(op, "score") == 0;
}

/* On a worker: a message that was too long to be looked into on the loop. */
static bool parse(struct message *message)
{
    struct problem problem = {0};

    message->json =
        json_parse(message->text, message->n_text, &message->mailbox->server->env.limits, &problem);
    stats_message(STATS_OP_SCORE);
    if (message->json != NULL && !is_score(message))
        problem_set(&problem, PROBLEM_REQUEST_TOO_LARGE, "#/op",
                    "Only \"op\": \"score\" may have a message of more than %d bytes.",
                    (int)LOOK_JSON_BYTES);
    if (problem.code == PROBLEM_NONE)
        return make_batch(message);
    fail(message, &problem);
    return false;
}

static bool work(struct task *task)
{
    struct message *message = (struct message *)task;
    uint64_t waited_ns = clock_ns() - message->queued_ns;
    struct problem problem = {0};

    if (connection_is_gone(message->mailbox->fd))
        return true;
    if (waited_ns / 1000000 > message->mailbox->server->config->timeouts_queue_ms) {
        problem_set(&problem, PROBLEM_QUEUE_FULL, NULL,
                    "The message waited too long for a thread.");
        fail(message, &problem);
        return true;
    }
    if (message->batch != NULL || parse(message))
        run(message, clock_seconds(waited_ns));
    return true;
}

static void finish(struct task *task)
{
    mailbox_answer(((struct message *)task)->mailbox);
}

static void hand_over(struct message *message, enum pool_lane lane)
{
    struct pool *pool = message->mailbox->server->pool;
    struct problem problem = {0};

    if (!pool_has_room(pool)) {
        problem_set(&problem, PROBLEM_QUEUE_FULL, NULL, "Too many requests wait for a thread.");
        fail(message, &problem);
        return;
    }
    message->task = (struct task){.work = work, .finish = finish};
    message->queued_ns = clock_ns();
    pool_push(pool, lane, &message->task);
}

static void do_score(struct message *message, struct packet *packet)
{
    struct batch_look look;

    take_files(message, packet);
    if (!make_batch(message))
        return;
    if (batch_n_pairs(message->batch) > 1) {
        hand_over(message, POOL_MIXED);
        return;
    }
    look = batch_look(message->batch);
    if (look.needs_a_worker || look.decoded_bytes > SMALL_BYTES)
        hand_over(message, POOL_MIXED);
    else if (look.failed || (look.decoded_bytes <= LOOP_BYTES && look.most_labels <= LOOP_LABELS &&
                             !look.has_tables))
        run(message, 0);
    else
        hand_over(message, POOL_SMALL);
}

/* ---- any message ----------------------------------------------------------------------------- */

static const struct operation {
    const char *name;
    enum stats_op counted_as;
    void (*act)(struct message *message, struct packet *packet);
} operations[] = {
    {"register", STATS_OP_REGISTER, do_register},
    {"unregister", STATS_OP_UNREGISTER, do_unregister},
    {"score", STATS_OP_SCORE, do_score},
};

static void act(struct message *message, struct packet *packet)
{
    const char *op = json_string_value(json_object_get(message->json, "op"));
    struct problem problem = {0};

    for (size_t i = 0; op != NULL && i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (strcmp(op, operations[i].name) != 0)
            continue;
        stats_message(operations[i].counted_as);
        operations[i].act(message, packet);
        return;
    }
    stats_message(STATS_OP_OTHER);
    problem_set(&problem, PROBLEM_BAD_PARAMETER, "#/op",
                "op must be \"register\", \"unregister\" or \"score\".");
    fail(message, &problem);
}

static void begin(struct message *message, struct packet *packet)
{
    struct problem problem = {0};

    if (packet->n > LOOK_JSON_BYTES) {
        message->text = malloc(packet->n);
        message->n_text = packet->n;
        if (message->text == NULL) {
            answer(message, NULL, 0);
            return;
        }
        memcpy(message->text, packet->text, packet->n);
        take_files(message, packet);
        hand_over(message, POOL_MIXED);
        return;
    }
    message->json =
        json_parse(packet->text, packet->n, &message->mailbox->server->env.limits, &problem);
    if (message->json != NULL)
        act(message, packet);
    else
        fail(message, &problem);
}

static struct message *message_new(struct mailbox *mailbox)
{
    struct message *message = calloc(1, sizeof(*message));

    if (message != NULL) {
        message->mailbox = mailbox;
        message->started_ns = clock_ns();
    }
    mailbox->message = message;
    return message;
}

bool message_begin(struct mailbox *mailbox, struct packet *packet)
{
    struct message *message = message_new(mailbox);

    if (message != NULL)
        begin(message, packet);
    packet_close_fds(packet); /* those that nobody took */
    return message != NULL;
}

bool message_refuse(struct mailbox *mailbox, const struct problem *problem)
{
    if (mailbox->message == NULL && message_new(mailbox) == NULL)
        return false;
    fail(mailbox->message, problem);
    return true;
}

void message_free(struct message *message)
{
    if (message == NULL)
        return;
    batch_free(message->batch);
    for (size_t i = 0; i < message->n_files; i++)
        memfile_release(message->files[i]);
    json_decref(message->json);
    free(message->text);
    free(message->answer);
    free(message);
}
