#include "meta/channels.h"

#include "codec/text.h"
#include "meta/told.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* One item of a comma list. */
struct item {
	const char *s;
	size_t len;
};

/* A comma or a backslash that is no separator, with a backslash in front. */
static bool is_escape(const char *s)
{
	return *s == '\\' && (s[1] == ',' || s[1] == '\\');
}

/* Length of the item that begins at s. */
static size_t item_length(const char *s)
{
	size_t n = 0;
	while (s[n] != '\0' && s[n] != ',')
		n += is_escape(s + n) ? 2 : 1;
	return n;
}

/* The k-th item of a comma list; false past the end. */
static bool list_item(const char *list, uint64_t k, struct item *out)
{
	const char *s = list;
	for (; k > 0; k--) {
		s += item_length(s);
		if (*s == '\0')
			return false;
		s++;
	}
	*out = (struct item){ .s = s, .len = item_length(s) };
	return true;
}

static void add_unescaped(struct text *t, const struct item *item)
{
	text_add(t, "");
	for (size_t i = 0; i < item->len; i++) {
		i += is_escape(item->s + i);
		text_addn(t, item->s + i, 1);
	}
}

static int check_count(const char *option, const char *list, uint64_t want, struct err *err)
{
	if (list == NULL)
		return 0;
	uint64_t n = 1;
	for (const char *s = list + item_length(list); *s != '\0'; s += 1 + item_length(s + 1))
		n++;
	if (n == want)
		return 0;
	return err_set(err, EINVAL, "%s has %llu item%s, the image has %llu channel%s", option,
		       (unsigned long long)n, n == 1 ? "" : "s", (unsigned long long)want,
		       want == 1 ? "" : "s");
}

static bool is_rgb(const struct image *im)
{
	const struct tiff_page *p = &im->kind;
	return p->samples >= 3 && (p->photometric == TIFF_RGB || tiff_is_jpeg_ycbcr(p));
}

static const char *rgb_name(const struct image *im, uint64_t sample)
{
	static const char *const names[] = { "red", "green", "blue", "alpha" };
	if (!im->rgb || sample >= ARRAY_SIZE(names) || (sample == 3 && im->kind.samples != 4))
		return NULL;
	return names[sample];
}

/* The channel that is told by the name that the names of files give to `page`; n_channels: none. */
static size_t told_named(const struct image *im, uint64_t page)
{
	const struct told_image *t = im->told;
	size_t k = 0;
	while (k < t->n_channels && (t->channels[k].name == NULL ||
				     strcmp(t->channels[k].name, im->channel_labels[page]) != 0))
		k++;
	return k;
}

/* The number under which the channel of a page is told. Where the names of files are words, their order is not that of
 * the list. */
static uint64_t told_number(const struct image *im, uint64_t page)
{
	enum { FEW = 64 };
	if (im->channel_labels == NULL || im->n_c > FEW)
		return page;
	for (uint64_t c = 0; c < im->n_c; c++)
		if (told_named(im, c) == im->told->n_channels)
			return page;
	return told_named(im, page);
}

/* What the files tell of channel c of the array; NULL: nothing. They count pages, or samples. */
static const struct told_channel *told_of(const struct image *im, uint64_t c)
{
	const struct told_image *t = im->told;
	if (t == NULL || t->n_channels == 0)
		return NULL;
	if (t->n_channels == im->n_c && im->kind.samples == 1)
		return &t->channels[told_number(im, c)];
	return t->n_channels == im->grid.size[AXIS_C] ? &t->channels[c] : NULL;
}

/* The name that the files tell of the page that channel c is in. */
static const char *told_page(const struct image *im, uint64_t page)
{
	const struct told_image *t = im->told;
	return t != NULL && t->n_channels == im->n_c ? t->channels[told_number(im, page)].name
						     : NULL;
}

static int set_label(struct image *im, const struct scan_options *opts, uint64_t c)
{
	uint64_t samples = im->kind.samples, page = c / samples, sample = c % samples;
	const struct told_channel *told = told_of(im, c);
	const char *of_page = told_page(im, page);
	if (of_page == NULL && im->channel_labels != NULL)
		of_page = im->channel_labels[page];
	const char *of_sample = rgb_name(im, sample);
	struct text CLEANUP(text_done) t = { 0 };
	struct item item;
	if (opts->channel_names != NULL && list_item(opts->channel_names, c, &item))
		add_unescaped(&t, &item);
	else if (told != NULL && told->name != NULL)
		text_add(&t, told->name);
	else if (of_page != NULL && samples == 1)
		text_add(&t, of_page);
	else if (of_page != NULL && of_sample != NULL)
		text_addf(&t, "%s %s", of_page, of_sample);
	else if (of_page != NULL)
		text_addf(&t, "%s sample %u", of_page, (unsigned)sample);
	else if (of_sample != NULL && im->n_c == 1)
		text_add(&t, of_sample);
	else if (im->grid.size[AXIS_C] == 1)
		text_add(&t, im->id);
	else
		text_addf(&t, "channel %llu", (unsigned long long)c);
	if (t.oom)
		return -ENOMEM;
	im->channels[c].label = STEAL(t.s);
	return 0;
}

