/* Lists in Micro-Manager's summary: names of positions, and what is said of each channel. Internal to
 * meta/told_mm_*.c. All return 0 or -ENOMEM. */
#pragma once

#include "meta/json_scan.h"
#include "meta/told_mm_summary.h"

enum mm_channel_fact { MM_NAMES, MM_COLORS, MM_MINIMA, MM_MAXIMA };

/* [{"Label": "Pos0", ..}, ..]; the first such list that holds anything counts. */
int mm_labels_read(struct mm_summary *s, struct json_scan *j);

/* Drops them where they do not tell positions apart. */
int mm_labels_settle(struct mm_summary *s);

/* One value a channel. */
int mm_channels_read(struct mm_summary *s, enum mm_channel_fact what, struct json_scan *j);
