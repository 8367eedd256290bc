#include "meta/ome_xml_image.h"

#include <errno.h>
#include <string.h>

#include "meta/ome_xml_attr.h"

int ome_image_named(struct ome_image *im, const char **atts)
{
	/* In schemas before 2007 the sizes stand here. */
	static const char *const sizes[] = { "PixelSizeZ", "PixelSizeY", "PixelSizeX" };
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		im->physical[i] = ome_attr_quantity(atts, sizes[i]);
	im->time_increment = ome_attr_quantity(atts, "TimeIncrement");
	const char *name = ome_attr(atts, "Name");
	if (name == NULL || *name == '\0')
		return 0;
	im->name = strdup(name);
	return im->name == NULL ? -ENOMEM : 0;
}

static int get_sizes(struct ome_image *im, const char **atts, struct err *err)
{
	static const char *const sizes[TOLD_AXES] = {
		[TOLD_T] = "SizeT", [TOLD_C] = "SizeC", [TOLD_Z] = "SizeZ"
	};
	bool told = false;
	for (size_t a = 0; a < TOLD_AXES; a++)
		if (!ome_attr_number(atts, sizes[a], &told, &im->size[a]) || im->size[a] == 0)
			return err_set(err, EBADMSG, "Pixels has no %s above 0", sizes[a]);
	ome_attr_number(atts, "SizeX", &told, &im->width);
	ome_attr_number(atts, "SizeY", &told, &im->height);
	return 0;
}

static int get_order(struct ome_image *im, const char **atts, struct err *err)
{
	if (ome_attr_order(atts, im->order))
		return 0;
	/* Planes along one axis have only one order. */
	static const uint8_t any[TOLD_AXES] = { TOLD_Z, TOLD_C, TOLD_T };
	memcpy(im->order, any, sizeof(any));
	unsigned axes = 0;
	for (size_t a = 0; a < TOLD_AXES; a++)
		axes += im->size[a] > 1;
	if (axes < 2)
		return 0;
	CLEANUP(text_done) struct text t = { 0 };
	const char *order = ome_attr(atts, "DimensionOrder");
	text_add(&t, "");
	text_add_name(&t, order != NULL ? order : "", order != NULL ? strnlen(order, 40) : 0);
	if (t.oom)
		return err_oom(err);
	return err_set(err, EBADMSG, "DimensionOrder \"%s\" is not known", t.s);
}

static void get_type(struct ome_image *im, const char **atts)
{
	const char *type = ome_attr(atts, "Type");
	if (type == NULL)
		type = ome_attr(atts, "PixelType");
	size_t n = type != NULL ? strnlen(type, sizeof(im->type)) : 0;
	if (n > 0 && n < sizeof(im->type))
		memcpy(im->type, type, n);
}

int ome_image_pixels(struct ome_image *im, const char **atts, struct err *err)
{
	static const char *const physical[] = { "PhysicalSizeZ", "PhysicalSizeY", "PhysicalSizeX" };
	im->has_pixels = true;
	int r = get_sizes(im, atts, err);
	if (r == 0)
		r = get_order(im, atts, err);
	if (r < 0)
		return r;
	bool told = false;
	uint64_t bits = 0;
	ome_attr_number(atts, "SignificantBits", &told, &bits);
	im->bits = bits <= 64 ? (unsigned)bits : 0;
	get_type(im, atts);
	for (size_t i = 0; i < ARRAY_SIZE(physical); i++) {
		struct ome_quantity q = ome_attr_quantity(atts, physical[i]);
		if (q.told)
			im->physical[i] = q;
	}
	struct ome_quantity step = ome_attr_quantity(atts, "TimeIncrement");
	if (step.told)
		im->time_increment = step;
	return 0;
}
