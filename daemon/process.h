/* process.h - what the process takes of the machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

/* Each NaN where the system does not tell. */
double process_cpu_seconds(void);
double process_start_seconds(void); /* since 1970 */
double process_resident_bytes(void);
double process_virtual_bytes(void);
double process_open_fds(void);
double process_max_fds(void);

#endif
