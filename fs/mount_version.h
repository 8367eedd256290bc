/* The version of libfuse in use, for `ngffuse -V`. */
#pragma once

const char *mount_version(void); /* "3.14.0" */
