/* test_dicom.c - DICOM data elements: lengths, sequences, damage; what a file is, how it is
 * written.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dicom_file.h"

static struct file *binary_file(bool is_open)
{
    struct seg_spec spec = binary_spec();

    spec.is_open = is_open;
    return seg_file(&spec);
}

static void assert_is_the_mask(const struct file *file)
{
    struct seg_voxels *voxels = malloc(sizeof(*voxels));

    assert_non_null(voxels);
    read_labels(file, voxels);
    assert_int_equal(voxels->header.n_voxels, 45);
    for (size_t i = 0; i < 45; i++)
        assert_int_equal(voxels->labels[i], seg_expected[i]);
    free(voxels);
}

/* Put bytes into the file at a place that no length is told of. */
static void insert(struct file *file, size_t at, const void *bytes, size_t n)
{
    assert_true(file->n + n <= sizeof(file->bytes));
    memmove(file->bytes + at + n, file->bytes + at, file->n - at);
    memcpy(file->bytes + at, bytes, n);
    file->n += n;
}

/* What `put_` writes, put in before the first element of a tag. */
static void insert_file(struct file *file, uint32_t tag, const struct file *other)
{
    insert(file, find_tag(file, tag, 0), other->bytes, other->n);
}

static void sequences_of_either_length_are_read(void **state)
{
    (void)state;
    for (int is_open = 0; is_open < 2; is_open++) {
        struct file *file = binary_file(is_open);

        assert_is_the_mask(file);
        free(file);
    }
}

static void every_truncation_is_seen(void **state)
{
    (void)state;
    for (int is_open = 0; is_open < 2; is_open++) {
        struct file *file = binary_file(is_open);

        every_truncation_is_a_problem(file);
        free(file);
    }
}

/* A flipped position or label is another mask; none may be more than a mask or a problem. */
static void every_flip_is_a_mask_or_a_problem(void **state)
{
    struct outcome *outcome = malloc(sizeof(*outcome));

    (void)state;
    assert_non_null(outcome);
    for (int is_open = 0; is_open < 2; is_open++) {
        struct file *file = binary_file(is_open);

        for (size_t i = 0; i < 9 * file->n; i++) {
            uint8_t *byte = &file->bytes[i / 9];
            uint8_t was = *byte;

            *byte ^= (uint8_t)(i % 9 == 8 ? 0xff : 1 << i % 9);
            read_copy(file, file->n, outcome);
            *byte = was;
        }
        free(file);
    }
    free(outcome);
}

static void compressed_files_are_read(void **state)
{
    struct file *plain = binary_file(true);

    (void)state;
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind += 2) {
        struct file *file = file_new();

        put_coded(file, kind, plain->bytes, plain->n);
        assert_is_the_mask(file);
        every_truncation_is_a_problem(file);
        free(file);
    }
    free(plain);
}

static void compressed_files_have_limits(void **state)
{
    struct file *plain = binary_file(true), *file = file_new();
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct env env = test_env();
    struct source source;

    (void)state;
    assert_non_null(outcome);
    put_coded(file, CODING_GZIP, plain->bytes, plain->n);
    source = source_of(file->bytes, file->n);
    env.limits.decoded_bytes = plain->n - 1;
    read_mask(&source, &env, 5, outcome);
    assert_problem(outcome, PROBLEM_DECODED_TOO_LARGE, "when decoded, which is the limit");
    env = test_env();
    for (budget_bytes = 0; budget_bytes < 1 << 20; budget_bytes += 64) {
        read_mask(&source, &env, 5, outcome);
        if (outcome->problem.code == PROBLEM_NONE)
            break;
        assert_problem(outcome, PROBLEM_OUT_OF_MEMORY, "memory");
    }
    assert_true(budget_bytes > plain->n && budget_bytes < 1 << 20);
    free(outcome);
    free(file);
    free(plain);
}

static void foreign_elements_are_passed_over(void **state)
{
    static const char *const vrs[] = {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL",
                                      "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM",
                                      "UI", "UL", "US", "OB", "OD", "OF", "OL", "OV", "OW",
                                      "SV", "UC", "UN", "UR", "UT", "UV"};
    struct file *file = binary_file(false), *other = file_new();

    (void)state;
    for (size_t i = 0; i < 33; i++) {
        put_tag(other, 0x00090010 + (uint32_t)i);
        put(other, vrs[i], 2);
        put_hex(other, i < 21 ? "03 00 61 62 63" : "00 00 03 00 00 00 61 62 63");
    }
    insert_file(file, 0x00280010, other);
    assert_is_the_mask(file);
    free(other);
    free(file);
}

