/* Where OME-XML puts planes. */
#include "meta/ome_xml.h"
#include "tests/unit/failing.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/told_ome_fixture.h"

static const struct {
	const char *text;
	uint32_t pages;
	const char *planes, *note;
} rows[] = {
	/* No TiffData, and one that means all pages. */
	{ STACK(3, ""), 3, "1x1x3 .0 .1 .2", NULL },
	{ STACK(3, ""), 2, "1x1x3 .0 .1 -", "beyond the last are cut" },
	{ STACK(2, ""), 5, "1x1x2 .0 .1", NULL },
	{ STACK(3, "<TiffData/>"), 3, "1x1x3 .0 .1 .2", NULL },
	{ STACK(4, "<TiffData FirstZ=\"2\"/>"), 3, "1x1x4 - - .0 .1", NULL },
	{ OME(PIXELS("XYZCT", ZCT(2, 1, 1), "") PIXELS("XYCZT", ZCT(1, 3, 1), "")), 5,
	  "1x1x2 .0 .1 | 1x3x1 .2 .3 .4", NULL },
	/* One with a count ends there; a count of 0 claims nothing. */
	{ STACK(4, "<TiffData PlaneCount=\"2\"/>"), 4, "1x1x4 .0 .1 - -", NULL },
	{ STACK(4, "<TiffData IFD=\"1\"/>"), 4, "1x1x4 .1 - - -", NULL },
	{ STACK(4, "<TiffData IFD=\"1\" NumPlanes=\"3\" FirstZ=\"1\"/>"), 4, "1x1x4 - .1 .2 .3",
	  NULL },
	{ STACK(2, "<TiffData IFD=\"0\"/><TiffData FirstZ=\"1\" PlaneCount=\"0\"/>"), 2,
	  "1x1x2 .0 -", NULL },
	{ STACK(2, "<TiffData PlaneCount=\"0\"/>"), 2, NULL, "OME image 1: it has no plane" },
	/* In any order; of two the later one; all pages of a file overwrite nothing. */
	{ STACK(3, "<TiffData IFD=\"0\" FirstZ=\"2\"/><TiffData IFD=\"1\" FirstZ=\"1\"/>"
		   "<TiffData IFD=\"2\" FirstZ=\"0\"/>"),
	  3, "1x1x3 .2 .1 .0", NULL },
	{ STACK(2, "<TiffData IFD=\"0\" PlaneCount=\"2\"/><TiffData IFD=\"7\" FirstZ=\"1\"/>"), 8,
	  "1x1x2 .0 .7", NULL },
	{ STACK(3, "<TiffData IFD=\"5\" FirstZ=\"1\"/><TiffData/>"), 6, "1x1x3 .0 .5 .2", NULL },
	{ STACK(3, "<TiffData/><TiffData IFD=\"5\" FirstZ=\"1\"/>"), 6, "1x1x3 .0 .5 .2", NULL },
	{ STACK(3, "<TiffData IFD=\"5\"/><TiffData/>"), 6, "1x1x3 .5 - -", NULL },
	/* Beyond the planes, beyond the pages: the first one is claimed, for it is damaged. */
	{ STACK(2, "<TiffData IFD=\"1\" PlaneCount=\"9\"/>"), 12, "1x1x2 .1 .2", "are cut" },
	{ STACK(3, "<TiffData IFD=\"1\" PlaneCount=\"3\"/>"), 2, "1x1x3 .1 - -", "are cut" },
	{ STACK(3, "<TiffData IFD=\"9\" PlaneCount=\"3\"/>"), 2, "1x1x3 .9 - -", "are cut" },
	{ STACK(3, "<TiffData IFD=\"9\" FirstZ=\"1\"/>"), 2, "1x1x3 - .9 -", NULL },
	{ STACK(3, "<TiffData IFD=\"0\"/><TiffData IFD=\"1\" FirstZ=\"3\"/>"), 2, "1x1x3 .0 - -",
	  "are cut" },
	{ STACK(3, "<TiffData IFD=\"0\"/><TiffData IFD=\"1\" FirstT=\"1\"/>"), 2, "1x1x3 .0 - -",
	  "are cut" },
	{ STACK(3, "<TiffData IFD=\"0\" PlaneCount=\"18446744073709551615\"/>"), 3,
	  "1x1x3 .0 .1 .2", "are cut" },
	{ STACK(1, "<TiffData IFD=\"18446744073709551615\" PlaneCount=\"2\"/>"), 3,
	  "1x1x1 .18446744073709551615", "are cut" },
	/* Counted from 1. */
	{ STACK(3, "<TiffData IFD=\"0\" FirstZ=\"1\" FirstC=\"1\" FirstT=\"1\"/>"
		   "<TiffData IFD=\"1\" FirstZ=\"2\" FirstC=\"1\" FirstT=\"1\"/>"
		   "<TiffData IFD=\"2\" FirstZ=\"3\" FirstC=\"1\" FirstT=\"1\"/>"),
	  3, "1x1x3 .0 .1 .2", NULL },
	{ STACK(3, "<TiffData IFD=\"0\" FirstZ=\"1\"/><TiffData IFD=\"1\" FirstZ=\"2\"/>"), 3,
	  "1x1x3 - .0 .1", NULL },
	/* A run that was stopped. */
	{ CHANNELS(2, 5, "<TiffData IFD=\"0\" PlaneCount=\"3\"/>"), 3, "2x2x1 .0 .1 .2 -",
	  "the last 3 of 5 time points have no plane" },
	{ CHANNELS(1, 4, ""), 3, "3x1x1 .0 .1 .2", "the last 1 of 4 time points" },
	/* Images that are left out. */
	{ OME("<Image/>" PIXELS("XYZCT", ZCT(1, 1, 1), "<TiffData/>")), 1, "1x1x1 .0",
	  "OME image 1: it has no Pixels" },
	{ OME(PIXELS("XYZCT", ZCT(1, 1, 1), "") PIXELS("XYZCT", ZCT(1, 1, 1), "<TiffData/>")), 1,
	  "1x1x1 .0", "OME image 1: it has no TiffData" },
	{ STACK(3, "<MetadataOnly/>"), 3, NULL, "in the XML, or nowhere" },
	{ STACK(3, "<BinData BigEndian=\"false\" Length=\"0\"/>"), 3, NULL, "left out" },
	{ OME(""), 3, NULL, "tells of no image" },
	{ OME(PIXELS("XYZCT", ZCT(1, 1, 2), "<TiffData/>") "<StructuredAnnotations><XMLAnnotation>"
							   "<Value><Modulo><ModuloAlongT/>"
							   "</Modulo></Value></XMLAnnotation>"
							   "</StructuredAnnotations>"),
	  2, "2x1x1 .0 .1", "OME-XML splits axis T in two (ModuloAlongT)" },
	/* Not to be read, or to be held. */
	{ "<OME><Image></OME>", 1, NULL, "its OME-XML is ignored: line 1, column " },
	{ "<!DOCTYPE OME [<!ENTITY a \"b\">]><OME/><!--OME>", 1, NULL,
	  "its OME-XML is ignored: line 1, column " },
	{ OME("&a;"), 1, NULL, "undefined entity" },
	{ STACK(67108865, ""), 1, NULL, "its OME-XML is ignored: 1 x 1 x 67108865 planes" },
	{ OME(PIXELS("XYZCT", ZCT(4294967296, 4294967296, 1), "")), 1, NULL,
	  "its OME-XML is ignored: " },
	{ OME(PIXELS("XYZCT", ZCT(40000000, 1, 1), "") PIXELS("XYZCT", ZCT(40000000, 1, 1), "")), 1,
	  NULL, "more than 67108864 planes" },
	/* Another kind of text. */
	{ "", 1, NULL, NULL },
	{ "ImageJ=1.53t\n", 1, NULL, NULL },
	{ "see <OME>", 1, NULL, "is ignored" },
	{ "see <OME> for more", 1, NULL, NULL },
	{ "a description OME>", 1, NULL, NULL },
};

