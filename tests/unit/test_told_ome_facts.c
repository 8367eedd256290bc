/* What OME-XML says beside the planes: samples, channels, colours, names, sizes, times. */
#include "tests/unit/run_suite.h"
#include "tests/unit/told_ome_fixture.h"

#define SPP(n) "<Channel SamplesPerPixel=\"" #n "\"/>"

static const struct {
	const char *text;
	unsigned samples;
	uint64_t c, channels;
	const char *note;
} channels[] = {
	{ CHANNELS(3, 1, ""), 1, 3, 0, NULL },
	{ CHANNELS(3, 1, ""), 3, 1, 0, NULL },
	{ CHANNELS(6, 1, ""), 3, 2, 0, NULL },
	{ CHANNELS(3, 1, "<Channel/><Channel/><Channel/>"), 1, 3, 3, NULL },
	{ CHANNELS(3, 1, SPP(3)), 3, 1, 1, NULL },
	{ CHANNELS(3, 1, "<Channel/>"), 3, 1, 1, NULL },
	{ CHANNELS(6, 1, SPP(3) SPP(3)), 3, 2, 2, NULL },
	{ CHANNELS(4, 1, SPP(3) SPP(1)), 3, 2, 2, NULL },
	/* XML and page differ. */
	{ CHANNELS(3, 1, SPP(1) SPP(1) SPP(1)), 3, 1, 3,
	  "OME image 1: its channels do not have the 3" },
	{ CHANNELS(3, 1, SPP(3)), 1, 3, 3, "which are right" },
	{ CHANNELS(2, 1, SPP(1) SPP(1)), 3, 2, 2, "SizeC 2 fits neither" },
	{ CHANNELS(1, 1, "<Channel/>"), 3, 1, 1, "SizeC 1 fits neither" },
	{ CHANNELS(2, 1, "<Channel/><Channel/><Channel/>"), 1, 2, 0, "do not have" },
	{ CHANNELS(2, 1, "<Channel SamplesPerPixel=\"18446744073709551615\"/><Channel/>"), 1, 2, 2,
	  "do not have" },
};

START_TEST(samples)
{
	make(channels[_i].text, 12);
	w.page.samples = (uint16_t)channels[_i].samples;
	ck_assert_int_eq(tell(), 1);
	const struct told_image *im = told.images;
	ck_assert_uint_eq(im->n[TOLD_C], channels[_i].c);
	ck_assert_uint_eq(im->n_channels, channels[_i].channels);
	if (channels[_i].note == NULL)
		ck_assert_str_eq(notes(), "");
	else
		ck_assert_msg(strstr(notes(), channels[_i].note) != NULL, "%s", notes());
	done();
}
END_TEST

/* What a companion says of samples has no page to be compared with. */
START_TEST(samples_without_a_page)
{
	make("", 0);
	w.s = (struct told_source){ .name = "x.companion.ome", .beside = beside };
	put_beside("x.companion.ome",
		   CHANNELS(6, 1, "<Channel/><Channel/><TiffData>" UUID("b.tif", "") "</TiffData>"),
		   0);
	put_beside("b.tif", "", 0);
	expect("1x2x1 b.tif:0 b.tif:1", NULL);
	w.beside[0].text = CHANNELS(3, 1, SPP(1) "<TiffData>" UUID("b.tif", "") "</TiffData>");
	expect("1x3x1 b.tif:0 b.tif:1 b.tif:2", "SizeC 3 fits neither");
	done();
}
END_TEST

static const struct {
	const char *channels;
	const char *colors[3];
} colors[] = {
	{ "<Channel Color=\"-1\"/>", { "FFFFFF" } },
	{ "<Channel Color=\"-2147483648\"/>", { "" } },
	{ "<Channel Color=\"0\"/>", { "" } },
	{ "<Channel Color=\"16711935\"/><Channel Color=\"65535\"/><Channel Color=\"-16776961\"/>",
	  { "00FF00", "0000FF", "FF0000" } },
	{ "<Channel Color=\"-1\"/><Channel Color=\"-1\"/><Channel Color=\"-1\"/>", { "", "", "" } },
	{ "<Channel Color=\"-1\"/><Channel/><Channel/>", { "", "", "" } },
	{ "<Channel Color=\"-1\"/><Channel Color=\"65535\"/><Channel/>",
	  { "FFFFFF", "0000FF", "" } },
	{ "<Channel Color=\"4294967295\"/><Channel Color=\"4294967040\"/><Channel Color=\"x\"/>",
	  { "FFFFFF", "FFFFFF", "" } },
};

START_TEST(channel_colors)
{
	char text[600];
	bool one = strchr(colors[_i].channels + 1, '<') == NULL;
	snprintf(text, sizeof(text),
		 "<OME><Image><Pixels SizeZ=\"1\" SizeC=\"%d\" "
		 "SizeT=\"1\">%s</Pixels></Image></OME>",
		 one ? 1 : 3, colors[_i].channels);
	make(text, 3);
	ck_assert_int_eq(tell(), 1);
	ck_assert_uint_eq(told.images[0].n_channels, one ? 1 : 3);
	for (size_t i = 0; i < told.images[0].n_channels; i++)
		ck_assert_str_eq(told.images[0].channels[i].color, colors[_i].colors[i]);
	done();
}
END_TEST

