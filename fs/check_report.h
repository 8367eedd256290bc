/* What `check` prints on standard output while it goes on: damage plane by plane in order, then counts. */
#pragma once

#include <stdio.h>

#include "fs/check_damage.h"

struct check_counts {
	uint64_t images, unusable;
	uint64_t planes, damaged, missing; /* planes: that some file has */
	uint64_t broken;		   /* files whose chain of pages is */
	uint64_t bytes, bytes_read;
	double seconds;
};

struct check_form;

struct check_report {
	const struct dataset *data;
	const struct check_form *form;
	FILE *out;
	struct text text; /* not printed yet */
	uint32_t image;	  /* those before are told */
	bool begun, any;  /* `image` has begun; something stands in its list of damage */
	uint64_t planes;  /* of `image`, gaps included; none where it is unusable */
	uint64_t missing; /* gaps among them */
	struct check_counts counts;
};

void check_report_begin(struct check_report *r, const struct dataset *d, bool json, FILE *out);

/* All planes before `at` are done, and these are what is damaged of them since last time. */
void check_report_to(struct check_report *r, const struct check_place *at,
		     const struct check_damages *damage);

/* The last words, with all planes before `at` done. counts.bytes, bytes_read and seconds are the caller's to fill. */
void check_report_end(struct check_report *r, const struct check_place *at, bool interrupted);

/* Something is to be printed. */
bool check_report_waits(const struct check_report *r);

/* Prints. -ENOMEM, or -errno of standard output. */
int check_report_flush(struct check_report *r, struct err *err);

void check_report_done(struct check_report *r);
