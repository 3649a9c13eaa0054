/* dicom.c - a bounded walk over DICOM data elements. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/dicom.h"

#include <string.h>

#include "proto/format/bytes.h"

#define UNDEFINED_LENGTH 0xffffffffu

/* Lengths of 32 bits behind two reserved bytes; of 16 bits. PS3.5, 7.1.2. */
static const char long_vrs[] = "OB OD OF OL OV OW SQ SV UC UN UR UT UV ";
static const char short_vrs[] = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US ";

/* A tag, its VR and its length; `at` and `value` are bytes of the file. */
struct head {
    uint32_t tag;
    char vr[3]; /* "" for none */
    bool is_undefined;
    uint32_t n_value;
    size_t at;
    size_t value;
};

enum step { STEP_FAILED, STEP_ON, STEP_FOUND, STEP_END };

static const char *tag_name(uint32_t tag)
{
    static const struct {
        uint32_t tag;
        const char *name;
    } names[] = {
#define NAME(symbol, tag, name) {tag, name},
        DICOM_TAG_MAP(NAME)
#undef NAME
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].tag == tag)
            return names[i].name;
    }
    return "The DICOM element";
}

static bool set_bad(const struct dicom *file, uint32_t tag, size_t at, const char *what,
                    struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_BAD_MASK, file->pointer, "%s (%04x,%04x) at byte %zu %s.",
                       tag_name(tag), tag >> 16, tag & 0xffff, at, what);
}

bool dicom_bad(const struct dicom *file, const struct dicom_element *element, const char *what,
               struct problem *reterr)
{
    return set_bad(file, element->tag, element->at, what, reterr);
}

/* n bytes from `at` on lie before `end`, or the file was cut, or a length inside it is wrong. */
static bool is_within(const struct dicom *file, const struct head *head, size_t end, uint64_t n,
                      struct problem *reterr)
{
    size_t at = head->value;

    if (n <= end - at)
        return true;
    if (end == file->n_bytes)
        return problem_set(reterr, PROBLEM_TRUNCATED, file->pointer,
                           "The DICOM file ends at byte %zu; the element (%04x,%04x) at byte %zu "
                           "needs %llu bytes from %zu on.",
                           end, head->tag >> 16, head->tag & 0xffff, head->at,
                           (unsigned long long)n, at);
    return problem_set(reterr, PROBLEM_BAD_MASK, file->pointer,
                       "The DICOM element (%04x,%04x) at byte %zu has %llu bytes, but its sequence "
                       "or item ends %zu bytes later.",
                       head->tag >> 16, head->tag & 0xffff, head->at, (unsigned long long)n,
                       end - at);
}

/* ---- heads ----------------------------------------------------------------------------------- */

static uint32_t integer(const struct dicom *file, size_t at, size_t n)
{
    return (uint32_t)bytes_unsigned(file->bytes + at, n, BYTES_LITTLE);
}

static bool vr_is_in(const char *vr, const char *list)
{
    for (; *list != '\0'; list += 3) {
        if (memcmp(list, vr, 2) == 0)
            return true;
    }
    return false;
}

/* The length behind a VR: two bytes, or two that are reserved and four. */
static bool read_length(const struct dicom *file, size_t end, struct head *head,
                        struct problem *reterr)
{
    memcpy(head->vr, file->bytes + head->at + 4, 2);
    if (vr_is_in(head->vr, short_vrs)) {
        head->n_value = integer(file, head->at + 6, 2);
        return true;
    }
    if (!vr_is_in(head->vr, long_vrs))
        return problem_set(reterr, PROBLEM_BAD_MASK, file->pointer,
                           "The DICOM element (%04x,%04x) at byte %zu has the value "
                           "representation \"%.2s\" (%02x %02x), which is none.",
                           head->tag >> 16, head->tag & 0xffff, head->at, head->vr,
                           file->bytes[head->at + 4], file->bytes[head->at + 5]);
    if (!is_within(file, head, end, 4, reterr))
        return false;
    head->n_value = integer(file, head->at + 8, 4);
    head->value = head->at + 12;
    head->is_undefined = head->n_value == UNDEFINED_LENGTH;
    return true;
}

/* The head of an element or item at the walk's place, which lies whole before `end`. */
static bool read_head(const struct dicom_walk *walk, size_t end, struct head *ret,
                      struct problem *reterr)
{
    const struct dicom *file = &walk->file;
    struct head head = {.at = walk->at, .value = walk->at};

    if (!is_within(file, &head, end, 8, reterr))
        return false;
    head.tag = integer(file, walk->at, 2) << 16 | integer(file, walk->at + 2, 2);
    head.value = walk->at + 8;
    if (head.tag >> 16 != DICOM_ITEM >> 16 && !walk->levels[walk->depth].implicit) {
        if (!read_length(file, end, &head, reterr))
            return false;
    } else {
        head.n_value = integer(file, walk->at + 4, 4);
        head.is_undefined = head.n_value == UNDEFINED_LENGTH;
    }
    if (!head.is_undefined && !is_within(file, &head, end, head.n_value, reterr))
        return false;
    *ret = head;
    return true;
}

/* ---- walking --------------------------------------------------------------------------------- */

void dicom_walk_init(struct dicom_walk *walk, const struct dicom *file, size_t at)
{
    walk->file = *file;
    walk->at = at;
    walk->depth = 0;
    walk->levels[0] = (struct dicom_level){.n_items = 1,
                                           .in_item = true,
                                           .implicit = file->is_implicit,
                                           .end = file->n_bytes,
                                           .item_end = file->n_bytes};
}

