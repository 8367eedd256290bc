#include "meta/told_shaped_axes.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char letters[TOLD_AXES] = { [TOLD_T] = 't', [TOLD_C] = 'c', [TOLD_Z] = 'z' };

static enum told_axis by_letter(char c)
{
	return c == 'T' ? TOLD_T : c == 'C' ? TOLD_C : c == 'Z' ? TOLD_Z : TOLD_AXES;
}

/* Sizes whose letter names an axis; the others get none. How many of those are not 1, in *unnamed. */
static void take_named(const struct shaped *s, enum told_axis axis[SHAPED_DIMS],
		       bool used[TOLD_AXES], unsigned *unnamed)
{
	*unnamed = 0;
	for (unsigned i = 0; i < s->n; i++) {
		axis[i] = by_letter(s->axes[i]);
		if (axis[i] != TOLD_AXES && !used[axis[i]])
			used[axis[i]] = true;
		else
			axis[i] = TOLD_AXES;
		*unnamed += axis[i] == TOLD_AXES && s->size[i] > 1;
	}
}

/* What could be meant: the first one without a name is t, the last one z. False: there are too many. */
static bool guess(const struct shaped *s, enum told_axis axis[SHAPED_DIMS],
		  const bool used[TOLD_AXES], unsigned unnamed)
{
	static const enum told_axis in_order[TOLD_AXES] = { TOLD_T, TOLD_C, TOLD_Z };
	enum told_axis take[TOLD_AXES];
	unsigned n = 0;
	for (int a = 0; a < TOLD_AXES; a++)
		if (!used[in_order[a]])
			take[n++] = in_order[a];
	if (n < unnamed)
		return false;
	/* t and z rather than t and c. */
	if (n == 3 && unnamed == 2)
		take[1] = TOLD_Z;
	for (unsigned i = 0, next = 0; i < s->n && next < n; i++)
		if (axis[i] == TOLD_AXES && s->size[i] > 1)
			axis[i] = take[next++];
	return true;
}

static void add_sizes(struct text *t, const struct shaped *s)
{
	const char *sep = "";
	for (unsigned i = 0; i < s->n; i++) {
		if (s->size[i] == 1)
			continue;
		text_addf(t, "%s%" PRIu64, sep, s->size[i]);
		sep = " x ";
	}
}

/* "'a.tif#{t,z=5}'" */
static void add_pattern(struct text *t, const struct shaped *s, const char *name,
			const enum told_axis axis[SHAPED_DIMS])
{
	const char *sep = "";
	text_add(t, "'");
	for (const char *c = name; *c != '\0';) {
		size_t n = strcspn(c, "{}");
		text_add_name(t, c, n);
		c += n;
		if (*c == '\0')
			break;
		/* Those that are meant are written twice. */
		text_addn(t, c, 1);
		text_addn(t, c++, 1);
	}
	text_add(t, "#{");
	for (unsigned i = 0; i < s->n; i++) {
		if (axis[i] == TOLD_AXES || s->size[i] == 1)
			continue;
		text_addf(t, "%s%c", sep, letters[axis[i]]);
		if (*sep != '\0')
			text_addf(t, "=%" PRIu64, s->size[i]);
		sep = ",";
	}
	text_add(t, "}'");
}

static int refuse(const struct shaped *s, const char *name, enum told_axis axis[SHAPED_DIMS],
		  const bool used[TOLD_AXES], unsigned unnamed, struct err *err)
{
	CLEANUP(text_done) struct text sizes = { 0 };
	CLEANUP(text_done) struct text pattern = { 0 };
	bool sure = guess(s, axis, used, unnamed);
	add_sizes(&sizes, s);
	if (name != NULL && sure)
		add_pattern(&pattern, s, name, axis);
	if (sizes.oom || pattern.oom)
		return err_oom(err);
	if (pattern.s == NULL)
		return err_set(err, EINVAL,
			       "its shape has %s planes, and does not say which axes they are",
			       sizes.s);
	return err_set(err, EINVAL,
		       "its shape has %s planes, and does not say which axes they are: "
		       "--pattern %s would say it",
		       sizes.s, pattern.s);
}

int shaped_axes(const struct shaped *s, const char *name, enum told_axis axis[SHAPED_DIMS],
		struct err *err)
{
	bool used[TOLD_AXES] = { false };
	unsigned unnamed;
	take_named(s, axis, used, &unnamed);
	if (unnamed == 0)
		return 0;
	if (unnamed > 1 || used[TOLD_Z])
		return refuse(s, name, axis, used, unnamed, err);
	guess(s, axis, (const bool[TOLD_AXES]){ true, true, false }, 1);
	return 0;
}