START_TEST(names_and_title)
{
	make(OME("<Image Name=\"My &#181; stack\"><Pixels SignificantBits=\"12\" " ZCT(
		     1, 3, 1) "><Channel Name=\"DAPI\"/><Channel EmissionWavelength=\"520\"/>"
			      "<Channel/></Pixels></Image>"),
	     3);
	ck_assert_int_eq(tell(), 1);
	const struct told_image *im = told.images;
	ck_assert_str_eq(im->title, "My \xc2\xb5 stack");
	ck_assert_ptr_null(im->key);
	ck_assert_uint_eq(im->bits, 12);
	ck_assert_str_eq(im->channels[0].name, "DAPI");
	ck_assert_str_eq(im->channels[1].name, "520 nm");
	ck_assert_ptr_null(im->channels[2].name);
	ck_assert(!im->has[TOLD_T] && im->has[TOLD_C] && !im->has[TOLD_Z]);
	done();
}
END_TEST

static const struct {
	const char *attributes;
	double z, y, x;
	const char *unit; /* of x */
	const char *note;
} sizes[] = {
	{ "PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.25\" PhysicalSizeZ=\"2\"", 2, 0.25, 0.5,
	  "micrometer", NULL },
	{ "PhysicalSizeX=\"4\" PhysicalSizeXUnit=\"nm\"", 0, 0, 4, "nanometer", NULL },
	{ "PhysicalSizeX=\"4\" PhysicalSizeXUnit=\"\xc2\xb5m\"", 0, 0, 4, "micrometer", NULL },
	{ "PhysicalSizeX=\"2\" PhysicalSizeXUnit=\"thou\"", 0, 0, 50.8, "micrometer", NULL },
	{ "PhysicalSizeX=\"1\" PhysicalSizeXUnit=\"pixel\" PhysicalSizeZ=\"3\"", 3, 0, 0, NULL,
	  "PhysicalSizeX 1 \"pixel\" is no length" },
	/* A parsec of OME. */
	{ "PhysicalSizeX=\"1\" PhysicalSizeXUnit=\"pc\"", 0, 0, 0, NULL, "\"pc\" is no length" },
	{ "PhysicalSizeX=\"1\" PhysicalSizeXUnit=\"reference frame\"", 0, 0, 0, NULL,
	  "\"reference frame\"" },
	{ "PhysicalSizeX=\"0\"", 0, 0, 0, NULL, "PhysicalSizeX 0 \"\"" },
	{ "PhysicalSizeX=\"-1\"", 0, 0, 0, NULL, "ignored" },
	{ "PhysicalSizeX=\"NaN\" PhysicalSizeY=\"1e999\" PhysicalSizeZ=\"1,5\"", 0, 0, 0, NULL,
	  "PhysicalSizeZ" },
};

START_TEST(voxel_sizes)
{
	char text[600];
	snprintf(text, sizeof(text), "<OME><Image><Pixels " ZCT(1, 1, 1) " %s/></Image></OME>",
		 sizes[_i].attributes);
	make(text, 1);
	expect("1x1x1 .0", sizes[_i].note);
	const struct told_size *got = told.images[0].size;
	ck_assert_double_eq(got[0].value, sizes[_i].z);
	ck_assert_double_eq(got[1].value, sizes[_i].y);
	ck_assert_double_eq_tol(got[2].value, sizes[_i].x, 1e-12);
	ck_assert_pstr_eq(got[2].unit, sizes[_i].unit);
	done();
}
END_TEST

static const struct {
	const char *attributes, *planes;
	double step;
} times[] = {
	{ "TimeIncrement=\"2.5\"", AT(0, 0) AT(1, 9), 2.5 },
	{ "TimeIncrement=\"250\" TimeIncrementUnit=\"ms\"", "", 0.25 },
	{ "TimeIncrement=\"2\" TimeIncrementUnit=\"min\"", "", 120 },
	{ "TimeIncrement=\"2\" TimeIncrementUnit=\"frames\"", "", 0 },
	{ "TimeIncrement=\"-2\"", "", 0 },
	{ "TimeIncrement=\"0\"", AT(0, 10) AT(1, 13), 3 },
	{ "", AT(0, 10) AT(1, 12) AT(2, 14.04) AT(3, 16.04), 2 },
	{ "", AT(2, 14) AT(0, 10) AT(1, 12), 2 },
	/* Within a twentieth, and not. */
	{ "", AT(0, 0) AT(1, 100) AT(2, 204), 102 },
	{ "", AT(0, 0) AT(1, 100) AT(2, 206), 0 },
	{ "", AT(0, 0) AT(2, 4) AT(3, 5), 1 },
	{ "", AT(0, 5) AT(1, 5) AT(2, 5), 0 },
	{ "", AT(1, 5), 0 },
	{ "", AT(0, 9) AT(1, 5), 0 },
	{ "", AT(0, 0) AT(1, 1e999), 0 },
	{ "", "<Plane TheZ=\"1\" TheC=\"0\" TheT=\"0\" DeltaT=\"0\"/>" AT(1, 4) AT(2, 7), 3 },
};

START_TEST(time_steps)
{
	char text[900];
	snprintf(text, sizeof(text),
		 "<OME><Image><Pixels " ZCT(1, 1, 4) " %s>%s</Pixels></Image></OME>",
		 times[_i].attributes, times[_i].planes);
	make(text, 4);
	expect("4x1x1 .0 .1 .2 .3", NULL);
	ck_assert_double_eq_tol(told.images[0].time_step, times[_i].step, 1e-9);
	done();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("told_ome_facts");
	TCase *tc = tcase_create("told_ome_facts");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, samples, 0, ARRAY_SIZE(channels));
	tcase_add_test(tc, samples_without_a_page);
	tcase_add_loop_test(tc, channel_colors, 0, ARRAY_SIZE(colors));
	tcase_add_test(tc, names_and_title);
	tcase_add_loop_test(tc, voxel_sizes, 0, ARRAY_SIZE(sizes));
	tcase_add_loop_test(tc, time_steps, 0, ARRAY_SIZE(times));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
