/* A preloaded library: the program is killed while it answers the first question about a file's attributes. */
#include <signal.h>
#include <unistd.h>

int fuse_reply_attr(void);

int fuse_reply_attr(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}
