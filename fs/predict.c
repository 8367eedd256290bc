#include "fs/predict.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "fs/clock.h"
#include "fs/produce.h"

enum { GETS_MAX = 8 };

/* A run that decodes more is not done when the time is over. */
static const uint64_t long_run = 512 * MiB;
static const uint64_t poll_ns = 4000000;
static const uint64_t all_ns = 2000000000;

static uint64_t whole(double v)
{
	return v < (double)INT64_MAX ? (uint64_t)v : INT64_MAX;
}

/* Runs of a true level decode alike, so that the first one tells of all. */
static void reckon_true(const struct image *im, const struct level *l, struct view *out)
{
	double runs = (double)l->runs[AXIS_C];
	for (int i = 0; i < 3; i++)
		runs *= (double)im->grid.size[AXIS_Z + i] / (double)max_u64(1, l->source[i]);
	out->decoded = whole(runs * (double)l->decoded);
	out->stored = whole(runs * (double)l->stored);
}

static void reckon_sampled(const struct image *im, unsigned level, struct view *out)
{
	const struct level *zero = &im->pyramid.level[0];
	double share = (double)zero->stored / (double)max_u64(1, zero->decoded);
	uint64_t units;
	produce_sampled_decodes(im, level, &out->decoded, &units);
	out->stored = whole((double)out->decoded * share);
}

static bool is_sampled(const struct image *im, const struct view *v)
{
	return v->made == LEVEL_PREVIEW ||
	       (im->method == REDUCE_NEAREST && v->made != LEVEL_OVERVIEW);
}

/* Who makes the coarsest level, and which of its own that is. */
static const struct image *coarsest(const struct image *im, unsigned *level)
{
	const struct image *by = im->n_overviews > 0 ? im->overviews[im->n_overviews - 1] : im;
	*level = im->pyramid.n - 1 - by->first_level;
	return by;
}

bool predict_reckon(const struct image *im, struct prediction *out)
{
	if (image_state(im) != IMAGE_READY || im->pyramid.n < 2)
		return false;
	unsigned k, last = im->pyramid.n - 1;
	const struct image *by = coarsest(im, &k);
	bool stored = im->pyramid.level[last].made == LEVEL_OVERVIEW;
	*out = (struct prediction){ .level = last,
				    .has_other = !stored && im->method != REDUCE_NEAREST };
	out->made = (struct view){ .made = im->pyramid.level[last].made, .seconds = -1 };
	out->other = (struct view){ .seconds = -1 };
	out->other.made = out->made.made == LEVEL_PREVIEW ? LEVEL_TRUE : LEVEL_PREVIEW;
	struct view *ways[] = { &out->made, &out->other };
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		if (is_sampled(by, ways[i]))
			reckon_sampled(by, k, ways[i]);
		else
			reckon_true(by, &by->pyramid.level[k], ways[i]);
	}
	return true;
}

/* Decoded bytes of a strip or tile, on average over a page. */
static uint64_t unit_bytes(const struct image *im)
{
	const struct tiff_page *k = &im->kind;
	uint64_t pixel = (k->planar ? 1 : k->samples) * im->grid.voxel;
	if (k->tiled)
		return (uint64_t)k->unit_h * k->unit_w * pixel;
	return k->width * pixel * k->height / max_u64(1, k->units_y);
}

/* What shows how far a view has come: bytes read where rows are read alone, of a true level, else strips and tiles. */
struct gauge {
	struct engine *engine;
	bool bytes;
	uint64_t all; /* of the view */
};

static void gauge_init(struct engine *e, const struct image *im, unsigned level,
		       const struct view *v, struct gauge *out)
{
	uint64_t bytes;
	*out = (struct gauge){ .engine = e };
	if (is_sampled(im, v)) {
		produce_sampled_decodes(im, level, &bytes, &out->all);
		return;
	}
	out->bytes = image_raw_rows(im, &im->kind);
	out->all = out->bytes ? v->stored : v->decoded / max_u64(1, unit_bytes(im));
}

static uint64_t gauge_read(const struct gauge *g)
{
	struct store_stats s;
	store_stats(g->engine->store, &s);
	return g->bytes ? s.bytes_fetched : s.strips_decoded;
}

/* Requests on their way. */
struct trial {
	uint32_t image; /* who makes it, for dataset_image */
	unsigned level;
	bool long_runs;	      /* one is enough */
	bool whole;	      /* what they ask for is the whole view */
	pthread_mutex_t lock; /* guards `left` */
	pthread_cond_t answered;
	unsigned left;
	unsigned n;
	uint64_t serial[GETS_MAX];
};

static void answered(void *data, UNUSED const struct answer *a)
{
	struct trial *t = data;
	pthread_mutex_lock(&t->lock);
	t->left--;
	pthread_cond_signal(&t->answered);
	pthread_mutex_unlock(&t->lock);
}

/* True when all are answered. */
static bool wait_a_little(struct trial *t)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	uint64_t ns = (uint64_t)at.tv_nsec + poll_ns;
	at.tv_sec += (time_t)(ns / 1000000000);
	at.tv_nsec = (long)(ns % 1000000000);
	pthread_mutex_lock(&t->lock);
	if (t->left > 0)
		pthread_cond_timedwait(&t->answered, &t->lock, &at);
	bool all = t->left == 0;
	pthread_mutex_unlock(&t->lock);
	return all;
}