/* The same tags elsewhere say nothing of the mask. */
static void fields_count_only_in_their_place(void **state)
{
    struct file *file = binary_file(true), *other = file_new();
    size_t outer = open_part(other, 0x00091001);
    size_t item = open_part(other, 0xfffee000);

    (void)state;
    put_u16(other, 0x00280010, 99);
    put_group(other, 0x00209113, 0x00200032, "9\\9\\9", true);
    put_group(other, 0x52009230, 0x00280011, "9", false);
    close_part(other, item, 0xfffee00d, true);
    close_part(other, outer, 0xfffee0dd, false);
    insert_file(file, 0x00280010, other);
    assert_is_the_mask(file);
    free(other);
    free(file);
}

/* UN without a length holds elements that have no VR. */
static void unknown_sequences_are_implicit(void **state)
{
    struct file *file = binary_file(true), *other = file_new();

    (void)state;
    put_hex(other, "09 00 02 10 55 4e 00 00 ff ff ff ff"); /* (0009,1002) UN */
    put_hex(other, "fe ff 00 e0 ff ff ff ff");
    put_hex(other, "28 00 10 00 02 00 00 00 63 00"); /* Rows, without VR */
    put_hex(other, "09 00 03 10 ff ff ff ff");       /* a sequence */
    put_hex(other, "fe ff 00 e0 08 00 00 00 09 00 04 10 00 00 00 00");
    put_hex(other, "fe ff dd e0 00 00 00 00");
    put_hex(other, "fe ff 0d e0 00 00 00 00");
    put_hex(other, "fe ff dd e0 00 00 00 00");
    insert_file(file, 0x00280010, other);
    assert_is_the_mask(file);
    free(other);
    free(file);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    for (int depth = 16; depth <= 20000; depth += depth == 16 ? 1 : 19983 / 3) {
        struct file *file = file_new();

        file->n = 128;
        put(file, "DICM", 4);
        put_text(file, 0x00020010, "UI", EXPLICIT);
        for (int i = 0; i < depth && file->n < sizeof(file->bytes) - 32; i++) {
            open_part(file, 0x00091001);
            open_part(file, 0xfffee000);
        }
        assert_file_problem(file, depth == 16 ? PROBLEM_TRUNCATED : PROBLEM_BAD_MASK,
                            depth == 16 ? "ends at byte" : "lies within 16 others");
        free(file);
    }
}

