#include "codec/reduce.h"

#include <stdatomic.h>
#include <string.h>

#include "codec/reduce_version.h"

/* Each version asks for what CMakeLists.txt lets the compiler use, no more. */
const struct reduce_version *reduce_version(unsigned i)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && i-- == 0)
		return &reduce_avx512;
	if (__builtin_cpu_supports("avx2") && i-- == 0)
		return &reduce_avx2;
	if (__builtin_cpu_supports("sse4.2") && i-- == 0)
		return &reduce_sse42;
#endif
	return i == 0 ? &reduce_baseline : NULL;
}

const char *reduce_version_name(const struct reduce_version *v)
{
	return v->name;
}

static size_t log2_size(enum dtype t)
{
	return (size_t)__builtin_ctzl(dtype_size(t));
}

void reduce_row_by(const struct reduce_version *v, enum reduce_method m, enum dtype t, void *dst,
		   const void *const *rows, struct reduce_step step, uint64_t n_in)
{
	if (m == REDUCE_NEAREST)
		step.z = step.y = 1;
	struct reduce_call c = { dst, rows, n_in, step, v->block[m][t] };
	if (step.z * step.y * step.x == 1)
		memcpy(dst, rows[0], n_in * dtype_size(t));
	else
		v->row[log2_size(t)](&c);
}

void reduce_row(enum reduce_method m, enum dtype t, void *dst, const void *const *rows,
		struct reduce_step step, uint64_t n_in)
{
	static _Atomic(const struct reduce_version *) best;
	const struct reduce_version *v = atomic_load_explicit(&best, memory_order_relaxed);
	if (v == NULL) {
		v = reduce_version(0);
		atomic_store_explicit(&best, v, memory_order_relaxed);
	}
	reduce_row_by(v, m, t, dst, rows, step, n_in);
}
