#include "meta/names_split.h"

#include "meta/names.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const char *const tiff_suffixes[] = { ".tif", ".tiff", ".btf", ".tf2", ".tf8" };
static const char *const slide_suffixes[] = { ".svs", ".ndpi", ".scn", ".qptiff", ".gel", ".flex" };

static bool cut_suffix(const char *name, size_t *n, const char *suffix)
{
	size_t m = strlen(suffix);
	if (*n < m || strncasecmp(name + *n - m, suffix, m) != 0)
		return false;
	*n -= m;
	return true;
}

enum name_class name_class_of(const char *name, size_t *stem)
{
	*stem = strlen(name);
	for (size_t i = 0; i < ARRAY_SIZE(tiff_suffixes); i++)
		if (cut_suffix(name, stem, tiff_suffixes[i]))
			return cut_suffix(name, stem, ".ome") ? CLASS_OME : CLASS_PLAIN;
	if (cut_suffix(name, stem, ".lsm"))
		return CLASS_LSM;
	if (cut_suffix(name, stem, ".stk"))
		return CLASS_STK;
	for (size_t i = 0; i < ARRAY_SIZE(slide_suffixes); i++)
		if (cut_suffix(name, stem, slide_suffixes[i]))
			return CLASS_SLIDE;
	return CLASS_NONE;
}

bool names_is_tiff(const char *name, bool *slide)
{
	size_t stem;
	enum name_class class = name_class_of(name, &stem);
	*slide = class == CLASS_SLIDE;
	return class != CLASS_NONE && name[0] != '.';
}

size_t names_stem(const char *name)
{
	size_t stem;
	name_class_of(name, &stem);
	return stem;
}

bool names_is_sidecar(const char *name)
{
	size_t n = strlen(name), own = sizeof(NAMES_SIDECAR) - 1;
	return n >= own && strcmp(name + n - own, NAMES_SIDECAR) == 0 &&
	       (n == own || name[n - own - 1] == '.');
}

bool names_is_junk_folder(const char *name)
{
	static const char *const junk[] = { "__MACOSX", "@eaDir",     "$RECYCLE.BIN",
					    "thumbs",	"thumbnails", ".thumbnails" };
	for (size_t i = 0; i < ARRAY_SIZE(junk); i++)
		if (strcasecmp(name, junk[i]) == 0)
			return true;
	return name[0] == '.';
}

static size_t digits(const char *s, size_t n)
{
	size_t k = 0;
	while (k < n && name_is_digit(s[k]))
		k++;
	return k;
}

bool name_number(const char *s, size_t n, uint64_t *value)
{
	while (n > 1 && *s == '0') {
		s++;
		n--;
	}
	if (n > 19)
		return false;
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (uint64_t)(s[i] - '0');
	*value = v;
	return true;
}

static int compare_numbers(const char **a, const char **b)
{
	const char *x = *a, *y = *b;
	size_t nx = strspn(x, "0123456789"), ny = strspn(y, "0123456789");
	*a = x + nx;
	*b = y + ny;
	size_t zx = 0, zy = 0;
	while (zx + 1 < nx && x[zx] == '0')
		zx++;
	while (zy + 1 < ny && y[zy] == '0')
		zy++;
	if (nx - zx != ny - zy)
		return nx - zx < ny - zy ? -1 : 1;
	int rc = memcmp(x + zx, y + zy, nx - zx);
	if (rc != 0)
		return rc;
	return nx < ny ? -1 : nx > ny;
}

/* An ended name comes first, then one whose text has ended and whose number begins. */
static int rank(char c)
{
	return c == '\0' ? 0 : name_is_digit(c) ? 1 : 2;
}

int names_compare(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0') {
		if (name_is_digit(*a) && name_is_digit(*b)) {
			int rc = compare_numbers(&a, &b);
			if (rc != 0)
				return rc;
			continue;
		}
		if (rank(*a) != rank(*b))
			return rank(*a) - rank(*b);
		if (*a != *b)
			return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
		a++;
		b++;
	}
	return 0;
}

/* FNV-1a; only brings equals together, so that an engineered collision costs nothing but a compare. */
static uint64_t hash_bytes(uint64_t h, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3;
	return h;
}

static void set_hash(struct name_file *f)
{
	uint64_t h = 0xcbf29ce484222325;
	for (uint32_t k = 0; k <= f->n; k++) {
		size_t len;
		const char *s = name_text(f, k, &len);
		h = hash_bytes(h, s, len) ^ k;
	}
	f->hash = h ^ ((uint64_t)f->class << 60) ^ ((uint64_t)f->shape << 56);
}

void name_file_plain(struct name_file *f)
{
	f->n = 0;
	f->shape = SHAPE_NUMBERS;
	for (size_t i = 0; i < f->stem;) {
		size_t n = digits(f->name + i, f->stem - i);
		uint64_t value;
		if (n > 0 && name_number(f->name + i, n, &value)) {
			/* The last ones count: what stands in front is rather a date or a project. */
			if (f->n == NAME_FIELDS)
				memmove(f->fields, f->fields + 1, --f->n * sizeof(*f->fields));
			f->fields[f->n++] = (struct name_field){ value, (uint32_t)i, (uint32_t)n };
		}
		i += n > 0 ? n : 1;
	}
	set_hash(f);
}

