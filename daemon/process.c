/* process.c - what the process takes of the machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

double process_cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return NAN;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* NUL-terminated; no stream, as each would allocate. */
static bool read_file(const char *path, char *text, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return false;
    n = read(fd, text, cap - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The 22nd field, in ticks since the machine started; the second is a name that may hold blanks. */
double process_start_seconds(void)
{
    char text[1024];
    struct timespec now;
    struct timespec up;
    const char *at;

    if (!read_file("/proc/self/stat", text, sizeof(text)) ||
        clock_gettime(CLOCK_REALTIME, &now) != 0 || clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return NAN;
    at = strrchr(text, ')');
    for (int i = 2; i < 22 && at != NULL; i++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return NAN;
    return (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) / 1e9 +
           strtod(at, NULL) / (double)sysconf(_SC_CLK_TCK);
}

/* /proc/self/statm: pages in all, pages resident, ... */
static double pages_bytes(int index)
{
    char text[128];
    char *at = text;
    double n = 0;

    if (!read_file("/proc/self/statm", text, sizeof(text)))
        return NAN;
    for (int i = 0; i <= index; i++)
        n = strtod(at, &at);
    return n * (double)sysconf(_SC_PAGESIZE);
}

double process_resident_bytes(void)
{
    return pages_bytes(1);
}

double process_virtual_bytes(void)
{
    return pages_bytes(0);
}

/* Without the one that looks, and the folder's own two entries. */
double process_open_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    double n = -3;

    if (folder == NULL)
        return NAN;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

double process_max_fds(void)
{
    struct rlimit files;

    return getrlimit(RLIMIT_NOFILE, &files) == 0 ? (double)files.rlim_cur : NAN;
}