START_TEST(planes)
{
	make(rows[_i].text, rows[_i].pages);
	expect(rows[_i].planes, rows[_i].note);
	ck_assert_uint_eq(w.asked, 0);
	/* Blanks and NULs behind the text do not matter. */
	CLEANUP(text_done) struct text t = { 0 };
	text_add(&t, rows[_i].text);
	if (t.len == 0)
		return;
	text_add(&t, " \r\n");
	text_addn(&t, "\0\0", 2);
	make(rows[_i].text, rows[_i].pages);
	w.memory = (struct reader_bytes){ (const uint8_t *)t.s, t.len };
	w.reader.size = t.len;
	w.page.description.count = t.len;
	expect(rows[_i].planes, rows[_i].note);
	done();
}
END_TEST

/* The table of the six orders: the plane of (t, c, z) where T, C, Z are 4, 3, 2. */
static unsigned xyzct(unsigned t, unsigned c, unsigned z)
{
	return z + 2 * (c + 3 * t);
}
static unsigned xyztc(unsigned t, unsigned c, unsigned z)
{
	return z + 2 * (t + 4 * c);
}
static unsigned xyczt(unsigned t, unsigned c, unsigned z)
{
	return c + 3 * (z + 2 * t);
}
static unsigned xyctz(unsigned t, unsigned c, unsigned z)
{
	return c + 3 * (t + 4 * z);
}
static unsigned xytzc(unsigned t, unsigned c, unsigned z)
{
	return t + 4 * (z + 2 * c);
}
static unsigned xytcz(unsigned t, unsigned c, unsigned z)
{
	return t + 4 * (c + 3 * z);
}

