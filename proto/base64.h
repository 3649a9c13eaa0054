/* base64.h - RFC 4648 base64, strictly. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_BASE64_H
#define PROTO_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room that base64_decode needs for n_text characters. */
size_t base64_room(size_t n_text);

/*
 * Decode padded base64 of the standard alphabet; no blanks, no line ends, no stray bits.
 * false where it is malformed: *ret_n is then the offset of the first bad character, or of the end
 * where characters are missing.
 */
bool base64_decode(const char *text, size_t n_text, uint8_t *ret_bytes, size_t *ret_n);

#endif
