#include "fs/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/cgroup.h"
#include "fs/engine_ops.h"
#include "fs/log.h"
#include "fs/sample.h"
#include "fs/sidecar_image.h"
#include "meta/label_look.h"

static const uint64_t default_least = 256 * MiB;
static const uint64_t default_most = 4 * GiB;

enum { MANY_IMAGES = 8 };

uint64_t engine_budget(const struct engine *e)
{
	return e->parts->budget;
}

void engine_longest_file(const struct engine *e, struct file_in_use *out)
{
	files_longest(e->parts->plant.files, out);
}

struct store_key engine_key(const struct dataset *d, uint32_t image, unsigned level, uint64_t index)
{
	struct maker m = image_maker(d, image, level);
	return (struct store_key){ .image = m.image, .level = m.level, .index = index };
}

static bool is_blosc(enum codec c)
{
	return c == CODEC_BLOSC_LZ4 || c == CODEC_BLOSC_LZ4HC || c == CODEC_BLOSC_ZSTD;
}

static bool sample_decides(const struct engine_config *c)
{
	return c->codec_auto && c->damaged != DAMAGED_POISON;
}

/* Codec of an image by the options; with `auto` the sample decides. Poison wants one that always fails on it. */
static void set_codec(const struct engine_config *c, struct image *im)
{
	struct err ignored;
	im->encode.dtype = im->dtype;
	im->encode.codec = c->codec_auto ? CODEC_NONE : c->codec;
	im->encode.level = c->codec_auto ? 0 : c->codec_level;
	if (c->codec_auto && !sample_decides(c))
		codec_parse("zstd", &im->encode.codec, &im->encode.level, &ignored);
	snprintf(im->codec_from.text, sizeof(im->codec_from.text), "%s",
		 !c->codec_auto	     ? "option"
		 : sample_decides(c) ? "auto"
				     : "auto, with --damaged poison");
	im->encode_coarse = im->encode;
	for (unsigned i = 0; i < im->n_overviews; i++)
		im->overviews[i]->encode = im->overviews[i]->encode_coarse = im->encode_coarse;
	if (c->damaged == DAMAGED_POISON && is_blosc(im->encode.codec))
		image_warn(im, "not every reader notices poison in Blosc: --codec zstd");
}

/* What an image asks for. One that was not weighed at the mount must fit what the mount got. */
static int weigh(struct engine_parts *p, size_t i, struct err *err)
{
	struct needs n;
	if (engine_weigh(&p->engine->data->images[i], &p->leaves[i], &n) != 0)
		return err_oom(err);
	struct store *s = p->engine->store;
	if (s == NULL || store_make_way(s, n.ordinary, n.pass, n.slot))
		return 0;
	struct text t = { 0 };
	text_add_size(&t, store_budget_needed(n.ordinary, n.pass, n.slot));
	int e = err_set(err, ENOBUFS, "its chunks need --memory of %s", t.s == NULL ? "more" : t.s);
	text_done(&t);
	return e;
}

/* By the options and its own side-car. */
static int look_at(struct engine_parts *p, size_t i, const struct scan_options *opts,
		   struct err *err)
{
	struct dataset *d = p->engine->data;
	const struct engine_config *c = &p->engine->config;
	struct scan_options facts = *opts;
	struct options own;
	int e = sidecar_image(c->options, d, &d->images[i], &own, &facts, err);
	if (e == 0)
		e = dataset_look(d, i, &facts, c->parse_all, err);
	if (e != 0)
		options_blame(&own, err);
	options_done(&own);
	return e;
}

/* What the image is, and what its sample will hold in memory. */
static int scan(struct engine_parts *p, size_t i, const struct scan_options *opts, struct err *err)
{
	struct dataset *d = p->engine->data;
	const struct engine_config *c = &p->engine->config;
	int e = look_at(p, i, opts, err);
	if (e < 0)
		return e;
	set_codec(c, &d->images[i]);
	e = weigh(p, i, err);
	if (e == 0)
		p->sample_needs[i] = sample_needs(&d->images[i]);
	return e;
}