/* The colour that the dye's or the filter's name suggests. */
static const char *hinted_color(const char *label)
{
	static const struct {
		const char *word, *color;
	} hints[] = {
		{ "dapi", "0000FF" },	     { "hoechst", "0000FF" },  { "gfp", "00FF00" },
		{ "fitc", "00FF00" },	     { "alexa488", "00FF00" }, { "cy5", "FF00FF" },
		{ "rfp", "FF0000" },	     { "mcherry", "FF0000" },  { "cy3", "FF0000" },
		{ "tritc", "FF0000" },	     { "texas", "FF0000" },    { "bf", "FFFFFF" },
		{ "brightfield", "FFFFFF" }, { "phase", "FFFFFF" },    { "dic", "FFFFFF" },
		{ "trans", "FFFFFF" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		if (strcasestr(label, hints[i].word) != NULL)
			return hints[i].color;
	return NULL;
}

static const char *ruled_color(const struct image *im, uint64_t c)
{
	static const char *const wheel[] = { "FF0000", "00FF00", "0000FF", "FF00FF",
					     "00FFFF", "FFFF00", "FFFFFF" };
	uint64_t n = im->grid.size[AXIS_C], sample = c % im->kind.samples;
	if (im->rgb)
		return sample < 3 ? wheel[sample] : "FFFFFF";
	if (n == 1)
		return "FFFFFF";
	if (n == 2)
		return c == 0 ? "00FF00" : "FF00FF";
	return wheel[c % ARRAY_SIZE(wheel)];
}

static int set_color(struct image *im, const struct scan_options *opts, uint64_t c, struct err *err)
{
	struct channel *ch = &im->channels[c];
	struct item item;
	if (opts->channel_colors != NULL && list_item(opts->channel_colors, c, &item)) {
		size_t hash = item.len > 0 && item.s[0] == '#';
		item.s += hash;
		item.len -= hash;
		if (item.len != 6 || strspn(item.s, "0123456789abcdefABCDEF") < 6)
			return err_set(err, EINVAL,
				       "--channel-colors: '%.*s' is not RRGGBB, six hexadecimal "
				       "digits",
				       (int)item.len, item.s);
		for (size_t i = 0; i < 6; i++)
			ch->color[i] = (char)(item.s[i] >= 'a' ? item.s[i] - 'a' + 'A' : item.s[i]);
		return 0;
	}
	/* A label that is only the image's name says nothing of a dye. */
	const struct told_channel *told = told_of(im, c);
	bool named = opts->channel_names != NULL || im->channel_labels != NULL ||
		     (told != NULL && told->name != NULL);
	const char *color = told != NULL && told->color[0] != '\0' ? told->color : NULL;
	if (color == NULL && named && !im->rgb)
		color = hinted_color(ch->label);
	memcpy(ch->color, color != NULL ? color : ruled_color(im, c), sizeof(ch->color));
	return 0;
}

/* START-END or START:END; a sign at the start belongs to its number. */
static bool parse_window(const struct item *w, double *lo, double *hi)
{
	for (size_t i = 1; i + 1 < w->len; i++) {
		bool mark = w->s[i] == ':' || w->s[i] == '-';
		if (mark && text_to_double(w->s, i, lo) &&
		    text_to_double(w->s + i + 1, w->len - i - 1, hi))
			return *lo < *hi;
	}
	return false;
}

/* A window that lies within the type. */
static bool is_window(const struct image *im, double low, double high)
{
	if (!isfinite(low) || !isfinite(high) || low >= high)
		return false;
	return dtype_is_float(im->dtype) ||
	       (low >= dtype_min(im->dtype) && high <= dtype_max(im->dtype));
}

/* A window from the tags: not just all values of the type. */
static bool tags_tell(const struct image *im)
{
	double low = im->kind.shown[0], high = im->kind.shown[1];
	return is_window(im, low, high) &&
	       (dtype_is_float(im->dtype) || low > dtype_min(im->dtype) ||
		high < dtype_max(im->dtype));
}

/* Bits of a voxel that the camera gave, in a type of 16. */
static unsigned significant_bits(const struct image *im)
{
	unsigned told = im->told != NULL ? im->told->bits : 0;
	unsigned bits = im->kind.bits < 16 && im->dtype == DTYPE_U16 ? im->kind.bits : told;
	return im->dtype == DTYPE_U16 && bits > 0 && bits < 16 ? bits : 0;
}

static void put_window(struct image *im, struct channel *ch, double low, double high)
{
	ch->start = low;
	ch->end = high;
	if (dtype_is_float(im->dtype)) {
		ch->min = low;
		ch->max = high;
	}
	ch->has_window = true;
}

static int set_window(struct image *im, const struct scan_options *opts, uint64_t c,
		      struct err *err)
{
	struct channel *ch = &im->channels[c];
	bool is_float = dtype_is_float(im->dtype);
	const struct told_channel *told = told_of(im, c);
	if (!is_float) {
		unsigned bits = significant_bits(im);
		ch->min = dtype_min(im->dtype);
		ch->max = bits > 0 ? (double)((1u << bits) - 1) : dtype_max(im->dtype);
	}
	struct item item;
	if (opts->windows != NULL && list_item(opts->windows, c, &item)) {
		if (!parse_window(&item, &ch->start, &ch->end))
			return err_set(err, EINVAL,
				       "--windows: '%.*s' is not START-END with START below END",
				       (int)item.len, item.s);
		if (is_float) {
			ch->min = ch->start;
			ch->max = ch->end;
		} else if (ch->start < dtype_min(im->dtype) || ch->end > dtype_max(im->dtype)) {
			return err_set(err, EINVAL, "--windows: '%.*s' is outside the range of %s",
				       (int)item.len, item.s, dtype_v3(im->dtype));
		}
		ch->has_window = true;
	} else if (told != NULL && is_window(im, told->start, told->end)) {
		put_window(im, ch, told->start, told->end);
	} else if (tags_tell(im)) {
		put_window(im, ch, im->kind.shown[0], im->kind.shown[1]);
	} else if (im->dtype == DTYPE_U8) {
		ch->start = ch->min;
		ch->end = ch->max;
		ch->has_window = true;
	}
	return 0;
}

/* Who gave a list, for `info`. -ENOMEM. */
static int set_from(char **slot, const char *list, const char *from, const char *option)
{
	if (list == NULL)
		return 0;
	*slot = strdup(from != NULL ? from : option);
	return *slot != NULL ? 0 : -ENOMEM;
}

static int set_origins(struct image *im, const struct scan_options *o, struct err *err)
{
	const struct scan_from *from = &o->from;
	if (set_from(&im->names_from, o->channel_names, from->names, "option --channel-names") ||
	    set_from(&im->colors_from, o->channel_colors, from->colors,
		     "option --channel-colors") ||
	    set_from(&im->windows_from, o->windows, from->windows, "option --windows"))
		return err_oom(err);
	return 0;
}

/* Who tells, where no option does. */
static int set_told_from(struct image *im, const struct told_channel *told, struct err *err)
{
	if (told == NULL)
		return 0;
	bool names = im->names_from == NULL && told->name != NULL;
	bool colors = im->colors_from == NULL && told->color[0] != '\0';
	bool windows = im->windows_from == NULL && is_window(im, told->start, told->end);
	const char *kind = im->told_kind;
	if (set_from(&im->names_from, names ? kind : NULL, NULL, kind) ||
	    set_from(&im->colors_from, colors ? kind : NULL, NULL, kind) ||
	    set_from(&im->windows_from, windows ? kind : NULL, NULL, kind))
		return err_oom(err);
	return 0;
}

int channels_make(struct image *im, const struct scan_options *opts, struct err *err)
{
	uint64_t n = im->grid.size[AXIS_C];
	int rc = check_count("--channel-names", opts->channel_names, n, err);
	if (rc == 0)
		rc = set_origins(im, opts, err);
	if (rc == 0)
		rc = check_count("--channel-colors", opts->channel_colors, n, err);
	if (rc == 0)
		rc = check_count("--windows", opts->windows, n, err);
	if (rc != 0)
		return rc;
	im->rgb = is_rgb(im);
	im->channels = calloc(n, sizeof(*im->channels));
	if (im->channels == NULL)
		return err_oom(err);
	for (uint64_t c = 0; c < n; c++) {
		if (set_label(im, opts, c) != 0)
			return err_oom(err);
		rc = set_told_from(im, told_of(im, c), err);
		if (rc == 0)
			rc = set_color(im, opts, c, err);
		if (rc == 0)
			rc = set_window(im, opts, c, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}
