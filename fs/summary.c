#include "fs/summary.h"

#include "fs/describe.h"
#include "fs/log.h"
#include "fs/mount_text.h"
#include "meta/layers.h"

#include <ctype.h>
#include <string.h>

static void add_line(struct text *t, const char *head)
{
	text_addf(t, "%s%-13s", t->len > 0 ? "\n" : "", head);
}

/* Files and what became of those that are no plane. */
static void add_source(struct text *t, const struct dataset *d)
{
	add_line(t, "source");
	describe_files(d, t);
	uint64_t gaps = 0, damaged = 0;
	for (size_t i = 0; i < d->n_images; i++) {
		gaps += d->images[i].n_gaps;
		damaged += describe_damaged(d, &d->images[i]);
	}
	text_addf(t, gaps == 0 ? "; no gaps" : "; %llu missing, filled", (unsigned long long)gaps);
	if (damaged > 0)
		text_addf(t, "; %llu DAMAGED%s", (unsigned long long)damaged,
			  d->fill_damaged ? ", filled" : "");
	if (d->n_left_out > 0) {
		text_addf(t, "; %zu left out (", d->n_left_out);
		describe_name(t, d->left_out[0].path);
		text_add(t, ": ");
		describe_left_out(&d->left_out[0], t);
		text_addf(t, "%s)", d->n_left_out > 1 ? ", .." : "");
	}
}

static void add_shape(struct text *t, const struct image *im)
{
	describe_axes(im, t);
	text_add(t, " = ");
	describe_numbers(im, im->grid.size, t);
	text_addf(t, " %s", dtype_v3(im->dtype));
}

/* On one line, so that there are twelve at most. */
static void add_names(struct text *t, const struct dataset *d, const struct image *im)
{
	if (im->how != NULL) {
		add_line(t, "names");
		describe_name(t, im->how);
	}
	if (d->hint == NULL)
		return;
	if (im->how != NULL)
		text_add(t, "; hint: ");
	else
		add_line(t, "hint");
	describe_name(t, d->hint);
}

/* Which segmentations lie beside it. */
static void add_labels(struct text *t, const struct dataset *d, const struct image *im)
{
	enum { NAMED = 4 };
	for (uint32_t i = 0; i < im->n_labels && i < NAMED; i++) {
		const struct image *label = &d->images[im->first_label + i];
		text_add(t, i > 0 ? ", " : im->n_labels > 1 ? "; labels " : "; label ");
		describe_name(t, label->label);
		if (image_state(label) == IMAGE_READY)
			text_addf(t, " %s", dtype_v3(label->dtype));
		if (image_state(label) != IMAGE_BAD)
			continue;
		text_add(t, " UNUSABLE: ");
		describe_name(t, label->why.msg);
	}
	if (im->n_labels > NAMED)
		text_addf(t, " and %u more", im->n_labels - NAMED);
}

/* Where it is long: many read the coarsest level first. */
static void add_long_view(struct text *t, const struct prediction *p)
{
	static const double long_seconds = 10;
	static const uint64_t long_bytes = 8 * GiB;
	if (p == NULL || p->level == 0 ||
	    (p->made.seconds < 0 ? p->made.decoded < long_bytes : p->made.seconds <= long_seconds))
		return;
	text_addf(t, "; opening level %u reads ", p->level);
	text_add_size(t, p->made.stored);
	if (p->made.seconds < 0)
		return;
	text_add(t, ", ");
	describe_seconds(p->made.seconds, t);
}

/* The mount itself is the dataset of an only image. */
static bool dataset_is_root(const struct dataset *d, const struct options *o)
{
	return o->layout == VIEWS_WK && dataset_shown(d) == 1;
}

