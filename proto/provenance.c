/* provenance.c - what an answer says of where it comes from: inputs, options and their signature.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/score.h"
#include "proto/writer.h"

/* What a mask holds that is no mask: it was passed over, but not in silence. */
static void put_skipped(struct writer *writer, const struct reader *reader)
{
    const char *what;
    uint64_t n;

    writer_put(writer, "skipped");
    writer_open(writer, '{');
    for (size_t i = 0; (what = reader_skipped(reader, i, &n)) != NULL; i++)
        writer_put_count(writer, what, n);
    writer_close(writer, '}');
}

static void put_input(struct writer *writer, const char *name, const struct reader *reader)
{
    const struct mask_header *header = reader_header(reader);
    uint64_t n;

    writer_put(writer, name);
    writer_open(writer, '{');
    writer_put_string(writer, "format", format_name(header->format));
    writer_put_string(writer, "encoding", coding_name(header->coding));
    writer_put_string(writer, "dtype",
                      header->layers == NULL ? ov_dtype_name(header->encoding.dtype) : NULL);
    if (header->layers == NULL && header->encoding.slope != 0) {
        writer_put_real(writer, "slope", header->encoding.slope);
        writer_put_real(writer, "intercept", header->encoding.intercept);
    }
    writer_put_counts(writer, "shape", header->shape, (size_t)header->ndim);
    writer_put_string(writer, "order", header->order == OV_ORDER_C ? "C" : "F");
    if (header->layers != NULL)
        writer_put_count(writer, "layers", layers_n_labels(header->layers));
    if (header->layers != NULL || reader_skipped(reader, 0, &n) != NULL)
        put_skipped(writer, reader);
    if (header->is_open_ended)
        writer_put_counts(writer, "added_slices", header->added, 2);
    writer_close(writer, '}');
}

static void write_inputs(struct writer *writer, const struct score *score)
{
    writer_open(writer, '{');
    put_input(writer, "prediction", score->readers[SCORE_PREDICTION]);
    put_input(writer, "reference", score->readers[SCORE_REFERENCE]);
    writer_close(writer, '}');
}

/* Of shared memory it would cost another pass, and say what may be different by then. */
static bool is_signed(const struct score *score)
{
    return score->request.prediction.segment == NULL && score->request.reference.segment == NULL;
}

void provenance_put(const struct score *score, struct writer *writer)
{
    struct signature signature = {""};
    struct signed_text inputs, options;
    size_t inputs_at, options_at;

    writer_put(writer, "inputs");
    inputs_at = writer->n;
    write_inputs(writer, score);
    inputs.n_bytes = writer->n - inputs_at;
    writer_put(writer, "options");
    options_at = writer->n;
    request_write(&score->request, writer);
    options.n_bytes = writer->n - options_at;
    if (!writer->failed && is_signed(score)) {
        inputs.at = writer->at + inputs_at;
        options.at = writer->at + options_at;
        signature = signature_make(score, &options, &inputs);
        if (signature.text[0] == '\0')
            writer_done(writer);
    }
    writer_put_string(writer, "signature", is_signed(score) ? signature.text : NULL);
}
