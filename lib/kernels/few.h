/*
 * few.h - counts of eight labels voxel by voxel, whatever the data, included once per instruction
 * set that can look bytes up, after these are defined:
 *
 * * TARGET, the attribute of its functions; WIDTH, the bytes of a vector; words_v, a vector of
 *   64-bit words
 * * one_hot(v, first), for each byte a bit by v - first in 0..7, else 0
 * * same(a, b), 0xff in each byte that is equal
 * * majority(a, b, c), each bit that is set in two or three
 *
 * A byte per voxel with a bit per label is added up by bit: carry-save adders make one vector of
 * weight 2 from three of weight 1, and so on, so that 64 vectors become 7 (Harley and Seal).
 */
/* SPDX-License-Identifier: Apache-2.0 */

enum { N_WEIGHTS = 7, BLOCK_BYTES = 64 * WIDTH };

enum of { OF_PREDICTION, OF_REFERENCE, OF_BOTH, N_SOURCES };

/* What is added up: one of the masks, or where they agree. */
struct source {
    const unsigned char *prediction;
    const unsigned char *reference;
    unsigned char first;
    enum of of;
};

INLINE words_v load_bytes(const unsigned char *bytes)
{
    words_v v;
    memcpy(&v, bytes, sizeof v);
    return v;
}

INLINE words_v hot(const struct source *source, size_t i)
{
    words_v reference = load_bytes(source->reference + i);
    if (source->of == OF_REFERENCE)
        return one_hot(reference, source->first);
    words_v prediction = load_bytes(source->prediction + i);
    words_v bits = one_hot(prediction, source->first);
    return source->of == OF_PREDICTION ? bits : bits & same(prediction, reference);
}

/* Add a and b to *sum; return the carries. */
INLINE words_v add(words_v *sum, words_v a, words_v b)
{
    words_v carry = majority(*sum, a, b);
    *sum = *sum ^ a ^ b;
    return carry;
}

/* Add 4 vectors from i on to the sums of weights 1 and 2; return the carries of weight 4. */
INLINE words_v add4(const struct source *source, size_t i, words_v *sum)
{
    words_v twos[2];
    UNROLL
    for (size_t k = 0; k < 2; k++, i += (size_t)2 * WIDTH)
        twos[k] = add(&sum[0], hot(source, i), hot(source, i + WIDTH));
    return add(&sum[1], twos[0], twos[1]);
}

INLINE words_v add16(const struct source *source, size_t i, words_v *sum)
{
    words_v eights[2];
    UNROLL
    for (size_t k = 0; k < 2; k++) {
        words_v four = add4(source, i + 8 * k * WIDTH, sum);
        eights[k] = add(&sum[2], four, add4(source, i + (8 * k + 4) * WIDTH, sum));
    }
    return add(&sum[3], eights[0], eights[1]);
}

/* ret_sums[w] has, in each bit, bit w of how many of 64 vectors have that bit set. */
INLINE void add64(const struct source *source, size_t i, words_v ret_sums[N_WEIGHTS + 1])
{
    words_v sum[N_WEIGHTS + 1] = {{0}}, carry[2];
    UNROLL
    for (size_t k = 0; k < 2; k++, i += (size_t)32 * WIDTH) {
        words_v sixteen = add16(source, i, sum);
        carry[k] = add(&sum[4], sixteen, add16(source, i + (size_t)16 * WIDTH, sum));
    }
    sum[6] = add(&sum[5], carry[0], carry[1]);
    memcpy(ret_sums, sum, sizeof sum);
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
INLINE void add_block(struct source source, size_t i, words_v sums[N_SOURCES][8])
{
    const uint64_t even = 0x00ff00ff00ff00ffu;
    UNROLL
    for (size_t k = 0; k < N_SOURCES; k++) {
        words_v labels[N_WEIGHTS + 1];
        source.of = (enum of)k;
        add64(&source, i, labels);
        transpose(labels);
        UNROLL
        for (size_t label = 0; label < 8; label++)
            sums[k][label] += (labels[label] & even) + (labels[label] >> 8 & even);
    }
}

/* The voxels beyond the last whole block, among labels that are none of the eight. */
INLINE void add_rest(struct source source, size_t i, size_t n, words_v sums[N_SOURCES][8])
{
    unsigned char rest[2 * BLOCK_BYTES];
    if (i == n)
        return;
    memset(rest, source.first + 128, sizeof rest);
    memcpy(rest, source.prediction + i, n - i);
    memcpy(rest + BLOCK_BYTES, source.reference + i, n - i);
    source.prediction = rest;
    source.reference = rest + BLOCK_BYTES;
    add_block(source, 0, sums);
}

static TARGET void few(const uint8_t *prediction, const uint8_t *reference, size_t n, uint8_t first,
                       struct ov__few *ret_counts)
{
    const struct source source = {prediction, reference, first, OF_PREDICTION};
    words_v sums[N_SOURCES][8] = {{{0}}};
    size_t i = 0;
    for (; i + BLOCK_BYTES <= n; i += BLOCK_BYTES)
        add_block(source, i, sums);
    add_rest(source, i, n, sums);
    for (size_t label = 0; label < 8; label++) {
        ret_counts->prediction[label] = total(sums[OF_PREDICTION][label]);
        ret_counts->reference[label] = total(sums[OF_REFERENCE][label]);
        ret_counts->tp[label] = total(sums[OF_BOTH][label]);
    }
}
