/* From the stored bytes of one strip or tile to voxels. One function for every compression; behind it
 * copy, libdeflate, and libtiff through handles made from headers of our own (libtiff never sees a
 * file). What is corrupt is damage and an error; nothing is ever half decoded without saying so. */
#pragma once

#include "codec/tiff.h"

/* Decoder state of one worker: libtiff handles pooled by tags, decompressor contexts. Not locked. */
struct unit_decoder;

struct unit_decoder *unit_decoder_new(void); /* NULL: out of memory */
void unit_decoder_free(struct unit_decoder *d);

/* Largest useful stored size of one unit of this page: more bytes need not be read (where the file has no
 * byte counts, a unit's count reaches to whatever follows). */
uint64_t unit_stored_max(const struct tiff_page *p);

/* -EBADMSG with a sentence where a unit of `rows` rows claims more voxels than `stored` bytes of its
 * compression can hold (the bomb check: codec ratio x stored + 64 KiB); 0 else. Asked before anything is
 * allocated. */
int unit_weigh(const struct tiff_page *p, uint64_t stored, uint32_t rows, struct err *err);

/* Decodes one stored unit of `rows` rows into `out`: unit_w x rows pixels, samples interleaved where
 * the page is not planar, native byte order, exactly tiff_unit_bytes(p, rows) bytes. `raw` may be
 * changed. `tables`: the page's JPEGTables (NULL else). -EBADMSG: damaged, the sentence says how;
 * -ENOTSUP: libtiff was built without this compression; -ENOMEM. On error the contents of `out` are
 * undefined. A Deflate or ZSTD stream that holds more rows than asked for takes memory of its own, at most
 * two units, for the time of the call. */
int unit_decode(struct unit_decoder *d, const struct tiff_page *p,
		const struct reader_bytes *tables, void *raw, size_t n_raw, uint32_t rows,
		void *out, size_t n_out, struct err *err);

/* True where libtiff (or ourselves) can decode this compression: asked, not assumed. */
bool unit_codec_present(uint16_t compression);
