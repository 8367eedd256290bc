/* `--help` and the short usage, from the option table. */
#include "fs/options.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN = 30, WIDTH = 80 };

/* Adds words of s from column COLUMN on, broken at WIDTH; `at` is the column reached. */
static void add_wrapped(struct text *t, const char *s, size_t at)
{
	if (at >= COLUMN) {
		text_add(t, "\n");
		at = 0;
	}
	text_addf(t, "%*s", (int)(COLUMN - at), "");
	at = COLUMN;
	while (*s != '\0') {
		size_t len = strcspn(s, " ");
		bool first = at == COLUMN;
		if (!first && at + 1 + len > WIDTH) {
			text_addf(t, "\n%*s", COLUMN, "");
			at = COLUMN;
			first = true;
		}
		text_add(t, first ? "" : " ");
		text_addn(t, s, len);
		at += len + !first;
		s += len;
		if (*s == ' ')
			s++;
	}
	text_add(t, "\n");
}

static void add_row(struct text *t, const char *left, const char *help, const char *preset)
{
	size_t start = t->len;
	text_addf(t, "  %s", left);
	struct text CLEANUP(text_done) right = { 0 };
	text_add(&right, help);
	if (preset != NULL)
		text_addf(&right, " [%s]", preset);
	if (right.oom)
		t->oom = true;
	else
		add_wrapped(t, right.s, t->len - start);
}

void options_usage(struct text *t)
{
	text_add(t,
		 "usage: ngffuse [options] SOURCE MOUNTPOINT   show a TIFF stack as OME-Zarr\n"
		 "       ngffuse info SOURCE                   what would be mounted, and why\n"
		 "       ngffuse status MOUNTPOINT             counters of a live mount\n"
		 "       ngffuse cat SOURCE PATH               one file of the mount to stdout\n"
		 "       ngffuse check SOURCE                  decode everything, list the damage\n"
		 "       ngffuse -u MOUNTPOINT                 unmount\n");
}

void options_help(struct text *t)
{
	options_usage(t);
	text_add(t, "\nSOURCE is a folder of TIFFs, or one TIFF. Nothing in it is ever written.\n"
		    "\nOptions [default]:\n");
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	for (size_t i = 0; i < n; i++) {
		char left[64];
		char letter[8] = "    ";
		if (rows[i].letter != 0) {
			letter[0] = '-';
			letter[1] = rows[i].letter;
			letter[2] = ',';
		}
		bool value = rows[i].value != NULL;
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, rows[i].name, value ? " " : "",
			 value ? rows[i].value : "");
		add_row(t, left, rows[i].help, rows[i].preset);
	}
	add_row(t, "-o   LIST",
		"the same options as for mount(8): a-b=V for each --a-b V, and "
		"allow_other, allow_root, default_permissions, auto_unmount, fsname=NAME, "
		"subtype=NAME of FUSE; a comma inside V is written \\,",
		NULL);
	text_add(t,
		 "\nSizes take K, M and G. Exit codes: 0 fine; 1 the source, the mount or damage;\n"
		 "2 a wrong option. Everything else: man ngffuse.\n");
}
