#include "meta/told_stk_uic.h"

#include <errno.h>
#include <string.h>

#include "meta/told_bytes.h"
#include "meta/voxel.h"

/* Source: "MetaMorph Stack (STK) Image File Format", as tifffile and Bio-Formats read it. */
enum { LONG = 4, DAY_MS = 86400000, MAX_TEXT = 1 << 10 };

/* Entries of UIC1, of a number or of the offset of one or two numbers, or of a text. */
enum { AUTO_SCALE, LOW, HIGH, CALIBRATED, X_CALIBRATION, Y_CALIBRATION, UNIT, UIC1_USED };

void stk_done(struct stk *k)
{
	free(k->distance);
	free(k->created);
	free(k->absolute);
	free(k->wave);
	*k = (struct stk){ 0 };
}

static double ratio(uint32_t num, uint32_t den)
{
	return den == 0 ? 0 : (double)num / den;
}

/* Positions may be negative. */
static double signed_ratio(uint32_t num, uint32_t den)
{
	return den == 0 ? 0 : (double)(int32_t)num / (int32_t)den;
}

/* ---- UIC2, UIC3: one record a plane ---- */

static int read_uic2(const struct told_source *s, bool big, struct stk *k, struct err *err)
{
	enum { RECORD = 24 };
	CLEANUP(freep) uint8_t *b = NULL;
	uint64_t bytes = 0;
	if (k->n > TIFF_MAX_PAGES || !mul_u64(k->n, RECORD, &bytes))
		return 0;
	int rc = bytes_read(s->r, s->first->uic2.offset, bytes, &b, err);
	if (rc <= 0)
		return rc;
	k->distance = calloc(k->n, sizeof(*k->distance));
	k->created = calloc(k->n, sizeof(*k->created));
	if (k->distance == NULL || k->created == NULL)
		return err_oom(err);
	for (uint64_t i = 0; i < k->n; i++) {
		const uint8_t *p = b + i * RECORD;
		k->distance[i] = ratio(bytes_u32(p, big), bytes_u32(p + 4, big));
		k->created[i] = (int64_t)bytes_u32(p + 8, big) * DAY_MS + bytes_u32(p + 12, big);
	}
	return 1;
}

/* num, den of each plane; *out NULL where they are not there. */
static int read_ratios(const struct told_source *s, uint64_t at, bool big, uint64_t n,
		       double (*value)(uint32_t, uint32_t), double **out, struct err *err)
{
	CLEANUP(freep) uint8_t *b = NULL;
	*out = NULL;
	int rc = bytes_read(s->r, at, 8 * n, &b, err);
	if (rc <= 0)
		return rc;
	double *v = calloc(n, sizeof(*v));
	if (v == NULL)
		return err_oom(err);
	for (uint64_t i = 0; i < n; i++)
		v[i] = value(bytes_u32(b + 8 * i, big), bytes_u32(b + 8 * i + 4, big));
	*out = v;
	return 1;
}

/* ---- UIC1: pairs of a number and what it stands for ---- */

static int read_pair(const struct told_source *s, uint64_t at, bool big, double *out,
		     struct err *err)
{
	CLEANUP(freep) uint8_t *b = NULL;
	int rc = at < 8 ? 0 : bytes_read(s->r, at, 8, &b, err);
	if (rc > 0)
		*out = ratio(bytes_u32(b, big), bytes_u32(b + 4, big));
	return rc < 0 ? rc : 0;
}

static int read_unit(const struct told_source *s, uint64_t at, bool big, const char **out,
		     struct err *err)
{
	CLEANUP(freep) uint8_t *head = NULL;
	CLEANUP(freep) uint8_t *b = NULL;
	int rc = at < 8 ? 0 : bytes_read(s->r, at, 4, &head, err);
	if (rc <= 0)
		return rc;
	uint32_t n = bytes_u32(head, big);
	rc = n > MAX_TEXT ? 0 : bytes_read(s->r, at + 4, n, &b, err);
	if (rc > 0)
		*out = voxel_unit((const char *)b, strnlen((const char *)b, n));
	return rc < 0 ? rc : 0;
}

