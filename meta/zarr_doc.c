#include "meta/zarr_doc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

const char *zarr_axis_name(enum axis a)
{
	static const char *const names[AXIS_COUNT] = { "t", "c", "z", "y", "x" };
	return names[a];
}

void zarr_group_v2(struct json *j, cJSON *obj)
{
	json_u64(j, obj, "zarr_format", 2);
}

static void along_axes(struct json *j, cJSON *obj, const char *key, const struct image *im,
		       const uint64_t values[AXIS_COUNT])
{
	enum axis axes[AXIS_COUNT];
	unsigned n = image_axes(im, axes);
	cJSON *list = json_array(j, obj, key);
	for (unsigned i = 0; i < n; i++)
		json_u64(j, list, NULL, values[axes[i]]);
}

static const char *blosc_cname(enum codec c)
{
	return c == CODEC_BLOSC_LZ4 ? "lz4" : c == CODEC_BLOSC_LZ4HC ? "lz4hc" : "zstd";
}

static void json_level(struct json *j, cJSON *obj, const char *key, int level)
{
	json_double(j, obj, key, level);
}

static void compressor_v2(struct json *j, cJSON *obj, const struct encode_spec *s)
{
	if (s->codec == CODEC_NONE) {
		json_null(j, obj, "compressor");
		return;
	}
	cJSON *c = json_object(j, obj, "compressor");
	switch (s->codec) {
	case CODEC_NONE:
		break;
	case CODEC_BLOSC_LZ4:
	case CODEC_BLOSC_LZ4HC:
	case CODEC_BLOSC_ZSTD:
		json_string(j, c, "id", "blosc");
		json_string(j, c, "cname", blosc_cname(s->codec));
		json_level(j, c, "clevel", s->level);
		json_level(j, c, "shuffle", encode_blosc_shuffle(s));
		json_u64(j, c, "blocksize", 0);
		break;
	case CODEC_ZLIB:
	case CODEC_GZIP:
	case CODEC_ZSTD:
		json_string(j, c, "id", codec_name(s->codec));
		json_level(j, c, "level", s->level);
		break;
	}
}

static void numbers(struct json *j, cJSON *obj, const char *key, const uint64_t *values, unsigned n)
{
	cJSON *list = json_array(j, obj, key);
	for (unsigned i = 0; i < n; i++)
		json_u64(j, list, NULL, values[i]);
}

void zarr_grid_v2(struct json *j, cJSON *obj, const struct zarr_grid *g, const struct image *im,
		  uint32_t array)
{
	json_u64(j, obj, "zarr_format", 2);
	numbers(j, obj, "shape", g->size, g->n);
	numbers(j, obj, "chunks", g->chunk, g->n);
	json_string(j, obj, "dtype", dtype_v2(im->dtype));
	compressor_v2(j, obj, image_encode(im, array));
	json_u64(j, obj, "fill_value", 0);
	json_string(j, obj, "order", g->order);
	json_null(j, obj, "filters");
	json_string(j, obj, "dimension_separator", "/");
}

void zarr_array_v2(struct json *j, cJSON *obj, const struct image *im, uint32_t array)
{
	const struct level *l = &im->pyramid.level[array];
	enum axis axes[AXIS_COUNT];
	struct zarr_grid g = { .n = image_axes(im, axes), .order = "C" };
	for (unsigned i = 0; i < g.n; i++) {
		g.size[i] = l->size[axes[i]];
		g.chunk[i] = l->chunk[axes[i]];
	}
	zarr_grid_v2(j, obj, &g, im, array);
}

void zarr_dimensions(struct json *j, cJSON *obj, const struct image *im, uint32_t array)
{
	enum axis axes[AXIS_COUNT];
	unsigned n = image_axes(im, axes);
	const struct level *full = im->pyramid.level, *l = full + array;
	cJSON *list = json_array(j, obj, "_ARRAY_DIMENSIONS");
	for (unsigned i = 0; i < n; i++) {
		char name[16];
		if (l->size[axes[i]] == full->size[axes[i]])
			snprintf(name, sizeof(name), "%s", zarr_axis_name(axes[i]));
		else
			snprintf(name, sizeof(name), "%s_%" PRIu32, zarr_axis_name(axes[i]), array);
		json_string(j, list, NULL, name);
	}
}

cJSON *zarr_group_v3(struct json *j, cJSON *obj)
{
	json_u64(j, obj, "zarr_format", 3);
	json_string(j, obj, "node_type", "group");
	return json_object(j, obj, "attributes");
}

static void bytes_codec(struct json *j, cJSON *codecs, enum dtype t)
{
	cJSON *c = json_object(j, codecs, NULL);
	json_string(j, c, "name", "bytes");
	if (dtype_size(t) > 1)
		json_string(j, json_object(j, c, "configuration"), "endian", "little");
}

static void compressor_v3(struct json *j, cJSON *codecs, const struct encode_spec *s)
{
	if (s->codec == CODEC_NONE)
		return;
	cJSON *c = json_object(j, codecs, NULL);
	bool blosc = s->codec != CODEC_GZIP && s->codec != CODEC_ZSTD;
	json_string(j, c, "name", blosc ? "blosc" : codec_name(s->codec));
	c = json_object(j, c, "configuration");
	if (blosc) {
		json_u64(j, c, "typesize", dtype_size(s->dtype));
		json_string(j, c, "cname", blosc_cname(s->codec));
		json_level(j, c, "clevel", s->level);
		json_string(j, c, "shuffle",
			    encode_blosc_shuffle(s) == 2 ? "bitshuffle" : "shuffle");
		json_u64(j, c, "blocksize", 0);
		return;
	}
	json_level(j, c, "level", s->level);
	if (s->codec == CODEC_ZSTD)
		json_bool(j, c, "checksum", false);
}

int zarr_array_v3(struct json *j, cJSON *obj, const struct image *im, uint32_t array)
{
	const struct encode_spec *spec = image_encode(im, array);
	if (spec->codec == CODEC_ZLIB)
		return -ENOTSUP;
	const struct level *l = &im->pyramid.level[array];
	json_u64(j, obj, "zarr_format", 3);
	json_string(j, obj, "node_type", "array");
	along_axes(j, obj, "shape", im, l->size);
	json_string(j, obj, "data_type", dtype_v3(im->dtype));
	cJSON *grid = json_object(j, obj, "chunk_grid");
	json_string(j, grid, "name", "regular");
	along_axes(j, json_object(j, grid, "configuration"), "chunk_shape", im, l->chunk);
	/* The keys of v2, so that both formats name the same chunk files. */
	cJSON *keys = json_object(j, obj, "chunk_key_encoding");
	json_string(j, keys, "name", "v2");
	json_string(j, json_object(j, keys, "configuration"), "separator", "/");
	json_u64(j, obj, "fill_value", 0);
	cJSON *codecs = json_array(j, obj, "codecs");
	bytes_codec(j, codecs, im->dtype);
	compressor_v3(j, codecs, spec);
	cJSON *names = json_array(j, obj, "dimension_names");
	enum axis axes[AXIS_COUNT];
	unsigned n = image_axes(im, axes);
	for (unsigned i = 0; i < n; i++)
		json_string(j, names, NULL, zarr_axis_name(axes[i]));
	json_object(j, obj, "attributes");
	return 0;
}
