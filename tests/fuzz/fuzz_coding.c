/* fuzz_coding.c - any bytes, decoded as gzip, zlib, zstd and lz4. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_mask.h"

/* Decode all, n_piece at a time, with or without peeking first. Returns a hash; 0 for a problem. */
static uint64_t decode(enum coding_kind kind, const uint8_t *bytes, size_t n_bytes, size_t n_piece,
                       bool peek)
{
    static uint8_t room[65536];
    struct problem problem = {0};
    struct coding *coding = coding_new(kind, bytes, n_bytes, "#/prediction", &problem);
    uint64_t hash = 0xcbf29ce484222325, n_total = 0;
    size_t n = n_piece;
    bool good = true;

    while (good && n == n_piece && n_total < FUZZ_DECODED_BYTES) {
        const uint8_t *peeked;

        good = (!peek || coding_peek(coding, 100, &peeked, &n, &problem)) &&
               coding_read_some(coding, room, n_piece, &n, &problem);
        hash = good ? fuzz_hash(hash, room, n) : 0;
        n_total += n;
    }
    if (n_total < FUZZ_DECODED_BYTES && good && !coding_finish(coding, &problem))
        hash = 0;
    coding_free(coding);
    fuzz_require(n_total >= FUZZ_DECODED_BYTES || (hash == 0) == (problem.code != PROBLEM_NONE));
    return n_total < FUZZ_DECODED_BYTES ? hash : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    enum coding_kind kind;
    uint64_t hash;

    if (n_bytes < 2)
        return 0;
    kind = bytes[0] % CODING_N;
    hash = decode(kind, bytes + 2, n_bytes - 2, 65536, false);
    fuzz_require(decode(kind, bytes + 2, n_bytes - 2, 256 * (size_t)bytes[1] + 64, true) == hash);
    return 0;
}
