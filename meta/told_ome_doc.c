#include "meta/told_ome_doc.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "meta/told_ome_files.h"

enum { HEAD_BYTES = 4096 };

static bool is_ome(const char *head)
{
	return strstr(head, "<OME") != NULL || strstr(head, ":OME") != NULL;
}

/* What only mentions OME-XML does not end with its closing tag. */
static bool ends_ome(const char *s, size_t *len)
{
	while (*len > 0 && memchr(" \t\r\n", s[*len - 1], 5) != NULL)
		--*len;
	return *len >= 4 && memcmp(s + *len - 4, "OME>", 4) == 0;
}

/* Malformed tags tell nothing; failing storage is an error. */
static int pass_over(int rc)
{
	return err_is_passing(rc) ? rc : 0;
}

/* 1: *text is the caller's. */
static int read_description(const struct told_source *s, char **text, size_t *len,
			    struct told *told, struct err *err)
{
	const struct tiff_values *d = &s->first->description;
	if (d->count == 0 || d->count > s->r->size || d->offset > s->r->size - d->count)
		return 0;
	int r = tiff_text_read(s->r, d, HEAD_BYTES, text, len, err);
	if (r < 0)
		return pass_over(r);
	if (!is_ome(*text))
		return 0;
	if (d->count > (uint64_t)OME_XML_MAX_BYTES) {
		told_note(told, "its OME-XML is ignored: more than 64 MiB");
		return 0;
	}
	freep(text);
	*text = NULL;
	r = tiff_text_read(s->r, d, OME_XML_MAX_BYTES, text, len, err);
	if (r < 0)
		return pass_over(r);
	return ends_ome(*text, len);
}

static int read_beside(const struct told_source *s, const char *path, char **text, size_t *len,
		       struct told *told, struct err *err)
{
	int r = s->beside(s->ctx, path, OME_XML_MAX_BYTES, text, len);
	if (r == 0)
		return 1;
	CLEANUP(text_done) struct text name = { 0 };
	ome_print_name(&name, path);
	if (r == -ENOMEM || name.oom)
		return err_oom(err);
	if (r != -EFBIG && r != -EXDEV && !ome_is_absent(r))
		return err_set(err, -r, "\"%s\": %s", name.s, strerror(-r));
	told_note(told, "the OME-XML of \"%s\" is ignored: %s", name.s,
		  r == -EFBIG	? "more than 64 MiB"
		  : r == -EXDEV ? "it lies outside of the source"
				: strerror(-r));
	return 0;
}

/* Parses what was read; `where` tells the user in which file that is ("its OME-XML"). */
static int parse(const char *text, size_t len, const char *where, struct ome_xml *out,
		 struct told *told, struct err *err)
{
	struct err own = { 0 };
	int r = ome_xml_parse(text, len, out, &own);
	if (r == 0)
		return 1;
	if (r == -EBADMSG || r == -ENOTSUP) {
		told_note(told, "%s is ignored: %s", where, own.msg);
		return 0;
	}
	if (err != NULL)
		*err = own;
	return r;
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && strcasecmp(s + n - m, suffix) == 0;
}

/* A TIFF may be named, too; that one tells its set itself. */
static bool is_tiff_name(const char *s)
{
	static const char *const suffixes[] = { ".tif", ".tiff", ".tf2", ".tf8", ".btf" };
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (has_suffix(s, suffixes[i]))
			return true;
	return false;
}

/* The companion in place of the text that names it. */
static int follow(const struct told_source *s, struct ome_doc *d, struct told *told,
		  struct err *err)
{
	CLEANUP(freep) char *path = ome_normal_path(d->xml.binary_only);
	CLEANUP(text_done) struct text name = { 0 };
	ome_print_name(&name, d->xml.binary_only);
	if (path == NULL || name.oom)
		return err_oom(err);
	const char *found = path;
	int there = *path == '\0' ? -ENOENT : s->beside(s->ctx, path, 0, NULL, NULL);
	if (ome_is_absent(there)) {
		found = ome_last_part(path);
		there = *found == '\0' ? -ENOENT : s->beside(s->ctx, found, 0, NULL, NULL);
	}
	if (ome_is_absent(there)) {
		told_note(
			told,
			"its OME-XML leaves the planes to \"%s\" (BinaryOnly), which is not there",
			name.s);
		return 0;
	}
	if (is_tiff_name(found)) {
		told_note(told, "its OME-XML leaves the planes to \"%s\" (BinaryOnly)", name.s);
		return 0;
	}
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int r = read_beside(s, found, &text, &len, told, err);
	if (r <= 0)
		return r;
	text_done(&name);
	text_add(&name, "the OME-XML of \"");
	ome_print_name(&name, found);
	text_add(&name, "\"");
	if (name.oom)
		return err_oom(err);
	ome_xml_done(&d->xml);
	d->companion = true;
	r = parse(text, len, name.s, &d->xml, told, err);
	if (r == 1 && d->xml.binary_only != NULL && d->xml.n_images == 0) {
		told_note(told, "%s leaves the planes to yet another file (BinaryOnly)", name.s);
		return 0;
	}
	return r;
}

int ome_doc_read(const struct told_source *s, struct ome_doc *out, struct told *told,
		 struct err *err)
{
	*out = (struct ome_doc){ .companion = s->r == NULL };
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;
	int r = s->r == NULL ? read_beside(s, s->name, &text, &len, told, err)
			     : read_description(s, &text, &len, told, err);
	if (r > 0)
		r = parse(text, len, "its OME-XML", &out->xml, told, err);
	if (r <= 0)
		return r;
	freep(&text);
	text = NULL;
	out->uuid = strdup(out->companion ? "" : out->xml.uuid);
	if (out->uuid == NULL)
		return err_oom(err);
	if (out->xml.binary_only != NULL && out->xml.n_images == 0) {
		r = follow(s, out, told, err);
		if (r <= 0)
			return r;
	}
	for (size_t i = 0; i < out->xml.n_tiffdata; i++)
		out->bare |= out->xml.tiffdata[i].file == OME_XML_NO_FILE;
	return 1;
}

void ome_doc_done(struct ome_doc *d)
{
	ome_xml_done(&d->xml);
	free(d->uuid);
}
