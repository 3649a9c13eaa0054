/* mailbox.c - connections to listen.fd: messages in, answers out, one at a time each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/member.h"
#include "daemon/message.h"
#include "daemon/registry.h"
#include "daemon/server.h"
#include "daemon/socket.h"
#include "daemon/uid.h"

/* An answer and what the kernel adds to it, with room to spare. */
#define SEND_BYTES ((int)(4 * PACKET_ANSWER_BYTES))

static void on_connection(uv_poll_t *poll, int status, int events);
static void on_event(uv_poll_t *poll, int status, int events);

/* ---- life ------------------------------------------------------------------------------------ */

/* As long as there may be one more. Where descriptors are out the next sweep tries again. */
static void watch_listener(struct mailboxes *mailboxes, const struct server *server, bool may)
{
    if (!mailboxes->is_open)
        return;
    if (may && mailboxes->n < server->config->shm_connections)
        uv_poll_start(&mailboxes->listener, UV_READABLE, on_connection);
    else
        uv_poll_stop(&mailboxes->listener);
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *mailbox = handle->data;

    close(mailbox->fd);
    free(mailbox);
}

/* Nobody may work on its message. */
static void end(struct mailbox *mailbox)
{
    struct server *server = mailbox->server;
    struct mailboxes *mailboxes = &server->mailboxes;

    *(mailbox->previous != NULL ? &mailbox->previous->next : &mailboxes->first) = mailbox->next;
    if (mailbox->next != NULL)
        mailbox->next->previous = mailbox->previous;
    mailboxes->n--;
    message_free(mailbox->message);
    registry_remove_all(mailbox);
    uv_poll_stop(&mailbox->poll);
    uv_close((uv_handle_t *)&mailbox->poll, on_closed);
    watch_listener(mailboxes, server, true);
}

static struct mailbox *mailbox_new(struct server *server, int fd, uid_t uid)
{
    struct mailboxes *mailboxes = &server->mailboxes;
    struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