static void bad_heads_are_named_with_their_byte(void **state)
{
    static const struct {
        uint32_t tag;
        int nth;
        size_t at;
        const char *hex;
        enum problem_code code;
        const char *words;
    } cases[] = {
        {0x00280010, 0, 4, "51 58", PROBLEM_BAD_MASK, "representation \"QX\" (51 58), which is"},
        {0x00280010, 0, 6, "ff ff", PROBLEM_TRUNCATED, "(0028,0010) at byte"},
        {0x00620004, 0, 6, "60 00", PROBLEM_BAD_MASK, "its sequence or item ends"},
        {0x00620002, 0, 8, "ff ff ff 7f", PROBLEM_TRUNCATED, "needs 2147483647 bytes"},
        {0x7fe00010, 0, 8, "ff ff ff ff", PROBLEM_BAD_MASK, "which only sequences may lack"},
        {0xfffee000, 0, 0, "fe ff 0d e0", PROBLEM_BAD_MASK, "sequence's item should begin"},
        {0x00280010, 0, 0, "fe ff 00 e0 00 00 00 00", PROBLEM_BAD_MASK,
         "where an element should begin"},
        {0x00280010, 0, 6, "04 00", PROBLEM_BAD_MASK, ""},
        {0x00209116, 0, 8, "ff ff ff ff", PROBLEM_BAD_MASK, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct file *file = binary_file(false);
        size_t end = file->n;

        file->n = find_tag(file, cases[i].tag, cases[i].nth) + cases[i].at;
        put_hex(file, cases[i].hex);
        file->n = end;
        assert_file_problem(file, cases[i].code, cases[i].words);
        free(file);
    }
}

static void a_file_without_its_beginning_is_a_mismatch(void **state)
{
    struct file *file = binary_file(false);
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct env env = test_env();
    struct source source = source_of(file->bytes + 132, file->n - 132);

    (void)state;
    assert_non_null(outcome);
    source.filename = "mask.dcm";
    read_mask(&source, &env, 5, outcome);
    assert_problem(outcome, PROBLEM_FORMAT_MISMATCH, "dcmconv +te");
    free(outcome);
    free(file);
}

static void transfer_syntaxes_are_named_with_a_converter(void **state)
{
    static const struct {
        const char *uid;
        const char *words;
    } cases[] = {
        {"1.2.840.10008.1.2.1.99", "deflated explicit VR little endian"},
        {"1.2.840.10008.1.2.2", "explicit VR big endian"},
        {"1.2.840.10008.1.2.8.1", "deflated image frames. Only explicit and implicit VR little "
                                  "endian, 1.2.840.10008.1.2.1 and 1.2.840.10008.1.2, and RLE, "
                                  "1.2.840.10008.1.2.5, are read: convert it with what wrote it."},
        {"1.2.840.10008.1.2.4.70", "convert it with dcmdjpeg, of dcmtk."},
        {"1.2.840.10008.1.2.4.80", "with dcmdjpls, of dcmtk."},
        {"1.2.840.10008.1.2.4.90", "JPEG 2000 lossless"},
        {"1.2.3", "1.2.3, one that is not known here"},
        {"", ", one that is not known here"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seg_spec spec = binary_spec();

        spec.syntax = cases[i].uid;
        assert_spec_problem(&spec, PROBLEM_UNSUPPORTED_SYNTAX, cases[i].words);
    }
    assert_int_equal(problem_status(PROBLEM_UNSUPPORTED_SYNTAX), 415);
}

static void what_is_no_segmentation_is_named(void **state)
{
    static const struct {
        const char *uid;
        const char *words;
    } cases[] = {
        {"1.2.840.10008.5.1.4.1.1.2", "no segmentation (SEG) but a CT image: its SOP class is "
                                      "1.2.840.10008.5.1.4.1.1.2."},
        {"1.2.840.10008.5.1.4.1.1.481.3", "an RT structure set, whose contours"},
        {"1.2.840.10008.5.1.4.1.1.66.5", "a surface segmentation"},
        {"1.2.840.10008.1.3.10", "a DICOMDIR"},
        {"1.2.3.4", "something else: its SOP class is 1.2.3.4."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seg_spec spec = binary_spec();

        spec.class = cases[i].uid;
        spec.syntax = "1.2.840.10008.1.2.4.90"; /* a converter would be of no use */
        assert_spec_problem(&spec, PROBLEM_UNSUPPORTED_MASK, cases[i].words);
    }
}

/* The class that the data set has is looked at even where the meta information has another. */
static void the_data_set_s_class_counts(void **state)
{
    struct file *file = binary_file(false);
    struct seg_spec spec = binary_spec();

    (void)state;
    file->bytes[find_tag(file, 0x00080016, 0) + 8 + strlen(SEGMENTATION) - 1] = '2';
    assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK,
                        "SOP class is 1.2.840.10008.5.1.4.1.1.66.2");
    free(file);
    spec.class = NULL;
    assert_spec_problem(&spec, PROBLEM_BAD_MASK, "has no SOPClassUID (0008,0016)");
}

static void a_transfer_syntax_must_be_there(void **state)
{
    struct seg_spec spec = binary_spec();
    struct file *file;

    (void)state;
    spec.syntax = NULL;
    assert_spec_problem(&spec, PROBLEM_BAD_MASK, "has no TransferSyntaxUID (0002,0010)");
    file = file_new(); /* nothing but an empty sequence of the meta group */
    file->n = 128;
    put(file, "DICM", 4);
    close_part(file, open_part(file, 0x00020099), 0, false);
    assert_file_problem(file, PROBLEM_BAD_MASK, "up to byte 144, has no TransferSyntaxUID");
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_of_either_length_are_read),
        cmocka_unit_test(every_truncation_is_seen),
        cmocka_unit_test(every_flip_is_a_mask_or_a_problem),
        cmocka_unit_test(compressed_files_are_read),
        cmocka_unit_test(compressed_files_have_limits),
        cmocka_unit_test(foreign_elements_are_passed_over),
        cmocka_unit_test(fields_count_only_in_their_place),
        cmocka_unit_test(unknown_sequences_are_implicit),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(bad_heads_are_named_with_their_byte),
        cmocka_unit_test(a_file_without_its_beginning_is_a_mismatch),
        cmocka_unit_test(transfer_syntaxes_are_named_with_a_converter),
        cmocka_unit_test(what_is_no_segmentation_is_named),
        cmocka_unit_test(the_data_set_s_class_counts),
        cmocka_unit_test(a_transfer_syntax_must_be_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
