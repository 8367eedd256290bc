/* Descriptions that claim no more than the pages show are passed over; the others are refused by name. */
#include "meta/description.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "codec/text.h"
#include "tests/unit/run_suite.h"

enum { TEXT_AT = 64, SIDE = 16 };

/* A file in memory: 64 bytes of header, the description, and `padding` bytes. */
struct file {
	uint8_t *bytes;
	struct reader_bytes memory;
	struct reader reader;
	struct tiff_page page;
};

static struct file file;

static void put(size_t at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		file.bytes[at + (size_t)i] = (uint8_t)(v >> 8 * i);
}

static void make_n(const char *text, size_t len, size_t padding)
{
	free(file.bytes);
	file = (struct file){ 0 };
	size_t size = TEXT_AT + len + padding;
	file.bytes = calloc(1, size);
	ck_assert_ptr_nonnull(file.bytes);
	memcpy(file.bytes + TEXT_AT, text, len);
	file.memory = (struct reader_bytes){ file.bytes, size };
	file.reader = reader_mem(&file.memory);
	file.page = (struct tiff_page){ .width = SIDE,
					.height = SIDE,
					.samples = 1,
					.bits = 8,
					.compression = TIFF_COMPRESSION_LZW };
	if (len > 0)
		file.page.description = (struct tiff_values){ TEXT_AT, len, 2 };
}

static void make(const char *text)
{
	make_n(text, strlen(text), 1000);
}

static void accepted(uint32_t n_pages)
{
	struct err err = { 0 };
	int r = description_check(&file.reader, &file.page, n_pages, &err);
	ck_assert_msg(r == 0, "%u pages: %d %s", n_pages, r, err.msg);
}

static void refused(uint32_t n_pages, const char *part)
{
	struct err err = { 0 };
	int r = description_check(&file.reader, &file.page, n_pages, &err);
	ck_assert_msg(r == -ENOTSUP, "%u pages of '%.60s': %d %s", n_pages, file.bytes + TEXT_AT, r,
		      err.msg);
	ck_assert_int_eq(err.code, ENOTSUP);
	ck_assert_msg(strstr(err.msg, part) != NULL, "'%s' lacks '%s'", err.msg, part);
	ck_assert_ptr_null(strchr(err.msg, '\n'));
	ck_assert_int_eq(description_check(&file.reader, &file.page, n_pages, NULL), -ENOTSUP);
}

/* part NULL: accepted. */
struct row {
	const char *text;
	uint32_t pages, samples;
	const char *part;
};

static void check_row(const struct row *row)
{
	make(row->text);
	file.page.samples = (uint16_t)row->samples;
	if (row->part == NULL)
		accepted(row->pages);
	else
		refused(row->pages, row->part);
}

static const struct row lines[] = {

	{ "state.configName=''\nstate.acq.numberOfChannelsSave=2\nstate.acq.numberOfZSlices=5\n",
	  10, 1, "ScanImage claims 5 x 2 planes" },
	{ "state.configName=''\nstate.acq.numberOfChannelsSave=1\nstate.acq.numberOfZSlices=5\n"
	  "state.acq.numberOfFrames=4\n",
	  5, 1, NULL },
	{ "state.acq.numberOfChannelsSave=2\n", 2, 1, NULL },
	{ "frame\nscanimage.SI.hChannels.channelSave = [1;3]\n", 8, 1,
	  "ScanImage claims 4 x 2 planes" },
	{ "frame\nscanimage.SI.hStackManager.framesPerSlice = 3\n"
	  "scanimage.SI.hStackManager.actualNumSlices = 4\n",
	  12, 1, "ScanImage claims 4 x 3 planes" },
	{ "frame\nscanimage.SI.hStackManager.framesPerSlice = "
	  "inf\nscanimage.SI.hChannels.channelSave = 1\n",
	  12, 1, NULL },

	{ "", 9, 1, NULL },
	{ "a slice of brain", 9, 1, NULL },
};

START_TEST(line_and_json_kinds)
{
	check_row(&lines[_i]);
}
END_TEST

START_TEST(scanimage_software)
{
	const char *si = "SI.VERSION = 5\nSI.hChannels.channelSave = [1;2]\n";
	make(si);
	file.page.software = file.page.description;
	file.page.description = (struct tiff_values){ 0 };
	accepted(2);
	refused(10, "ScanImage claims 5 x 2 planes");
	make("Other SI.hChannels.channelSave = [1;2]");
	file.page.software = file.page.description;
	file.page.description = (struct tiff_values){ 0 };
	accepted(10);
}
END_TEST

START_TEST(nih_image)
{
	make("");
	file.page.nih = (struct tiff_values){ TEXT_AT, 256, 3 };
	put(TEXT_AT + 260, 0x0500);
	refused(1, "NIH Image stack claims 5 planes behind one page");
	refused(4, "behind fewer pages");
	accepted(5);
	put(TEXT_AT + 260, 0x0100);
	accepted(1);
	file.page.nih.offset = UINT64_MAX;
	accepted(1);
}
END_TEST

static int64_t failing(void *ctx UNUSED, void *buf UNUSED, size_t n UNUSED, uint64_t off UNUSED)
{
	return -EIO;
}

/* A failing disk is not a missing description. */
START_TEST(read_errors)
{
	struct err err = { 0 };
	make("state.acq.numberOfChannelsSave=2\nstate.acq.numberOfZSlices=5\n");
	file.reader.pread = failing;
	ck_assert_int_eq(description_check(&file.reader, &file.page, 1, &err), -EIO);
	ck_assert_int_eq(err.code, EIO);
	file.page.file.bigtiff = true;
	ck_assert_int_eq(description_check(&file.reader, &file.page, 1, &err), -EIO);
}
END_TEST

START_TEST(description_outside_the_file)
{
	make("state.acq.numberOfChannelsSave=2\nstate.acq.numberOfZSlices=2\n");
	file.page.description.offset = 1 << 20;
	accepted(4);
	file.page.description.offset = UINT64_MAX - 3;
	accepted(4);
}
END_TEST

/* Every prefix of good texts: never a crash, never a read beyond the end. */
START_TEST(cut_texts)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		for (size_t len = 0; len < strlen(lines[i].text); len++) {
			make_n(lines[i].text, len, 0);
			int r = description_check(&file.reader, &file.page, lines[i].pages, NULL);
			ck_assert(r == 0 || r == -ENOTSUP);
		}
	}
}
END_TEST

static void teardown(void)
{
	free(file.bytes);
	file = (struct file){ 0 };
}

int main(void)
{
	Suite *suite = suite_create("description");
	TCase *tc = tcase_create("description");
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, line_and_json_kinds, 0, ARRAY_SIZE(lines));
	tcase_add_test(tc, scanimage_software);
	tcase_add_test(tc, nih_image);
	tcase_add_test(tc, read_errors);
	tcase_add_test(tc, description_outside_the_file);
	tcase_add_test(tc, cut_texts);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
