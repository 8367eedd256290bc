/* What the word in front of a number says. Internal to the interpretation of names. */
#pragma once

#include "codec/base.h"

enum name_word {
	WORD_NONE,
	WORD_Z,
	WORD_T,
	WORD_FRAME, /* t beside another number that varies, else z */
	WORD_C,
	WORD_I,
	WORD_WEAK, /* i beside another number that varies, else nothing */
};

struct name_label {
	enum name_word word;
	size_t len; /* bytes from the word's first letter to the end of the text; 0: no word */
};

/* text[n] is what stands between the number and the one before. */
struct name_label name_label(const char *text, size_t n);
