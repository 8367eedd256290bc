#include "meta/told_bytes.h"

#include <errno.h>

int bytes_read(const struct reader *r, uint64_t off, uint64_t n, uint8_t **out, struct err *err)
{
	*out = NULL;
	if (off > r->size || n > r->size - off)
		return 0;
	CLEANUP(freep) uint8_t *b = malloc(n + 1);
	if (b == NULL)
		return err_oom(err);
	int rc = reader_exact(r, b, n, off, err);
	/* The file has become shorter. */
	if (rc == -ENODATA)
		return 0;
	if (rc != 0)
		return rc;
	b[n] = 0;
	*out = STEAL(b);
	return 1;
}
