#define FUSE_USE_VERSION 314

#include "fs/mount_version.h"

#include <fuse_lowlevel.h>

const char *mount_version(void)
{
	return fuse_pkgversion();
}
