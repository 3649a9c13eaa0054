/* address.h - TCP addresses as text, and Unix paths. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ADDRESS_H
#define DAEMON_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_BYTES 128

struct address {
    struct sockaddr_storage storage;
    socklen_t n_bytes;
};

/* "127.0.0.1:8040", "[::1]:8040" or "localhost:8040"; no name is looked up. */
bool address_parse(const char *text, struct address *ret_address);

bool address_fits_unix(const char *path);
bool address_unix(const char *path, struct address *ret_address);

bool address_is_loopback(const struct address *address);

/* A wildcard becomes the loopback address of its family: where to connect to reach it. */
void address_reach(struct address *address);

/* text [ADDRESS_TEXT_BYTES] */
void address_print(const struct address *address, char *text);

/* Of the host alone, and of an IPv6 one its network; 0 for what is neither IPv4 nor IPv6. */
uint64_t address_hash(const struct address *address, uint64_t seed);

#endif
