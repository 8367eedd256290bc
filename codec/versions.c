#include "codec/versions.h"

#include <string.h>
#include <tiffio.h>
#include <zlib.h>

void tiff_versions(struct text *t)
{
	/* "LIBTIFF, Version 4.5.0", and lines with the copyright behind it. */
	static const char mark[] = "Version ";
	const char *all = TIFFGetVersion();
	const char *version = strstr(all, mark);
	version = version != NULL ? version + sizeof(mark) - 1 : all;
	text_add(t, "libtiff ");
	text_addn(t, version, strcspn(version, "\n"));
	text_addf(t, ", zlib %s", zlibVersion());
}
