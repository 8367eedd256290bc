/* The versions of libfuse in use and of the kernel's protocol, for `ngffuse -V`. */
#pragma once

const char *mount_version(void); /* "3.14.0" */

/* The newest protocol that this program was built for, "7.38". */
const char *mount_protocol(void);
