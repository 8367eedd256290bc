/* Every allocation and every read of the program fails once (and all from there on), one after another, until
 * a whole run of the scenario had none that failed: opening a source, reading all of it, `info`, options. Then
 * nothing crashes, hangs or is lost, every answer is an error or right, and afterwards everything is right.
 * NGFFUSE_FAILING=N: every N-th of them; else the first hundred and every STRIDE-th. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "fs/info.h"
#include "fs/log.h"
#include "fs/sidecar.h"
#include "fs/source.h"
#include "fs/status.h"
#include "fs/store_task.h"
#include "meta/documents.h"
#include "tests/unit/failing.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/tiny_tree.h"
#include "tests/unit/unit_fixture.h"

enum { PLANES = 3, MAX_ITEMS = 400, FIRST_ONES = 100, STRIDE = 7, HANG_SECONDS = 30 };

static uint8_t painted[PLANES][W * H * 2];

/* ---- sources ---- */

/* Planes s_0.tif .., written by libtiff. */
static void make_painted(uint16_t compression, uint16_t predictor, bool tiled)
{
	struct recipe a = { .compression = compression,
			    .predictor = predictor,
			    .tiled = tiled,
			    .bits = compression == COMPRESSION_JPEG ? 8 : 16,
			    .format = 1,
			    .samples = 1 };
	for (int z = 0; z < PLANES; z++) {
		char path[32];
		paint(painted[z], &a, (size_t)W * H);
		write_file(&a, painted[z]);
		snprintf(path, sizeof(path), "src/s_%d.tif", z);
		tiny_bytes(path, mem.b, mem.n);
	}
}

static void make_raw(void)
{
	make_painted(COMPRESSION_NONE, 1, false);
}

static void make_lzw(void)
{
	make_painted(COMPRESSION_LZW, 2, false);
}

static void make_packbits(void)
{
	make_painted(COMPRESSION_PACKBITS, 1, true);
}

static void make_deflate(void)
{
	make_painted(COMPRESSION_ADOBE_DEFLATE, 2, true);
}

static void make_zstd(void)
{
	make_painted(COMPRESSION_ZSTD, 1, false);
}

static void make_jpeg(void)
{
	make_painted(COMPRESSION_JPEG, 1, false);
}

/* Files of several pages, by what their descriptions say; black. */
static void make_pages(void)
{
	static const char ome[] =
		"<?xml version=\"1.0\"?><OME "
		"xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">"
		"<Image ID=\"Image:0\"><Pixels ID=\"Pixels:0\" DimensionOrder=\"XYZCT\" "
		"Type=\"uint8\" "
		"SizeX=\"20\" SizeY=\"10\" SizeZ=\"2\" SizeC=\"1\" SizeT=\"1\">"
		"<TiffData FirstZ=\"0\" IFD=\"0\" PlaneCount=\"2\"/></Pixels></Image></OME>";
	static const char imagej[] = "ImageJ=1.53\nimages=2\nslices=2\n";
	static const char shaped[] = "{\"shape\": [2, 10, 20]}";
	static const char series[] = "{\"shape\": [1, 10, 20]}";
	struct tiny_page first = GRAY(20, 10), second = GRAY(20, 10), other = GRAY(40, 20);
	first.unit = 3;
	first.num = 1000;
	first.den = 3;
	first.description = ome;
	tiny_pages(PAGES(first, second), "src/ome.tif");
	first.description = imagej;
	tiny_pages(PAGES(first, second), "src/ij/i_1.tif");
	tiny_pages(PAGES(first, second), "src/ij/i_2.tif");
	first.description = shaped;
	tiny_pages(PAGES(first, second, other), "src/shaped.tif");
	first.description = series;
	second.description = shaped;
	tiny_pages(PAGES(first, second), "src/series.tif");
}

