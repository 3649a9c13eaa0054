/* real.h - a double as JSON text. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_REAL_H
#define PROTO_REAL_H

#include <stddef.h>

/* Any double's text, and a NUL. */
#define REAL_BYTES 32

/*
 * Print a finite number with 17 significant digits, as jansson does, byte for byte; returns the
 * number of bytes. Not NUL-terminated.
 */
size_t real_print(double value, char ret_text[REAL_BYTES]);

#endif