static const struct {
	const char *order;
	unsigned (*plane)(unsigned t, unsigned c, unsigned z);
} orders[] = {
	{ "XYZCT", xyzct }, { "XYZTC", xyztc }, { "XYCZT", xyczt },
	{ "XYCTZ", xyctz }, { "XYTZC", xytzc }, { "XYTCZ", xytcz },
};

static void check_order(unsigned (*plane)(unsigned, unsigned, unsigned), unsigned first)
{
	ck_assert_uint_eq(told.n_images, 1);
	const struct told_image *im = told.images;
	for (unsigned t = 0; t < 4; t++)
		for (unsigned c = 0; c < 3; c++)
			for (unsigned z = 0; z < 2; z++)
				ck_assert_uint_eq(told_plane(im, t, c, z)->at,
						  first + plane(t, c, z));
	ck_assert(im->has[TOLD_T] && im->has[TOLD_C] && im->has[TOLD_Z]);
}

/* As one run of pages, as a run that begins within, and each page for itself. */
START_TEST(six_orders)
{
	char head[300];
	CLEANUP(text_done) struct text t = { 0 };
	snprintf(head, sizeof(head),
		 "<OME><Image><Pixels DimensionOrder=\"%s\" SizeX=\"1\" SizeY=\"1\" " ZCT(2, 3,
											  4) ">",
		 orders[_i].order);
	text_addf(&t, "%s<TiffData/></Pixels></Image></OME>", head);
	make(t.s, 24);
	ck_assert_int_eq(tell(), 1);
	check_order(orders[_i].plane, 0);

	t.len = 0;
	text_addf(&t, "%s<TiffData IFD=\"7\" PlaneCount=\"24\"/></Pixels></Image></OME>", head);
	make(t.s, 40);
	ck_assert_int_eq(tell(), 1);
	check_order(orders[_i].plane, 7);

	t.len = 0;
	text_add(&t, head);
	for (unsigned k = 0; k < 24; k++) {
		unsigned at = k * 7 % 24, z = at % 2, c = at / 2 % 3, time = at / 6;
		text_addf(&t, "<TiffData IFD=\"%u\" FirstT=\"%u\" FirstC=\"%u\" FirstZ=\"%u\"/>",
			  orders[_i].plane(time, c, z), time, c, z);
	}
	text_add(&t, "</Pixels></Image></OME>");
	make(t.s, 24);
	ck_assert_int_eq(tell(), 1);
	check_order(orders[_i].plane, 0);
	done();
}
END_TEST

#define ONE(z, uuid) DATA("IFD=\"0\" FirstZ=\"" #z "\"", uuid)

