#include "meta/names_label.h"

#include <string.h>
#include <strings.h>

/* Blanks between the words and around them. */
static const struct {
	enum name_word word;
	const char *spellings;
} words[] = {
	{ WORD_Z, " z zs zpos zpl zplane zstack slice sl sli section sec plane depth layer focal "
		  "focalplane focus fp " },
	{ WORD_T, " t tp tl time timepoint timelapse timestep " },
	{ WORD_FRAME, " frame fr " },
	{ WORD_C, " c ch chn chan channel w wave wavelength wl lambda color colour band " },
	{ WORD_I, " pos position xy xypos field fov site series scene well tile roi region point "
		  "stage row col column angle view cam camera ill illumination setup sp " },
	{ WORD_WEAK, " s p f m x y " },
};

enum { WORD_MAX = 16 };

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

static enum name_word look_up(const char *s, size_t n)
{
	char key[WORD_MAX + 3] = " ";
	if (n == 0 || n > WORD_MAX)
		return WORD_NONE;
	for (size_t i = 0; i < n; i++)
		key[i + 1] = (char)(s[i] | 0x20);
	key[n + 1] = ' ';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(words[i].spellings, key) != NULL)
			return words[i].word;
	return WORD_NONE;
}

struct name_label name_label(const char *text, size_t n)
{
	struct name_label none = { WORD_NONE, 0 };
	size_t end = n;
	while (end > 0 && strchr(" _-.=+,()[]#", text[end - 1]) != NULL)
		end--;
	size_t from = end, capital = end;
	while (from > 0 && is_letter(text[from - 1])) {
		from--;
		if (capital == end && is_upper(text[from]))
			capital = from;
	}
	enum name_word word = look_up(text + from, end - from);
	if (word != WORD_NONE)
		return (struct name_label){ word, n - from };
	bool mixed = false;
	for (size_t i = from; i < end; i++)
		mixed = mixed || is_upper(text[i]) != is_upper(text[from]);
	word = mixed ? look_up(text + capital, end - capital) : WORD_NONE;
	return word == WORD_NONE ? none : (struct name_label){ word, n - capital };
}
