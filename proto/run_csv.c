/* run_csv.c - the same answers as tables, for spreadsheets. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/runs_impl.h"

struct sheet {
    FILE *out;
    char *text;
    size_t n_bytes;
};

/* RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it. */
static void put_text(FILE *out, const char *text)
{
    bool is_formula = *text != '\0' && strchr("=+-@\t\r", *text) != NULL;

    if (!is_formula && text[strcspn(text, "\",\r\n")] == '\0') {
        fputs(text, out);
        return;
    }
    fputs(is_formula ? "\"'" : "\"", out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* The texts of a list, with blanks between them. */
static void put_list(FILE *out, const json_t *array)
{
    size_t index;
    json_t *value;
    char joined[2048];
    size_t n = 0;

    joined[0] = '\0';
    json_array_foreach(array, index, value)
    {
        const char *text = json_string_value(value);

        if (text != NULL && n + strlen(text) + 2 < sizeof(joined))
            n += (size_t)sprintf(joined + n, "%s%s", n > 0 ? " " : "", text);
    }
    put_text(out, joined);
}

/* false where memory is out. */
static bool put_value(FILE *out, const json_t *value)
{
    char *text;

    if (value == NULL || json_is_null(value))
        return true;
    if (json_is_string(value)) {
        put_text(out, json_string_value(value));
    } else if (json_is_array(value)) {
        put_list(out, value);
    } else {
        text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (text == NULL)
            return false;
        fputs(text, out);
        free(text);
    }
    return true;
}

/* "a.b", and a number for an element of a list. */
static const json_t *find(const json_t *row, const char *column)
{
    char name[64];
    const char *dot = strchr(column, '.');
    size_t n = dot != NULL ? (size_t)(dot - column) : strlen(column);
    const json_t *value;

    snprintf(name, sizeof(name), "%.*s", (int)n, column);
    value = json_is_array(row) ? json_array_get(row, strtoul(name, NULL, 10))
                               : json_object_get(row, name);
    return dot != NULL && value != NULL ? find(value, dot + 1) : value;
}

static void put_head(FILE *out, const char *const *columns)
{
    for (size_t i = 0; columns[i] != NULL; i++)
        fprintf(out, "%s%s", i > 0 ? "," : "", columns[i]);
    fputs("\r\n", out);
}

char *run_csv(json_t *rows, const char *const *columns, size_t *ret_bytes, struct problem *reterr)
{
    struct sheet sheet = {NULL, NULL, 0};
    size_t index;
    json_t *row;
    bool ok;

    if (rows != NULL)
        sheet.out = open_memstream(&sheet.text, &sheet.n_bytes);
    ok = sheet.out != NULL;
    if (ok) {
        put_head(sheet.out, columns);
        json_array_foreach(rows, index, row)
        {
            for (size_t i = 0; columns[i] != NULL; i++) {
                if (i > 0)
                    fputc(',', sheet.out);
                ok = put_value(sheet.out, find(row, columns[i])) && ok;
            }
            fputs("\r\n", sheet.out);
        }
        ok = ferror(sheet.out) == 0 && ok;
        ok = fclose(sheet.out) == 0 && ok && sheet.text != NULL; /* glibc may say 0 */
    }
    json_decref(rows);
    if (ok) {
        *ret_bytes = sheet.n_bytes;
        return sheet.text;
    }
    free(sheet.text);
    problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the answer.");
    return NULL;
}
