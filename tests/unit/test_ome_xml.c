/* The parser of OME-XML: what it keeps of documents written for this, of old schemas and new, and each refusal. */
#include "meta/ome_xml.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/run_suite.h"

#define OME(inner) "<OME UUID=\"urn:uuid:1\">" inner "</OME>"
#define IMAGE(attributes, inner)                                                                   \
	OME("<Image><Pixels DimensionOrder=\"XYZCT\" SizeZ=\"1\" SizeC=\"1\" SizeT=\"1\" "         \
	    "SizeX=\"16\" SizeY=\"8\" " attributes ">" inner "</Pixels></Image>")

static struct ome_xml x;

static int parse(const char *text, size_t len, struct err *err)
{
	/* At the end of its memory, so that a sanitizer sees what is read behind it. */
	char *copy = malloc(len > 0 ? len : 1);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	ome_xml_done(&x);
	int r = ome_xml_parse(copy, len, &x, err);
	free(copy);
	return r;
}

static void taken(const char *text)
{
	struct err err = { 0 };
	int r = parse(text, strlen(text), &err);
	ck_assert_msg(r == 0, "'%.200s': %d %s", text, r, err.msg);
}

static void done(void)
{
	ome_xml_done(&x);
}

START_TEST(whole_document)
{
	taken("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<o:OME xmlns:o=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\" "
	      "UUID=\"urn:uuid:1\">"
	      "<o:Image ID=\"Image:0\" Name=\"first &amp; last\">"
	      "<o:Pixels DimensionOrder=\"XYCZT\" Type=\"uint16\" SizeX=\"512\" SizeY=\" 256 \" "
	      "SizeZ=\"3\" "
	      "SizeC=\"2\" SizeT=\"4\" SignificantBits=\"12\" PhysicalSizeX=\"0.5\" "
	      "PhysicalSizeXUnit=\"nm\" "
	      "PhysicalSizeZ=\"2e-1\" TimeIncrement=\"1.5\" TimeIncrementUnit=\"min\">"
	      "<o:Channel Name=\" DAPI \" Color=\"65535\" SamplesPerPixel=\"1\"/>"
	      "<o:Channel Fluor=\"GFP\" Color=\"-16776961\"/>"
	      "<o:TiffData FirstZ=\"1\" FirstC=\"2\" FirstT=\"3\" IFD=\"4\" PlaneCount=\"5\">"
	      "<o:UUID FileName=\"a.tif\"> urn:uuid:1\n</o:UUID></o:TiffData>"
	      "<o:TiffData><o:UUID FileName=\"b.tif\">urn:uuid:<!-- -->2</o:UUID>"
	      "<o:UUID FileName=\"c.tif\">3</o:UUID></o:TiffData>"
	      "<o:TiffData><o:UUID FileName=\"a.tif\">urn:uuid:1</o:UUID></o:TiffData>"
	      "<o:Plane TheZ=\"0\" TheC=\"0\" TheT=\"1\" DeltaT=\"2500\" DeltaTUnit=\"ms\"/>"
	      "<o:Plane TheZ=\"1\" TheC=\"0\" TheT=\"1\" DeltaT=\"9\"/>"
	      "</o:Pixels></o:Image>"
	      "<o:Image><o:Pixels SizeZ=\"1\" SizeC=\"1\" SizeT=\"9\"><o:MetadataOnly/></o:Pixels>"
	      "<o:Pixels SizeZ=\"x\"><o:TiffData/></o:Pixels></o:Image></o:OME>");
	ck_assert_str_eq(x.uuid, "urn:uuid:1");
	ck_assert_ptr_null(x.binary_only);
	ck_assert_uint_eq(x.n_images, 2);
	const struct ome_image *a = &x.images[0], *b = &x.images[1];
	ck_assert_str_eq(a->name, "first & last");
	ck_assert(a->has_pixels && !a->elsewhere && !a->more_pixels);
	ck_assert_uint_eq(a->size[TOLD_Z], 3);
	ck_assert_uint_eq(a->size[TOLD_C], 2);
	ck_assert_uint_eq(a->size[TOLD_T], 4);
	ck_assert_uint_eq(a->width, 512);
	ck_assert_uint_eq(a->height, 256);
	ck_assert(a->order[0] == TOLD_C && a->order[1] == TOLD_Z && a->order[2] == TOLD_T);
	ck_assert_str_eq(a->type, "uint16");
	ck_assert_uint_eq(a->bits, 12);
	ck_assert(a->physical[2].told && !a->physical[1].told && a->physical[0].told);
	ck_assert_double_eq(a->physical[2].value, 0.5);
	ck_assert_str_eq(a->physical[2].unit, "nm");
	ck_assert_double_eq(a->physical[0].value, 0.2);
	ck_assert_str_eq(a->physical[0].unit, "");
	ck_assert_double_eq(a->time_increment.value, 1.5);
	ck_assert_uint_eq(a->n_channels, 2);
	ck_assert_str_eq(x.channels[0].name, "DAPI");
	ck_assert_str_eq(x.channels[1].name, "GFP");
	ck_assert_uint_eq(x.channels[0].samples, 1);
	ck_assert_uint_eq(x.channels[1].samples, 0);
	ck_assert_uint_eq(x.channels[0].color, 0x0000ffff);
	ck_assert_uint_eq(x.channels[1].color, 0xff0000ff);
	ck_assert_uint_eq(a->n_tiffdata, 3);
	const struct ome_tiffdata *d = x.tiffdata;
	ck_assert_uint_eq(d[0].first[TOLD_Z], 1);
	ck_assert_uint_eq(d[0].first[TOLD_C], 2);
	ck_assert_uint_eq(d[0].first[TOLD_T], 3);
	ck_assert_uint_eq(d[0].ifd, 4);
	ck_assert_uint_eq(d[0].count, 5);
	ck_assert(d[0].has_ifd && d[0].has_count && !d[1].has_ifd && !d[1].has_count);
	ck_assert_uint_eq(x.n_files, 2);
	ck_assert(d[0].file == 0 && d[1].file == 1 && d[2].file == 0);
	ck_assert_str_eq(x.files[0].name, "a.tif");
	ck_assert_str_eq(x.files[0].uuid, "urn:uuid:1");
	ck_assert_str_eq(x.files[1].uuid, "urn:uuid:2");
	ck_assert_uint_eq(a->n_deltas, 1);
	ck_assert_uint_eq(x.deltas[0].t, 1);
	ck_assert_double_eq(x.deltas[0].seconds, 2.5);
	ck_assert(b->has_pixels && b->elsewhere && b->more_pixels);
	ck_assert_uint_eq(b->n_tiffdata, 0);
	ck_assert_uint_eq(b->channel, 2);
	done();
}
END_TEST

