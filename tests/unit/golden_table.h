/* The computed tables in golden/ of the shared folder, row by row. */
#pragma once

#include "codec/err.h"
#include "meta/grid.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A table: tab separated, the first line names the columns. */
struct table {
	char *text;
	char *cells[64];
	char *names[64];
	size_t n_names;
	char *next;
};

static inline uint64_t number(const char *s)
{
	uint64_t v = 0;
	ck_assert_msg(*s >= '0' && *s <= '9', "no number: %s", s);
	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	return v;
}

static inline size_t cut_line(char *line, char **cells, size_t max)
{
	size_t n = 0;
	for (char *rest = line; rest != NULL && n < max; n++)
		cells[n] = strsep(&rest, "\t");
	return n;
}

/* False, with a reason printed, where the tables are not there. */
static inline bool table_open(struct table *t, const char *file)
{
	const char *dir = getenv("NGFFUSE_SHARED");
	char path[4096];
	snprintf(path, sizeof(path), "%s/golden/%s", dir != NULL ? dir : "../shared", file);
	*t = (struct table){ 0 };
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		printf("skipped: no %s (%s); NGFFUSE_SHARED names the folder\n", path,
		       strerror(errno));
		return false;
	}
	size_t size = MiB;
	t->text = calloc(1, size);
	ck_assert_ptr_nonnull(t->text);
	size_t n = fread(t->text, 1, size - 1, f);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, size - 1);
	fclose(f);
	t->next = t->text;
	char *line = strsep(&t->next, "\n");
	t->n_names = cut_line(line, t->names, ARRAY_SIZE(t->names));
	return true;
}

static inline bool table_row(struct table *t)
{
	char *line = strsep(&t->next, "\n");
	if (line == NULL || *line == '\0')
		return false;
	ck_assert_uint_eq(cut_line(line, t->cells, ARRAY_SIZE(t->cells)), t->n_names);
	return true;
}

static inline const char *cell(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n_names; i++)
		if (strcmp(t->names[i], name) == 0)
			return t->cells[i];
	ck_abort_msg("no column %s", name);
	return NULL;
}

static inline uint64_t value(const struct table *t, const char *name)
{
	return number(cell(t, name));
}

static inline void triple(const char *s, uint64_t out[3])
{
	for (int i = 0; i < 3; i++) {
		out[i] = number(s);
		s += strcspn(s, ",");
		s += *s == ',';
	}
}

/* The grid of level 0 of a row of chunk_shape.tsv or runs.tsv. */
static inline void make_row(const struct table *t, struct grid *g)
{
	bool planar = value(t, "planar") != 0;
	uint64_t samples = value(t, "samples");
	uint64_t size[AXIS_COUNT] = { 1, samples, value(t, "planes"), value(t, "height"),
				      value(t, "width") };
	struct grid_layout l = {
		.tiled = strcmp(cell(t, "layout"), "tiles") == 0,
		.compressed = value(t, "compressed") != 0,
		.unit_h = (uint32_t)value(t, "unit_h"),
		.unit_w = (uint32_t)value(t, "unit_w"),
		.samples = planar ? 1 : (uint32_t)samples,
	};
	uint64_t given[3];
	bool is_auto = strcmp(cell(t, "given"), "auto") == 0;
	if (!is_auto)
		triple(cell(t, "given"), given);
	struct err err = { 0 };
	int rc = grid_make(size, value(t, "bytes"), &l, is_auto ? NULL : given, g, &err);
	ck_assert_msg(rc == 0, "%s: %s", cell(t, "what"), err.msg);
}

/* Raw planes whose chunk row exceeds 32 MiB: the tables give such runs their whole width. */
static inline bool is_wide(const struct grid *g)
{
	uint64_t rows = min_u64(g->chunk[AXIS_Y], g->size[AXIS_Y]);
	return !g->layout.tiled && !g->layout.compressed &&
	       rows * g->size[AXIS_X] * g->voxel * g->layout.samples > 32 * MiB;
}
