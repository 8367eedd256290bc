/* median, mean, min and max of floats. Template of reduce_kernels.h: T, ID; KEY(f), the function f of the
 * integers that are as wide; INFINITE, the bits of infinity; NOT_A_NUMBER, the largest such integer.
 *
 * A float's key is an integer that sorts like it, -0.0 below 0.0, so that the integers' kernels do the work
 * and their order of comparisons cannot show in the result. A NaN's key is what sorts it out of the way. */

typedef __typeof__(NOT_A_NUMBER) NAME(bits);

static inline bool NAME(is_nan)(NAME(bits) v)
{
	return (v & NOT_A_NUMBER) > INFINITE;
}

static inline NAME(bits) NAME(key)(NAME(bits) v)
{
	return v ^ ((v < 0 ? -1 : 0) & NOT_A_NUMBER);
}

/* Keys in place of the floats, `nan` in place of every NaN; whether there was one. */
static bool NAME(to_keys)(void *columns, unsigned n, NAME(bits) nan)
{
	NAME(bits) *restrict v = columns, found = 0;
	for (size_t i = 0; i < n * LANES; i++) {
		bool is_nan = NAME(is_nan)(v[i]);
		v[i] = is_nan ? nan : NAME(key)(v[i]);
		found |= is_nan;
	}
	return found != 0;
}

static inline T NAME(of_bits)(NAME(bits) bits)
{
	T v;
	memcpy(&v, &bits, sizeof(v));
	return v;
}

static inline T NAME(of_key)(NAME(bits) key)
{
	return NAME(of_bits)(NAME(key)(key));
}

static void NAME(from_keys)(void *out)
{
	NAME(bits) *restrict v = out;
	for (size_t i = 0; i < LANES; i++)
		v[i] = NAME(key)(v[i]);
}

static void NAME(smallest)(void *restrict out, void *restrict columns, unsigned n)
{
	NAME(to_keys)(columns, n, NOT_A_NUMBER);
	KEY(smallest)(out, columns, n);
	NAME(from_keys)(out);
}

static void NAME(largest)(void *restrict out, void *restrict columns, unsigned n)
{
	NAME(to_keys)(columns, n, -NOT_A_NUMBER - 1);
	KEY(largest)(out, columns, n);
	NAME(from_keys)(out);
}

/* Sorted, the NaNs of a window stand last: the middle is that of those before them. */
static void NAME(median_with_nans)(T *restrict out, NAME(bits) *restrict w, unsigned n)
{
	SCRATCH NAME(bits) known[LANES], low[LANES], high[LANES];
	KEY(sort)(w, n);
	memset(known, 0, sizeof(known));
	for (unsigned k = 0; k < n; k++)
		for (size_t i = 0; i < LANES; i++)
			known[i] += w[k * LANES + i] != NOT_A_NUMBER;
	memcpy(low, w, sizeof(low));
	memcpy(high, w, sizeof(high));
	for (unsigned k = 1; k < n; k++) {
		for (size_t i = 0; i < LANES; i++) {
			NAME(bits) v = w[k * LANES + i];
			low[i] = (known[i] - 1) / 2 == (NAME(bits))k ? v : low[i];
			high[i] = known[i] / 2 == (NAME(bits))k ? v : high[i];
		}
	}
	for (size_t i = 0; i < LANES; i++) {
		T a = NAME(of_key)(low[i]), b = NAME(of_key)(high[i]);
		out[i] = known[i] % 2 != 0 ? a : (a + b) / 2;
	}
}

static void NAME(median)(void *restrict out, void *restrict columns, unsigned n)
{
	SCRATCH NAME(bits) low[LANES], high[LANES];
	T *restrict o = out;
	if (NAME(to_keys)(columns, n, NOT_A_NUMBER)) {
		NAME(median_with_nans)(out, columns, n);
		return;
	}
	KEY(middle)(low, high, columns, n);
	for (size_t i = 0; i < LANES; i++)
		o[i] = (NAME(of_key)(low[i]) + NAME(of_key)(high[i])) / 2;
}

/* Adding -0.0, whose bits are those of the smallest integer, changes no sum, not even that of zeros. */
static void NAME(mean)(void *restrict out, void *restrict columns, unsigned n)
{
	SCRATCH NAME(bits) known[LANES];
	T *restrict o = out;
	const NAME(bits) *restrict w = columns;
	memset(known, 0, sizeof(known));
	for (size_t i = 0; i < LANES; i++)
		o[i] = -(T)0;
	for (unsigned k = 0; k < n; k++) {
		for (size_t i = 0; i < LANES; i++) {
			NAME(bits) v = w[k * LANES + i];
			o[i] += NAME(of_bits)(NAME(is_nan)(v) ? -NOT_A_NUMBER - 1 : v);
			known[i] += NAME(is_nan)(v) ? 0 : 1;
		}
	}
	for (size_t i = 0; i < LANES; i++)
		o[i] /= (T)known[i];
}
