/* An image in words: the phrases that `info` and the summary have in common. All append; the image must
 * be READY unless noted. */
#pragma once

#include "codec/text.h"
#include "fs/predict.h"
#include "meta/image.h"

/* "124 files, em_0000.tif .. em_0123.tif"; needs no look. */
void describe_files(const struct dataset *d, struct text *t);

/* "z,y,x" and, by axis, "124 x 1024 x 1024" of size, chunk or any other five numbers. */
void describe_axes(const struct image *im, struct text *t);
void describe_numbers(const struct image *im, const uint64_t v[AXIS_COUNT], struct text *t);

/* "x 4, y 4, z 40 nanometer". */
void describe_voxel(const struct image *im, struct text *t);

/* "strips of 32 rows, LZW, predictor 2" */
void describe_layout(const struct image *im, struct text *t);

/* "16 x 64 x 256, 256 KiB raw; 4 are made together from 4 MiB of decoded strips" */
void describe_chunk(const struct image *im, struct text *t);

/* "blosc-lz4 level 5", and for the levels above 0. */
void describe_codec(const struct image *im, struct text *t);
void describe_codec_coarse(const struct image *im, struct text *t);

/* "6, the coarsest (mag 32-32-16) 8 x 32 x 32, by median; 4..5 are previews" */
void describe_levels(const struct image *im, struct text *t);

/* "color, cells"; the layers of the image's dataset, where there is one. */
void describe_layers(const struct dataset *d, const struct image *im, struct text *t);

/* "4..5", the numbers of the previews; nothing where there are none. */
void describe_previews(const struct image *im, struct text *t);

/* "level 6: reads 1.2 GiB, decodes 4 GiB, 20 s here; as a preview (--preview always): .." */
void describe_prediction(const struct prediction *p, struct text *t);

/* "0.25 s", "12 s", "4 min", "2.5 h", "12 days" */
void describe_seconds(double seconds, struct text *t);

/* "3 planes are missing and filled: z 4, z 17..18"; nothing where none is. */
void describe_gaps(const struct image *im, struct text *t);

/* Why it was left out. */
void describe_left_out(const struct left_out *o, struct text *t);

/* Planes whose file is empty, dangling or no TIFF; needs no look. */
uint64_t describe_damaged(const struct dataset *d, const struct image *im);

/* Adds bytes as JSON-safe, printable UTF-8: text_add_name of a whole string. */
void describe_name(struct text *t, const char *s);
