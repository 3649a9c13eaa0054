/* openapi.c - the contract, proto/openapi.yaml, as part of the program. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/proto.h"

__asm__(".section .rodata\n"
        "openapi_begin:\n"
        ".incbin \"proto/openapi.yaml\"\n"
        "openapi_end:\n"
        ".byte 0\n"
        ".previous\n");

extern const char openapi_begin[];
extern const char openapi_end[];

const char *openapi_text(size_t *ret_bytes)
{
    *ret_bytes = (size_t)(openapi_end - openapi_begin);
    return openapi_begin;
}
