#include "meta/told_fluoview.h"

int told_fluoview(const struct told_source *s, struct told *out, UNUSED struct err *err)
{
	if (s->r != NULL && s->first->fluoview.count != 0 && s->n_pages > 1)
		told_note(out, "FluoView: its table of axes (tag 34361) is not read; its pages are "
			       "taken as z, which may be t or c, too");
	return 0;
}
