/* Included by force where an analyzer runs: these never return 0, so that what follows a failure is no
 * success with outputs unset. */
#pragma once

#include "codec/err.h"

#define err_set(...)	(err_set(__VA_ARGS__), -5)
#define err_prefix(...) (err_prefix(__VA_ARGS__), -5)
#define err_oom(...)	(err_oom(__VA_ARGS__), -12)