START_TEST(old_schemas)
{
	taken("<OME><Image Name=\"\" PixelSizeX=\"0.1\" PixelSizeZ=\"3\" TimeIncrement=\"2\">"
	      "<LogicalChannel Fluor=\"x\" SamplesPerPixel=\"3\"/><ChannelInfo EmWave=\"520\"/>"
	      "<Pixels DimensionOrder=\"XYTCZ\" PixelType=\"Uint8\" SizeZ=\"1\" SizeC=\"4\" "
	      "SizeT=\"1\" "
	      "PhysicalSizeX=\"7\"><TiffData IFD=\"1\" NumPlanes=\"2\"/>"
	      "<Plane TheZ=\"0\" TheC=\"0\" TheT=\"3\"><PlaneTiming DeltaT=\"1.25\"/></Plane>"
	      "</Pixels></Image></OME>");
	const struct ome_image *im = x.images;
	ck_assert_str_eq(x.uuid, "");
	ck_assert_ptr_null(im->name);
	ck_assert_uint_eq(im->n_channels, 2);
	ck_assert_str_eq(x.channels[1].name, "520 nm");
	ck_assert_uint_eq(x.channels[0].samples, 3);
	ck_assert_str_eq(im->type, "Uint8");
	ck_assert_double_eq(im->physical[2].value, 7);
	ck_assert_double_eq(im->physical[0].value, 3);
	ck_assert_double_eq(im->time_increment.value, 2);
	ck_assert(x.tiffdata[0].has_count);
	ck_assert_uint_eq(x.tiffdata[0].count, 2);
	ck_assert_uint_eq(x.n_deltas, 1);
	ck_assert_uint_eq(x.deltas[0].t, 3);
	ck_assert_double_eq(x.deltas[0].seconds, 1.25);
	done();
}
END_TEST

