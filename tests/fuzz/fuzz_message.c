/* fuzz_message.c - messages over listen.fd: pairs in shared memory, scored or refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define N_BYTES 4096

/* On the heap, so that a byte too far is noticed. */
static uint8_t *memory;
static uint64_t there; /* unmapped memory ends here */

static uint64_t now_ns(void)
{
    static uint64_t now;

    return now += 1000;
}

static bool take(uint64_t n_bytes)
{
    return n_bytes < 1 << 24;
}

static void give(uint64_t n_bytes)
{
    (void)n_bytes;
}

static bool read_memory(const struct segment *segment, uint64_t offset, void *bytes, size_t n)
{
    if (offset > segment->n_bytes || n > segment->n_bytes - offset)
        __builtin_trap();
    if (offset + n > there)
        return false;
    memcpy(bytes, memory + offset, n);
    return true;
}

static void release(struct segment *segment)
{
    (void)segment;
}

/* A handle is mapped, a descriptor not; regions are not there. */
static struct segment *find(void *user, const struct segment_name *name, const char *pointer,
                            struct problem *reterr)
{
    static struct segment segments[2];

    (void)user;
    if (name->kind == SEGMENT_SHM) {
        problem_set(reterr, PROBLEM_SHM_UNKNOWN, pointer, "None.");
        return NULL;
    }
    segments[0] = (struct segment){
        .n_bytes = N_BYTES, .mapped = memory, .read = read_memory, .release = release};
    segments[1] = (struct segment){.n_bytes = N_BYTES, .read = read_memory, .release = release};
    return &segments[name->kind == SEGMENT_FD];
}

static const struct env env = {
    .limits = {.body_bytes = 1 << 20,
               .decoded_bytes = 1 << 16,
               .voxels = 1 << 16,
               .labels = 64,
               .confusion_labels = 16,
               .regions = 8,
               .request_bytes = 65536,
               .json_depth = 8,
               .json_values = 256,
               .parts = 8,
               .part_header_bytes = 4096},
    .budget_bytes = 1 << 24,
    .hash_seed = 1,
    .now_ns = now_ns,
    .memory_take = take,
    .memory_give = give,
};

static void run(struct batch *batch)
{
    size_t n_bytes = 0;
    char *text;
    json_t *answer;

    batch_look(batch);
    text = batch_run(batch, 0, 0, &n_bytes);
    answer = text != NULL ? json_loadb(text, n_bytes, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (answer == NULL || !json_is_boolean(json_object_get(answer, "ok")))
        __builtin_trap();
    json_decref(answer);
    free(text);
}

/* The first byte says where unmapped memory ends; the rest is the message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct segments segments = {find, NULL};
    struct problem problem = {0};
    struct batch *batch;
    json_t *message;

    if (n == 0)
        return 0;
    if (memory == NULL) {
        memory = malloc(N_BYTES);
        for (size_t i = 0; i < N_BYTES; i++)
            memory[i] = (uint8_t)(i % 5);
    }
    there = (uint64_t)data[0] * 17;
    message = json_parse((const char *)data + 1, n - 1, &env.limits, &problem);
    batch = message != NULL ? batch_new(message, &segments, &env, &problem) : NULL;
    json_decref(message);
    if (batch != NULL)
        run(batch);
    else if (problem.code == PROBLEM_NONE)
        __builtin_trap();
    batch_free(batch);
    return 0;
}