/* Names that tell axes and channels, a duplicate, a stranger and a damaged file. */
static void make_names(void)
{
	for (int t = 0; t < 2; t++)
		for (int z = 0; z < 2; z++) {
			tiny_pages(PAGES(GRAY(20, 10)), "src/a/im_t%02d_z%02d_DAPI.tif", t, z);
			tiny_pages(PAGES(GRAY(20, 10)), "src/a/im_t%02d_z%02d_GFP.tif", t, z);
		}
	tiny_pages(PAGES(GRAY(20, 10)), "src/b/em_7.tif");
	tiny_pages(PAGES(GRAY(20, 10)), "src/b/em_9.tif");
	tiny_pages(PAGES(GRAY(24, 10)), "src/b/other.tif");
	tiny_bytes("src/b/em_8.tif", "no TIFF at all", 14);
}

/* Labels in their folder, one that does not fit, one with a palette, and one from elsewhere. */
static void make_labels(void)
{
	struct tiny_page palette = GRAY(20, 10);
	palette.photometric = 3;
	for (int z = 0; z < 2; z++) {
		tiny_pages(PAGES(GRAY(20, 10)), "src/s_%d.tif", z);
		tiny_pages(PAGES({ .w = 20, .h = 10, .bits = 16, .photometric = 1 }),
			   "src/labels/a/b/s_%d.tif", z);
		tiny_pages(PAGES(palette), "src/labels/a/c/s_%d.tif", z);
		tiny_pages(PAGES(GRAY(21, 10)), "src/labels/s_%d.tif", z);
		tiny_pages(PAGES(GRAY(20, 10)), "elsewhere/s_%d.tif", z);
	}
}

/* One level is stored, the next made from that. */
static void make_overviews(void)
{
	for (int z = 0; z < 2; z++)
		tiny_pages(
			PAGES(GRAY(40, 20), { .w = 20, .h = 10, .photometric = 1, .subfile = 1 }),
			"src/s_%d.tif", z);
}

/* Of the folder and of one of its files, and one that is of no use. */
static void make_sidecars(void)
{
	static const char folder[] =
		"{\"group\": \"none\", \"voxel-size\": [1, 2, 3], \"windows\": [[0, 9]],"
		"\"channel-names\": [\"a, b\"], \"label\": null}";
	static const char file[] =
		"{\"voxel-size\": [4, 5], \"unit\": \"um\", \"name\": \"x\", \"codec\": \"zlib\"}";
	tiny_pages(PAGES(GRAY(20, 10)), "src/s_1.tif");
	tiny_pages(PAGES(GRAY(20, 10), GRAY(20, 10)), "src/s_2.tif");
	tiny_bytes("src/ngffuse.json", folder, sizeof(folder) - 1);
	tiny_bytes("src/s_1.ngffuse.json", file, sizeof(file) - 1);
	tiny_bytes("src/s_3.ngffuse.json", file, sizeof(file) - 1);
}

static const struct source_case {
	const char *name;
	void (*make)(void);
	const char *args[5];
	bool known;   /* the voxels are those painted */
	bool sampled; /* the codec is decided by a sample */
} cases[] = {
	{ "raw", make_raw, { "--codec", "none" }, true, false },
	{ "LZW", make_lzw, { "--codec", "none" }, true, false },
	{ "PackBits tiles", make_packbits, { "--codec", "none" }, true, false },
	{ "Deflate tiles", make_deflate, { "--codec", "none" }, true, false },
	{ "ZSTD", make_zstd, { "--codec", "none" }, true, false },
	{ "JPEG to Blosc", make_jpeg, { "--codec", "blosc-lz4" }, false, false },
	{ "raw to zlib", make_raw, { "--codec", "zlib" }, false, false },
	{ "raw to zstd", make_raw, { "--codec", "zstd" }, false, false },
	{ "auto", make_lzw, { "--codec", "auto" }, false, true },
	{ "pages", make_pages, { "--codec", "none" }, false, false },
	{ "names", make_names, { "--codec", "none" }, false, false },
	{ "pattern",
	  make_names,
	  { "--pattern", "a/im_t{t}_z{z}_{c:*}.tif", "--codec", "none" },
	  false,
	  false },
	{ "side-cars", make_sidecars, { "--codec", "none" }, false, false },
	{ "labels", make_labels, { "--label", "d=elsewhere" }, false, true },
	{ "overviews", make_overviews, { "--overviews", "use", "--codec", "none" }, false, false },
};

