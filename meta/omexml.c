#include "meta/omexml.h"

#include <errno.h>
#include <expat.h>
#include <string.h>

/* Depths of elements: OME 0, Image and BinaryOnly 1, Pixels 2, TiffData and Channel 3, UUID 4. */
struct parse {
	XML_Parser xml;
	struct omexml *out;
	unsigned depth;
	bool in_image, in_pixels, in_uuid;
	size_t cap;
	struct text own_uuid;	/* OME@UUID */
	struct text uuid, file; /* of the UUID element that is open */
	struct text named;	/* first file or UUID that is not certainly this file */
	bool has_uuid;		/* the open TiffData has a UUID element */
	bool this_named;	/* some TiffData is certainly in this file */
	int code;		/* why the parser was stopped */
	const char *why;
};

static void stop(struct parse *p, int code, const char *why)
{
	p->code = code;
	p->why = why;
	XML_StopParser(p->xml, XML_FALSE);
}

static void check_oom(struct parse *p, bool oom)
{
	if (oom)
		stop(p, ENOMEM, "out of memory");
}

static void keep_first(struct parse *p, struct text *where, const char *s)
{
	if (where->s != NULL)
		return;
	text_add(where, s);
	check_oom(p, where->oom);
}

static const char *local(const char *name)
{
	const char *colon = strrchr(name, ':');
	return colon != NULL ? colon + 1 : name;
}

static const char *attribute(const char **atts, const char *name)
{
	for (; atts[0] != NULL; atts += 2)
		if (strcmp(local(atts[0]), name) == 0)
			return atts[1];
	return NULL;
}

/* False: absent or not a number. */
static bool number(const char **atts, const char *name, uint64_t *out)
{
	const char *s = attribute(atts, name);
	if (s == NULL || *s == '\0')
		return false;
	uint64_t v = 0;
	for (; *s != '\0'; s++)
		if (*s < '0' || *s > '9' || !mul_u64(v, 10, &v) ||
		    !add_u64(v, (uint64_t)(*s - '0'), &v))
			return false;
	*out = v;
	return true;
}

static void on_pixels(struct parse *p, const char **atts)
{
	static const char *const names[OME_AXES] = { "SizeZ", "SizeC", "SizeT" };
	if (p->out->n_pixels++ > 0)
		return;
	for (int a = 0; a < OME_AXES; a++)
		if (!number(atts, names[a], &p->out->size[a]))
			p->out->size[a] = 0;
}

static void on_channel(struct omexml *x, const char **atts)
{
	uint64_t samples = 0;
	bool known = number(atts, "SamplesPerPixel", &samples);
	if (x->n_channels == UINT32_MAX)
		return;
	if (x->n_channels > 0 && samples * x->n_channels != x->channel_samples)
		x->channels_differ = true;
	if (!known || samples > 4096 || (x->n_channels > 0 && x->channel_samples == 0))
		x->channel_samples = 0;
	else
		x->channel_samples += samples;
	x->n_channels++;
}

static void on_tiffdata(struct parse *p, const char **atts)
{
	struct omexml *x = p->out;
	if (x->n_tiffdata == OMEXML_MAX_TIFFDATA) {
		stop(p, ENOTSUP, "more TiffData than a file can have pages");
		return;
	}
	if (x->n_tiffdata == p->cap) {
		size_t cap = p->cap * 2 + 16;
		struct ome_tiffdata *more = reallocarray(x->tiffdata, cap, sizeof(*more));
		check_oom(p, more == NULL);
		if (more == NULL)
			return;
		x->tiffdata = more;
		p->cap = cap;
	}
	struct ome_tiffdata d = { 0 };
	number(atts, "FirstZ", &d.first[OME_Z]);
	number(atts, "FirstC", &d.first[OME_C]);
	number(atts, "FirstT", &d.first[OME_T]);
	d.has_ifd = number(atts, "IFD", &d.ifd);
	/* The older schemas' word. */
	d.has_count = number(atts, "PlaneCount", &d.count) || number(atts, "NumPlanes", &d.count);
	x->tiffdata[x->n_tiffdata++] = d;
	p->has_uuid = false;
}

static void on_binary_only(struct parse *p, const char **atts)
{
	const char *file = attribute(atts, "MetadataFile");
	keep_first(p, &p->out->binary_only, file != NULL ? file : "");
}

static void on_uuid(struct parse *p, const char **atts)
{
	const char *file = attribute(atts, "FileName");
	p->has_uuid = true;
	p->in_uuid = true;
	p->uuid.len = p->file.len = 0;
	text_add(&p->uuid, "");
	text_add(&p->file, file != NULL ? file : "");
	check_oom(p, p->uuid.oom || p->file.oom);
}

/* Elements inside the first Pixels. */
static void on_inner(struct parse *p, const char *name, const char **atts)
{
	if (p->depth == 3 && strcmp(name, "TiffData") == 0)
		on_tiffdata(p, atts);
	else if (p->depth == 3 && strcmp(name, "Channel") == 0)
		on_channel(p->out, atts);
	else if (p->depth == 3 &&
		 (strcmp(name, "BinData") == 0 || strcmp(name, "MetadataOnly") == 0))
		p->out->no_pixels_here = true;
	else if (p->depth == 4 && strcmp(name, "UUID") == 0 && p->out->n_tiffdata > 0)
		on_uuid(p, atts);
}