/* Where it is shown. */
static void add_place(struct text *t, const struct dataset *d, const struct image *im,
		      const struct options *o)
{
	describe_name(t, im->id);
	if (!dataset_is_root(d, o))
		text_add(t, ".zarr");
	if (!dataset_is_root(d, o) && o->layout != VIEWS_NGFF) {
		text_add(t, " and ");
		describe_name(t, im->id);
	}
	text_add(t, o->layout != VIEWS_NGFF ? " (dataset of WEBKNOSSOS): " : ": ");
}

static void add_one(struct text *t, const struct dataset *d, const struct image *im,
		    const struct options *o, const struct prediction *view)
{
	add_line(t, "image");
	add_place(t, d, im, o);
	if (image_state(im) == IMAGE_BAD) {
		text_add(t, "UNUSABLE: ");
		describe_name(t, im->why.msg);
		return;
	}
	if (image_state(im) == IMAGE_UNSEEN) {
		text_add(t, "not looked at yet");
		return;
	}
	add_shape(t, im);
	add_labels(t, d, im);
	add_names(t, d, im);
	add_line(t, "voxel size");
	describe_voxel(im, t);
	text_add(t, " (");
	describe_name(t, im->voxel_from.text);
	text_add(t, ")");
	add_line(t, "stored as");
	describe_layout(im, t);
	add_line(t, "chunk");
	describe_chunk(im, t);
	text_add(t, "; ");
	describe_codec(im, t);
	if (im->codec_from.text[0] != '\0') {
		text_add(t, " (");
		describe_name(t, im->codec_from.text);
		text_add(t, ")");
	}
	add_line(t, "levels");
	describe_levels(im, t);
	add_long_view(t, view);
}

static void add_table(struct text *t, const struct dataset *d, const struct options *o)
{
	for (size_t i = 0; i < dataset_shown(d) && i < SUMMARY_IMAGES; i++) {
		const struct image *im = &d->images[i];
		add_line(t, i == 0 ? "images" : "");
		add_place(t, d, im, o);
		switch (image_state(im)) {
		case IMAGE_UNSEEN:
			text_add(t, "not looked at yet");
			break;
		case IMAGE_BAD:
			text_add(t, "UNUSABLE: ");
			describe_name(t, im->why.msg);
			break;
		case IMAGE_READY:
			add_shape(t, im);
			text_add(t, ", ");
			describe_voxel(im, t);
			text_add(t, ", chunk ");
			describe_numbers(im, im->grid.chunk, t);
			text_addf(t, ", %s, %u level%s", codec_name(im->encode.codec),
				  im->pyramid.n, im->pyramid.n == 1 ? "" : "s");
			if (image_previews(im) > 0) {
				text_add(t, ", PREVIEWS ");
				describe_previews(im, t);
			}
			add_labels(t, d, im);
			break;
		}
	}
	if (dataset_shown(d) > SUMMARY_IMAGES) {
		add_line(t, "");
		text_addf(t, "and %zu more", dataset_shown(d) - SUMMARY_IMAGES);
	}
}

static void add_warnings(struct text *t, const struct dataset *d)
{
	size_t n = 0, same = 0; /* same: images that have the first one, too */
	const char *first = NULL;
	for (size_t i = 0; i < d->n_images; i++) {
		const struct image *im = &d->images[i];
		if (image_state(im) == IMAGE_UNSEEN || im->n_warnings == 0)
			continue;
		first = first != NULL ? first : im->warnings[0];
		same += strcmp(first, im->warnings[0]) == 0;
		n += im->n_warnings;
	}
	if (n == 0)
		return;
	add_line(t, n == same ? "warning" : "warnings");
	describe_name(t, first);
	if (same > 1)
		text_addf(t, " (%zu images)", same);
	if (n > same)
		text_addf(t, "; and %zu more: ngffuse info", n - same);
}