START_TEST(members_of_a_set)
{
	/* By UUID, by name, by name in a folder of another machine. */
	make(STACK(4, ONE(0, UUID("x.tif", "urn:uuid:1")) ONE(1, UUID("b.tif", "urn:uuid:2"))
			      ONE(2, UUID("C:\\data\\sub\\c.tif", "urn:uuid:3"))
				      ONE(3, UUID("/data/./sub//d.tif", "urn:uuid:4"))),
	     1);
	put_beside("b.tif", "", 0);
	put_beside("data/sub/c.tif", "", 0);
	put_beside("d.tif", "", 0);
	expect("1x1x4 .0 b.tif:0 data/sub/c.tif:0 d.tif:0", NULL);
	ck_assert_uint_eq(told.n_files, 4);

	/* Its own name; a member that is missing keeps its path. */
	make(STACK(3, ONE(0, UUID("old/a.tif", "urn:uuid:8")) ONE(1, UUID("b.tif", "urn:uuid:2"))
			      ONE(2, UUID("c.tif", ""))),
	     1);
	put_beside("c.tif", "", 0);
	expect("1x1x3 .0 b.tif:0 c.tif:0", "its OME-XML names \"b.tif\", which is not there");
	make(STACK(3, ONE(0, UUID("a.tif", "urn:uuid:8")) ONE(1, UUID("b.tif", "urn:uuid:2"))
			      ONE(2, UUID("c.tif", ""))),
	     1);
	expect("1x1x3 .0 b.tif:0 c.tif:0",
	       "names 2 files, such as \"c.tif\", of which each is not");

	/* A file that lies outside stays where it is said to be: its planes are damaged. */
	make(STACK(2, "<TiffData IFD=\"0\"/>" ONE(1, UUID("../b.tif", ""))), 1);
	put_beside("../b.tif", NULL, -EXDEV);
	put_beside("b.tif", "", 0);
	expect("1x1x2 .0 ../b.tif:0", "\"../b.tif\", which lies outside of the source");

	/* The same file by two names is one. */
	make(STACK(3,
		   "<TiffData IFD=\"0\"/>" ONE(1, UUID("x/b.tif", "")) ONE(2, UUID("b.tif", ""))),
	     1);
	put_beside("b.tif", "", 0);
	expect("1x1x3 .0 x/b.tif:0 b.tif:0", "\"x/b.tif\", which is not there");
	make(STACK(3,
		   "<TiffData IFD=\"0\"/>" ONE(1, UUID("./b.tif", "u")) ONE(2, UUID("b.tif", ""))),
	     1);
	put_beside("b.tif", "", 0);
	expect("1x1x3 .0 b.tif:0 b.tif:0", NULL);
	ck_assert_uint_eq(told.n_files, 2);
	done();
}
END_TEST

START_TEST(names_that_mislead)
{
	/* Renamed: the only file of which the text tells. */
	make(STACK(2, DATA("PlaneCount=\"2\"", UUID("old.tif", "urn:uuid:8"))), 2);
	expect("1x1x2 .0 .1", NULL);
	make("<OME><Image><Pixels " ZCT(1, 1, 1) "><TiffData><UUID>urn:uuid:9</UUID></TiffData>"
						 "</Pixels></Image></OME>",
	     1);
	expect("1x1x1 .0", NULL);
	/* Not so where another TiffData is certainly about this one, or where the named file is there. */
	make(STACK(2, "<TiffData IFD=\"0\"/>" ONE(1, UUID("old.tif", "urn:uuid:8"))), 1);
	expect("1x1x2 .0 old.tif:0", "\"old.tif\", which is not there");
	make(STACK(1, ONE(0, UUID("old.tif", "urn:uuid:8"))), 1);
	put_beside("old.tif", "", 0);
	expect("1x1x1 old.tif:0", NULL);

	/* Files of one name in several folders: the last part says nothing. */
	make(STACK(3, ONE(0, UUID("p1/a.tif", "")) ONE(1, UUID("p2/a.tif", ""))
			      ONE(2, UUID("a.tif", ""))),
	     1);
	put_beside("p1/a.tif", "", 0);
	put_beside("a.tif", "", 0);
	expect("1x1x3 p1/a.tif:0 p2/a.tif:0 .0", "\"p2/a.tif\", which is not there");
	/* One UUID for all files says nothing. */
	make(STACK(2, ONE(0, UUID("a.tif", "urn:uuid:1")) ONE(1, UUID("b.tif", "urn:uuid:1"))), 1);
	put_beside("b.tif", "", 0);
	expect("1x1x2 .0 b.tif:0", NULL);

	/* A UUID alone: it is looked for by whoever knows the other files. */
	make(STACK(3, ONE(0, "<UUID>urn:uuid:1</UUID>") ONE(1, "<UUID>urn:uuid:2</UUID>")
			      ONE(2, "<UUID>3</UUID>")),
	     1);
	expect("1x1x3 .0 urn:uuid:2:0 urn:uuid:3:0", NULL);
	make(STACK(1, ONE(0, "<UUID>urn:uuid:2</UUID>")), 1);
	expect("1x1x1 urn:uuid:2:0", NULL);

	/* Storage that fails is no answer. */
	make(STACK(1, ONE(0, UUID("b.tif", ""))), 1);
	put_beside("b.tif", NULL, -EIO);
	ck_assert_int_eq(tell(), -EIO);
	ck_assert_int_eq(err.code, EIO);
	done();
}
END_TEST