/* -EAGAIN: the sample needs more memory than was reserved, the next try will have it. */
static int look(struct engine_parts *p, struct bench *b, size_t i, struct err *err)
{
	struct dataset *d = p->engine->data;
	struct image *im = &d->images[i];
	bool known = p->sample_needs[i] != 0;
	/* Who asks for a label has asked for its image before. */
	if (im->label != NULL && image_state(&d->images[im->parent]) == IMAGE_UNSEEN)
		return err_set(err, EBUSY, "its image was not looked at");
	int e = known ? 0 : scan(p, i, &p->engine->config.scan, err);
	if (e == 0 && im->label != NULL)
		e = label_check(d, im, &p->engine->config.scan, err);
	if (e == 0 && !known && p->budget != 0 && p->sample_needs[i] > p->look_least)
		return -EAGAIN;
	if (e == 0 && (!p->engine->config.unsampled || im->label != NULL))
		e = sample_image(&p->plant, b, im, (uint32_t)i, sample_decides(&p->engine->config),
				 &p->engine->config.scan.each, err);
	if (e == 0)
		e = weigh(p, i, err); /* with the codec that the sample decided for */
	if (e == -ENOMEM)
		return e; /* tried again by whoever asks next */
	if (e < 0) {
		struct text CLEANUP(text_done) place = { 0 };
		image_place(d, im, &place);
		im->why = *err;
		log_problem("image", im->label != NULL && !place.oom ? place.s : im->id, err->msg);
	}
	image_publish(im, e < 0 ? IMAGE_BAD : IMAGE_READY);
	return e;
}

static int look_task(void *ctx, struct bench *b, uint32_t image)
{
	struct engine_parts *p = ctx;
	struct err err = { 0 };
	const struct image *im = &p->engine->data->images[image];
	if (image_state(im) == IMAGE_UNSEEN)
		return look(p, b, image, &err);
	return image_state(im) == IMAGE_BAD ? -EIO : 0;
}

int engine_look(struct engine *e, size_t image, struct err *err)
{
	const struct image *im = &e->data->images[image];
	if (image_state(im) == IMAGE_READY)
		return 0;
	if (image_state(im) == IMAGE_BAD) {
		*err = im->why;
		return -err->code;
	}
	struct bench b;
	struct err ignored;
	if (im->label != NULL && image_state(&e->data->images[im->parent]) == IMAGE_UNSEEN &&
	    engine_look(e, im->parent, &ignored) == -ENOMEM)
		return err_oom(err);
	if (!bench_init(&b))
		return err_oom(err);
	int r;
	do
		r = look(e->parts, &b, image, err);
	while (r == -EAGAIN);
	bench_done(&b);
	return r;
}

/* Several images at once, the files of each one after another. */
struct scans {
	struct engine_parts *parts;
	struct scan_options opts;
};

/* An unusable image is met again, in order, by its first look. */
static void scan_one(void *arg, size_t i)
{
	struct scans *s = arg;
	struct err ignored;
	scan(s->parts, i, &s->opts, &ignored);
}

static void scan_together(struct engine *e, size_t n)
{
	struct scans s = { .parts = e->parts, .opts = e->config.scan };
	s.opts.each = (struct each){ 0 };
	each_run(&e->config.scan.each, n, scan_one, &s);
}

static int first_looks(struct engine *e, struct err *err)
{
	const struct dataset *d = e->data;
	size_t n = e->config.parse_all ? d->n_images : min_u64(d->n_images, ENGINE_FIRST_LOOKS);
	/* Few images have their files looked at together. */
	if (n >= MANY_IMAGES)
		scan_together(e, n);
	for (size_t i = 0; i < n; i++)
		if (engine_look(e, i, err) == -ENOMEM)
			return -ENOMEM;
	e->parts->lazy = n < d->n_images;
	return 0;
}

/* What the mount asks for: the costliest jobs of all images that were looked at. */
static int needed(struct engine *e, uint64_t *out, struct err *err)
{
	struct engine_parts *p = e->parts;
	p->largest_slot = 64 * KiB;
	p->ordinary = p->look_least;
	p->pass = 0;
	for (size_t i = 0; i < e->data->n_images; i++) {
		struct needs n;
		if (image_state(&e->data->images[i]) != IMAGE_READY)
			continue;
		if (engine_weigh(&e->data->images[i], &p->leaves[i], &n) != 0)
			return err_oom(err);
		p->ordinary = max_u64(p->ordinary, n.ordinary);
		p->pass = max_u64(p->pass, n.pass);
		p->largest_slot = max_u64(p->largest_slot, n.slot);
	}
	/* Chunks of `auto` are at most 1 MiB, whatever is looked at later; any codec may follow from a sample. */
	if (p->lazy)
		p->largest_slot = max_u64(p->largest_slot, pool_round(MiB + MiB / 8));
	*out = store_budget_needed(p->ordinary, p->pass, p->largest_slot);
	return 0;
}

