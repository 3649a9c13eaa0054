/* config_keys.h - every configuration key, once: parser, --help, sample file and /v1/info read it.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CONFIG_KEYS_H
#define DAEMON_CONFIG_KEYS_H

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

/*
 * Type, section, key, default as written, lowest, highest, choices, help.
 *   TEXT     any text                  ENUM     one of the choices
 *   UINT     a count                   OCTAL    a file mode
 *   BYTES    a size; K, M, G, T        SECONDS  a time, three decimals; lowest and highest in ms
 */
#define CONFIG_MAP(X)                                                                            \
    X(TEXT, listen, tcp, "127.0.0.1:8040", 0, 0, "",                                             \
      "TCP address, [IPv6]:port too; empty for none; port 0 takes a free one")                   \
    X(TEXT, listen, unix, "", 0, 0, "", "path of a Unix socket; empty for none")                 \
    X(OCTAL, listen, unix_mode, "0660", 0, 0777, "", "file mode of the Unix sockets")            \
    X(TEXT, listen, fd, "", 0, 0, "",                                                            \
      "path of the Unix socket that takes descriptors of shared memory; empty for none")         \
    X(TEXT, listen, tls_cert, "", 0, 0, "",                                                      \
      "certificate in PEM, its chain after it: TCP connections speak TLS; empty for none")       \
    X(TEXT, listen, tls_key, "", 0, 0, "", "its private key in PEM")                             \
    X(UINT, workers, threads, "0", 0, 1024, "",                                                  \
      "threads that take any job, beside one for small jobs; 0 for one per core")                \
    X(UINT, workers, jobs, "256", 1, 65536, "", "jobs that may queue for a thread")              \
    X(BYTES, limits, head_bytes, "20K", 8192, MIB, "",                                           \
      "a request's head and what is made of it; an open connection takes as much memory")        \
    X(BYTES, limits, body_bytes, "256M", 1, TIB, "", "a body as sent, and once decoded")         \
    X(BYTES, limits, decoded_bytes, "1G", 1, TIB, "", "one mask, decoded")                       \
    X(UINT, limits, voxels, "1073741824", 1, TIB, "", "voxels of one mask")                      \
    X(UINT, limits, labels, "1024", 1, 65536, "", "distinct labels scored")                      \
    X(UINT, limits, confusion_labels, "256", 1, 4096, "", "labels of a confusion matrix")        \
    X(UINT, limits, regions, "64", 0, 4096, "", "regions scored")                                \
    X(BYTES, limits, request_bytes, "64K", 1, GIB, "", "the request part of a multipart body")   \
    X(UINT, limits, json_depth, "32", 1, 1024, "", "nesting of JSON")                            \
    X(UINT, limits, json_values, "4194304", 1, 16777216, "", "values in JSON")                   \
    X(UINT, limits, parts, "8", 1, 1024, "", "parts of a multipart body")                        \
    X(BYTES, limits, part_header_bytes, "4K", 128, 65536, "", "the headers of one part")         \
    X(UINT, limits, overlay_pixels, "1048576", 1, 16777216, "", "pixels of an overlay")          \
    X(UINT, limits, overlay_slices, "4096", 1, 65536, "", "slices of a volume with an overlay")  \
    X(UINT, limits, runs, "10000", 1, 1000000, "", "runs kept")                                  \
    X(UINT, limits, run_cases, "1000000", 1, 100000000, "", "cases kept of one run")             \
    X(UINT, limits, polls, "128", 0, 2000, "", "requests that may wait for a run to change")     \
    X(UINT, limits, connections, "512", 1, 100000, "", "connections open, per listener")         \
    X(UINT, limits, connections_per_address, "64", 0, 100000, "",                                \
      "TCP connections open from one address; 0 for no limit")                                   \
    X(UINT, limits, waiting, "256", 0, 2000, "", "uploads that may wait for memory")             \
    X(UINT, limits, share, "75", 1, 100, "",                                                     \
      "percent of memory and of each queue that one user may have: a token, uid or address")     \
    X(BYTES, limits, budget_bytes, "0", 0, TIB, "",                                              \
      "memory for bodies and masks; 0 for a quarter of the machine's or cgroup's")               \
    X(SECONDS, timeouts, header, "10", 10, 3600000, "", "until a request's headers are there")   \
    X(SECONDS, timeouts, body, "30", 10, 3600000, "",                                            \
      "until a body is there, if body_rate allows")                                              \
    X(BYTES, timeouts, body_rate, "64K", 1, TIB, "", "bytes a second that extend timeouts.body") \
    X(SECONDS, timeouts, write, "60", 10, 3600000, "", "until the client has taken the answer")  \
    X(SECONDS, timeouts, idle, "60", 10, 3600000, "", "between two requests of a connection")    \
    X(SECONDS, timeouts, queue, "30", 10, 3600000, "", "waiting for memory, and for a thread")   \
    X(SECONDS, timeouts, worker, "300", 0, 86400000, "",                                         \
      "for one job, beyond which its thread counts as stuck and the watchdog is fed no more; "   \
      "0 for no limit")                                                                          \
    X(SECONDS, timeouts, drain_delay, "0", 0, 3600000, "",                                       \
      "from SIGTERM until new connections are refused")                                          \
    X(SECONDS, timeouts, drain, "30", 0, 3600000, "", "for requests to end, after that")         \
    X(TEXT, store, path, "", 0, 0, "",                                                           \
      "file that runs and their cases are kept in; empty: nothing is kept")                      \
    X(UINT, store, retention_days, "0", 0, 36500, "",                                            \
      "cases kept longer ago are forgotten; 0 for none")                                         \
    X(UINT, store, retention_cases, "0", 0, TIB, "",                                             \
      "cases kept in all; beyond, the oldest are forgotten; 0 for no limit")                     \
    X(ENUM, store, commit, "group", 0, 0, "group|single",                                        \
      "single commits each result on its own, to measure what groups gain")                      \
    X(ENUM, auth, mode, "token", 0, 0, "token|none",                                             \
      "none asks nobody for a token, even on a TCP address that is not loopback")                \
    X(TEXT, auth, tokens_file, "", 0, 0, "",                                                     \
      "file of the tokens; empty for systemd's credential of the name tokens, if there is one")  \
    X(UINT, auth, failures, "10", 0, 1000000, "",                                                \
      "bad tokens a second from one address, beyond which it gets 429; 0 for no limit")          \
    X(TEXT, auth, unix_uids, "", 0, 0, "",                                                       \
      "user ids that may use the Unix socket, with commas between them; empty with unix_gids "   \
      "for all who can open it")                                                                 \
    X(TEXT, auth, unix_gids, "", 0, 0, "", "group ids that may use the Unix socket")             \
    X(TEXT, http, allowed_hosts, "", 0, 0, "",                                                   \
      "Host names answered, with commas between them; empty for all, on loopback for its own")   \
    X(TEXT, http, cors_origins, "", 0, 0, "",                                                    \
      "origins of web pages that may use the daemon, such as https://a.example:8443; empty for " \
      "none but its own")                                                                        \
    X(ENUM, kernels, isa, "auto", 0, 0, "auto|scalar|avx2|avx512|neon",                          \
      "instruction set that counts; results do not depend on it")                                \
    X(ENUM, shm, enabled, "no", 0, 0, "yes|no",                                                  \
      "yes takes masks in shared memory, over Unix sockets")                                     \
    X(TEXT, shm, prefixes, "/psm_, /overlap_", 0, 0, "",                                         \
      "what the key of a named region may begin with, with commas between them")                 \
    X(TEXT, shm, uids, "self", 0, 0, "",                                                         \
      "users who may: numbers, self for the daemon's own, any; with commas between them")        \
    X(UINT, shm, regions, "256", 1, 65536, "", "regions and handles registered, of all users")   \
    X(UINT, shm, regions_per_uid, "64", 1, 65536, "", "of one user")                             \
    X(BYTES, shm, bytes_per_uid, "64G", 1, TIB, "", "their bytes, of one user")                  \
    X(SECONDS, shm, idle, "600", 10, 86400000, "",                                               \
      "until a named region nobody uses is forgotten")                                           \
    X(UINT, shm, connections, "32", 1, 1024, "", "connections to listen.fd open")                \
    X(ENUM, log, level, "info", 0, 0, "error|warn|info|debug", "debug logs every request")       \
    X(ENUM, log, format, "logfmt", 0, 0, "logfmt|json", "how a line is written")                 \
    X(ENUM, log, access, "no", 0, 0, "yes|no", "yes logs every request, one line each")

#endif