/* The path that a reader is given: absolute, so that the line works from any folder. */
static void add_path(struct text *t, const struct options *o, const char *below)
{
	/* Mounted by somebody else, who alone knows where. */
	if (mount_text_fd(o->mountpoint) >= 0) {
		text_addf(t, "MOUNTPOINT%s", below);
		return;
	}
	const char *point = o->mountpoint;
	while (strncmp(point, "./", 2) == 0)
		point += 2;
	if (strcmp(point, ".") == 0)
		point++;
	if (o->mountpoint[0] != '/') {
		char CLEANUP(freep) *cwd = getcwd(NULL, 0);
		if (cwd != NULL)
			text_addf(t, "%s%s", cwd,
				  strcmp(cwd, "/") == 0 || *point == '\0' ? "" : "/");
	}
	size_t n = strlen(point);
	while (n > 1 && point[n - 1] == '/')
		n--;
	text_addn(t, point, n);
	text_add(t, below);
}

/* The words of a path in quotes for Python (q '"') or for a shell (q '\''), where it needs them. */
static void add_quoted(struct text *t, const char *s, char q)
{
	size_t plain = 0;
	if (s == NULL)
		return; /* the caller has noticed: out of memory */
	while (isalnum((unsigned char)s[plain]) || (s[plain] != '\0' && strchr("/._-+", s[plain])))
		plain++;
	if (q == '\'' && s[plain] == '\0') {
		text_add(t, s);
		return;
	}
	text_addn(t, &q, 1);
	for (; *s != '\0'; s++) {
		size_t n = strcspn(s, q == '"' ? "\"\\" : "'");
		text_add_name(t, s, n);
		s += n;
		if (*s == '\0')
			break;
		text_addf(t, q == '"' ? "\\%c" : "'\\%c'", *s);
	}
	text_addn(t, &q, 1);
}

/* For a URL: everything but what RFC 3986 calls unreserved, and the slash. */
static void add_percent(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		if (isalnum((unsigned char)*s) || strchr("-._~/", *s) != NULL)
			text_addn(t, s, 1);
		else
			text_addf(t, "%%%02X", (unsigned char)*s);
	}
}

/* What somebody would open first: an image that can be opened, and no segmentation. */
static const struct image *first_to_open(const struct dataset *d)
{
	for (int labels = 0; labels < 2; labels++)
		for (size_t i = 0; i < dataset_shown(d); i++) {
			const struct image *im = &d->images[i];
			if (image_state(im) != IMAGE_BAD &&
			    (labels == 1 || strncmp(im->id, "labels_", 7) != 0))
				return im;
		}
	return &d->images[0];
}

/* For WEBKNOSSOS's library and its command; "below" is the dataset's folder. */
static void add_dataset_lines(struct text *t, const struct dataset *d, const struct image *im,
			      const struct options *o, const char *below, bool also_zarr)
{
	struct text CLEANUP(text_done) folder = { 0 };
	struct text CLEANUP(text_done) array = { 0 };
	struct layer l = { .image = (uint32_t)(im - d->images) };
	char layer[LAYER_NAME] = "";
	add_path(&folder, o, below);
	if (d->layer != NULL && image_state(im) == IMAGE_READY)
		layer_name(d, &l, layer);
	text_addf(&array, "%s/%s/1", folder.s != NULL ? folder.s : "", layer);
	if (folder.oom || array.oom) {
		t->oom = true;
		return;
	}
	add_line(t, "webknossos");
	text_add(t, "import webknossos; d = webknossos.Dataset.open(");
	add_quoted(t, folder.s, '"');
	text_add(t, ")");
	if (!also_zarr || *layer == '\0')
		return;
	add_line(t, "zarr");
	text_add(t, "import zarr; a = zarr.open(");
	add_quoted(t, array.s, '"');
	text_add(t, ", mode=\"r\")   (c,x,y,z)");
}