#define WHOLE(z, uuid) DATA("FirstZ=\"" #z "\"", uuid)

/* Files of which nothing but the first plane is told: how many pages they have is not known here. */
START_TEST(whole_files)
{
	make(STACK(5, WHOLE(3, UUID("b.tif", "")) WHOLE(0, UUID("a.tif", ""))), 2);
	put_beside("b.tif", "", 0);
	expect("1x1x5 .0 .1 - b.tif:0 b.tif:1", NULL);
	/* The pages of this file end where the other one begins, though there are more. */
	w.s.n_pages = 9;
	expect("1x1x5 .0 .1 .2 b.tif:0 b.tif:1", NULL);
	/* Another file ends at a plane that is given; this one's goes on behind it. */
	make(STACK(5, WHOLE(0, UUID("b.tif", "")) "<TiffData IFD=\"0\" FirstZ=\"2\"/>"), 1);
	put_beside("b.tif", "", 0);
	expect("1x1x5 b.tif:0 b.tif:1 .0 - -", NULL);
	/* Of two that begin at one plane the later one. */
	make(STACK(3, WHOLE(0, UUID("b.tif", "")) WHOLE(0, UUID("c.tif", ""))), 1);
	put_beside("b.tif", "", 0);
	put_beside("c.tif", "", 0);
	expect("1x1x3 c.tif:0 c.tif:1 c.tif:2", NULL);
	done();
}
END_TEST

/* What is told of pages behind the end of a chain that is cut is claimed. */
START_TEST(a_broken_chain)
{
	make(STACK(5, "<TiffData/>"), 3);
	expect("1x1x5 .0 .1 .2 - -", NULL);
	w.s.cut = true;
	expect("1x1x5 .0 .1 .2 .3 .4", NULL);
	make(STACK(5, ""), 3);
	w.s.cut = true;
	expect("1x1x5 .0 .1 .2 .3 .4", NULL);
	make(STACK(5, DATA("IFD=\"1\" FirstZ=\"1\" PlaneCount=\"9\"", "")), 3);
	w.s.cut = true;
	expect("1x1x5 - .1 .2 .3 .4", "beyond the last are cut");
	/* Up to where another file begins, and between planes of others. */
	make(STACK(6, WHOLE(0, UUID("a.tif", "")) WHOLE(4, UUID("b.tif", ""))
			      ONE(2, UUID("c.tif", ""))),
	     1);
	put_beside("b.tif", "", 0);
	put_beside("c.tif", "", 0);
	expect("1x1x6 .0 - c.tif:0 - b.tif:0 b.tif:1", NULL);
	w.s.cut = true;
	expect("1x1x6 .0 .1 c.tif:0 .3 b.tif:0 b.tif:1", NULL);
	/* Times that were lost are not times that were never taken. */
	make(CHANNELS(1, 4, "<TiffData/>"), 2);
	expect("2x1x1 .0 .1", "the last 2 of 4 time points have no plane");
	w.s.cut = true;
	expect("4x1x1 .0 .1 .2 .3", NULL);
	done();
}
END_TEST

#define BINARY_ONLY(file)                                                                          \
	"<OME UUID=\"urn:uuid:5\"><BinaryOnly MetadataFile=\"" file "\" "                          \
	"UUID=\"urn:uuid:1\"/></OME>"
