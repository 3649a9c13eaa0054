/* clock.h - the monotonic clock. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include <stdint.h>

uint64_t clock_ns(void);
uint64_t clock_ms(void);
double clock_seconds(uint64_t ns);

#endif