static void wait_for_all(struct trial *t)
{
	pthread_mutex_lock(&t->lock);
	while (t->left > 0)
		pthread_cond_wait(&t->answered, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

/* Asks for the first chunks of some runs, evenly apart and elsewhere at each call: what was read once comes from
 * memory and says nothing of the rest. */
static void ask(struct engine *e, struct trial *t)
{
	const struct level *l = &dataset_image(e->data, t->image)->pyramid.level[t->level];
	uint64_t runs = level_run_count(l), from = clock_ns() / 1000 % runs;
	t->n = t->left = (unsigned)min_u64(t->long_runs ? 1 : GETS_MAX, runs);
	t->whole &= t->n == runs;
	for (unsigned i = 0; i < t->n; i++) {
		uint64_t run = (from + i * (runs / t->n)) % runs;
		t->serial[i] = store_serial(e->store);
		struct get g = {
			.key = { t->image, t->level, level_run_chunk(l, run, 0) },
			.kind = WAIT_TAKE,
			.serial = t->serial[i],
			.done = answered,
			.data = t,
		};
		store_get(e->store, &g);
	}
}

/* Seconds that the whole view takes, by what came until the last was seen, or until all was done; below 0: nothing
 * came. A few large strips are given more time. */
static double watch(const struct gauge *g, struct trial *t)
{
	uint64_t start = clock_ns(), now = start, last = start;
	uint64_t before = gauge_read(g), seen = before,
		 few = g->bytes ? 1 : 2 * g->engine->config.threads;
	bool all = false;
	ask(g->engine, t);
	while (!all && now - start < (seen - before < few ? 2 * PREDICT_NS : PREDICT_NS)) {
		all = wait_a_little(t);
		uint64_t n = gauge_read(g);
		now = clock_ns();
		last = all || n > seen ? now : last;
		seen = n;
	}
	double took = (double)(last - start) / 1e9;
	if (all && t->whole)
		return took;
	return seen > before ? took * (double)g->all / (double)(seen - before) : -1;
}

/* What was given up may go on for a moment. */
static bool is_idle(struct engine *e)
{
	struct store_stats s;
	uint64_t start = clock_ns();
	do {
		store_stats(e->store, &s);
		if (s.running == 0)
			return true;
		struct timespec moment = { .tv_nsec = (long)poll_ns };
		nanosleep(&moment, NULL);
	} while (clock_ns() - start < 2 * PREDICT_NS);
	return false;
}

/* Of the true levels the finest whose runs last long enough, else the coarsest: all of them go by the same speed. 0:
 * there is none. */
static unsigned true_level(const struct image *im)
{
	const struct pyramid *p = &im->pyramid;
	unsigned k = 0;
	while (k + 1 < p->n && p->level[k + 1].made == LEVEL_TRUE &&
	       (k == 0 || p->level[k].decoded < long_run))
		k++;
	return k;
}

static void measure(struct engine *e, uint32_t image, const struct prediction *p, struct view *v)
{
	struct maker m = image_maker(e->data, image, p->level);
	const struct image *im = dataset_image(e->data, m.image);
	bool stored = v->made == LEVEL_OVERVIEW;
	unsigned level = is_sampled(im, v) || stored ? m.level : true_level(im);
	struct trial t = {
		.image = m.image,
		.level = level,
		.long_runs = !is_sampled(im, v) && im->pyramid.level[level].decoded >= long_run,
		/* A chunk that is read alone is not its run. */
		.whole = level == m.level && !(stored && produce_lone_pays(im)),
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct gauge g;
	pthread_condattr_t attr;
	if ((level == 0 && !stored) || !is_idle(e) || pthread_condattr_init(&attr) != 0)
		return;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_cond_init(&t.answered, &attr) == 0) {
		gauge_init(e, im, m.level, v, &g);
		v->seconds = watch(&g, &t);
		for (unsigned i = 0; i < t.n; i++)
			store_cancel(e->store, t.serial[i]);
		wait_for_all(&t);
		pthread_cond_destroy(&t.answered);
	}
	pthread_condattr_destroy(&attr);
}

void predict_measure(struct engine *e, uint32_t image, struct prediction *p)
{
	measure(e, image, p, &p->made);
	if (p->has_other && p->other.made == LEVEL_TRUE)
		measure(e, image, p, &p->other);
}

struct prediction *predict_all(struct engine *e)
{
	size_t n = e->data->n_images;
	struct prediction *p = calloc(max_u64(1, n), sizeof(*p));
	struct err err;
	if (p == NULL)
		return NULL;
	uint64_t start = clock_ns();
	bool started = engine_start(e, &err) == 0;
	for (size_t i = 0; i < n; i++)
		if (predict_reckon(&e->data->images[i], &p[i]) && started &&
		    clock_ns() - start < all_ns)
			predict_measure(e, (uint32_t)i, &p[i]);
	return p;
}
