#include "fs/pool.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>

enum { IDLE_SLOTS = 64 };

static const uint64_t idle_ns = 5000000000;
static const uint64_t mapped_from = 64 * KiB; /* smaller ones come from malloc */
static const uint64_t shared_from = 4 * MiB;  /* larger ones are filled by many workers */

struct idle {
	void *buf;
	uint64_t size;
	uint64_t since; /* pool->now when it came back */
};

struct pool {
	pthread_mutex_t lock; /* guards what follows */
	struct idle idle[IDLE_SLOTS];
	unsigned n_idle;
	uint64_t idle_bytes, idle_limit, now;
	uint64_t quiet_since; /* pool->now when nothing had been asked for; 0: trimmed since */
	bool asked;	      /* atomic: for a buffer, since the last look */
};

/* Small buffers come from malloc, which by itself makes an arena for each of the first threads, and each keeps
 * what was freed: some 50 MiB beside a budget of 64. One arena for all costs no time that could be measured. */
static void tame_malloc(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 256 * KiB);
	mallopt(M_TRIM_THRESHOLD, MiB);
}

struct pool *pool_new(void)
{
	tame_malloc();

	struct pool *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->idle_limit = 32 * MiB;
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void pool_limit(struct pool *p, uint64_t bytes)
{
	pthread_mutex_lock(&p->lock);
	p->idle_limit = bytes;
	pthread_mutex_unlock(&p->lock);
}

static void release(void *buf, uint64_t size)
{
	if (size >= mapped_from)
		munmap(buf, size);
	else
		free(buf);
}

void pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i < p->n_idle; i++)
		release(p->idle[i].buf, p->idle[i].size);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

uint64_t pool_round(uint64_t n)
{
	if (n <= 4 * KiB)
		return max_u64(64, pow2_at_least(n));
	uint64_t step = max_u64(4 * KiB, pow2_at_least(n) / 16);
	return ceil_div(n, step) * step;
}

static void *take_idle(struct pool *p, uint64_t size)
{
	for (unsigned i = p->n_idle; i-- > 0;)
		if (p->idle[i].size == size) {
			void *buf = p->idle[i].buf;
			p->idle_bytes -= size;
			p->idle[i] = p->idle[--p->n_idle];
			return buf;
		}
	return NULL;
}

void *pool_get(struct pool *p, uint64_t n)
{
	uint64_t size = pool_round(n);
	__atomic_store_n(&p->asked, true, __ATOMIC_RELAXED);
	if (size < mapped_from)
		return malloc(size);
	pthread_mutex_lock(&p->lock);
	void *buf = take_idle(p, size);
	pthread_mutex_unlock(&p->lock);
	if (buf != NULL)
		return buf;
	/* All of it is used at once, and one call is cheaper than a fault for each page; but not where it would
	 * keep other workers waiting, who can have those faults in parallel. */
	int populate = size < shared_from ? MAP_POPULATE : 0;
	buf = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | populate, -1,
		   0);
	if (buf == MAP_FAILED)
		return NULL;
	if (size >= shared_from)
		madvise(buf, size,
			MADV_HUGEPAGE); /* a fault for 2 MiB where the system allows it */
	return buf;
}

void pool_put(struct pool *p, void *buf, uint64_t n)
{
	uint64_t size = pool_round(n);
	if (buf == NULL)
		return;
	if (size < mapped_from) {
		free(buf);
		return;
	}
	pthread_mutex_lock(&p->lock);
	bool keep = p->n_idle < IDLE_SLOTS && p->idle_bytes + size <= p->idle_limit;
	if (keep) {
		p->idle[p->n_idle++] = (struct idle){ buf, size, p->now };
		p->idle_bytes += size;
	}
	pthread_mutex_unlock(&p->lock);
	if (!keep)
		release(buf, size);
}

void pool_trim(struct pool *p, uint64_t now)
{
	struct idle old[IDLE_SLOTS];
	unsigned n = 0;
	pthread_mutex_lock(&p->lock);
	p->now = now;
	if (__atomic_exchange_n(&p->asked, false, __ATOMIC_RELAXED))
		p->quiet_since = now;
	bool trim_small = p->quiet_since != 0 && now - p->quiet_since >= idle_ns;
	if (trim_small)
		p->quiet_since = 0;
	for (unsigned i = p->n_idle; i-- > 0;)
		if (now - p->idle[i].since >= idle_ns) {
			p->idle_bytes -= p->idle[i].size;
			old[n++] = p->idle[i];
			p->idle[i] = p->idle[--p->n_idle];
		}
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < n; i++)
		release(old[i].buf, old[i].size);
	if (trim_small) /* small buffers of many threads leave holes that are never given back else */
		malloc_trim(0);
}
