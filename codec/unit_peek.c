#include "codec/unit_peek.h"

#include "codec/unit_bits.h"

#include <string.h>

/* ---- .xz: https://tukaani.org/xz/xz-file-format.txt, sections 2.1.1 and 3.1 ---- */

struct bits {
	const uint8_t *raw;
	size_t n, at;
	bool reversed, short_;
};

static uint8_t next_byte(struct bits *b)
{
	if (b->at >= b->n) {
		b->short_ = true;
		return 0;
	}
	uint8_t v = b->raw[b->at++];
	return b->reversed ? unit_reverse_byte(v) : v;
}

static uint64_t next_vli(struct bits *b)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 63; shift += 7) {
		uint8_t c = next_byte(b);
		v |= (uint64_t)(c & 0x7f) << shift;
		if ((c & 0x80) == 0)
			return v;
	}
	b->short_ = true;
	return 0;
}

uint64_t unit_peek_lzma_dictionary(const uint8_t *raw, size_t n, bool reversed)
{
	enum { STREAM_HEADER = 12, LZMA2 = 0x21, HAS_PACKED = 0x40, HAS_UNPACKED = 0x80 };
	static const uint8_t magic[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };
	struct bits b = { .raw = raw, .n = n, .reversed = reversed };
	for (size_t i = 0; i < sizeof(magic); i++)
		if (next_byte(&b) != magic[i])
			return 0;
	b.at = STREAM_HEADER;
	next_byte(&b);
	uint8_t flags = next_byte(&b);
	if (flags & HAS_PACKED)
		next_vli(&b);
	if (flags & HAS_UNPACKED)
		next_vli(&b);
	for (unsigned left = (flags & 3u) + 1; left > 0 && !b.short_; left--) {
		uint64_t id = next_vli(&b), size = next_vli(&b);
		if (id == LZMA2 && size == 1) {
			unsigned d = next_byte(&b);
			if (b.short_ || d > 40)
				return 0;
			return d == 40 ? UINT32_MAX : (uint64_t)(2 | (d & 1)) << (d / 2 + 11);
		}
		if (size > n)
			return 0;
		b.at += size;
	}
	return 0;
}

/* ---- WebP: RFC 9649, sections 2.4 to 2.7, and RFC 6386, section 9.1 ---- */

static uint32_t next_little(struct bits *b, unsigned bytes)
{
	uint32_t v = 0;
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint32_t)next_byte(b) << 8 * i;
	return v;
}

static bool next_is(struct bits *b, const char *fourcc)
{
	bool same = true;
	for (size_t i = 0; i < 4; i++)
		same &= next_byte(b) == (uint8_t)fourcc[i];
	return same;
}

bool unit_peek_webp(const uint8_t *raw, size_t n, bool reversed, uint32_t *width, uint32_t *height)
{
	enum { CHUNKS = 12, DATA = 20, SIDE_BITS = 14, SIDE = (1 << SIDE_BITS) - 1 };
	struct bits b = { .raw = raw, .n = n, .reversed = reversed };
	bool riff = next_is(&b, "RIFF");
	next_little(&b, 4);
	if (!next_is(&b, "WEBP") || !riff || b.at != CHUNKS)
		return false;
	char kind[4] = { 0 };
	for (size_t i = 0; i < sizeof(kind); i++)
		kind[i] = (char)next_byte(&b);
	b.at = DATA;
	if (memcmp(kind, "VP8 ", 4) == 0) {
		next_little(&b, 3);
		if (next_little(&b, 3) != 0x2a019d)
			return false;
		*width = next_little(&b, 2) & SIDE;
		*height = next_little(&b, 2) & SIDE;
	} else if (memcmp(kind, "VP8L", 4) == 0) {
		if (next_byte(&b) != 0x2f)
			return false;
		uint32_t sides = next_little(&b, 4);
		*width = (sides & SIDE) + 1;
		*height = (sides >> SIDE_BITS & SIDE) + 1;
	} else if (memcmp(kind, "VP8X", 4) == 0) {
		next_little(&b, 4);
		*width = next_little(&b, 3) + 1;
		*height = next_little(&b, 3) + 1;
	} else {
		return false;
	}
	return !b.short_;
}

/* ---- JPEG: ITU T.81, B.1 and B.2 ---- */

static bool is_frame_header(uint8_t marker)
{
	/* SOF0 .. SOF15 without DHT, JPG and DAC, which lie between them. */
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
	       marker != 0xcc;
}

static bool has_length(uint8_t marker)
{
	return marker != 0x01 && !(marker >= 0xd0 && marker <= 0xd8);
}

bool unit_peek_jpeg(const uint8_t *raw, size_t n, struct unit_jpeg *out)
{
	enum { EOI = 0xd9, SOS = 0xda };
	size_t at = 0;
	while (n - at >= 2) {
		if (raw[at] != 0xff || raw[at + 1] == 0xff) {
			at++;
			continue;
		}
		uint8_t marker = raw[at + 1];
		at += 2;
		if (marker == EOI || marker == SOS)
			return false;
		if (!has_length(marker))
			continue;
		if (n - at < 2)
			return false;
		size_t len = (size_t)raw[at] << 8 | raw[at + 1];
		if (is_frame_header(marker) && len >= 11 && n - at >= 10) {
			const uint8_t *f = raw + at + 2;
			*out = (struct unit_jpeg){ .precision = f[0],
						   .height = (uint16_t)(f[1] << 8 | f[2]),
						   .width = (uint16_t)(f[3] << 8 | f[4]),
						   .components = f[5],
						   .h = f[7] >> 4,
						   .v = f[7] & 15 };
			return true;
		}
		if (len < 2 || len > n - at)
			return false;
		at += len;
	}
	return false;
}
