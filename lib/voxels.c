/* voxels.c - two tiles voxel by voxel -> counts: a table of pairs, or few labels by bits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/voxels.h"

#include <stdlib.h>

#include "lib/counter.h"

enum { N_BYTES = 256, N_GROUPS = 32, GROUP = 8 };

/* Runs cost as much as this many voxels of one group of labels; a table of pairs as eight groups.
 */
enum { VOXELS_PER_RUN = 48, MAX_GROUPS_PER_RUN = 8 };

static bool is_narrow(const struct ov_encoding *encoding)
{
    switch (encoding->dtype) {
    case OV_F16:
    case OV_BF16:
    case OV_F32:
    case OV_F64:
        return false;
    default:
        return !encoding->swapped || ov_dtype_bytes(encoding->dtype) == 1;
    }
}

void ov__voxels_choose(struct ov_counter *counter, size_t n, size_t n_runs)
{
    struct ov__voxels *voxels = &counter->voxels;
    size_t n_groups = MAX_GROUPS_PER_RUN;
    voxels->is_noisy = false;
    if (n_runs * VOXELS_PER_RUN < n || !is_narrow(&counter->prediction.rule.encoding) ||
        !is_narrow(&counter->reference.rule.encoding))
        return;
    if (ov__kernels_selected()->few != NULL && ov__tally_suffices(counter) && voxels->groups != 0)
        n_groups = (size_t)__builtin_popcount(voxels->groups);
    if (n_groups > MAX_GROUPS_PER_RUN)
        n_groups = MAX_GROUPS_PER_RUN;
    voxels->is_noisy = n_runs * VOXELS_PER_RUN >= n * n_groups;
}

/* ---- elements -> bytes ---- */

static inline __attribute__((always_inline)) bool narrow(const unsigned char *from, size_t n,
                                                         size_t width, unsigned char *ret_bytes)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = ov__stream_element(from + i * width, width);
        ret_bytes[i] = (unsigned char)bits;
        all |= bits;
    }
    return all < N_BYTES;
}

typedef uint8_t octet __attribute__((vector_size(8)));
typedef uint16_t octet16 __attribute__((vector_size(16)));

/* The width that matters most, eight at a time. */
static bool narrow16(const unsigned char *from, size_t n, unsigned char *ret_bytes)
{
    octet16 all = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        octet16 elements;
        memcpy(&elements, from + 2 * i, sizeof elements);
        octet narrowed = __builtin_convertvector(elements, octet);
        memcpy(ret_bytes + i, &narrowed, sizeof narrowed);
        all |= elements;
    }
    bool fits = narrow(from + 2 * i, n - i, 2, ret_bytes + i);
    for (size_t k = 0; k < 8; k++)
        fits = fits && all[k] < N_BYTES;
    return fits;
}

static const unsigned char *bytes_of(const unsigned char *from, const struct ov__chunk *chunk,
                                     unsigned char *room)
{
    bool fits = true;
    switch (chunk->width) {
    case 1:
        return from;
    case 2:
        fits = narrow16(from, chunk->n, room);
        break;
    case 4:
        fits = narrow(from, chunk->n, 4, room);
        break;
    default:
        fits = narrow(from, chunk->n, 8, room);
        break;
    }
    return fits ? room : NULL;
}

void ov__voxels_done(struct ov__voxels *voxels)
{
    free(voxels->cells);
    free(voxels->bytes);
}

static enum ov_status make_room(struct ov__voxels *voxels)
{
    if (voxels->cells == NULL)
        voxels->cells = calloc((size_t)N_BYTES * N_BYTES, sizeof *voxels->cells);
    if (voxels->bytes == NULL)
        voxels->bytes = malloc((size_t)2 * OV__FEW);
    return voxels->cells == NULL || voxels->bytes == NULL ? OV_ENOMEM : OV_OK;
}

/* ---- a table of pairs ---- */

typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* Eight cells' numbers, taken out of two words: cheaper than loading each from memory. */
static inline void add_eight(uint16_t *cells, bytes16 numbers)
{
    uint64_t words[2];
    memcpy(words, &numbers, sizeof words);
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 64; k += 16)
            cells[(uint16_t)(words[i] >> k)]++;
    }
}

