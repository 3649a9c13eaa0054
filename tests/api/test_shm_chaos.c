/* test_shm_chaos.c - a client that truncates, grows and rewrites what is being scored. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/harness.h"

#include <dirent.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

/* A small pair, counted on the loop, and a large one, counted by workers in parts. */
#define SMALL_BYTES ((size_t)32 << 10)
#define LARGE_BYTES ((size_t)5 << 20)

#define N_REGIONS    2
#define ANSWER_BYTES 65536

static struct daemon *server;
static char fd_path[128];
static int regions[N_REGIONS];
static const size_t region_bytes[N_REGIONS] = {2 * SMALL_BYTES, 2 * LARGE_BYTES};
static atomic_bool stopped;

/* A slow machine ends after MAX_SECONDS, and says how far it came. The address sanitizer is who
 * would see what a client's changes do. */
#ifdef __SANITIZE_ADDRESS__
#define N_REQUESTS  100000
#define MAX_SECONDS 120
#else
#define N_REQUESTS  20000
#define MAX_SECONDS 30
#endif

/* SHM_CHAOS_REQUESTS asks for more or fewer, and for all of them. */
static long n_requests(void)
{
    const char *text = getenv("SHM_CHAOS_REQUESTS");

    return text != NULL ? strtol(text, NULL, 10) : N_REQUESTS;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- the one who makes trouble --------------------------------------------------------------- */

static void disturb(int region, size_t n_bytes, uint64_t *state)
{
    static const uint8_t labels[4096] = {1, 2, 1, 0, 2, 2, 3};
    off_t at = (off_t)(next_random(state) % n_bytes);

    switch (next_random(state) % 5) {
    case 0:
        (void)!ftruncate(region, at);
        break;
    case 1:
        (void)!pwrite(region, labels, 1 + next_random(state) % sizeof labels, at);
        break;
    case 2:
        (void)!fallocate(region, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, 8192);
        break;
    default:
        (void)!ftruncate(region, (off_t)n_bytes);
    }
}

static void *make_trouble(void *argument)
{
    uint64_t state = 88172645463325252;

    (void)argument;
    while (!stopped) {
        size_t which = next_random(&state) % N_REGIONS;

        disturb(regions[which], region_bytes[which], &state);
        if (next_random(&state) % 4 == 0)
            (void)!ftruncate(regions[which], (off_t)region_bytes[which]);
        if (next_random(&state) % 8 == 0) /* others need the processor too */
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
    return NULL;
}

/* ---- the one who asks ------------------------------------------------------------------------ */

static int connect_mailbox(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int made = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", fd_path);
    assert_true(made >= 0);
    assert_int_equal(connect(made, (const struct sockaddr *)&address, sizeof address), 0);
    return made;
}

static void send_text(int mailbox, const char *text, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {{0}};
    struct iovec part = {(char *)(uintptr_t)text, strlen(text)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    assert_int_equal(sendmsg(mailbox, &message, MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static json_t *receive(int mailbox)
{
    static char text[ANSWER_BYTES];
    ssize_t n = recv(mailbox, text, sizeof text, 0);
    json_t *answer;

    if (n <= 0)
        daemon_print_log(server);
    assert_true(n > 0);
    answer = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(answer);
    return answer;
}

/* Registered whole, although somebody shortens it now and then. */
static void register_region(int mailbox, size_t which, char handle[64])
{
    bool whole = false;

    while (!whole) {
        json_t *answer;
        const char *text;

        send_text(mailbox, "{\"op\":\"register\"}", regions[which]);
        answer = receive(mailbox);
        text = json_string_value(json_object_get(answer, "handle"));
        whole =
            (size_t)json_integer_value(json_object_get(answer, "byte_size")) == region_bytes[which];
        snprintf(handle, 64, "%s", text != NULL ? text : "");
        json_decref(answer);
        if (text != NULL && !whole) {
            char request[192];

            snprintf(request, sizeof request, "{\"op\":\"unregister\",\"handle\":\"%s\"}", handle);
            send_text(mailbox, request, -1);
            json_decref(receive(mailbox));
        }
    }
}

static int begin_session(char handles[N_REGIONS][64])
{
    int mailbox = connect_mailbox();

    for (size_t i = 0; i < N_REGIONS; i++)
        register_region(mailbox, i, handles[i]);
    return mailbox;
}

static long long at(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* tp + fp + fn + tn is every voxel, and every voxel has one label in each mask. */
static void check_class(const json_t *class, long long n_voxels, long long *sums)
{
    long long tp = at(class, "tp"), fp = at(class, "fp"), fn = at(class, "fn");

    assert_true(tp >= 0 && fp >= 0 && fn >= 0 && n_voxels - tp - fp - fn >= 0);
    assert_int_equal(tp + fp, at(class, "prediction"));
    assert_int_equal(tp + fn, at(class, "reference"));
    sums[0] += tp + fp;
    sums[1] += tp + fn;
}

static void check_answer(const json_t *answer, size_t n_voxels)
{
    long long sums[2] = {0, 0};
    size_t i;
    json_t *class;

    assert_int_equal(at(answer, "voxels"), n_voxels);
    check_class(json_object_get(answer, "background"), (long long)n_voxels, sums);
    json_array_foreach(json_object_get(answer, "classes"), i, class)
        check_class(class, (long long)n_voxels, sums);
    assert_int_equal(sums[0], n_voxels);
    assert_int_equal(sums[1], n_voxels);
}

/* One pair of one region, viewed in one of several ways; how many voxels it has. */
static size_t compose(char *text, size_t cap, size_t which, const char *place, uint64_t *state)
{
    size_t half = region_bytes[which] / 2;
    const char *layout = "";
    char shape[64];

    snprintf(shape, sizeof shape, "[%zu]", half);
    switch (next_random(state) % 3) {
    case 0:
        snprintf(shape, sizeof shape, "[64,%zu]", half / 128);
        layout = which == 0 ? ",\"strides\":[512,2]" : ",\"strides\":[81920,2]";
        half = half / 2;
        break;
    case 1:
        snprintf(shape, sizeof shape, "[%zu,64]", half / 64);
        layout = which == 0 ? ",\"strides\":[1,512]" : ",\"strides\":[1,81920]";
        break;
    default:
        break;
    }
    snprintf(text, cap,
             "{\"op\":\"score\",\"prediction\":{%s,\"dtype\":\"uint8\",\"shape\":%s%s},"
             "\"reference\":{%s,\"dtype\":\"uint8\",\"shape\":%s,\"offset\":%zu%s}}",
             place, shape, layout, place, shape, region_bytes[which] / 2, layout);
    return half;
}

struct tally {
    long scored;
    long truncated;
    long too_small;
};

static void ask(int mailbox, char handles[N_REGIONS][64], uint64_t *state, struct tally *tally)
{
    size_t which = next_random(state) % 256 == 0;
    bool once = next_random(state) % 8 == 0;
    char place[80], text[1024];
    size_t n_voxels;
    json_t *answer;

    if (once)
        snprintf(place, sizeof place, "\"fd\":0");
    else
        snprintf(place, sizeof place, "\"handle\":\"%s\"", handles[which]);
    n_voxels = compose(text, sizeof text, which, place, state);
    send_text(mailbox, text, once ? regions[which] : -1);
    answer = receive(mailbox);
    if (json_is_true(json_object_get(answer, "ok"))) {
        check_answer(answer, n_voxels);
        tally->scored++;
    } else {
        const char *code = json_string_value(json_object_get(answer, "code"));

        assert_non_null(code);
        tally->truncated += strcmp(code, "shm-truncated") == 0;
        tally->too_small += strcmp(code, "shm-too-small") == 0;
        assert_true(strcmp(code, "shm-truncated") == 0 || strcmp(code, "shm-too-small") == 0);
    }
    json_decref(answer);
}

static size_t count_fds(void)
{
    char path[64];
    size_t n = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)server->pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

/* The daemon closes what a client leaves a moment later. */
static void expect_fds(size_t wanted)
{
    for (int tries = 0; tries < 1000 && count_fds() > wanted; tries++)
        poll(NULL, 0, 10);
    assert_true(count_fds() <= wanted);
}

static double seconds_since(const struct timespec *from)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

static bool may_go_on(const struct timespec *from)
{
    return getenv("SHM_CHAOS_REQUESTS") != NULL || seconds_since(from) < MAX_SECONDS;
}

static void no_client_hurts_the_daemon_through_its_own_memory(void **state)
{
    uint64_t random = 2463534242;
    struct tally tally = {0, 0, 0};
    char handles[N_REGIONS][64];
    size_t n_fds = count_fds();
    struct timespec from;
    pthread_t troublemaker;
    int mailbox = -1;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(pthread_create(&troublemaker, NULL, make_trouble, NULL), 0);
    for (long i = 0, n = n_requests(); i < n && may_go_on(&from); i++) {
        if (i % 1000 == 0) { /* leave, now and then without the last answer */
            if (mailbox >= 0 && i % 2000 == 0)
                send_text(mailbox, "{\"op\":\"score\"}", regions[0]);
            if (mailbox >= 0)
                close(mailbox);
            mailbox = begin_session(handles);
        }
        ask(mailbox, handles, &random, &tally);
    }
    stopped = true;
    pthread_join(troublemaker, NULL);
    close(mailbox);
    printf("# %ld scored, %ld truncated, %ld too small, %.1f s\n", tally.scored, tally.truncated,
           tally.too_small, seconds_since(&from));
    assert_true(tally.scored > 0 && tally.truncated > 0);
    expect_fds(n_fds);
}

static int begin(void **state)
{
    static char option[160];
    const char *const options[] = {"--shm.enabled=yes", option, NULL};

    (void)state;
    snprintf(fd_path, sizeof fd_path, "/tmp/overlapd-test-%d.fd", (int)getpid());
    snprintf(option, sizeof option, "--listen.fd=%s", fd_path);
    for (size_t i = 0; i < N_REGIONS; i++) {
        regions[i] = memfd_create("mask", MFD_CLOEXEC);
        if (regions[i] < 0 || ftruncate(regions[i], (off_t)region_bytes[i]) != 0)
            return -1;
    }
    server = daemon_start(options);
    return 0;
}

static int end(void **state)
{
    (void)state;
    daemon_stop(server);
    for (size_t i = 0; i < N_REGIONS; i++)
        close(regions[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_client_hurts_the_daemon_through_its_own_memory),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
