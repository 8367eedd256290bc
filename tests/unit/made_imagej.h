/* Files as ImageJ writes them, and others. */
#pragma once

#include "meta/told_imagej.h"
#include "tests/unit/made_source.h"

enum { W = 4, H = 3, PLANE = W * H, FIRST = 16384 };

static struct made file;
static struct made_source src;
static struct told told;
static struct err err;

/* A file whose pixels begin at byte 16384, its IFDs before (or, with `late`, behind) them. */
struct made_stack {
	const char *text;
	unsigned planes; /* of pixels; 0: as many as pages */
	unsigned pages;	 /* 0: 1 */
	unsigned samples;
	unsigned compression;
	unsigned strips;    /* 3: each row one */
	unsigned gap;	    /* between the strips */
	unsigned cut;	    /* bytes that the file's end lacks */
	unsigned thumbnail; /* page that is reduced, from 1; 0: none */
	bool big, late;
	bool broken; /* the chain, behind the last page */
	struct tiff_rational x, y;
	unsigned resolution_unit;
	const uint8_t *blob; /* tag 50839, and in 50838 the lengths of its header and items */
	size_t blob_n;
	const uint64_t *lengths;
	size_t n_lengths;
};

static inline uint64_t rational(struct tiff_rational r, bool big)
{
	return big ? (uint64_t)r.num << 32 | r.den : (uint64_t)r.den << 32 | r.num;
}

static inline void add_describing(const struct made_stack *k, struct made_list *l)
{
	if (k->text != NULL)
		made_set(l, (struct made_tag){ .tag = 270,
					       .type = 2,
					       .count = strlen(k->text) + 1,
					       .bytes = k->text });
	if (k->x.num != 0 || k->x.den != 0)
		made_num(l, 282, 5, rational(k->x, k->big));
	if (k->y.num != 0 || k->y.den != 0)
		made_num(l, 283, 5, rational(k->y, k->big));
	if (k->resolution_unit != 0)
		made_num(l, 296, 3, k->resolution_unit);
	if (k->n_lengths != 0)
		made_set(l, (struct made_tag){ .tag = 50838,
					       .type = 4,
					       .count = k->n_lengths,
					       .many = k->lengths });
	if (k->blob_n != 0)
		made_set(l,
			 (struct made_tag){
				 .tag = 50839, .type = 1, .count = k->blob_n, .bytes = k->blob });
}

static inline void make(const struct made_stack *k)
{
	unsigned pages = k->pages != 0 ? k->pages : 1, samples = k->samples != 0 ? k->samples : 1;
	unsigned planes = k->planes != 0 ? k->planes : pages, bytes = PLANE * samples;
	made_begin(&file, k->big, false);
	if (k->late)
		file.n = FIRST + planes * bytes;
	for (unsigned i = 0; i < pages; i++) {
		uint64_t at = FIRST + i * bytes, offsets[H], counts[H];
		struct made_list l = made_page(W, H, at, bytes);
		if (k->thumbnail == i + 1)
			made_num(&l, 254, 4, 1);
		made_num(&l, 277, 3, samples);
		made_num(&l, 262, 3, samples == 3 ? 2 : 1);
		if (k->compression != 0)
			made_num(&l, 259, 3, k->compression);
		for (unsigned r = 0; r < H; r++) {
			offsets[r] = at + r * (W * samples + k->gap);
			counts[r] = W * samples;
		}
		if (k->strips != 0) {
			made_num(&l, 278, 4, 1);
			made_set(&l, (struct made_tag){
					     .tag = 273, .type = 4, .count = H, .many = offsets });
			made_set(&l, (struct made_tag){
					     .tag = 279, .type = 4, .count = H, .many = counts });
		}
		if (i == 0)
			add_describing(k, &l);
		made_ifd(&file, l.t);
	}
	if (!k->late) {
		ck_assert_uint_lt(file.n, FIRST);
		file.n = FIRST + planes * bytes;
	}
	file.n -= k->cut;
	if (k->broken)
		made_cut(&file);
}

static inline int ask(const struct made_stack *k)
{
	made_source_close(&src);
	told_done(&told);
	err = (struct err){ 0 };
	make(k);
	made_source_open(&src, "a.tif", file.b, file.n);
	int rc = told_imagej(&src.s, &told, &err);
	ck_assert(!told.notes.oom);
	return rc;
}

static inline struct told_image *must_tell(const struct made_stack *k)
{
	int rc = ask(k);
	ck_assert_msg(rc == 1, "%d %s", rc, err.msg);
	ck_assert_str_eq(told.kind, "ImageJ");
	ck_assert_uint_eq(told.n_images, 1);
	ck_assert_uint_eq(told.n_files, 1);
	ck_assert_ptr_null(told.files[0]);
	return &told.images[0];
}