static const struct {
	const char *value;
	bool is;
	uint32_t color;
} colors[] = {
	{ "-1", true, 0xffffffff },
	{ "0", true, 0 },
	{ "-2147483648", true, 0x80000000 },
	{ "16711935", true, 0x00ff00ff },
	{ " 4294967295 ", true, 0xffffffff },
	{ "4278190335", true, 0xff0000ff },
	{ "4294967296", false, 0 },
	{ "-2147483649", false, 0 },
	{ "red", false, 0 },
	{ "-", false, 0 },
	{ "", false, 0 },
};

START_TEST(channel_colors)
{
	char text[400];
	snprintf(text, sizeof(text), IMAGE("", "<Channel Color=\"%s\"/>"), colors[_i].value);
	taken(text);
	ck_assert_int_eq(x.channels[0].has_color, colors[_i].is);
	if (colors[_i].is)
		ck_assert_uint_eq(x.channels[0].color, colors[_i].color);
	done();
}
END_TEST

START_TEST(channel_names)
{
	taken(IMAGE("", "<Channel EmissionWavelength=\"488.50\"/>"
			"<Channel EmissionWavelength=\"0.6\" EmissionWavelengthUnit=\"\xc2\xb5m\"/>"
			"<Channel EmissionWavelength=\"-3\"/><Channel Name=\" \" Fluor=\"\"/>"
			"<Channel Name=\"a\" Fluor=\"b\" EmissionWavelength=\"1\"/>"));
	ck_assert_str_eq(x.channels[0].name, "488.5 nm");
	ck_assert_str_eq(x.channels[1].name, "0.6 \xc2\xb5m");
	ck_assert_ptr_null(x.channels[2].name);
	ck_assert_ptr_null(x.channels[3].name);
	ck_assert_str_eq(x.channels[4].name, "a");
	done();
}
END_TEST

