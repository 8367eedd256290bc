/* A writer of TIFF files that no honest writer makes: any tag of any type, count and value, in any order,
 * both byte orders, classic and BigTIFF, in memory. */
#pragma once

#include "codec/base.h"

#include <string.h>

struct made_tag {
	uint16_t tag, type;
	uint64_t count;
	uint64_t value;	      /* count 1: the value; `at`: the offset, whatever lies there */
	const uint64_t *many; /* `count` numbers of the type's size */
	const void *bytes;    /* `count` bytes */
	bool at;
};

struct made {
	uint8_t b[1 << 20];
	size_t n;
	bool big, bigtiff;
	size_t next; /* where the last IFD's pointer to the next lies; the header's before */
};

static inline void made_put(struct made *m, size_t at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		m->b[at + i] = (uint8_t)(v >> 8 * (m->big ? n - 1 - i : i));
}

static inline size_t made_type_size(uint16_t type)
{
	static const uint8_t sizes[] = { 1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 1, 1, 8, 8, 8 };
	return type < sizeof(sizes) ? sizes[type] : 1;
}

static inline void made_begin(struct made *m, bool big, bool bigtiff)
{
	*m = (struct made){ .big = big, .bigtiff = bigtiff };
	memcpy(m->b, big ? "MM" : "II", 2);
	made_put(m, 2, bigtiff ? 43 : 42, 2);
	if (bigtiff)
		made_put(m, 4, 8, 2);
	m->next = bigtiff ? 8 : 4;
	m->n = bigtiff ? 16 : 8;
}

/* Where the bytes lie. */
static inline size_t made_data(struct made *m, const void *data, size_t n)
{
	size_t at = m->n;
	memcpy(m->b + at, data, n);
	m->n += n + (n & 1);
	return at;
}

static inline void made_values(struct made *m, size_t at, const struct made_tag *t)
{
	size_t size = made_type_size(t->type);
	if (t->bytes != NULL)
		memcpy(m->b + at, t->bytes, t->count);
	else if (t->many == NULL)
		made_put(m, at, t->value, size);
	else
		for (uint64_t i = 0; i < t->count; i++)
			made_put(m, at + i * size, t->many[i], size);
}

/* Adds an IFD, which the one before points to; ends with tag 0. Returns where it lies. */
static inline size_t made_ifd(struct made *m, const struct made_tag *tags)
{
	size_t word = m->bigtiff ? 8 : 4, head = m->bigtiff ? 8 : 2, n = 0, ifd = m->n;
	while (tags[n].tag != 0)
		n++;
	made_put(m, m->next, ifd, word);
	made_put(m, ifd, n, head);
	size_t at = ifd + head, tail = at + n * (4 + 2 * word) + word;
	for (size_t i = 0; i < n; i++, at += 4 + 2 * word) {
		const struct made_tag *t = &tags[i];
		made_put(m, at, t->tag, 2);
		made_put(m, at + 2, t->type, 2);
		made_put(m, at + 4, t->count, word);
		uint64_t bytes = t->count * made_type_size(t->type);
		if (t->at) {
			made_put(m, at + 4 + word, t->value, word);
		} else if (bytes <= word) {
			made_values(m, at + 4 + word, t);
		} else {
			made_put(m, at + 4 + word, tail, word);
			made_values(m, tail, t);
			tail += bytes + (bytes & 1);
		}
	}
	m->next = at;
	m->n = tail;
	return ifd;
}

/* The last IFD's pointer to the next leads out of the file, as where it was cut. */
static inline void made_cut(struct made *m)
{
	made_put(m, m->next, 0xfffffff0, m->bigtiff ? 8 : 4);
}

enum { MADE_TAGS = 64 };

/* A list of tags that starts as a gray page of `w` x `h` pixels of 8 bits in one strip at byte `off`. */
struct made_list {
	struct made_tag t[MADE_TAGS];
};

static inline struct made_tag *made_find(struct made_list *l, uint16_t tag)
{
	struct made_tag *t = l->t;
	while (t->tag != tag && t->tag != 0)
		t++;
	return t;
}

/* Replaces a tag or adds it at the end. */
static inline void made_set(struct made_list *l, struct made_tag t)
{
	*made_find(l, t.tag) = t;
}

static inline void made_num(struct made_list *l, uint16_t tag, uint16_t type, uint64_t value)
{
	made_set(l, (struct made_tag){ .tag = tag, .type = type, .count = 1, .value = value });
}

static inline void made_drop(struct made_list *l, uint16_t tag)
{
	struct made_tag *t = made_find(l, tag);
	for (; t->tag != 0; t++)
		t[0] = t[1];
}

static inline struct made_list made_page(uint64_t w, uint64_t h, uint64_t off, uint64_t count)
{
	struct made_list l = { 0 };
	made_num(&l, 256, 4, w);
	made_num(&l, 257, 4, h);
	made_num(&l, 258, 3, 8);
	made_num(&l, 259, 3, 1);
	made_num(&l, 262, 3, 1);
	made_num(&l, 273, 4, off);
	made_num(&l, 277, 3, 1);
	made_num(&l, 278, 4, h);
	made_num(&l, 279, 4, count);
	return l;
}

/* The page as tiles of w x h. */
static inline void made_tiles(struct made_list *l, uint64_t w, uint64_t h)
{
	uint64_t off = made_find(l, 273)->value, count = made_find(l, 279)->value;
	made_drop(l, 273);
	made_drop(l, 278);
	made_drop(l, 279);
	made_num(l, 322, 4, w);
	made_num(l, 323, 4, h);
	made_num(l, 324, 4, off);
	made_num(l, 325, 4, count);
}
