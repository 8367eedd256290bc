/* How `check` says what it found: in lines or as JSON. Internal to fs/check*.c. */
#pragma once

#include "fs/check_report.h"

/* Each adds to r->text, in this order; r->image is the image that it is about. */
struct check_form {
	void (*begin)(struct check_report *r);
	void (*image)(struct check_report *r, const struct image *im);
	void (*damage)(struct check_report *r, const struct check_damage *d);
	/* interrupted: not all of its planes were read. */
	void (*image_end)(struct check_report *r, const struct image *im, bool interrupted);
	void (*images_end)(struct check_report *r);
	void (*broken)(struct check_report *r, const struct source_file *f);
	void (*end)(struct check_report *r, bool interrupted);
};

extern const struct check_form check_words, check_json;

/* Voxels in MB/s. */
double check_rate(const struct check_counts *c);
