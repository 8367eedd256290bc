#include "meta/told_ome_channels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the Channel elements of an Image say of samples. */
struct samples {
	bool fit;    /* their sum is SizeC */
	bool differ; /* from one another */
	bool alike;  /* all are what the page has, or that is not known */
};

static struct samples sum_samples(const struct ome_image *im, const struct ome_channel *channels,
				  uint64_t of_page)
{
	uint64_t sum = 0, unknown = 0, size = im->size[TOLD_C];
	struct samples out = { .alike = true };
	for (size_t i = 0; i < im->n_channels; i++) {
		uint64_t n = channels[i].samples != 0 ? channels[i].samples : of_page;
		unknown += n == 0;
		if (!add_u64(sum, n, &sum))
			return out;
		out.differ |= channels[i].samples != channels[0].samples;
		out.alike &= of_page == 0 || n == of_page;
	}
	/* Those of which nothing is known share what is left. */
	if (unknown > 0 && sum < size && (size - sum) % unknown == 0)
		sum = size;
	out.fit = im->n_channels > 0 && sum == size;
	return out;
}

uint64_t ome_pages_along_c(struct ome_layout *l, size_t i, const struct ome_first_page *first)
{
	const struct ome_image *im = &l->doc->xml.images[i];
	uint64_t size = im->size[TOLD_C];
	struct samples s = sum_samples(im, ome_xml_channels(&l->doc->xml, im), first->samples);
	if (s.fit && (s.alike || s.differ))
		return im->n_channels;
	if (first->samples > 0 && size % first->samples == 0) {
		if (im->n_channels > 0)
			ome_note(l, i,
				 "its channels do not have the %u samples of its pages, which are "
				 "right",
				 first->samples);
		return size / first->samples;
	}
	if (first->samples > 0 || im->n_channels > 0)
		ome_note(l, i, "SizeC %" PRIu64 " fits neither its channels nor its pages", size);
	return size;
}

/* White is the default of the schema: several channels of it say nothing. */
static bool all_white(const struct ome_channel *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c[i].has_color && c[i].color != UINT32_MAX)
			return false;
	return n > 1;
}

static bool is_color(const struct ome_channel *c)
{
	/* 0 and the default of old writers. */
	return c->has_color && c->color != 0 && c->color != (uint32_t)1 << 31;
}

int ome_channels(const struct ome_layout *l, size_t i, const struct ome_first_page *first,
		 struct told_image *out)
{
	const struct ome_image *im = &l->doc->xml.images[i];
	const struct ome_channel *c = ome_xml_channels(&l->doc->xml, im);
	uint64_t pages = out->n[TOLD_C], n = im->n_channels;
	bool of_samples = first->samples > 1 && n == pages * first->samples;
	if (n == 0 || (n > pages && !of_samples))
		return 0;
	int r = told_make_channels(out, of_samples ? n : pages);
	bool colors = !all_white(c, n);
	for (size_t k = 0; k < n && r == 0; k++) {
		struct told_channel *to = &out->channels[k];
		if (colors && is_color(&c[k]))
			snprintf(to->color, sizeof(to->color), "%06" PRIX32, c[k].color >> 8);
		if (c[k].name == NULL)
			continue;
		to->name = strdup(c[k].name);
		r = to->name == NULL ? -ENOMEM : 0;
	}
	return r;
}