    if (mailbox == NULL || uv_poll_init(&server->loop, &mailbox->poll, fd) != 0) {
        free(mailbox);
        close(fd);
        return NULL;
    }
    mailbox->server = server;
    mailbox->fd = fd;
    mailbox->uid = uid;
    mailbox->poll.data = mailbox;
    mailbox->next = mailboxes->first;
    if (mailboxes->first != NULL)
        mailboxes->first->previous = mailbox;
    mailboxes->first = mailbox;
    mailboxes->n++;
    return mailbox;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* To watch for the same again would be a system call for nothing. */
static void watch(struct mailbox *mailbox, int events)
{
    if (mailbox->watched != events)
        uv_poll_start(&mailbox->poll, events, on_event);
    mailbox->watched = events;
}

static void await_message(struct mailbox *mailbox)
{
    message_free(mailbox->message);
    mailbox->message = NULL;
    mailbox->deadline_ms = 0;
    if (mailbox->server->state == SERVER_QUIESCED)
        end(mailbox);
    else
        watch(mailbox, UV_READABLE);
}

static void await_room(struct mailbox *mailbox)
{
    if (mailbox->deadline_ms == 0)
        mailbox->deadline_ms = clock_ms() + mailbox->server->config->timeouts_write_ms;
    watch(mailbox, UV_WRITABLE | UV_DISCONNECT);
}

void mailbox_answer(struct mailbox *mailbox)
{
    struct message *message = mailbox->message;
    enum packet_sent sent = PACKET_LOST;

    message->is_answered = true;
    if (!mailbox->is_gone && message->answer != NULL)
        sent = packet_send(mailbox->fd, message->answer, message->answer_bytes);
    if (sent == PACKET_SENT)
        await_message(mailbox);
    else if (sent == PACKET_FULL)
        await_room(mailbox);
    else
        end(mailbox);
}

/* As on listen.unix, and by shm.uids: with each message, for a reload may change who may. */
static bool check_peer(const struct mailbox *mailbox, struct problem *reterr)
{
    const struct config *config = mailbox->server->config;

    if (!uid_is_listed(config->shm_uids, mailbox->uid))
        return problem_set(reterr, PROBLEM_SHM_FORBIDDEN, NULL,
                           "Your user may not use shared memory here (shm.uids).");
    return member_is_allowed(mailbox->fd, config->auth_unix_uids, config->auth_unix_gids) ||
           problem_set(reterr, PROBLEM_FORBIDDEN, NULL,
                       "Your user may not use this socket (auth.unix_uids, auth.unix_gids).");
}

static bool begin(struct mailbox *mailbox, struct packet *packet)
{
    struct problem problem = {0};

    if (check_peer(mailbox, &problem))
        return message_begin(mailbox, packet);
    packet_close_fds(packet);
    return message_refuse(mailbox, &problem);
}

/* One message, so that others get their turn; the next is looked for when it is answered. */
static void receive(struct mailbox *mailbox)
{
    struct packet packet = {.text = mailbox->server->mailboxes.text};
    struct problem problem = {0};
    bool ok = true;

    switch (packet_receive(mailbox->fd, &packet, &problem)) {
    case PACKET_NONE:
        return;
    case PACKET_THERE:
        ok = begin(mailbox, &packet);
        break;
    case PACKET_BROKEN:
        ok = message_refuse(mailbox, &problem);
        break;
    default:
        ok = false;
    }
    if (!ok)
        end(mailbox);
    else if (mailbox->message->queued_ns == 0)
        mailbox_answer(mailbox);
    else
        watch(mailbox, UV_DISCONNECT);
}

/* The client has gone while its message was worked on, or its answer waited. */
static void leave(struct mailbox *mailbox)
{
    struct message *message = mailbox->message;

    mailbox->is_gone = true;
    registry_remove_all(mailbox);
    uv_poll_stop(&mailbox->poll);
    if (message == NULL || message->is_answered ||
        pool_remove(mailbox->server->pool, &message->task))
        end(mailbox);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct mailbox *mailbox = poll->data;

    if (mailbox->message == NULL)
        receive(mailbox);
    else if (status == 0 && (events & UV_WRITABLE) != 0 && (events & UV_DISCONNECT) == 0)
        mailbox_answer(mailbox);
    else
        leave(mailbox);
}

/* ---- connections ----------------------------------------------------------------------------- */

/* Those who may not are told so. */
static void refuse_peer(struct mailbox *mailbox, const struct problem *problem)
{
    if (message_refuse(mailbox, problem))
        packet_send(mailbox->fd, mailbox->message->answer, mailbox->message->answer_bytes);
    end(mailbox);
}

static void take_connection(struct server *server, int fd)
{
    struct problem problem = {0};
    struct mailbox *mailbox;
    int send_bytes = SEND_BYTES;
    uid_t uid = (uid_t)-1;

    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
    if (!uid_of_peer(fd, &uid))
        uid = (uid_t)-1;
    mailbox = mailbox_new(server, fd, uid);
    if (mailbox == NULL)
        return;
    if (check_peer(mailbox, &problem))
        watch(mailbox, UV_READABLE);
    else
        refuse_peer(mailbox, &problem);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct server *server = poll->data;
    int fd = accept4(server->mailboxes.listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)status;
    (void)events;
    if (fd >= 0)
        take_connection(server, fd);
    watch_listener(&server->mailboxes, server, fd >= 0 || errno == EAGAIN || errno == EINTR);
}

static const char *listen_on(struct server *server, int passed_fd)
{
    struct mailboxes *mailboxes = &server->mailboxes;
    const struct config *config = server->config;

    mailboxes->listen_fd = passed_fd;
    mailboxes->is_passed = passed_fd >= 0;
    if (mailboxes->is_passed && strcmp(config->shm_enabled, "yes") != 0)
        return "it takes descriptors, and shm.enabled is not yes";
    if (!mailboxes->is_passed)
        mailboxes->listen_fd = socket_listen_unix(config->listen_fd, SOCK_SEQPACKET,
                                                  (unsigned)config->listen_unix_mode);
    if (mailboxes->listen_fd < 0)
        return strerror(errno);
    mailboxes->text = malloc(PACKET_REQUEST_BYTES);
    if (mailboxes->text == NULL ||
        uv_poll_init(&server->loop, &mailboxes->listener, mailboxes->listen_fd) != 0)
        return "the loop does not take it";
    return NULL;
}

bool mailbox_open(struct server *server, int passed_fd)
{
    struct mailboxes *mailboxes = &server->mailboxes;
    const char *path = server->config->listen_fd;
    const char *reason;

    mailboxes->listen_fd = -1;
    if (passed_fd < 0 && path[0] == '\0')
        return true;
    reason = listen_on(server, passed_fd);
    if (reason != NULL) {
        log_event(LOG_LEVEL_ERROR, "listen-failed", LOG_TEXT("fd", passed_fd < 0 ? path : "passed"),
                  LOG_TEXT("reason", reason));
        return false;
    }
    mailboxes->listener.data = server;
    mailboxes->is_open = true;
    watch_listener(mailboxes, server, true);
    return true;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void on_listener_closed(uv_handle_t *handle)
{
    struct server *server = handle->data;

    close(server->mailboxes.listen_fd);
    server->mailboxes.listen_fd = -1;
}

static void close_listener(struct server *server)
{
    struct mailboxes *mailboxes = &server->mailboxes;

    if (!mailboxes->is_open)
        return;
    mailboxes->is_open = false;
    uv_poll_stop(&mailboxes->listener);
    uv_close((uv_handle_t *)&mailboxes->listener, on_listener_closed);
    if (!mailboxes->is_passed)
        unlink(server->config->listen_fd);
}

void mailbox_quiesce(struct server *server)
{
    struct mailbox *next;

    close_listener(server);
    for (struct mailbox *at = server->mailboxes.first; at != NULL; at = next) {
        next = at->next;
        if (at->message == NULL)
            end(at);
    }
}

void mailbox_refuse_queued(struct server *server, const struct problem *problem)
{
    struct mailbox *next;

    for (struct mailbox *at = server->mailboxes.first; at != NULL; at = next) {
        next = at->next;
        if (at->message == NULL || at->message->is_answered ||
            !pool_remove(server->pool, &at->message->task))
            continue;
        if (message_refuse(at, problem))
            mailbox_answer(at);
    }
}

void mailbox_sweep(struct server *server, uint64_t now_ms)
{
    struct mailbox *next;

    for (struct mailbox *at = server->mailboxes.first; at != NULL; at = next) {
        next = at->next;
        if (at->deadline_ms != 0 && now_ms >= at->deadline_ms)
            end(at);
    }
    watch_listener(&server->mailboxes, server, true);
}

void mailbox_stop(struct server *server)
{
    close_listener(server);
    while (server->mailboxes.first != NULL)
        end(server->mailboxes.first);
    free(server->mailboxes.text);
    server->mailboxes.text = NULL;
}