static bool add_number(struct name_file *f, size_t at, size_t n)
{
	uint64_t value;
	if (n == 0 || !name_number(f->name + at, n, &value))
		return false;
	f->fields[f->n++] = (struct name_field){ value, (uint32_t)at, (uint32_t)n };
	return true;
}

static bool shape_micro_manager(struct name_file *f)
{
	const char *s = f->name;
	size_t n = f->stem;
	if (f->class != CLASS_PLAIN || strcasecmp(s + n, ".tif") != 0 ||
	    n < 4 + 9 + 1 + 1 + 1 + 3 || strncmp(s, "img_", 4) != 0 || digits(s + 4, n - 4) != 9 ||
	    s[13] != '_' || s[n - 4] != '_' || digits(s + n - 3, 3) != 3)
		return false;
	f->n = 0;
	add_number(f, 4, 9);
	f->fields[f->n++] = (struct name_field){ 0, 14, (uint32_t)(n - 4 - 14) };
	add_number(f, n - 3, 3);
	f->shape = SHAPE_MICRO_MANAGER;
	return true;
}

/* Cuts "_sN" off the end of s[n]; N's place in *at and *len. */
static size_t cut_number(const char *s, size_t n, char letter, size_t *at, size_t *len)
{
	size_t k = n;
	while (k > 0 && name_is_digit(s[k - 1]))
		k--;
	*len = 0;
	if (k == n || k < 2 || s[k - 1] != letter || s[k - 2] != '_')
		return n;
	*at = k;
	*len = n - k;
	return k - 2;
}

static bool shape_metamorph(struct name_file *f)
{
	const char *s = f->name;
	size_t time = 0, stage = 0, time_len, stage_len;
	if (f->class != CLASS_STK &&
	    (f->class != CLASS_PLAIN ||
	     (strcasecmp(s + f->stem, ".tif") != 0 && strcasecmp(s + f->stem, ".tiff") != 0)))
		return false;
	size_t n = cut_number(s, f->stem, 't', &time, &time_len);
	n = cut_number(s, n, 's', &stage, &stage_len);
	size_t w = n;
	while (w > 2 && !(s[w - 2] == '_' && s[w - 1] == 'w' && w < n && name_is_digit(s[w])))
		w--;
	if (w <= 2)
		return false;
	size_t len = digits(s + w, n - w);
	/* "_w1_z003": what follows is no channel's name. */
	if (w + len < n && s[w + len] == '_')
		return false;
	f->n = 0;
	bool ok = add_number(f, w, len);
	f->fields[0].len = (uint32_t)(n - w);
	ok = ok && (stage_len == 0 || add_number(f, stage, stage_len)) &&
	     (time_len == 0 || add_number(f, time, time_len));
	f->shape = SHAPE_METAMORPH;
	return ok;
}

/* Room for the fields of a name, whichever way it is split. */
static size_t fields_at_most(const char *s, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		k += name_is_digit(s[i]) && (i == 0 || !name_is_digit(s[i - 1]));
	return k == 0 ? 0 : min_u64(max_u64(k, 3), NAME_FIELDS);
}

static void split(struct name_file *f)
{
	if (f->class == CLASS_SLIDE || f->class == CLASS_NONE)
		return;
	if (shape_micro_manager(f) || shape_metamorph(f))
		set_hash(f);
	else
		name_file_plain(f);
}

int name_table_make(const char *const *entries, size_t n, struct name_table *out, struct err *err)
{
	struct name_table t = { .n = n };
	if (n > UINT32_MAX - 1)
		return err_set(err, EINVAL, "%zu names in one folder are more than %u", n,
			       UINT32_MAX - 1);
	t.files = calloc(n, sizeof(*t.files));
	if (t.files == NULL)
		return err_oom(err);
	size_t fields = 0;
	for (size_t i = 0; i < n; i++) {
		struct name_file *f = &t.files[i];
		size_t stem;
		*f = (struct name_file){ .name = entries[i], .entry = (uint32_t)i };
		f->class = name_class_of(entries[i], &stem);
		if (stem > UINT32_MAX / 2) {
			free(t.files);
			return err_set(err, EINVAL, "a name of %zu bytes", stem);
		}
		f->stem = (uint32_t)stem;
		fields += fields_at_most(f->name, stem);
	}
	t.pool = calloc(fields + 3, sizeof(*t.pool));
	if (t.pool == NULL) {
		free(t.files);
		return err_oom(err);
	}
	fields = 0;
	for (size_t i = 0; i < n; i++) {
		t.files[i].fields = t.pool + fields;
		split(&t.files[i]);
		fields += fields_at_most(t.files[i].name, t.files[i].stem);
	}
	*out = t;
	return 0;
}

void name_table_done(struct name_table *t)
{
	free(t->files);
	free(t->pool);
	*t = (struct name_table){ 0 };
}