static enum step found(struct dicom_walk *walk, const struct head *head,
                       struct dicom_element *ret_element)
{
    ret_element->tag = head->tag;
    ret_element->at = head->at;
    ret_element->value = walk->file.bytes + head->value;
    ret_element->n_value = head->n_value;
    return walk->levels[walk->depth].implicit && !walk->file.is_implicit ? STEP_ON : STEP_FOUND;
}

/* Without a VR its tag tells that an element is a sequence; those that are not read are passed over
 * whole, where they have a length. */
static bool is_sequence(const struct head *head, bool is_implicit)
{
    static const uint32_t tags[] = {
        DICOM_PLANE_POSITION,         DICOM_PLANE_ORIENTATION, DICOM_PIXEL_MEASURES, DICOM_SEGMENTS,
        DICOM_SEGMENT_IDENTIFICATION, DICOM_SHARED_GROUPS,     DICOM_FRAME_GROUPS};

    for (size_t i = 0; is_implicit && i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (head->tag == tags[i])
            return true;
    }
    return strcmp(head->vr, "SQ") == 0 ||
           (head->is_undefined && (is_implicit || strcmp(head->vr, "UN") == 0));
}

static enum step open_sequence(struct dicom_walk *walk, const struct head *head,
                               struct problem *reterr)
{
    const struct dicom_level *outer = &walk->levels[walk->depth];

    if (walk->depth == DICOM_MAX_DEPTH) {
        problem_set(reterr, PROBLEM_BAD_MASK, walk->file.pointer,
                    "The DICOM sequence (%04x,%04x) at byte %zu lies within %d others; deeper "
                    "ones are not read.",
                    head->tag >> 16, head->tag & 0xffff, head->at, DICOM_MAX_DEPTH);
        return STEP_FAILED;
    }
    walk->at = head->value;
    walk->levels[++walk->depth] = (struct dicom_level){
        .tag = head->tag,
        /* UN without a length is a sequence whose elements have no VR: PS3.5, 6.2.2 note 2. */
        .implicit = outer->implicit || strcmp(head->vr, "UN") == 0,
        .is_open = head->is_undefined,
        .end = head->is_undefined ? outer->item_end : head->value + head->n_value};
    return STEP_ON;
}

static enum step step_between_items(struct dicom_walk *walk, struct dicom_element *ret_element,
                                    struct problem *reterr)
{
    struct dicom_level *level = &walk->levels[walk->depth];
    struct head head;

    if (!level->is_open && walk->at == level->end) {
        walk->depth--;
        return STEP_ON;
    }
    if (!read_head(walk, level->end, &head, reterr))
        return STEP_FAILED;
    walk->at = head.value;
    if (level->is_open && head.tag == DICOM_SEQUENCE_END && head.n_value == 0) {
        walk->depth--;
        return STEP_ON;
    }
    if (head.tag != DICOM_ITEM) {
        set_bad(&walk->file, head.tag, head.at, "stands where a sequence's item should begin",
                reterr);
        return STEP_FAILED;
    }
    level->in_item = true;
    level->item_is_open = head.is_undefined;
    level->item_end = head.is_undefined ? level->end : head.value + head.n_value;
    level->n_items++;
    return found(walk, &head, ret_element);
}

static enum step step_in_item(struct dicom_walk *walk, struct dicom_element *ret_element,
                              struct problem *reterr)
{
    struct dicom_level *level = &walk->levels[walk->depth];
    struct head head;

    if (!level->item_is_open && walk->at == level->item_end) {
        level->in_item = false;
        return walk->depth == 0 ? STEP_END : STEP_ON;
    }
    if (!read_head(walk, level->item_end, &head, reterr))
        return STEP_FAILED;
    if (level->item_is_open && head.tag == DICOM_ITEM_END && head.n_value == 0) {
        walk->at = head.value;
        level->in_item = false;
        return STEP_ON;
    }
    if (head.tag >> 16 == DICOM_ITEM >> 16) {
        set_bad(&walk->file, head.tag, head.at, "stands where an element should begin", reterr);
        return STEP_FAILED;
    }
    if (walk->depth == 0 && head.is_undefined && head.tag == DICOM_PIXEL_DATA &&
        walk->file.is_rle) {
        walk->at = walk->file.n_bytes;
        found(walk, &head, ret_element);
        ret_element->n_value = walk->file.n_bytes - head.value;
        return STEP_FOUND;
    }
    if (is_sequence(&head, level->implicit))
        return open_sequence(walk, &head, reterr);
    if (head.is_undefined) {
        set_bad(&walk->file, head.tag, head.at, "has no length, which only sequences may lack",
                reterr);
        return STEP_FAILED;
    }
    walk->at = head.value + head.n_value;
    return found(walk, &head, ret_element);
}

bool dicom_next(struct dicom_walk *walk, struct dicom_element *ret_element, bool *ret_found,
                struct problem *reterr)
{
    enum step step;

    do {
        step = walk->levels[walk->depth].in_item ? step_in_item(walk, ret_element, reterr)
                                                 : step_between_items(walk, ret_element, reterr);
    } while (step == STEP_ON);
    *ret_found = step == STEP_FOUND;
    return step != STEP_FAILED;
}
