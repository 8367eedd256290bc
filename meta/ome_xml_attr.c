#include "meta/ome_xml_attr.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "meta/voxel.h"

static const char blanks[] = " \t\r\n";

const char *ome_local(const char *name)
{
	const char *colon = strrchr(name, ':');
	return colon != NULL ? colon + 1 : name;
}

const char *ome_attr(const char **atts, const char *name)
{
	for (; atts[0] != NULL; atts += 2)
		if (strcmp(ome_local(atts[0]), name) == 0)
			return atts[1];
	return NULL;
}

static size_t cut_blanks(const char **s)
{
	*s += strspn(*s, blanks);
	size_t n = strlen(*s);
	while (n > 0 && strchr(blanks, (*s)[n - 1]) != NULL)
		n--;
	return n;
}

bool ome_attr_number(const char **atts, const char *name, bool *told, uint64_t *out)
{
	const char *s = ome_attr(atts, name);
	*told = s != NULL;
	*out = 0;
	if (s == NULL)
		return true;
	size_t n = cut_blanks(&s);
	*told = text_to_u64(s, n, out);
	return *told;
}

/* No sequence of UTF-8 is cut in two. */
static void copy_cut(char *to, size_t room, const char *s)
{
	size_t n = strnlen(s, room - 1);
	while (n > 0 && ((uint8_t)s[n] & 0xc0) == 0x80)
		n--;
	memcpy(to, s, n);
	to[n] = '\0';
}

static const char *unit_of(const char **atts, const char *name)
{
	char unit[40];
	size_t n = strlen(name);
	if (n + sizeof("Unit") > sizeof(unit))
		return "";
	memcpy(unit, name, n);
	memcpy(unit + n, "Unit", sizeof("Unit"));
	const char *s = ome_attr(atts, unit);
	return s != NULL ? s : "";
}

struct ome_quantity ome_attr_quantity(const char **atts, const char *name)
{
	struct ome_quantity q = { 0 };
	const char *s = ome_attr(atts, name);
	if (s == NULL)
		return q;
	size_t n = cut_blanks(&s);
	q.told = true;
	if (!text_to_double(s, n, &q.value))
		q.value = 0;
	copy_cut(q.unit, sizeof(q.unit), unit_of(atts, name));
	return q;
}

bool ome_attr_order(const char **atts, uint8_t order[TOLD_AXES])
{
	static const char letters[TOLD_AXES + 1] = {
		[TOLD_T] = 'T', [TOLD_C] = 'C', [TOLD_Z] = 'Z'
	};
	const char *s = ome_attr(atts, "DimensionOrder");
	if (s == NULL || cut_blanks(&s) != 5 || memcmp(s, "XY", 2) != 0)
		return false;
	unsigned seen = 0;
	for (size_t i = 0; i < TOLD_AXES; i++) {
		const char *at = memchr(letters, s[2 + i], TOLD_AXES);
		if (at == NULL)
			return false;
		order[i] = (uint8_t)(at - letters);
		seen |= 1U << order[i];
	}
	return seen == (1U << TOLD_AXES) - 1;
}

/* Signed numbers of 32 bits, and what writers make of them without a sign. */
static bool get_color(const char **atts, uint32_t *out)
{
	const char *s = ome_attr(atts, "Color");
	if (s == NULL)
		return false;
	size_t n = cut_blanks(&s);
	bool negative = n > 0 && *s == '-';
	uint64_t v = 0;
	if (!text_to_u64(s + negative, n - negative, &v) ||
	    v > (negative ? (uint64_t)1 << 31 : UINT32_MAX))
		return false;
	*out = negative ? -(uint32_t)v : (uint32_t)v;
	return true;
}

/* "488 nm". */
static int name_by_wavelength(const char **atts, char **out)
{
	struct ome_quantity q = ome_attr_quantity(atts, "EmissionWavelength");
	if (!q.told)
		q = ome_attr_quantity(atts, "EmWave");
	if (!q.told || !isfinite(q.value) || q.value <= 0)
		return 0;
	char number[40];
	voxel_print(q.value, number, sizeof(number));
	CLEANUP(text_done) struct text t = { 0 };
	text_addf(&t, "%s %s", number, q.unit[0] != '\0' ? q.unit : "nm");
	if (t.oom)
		return -ENOMEM;
	*out = STEAL(t.s);
	return 0;
}

int ome_attr_channel(const char **atts, struct ome_channel *out)
{
	static const char *const names[] = { "Name", "Fluor" };
	*out = (struct ome_channel){ 0 };
	bool told = false;
	if (!ome_attr_number(atts, "SamplesPerPixel", &told, &out->samples))
		out->samples = 0;
	out->has_color = get_color(atts, &out->color);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *s = ome_attr(atts, names[i]);
		size_t n = s != NULL ? cut_blanks(&s) : 0;
		if (n == 0)
			continue;
		out->name = strndup(s, n);
		return out->name == NULL ? -ENOMEM : 0;
	}
	return name_by_wavelength(atts, &out->name);
}
