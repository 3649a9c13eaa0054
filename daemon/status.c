/* status.c - what the service manager shows of us: `systemctl status`. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/status.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/notify.h"
#include "daemon/server.h"

#define TEXT_BYTES 640

/* A line end would begin a line of another meaning. */
static void keep_one_line(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ')
            *text = ' ';
    }
}

void status_say(const char *state, const char *format, ...)
{
    char text[TEXT_BYTES];
    char lines[TEXT_BYTES + 64];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    keep_one_line(text);
    snprintf(lines, sizeof(lines), "%sSTATUS=%s\n", state, text);
    notify_send(lines);
}

void status_say_listening(const char *state, const struct server *server)
{
    const char *tcp = NULL;
    const char *local = NULL;

    for (size_t i = 0; i < server->n_listeners; i++)
        *(server->listeners[i].is_unix ? &local : &tcp) = server->listeners[i].where;
    status_say(state, "listening%s%s%s%s", tcp ? " tcp=" : "", tcp ? tcp : "",
               local ? " unix=" : "", local ? local : "");
}
