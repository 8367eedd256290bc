#include "meta/ome_xml.h"

#include <errno.h>
#include <expat.h>
#include <string.h>

#include "meta/ome_xml_attr.h"
#include "meta/ome_xml_image.h"
#include "meta/text_index.h"
#include "meta/voxel.h"

/* What an element is, by its name and what it stands in. */
enum inside {
	IN_DOCUMENT,
	IN_OTHER,
	IN_OME,
	IN_IMAGE,
	IN_PIXELS,
	IN_TIFFDATA,
	IN_UUID,
	IN_PLANE,
};

struct parse {
	XML_Parser xml;
	struct ome_xml *out;
	enum inside inside[OME_XML_MAX_DEPTH + 1]; /* of each open element, the document first */
	unsigned depth;
	struct text uuid, file; /* of the UUID element that is open */
	struct text_index files;
	bool plane_counts; /* the open Plane is one of those whose times are kept */
	uint64_t plane_t;
	struct err why;		    /* the parser was stopped */
	unsigned long line, column; /* where */
};

/* Newer versions of expat call these deprecated for others that older ones lack. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void note_place(struct parse *p)
{
	p->line = XML_GetCurrentLineNumber(p->xml);
	p->column = XML_GetCurrentColumnNumber(p->xml) + 1;
}
#pragma GCC diagnostic pop

static void stop(struct parse *p)
{
	note_place(p);
	XML_StopParser(p->xml, XML_FALSE);
}

static void stop_oom(struct parse *p)
{
	err_oom(&p->why);
	stop(p);
}

static void check_oom(struct parse *p, bool oom)
{
	if (oom)
		stop_oom(p);
}

/* Room for one more item of a list; NULL: the parser was stopped. */
static void *more_of(struct parse *p, void *list, size_t n, size_t item, size_t max,
		     const char *what)
{
	if (n == max) {
		err_set(&p->why, ENOTSUP, "more than %zu %s", max, what);
		stop(p);
		return NULL;
	}
	void *more = grown(list, n, item);
	check_oom(p, more == NULL);
	return more;
}

/* A count that is wrong would put planes into wrong places, so it ends the document. */
static bool number(struct parse *p, const char **atts, const char *name, uint64_t *out)
{
	bool told = false;
	if (!ome_attr_number(atts, name, &told, out)) {
		err_set(&p->why, EBADMSG, "%s is no number", name);
		stop(p);
	}
	return told;
}

static struct ome_image *last_image(struct parse *p)
{
	return &p->out->images[p->out->n_images - 1];
}

static void on_ome(struct parse *p, const char **atts)
{
	const char *uuid = ome_attr(atts, "UUID");
	p->out->uuid = strdup(uuid != NULL ? uuid : "");
	check_oom(p, p->out->uuid == NULL);
}

static void on_binary_only(struct parse *p, const char **atts)
{
	const char *file = ome_attr(atts, "MetadataFile");
	if (p->out->binary_only != NULL)
		return;
	p->out->binary_only = strdup(file != NULL ? file : "");
	check_oom(p, p->out->binary_only == NULL);
}

static void on_image(struct parse *p, const char **atts)
{
	struct ome_xml *x = p->out;
	struct ome_image *more = more_of(p, x->images, x->n_images, sizeof(*more),
					 OME_XML_MAX_IMAGES, "Image elements");
	if (more == NULL)
		return;
	x->images = more;
	struct ome_image *im = &more[x->n_images++];
	*im = (struct ome_image){ .channel = x->n_channels,
				  .tiffdata = x->n_tiffdata,
				  .delta = x->n_deltas };
	check_oom(p, ome_image_named(im, atts) < 0);
}

static void on_pixels(struct parse *p, const char **atts)
{
	struct ome_image *im = last_image(p);
	if (im->has_pixels) {
		im->more_pixels = true;
		p->inside[p->depth] = IN_OTHER;
	} else if (ome_image_pixels(im, atts, &p->why) < 0) {
		stop(p);
	}
}

static void on_elsewhere(struct parse *p, const char **atts UNUSED)
{
	last_image(p)->elsewhere = true;
}

static void on_channel(struct parse *p, const char **atts)
{
	struct ome_xml *x = p->out;
	struct ome_channel *more = more_of(p, x->channels, x->n_channels, sizeof(*more),
					   OME_XML_MAX_CHANNELS, "Channel elements");
	if (more == NULL)
		return;
	x->channels = more;
	check_oom(p, ome_attr_channel(atts, &more[x->n_channels]) < 0);
	x->n_channels++;
	last_image(p)->n_channels++;
}