/* Bytes of both masks in turn are the numbers of the cells, 16 bits each. */
static void add_cells(uint16_t *cells, const struct ov__chunk *bytes)
{
    size_t i = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; i + 16 <= bytes->n; i += 16) {
        bytes16 high, low;
        memcpy(&high, bytes->prediction + i, sizeof high);
        memcpy(&low, bytes->reference + i, sizeof low);
        add_eight(cells, __builtin_shufflevector(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5,
                                                 21, 6, 22, 7, 23));
        add_eight(cells, __builtin_shufflevector(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                                 13, 29, 14, 30, 15, 31));
    }
#endif
    for (; i < bytes->n; i++)
        cells[bytes->prediction[i] * N_BYTES + bytes->reference[i]]++;
}

static enum ov_status count_pair(struct ov_counter *counter, size_t prediction, size_t reference,
                                 uint64_t n_voxels)
{
    uint32_t p, r;
    size_t p_width = ov_dtype_bytes(counter->prediction.rule.encoding.dtype);
    size_t r_width = ov_dtype_bytes(counter->reference.rule.encoding.dtype);
    enum ov_status status = ov__stream_slot(&counter->prediction, prediction, p_width, &p);
    if (status == OV_OK)
        status = ov__stream_slot(&counter->reference, reference, r_width, &r);
    if (status != OV_OK)
        return status;
    ov__labels_count(counter->labels.slots, p, r, n_voxels);
    if (counter->options.pairs && r != OV__SLOT_NONE)
        status = ov__pairs_add(&counter->pairs, p, r, n_voxels);
    return status;
}

/* Take the pairs of one prediction with a group of references out of the table. */
static enum ov_status take_group(struct ov_counter *counter, size_t prediction, size_t group)
{
    struct ov__voxels *voxels = &counter->voxels;
    uint16_t *cells = &voxels->cells[prediction * N_BYTES + group * GROUP];
    static const uint16_t none[GROUP];
    if (memcmp(cells, none, sizeof none) == 0)
        return OV_OK;
    voxels->groups |= 1u << group | 1u << prediction / GROUP;
    enum ov_status status = OV_OK;
    for (size_t i = 0; status == OV_OK && i < GROUP; i++) {
        if (cells[i] == 0)
            continue;
        status = count_pair(counter, prediction, group * GROUP + i, cells[i]);
        voxels->n_in_cells -= cells[i];
    }
    memset(cells, 0, sizeof none);
    return status;
}

static enum ov_status take_groups(struct ov_counter *counter, uint32_t groups)
{
    enum ov_status status = OV_OK;
    for (size_t p = 0; p < N_BYTES; p++) {
        for (size_t g = 0; status == OV_OK && g < N_GROUPS && (groups >> p / GROUP & 1) != 0; g++) {
            if ((groups >> g & 1) != 0)
                status = take_group(counter, p, g);
        }
    }
    return status;
}

/* Add a row of the table to the sums of its columns, and clear it; return its own sum. */
static uint16_t take_row(struct ov__voxels *voxels, size_t prediction, octet16 *columns)
{
    octet16 row = {0};
    for (uint32_t groups = voxels->groups; groups != 0; groups &= groups - 1) {
        size_t group = (size_t)__builtin_ctz(groups);
        uint16_t *cells = &voxels->cells[prediction * N_BYTES + group * GROUP];
        octet16 cell;
        memcpy(&cell, cells, sizeof cell);
        memset(cells, 0, sizeof cell);
        columns[group] += cell;
        row += cell;
    }
    uint16_t sum = 0;
    for (size_t i = 0; i < GROUP; i++)
        sum = (uint16_t)(sum + row[i]);
    return sum;
}

/* Where only margins and the diagonal matter. All voxels together fit 16 bits. */
static enum ov_status take_plain(struct ov_counter *counter)
{
    struct ov__voxels *voxels = &counter->voxels;
    uint16_t rows[N_BYTES] = {0}, diagonal[N_BYTES] = {0};
    octet16 columns[N_GROUPS] = {{0}};
    for (size_t p = 0; p < N_BYTES; p++) {
        if ((voxels->groups >> p / GROUP & 1) == 0)
            continue;
        diagonal[p] = voxels->cells[p * (N_BYTES + 1)];
        rows[p] = take_row(voxels, p, columns);
        voxels->n_in_cells -= rows[p];
    }
    enum ov_status status = OV_OK;
    for (size_t i = 0; status == OV_OK && i < N_BYTES; i++)
        status = ov__tally_label(counter, i, rows[i], columns[i / GROUP][i % GROUP], diagonal[i]);
    return status;
}