static int read_uic1(const struct told_source *s, bool big, struct stk *k, struct err *err)
{
	enum { MAX_ENTRIES = 1 << 12 };
	const struct tiff_values *v = &s->first->uic1;
	CLEANUP(freep) uint8_t *b = NULL;
	uint32_t value[UIC1_USED] = { 0 };
	bool there[UIC1_USED] = { 0 };
	if (v->count == 0 || v->count > MAX_ENTRIES || v->type != LONG)
		return 0;
	int rc = bytes_read(s->r, v->offset, 8 * v->count, &b, err);
	if (rc <= 0)
		return rc;
	for (uint64_t i = 0; i < v->count; i++) {
		uint32_t id = bytes_u32(b + 8 * i, big);
		if (id >= UIC1_USED)
			continue;
		value[id] = bytes_u32(b + 8 * i + 4, big);
		there[id] = true;
	}
	k->low = value[LOW];
	k->high = value[HIGH];
	k->scaled = there[AUTO_SCALE] && value[AUTO_SCALE] == 0 && there[LOW] && there[HIGH];
	if (value[CALIBRATED] != 1)
		return 0;
	rc = read_pair(s, value[X_CALIBRATION], big, &k->calibration[0], err);
	if (rc == 0)
		rc = read_pair(s, value[Y_CALIBRATION], big, &k->calibration[1], err);
	return rc == 0 ? read_unit(s, value[UNIT], big, &k->unit, err) : rc;
}

/* ---- UIC4: values of all planes, each kind behind its number ---- */

/* Past the texts of all planes. 1; 0: they do not lie inside the file. */
static int pass_texts(const struct told_source *s, bool big, uint64_t n, uint64_t *at,
		      struct err *err)
{
	for (uint64_t i = 0; i < n; i++) {
		CLEANUP(freep) uint8_t *b = NULL;
		int rc = bytes_read(s->r, *at, 4, &b, err);
		if (rc <= 0)
			return rc;
		*at += 4 + (uint64_t)bytes_u32(b, big);
	}
	return 1;
}

/* Past the values of kind `id`. 1; 0: unknown. */
static int pass_values(const struct told_source *s, bool big, uint32_t id, uint64_t n, uint64_t *at,
		       struct err *err)
{
	switch (id) {
	case 28: /* stage position */
	case 29: /* camera chip offset */
		*at += 16 * n;
		return 1;
	case 37: /* stage label */
		return pass_texts(s, big, n, at, err);
	case 40: /* absolute z */
	case 46:
		*at += 8 * n;
		return 1;
	case 41: /* whether that is valid */
		*at += 4 * n;
		return 1;
	default:
		return 0;
	}
}

static int read_uic4(const struct told_source *s, bool big, struct stk *k, struct err *err)
{
	enum { ABSOLUTE_Z = 40, MAX_KINDS = 16 };
	uint64_t at = s->first->uic4.offset;
	int rc = s->first->uic4.count != 0;
	for (int kinds = 0; rc > 0 && kinds < MAX_KINDS; kinds++) {
		CLEANUP(freep) uint8_t *b = NULL;
		rc = bytes_read(s->r, at, 2, &b, err);
		if (rc <= 0)
			return rc;
		uint32_t id = big ? (uint32_t)b[0] << 8 | b[1] : (uint32_t)b[1] << 8 | b[0];
		at += 2;
		if (id == ABSOLUTE_Z && k->absolute == NULL) {
			rc = read_ratios(s, at, big, k->n, signed_ratio, &k->absolute, err);
			return rc < 0 ? rc : 0;
		}
		rc = pass_values(s, big, id, k->n, &at, err);
	}
	return rc < 0 ? rc : 0;
}

int stk_read(const struct told_source *s, struct stk *out, struct err *err)
{
	bool big = s->first->file.big_endian;
	out->n = s->first->uic2.count;
	int rc = read_uic2(s, big, out, err);
	if (rc <= 0)
		return rc;
	if (s->first->uic3.count == out->n)
		rc = read_ratios(s, s->first->uic3.offset, big, out->n, ratio, &out->wave, err);
	if (rc >= 0)
		rc = read_uic1(s, big, out, err);
	if (rc >= 0)
		rc = read_uic4(s, big, out, err);
	return rc < 0 ? rc : 1;
}