/* ---- everything that a source shows ---- */

struct item {
	char path[96]; /* of a document, or of a chunk's image; labels are found by their number */
	bool chunk;
	uint32_t image;
	uint64_t index, planes; /* of a chunk; of its image along z */
	struct text right;
};

static struct item items[MAX_ITEMS];
static size_t n_items;

struct opened_source {
	struct options options;
	struct source source;
	struct tree tree;
};

static int open_source(const struct source_case *c, struct opened_source *s, struct err *e)
{
	char *argv[16] = { (char[]){ "ngffuse" },	(char[]){ "cat" },
			   (char[]){ "--chunk-shape" }, (char[]){ "1,16,16" },
			   (char[]){ "--threads" },	(char[]){ "2" } };
	int n = 6;
	for (size_t i = 0; i < ARRAY_SIZE(c->args) && c->args[i] != NULL; i++)
		argv[n++] = (char *)(uintptr_t)c->args[i];
	argv[n++] = (char[]){ "src" };
	argv[n++] = (char[]){ ".zattrs" };
	bool usage;
	int rc = options_parse(n, argv, &s->options, e);
	if (rc == 0)
		rc = sidecar_load(&s->options, &usage, e);
	if (rc == 0)
		rc = options_check(&s->options, e);
	if (rc == 0)
		rc = source_open(&s->options, &s->source, &usage, e);
	if (rc == 0)
		tree_init(&s->tree, s->source.engine.data, false, false);
	else
		options_done(&s->options);
	return rc;
}

static void close_source(struct opened_source *s)
{
	ck_assert(source_close(&s->source));
	options_done(&s->options);
}

struct landing {
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t arrived;
	bool answered;
	int error;
	struct text *out;
};

static void land(void *data, const struct answer *a)
{
	struct landing *l = data;
	pthread_mutex_lock(&l->lock);
	if (a->kind == ANSWER_BYTES)
		text_addn(l->out, (const char *)a->bytes, a->len);
	l->error = a->kind == ANSWER_BYTES ? 0 : a->error != 0 ? a->error : EPROTO;
	l->answered = true;
	pthread_cond_signal(&l->arrived);
	pthread_mutex_unlock(&l->lock);
}

/* 0 or an errno value; ETIME: no answer; EXDEV: the image has fewer planes. */
static int get_chunk(struct opened_source *s, const struct item *item, struct text *out)
{
	static struct landing l;
	struct timespec until;
	l = (struct landing){ .lock = PTHREAD_MUTEX_INITIALIZER,
			      .arrived = PTHREAD_COND_INITIALIZER,
			      .out = out };
	const struct dataset *d = s->source.engine.data;
	size_t image = item->image;
	if (image >= d->n_images || strcmp(d->images[image].id, item->path) != 0)
		image = dataset_find(d, item->path, strlen(item->path));
	if (image == d->n_images)
		return ENOENT;
	struct err e = { 0 };
	int rc = engine_look(&s->source.engine, image, &e);
	if (rc != 0)
		return -rc;
	if (d->images[image].grid.size[AXIS_Z] < item->planes)
		return EXDEV;
	if (item->index >= grid_chunk_count(&d->images[image].grid))
		return ENOENT;
	struct store_key key = { .image = (uint32_t)image, .index = item->index };
	struct get get = { .key = key, .kind = WAIT_TAKE, .done = land, .data = &l };
	store_get(s->source.engine.store, &get);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HANG_SECONDS;
	pthread_mutex_lock(&l.lock);
	while (!l.answered && rc == 0)
		rc = pthread_cond_timedwait(&l.arrived, &l.lock, &until);
	rc = l.answered ? l.error : ETIME;
	pthread_mutex_unlock(&l.lock);
	return out->oom ? ENOMEM : rc;
}

