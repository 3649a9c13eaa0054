/* zip.c - what a ZIP archive holds, by its central directory; and the bytes of one member. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/zip.h"

#include <stdlib.h>

#include "proto/format/bytes.h"

/* Fixed parts of the records; PKWARE's APPNOTE 4.3 has the fields. */
#define LOCAL_BYTES      30
#define ENTRY_BYTES      46
#define END_BYTES        22
#define END_64_BYTES     56
#define LOCATOR_64_BYTES 20
#define COMMENT_MAX      65535

#define FLAG_ENCRYPTED 0x0001
#define FLAG_STRONG    0x0040
#define FLAG_MASKED    0x2000

#define METHOD_STORED   0
#define METHOD_DEFLATED 8

/* In a field of 32 or 16 bits: the value stands in a zip64 record. */
#define IN_ZIP64    UINT32_MAX
#define IN_ZIP64_16 UINT16_MAX

#define ZIP64_EXTRA 1

struct directory {
    uint64_t at;
    uint64_t n_bytes;
    uint64_t n_entries;
};

static uint64_t number(const struct zip *zip, uint64_t at, size_t n)
{
    return bytes_unsigned(zip->bytes + at, n, BYTES_LITTLE);
}

static bool has(const struct zip *zip, uint64_t at, uint64_t n, uint64_t end)
{
    return end <= zip->n_bytes && at <= end && n <= end - at;
}

static bool is_signature(const struct zip *zip, uint64_t at, const char *signature)
{
    return memcmp(zip->bytes + at, signature, 4) == 0;
}

static bool bad(const struct zip *zip, const char *what, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_BAD_MASK, zip->pointer, "The ZIP archive is malformed: %s.",
                       what);
}

/* "pred.npy", as far as it goes into a sentence. */
static int shown(const struct zip_member *member)
{
    return member->n_name < 60 ? (int)member->n_name : 60;
}

static bool bad_member(const struct zip *zip, const struct zip_member *member, const char *what,
                       struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_BAD_MASK, zip->pointer,
                       "The ZIP archive is malformed: its member %.*s %s.", shown(member),
                       member->name, what);
}

/* ---- the end record -------------------------------------------------------------------------- */

/* The last record whose comment ends where the file does. */
static bool find_end(const struct zip *zip, uint64_t *ret_at, struct problem *reterr)
{
    for (uint64_t n = 0; n <= COMMENT_MAX && n + END_BYTES <= zip->n_bytes; n++) {
        uint64_t at = zip->n_bytes - END_BYTES - n;

        if (is_signature(zip, at, "PK\5\6") && number(zip, at + 20, 2) == n) {
            *ret_at = at;
            return true;
        }
    }
    return problem_set(reterr, PROBLEM_TRUNCATED, zip->pointer,
                       "The ZIP archive does not end with a directory: its last bytes are missing, "
                       "or others follow.");
}

static bool read_end_64(const struct zip *zip, uint64_t end_at, struct directory *ret_directory,
                        struct problem *reterr)
{
    uint64_t at = end_at - LOCATOR_64_BYTES;

    if (end_at < LOCATOR_64_BYTES || !is_signature(zip, at, "PK\6\7"))
        return bad(zip, "its end record speaks of a zip64 record that is not there", reterr);
    end_at = at;
    at = number(zip, at + 8, 8);
    if (!has(zip, at, END_64_BYTES, end_at) || !is_signature(zip, at, "PK\6\6"))
        return bad(zip, "its zip64 end record is not where it should be", reterr);
    if (number(zip, at + 16, 4) != 0 || number(zip, at + 20, 4) != 0 ||
        number(zip, at + 24, 8) != number(zip, at + 32, 8))
        return bad(zip, "it is one of several files", reterr);
    *ret_directory = (struct directory){.at = number(zip, at + 48, 8),
                                        .n_bytes = number(zip, at + 40, 8),
                                        .n_entries = number(zip, at + 32, 8)};
    return has(zip, ret_directory->at, ret_directory->n_bytes, at) ||
           bad(zip, "its directory does not lie before its end record", reterr);
}

