/* `mode`. A voxel counts itself and those behind it that equal it, so that only the first of equal voxels
 * has their full count, and wins; of several such the first, since a later one must have more. A NaN equals
 * nothing, not even itself, and so has a count of 0, with which it wins only where all are NaN.
 * Template of reduce_kernels.h: T, ID, COUNT (signed, as wide as T); NOT_NAN for floats. */

#ifdef NOT_NAN
#define ITSELF(v) ((COUNT)NOT_NAN(v))
#else
#define ITSELF(v) ((COUNT)1)
#endif
#define SAME(v, w)	((COUNT)((v) == (w)))
#define RIVAL(v, count) NAME(rival)(&best, &most, v, (COUNT)(count))

static inline void NAME(rival)(T *best, COUNT *most, T v, COUNT count)
{
	*best = count > *most ? v : *best;
	*most = count > *most ? count : *most;
}

static void NAME(mode4)(T *restrict out, const T *restrict w)
{
	for (size_t i = 0; i < LANES; i++) {
		T a = w[i], b = w[LANES + i], c = w[2 * LANES + i], d = w[3 * LANES + i], best = a;
		COUNT most = (COUNT)(ITSELF(a) + SAME(a, b) + SAME(a, c) + SAME(a, d));
		RIVAL(b, ITSELF(b) + SAME(b, c) + SAME(b, d));
		RIVAL(c, ITSELF(c) + SAME(c, d));
		RIVAL(d, ITSELF(d));
		out[i] = best;
	}
}

static void NAME(mode8)(T *restrict out, const T *restrict w)
{
	for (size_t i = 0; i < LANES; i++) {
		T a = w[i], b = w[LANES + i], c = w[2 * LANES + i], d = w[3 * LANES + i];
		T e = w[4 * LANES + i], f = w[5 * LANES + i], g = w[6 * LANES + i];
		T h = w[7 * LANES + i], best = a;
		COUNT most = (COUNT)(ITSELF(a) + SAME(a, b) + SAME(a, c) + SAME(a, d) + SAME(a, e) +
				     SAME(a, f) + SAME(a, g) + SAME(a, h));
		RIVAL(b, ITSELF(b) + SAME(b, c) + SAME(b, d) + SAME(b, e) + SAME(b, f) +
				 SAME(b, g) + SAME(b, h));
		RIVAL(c,
		      ITSELF(c) + SAME(c, d) + SAME(c, e) + SAME(c, f) + SAME(c, g) + SAME(c, h));
		RIVAL(d, ITSELF(d) + SAME(d, e) + SAME(d, f) + SAME(d, g) + SAME(d, h));
		RIVAL(e, ITSELF(e) + SAME(e, f) + SAME(e, g) + SAME(e, h));
		RIVAL(f, ITSELF(f) + SAME(f, g) + SAME(f, h));
		RIVAL(g, ITSELF(g) + SAME(g, h));
		RIVAL(h, ITSELF(h));
		out[i] = best;
	}
}

static void NAME(count_same)(COUNT *restrict count, const T *restrict v, const T *restrict w)
{
	for (size_t i = 0; i < LANES; i++)
		count[i] = (COUNT)(count[i] + SAME(v[i], w[i]));
}

static void NAME(mode_any)(T *restrict out, const T *restrict w, unsigned n)
{
	SCRATCH COUNT most[LANES], count[LANES];
	memset(most, 0, sizeof(most));
	memcpy(out, w, REDUCE_COLUMN);
	for (unsigned k = 0; k < n; k++) {
		const T *v = w + k * LANES;
		for (size_t i = 0; i < LANES; i++)
			count[i] = ITSELF(v[i]);
		for (unsigned j = k + 1; j < n; j++)
			NAME(count_same)(count, v, w + j * LANES);
		for (size_t i = 0; i < LANES; i++)
			NAME(rival)(&out[i], &most[i], v[i], count[i]);
	}
}

static void NAME(mode)(void *out, void *columns, unsigned n)
{
	if (n == 8)
		NAME(mode8)(out, columns);
	else if (n == 4)
		NAME(mode4)(out, columns);
	else
		NAME(mode_any)(out, columns, n);
}

#undef ITSELF
#undef SAME
#undef RIVAL