/* Where a label is new, some voxels are left after the known ones are taken. */
enum ov_status ov__voxels_flush(struct ov_counter *counter)
{
    if (counter->voxels.n_in_cells == 0)
        return OV_OK;
    enum ov_status status = ov__tally_suffices(counter)
                                ? take_plain(counter)
                                : take_groups(counter, counter->voxels.groups);
    if (status == OV_OK && counter->voxels.n_in_cells > 0)
        status = take_groups(counter, UINT32_MAX);
    return status;
}

static enum ov_status add_pairs(struct ov_counter *counter, const struct ov__chunk *bytes)
{
    struct ov__voxels *voxels = &counter->voxels;
    enum ov_status status = OV_OK;
    if (voxels->n_in_cells + bytes->n > UINT16_MAX)
        status = ov__voxels_flush(counter);
    if (status != OV_OK)
        return status;
    add_cells(voxels->cells, bytes);
    voxels->n_in_cells += (uint32_t)bytes->n;
    return OV_OK;
}

/* ---- few labels ---- */

/* False in *ret_is_done, and nothing counted, where there are other labels too. */
static enum ov_status add_few(struct ov_counter *counter, const struct ov__chunk *bytes,
                              bool *ret_is_done)
{
    struct ov__few few[N_GROUPS];
    uint64_t n_found = 0;
    uint32_t groups = counter->voxels.groups;
    for (size_t n = 0; groups != 0; groups &= groups - 1, n++) {
        unsigned first = (unsigned)__builtin_ctz(groups) * GROUP;
        ov__kernels_selected()->few(bytes->prediction, bytes->reference, bytes->n, (uint8_t)first,
                                    &few[n]);
        for (size_t i = 0; i < GROUP; i++)
            n_found += few[n].prediction[i] + few[n].reference[i];
    }
    *ret_is_done = n_found == 2 * (uint64_t)bytes->n;
    enum ov_status status = OV_OK;
    groups = *ret_is_done ? counter->voxels.groups : 0;
    for (size_t n = 0; groups != 0; groups &= groups - 1, n++) {
        size_t first = (size_t)__builtin_ctz(groups) * GROUP;
        for (size_t i = 0; status == OV_OK && i < GROUP; i++)
            status = ov__tally_label(counter, first + i, few[n].prediction[i], few[n].reference[i],
                                     few[n].tp[i]);
    }
    return status;
}

static bool has_few(const struct ov_counter *counter)
{
    const struct ov__kernels *kernels = ov__kernels_selected();
    size_t n_groups = (size_t)__builtin_popcount(counter->voxels.groups);
    return n_groups > 0 && n_groups <= kernels->max_few && ov__tally_suffices(counter);
}

enum ov_status ov__voxels_add(struct ov_counter *counter, const struct ov__chunk *chunk,
                              bool *ret_is_done)
{
    struct ov__voxels *voxels = &counter->voxels;
    enum ov_status status = make_room(voxels);
    *ret_is_done = false;
    if (status != OV_OK || !is_narrow(&counter->prediction.rule.encoding) ||
        !is_narrow(&counter->reference.rule.encoding))
        return status;
    struct ov__chunk bytes = {.n = chunk->n, .width = 1};
    bytes.prediction = bytes_of(chunk->prediction, chunk, voxels->bytes);
    bytes.reference = bytes_of(chunk->reference, chunk, voxels->bytes + OV__FEW);
    *ret_is_done = bytes.prediction != NULL && bytes.reference != NULL;
    if (!*ret_is_done)
        return OV_OK;
    bool is_done = false, knows_all = voxels->groups != 0;
    if (has_few(counter)) {
        status = add_few(counter, &bytes, &is_done);
        knows_all = is_done;
    }
    if (status == OV_OK && !is_done)
        status = add_pairs(counter, &bytes);
    return status == OV_OK && !knows_all ? ov__voxels_flush(counter) : status;
}
