/* message.c - what a message over listen.fd asks for: to register, to unregister, to score. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/message.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/handle.h"
#include "daemon/log.h"
#include "daemon/mailbox.h"
#include "daemon/server.h"
#include "daemon/shm.h"
#include "daemon/socket.h"
#include "daemon/stats.h"
#include "daemon/user.h"
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

void message_answer(struct message *message, char *text, size_t n_bytes)
{
    if (text == NULL) {
        text = strdup(no_memory);
        n_bytes = sizeof(no_memory) - 1;
    }
    message->answer = text;
    message->answer_bytes = n_bytes;
}

void message_fail(struct message *message, const struct problem *problem)
{
    size_t n_bytes = 0;
    char *text = batch_problem(problem, &n_bytes);

    stats_refusal(problem->code);
    message_answer(message, text, n_bytes);
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

/* ---- score ----------------------------------------------------------------------------------- */

static void run(struct message *message, double queue_s)
{
    size_t n_bytes = 0;
    char *text = batch_run(message->batch, queue_s, message->started_ns, &n_bytes);

    for (size_t i = 0; i < batch_n_pairs(message->batch); i++)
        stats_refusal(batch_problem_of(message->batch, i));
    message_answer(message, text, n_bytes);
}

static bool make_batch(struct message *message)
{
    struct problem problem = {0};

    message->segments = (struct segments){find, message};
    message->batch =
        batch_new(message->json, &message->segments, &message->settings->env, &problem);
    json_decref(message->json);
    message->json = NULL;
    if (message->batch == NULL)
        message_fail(message, &problem);
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
        json_parse(message->text, message->n_text, &message->settings->env.limits, &problem);
    stats_message(STATS_OP_SCORE);
    if (message->json != NULL && !is_score(message))
        problem_set(&problem, PROBLEM_REQUEST_TOO_LARGE, "#/op",
                    "Only \"op\": \"score\" may have a message of more than %d bytes.",
                    (int)LOOK_JSON_BYTES);
    if (problem.code == PROBLEM_NONE)
        return make_batch(message);
    message_fail(message, &problem);
    return false;
}

static bool work(struct task *task)
{
    struct message *message = (struct message *)task;
    uint64_t waited_ns = clock_ns() - message->queued_ns;
    struct problem problem = {0};

    if (socket_is_gone(message->mailbox->fd, false))
        return true;
    if (waited_ns / 1000000 > message->settings->config.timeouts_queue_ms) {
        problem_set(&problem, PROBLEM_QUEUE_FULL, NULL,
                    "The message waited too long for a thread.");
        message_fail(message, &problem);
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
    const struct server *server = message->mailbox->server;
    struct pool *pool = server->pool;
    struct problem problem = {0};
    uint64_t user = user_of_uid(message->mailbox->uid, server->seed);
    size_t most = (size_t)shares_limit(server->config->workers_jobs, server->config->limits_share);

    if (!pool_has_room(pool, user, most)) {
        problem_set(&problem, PROBLEM_QUEUE_FULL, NULL, "Too many requests wait for a thread.");
        message_fail(message, &problem);
        return;
    }
    message->task = (struct task){.turn = {.user = user}, .work = work, .finish = finish};
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
    {"register", STATS_OP_REGISTER, handle_register},
    {"unregister", STATS_OP_UNREGISTER, handle_unregister},
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
    message_fail(message, &problem);
}

static void begin(struct message *message, struct packet *packet)
{
    struct problem problem = {0};

    if (packet->n > LOOK_JSON_BYTES) {
        message->text = malloc(packet->n);
        message->n_text = packet->n;
        if (message->text == NULL) {
            message_answer(message, NULL, 0);
            return;
        }
        memcpy(message->text, packet->text, packet->n);
        take_files(message, packet);
        hand_over(message, POOL_MIXED);
        return;
    }
    message->json = json_parse(packet->text, packet->n, &message->settings->env.limits, &problem);
    if (message->json != NULL)
        act(message, packet);
    else
        message_fail(message, &problem);
}

static struct message *message_new(struct mailbox *mailbox)
{
    struct message *message = calloc(1, sizeof(*message));

    if (message != NULL) {
        message->mailbox = mailbox;
        message->settings = settings_hold(mailbox->server->settings);
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
    message_fail(mailbox->message, problem);
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
    settings_release(message->settings);
    free(message);
}