static int get_document(struct opened_source *s, const struct item *item, struct text *out)
{
	struct node node;
	struct err e = { 0 };
	uint32_t image;
	int rc = tree_resolve(&s->tree, item->path, &node);
	while (rc == -EAGAIN) {
		rc = engine_look(&s->source.engine, node.image, &e);
		if (rc == 0)
			rc = tree_resolve(&s->tree, item->path, &node);
	}
	while (rc == 0 && tree_needs_look(&s->tree, &node, &image))
		if (engine_look(&s->source.engine, image, &e) == -ENOMEM)
			rc = -ENOMEM;
	if (rc == 0)
		rc = document_make(&s->tree, &node, out);
	return rc == 0 && out->oom ? ENOMEM : -rc;
}

static int get_item(struct opened_source *s, const struct item *item, struct text *out)
{
	return item->chunk ? get_chunk(s, item, out) : get_document(s, item, out);
}

static struct item *new_item(void)
{
	ck_assert_uint_lt(n_items, MAX_ITEMS);
	return &items[n_items++];
}

static void list_image(const struct dataset *d, uint32_t i)
{
	static const char *const documents[] = { ".zattrs", ".zmetadata", "0/.zarray" };
	const struct image *im = &d->images[i];
	struct text CLEANUP(text_done) place = { 0 };
	image_place(d, im, &place);
	for (size_t k = 0; k < ARRAY_SIZE(documents); k++) {
		struct item *item = new_item();
		snprintf(item->path, sizeof(item->path), "%s/%s", place.s, documents[k]);
	}
	if (im->n_labels > 0)
		snprintf(new_item()->path, sizeof(items[0].path), "%s/labels/.zattrs", place.s);
	if (image_state(im) != IMAGE_READY)
		return;
	for (uint64_t k = 0; k < grid_chunk_count(&im->grid); k++) {
		struct item *item = new_item();
		item->chunk = true;
		item->image = i;
		item->index = k;
		item->planes = im->grid.size[AXIS_Z];
		snprintf(item->path, sizeof(item->path), "%s", im->id);
	}
}

static void check_voxels(const struct image *im, const struct item *item)
{
	struct grid_chunk c;
	grid_chunk_at(&im->grid, item->index, &c);
	for (uint64_t y = c.lo[AXIS_Y]; y < c.hi[AXIS_Y]; y++)
		ck_assert_mem_eq(item->right.s + (y - c.lo[AXIS_Y]) * im->grid.chunk[AXIS_X] * 2,
				 painted[c.lo[AXIS_Z]] + (y * W + c.lo[AXIS_X]) * 2,
				 (c.hi[AXIS_X] - c.lo[AXIS_X]) * 2);
}

/* What is there, while nothing fails. A chunk over damage, a document of an unusable image: an error. */
static void learn(const struct source_case *c)
{
	struct opened_source s;
	struct err e = { 0 };
	ck_assert_msg(open_source(c, &s, &e) == 0, "%s", e.msg);
	const struct dataset *d = s.source.engine.data;
	ck_assert_uint_gt(d->n_images, 0);
	for (uint32_t i = 0; i < d->n_images; i++)
		list_image(d, i);
	ck_assert_int_eq(engine_start(&s.source.engine, &e), 0);
	size_t good = 0;
	for (size_t i = 0; i < n_items; i++) {
		bool ok = get_item(&s, &items[i], &items[i].right) == 0;
		good += ok;
		if (!ok)
			text_done(&items[i].right);
		if (ok && c->known && items[i].chunk)
			check_voxels(&d->images[0], &items[i]);
		ck_assert(ok || !c->known);
	}
	ck_assert_uint_gt(good, 0);
	close_source(&s);
}

static void forget(void)
{
	for (size_t i = 0; i < n_items; i++)
		text_done(&items[i].right);
	memset(items, 0, sizeof(items));
	n_items = 0;
}

/* ---- the rounds ---- */

