/* config_file.c - the configuration from an INI file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_file.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

/* Debian's inih does not pass line numbers, so the reader counts lines for the handler. */
struct file {
    FILE *stream;
    const char *path;
    struct config *config;
    int line;
    int error_line; /* of the first error that is not syntax */
    struct config_error *reterr;
    bool seen[CONFIG_N_KEYS];
};

static int fail(struct file *file, const char *what, const char *name)
{
    if (file->error_line == 0)
        file->error_line = file->line;
    config_fail(file->reterr, "%s:%d: %s%s", file->path, file->line, what, name);
    return 0;
}

/* inih tells of sections only where they have keys; an unknown one is an error without any. And it
 * ignores what follows one in its line. */
static void check_section(struct file *file, const char *line)
{
    char name[CONFIG_TEXT_BYTES];
    size_t n;

    line += strspn(line, " \t");
    if (*line != '[')
        return;
    n = strcspn(line + 1, "]\r\n");
    if (n >= sizeof(name))
        n = sizeof(name) - 1;
    memcpy(name, line + 1, n);
    name[n] = '\0';
    if (!config_has_section(name))
        fail(file, "unknown section ", name);
    line += 1 + strcspn(line + 1, "]\r\n");
    line += *line == ']';
    line += strspn(line, " \t\r\n");
    if (*line != '\0' && *line != ';' && *line != '#')
        fail(file, "a key needs a line of its own after section ", name);
}

static char *read_line(char *line, int cap, void *stream)
{
    struct file *file = stream;
    size_t n;

    if (fgets(line, cap, file->stream) == NULL)
        return NULL;
    file->line++;
    n = strlen(line);
    if (n == (size_t)cap - 1 && line[n - 1] != '\n')
        fail(file, "the line is too long", "");
    check_section(file, line);
    return line;
}

static int take_key(void *user, const char *section, const char *name, const char *value)
{
    struct file *file = user;
    struct config_error error = {""};
    const struct config_key *key = config_find(section, name);
    size_t n;
    size_t index;

    if (key == NULL)
        return fail(file, "unknown key ", name);
    index = (size_t)(key - config_keys(&n));
    if (file->seen[index])
        return fail(file, "given twice: ", name);
    file->seen[index] = true;
    if (!config_set(file->config, key, value, &error))
        return fail(file, error.text, "");
    return 1;
}

bool config_file_load(struct config *config, const char *path, struct config_error *reterr)
{
    struct file file = {.path = path, .config = config, .reterr = reterr};
    struct config_error later = {""};
    int syntax_line;

    file.stream = fopen(path, "re");
    if (file.stream == NULL)
        return config_fail(reterr, "%s: %s", path, strerror(errno));
    file.reterr = &later;
    syntax_line = ini_parse_stream(read_line, &file, take_key, &file);
    if (ferror(file.stream))
        config_fail(reterr, "%s: %s", path, strerror(errno));
    fclose(file.stream);
    if (syntax_line > 0 && (file.error_line == 0 || syntax_line < file.error_line))
        config_fail(reterr, "%s:%d: neither [section] nor key = value", path, syntax_line);
    if (later.text[0] != '\0')
        config_fail(reterr, "%s", later.text);
    return reterr->text[0] == '\0';
}
