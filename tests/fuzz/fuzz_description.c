/* Descriptions of any bytes: ScanImage and NIH Image. Input: two bytes, number of pages; one, samples; one, bits that switch tags on; the rest is the
 * file, with the description from byte 40 on. */
#include <stdlib.h>
#include <string.h>

#include "meta/description.h"
#include "tests/fuzz/fuzz.h"

enum { CONTROL = 4, TEXT_AT = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < CONTROL)
		return 0;
	uint32_t pages = (uint32_t)data[0] << 8 | data[1];
	struct tiff_page p = {
		.width = 16,
		.height = 16,
		.samples = (uint16_t)(data[2] % 5 + 1),
		.bits = 8,
		.compression = data[3] & 1 ? TIFF_COMPRESSION_NONE : TIFF_COMPRESSION_LZW,
	};
	p.file.big_endian = data[3] & 2;
	p.file.bigtiff = data[3] & 4;
	uint8_t switches = data[3];
	data += CONTROL;
	size -= CONTROL;
	struct reader_bytes memory = { data, size };
	struct reader r = reader_mem(&memory);
	if (size > TEXT_AT && !(switches & 64))
		p.description = (struct tiff_values){ TEXT_AT, size - TEXT_AT, 2 };
	if (size > TEXT_AT && switches & 8)
		p.software = (struct tiff_values){ TEXT_AT, size - TEXT_AT, 2 };
	struct err err = { 0 };
	int code = description_check(&r, &p, pages + 1, &err);
	if (code > 0 || (code < 0 && (err.code != -code || err.msg[0] == '\0')))
		abort();
	return 0;
}