static const char *const whats[] = { "nothing", "allocation", "read", "short read", "signal" };

struct round {
	const struct source_case *c;
	enum failing_what what;
	bool lasting, lossy;
	uint64_t n;
	unsigned failed; /* items of the first reading */
	uint64_t planes; /* a bit for each whose chunks failed */
};

static void PRINTF(2, 3) complain(const struct round *r, const char *fmt, ...);

static void complain(const struct round *r, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	const char *hit = failing_hit();
	failing_end();
	failing_show();
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ck_abort_msg("%s: %s %llu%s (%s): %s", r->c->name, whats[r->what], (unsigned long long)r->n,
		     r->lasting ? " and all later ones" : "", hit != NULL ? hit : "none", text);
}

static const char *name_of(const struct item *item)
{
	static char text[160];
	snprintf(text, sizeof(text), "chunk %llu of %.90s", (unsigned long long)item->index,
		 item->path);
	return item->chunk ? text : item->path;
}

/* Storage that fails while the source is opened leaves planes damaged and names unlisted for as long as it is
 * open, a page that cannot be read may count as a plane, and what a sample decides is decided without it. */
static bool may_differ(const struct round *r, const struct item *item)
{
	return r->lossy && (!item->chunk || r->c->sampled);
}

/* All of it. `whole`: errors are none but those that were there before anything failed. */
static void read_all(struct round *r, struct opened_source *s, bool whole)
{
	for (size_t i = 0; i < n_items; i++) {
		const struct item *item = &items[i];
		if (may_differ(r, item))
			continue;
		struct text got = { 0 };
		int e = get_item(s, item, &got);
		bool same = got.len == item->right.len &&
			    (got.len == 0 || memcmp(got.s, item->right.s, got.len) == 0);
		text_done(&got);
		bool bad_anyway = item->right.s == NULL;
		if (e == 0 && !same)
			complain(r, "%s: wrong bytes", name_of(item));
		if (e == EXDEV)
			complain(r, "%s: planes were left out", name_of(item));
		if (e == ETIME)
			complain(r, "%s: no answer", name_of(item));
		if (e != 0 && e != ENOMEM && e != EIO && !bad_anyway && !r->lossy)
			complain(r, "%s: %s", name_of(item), strerror(e));
		if (e != 0 && whole && !bad_anyway && !r->lossy)
			complain(r, "%s: fails later, too: %s", name_of(item), strerror(e));
		r->failed += e != 0 && !bad_anyway;
		if (e != 0 && !bad_anyway && item->chunk)
			r->planes |= (uint64_t)1 << item->index / 6 % 64;
	}
}

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(dir);
	unsigned n = 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Who asks now must not join what has failed already: read-ahead that is under way. */
static void settle(const struct round *r, struct opened_source *s)
{
	const struct timespec moment = { .tv_nsec = 100000 };
	for (unsigned i = 0; !store_idle(s->source.engine.store); i++) {
		if (i == HANG_SECONDS * 10000)
			complain(r, "a task never ends");
		nanosleep(&moment, NULL);
	}
}

/* After the failures: I/O errors are remembered for a second. */
static void read_again(struct round *r, struct opened_source *s)
{
	failing_clock(1100000000);
	read_all(r, s, true);
	failing_clock(0);
}

/* Something fails while the source is opened. */
static uint64_t round_open(struct round *r)
{
	struct opened_source s;
	struct err e = { 0 };
	failing_begin(r->what, r->n, r->lasting);
	r->lossy = r->what == FAIL_READ;
	int rc = open_source(r->c, &s, &e);
	uint64_t counted = failing_end();
	r->lossy &= counted >= r->n;
	if (rc != 0 && (e.code != -rc || e.msg[0] == '\0'))
		complain(r, "%d with code %d and the sentence '%s'", rc, e.code, e.msg);
	if (rc != 0 && r->what == FAIL_ALLOCATION && e.code != ENOMEM)
		complain(r, "%s", e.msg);
	if (rc != 0 && (r->what >= FAIL_SHORT || counted < r->n))
		complain(r, "cannot be opened: %s", e.msg);
	if (rc != 0)
		return counted;
	if (engine_start(&s.source.engine, &e) != 0)
		complain(r, "%s", e.msg);
	read_again(r, &s);
	close_source(&s);
	return counted;
}

