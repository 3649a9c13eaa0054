/* backup.c - the command that copies the store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/backup.h"

#include "daemon/store.h"

bool backup_run(const struct config *config, const char *file)
{
    char error[STORE_ERROR_BYTES];
    bool ok = store_backup(config->store_path, file, error);

    if (!ok)
        fprintf(stderr, "overlapd: %s\n", error);
    return ok;
}