START_TEST(odds_and_ends)
{
	/* One byte of Latin-1 in what says UTF-8. */
	taken(OME("<Image Name=\"\xb5m\"/>"));
	ck_assert_str_eq(x.images[0].name, "\xc2\xb5m");
	ck_assert(!x.images[0].has_pixels);
	taken(OME("<BinaryOnly MetadataFile=\"set.companion.ome\"/><BinaryOnly "
		  "MetadataFile=\"b\"/>"));
	ck_assert_str_eq(x.binary_only, "set.companion.ome");
	taken(OME("<BinaryOnly/>"));
	ck_assert_str_eq(x.binary_only, "");
	/* What only looks like an image. */
	taken(OME("<StructuredAnnotations><XMLAnnotation><Image><Pixels/></Image>"
		  "<m:ModuloAlongZ xmlns:m=\"m\"/></XMLAnnotation></StructuredAnnotations>"));
	ck_assert_uint_eq(x.n_images, 0);
	ck_assert(x.modulo[TOLD_Z] && !x.modulo[TOLD_C] && !x.modulo[TOLD_T]);
	/* One axis needs no order. */
	taken(OME("<Image><Pixels SizeZ=\"1\" SizeC=\"7\" SizeT=\"1\"/></Image>"));
	taken(IMAGE("", "<TiffData><UUID/></TiffData><TiffData><UUID> </UUID></TiffData>"));
	ck_assert_uint_eq(x.n_files, 0);
	ck_assert_uint_eq(x.tiffdata[1].file, OME_XML_NO_FILE);
	/* Units are cut between characters; numbers that are none count as 0. */
	taken(IMAGE("PhysicalSizeX=\"abc\" PhysicalSizeXUnit=\"abcdefghijklmnopqrstuv\xc2\xb5m\" "
		    "SignificantBits=\"65\" Type=\"a type that is longer than any\"",
		    ""));
	ck_assert_str_eq(x.images[0].physical[2].unit, "abcdefghijklmnopqrstuv");
	ck_assert(x.images[0].physical[2].told && x.images[0].physical[2].value < 1);
	ck_assert_uint_eq(x.images[0].bits, 0);
	ck_assert_str_eq(x.images[0].type, "");
	/* Times in units that are none. */
	taken(IMAGE("", "<Plane DeltaT=\"1\" DeltaTUnit=\"frames\"/><Plane/>"
			"<Plane TheC=\"x\" DeltaT=\"1\"/>"));
	ck_assert_uint_eq(x.n_deltas, 0);
	done();
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *part;
} bad[] = {
	{ "", EBADMSG, "line 1, column 1: no element found" },
	{ "<OME>\n <Image></OME>", EBADMSG, "line 2, column 11: mismatched tag" },
	{ "<OME/>x", EBADMSG, "column 7: " },
	{ "<html><OME/></html>", EBADMSG, "line 1, column 1: the outermost element is not OME" },
	{ OME("&nosuch;"), EBADMSG, "undefined entity" },
	{ OME("<Image><Pixels SizeC=\"1\" SizeT=\"1\"/></Image>"), EBADMSG, "no SizeZ above 0" },
	{ OME("<Image><Pixels SizeZ=\"1\" SizeC=\"0\" SizeT=\"1\"/></Image>"), EBADMSG,
	  "column 31: Pixels has no SizeC above 0" },
	{ OME("<Image><Pixels SizeZ=\"1\" SizeC=\"1\" SizeT=\"-1\"/></Image>"), EBADMSG, "SizeT" },
	{ OME("<Image><Pixels SizeZ=\"1\" SizeC=\"1\" SizeT=\"18446744073709551616\"/></Image>"),
	  EBADMSG, "SizeT" },
	{ OME("<Image><Pixels SizeZ=\"2\" SizeC=\"1\" SizeT=\"2\"/></Image>"), EBADMSG,
	  "DimensionOrder \"\" is not known" },
	{ OME("<Image><Pixels DimensionOrder=\"XYZZT\" SizeZ=\"2\" SizeC=\"1\" "
	      "SizeT=\"2\"/></Image>"),
	  EBADMSG, "DimensionOrder \"XYZZT\" is not known" },
	{ OME("<Image><Pixels DimensionOrder=\"YXZCT\" SizeZ=\"2\" SizeC=\"2\" "
	      "SizeT=\"1\"/></Image>"),
	  EBADMSG, "\"YXZCT\"" },
	{ OME("<Image><Pixels DimensionOrder=\"XYZCTX\" SizeZ=\"2\" SizeC=\"2\" "
	      "SizeT=\"1\"/></Image>"),
	  EBADMSG, "\"XYZCTX\"" },
	{ IMAGE("", "<TiffData IFD=\"-1\"/>"), EBADMSG, "IFD is no number" },
	{ IMAGE("", "<TiffData PlaneCount=\"1.0\"/>"), EBADMSG, "PlaneCount is no number" },
	{ IMAGE("", "<TiffData NumPlanes=\"all\"/>"), EBADMSG, "NumPlanes is no number" },
	{ IMAGE("", "<TiffData FirstC=\"\"/>"), EBADMSG, "FirstC is no number" },
	{ "<!DOCTYPE OME [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><OME UUID=\"&b;\"/>", ENOTSUP,
	  "line 1, column " },
	{ "<?xml version=\"1.0\"?>\n<!DOCTYPE OME SYSTEM \"file:///etc/passwd\"><OME></OME>",
	  ENOTSUP, "line 2, column " },
	{ "<!DOCTYPE OME [<!ENTITY % a SYSTEM \"a.dtd\">%a;]><OME/>", ENOTSUP, "a DTD" },
};

