/* The result of an interpretation while it grows. Internal to the interpretation of names and patterns. */
#pragma once

#include "meta/names.h"

struct names_list {
	struct names names;
	size_t room_images, room_left_out;
};

/* A new image, all zero; NULL: out of memory. Valid until the next call. Its id is set to what should be
 * kept of the names, "" or NULL for nothing. */
struct name_image *names_list_image(struct names_list *l);

/* of: see struct name_left_out. */
int names_list_leave(struct names_list *l, uint32_t entry, const char *why, uint32_t of,
		     struct err *err);

/* Labels channel c of an image with axes, unless it has a label. */
int names_label_channel(struct name_image *im, uint32_t c, const char *s, size_t n,
			struct err *err);

/* Orders images and strangers, makes the ids and hands all over. */
int names_list_finish(struct names_list *l, const char *const *entries,
		      const struct name_options *opts, struct names *out, struct err *err);
void names_list_done(struct names_list *l);

/* Cleans the ids and makes them unique without regard to ASCII case: the later gets "_2", "_3". A lone
 * image is called as the folder unless there are others beside it, as is one of which nothing is left. */
int names_ids(struct names *names, const struct name_options *opts, struct err *err);