static void on_start(void *user, const char *element, const char **atts)
{
	struct parse *p = user;
	const char *name = local(element);
	if (p->depth == OMEXML_MAX_DEPTH) {
		stop(p, ENOTSUP, "elements nested deeper than 64");
		return;
	}
	if (p->depth == 0) {
		const char *uuid = attribute(atts, "UUID");
		text_add(&p->own_uuid, uuid != NULL ? uuid : "");
		check_oom(p, p->own_uuid.oom);
		if (strcmp(name, "OME") != 0)
			stop(p, EBADMSG, "the outermost element is not OME");
	} else if (p->depth == 1) {
		p->in_image = strcmp(name, "Image") == 0;
		if (strcmp(name, "BinaryOnly") == 0)
			on_binary_only(p, atts);
	} else if (p->depth == 2 && p->in_image) {
		p->in_pixels = strcmp(name, "Pixels") == 0;
		if (p->in_pixels)
			on_pixels(p, atts);
	} else if (p->in_image && p->in_pixels && p->out->n_pixels == 1) {
		on_inner(p, name, atts);
	}
	p->depth++;
}

/* Blanks around the text of a UUID element do not belong to it. */
static void trim(struct text *t)
{
	size_t from = strspn(t->s, " \t\r\n");
	t->len -= from;
	memmove(t->s, t->s + from, t->len + 1);
	while (t->len > 0 && strchr(" \t\r\n", t->s[t->len - 1]) != NULL)
		t->s[--t->len] = '\0';
}

/* A UUID equal to the document's means this file; one name alone does too, for files get renamed; a
 * second name is another file. */
static void end_uuid(struct parse *p)
{
	p->in_uuid = false;
	trim(&p->uuid);
	if (p->own_uuid.len > 0 && strcmp(p->uuid.s, p->own_uuid.s) == 0) {
		p->this_named = true;
		return;
	}
	const char *key = p->file.len > 0 ? p->file.s : p->uuid.s;
	if (p->named.s == NULL) {
		text_add(&p->named, key);
		check_oom(p, p->named.oom);
	} else if (strcmp(p->named.s, key) != 0) {
		keep_first(p, &p->out->other_file, key);
	}
}

static void on_end(void *user, const char *element)
{
	struct parse *p = user;
	const char *name = local(element);
	p->depth--;
	if (p->depth == 4 && p->in_uuid && strcmp(name, "UUID") == 0)
		end_uuid(p);
	else if (p->depth == 3 && p->in_pixels && p->out->n_pixels == 1 && !p->has_uuid &&
		 strcmp(name, "TiffData") == 0)
		p->this_named = true;
	else if (p->depth == 2)
		p->in_pixels = false;
	else if (p->depth == 1)
		p->in_image = false;
}

static void on_text(void *user, const char *s, int len)
{
	struct parse *p = user;
	if (!p->in_uuid || p->depth != 5)
		return;
	text_addn(&p->uuid, s, (size_t)len);
	check_oom(p, p->uuid.oom);
}

static void on_doctype(void *user, const char *name UNUSED, const char *sysid UNUSED,
		       const char *pubid UNUSED, int internal UNUSED)
{
	stop(user, ENOTSUP, "a DTD");
}

static void parser_free(XML_Parser *xml)
{
	if (*xml != NULL)
		XML_ParserFree(*xml);
}

static void parse_done(struct parse *p)
{
	text_done(&p->own_uuid);
	text_done(&p->uuid);
	text_done(&p->file);
	text_done(&p->named);
}

/* Newer versions of expat call these deprecated for others that older ones lack. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void get_place(XML_Parser xml, unsigned long *line, unsigned long *column)
{
	*line = XML_GetCurrentLineNumber(xml);
	*column = XML_GetCurrentColumnNumber(xml);
}
#pragma GCC diagnostic pop

static int parse_as(const char *encoding, const char *s, size_t len, struct omexml *out,
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
	if (XML_Parse(xml, s, (int)len, 1) == XML_STATUS_OK) {
		if (p.named.s != NULL && p.this_named)
			keep_first(&p, &out->other_file, p.named.s);
		return p.code == ENOMEM ? err_oom(err) : 0;
	}
	if (XML_GetErrorCode(xml) == XML_ERROR_NO_MEMORY || p.code == ENOMEM)
		return err_oom(err);
	unsigned long line = 0, column = 0;
	get_place(xml, &line, &column);
	if (p.code != 0)
		return err_set(err, p.code, "OME-XML line %lu, column %lu: %s", line, column + 1,
			       p.why);
	return err_set(err, EBADMSG, "OME-XML line %lu, column %lu: %s", line, column + 1,
		       XML_ErrorString(XML_GetErrorCode(xml)));
}

int omexml_parse(const char *text, size_t len, struct omexml *out, struct err *err)
{
	*out = (struct omexml){ 0 };
	if (len > OMEXML_MAX_BYTES)
		return err_set(err, ENOTSUP, "OME-XML of more than 64 MiB");
	struct err first = { 0 };
	int r = parse_as("UTF-8", text, len, out, &first);
	if (r == -EBADMSG) {
		/* Some writers put the micro sign as one byte into what they call UTF-8. */
		omexml_done(out);
		int again = parse_as("ISO-8859-1", text, len, out, err);
		if (again != -EBADMSG)
			return again;
	}
	if (r < 0 && err != NULL)
		*err = first;
	return r;
}

void omexml_done(struct omexml *x)
{
	text_done(&x->binary_only);
	text_done(&x->other_file);
	free(x->tiffdata);
	*x = (struct omexml){ 0 };
}
