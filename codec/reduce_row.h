/* A row in blocks, and `nearest`: for voxels of one width, whatever they mean.
 * Template of reduce_kernels.h: T, ID. */

typedef T NAME(loose) __attribute__((aligned(1), may_alias));

/* LANES * fx voxels to fx columns, `apart` voxels from one to the next. */
static void NAME(split)(T *restrict w, size_t apart, const void *restrict from, unsigned fx)
{
	const NAME(loose) *restrict s = from;
	T *restrict a = w, *restrict b = w + apart;
	if (fx == 1) {
		memcpy(w, from, REDUCE_COLUMN);
	} else if (fx == 2) {
		for (size_t i = 0; i < LANES; i++) {
			a[i] = s[2 * i];
			b[i] = s[2 * i + 1];
		}
	} else {
		T *restrict c = b + apart, *restrict d = c + apart;
		for (size_t i = 0; i < LANES; i++) {
			a[i] = s[4 * i];
			b[i] = s[4 * i + 1];
			c[i] = s[4 * i + 2];
			d[i] = s[4 * i + 3];
		}
	}
}

/* The last block of a row, from voxel x on: mirrored up to the end of its last window, 0 behind. */
static void NAME(finish)(T *restrict to, const void *restrict row, uint64_t x, uint64_t n_in,
			 unsigned fx)
{
	const NAME(loose) *restrict s = row;
	memset(to, 0, 4 * LANES * sizeof(T));
	memcpy(to, s + x, (n_in - x) * sizeof(T));
	for (uint64_t i = n_in; i % fx != 0; i++)
		to[i - x] = s[reduce_mirror(i, n_in)];
}

static void NAME(row)(const struct reduce_call *c)
{
	SCRATCH T columns[REDUCE_WINDOW * LANES], last[4 * LANES], out[LANES];
	unsigned fx = c->step.x, fy = c->step.y, n = (unsigned)c->step.z * fy * fx;
	uint64_t n_out = ceil_div(c->n_in, fx);
	for (uint64_t i = 0; i < n_out; i += LANES) {
		bool whole = (i + LANES) * fx <= c->n_in;
		for (unsigned r = 0; r < n / fx; r++) {
			const NAME(loose) *s = c->rows[r];
			T *first = columns + (r / fy * fy * fx + r % fy) * LANES;
			if (!whole)
				NAME(finish)(last, s, i * fx, c->n_in, fx);
			const void *from = whole ? (const void *)(s + i * fx) : last;
			NAME(split)(first, fy * LANES, from, fx);
		}
		c->block(out, columns, n);
		memcpy((uint8_t *)c->dst + i * sizeof(T), out,
		       min_u64(LANES, n_out - i) * sizeof(T));
	}
}

static void NAME(nearest)(void *out, void *columns, unsigned n)
{
	(void)n;
	memcpy(out, columns, REDUCE_COLUMN);
}