START_TEST(refusals)
{
	struct err err = { 0 };
	int r = parse(bad[_i].text, strlen(bad[_i].text), &err);
	ck_assert_msg(r == -bad[_i].code && err.code == bad[_i].code, "%d: %d %s", _i, r, err.msg);
	ck_assert_msg(strstr(err.msg, bad[_i].part) != NULL, "'%s' lacks '%s'", err.msg,
		      bad[_i].part);
	ck_assert_ptr_eq(strstr(err.msg, "line "), err.msg);
	ck_assert_int_eq(parse(bad[_i].text, strlen(bad[_i].text), NULL), -bad[_i].code);
	done();
}
END_TEST

START_TEST(depth)
{
	struct text t = { 0 };
	struct err err = { 0 };
	for (int extra = 0; extra < 2; extra++) {
		t.len = 0;
		text_add(&t, "<OME>");
		for (int i = 1; i < OME_XML_MAX_DEPTH + extra; i++)
			text_add(&t, "<a>");
		for (int i = 1; i < OME_XML_MAX_DEPTH + extra; i++)
			text_add(&t, "</a>");
		text_add(&t, "</OME>");
		int r = parse(t.s, t.len, &err);
		ck_assert_int_eq(r, extra ? -ENOTSUP : 0);
	}
	ck_assert_ptr_nonnull(strstr(err.msg, "nested deeper than 64"));
	/* An empty element at the limit. */
	t.len = 0;
	for (int i = 0; i < OME_XML_MAX_DEPTH; i++)
		text_add(&t, i == 0 ? "<OME>" : "<a>");
	text_add(&t, "<a/>");
	ck_assert_int_eq(parse(t.s, t.len, &err), -ENOTSUP);
	text_done(&t);
	done();
}
END_TEST

static const struct {
	const char *open, *each, *part;
	int most;
} many[] = {
	{ "<OME>", "<Image/>", "more than 65536 Image elements", OME_XML_MAX_IMAGES },
	{ "<OME><Image>", "<ChannelInfo/>", "more than 262144 Channel elements",
	  OME_XML_MAX_CHANNELS },
	{ "<OME><Image><Pixels SizeC=\"1\" SizeZ=\"1\" SizeT=\"1\">", "<TiffData/>",
	  "more than 1048576 TiffData elements", OME_XML_MAX_TIFFDATA },
};

START_TEST(counts)
{
	struct text t = { 0 };
	struct err err = { 0 };
	text_add(&t, many[_i].open);
	for (int i = 0; i <= many[_i].most; i++)
		text_add(&t, many[_i].each);
	ck_assert_int_eq(parse(t.s, t.len, &err), -ENOTSUP);
	ck_assert_msg(strstr(err.msg, many[_i].part) != NULL, "%s", err.msg);
	text_done(&t);
	done();
}
END_TEST

START_TEST(bytes)
{
	struct err err = { 0 };
	ck_assert_int_eq(ome_xml_parse("", (size_t)OME_XML_MAX_BYTES + 1, &x, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.msg, "64 MiB"));
}
END_TEST

/* Linear in the number of names, whether they are new or not. */
START_TEST(many_files)
{
	enum { N = 60000 };
	struct text t = { 0 };
	text_add(&t, "<OME><Image><Pixels SizeC=\"1\" SizeZ=\"60000\" SizeT=\"1\">");
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < N; i++)
			text_addf(&t,
				  "<TiffData><UUID "
				  "FileName=\"a/very/long/folder/%d.tif\"/></TiffData>",
				  i);
	text_add(&t, "</Pixels></Image></OME>");
	taken(t.s);
	ck_assert_uint_eq(x.n_files, N);
	ck_assert_uint_eq(x.tiffdata[2 * N - 1].file, N - 1);
	text_done(&t);
	done();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ome_xml");
	TCase *tc = tcase_create("ome_xml");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, whole_document);
	tcase_add_test(tc, old_schemas);
	tcase_add_loop_test(tc, channel_colors, 0, ARRAY_SIZE(colors));
	tcase_add_test(tc, channel_names);
	tcase_add_test(tc, odds_and_ends);
	tcase_add_loop_test(tc, refusals, 0, ARRAY_SIZE(bad));
	tcase_add_test(tc, depth);
	tcase_add_loop_test(tc, counts, 0, ARRAY_SIZE(many));
	tcase_add_test(tc, bytes);
	tcase_add_test(tc, many_files);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
