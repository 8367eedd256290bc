#include "meta/versions.h"

#include <cjson/cJSON.h>
#include <expat.h>

void meta_versions(struct text *t)
{
	XML_Expat_Version v = XML_ExpatVersionInfo();
	text_addf(t, "cJSON %s, expat %d.%d.%d", cJSON_Version(), v.major, v.minor, v.micro);
}