/* Images that are looked at later may have larger chunks: room for them, where that costs the others little. */
static void allow_larger_slots(struct engine_parts *p)
{
	uint64_t slot = max_u64(2 * p->largest_slot, p->budget / 64);
	if (p->lazy && store_budget_needed(p->ordinary, p->pass, slot) <= p->budget)
		p->largest_slot = slot;
}

static int choose_budget(struct engine *e, struct err *err)
{
	uint64_t need = 0, asked = e->config.memory, granted = cgroup_memory();
	int rc = needed(e, &need, err);
	if (rc != 0)
		return rc;
	uint64_t budget = max_u64(default_least, min_u64(default_most, granted / 4));
	if (asked == 0 && need > budget && need <= granted / 2)
		budget = need;
	if (asked != 0)
		budget = asked;
	e->parts->budget = budget;
	allow_larger_slots(e->parts);
	pool_limit(e->parts->plant.pool, min_u64(32 * MiB, budget / 8));
	if (need <= budget)
		return 0;
	struct text CLEANUP(text_done) t = { 0 };
	text_add_size(&t, budget);
	return err_set(err, ENOBUFS,
		       "%s of %s is too little for the chunks of this source: --memory %lluM "
		       "would do",
		       asked != 0 ? "--memory" : "a budget", t.s != NULL ? t.s : "memory",
		       (unsigned long long)ceil_div(need, MiB));
}

static int make_parts(struct engine *e, struct err *err)
{
	struct engine_parts *p = e->parts;
	p->engine = e;
	p->look_least = pool_round(SAMPLE_USUAL);
	p->sample_needs = calloc(max_u64(1, e->data->n_images), sizeof(*p->sample_needs));
	p->leaves = calloc(max_u64(1, e->data->n_images), sizeof(*p->leaves));
	if (p->sample_needs == NULL || p->leaves == NULL)
		return err_oom(err);
	p->plant = (struct plant){ .oversized = &p->oversized,
				   .lost = &p->lost,
				   .data = e->data,
				   .files = files_new(e->data),
				   .pool = pool_new(),
				   .damaged = e->config.damaged };
	if (p->plant.files == NULL || p->plant.pool == NULL)
		return err_oom(err);
	int r = first_looks(e, err);
	if (r < 0)
		return r;
	r = choose_budget(e, err);
	if (r < 0)
		return r;
	struct workers_config wc = {
		.plant = &p->plant, .threads = e->config.threads, .look = look_task, .ctx = p
	};
	struct store_config sc = { .budget = p->budget,
				   .largest_slot = p->largest_slot,
				   .ordinary = p->ordinary,
				   .pass = p->pass,
				   .threads = e->config.threads,
				   .fetchers = FETCHERS,
				   .spots_max = 256 };
	p->workers = workers_new(&wc);
	e->store = store_new(&sc, &engine_ops, p);
	p->plant.store = e->store;
	return p->workers == NULL || e->store == NULL ? err_oom(err) : 0;
}

static void parts_free(struct engine *e)
{
	struct engine_parts *p = e->parts;
	store_free(e->store);
	files_free(p->plant.files);
	pool_free(p->plant.pool);
	free(p->sample_needs);
	for (size_t i = 0; p->leaves != NULL && i < e->data->n_images; i++)
		free(p->leaves[i].overviews);
	free(p->leaves);
	pthread_mutex_destroy(&p->oversized);
	pthread_mutex_destroy(&p->lost);
	free(p);
	e->parts = NULL;
	e->store = NULL;
}

int engine_new(struct dataset *data, const struct engine_config *config, struct engine *out,
	       struct err *err)
{
	*out = (struct engine){ .data = data, .config = *config };
	out->parts = calloc(1, sizeof(*out->parts));
	if (out->parts == NULL)
		return err_oom(err);
	pthread_mutex_init(&out->parts->oversized, NULL);
	pthread_mutex_init(&out->parts->lost, NULL);
	if (out->config.threads == 0)
		out->config.threads = cgroup_cores();
	int r = make_parts(out, err);
	if (r < 0) {
		workers_stop(out->parts->workers);
		parts_free(out);
	}
	return r;
}

int engine_start(struct engine *e, struct err *err)
{
	return workers_start(e->parts->workers, err);
}

bool engine_stop(struct engine *e)
{
	store_shutdown(e->store);
	if (!workers_stop(e->parts->workers))
		return false;
	parts_free(e);
	dataset_free(e->data);
	e->data = NULL;
	return true;
}