static bool read_end(const struct zip *zip, struct directory *ret_directory, struct problem *reterr)
{
    uint64_t at = 0;

    if (!find_end(zip, &at, reterr))
        return false;
    *ret_directory = (struct directory){.at = number(zip, at + 16, 4),
                                        .n_bytes = number(zip, at + 12, 4),
                                        .n_entries = number(zip, at + 10, 2)};
    if (ret_directory->at == IN_ZIP64 || ret_directory->n_bytes == IN_ZIP64 ||
        ret_directory->n_entries == IN_ZIP64_16)
        return read_end_64(zip, at, ret_directory, reterr);
    if (number(zip, at + 4, 2) != 0 || number(zip, at + 6, 2) != 0 ||
        number(zip, at + 8, 2) != ret_directory->n_entries)
        return bad(zip, "it is one of several files", reterr);
    return has(zip, ret_directory->at, ret_directory->n_bytes, at) ||
           bad(zip, "its directory does not lie before its end record", reterr);
}

/* ---- the directory's entries ----------------------------------------------------------------- */

/* Replace *value, where it says so, by the next 8 bytes of the zip64 field. */
static bool take_64(const struct zip *zip, uint64_t *value, uint64_t *at, uint64_t end)
{
    if (*value != IN_ZIP64)
        return true;
    if (end - *at < 8)
        return false;
    *value = number(zip, *at, 8);
    *at += 8;
    return true;
}

/* The zip64 field among the extra fields has only those values that did not fit elsewhere. */
static bool read_zip64(const struct zip *zip, struct zip_member *member, uint64_t at, uint64_t end,
                       struct problem *reterr)
{
    while (end - at >= 4) {
        uint64_t n = number(zip, at + 2, 2);

        if (n > end - at - 4)
            break;
        if (number(zip, at, 2) == ZIP64_EXTRA) {
            uint64_t field_end = at + 4 + n;

            at += 4;
            if (take_64(zip, &member->n_bytes, &at, field_end) &&
                take_64(zip, &member->packed_bytes, &at, field_end) &&
                take_64(zip, &member->header_at, &at, field_end))
                return true;
            break;
        }
        at += 4 + n;
    }
    return bad_member(zip, member, "has sizes of 64 bits that are not there", reterr);
}

/* Where the data lies: after a header that repeats the name, whose sizes are often left out. */
static bool find_data(const struct zip *zip, struct zip_member *member, uint64_t end,
                      struct problem *reterr)
{
    uint64_t at = member->header_at;
    uint64_t n_name;

    if (!has(zip, at, LOCAL_BYTES, end) || !is_signature(zip, at, "PK\3\4"))
        return bad_member(zip, member, "is not where the directory says", reterr);
    n_name = number(zip, at + 26, 2);
    member->data_at = at + LOCAL_BYTES + n_name + number(zip, at + 28, 2);
    if (!has(zip, member->data_at, member->packed_bytes, end))
        return bad_member(zip, member, "reaches beyond the data of the archive", reterr);
    if (n_name != member->n_name ||
        memcmp(zip->bytes + at + LOCAL_BYTES, member->name, member->n_name) != 0 ||
        number(zip, at + 8, 2) != member->method ||
        ((number(zip, at + 6, 2) ^ member->flags) & FLAG_ENCRYPTED) != 0)
        return bad_member(zip, member, "has a header that is not what the directory says", reterr);
    return true;
}

/* One entry at *at, which moves behind it. */
static bool read_entry(const struct zip *zip, uint64_t *at, const struct directory *directory,
                       struct zip_member *member, struct problem *reterr)
{
    uint64_t end = directory->at + directory->n_bytes;
    uint64_t n_extra, extra_at;

    if (!has(zip, *at, ENTRY_BYTES, end) || !is_signature(zip, *at, "PK\1\2"))
        return bad(zip, "its directory has fewer entries than it says", reterr);
    *member = (struct zip_member){.name = (const char *)zip->bytes + *at + ENTRY_BYTES,
                                  .n_name = (size_t)number(zip, *at + 28, 2),
                                  .flags = (unsigned)number(zip, *at + 8, 2),
                                  .method = (unsigned)number(zip, *at + 10, 2),
                                  .crc_32 = (uint32_t)number(zip, *at + 16, 4),
                                  .packed_bytes = number(zip, *at + 20, 4),
                                  .n_bytes = number(zip, *at + 24, 4),
                                  .header_at = number(zip, *at + 42, 4)};
    n_extra = number(zip, *at + 30, 2);
    extra_at = *at + ENTRY_BYTES + member->n_name;
    if (!has(zip, extra_at, n_extra + number(zip, *at + 32, 2), end))
        return bad(zip, "an entry of its directory does not end", reterr);
    *at = extra_at + n_extra + number(zip, *at + 32, 2);
    if ((member->packed_bytes == IN_ZIP64 || member->n_bytes == IN_ZIP64 ||
         member->header_at == IN_ZIP64) &&
        !read_zip64(zip, member, extra_at, extra_at + n_extra, reterr))
        return false;
    return find_data(zip, member, directory->at, reterr);
}