static void on_tiffdata(struct parse *p, const char **atts)
{
	static const char *const first[TOLD_AXES] = {
		[TOLD_T] = "FirstT", [TOLD_C] = "FirstC", [TOLD_Z] = "FirstZ"
	};
	struct ome_xml *x = p->out;
	struct ome_tiffdata *more = more_of(p, x->tiffdata, x->n_tiffdata, sizeof(*more),
					    OME_XML_MAX_TIFFDATA, "TiffData elements");
	if (more == NULL)
		return;
	x->tiffdata = more;
	struct ome_tiffdata *d = &more[x->n_tiffdata++];
	*d = (struct ome_tiffdata){ .file = OME_XML_NO_FILE };
	for (size_t a = 0; a < TOLD_AXES; a++)
		number(p, atts, first[a], &d->first[a]);
	d->has_ifd = number(p, atts, "IFD", &d->ifd);
	d->has_count = number(p, atts, "PlaneCount", &d->count);
	if (!d->has_count)
		d->has_count = number(p, atts, "NumPlanes", &d->count);
	last_image(p)->n_tiffdata++;
}

static void on_uuid(struct parse *p, const char **atts)
{
	const char *file = ome_attr(atts, "FileName");
	p->uuid.len = p->file.len = 0;
	text_add(&p->uuid, "");
	text_add(&p->file, file != NULL ? file : "");
	check_oom(p, p->uuid.oom || p->file.oom);
}

/* Blanks around the text do not belong to it. */
static void trim(struct text *t)
{
	static const char blanks[] = " \t\r\n";
	size_t from = strspn(t->s, blanks);
	t->len -= from;
	memmove(t->s, t->s + from, t->len + 1);
	while (t->len > 0 && strchr(blanks, t->s[t->len - 1]) != NULL)
		t->s[--t->len] = '\0';
}

static void add_file(struct parse *p)
{
	struct ome_xml *x = p->out;
	struct ome_file *more =
		more_of(p, x->files, x->n_files, sizeof(*more), OME_XML_MAX_TIFFDATA, "files");
	if (more == NULL)
		return;
	x->files = more;
	struct ome_file *f = &more[x->n_files++];
	f->name = strdup(p->file.s);
	f->uuid = strdup(p->uuid.s);
	check_oom(p, f->name == NULL || f->uuid == NULL);
}

/* Of several in one TiffData the first counts. */
static void end_uuid(struct parse *p)
{
	struct ome_tiffdata *d = &p->out->tiffdata[p->out->n_tiffdata - 1];
	trim(&p->uuid);
	trim(&p->file);
	if (d->file != OME_XML_NO_FILE || (p->uuid.len == 0 && p->file.len == 0))
		return;
	CLEANUP(text_done) struct text key = { 0 };
	text_add(&key, p->file.s);
	text_addn(&key, "", 1);
	text_add(&key, p->uuid.s);
	if (key.oom || text_index_add(&p->files, key.s, key.len, &d->file) < 0)
		stop_oom(p);
	else if (d->file == p->out->n_files)
		add_file(p);
}

static void add_delta(struct parse *p, const char **atts)
{
	struct ome_xml *x = p->out;
	struct ome_quantity q = ome_attr_quantity(atts, "DeltaT");
	double unit = q.unit[0] == '\0' ? 1 : voxel_seconds(q.unit, strlen(q.unit));
	if (!p->plane_counts || !q.told || !(unit > 0) || x->n_deltas == OME_XML_MAX_DELTAS)
		return;
	struct ome_delta *more = more_of(p, x->deltas, x->n_deltas, sizeof(*more), SIZE_MAX, "");
	if (more == NULL)
		return;
	x->deltas = more;
	more[x->n_deltas++] = (struct ome_delta){ p->plane_t, q.value * unit };
	last_image(p)->n_deltas++;
}

static void on_plane(struct parse *p, const char **atts)
{
	bool told = false;
	uint64_t c = 0, z = 0;
	p->plane_counts = ome_attr_number(atts, "TheC", &told, &c) && c == 0 &&
			  ome_attr_number(atts, "TheZ", &told, &z) && z == 0 &&
			  ome_attr_number(atts, "TheT", &told, &p->plane_t);
	add_delta(p, atts);
}

static const struct {
	enum inside in;
	const char *name;
	enum inside is;
	void (*start)(struct parse *p, const char **atts);
} elements[] = {
	{ IN_DOCUMENT, "OME", IN_OME, on_ome },
	{ IN_OME, "BinaryOnly", IN_OTHER, on_binary_only },
	{ IN_OME, "Image", IN_IMAGE, on_image },
	{ IN_IMAGE, "Pixels", IN_PIXELS, on_pixels },
	{ IN_PIXELS, "TiffData", IN_TIFFDATA, on_tiffdata },
	{ IN_TIFFDATA, "UUID", IN_UUID, on_uuid },
	{ IN_PIXELS, "Plane", IN_PLANE, on_plane },
	{ IN_PIXELS, "Channel", IN_OTHER, on_channel },
	{ IN_PIXELS, "BinData", IN_OTHER, on_elsewhere },
	{ IN_PIXELS, "MetadataOnly", IN_OTHER, on_elsewhere },
	/* Schemas up to 2008. */
	{ IN_IMAGE, "LogicalChannel", IN_OTHER, on_channel },
	{ IN_IMAGE, "ChannelInfo", IN_OTHER, on_channel },
	{ IN_PLANE, "PlaneTiming", IN_OTHER, add_delta },
};