static void add_lines_to_paste(struct text *t, const struct dataset *d, const struct options *o,
			       bool image_is_root)
{
	struct text CLEANUP(text_done) below = { 0 };
	struct text CLEANUP(text_done) image = { 0 };
	struct text CLEANUP(text_done) array = { 0 };
	const struct image *first = first_to_open(d);
	if (dataset_is_root(d, o)) {
		add_dataset_lines(t, d, first, o, "", true);
		text_add(t, "\n");
		return;
	}
	if (!image_is_root)
		text_addf(&below, "/%s.zarr", first->id);
	add_path(&image, o, below.s != NULL ? below.s : "");
	text_addf(&array, "%s/0", image.s != NULL ? image.s : "");
	if (image.oom || array.oom || below.oom) {
		t->oom = true;
		return;
	}
	add_line(t, "zarr");
	text_add(t, "import zarr; a = zarr.open(");
	add_quoted(t, array.s, '"');
	text_add(t, ", mode=\"r\")");
	add_line(t, "napari");
	text_add(t, "napari --plugin napari-ome-zarr ");
	add_quoted(t, image.s, '\'');
	if (o->layout != VIEWS_NGFF) {
		/* In place of neuroglancer's, so that there are twelve lines at most. */
		struct text CLEANUP(text_done) folder = { 0 };
		text_addf(&folder, "/%s", first->id);
		add_dataset_lines(t, d, first, o, folder.s != NULL ? folder.s : "", false);
		text_add(t, "\n");
		return;
	}
	add_line(t, "neuroglancer");
	text_add(t, "zarr://http://HOST:PORT");
	add_percent(t, below.s != NULL ? below.s : "");
	text_add(t, "   (needs a web server with CORS that serves ");
	struct text CLEANUP(text_done) root = { 0 };
	add_path(&root, o, "");
	if (root.s != NULL)
		describe_name(t, root.s);
	text_add(t, ")\n");
}

void summary_make(const struct dataset *d, uint64_t budget, unsigned threads,
		  const struct prediction *view, const struct options *o, bool image_is_root,
		  struct text *t)
{
	add_source(t, d);
	if (o->sidecar != NULL) {
		const char *slash = strrchr(o->sidecar, '/');
		text_add(t, "; with the side-car ");
		describe_name(t, slash != NULL ? slash + 1 : o->sidecar);
	}
	if (dataset_shown(d) == 1)
		add_one(t, d, &d->images[0], o, view);
	else
		add_table(t, d, o);
	bool names_hint = d->n_images == 1 && image_state(&d->images[0]) == IMAGE_READY;
	if (d->hint != NULL && !names_hint) {
		add_line(t, "hint");
		describe_name(t, d->hint);
	}
	add_line(t, "budget");
	text_add_size(t, budget);
	text_addf(t, ", %u thread%s", threads, threads == 1 ? "" : "s");
	add_warnings(t, d);
	if (d->n_images > 0)
		add_lines_to_paste(t, d, o, image_is_root);
}

/* Less is opened at once on any machine. */
static bool may_be_long(const struct image *im, const struct prediction *p)
{
	const struct image *by = im->n_overviews > 0 ? im->overviews[im->n_overviews - 1] : im;
	bool decodes = !image_raw_rows(by, &by->kind);
	return p->made.decoded > (decodes ? 1 : 4) * GiB;
}

void summary_print(struct engine *e, const struct options *o, bool image_is_root, bool measure,
		   FILE *out)
{
	struct text CLEANUP(text_done) t = { 0 };
	struct prediction view = { 0 };
	const struct image *im = e->data->images;
	bool known = dataset_shown(e->data) == 1 && predict_reckon(im, &view);
	if (known && measure && may_be_long(im, &view)) {
		struct err ignored;
		log_mute(true);
		if (engine_start(e, &ignored) == 0)
			predict_measure(e, 0, &view);
		log_mute(false);
	}
	summary_make(e->data, engine_budget(e), e->config.threads, known ? &view : NULL, o,
		     image_is_root, &t);
	if (t.s != NULL && !t.oom) {
		fputs(t.s, out);
		fflush(out);
	}
}