/* Something fails while everything is read. */
static uint64_t round_read(struct round *r)
{
	struct opened_source s;
	struct err e = { 0 };
	if (open_source(r->c, &s, &e) != 0)
		complain(r, "%s", e.msg);
	failing_begin(r->what, r->n, r->lasting);
	int rc = engine_start(&s.source.engine, &e);
	if (rc == 0)
		read_all(r, &s, r->what >= FAIL_SHORT);
	settle(r, &s);
	uint64_t counted = failing_end();
	if (rc != 0 && (e.code != ENOMEM && e.code != EAGAIN))
		complain(r, "%s", e.msg);
	if (counted < r->n && r->failed > 0)
		complain(r, "%u files failed, and none had to", r->failed);
	if (r->what == FAIL_READ && !r->lasting && (r->planes & (r->planes - 1)) != 0)
		complain(r, "one read failed, and chunks of several planes");
	if (rc == 0)
		read_again(r, &s);
	close_source(&s);
	return counted;
}

static const char *first_difference(const char *got, const char *want)
{
	size_t n = 0;
	while (got[n] != '\0' && got[n] == want[n])
		n++;
	return got + n;
}

/* `info` of a source, as words, JSON or a side-car. */
static uint64_t round_info(struct round *r)
{
	enum { FORMS = 3 };
	static struct text right[FORMS];
	struct opened_source s;
	struct err e = { 0 };
	if (open_source(r->c, &s, &e) != 0)
		complain(r, "%s", e.msg);
	size_t form = r->n % FORMS;
	s.options.json = form == 1;
	s.options.sidecar_wanted = form == 2;
	uint64_t counted = 0;
	for (int again = 0; again < 2; again++) {
		char *printed = NULL;
		size_t n = 0;
		FILE *out = open_memstream(&printed, &n);
		ck_assert_ptr_nonnull(out);
		failing_begin(again ? FAIL_NOTHING : r->what, (r->n + FORMS - 1) / FORMS,
			      r->lasting);
		int code = info_print(s.source.engine.data, 1 << 28, NULL, &s.options, out);
		struct text status = { 0 };
		int rc = status_make(&s.source.engine, NULL, &status);
		counted = again ? counted : failing_end();
		ck_assert_int_eq(fclose(out), 0);
		if (rc == 0 && status.len != STATUS_SIZE)
			complain(r, "a status of %zu bytes", status.len);
		if (rc != 0 && (rc != -ENOMEM || again))
			complain(r, "status: %d", rc);
		text_done(&status);
		struct text *want = &right[form];
		if (want->s == NULL && again)
			text_addn(want, printed, n);
		if (code == 0 && n == 0)
			complain(r, "info prints nothing");
		if (n > 0 && want->s != NULL && strcmp(printed, want->s) != 0)
			complain(r, "info says: %.60s", first_difference(printed, want->s));
		free(printed);
	}
	close_source(&s);
	return counted * FORMS;
}

static void add_options(const struct options *o, struct text *t)
{
	options_fingerprint(o, t);
	text_addf(t, "%s %s %s", o->source, o->mountpoint, o->fuse != NULL ? o->fuse : "");
	options_help(t);
	log_problem("io", "a file", "a sentence");
}