#define SET                                                                                        \
	STACK(3, ONE(0, UUID("a.tif", "urn:uuid:5")) ONE(1, UUID("b.tif", "urn:uuid:6"))           \
			 ONE(2, UUID("c.tif", "urn:uuid:1")))

START_TEST(companions)
{
	make(BINARY_ONLY("set.companion.ome"), 1);
	put_beside("set.companion.ome", SET "\n", 0);
	put_beside("b.tif", "", 0);
	put_beside("c.tif", "", 0);
	expect("1x1x3 .0 b.tif:0 c.tif:0", NULL);
	/* In a folder of another machine. */
	make(BINARY_ONLY("D:\\run\\set.companion.ome"), 1);
	put_beside("set.companion.ome", STACK(1, ONE(0, "<UUID>urn:uuid:5</UUID>")), 0);
	expect("1x1x1 .0", NULL);
	/* The companion itself: nothing in it is about a TIFF without a name. */
	make("", 0);
	w.s = (struct told_source){ .name = "set.companion.ome", .beside = beside };
	put_beside("set.companion.ome", SET, 0);
	put_beside("a.tif", "", 0);
	put_beside("b.tif", "", 0);
	put_beside("c.tif", "", 0);
	expect("1x1x3 a.tif:0 b.tif:0 c.tif:0", NULL);
	w.beside[0].text = STACK(2, ONE(0, UUID("a.tif", "")) "<TiffData FirstZ=\"1\"/>");
	expect("1x1x2 a.tif:0 -", "names no file in a companion");
	w.beside[0].text = STACK(2, "");
	expect(NULL, "names no file in a companion");
	w.beside[0].text = STACK(1, ONE(0, UUID("gone.tif", "")));
	expect("1x1x1 gone.tif:0", "\"gone.tif\", which is not there");
	done();
}
END_TEST

START_TEST(companions_that_fail)
{
	make(BINARY_ONLY("x/set.companion.ome"), 1);
	expect(NULL,
	       "leaves the planes to \"x/set.companion.ome\" (BinaryOnly), which is not there");
	make(BINARY_ONLY(""), 1);
	expect(NULL, "which is not there");
	put_beside("set.companion.ome", "<OME>\n<Image></OME>", 0);
	make(BINARY_ONLY("set.companion.ome"), 1);
	put_beside("set.companion.ome", "<OME>\n<Image></OME>", 0);
	expect(NULL, "the OME-XML of \"set.companion.ome\" is ignored: line 2, column ");
	w.beside[0] = (struct beside){ "set.companion.ome", BINARY_ONLY("other"), 0 };
	expect(NULL, "leaves the planes to yet another file");
	w.beside[0] = (struct beside){ "set.companion.ome", "", -EFBIG };
	expect(NULL, "is ignored: more than 64 MiB");
	w.beside[0] = (struct beside){ "set.companion.ome", "", -EIO };
	ck_assert_int_eq(tell(), -EIO);
	w.beside[0] = (struct beside){ "set.companion.ome", NULL, -EXDEV };
	expect(NULL, "is ignored: it lies outside of the source");
	/* A TIFF tells its set itself. */
	make(BINARY_ONLY("b.ome.TIF"), 1);
	put_beside("b.ome.TIF", "II*", 0);
	expect(NULL, "leaves the planes to \"b.ome.TIF\"");
	make("", 0);
	w.s = (struct told_source){ .name = "set.companion.ome", .beside = beside };
	expect(NULL, "No such file");
	done();
}
END_TEST
START_TEST(against_the_page)
{
	make(STACK(1, ""), 1);
	w.page.width = 17;
	expect("1x1x1 .0", "OME image 1: 16 x 8 voxels (X, Y) where its first page has 17 x 8");
	w.page.width = 16;
	w.page.bits = 16;
	expect("1x1x1 .0", "OME image 1: type \"uint8\" where its first page has uint16");
	/* Where it begins elsewhere nothing is known of its pages. */
	make(STACK(1, ONE(0, UUID("b.tif", ""))), 1);
	put_beside("b.tif", "", 0);
	w.page.bits = 16;
	expect("1x1x1 b.tif:0", NULL);
	static const struct {
		const char *type;
		unsigned bits, format;
	} same[] = { { "bit", 1, 1 },	 { "uint8", 6, 1 },   { "Uint8", 8, 1 },
		     { "int16", 16, 2 }, { "uint16", 12, 1 }, { "float", 32, 3 },
		     { "double", 64, 3 } };
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		char text[300];
		snprintf(text, sizeof(text),
			 "<OME><Image><Pixels Type=\"%s\" " ZCT(1, 1, 1) "/></Image></OME>",
			 same[i].type);
		make(text, 1);
		w.page.bits = (uint16_t)same[i].bits;
		w.page.sample_format = (uint16_t)same[i].format;
		expect("1x1x1 .0", NULL);
	}
	done();
}
END_TEST