/* Annotations that split an axis into two. */
static void see_modulo(struct ome_xml *x, const char *name)
{
	static const char *const names[TOLD_AXES] = {
		[TOLD_T] = "ModuloAlongT", [TOLD_C] = "ModuloAlongC", [TOLD_Z] = "ModuloAlongZ"
	};
	for (size_t a = 0; a < TOLD_AXES; a++)
		if (strcmp(name, names[a]) == 0)
			x->modulo[a] = true;
}

static void on_start(void *user, const char *element, const char **atts)
{
	struct parse *p = user;
	const char *name = ome_local(element);
	if (p->depth == OME_XML_MAX_DEPTH) {
		err_set(&p->why, ENOTSUP, "elements nested deeper than %d", OME_XML_MAX_DEPTH);
		stop(p);
		return;
	}
	enum inside in = p->inside[p->depth++];
	p->inside[p->depth] = IN_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
		if (elements[i].in != in || strcmp(elements[i].name, name) != 0)
			continue;
		p->inside[p->depth] = elements[i].is;
		elements[i].start(p, atts);
		return;
	}
	see_modulo(p->out, name);
	if (in == IN_DOCUMENT) {
		err_set(&p->why, EBADMSG, "the outermost element is not OME");
		stop(p);
	}
}

static void on_end(void *user, const char *element UNUSED)
{
	struct parse *p = user;
	/* A stopped parser ends empty elements all the same. */
	if (p->why.code == 0 && p->inside[p->depth--] == IN_UUID)
		end_uuid(p);
}

static void on_text(void *user, const char *s, int len)
{
	struct parse *p = user;
	if (p->inside[p->depth] != IN_UUID)
		return;
	text_addn(&p->uuid, s, (size_t)len);
	check_oom(p, p->uuid.oom);
}

static void on_doctype(void *user, const char *name UNUSED, const char *sysid UNUSED,
		       const char *pubid UNUSED, int internal UNUSED)
{
	struct parse *p = user;
	err_set(&p->why, ENOTSUP, "a DTD");
	stop(p);
}

static void parser_free(XML_Parser *xml)
{
	if (*xml != NULL)
		XML_ParserFree(*xml);
}

static void parse_done(struct parse *p)
{
	text_done(&p->uuid);
	text_done(&p->file);
	text_index_done(&p->files);
}

static int say_why(struct parse *p, struct err *err)
{
	if (XML_GetErrorCode(p->xml) == XML_ERROR_NO_MEMORY || p->why.code == ENOMEM)
		return err_oom(err);
	if (p->why.code == 0) {
		note_place(p);
		err_set(&p->why, EBADMSG, "%s", XML_ErrorString(XML_GetErrorCode(p->xml)));
	}
	return err_set(err, p->why.code, "line %lu, column %lu: %s", p->line, p->column,
		       p->why.msg);
}

static int parse_as(const char *encoding, const char *s, size_t len, struct ome_xml *out,
		    struct err *err)
{
	CLEANUP(parser_free) XML_Parser xml = XML_ParserCreate(encoding);
	if (xml == NULL)
		return err_oom(err);
	CLEANUP(parse_done) struct parse p = { .xml = xml, .out = out };
	XML_SetUserData(xml, &p);
	XML_SetElementHandler(xml, on_start, on_end);
	XML_SetCharacterDataHandler(xml, on_text);
	XML_SetStartDoctypeDeclHandler(xml, on_doctype);
	/* What stopped it at the very end leaves the status as it was. */
	if (XML_Parse(xml, s, (int)len, 1) == XML_STATUS_OK && p.why.code == 0)
		return 0;
	return say_why(&p, err);
}

int ome_xml_parse(const char *text, size_t len, struct ome_xml *out, struct err *err)
{
	*out = (struct ome_xml){ 0 };
	if (len > OME_XML_MAX_BYTES)
		return err_set(err, ENOTSUP, "line 1, column 1: more than 64 MiB");
	struct err first = { 0 };
	int r = parse_as("UTF-8", text, len, out, &first);
	if (r == -EBADMSG) {
		/* Some writers put the micro sign as one byte into what they call UTF-8. */
		ome_xml_done(out);
		int again = parse_as("ISO-8859-1", text, len, out, err);
		if (again != -EBADMSG)
			return again;
	}
	if (r < 0 && err != NULL)
		*err = first;
	return r;
}

void ome_xml_done(struct ome_xml *x)
{
	for (size_t i = 0; i < x->n_images; i++)
		free(x->images[i].name);
	for (size_t i = 0; i < x->n_channels; i++)
		free(x->channels[i].name);
	for (size_t i = 0; i < x->n_files; i++) {
		free(x->files[i].name);
		free(x->files[i].uuid);
	}
	free(x->images);
	free(x->channels);
	free(x->tiffdata);
	free(x->deltas);
	free(x->files);
	free(x->uuid);
	free(x->binary_only);
	*x = (struct ome_xml){ 0 };
}