/* All options that are kept as texts, the words of -o, and what they become. */
static uint64_t round_options(struct round *r)
{
	char *argv[] = {
		(char[]){ "ngffuse" },
		(char[]){ "--name=n" },
		(char[]){ "--pattern={z}.tif" },
		(char[]){ "--unit=um" },
		(char[]){ "--voxel-size=1,2,3" },
		(char[]){ "--channel-colors=ff0000" },
		(char[]){ "-o" },
		(char[]){ "ro,nosuid,allow_other,fsname=a\\,b,channel-names=A:B,windows=0-1" },
		(char[]){ "src" },
		(char[]){ "mnt" }
	};
	static struct text right;
	struct options o;
	struct err e = { 0 };
	struct text got = { 0 };
	failing_begin(r->what, r->n, r->lasting);
	int rc = options_parse((int)ARRAY_SIZE(argv), argv, &o, &e);
	if (rc == 0)
		add_options(&o, &got);
	uint64_t counted = failing_end();
	if (rc != 0 && (rc != -ENOMEM || e.code != ENOMEM || counted < r->n))
		complain(r, "%d: %s", rc, e.msg);
	if (rc == 0 && right.s == NULL)
		add_options(&o, &right);
	if (rc == 0 && !got.oom && strcmp(got.s, right.s) != 0)
		complain(r, "other options: %.200s", first_difference(got.s, right.s));
	text_done(&got);
	options_done(&o);
	return counted;
}

/* One failing call after another; how many were tried. */
static unsigned rounds(const struct source_case *c, enum failing_what what, bool lasting,
		       uint64_t (*one)(struct round *))
{
	const char *env = getenv("NGFFUSE_FAILING");
	uint64_t asked = 0;
	if (env != NULL)
		ck_assert_msg(text_to_u64(env, strlen(env), &asked), "NGFFUSE_FAILING=%s", env);
	uint64_t first = asked > 0 ? asked : 1, stride = asked > 0 ? asked : STRIDE;
	unsigned tried = 0;
	uint64_t counted, n = 1;
	do {
		struct round r = { .c = c, .what = what, .lasting = lasting, .n = n };
		unsigned files = open_files();
		counted = one(&r);
		tried++;
		if (open_files() != files)
			complain(&r, "%u files are open that were %u", open_files(), files);
		n += n < FIRST_ONES ? first : stride;
	} while (n <= counted + stride);
	return tried;
}

static void every_way(const struct source_case *c, const char *scenario, enum failing_what from,
		      enum failing_what to, uint64_t (*one)(struct round *))
{
	for (enum failing_what what = from; what <= to; what++) {
		unsigned once = rounds(c, what, false, one), lasting = rounds(c, what, true, one);
		printf("%s: %s: %s: %u rounds, lasting %u\n", c->name, scenario, whats[what], once,
		       lasting);
	}
}

static void begin(const struct source_case *c)
{
	tiny_enter();
	log_mute(true);
	c->make();
	learn(c);
}

static void end(void)
{
	forget();
	tiny_leave();
}

START_TEST(opening)
{
	begin(&cases[_i]);
	every_way(&cases[_i], "open", FAIL_ALLOCATION, FAIL_SIGNAL, round_open);
	end();
}
END_TEST

START_TEST(reading)
{
	begin(&cases[_i]);
	every_way(&cases[_i], "read", FAIL_ALLOCATION, FAIL_SIGNAL, round_read);
	end();
}
END_TEST

START_TEST(telling)
{
	begin(&cases[_i]);
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr)); /* it says each time */
	every_way(&cases[_i], "info", FAIL_ALLOCATION, FAIL_ALLOCATION, round_info);
	end();
}
END_TEST

START_TEST(options)
{
	static const struct source_case none = { .name = "options" };
	log_mute(true);
	every_way(&none, "options", FAIL_ALLOCATION, FAIL_ALLOCATION, round_options);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("failing");
	TCase *c = tcase_create("failing");
	tcase_set_timeout(c, 0);
	tcase_add_unchecked_fixture(c, tiny_begin, tiny_end);
	tcase_add_loop_test(c, opening, 0, ARRAY_SIZE(cases));
	tcase_add_loop_test(c, reading, 0, ARRAY_SIZE(cases));
	tcase_add_loop_test(c, telling, 0, ARRAY_SIZE(cases));
	tcase_add_test(c, options);
	suite_add_tcase(s, c);
	return run_suite(s);
}
