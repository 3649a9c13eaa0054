/* dashboard.h - the pages for people: what stands in daemon/dashboard/, as part of the program. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DASHBOARD_H
#define DAEMON_DASHBOARD_H

#include <stdbool.h>

struct job;

/* The handlers of / and of /dashboard/{file}. They hold no data: anybody may have them. */
bool dashboard_page(struct job *job);
bool dashboard_file(struct job *job);

#endif
