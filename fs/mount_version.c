#define FUSE_USE_VERSION 314

#include "fs/mount_version.h"

#include <fuse_lowlevel.h>
#include <linux/fuse.h>

const char *mount_version(void)
{
	return fuse_pkgversion();
}

#define TEXT(n)		      #n
#define VERSION(major, minor) TEXT(major) "." TEXT(minor)

const char *mount_protocol(void)
{
	return VERSION(FUSE_KERNEL_VERSION, FUSE_KERNEL_MINOR_VERSION);
}