/* The second image's first page is another than the file's: its samples are asked of itself. */
START_TEST(page_of_a_later_image)
{
	/* An IFD of 16 x 8, three samples of 8 bits, behind the text. */
	static const uint16_t tags[][4] = {
		{ 256, 3, 1, 16 }, { 257, 3, 1, 8 }, { 258, 3, 1, 8 }, { 259, 3, 1, 1 },
		{ 262, 3, 1, 2 },  { 273, 3, 1, 8 }, { 277, 3, 1, 3 }, { 279, 3, 1, 384 },
	};
	const char *xml =
		OME(PIXELS("XYCZT", ZCT(1, 3, 1), "<TiffData IFD=\"0\" PlaneCount=\"3\"/>")
			    PIXELS("XYCZT", ZCT(1, 3, 1), "<TiffData IFD=\"3\"/>"));
	static uint8_t bytes[4096];
	size_t at = 2048;
	bytes[at++] = ARRAY_SIZE(tags);
	bytes[at++] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++, at += 12) {
		for (size_t k = 0; k < 2; k++) {
			bytes[at + k] = (uint8_t)(tags[i][0] >> 8 * k);
			bytes[at + 2 + k] = (uint8_t)(tags[i][1] >> 8 * k);
			bytes[at + 4 + k] = (uint8_t)(tags[i][2] >> 8 * k);
			bytes[at + 8 + k] = (uint8_t)(tags[i][3] >> 8 * k);
		}
	}
	make(xml, 4);
	memcpy(bytes, xml, strlen(xml));
	w.memory = (struct reader_bytes){ bytes, sizeof(bytes) };
	w.reader.size = sizeof(bytes);
	w.ifds[3] = 2048;
	expect("1x3x1 .0 .1 .2 | 1x1x1 .3", NULL);
	/* A page that cannot be read says nothing. */
	w.ifds[3] = 4000;
	expect("1x3x1 .0 .1 .2 | 1x3x1 .3 - -", NULL);
	done();
}
END_TEST

START_TEST(bounds)
{
	CLEANUP(text_done) struct text t = { 0 };
	/* Claimed over and over: nothing that takes for ever. */
	text_add(&t, "<OME><Image><Pixels " ZCT(1000000, 1, 1) ">");
	for (int i = 0; i < 400; i++)
		text_add(&t, "<TiffData IFD=\"0\" PlaneCount=\"1000000\"/>");
	text_add(&t, "</Pixels></Image></OME>");
	make(t.s, 1000000);
	expect(NULL, "claims planes over and over");
	/* Notes on images do not fill the screen. */
	t.len = 0;
	text_add(&t, "<OME>");
	for (int i = 0; i < 50; i++)
		text_add(&t, "<Image/>");
	text_add(&t, "</OME>");
	make(t.s, 1);
	expect(NULL, "OME image 20: it has no Pixels; it is left out (further notes are left out)");
	ck_assert_ptr_null(strstr(notes(), "OME image 21"));
	/* A long text is refused before it is read whole. */
	t.len = 0;
	text_add(&t, "<OME>");
	for (int i = 0; i < 5000; i++)
		text_add(&t, " ");
	make(t.s, 1);
	w.reader.size = (uint64_t)2 * OME_XML_MAX_BYTES;
	w.page.description.count = (uint64_t)OME_XML_MAX_BYTES + 1;
	expect(NULL, "its OME-XML is ignored: more than 64 MiB");
	done();
}
END_TEST