/* ---- what entries must not do to each other -------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct zip_member *left = a, *right = b;

    if (left->n_name != right->n_name)
        return left->n_name < right->n_name ? -1 : 1;
    return memcmp(left->name, right->name, left->n_name);
}

static int compare_places(const void *a, const void *b)
{
    const struct zip_member *left = a, *right = b;

    return (left->header_at > right->header_at) - (left->header_at < right->header_at);
}

static bool check_members(struct zip *zip, struct problem *reterr)
{
    struct zip_member *members = zip->members;

    qsort(members, zip->n_members, sizeof(*members), compare_names);
    for (size_t i = 1; i < zip->n_members; i++) {
        if (compare_names(&members[i - 1], &members[i]) == 0)
            return bad_member(zip, &members[i], "is there twice", reterr);
    }
    qsort(members, zip->n_members, sizeof(*members), compare_places);
    for (size_t i = 1; i < zip->n_members; i++) {
        if (members[i - 1].data_at + members[i - 1].packed_bytes > members[i].header_at)
            return bad_member(zip, &members[i], "lies over another one", reterr);
    }
    return true;
}

static bool read_directory(struct zip *zip, const struct directory *directory,
                           struct problem *reterr)
{
    uint64_t at = directory->at;

    for (size_t i = 0; i < zip->n_members; i++) {
        if (!read_entry(zip, &at, directory, &zip->members[i], reterr))
            return false;
    }
    if (at != directory->at + directory->n_bytes)
        return bad(zip, "its directory has more entries than it says", reterr);
    return check_members(zip, reterr);
}

bool zip_init(struct zip *zip, const uint8_t *bytes, size_t n_bytes, const char *pointer,
              struct problem *reterr)
{
    struct directory directory;

    *zip = (struct zip){.bytes = bytes, .n_bytes = n_bytes, .pointer = pointer};
    if (!read_end(zip, &directory, reterr))
        return false;
    if (directory.n_entries > ZIP_MAX_MEMBERS)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, pointer,
                           "The ZIP archive has %llu members; the limit is %d.",
                           (unsigned long long)directory.n_entries, ZIP_MAX_MEMBERS);
    zip->n_members = (size_t)directory.n_entries;
    zip->members = calloc(zip->n_members + 1, sizeof(*zip->members));
    if (zip->members == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, pointer,
                           "There is no memory for the directory of a ZIP archive.");
    if (read_directory(zip, &directory, reterr))
        return true;
    zip_done(zip);
    return false;
}

void zip_done(struct zip *zip)
{
    free(zip->members);
    zip->members = NULL;
    zip->n_members = 0;
}

/* ---- members --------------------------------------------------------------------------------- */

const struct zip_member *zip_find(const struct zip *zip, const char *name, size_t n_name)
{
    for (size_t i = 0; i < zip->n_members; i++) {
        if (zip->members[i].n_name == n_name && memcmp(zip->members[i].name, name, n_name) == 0)
            return &zip->members[i];
    }
    return NULL;
}

struct coding *zip_open(const struct zip *zip, const struct zip_member *member,
                        struct problem *reterr)
{
    bool is_stored = member->method == METHOD_STORED;
    struct coding *stream;

    if ((member->flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED)) != 0) {
        problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, zip->pointer,
                    "The member %.*s of the ZIP archive is encrypted.", shown(member),
                    member->name);
        return NULL;
    }
    if (!is_stored && member->method != METHOD_DEFLATED) {
        problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, zip->pointer,
                    "The member %.*s of the ZIP archive is compressed by method %u; 0 (stored) and "
                    "8 (deflate) are supported.",
                    shown(member), member->name, member->method);
        return NULL;
    }
    stream = coding_new(is_stored ? CODING_NONE : CODING_DEFLATE, zip->bytes + member->data_at,
                        (size_t)member->packed_bytes, zip->pointer, reterr);
    if (stream != NULL)
        coding_expect(stream, member->n_bytes, member->crc_32);
    return stream;
}
