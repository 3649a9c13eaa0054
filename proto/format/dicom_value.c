/* dicom_value.c - the values of DICOM data elements. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/bytes.h"
#include "proto/format/dicom.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define REAL_BYTES_MAX 16 /* PS3.5, 6.2: DS */
#define REAL_MAX       1e9
#define NATURAL_MAX    2147483647 /* IS */
#define NATURAL_DIGITS 12

static bool is_padding(char c)
{
    return c == ' ' || c == '\0';
}

static struct dicom_text trim(struct dicom_text text)
{
    for (; text.n > 0 && is_padding(*text.at); text.n--)
        text.at++;
    while (text.n > 0 && is_padding(text.at[text.n - 1]))
        text.n--;
    return text;
}

struct dicom_text dicom_text(const struct dicom_element *element)
{
    return trim((struct dicom_text){(const char *)element->value, element->n_value});
}

bool dicom_text_is(struct dicom_text text, const char *other)
{
    return strlen(other) == text.n && memcmp(text.at, other, text.n) == 0;
}

bool dicom_unsigned(const struct dicom *file, const struct dicom_element *element,
                    uint16_t *ret_value, struct problem *reterr)
{
    if (element->n_value != 2)
        return dicom_bad(file, element, "is not one number of 16 bits", reterr);
    *ret_value = (uint16_t)bytes_unsigned(element->value, 2, BYTES_LITTLE);
    return true;
}

bool dicom_natural(const struct dicom *file, const struct dicom_element *element,
                   uint32_t *ret_value, struct problem *reterr)
{
    struct dicom_text text = dicom_text(element);
    uint64_t value = 0;
    bool good = text.n > 0 && text.n <= NATURAL_DIGITS;

    for (size_t i = 0; i < text.n && good; i++) {
        good = text.at[i] >= '0' && text.at[i] <= '9';
        value = 10 * value + (uint64_t)(text.at[i] - '0');
    }
    if (!good || value > NATURAL_MAX)
        return dicom_bad(file, element, "is not a natural number", reterr);
    *ret_value = (uint32_t)value;
    return true;
}

static bool parse_real(struct dicom_text text, double *ret_value)
{
    char number[REAL_BYTES_MAX + 1];
    char *end;

    text = trim(text);
    if (text.n == 0 || text.n > REAL_BYTES_MAX)
        return false;
    memcpy(number, text.at, text.n);
    number[text.n] = '\0';
    /* strtod also knows words and hexadecimal digits. */
    if (strspn(number, "0123456789+-.eE") != text.n)
        return false;
    *ret_value = strtod(number, &end);
    return end == number + text.n && fabs(*ret_value) <= REAL_MAX;
}

bool dicom_reals(const struct dicom *file, const struct dicom_element *element, double *ret_values,
                 size_t n, struct problem *reterr)
{
    const char *at = (const char *)element->value;
    const char *end = at + element->n_value;
    char what[64];

    for (size_t i = 0; i < n; i++) {
        const char *stop = i + 1 < n ? memchr(at, '\\', (size_t)(end - at)) : end;

        if (stop == NULL ||
            !parse_real((struct dicom_text){at, (size_t)(stop - at)}, &ret_values[i])) {
            snprintf(what, sizeof(what), "is not %zu decimal number%s up to 1e9", n,
                     n > 1 ? "s" : "");
            return dicom_bad(file, element, what, reterr);
        }
        at = i + 1 < n ? stop + 1 : end;
    }
    return true;
}