/* One million planes in 20,000 files, each named twice. */
START_TEST(large_set)
{
	CLEANUP(text_done) struct text t = { 0 };
	text_add(&t, "<OME><Image><Pixels DimensionOrder=\"XYZCT\" " ZCT(50, 1, 20000) ">");
	for (int i = 0; i < 20000; i++)
		text_addf(
			&t,
			"<TiffData FirstT=\"%d\" IFD=\"0\" PlaneCount=\"49\"><UUID "
			"FileName=\"t%05d.tif\"/></TiffData><TiffData FirstT=\"%d\" FirstZ=\"49\" "
			"IFD=\"49\"><UUID FileName=\"t%05d.tif\"/></TiffData>",
			i, i, i, i);
	text_add(&t, "</Pixels></Image></OME>");
	make(t.s, 1);
	ck_assert_int_eq(tell(), 1);
	ck_assert_uint_eq(told.n_files, 20000);
	ck_assert_uint_eq(told_n_planes(told.images), 1000000);
	const struct told_plane *p = told_plane(told.images, 777, 0, 49);
	ck_assert_uint_eq(p->at, 49);
	ck_assert_str_eq(told.files[p->file], "t00777.tif");
	ck_assert_ptr_nonnull(strstr(notes(), "names 20000 files"));
	done();
}
END_TEST

static const char *const all_of_it[] = {
	OME("<Image Name=\"n\"><Pixels DimensionOrder=\"XYCZT\" Type=\"int16\" SizeX=\"1\" "
	    "SizeY=\"1\" "
	    "PhysicalSizeX=\"1\" PhysicalSizeXUnit=\"pixel\" " ZCT(
		    2, 2,
		    9) ">"
		       "<Channel Name=\"a\"/><Channel EmissionWavelength=\"520\" "
		       "Color=\"65535\"/>" AT(0, 0) AT(1, 1) AT(2, 2) "<TiffData IFD=\"0\">" UUID(
			       "a.tif",
			       "urn:uuid:1") "</TiffData>"
					     "<TiffData FirstC=\"1\" FirstZ=\"1\" IFD=\"7\" "
					     "PlaneCount=\"99\">" UUID(
						     "x/b.tif",
						     "u") "</TiffData>"
							  "<TiffData "
							  "FirstT=\"3\"><UUID>7</UUID></TiffData></"
							  "Pixels></Image>" PIXELS(
								  "XYZCT", ZCT(1, 1, 1),
								  "<TiffData IFD=\"1\"/>")),
	BINARY_ONLY("set.companion.ome"),
	BINARY_ONLY("gone"),
	"<OME><Image></OME>",
};

/* Whichever allocation fails: an error, or a note that is missing; nothing is lost. */
START_TEST(out_of_memory)
{
	make(all_of_it[_i], 12);
	put_beside("set.companion.ome", SET, 0);
	put_beside("b.tif", "", 0);
	uint64_t n = 0;
	const char *hit = NULL;
	do {
		CLEANUP(told_done) struct told t = { 0 };
		err = (struct err){ 0 };
		failing_begin(FAIL_ALLOCATION, ++n, false);
		int r = told_ome(&w.s, &t, &err);
		failing_end();
		hit = failing_hit();
		ck_assert_msg(r >= 0 || (r == -ENOMEM && err.code == ENOMEM), "%d %s", r, err.msg);
		/* Memory is also asked for to give some back. */
		bool shrinks = hit != NULL && strcmp(hit, "reallocarray") == 0 && r == 1;
		if (hit != NULL && r >= 0 && !t.notes.oom && !shrinks) {
			failing_show();
			ck_abort_msg("allocation %llu of document %d", (unsigned long long)n, _i);
		}
	} while (hit != NULL);
	ck_assert_uint_gt(n, 5);
	done();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("told_ome");
	TCase *tc = tcase_create("told_ome");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, planes, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, six_orders, 0, ARRAY_SIZE(orders));
	tcase_add_test(tc, members_of_a_set);
	tcase_add_test(tc, names_that_mislead);
	tcase_add_test(tc, whole_files);
	tcase_add_test(tc, a_broken_chain);
	tcase_add_test(tc, companions);
	tcase_add_test(tc, companions_that_fail);
	tcase_add_test(tc, against_the_page);
	tcase_add_test(tc, page_of_a_later_image);
	tcase_add_test(tc, bounds);
	tcase_add_test(tc, large_set);
	tcase_add_loop_test(tc, out_of_memory, 0, ARRAY_SIZE(all_of_it));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
