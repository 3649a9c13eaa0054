/* openapi.c - the contract, proto/openapi.yaml, as part of the program. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "proto/proto.h"

__asm__(".section .rodata\n"
        ".balign 8\n"
        "openapi_bytes:\n"
        ".quad openapi_end - openapi_begin\n"
        "openapi_begin:\n"
        ".incbin \"proto/openapi.yaml\"\n"
        "openapi_end:\n"
        ".previous\n");

extern const uint64_t openapi_bytes;
extern const char openapi_begin[];

const char *openapi_text(size_t *ret_bytes)
{
    *ret_bytes = (size_t)openapi_bytes;
    return openapi_begin;
}
