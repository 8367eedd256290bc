#include "meta/told_scanimage_text.h"

#include <math.h>
#include <string.h>

/* The keys of one generation of the program. */
struct dialect {
	const char *channels, *slices, *frames;
	bool listed; /* channels are a list of their numbers, else how many there are */
};

static const struct dialect dialects[] = {
	{ "SI.hChannels.channelSave", "SI.hStackManager.actualNumSlices",
	  "SI.hStackManager.framesPerSlice", true },
	{ "SI5.channelsSave", "SI5.stackNumSlices", "SI5.acqNumFrames", true },
	{ "SI4.channelsSave", "SI4.stackNumSlices", "SI4.acqNumFrames", true },
	{ "state.acq.numberOfChannelsSave", "state.acq.numberOfZSlices", "state.acq.numberOfFrames",
	  false },
};

/* The value of the first line "key = value". */
static bool find(const char *text, const char *key, const char **value, size_t *n)
{
	static const char before[] = "scanimage.";
	size_t len = strlen(key);
	for (const char *line = text; *line != '\0';) {
		size_t end = strcspn(line, "\r\n");
		const char *s = line;
		if (strncmp(s, before, sizeof(before) - 1) == 0)
			s += sizeof(before) - 1;
		if (strncmp(s, key, len) == 0) {
			s += len;
			s += strspn(s, " ");
			if (*s == '=') {
				s++;
				s += strspn(s, " ");
				*value = s;
				*n = (size_t)(line + end - s);
				while (*n > 0 && s[*n - 1] == ' ')
					--*n;
				return true;
			}
		}
		line += end;
		line += strspn(line, "\r\n");
	}
	return false;
}

static bool find_real(const char *text, const char *key, double *out)
{
	const char *s;
	size_t n;
	return find(text, key, &s, &n) && text_to_double(s, n, out);
}

/* A whole number above 0. */
static bool find_count(const char *text, const char *key, uint64_t *out)
{
	enum { MOST = 1 << 30 };
	double v;
	if (!find_real(text, key, &v) || !(v >= 1) || v > MOST || v - floor(v) > 0)
		return false;
	*out = (uint64_t)v;
	return true;
}

static bool is_true(const char *text, const char *key)
{
	const char *s;
	size_t n;
	return find(text, key, &s, &n) && n > 0 && (*s == 't' || *s == '1');
}

/* "1", "[1;2]", "[1 2]". */
static bool read_list(const char *s, size_t n, struct scan_settings *out)
{
	for (size_t i = 0; i < n;) {
		unsigned v = 0;
		size_t first = i;
		for (; i < n && s[i] >= '0' && s[i] <= '9'; i++)
			v = v < 100000 ? v * 10 + (unsigned)(s[i] - '0') : v;
		if (i > first) {
			if (out->channels == SCAN_CHANNELS)
				return false;
			out->number[out->channels++] = v;
		} else if (strchr("[]; ,", s[i++]) == NULL) {
			return false;
		}
	}
	return out->channels > 0;
}

static bool read_channels(const char *text, const struct dialect *d, struct scan_settings *out)
{
	const char *s;
	size_t n;
	uint64_t count;
	if (d->listed)
		return find(text, d->channels, &s, &n) && read_list(s, n, out);
	if (!find_count(text, d->channels, &count) || count > SCAN_CHANNELS)
		return false;
	out->channels = (unsigned)count;
	return true;
}

static bool is_endless(const char *text, const char *key)
{
	const char *s;
	size_t n;
	return find(text, key, &s, &n) && n == 3 && (*s | 0x20) == 'i';
}

/* Of several frames only their mean may have been stored. Where nothing is told of frames all pages are some, unless there
 * are slices. */
static void read_frames(const char *text, const struct dialect *d, struct scan_settings *out)
{
	uint64_t mean_of = 1;
	find_count(text, "SI.hScan2D.logAverageFactor", &mean_of);
	bool told = find_count(text, d->frames, &out->frames);
	if (told)
		out->frames = max_u64(out->frames / max_u64(mean_of, 1), 1);
	else
		out->frames = out->slices > 1 && !is_endless(text, d->frames) ? 1 : UINT64_MAX;
	double rate;
	if (find_real(text, "SI.hRoiManager.scanFrameRate", &rate) && rate > 0)
		out->frame_step = (double)mean_of / rate;
}

static void read_volume(const char *text, struct scan_settings *out)
{
	double step;
	if (find_real(text, "SI.hStackManager.stackZStepSize", &step))
		out->z_step = fabs(step);
	if (!is_true(text, "SI.hFastZ.enable"))
		return;
	if (!find_count(text, "SI.hStackManager.numFramesPerVolumeWithFlyback", &out->per_volume))
		find_count(text, "SI.hFastZ.numFramesPerVolume", &out->per_volume);
}

bool scan_settings_read(const char *text, struct scan_settings *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++) {
		*out = (struct scan_settings){ .sure = i == 0 };
		if (!read_channels(text, &dialects[i], out))
			continue;
		find_count(text, dialects[i].slices, &out->slices);
		read_frames(text, &dialects[i], out);
		if (out->sure)
			read_volume(text, out);
		return true;
	}
	return false;
}
