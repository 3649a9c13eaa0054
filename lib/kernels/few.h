/*
 * few.h - counts of eight labels voxel by voxel, whatever the data, included once per instruction
 * set that can look bytes up, after these are defined:
 *
 * * TARGET, the attribute of its functions; WIDTH, the bytes of a vector; words_v, a vector of
 *   64-bit words
 * * one_hot(v, first), for each byte a bit by v - first in 0..7, else 0
 * * majority(a, b, c), each bit that is set in two or three
 *
 * A byte per voxel with a bit per label is added up by bit: carry-save adders make one vector of
 * weight 2 from three of weight 1, and so on, so that 64 vectors become 7 (Harley and Seal).
 */
/* SPDX-License-Identifier: Apache-2.0 */

enum { N_WEIGHTS = 7, BLOCK_BYTES = 64 * WIDTH };

enum of { OF_PREDICTION, OF_REFERENCE, OF_BOTH, N_SOURCES };

/* A block, and what of it is added up: one of the masks, or where they agree. */
struct source {
    const unsigned char *prediction;
    const unsigned char *reference;
    words_v (*bits)[64]; /* of either mask, kept for both: where they agree they share a bit */
    unsigned char first;
    enum of of;
};

INLINE words_v load_bytes(const unsigned char *bytes)
{
    words_v v;
    memcpy(&v, bytes, sizeof v);
    return v;
}

/* Vector k; on the way the next block but one is asked for, as arithmetic leaves memory idle. */
INLINE words_v hot(const struct source *source, size_t k)
{
    if (source->of == OF_BOTH)
        return source->bits[OF_PREDICTION][k] & source->bits[OF_REFERENCE][k];
    const unsigned char *bytes =
        source->of == OF_PREDICTION ? source->prediction : source->reference;
    bytes += k * WIDTH;
    if (k * WIDTH % 64 == 0) {
        /* It may lie beyond the masks. NOLINTNEXTLINE(performance-no-int-to-ptr) */
        __builtin_prefetch((const void *)((uintptr_t)bytes + (size_t)2 * BLOCK_BYTES));
    }
    words_v bits = one_hot(load_bytes(bytes), source->first);
    source->bits[source->of][k] = bits;
    return bits;
}

/* Add a and b to *sum; return the carries. */
INLINE words_v add(words_v *sum, words_v a, words_v b)
{
    words_v carry = majority(*sum, a, b);
    *sum = *sum ^ a ^ b;
    return carry;
}

/* Add 4 vectors from k on to the sums of weights 1 and 2; return the carries of weight 4. */
INLINE words_v add4(const struct source *source, size_t k, words_v *sum)
{
    words_v twos[2];
    UNROLL
    for (size_t i = 0; i < 2; i++, k += 2)
        twos[i] = add(&sum[0], hot(source, k), hot(source, k + 1));
    return add(&sum[1], twos[0], twos[1]);
}

INLINE words_v add16(const struct source *source, size_t k, words_v *sum)
{
    words_v eights[2];
    UNROLL
    for (size_t i = 0; i < 2; i++, k += 8) {
        words_v four = add4(source, k, sum);
        eights[i] = add(&sum[2], four, add4(source, k + 4, sum));
    }
    return add(&sum[3], eights[0], eights[1]);
}

/*
 * ret_sums[w] has, in each bit, bit w of how many of 64 vectors have that bit set. The loop stays
 * one: spelt out, the code would be too long for the processor to keep it decoded.
 */
INLINE void add64(const struct source *source, words_v ret_sums[N_WEIGHTS + 1])
{
    words_v sum[4] = {{0}}, sixteens[4], carry[2];
    for (size_t i = 0; i < 4; i++)
        sixteens[i] = add16(source, 16 * i, sum);
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        ret_sums[i] = sum[i];
        ret_sums[4 + i] = (words_v){0};
    }
    UNROLL
    for (size_t i = 0; i < 2; i++)
        carry[i] = add(&ret_sums[4], sixteens[2 * i], sixteens[2 * i + 1]);
    ret_sums[6] = add(&ret_sums[5], carry[0], carry[1]);
}

/* Swap the bits (weight w, label l) and (l, w) of each byte: 8 x 8 bits, by halves. */
INLINE void transpose(words_v v[8])
{
    static const uint64_t kept[] = {0, 0x5555555555555555u, 0x3333333333333333u, 0,
                                    0x0f0f0f0f0f0f0f0fu};
    UNROLL
    for (size_t half = 1; half <= 4; half *= 2) {
        UNROLL
        for (size_t i = 0; i < 8; i++) {
            if ((i & half) != 0)
                continue;
            words_v swapped = ((v[i] >> half) ^ v[i + half]) & kept[half];
            v[i + half] ^= swapped;
            v[i] ^= swapped << half;
        }
    }
}

/* The four 16-bit sums of each word, and the words. */
INLINE uint64_t total(words_v v)
{
    uint64_t words[WIDTH / 8], sum = 0;
    memcpy(words, &v, sizeof words);
    for (size_t i = 0; i < WIDTH / 8; i++)
        sum += (words[i] & 0xffff) + (words[i] >> 16 & 0xffff) + (words[i] >> 32 & 0xffff) +
               (words[i] >> 48);
    return sum;
}

/* A 16-bit sum takes at most 128 per block, so that 512 blocks fit. */
_Static_assert(OV__FEW / BLOCK_BYTES + 1 <= 511, "sums of 16 bits would overflow");

/* The sums of each source of one block: in turn, so that the block is read from memory once. */
INLINE void add_block(const unsigned char *prediction, const unsigned char *reference,
                      unsigned char first, words_v sums[N_SOURCES][8])
{
    const uint64_t even = 0x00ff00ff00ff00ffu;
    words_v bits[2][64];
    struct source source = {prediction, reference, bits, first, OF_PREDICTION};
    UNROLL
    for (size_t k = 0; k < N_SOURCES; k++) {
        words_v labels[N_WEIGHTS + 1];
        source.of = (enum of)k;
        add64(&source, labels);
        transpose(labels);
        UNROLL
        for (size_t label = 0; label < 8; label++)
            sums[k][label] += (labels[label] & even) + (labels[label] >> 8 & even);
    }
}

/* The voxels beyond the last whole block, among labels that are none of the eight. */
INLINE void add_rest(const unsigned char *prediction, const unsigned char *reference, size_t n,
                     unsigned char first, words_v sums[N_SOURCES][8])
{
    unsigned char rest[2][BLOCK_BYTES];
    if (n == 0)
        return;
    memset(rest, first + 128, sizeof rest);
    memcpy(rest[0], prediction, n);
    memcpy(rest[1], reference, n);
    add_block(rest[0], rest[1], first, sums);
}

static TARGET void few(const uint8_t *prediction, const uint8_t *reference, size_t n, uint8_t first,
                       struct ov__few *ret_counts)
{
    words_v sums[N_SOURCES][8] = {{{0}}};
    size_t i = 0;
    for (; i + BLOCK_BYTES <= n; i += BLOCK_BYTES)
        add_block(prediction + i, reference + i, first, sums);
    add_rest(prediction + i, reference + i, n - i, first, sums);
    for (size_t label = 0; label < 8; label++) {
        ret_counts->prediction[label] = total(sums[OF_PREDICTION][label]);
        ret_counts->reference[label] = total(sums[OF_REFERENCE][label]);
        ret_counts->tp[label] = total(sums[OF_BOTH][label]);
    }
}
