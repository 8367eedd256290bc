/* median, mean, min and max of integers. Template of reduce_kernels.h: T, ID; SIGNED where T is; WIDE, in
 * which a window's sum fits, where there is such a type. Right shifts of negative numbers round down, with
 * every compiler that is supported. */

static inline T NAME(lesser)(T a, T b)
{
	return a < b ? a : b;
}

static inline T NAME(greater)(T a, T b)
{
	return a > b ? a : b;
}

static inline void NAME(order)(T *a, T *b)
{
	T lesser = NAME(lesser)(*a, *b);
	*b = NAME(greater)(*a, *b);
	*a = lesser;
}

static void NAME(smallest)(void *restrict out, void *restrict columns, unsigned n)
{
	T *restrict o = out;
	const T *restrict v = columns;
	memcpy(o, v, REDUCE_COLUMN);
	for (unsigned k = 1; k < n; k++)
		for (size_t i = 0; i < LANES; i++)
			o[i] = NAME(lesser)(o[i], v[k * LANES + i]);
}

static void NAME(largest)(void *restrict out, void *restrict columns, unsigned n)
{
	T *restrict o = out;
	const T *restrict v = columns;
	memcpy(o, v, REDUCE_COLUMN);
	for (unsigned k = 1; k < n; k++)
		for (size_t i = 0; i < LANES; i++)
			o[i] = NAME(greater)(o[i], v[k * LANES + i]);
}

static void NAME(order_columns)(T *restrict a, T *restrict b)
{
	for (size_t i = 0; i < LANES; i++)
		NAME(order)(&a[i], &b[i]);
}

/* Sorts every window by Batcher's network of odd-even merges. */
static void NAME(sort)(T *w, unsigned n)
{
	for (unsigned p = 1; p < n; p *= 2)
		for (unsigned k = p; k > 0; k /= 2)
			for (unsigned i = k % p; i + k < n; i++)
				if ((i - k % p) / k % 2 == 0 && i / (2 * p) == (i + k) / (2 * p))
					NAME(order_columns)(w + i * LANES, w + (i + k) * LANES);
}

static inline void NAME(sort4)(T *a, T *b, T *c, T *d)
{
	NAME(order)(a, b);
	NAME(order)(c, d);
	NAME(order)(a, c);
	NAME(order)(b, d);
	NAME(order)(b, c);
}

static void NAME(middle4)(T *restrict low, T *restrict high, const T *restrict w)
{
	for (size_t i = 0; i < LANES; i++) {
		T a = w[i], b = w[LANES + i], c = w[2 * LANES + i], d = w[3 * LANES + i];
		NAME(order)(&a, &b);
		NAME(order)(&c, &d);
		T e = NAME(greater)(a, c), f = NAME(lesser)(b, d);
		low[i] = NAME(lesser)(e, f);
		high[i] = NAME(greater)(e, f);
	}
}

/* Two sorted halves, one of them turned round, side by side: the lesser of each pair are the lower half
 * of all. */
static void NAME(middle8)(T *restrict low, T *restrict high, const T *restrict w)
{
	for (size_t i = 0; i < LANES; i++) {
		T a = w[i], b = w[LANES + i], c = w[2 * LANES + i], d = w[3 * LANES + i];
		T e = w[4 * LANES + i], f = w[5 * LANES + i], g = w[6 * LANES + i];
		T h = w[7 * LANES + i];
		NAME(sort4)(&a, &b, &c, &d);
		NAME(sort4)(&e, &f, &g, &h);
		NAME(order)(&a, &h);
		NAME(order)(&b, &g);
		NAME(order)(&c, &f);
		NAME(order)(&d, &e);
		low[i] = NAME(greater)(NAME(greater)(a, b), NAME(greater)(c, d));
		high[i] = NAME(lesser)(NAME(lesser)(e, f), NAME(lesser)(g, h));
	}
}

/* The middle two of each window. */
static void NAME(middle)(T *restrict low, T *restrict high, T *restrict w, unsigned n)
{
	if (n == 8) {
		NAME(middle8)(low, high, w);
	} else if (n == 4) {
		NAME(middle4)(low, high, w);
	} else {
		NAME(sort)(w, n);
		memcpy(low, w + (n / 2 - 1) * LANES, REDUCE_COLUMN);
		memcpy(high, w + n / 2 * LANES, REDUCE_COLUMN);
	}
}

/* Half the sum without the sum, rounded down, and then toward zero. */
static inline T NAME(half)(T a, T b)
{
	T down = (T)((a & b) + ((a ^ b) >> 1));
#ifdef SIGNED
	return (T)(down + ((a ^ b) & (down < 0)));
#else
	return down;
#endif
}

static void NAME(median)(void *restrict out, void *restrict columns, unsigned n)
{
	SCRATCH T low[LANES], high[LANES];
	T *restrict o = out;
	NAME(middle)(low, high, columns, n);
	for (size_t i = 0; i < LANES; i++)
		o[i] = NAME(half)(low[i], high[i]);
}

static void NAME(mean)(void *restrict out, void *restrict columns, unsigned n)
{
	T *restrict o = out;
	const T *restrict v = columns;
	int shift = __builtin_ctz(n);
#ifdef WIDE
	SCRATCH WIDE sum[LANES];
	for (size_t i = 0; i < LANES; i++)
		sum[i] = (WIDE)(n / 2);
	for (unsigned k = 0; k < n; k++)
		for (size_t i = 0; i < LANES; i++)
			sum[i] = (WIDE)(sum[i] + v[k * LANES + i]);
	for (size_t i = 0; i < LANES; i++)
		o[i] = (T)(sum[i] >> shift);
#else
	/* Quotients and remainders by n are summed each for themselves: neither overflows. */
	SCRATCH T rest[LANES];
	for (size_t i = 0; i < LANES; i++) {
		o[i] = 0;
		rest[i] = (T)(n / 2);
	}
	for (unsigned k = 0; k < n; k++) {
		for (size_t i = 0; i < LANES; i++) {
			o[i] += v[k * LANES + i] >> shift;
			rest[i] += v[k * LANES + i] & (T)(n - 1);
		}
	}
	for (size_t i = 0; i < LANES; i++)
		o[i] += rest[i] >> shift;
#endif
}
