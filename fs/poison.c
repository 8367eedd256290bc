#include "fs/poison.h"

/* Neither a zstd frame nor a zlib stream begins like this, nor does any version of Blosc have its first
 * byte's number. */
static const char text[] = "NGFFUSE: this chunk cannot be made, the log of ngffuse says why.\n";

void poison_fill(uint8_t *out, uint64_t off, uint64_t n)
{
	enum { LENGTH = sizeof(text) - 1 };
	for (uint64_t i = 0; i < n; i++)
		out[i] = (uint8_t)text[(off + i) % LENGTH];
}
