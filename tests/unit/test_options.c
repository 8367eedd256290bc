/* The command line: every option in each of its forms, every kind of error with its sentence. */
#include "fs/options.h"
#include "tests/unit/run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ARGS = 16 };

/* Parses "ngffuse" and the words, up to NULL. */
static int parse(struct options *o, struct err *err, const char *const words[])
{
	char *argv[MAX_ARGS + 2] = { 0 };
	int argc = 0;
	argv[argc++] = strdup("ngffuse");
	for (size_t i = 0; words[i] != NULL; i++)
		argv[argc++] = strdup(words[i]);
	int rc = options_parse(argc, argv, o, err);
	if (rc == 0)
		rc = options_check(o, err);
	/* Strings of the command line are borrowed: tests that look at them keep them alive. */
	for (int i = 1; i < argc; i++)
		if (argv[i] != o->source && argv[i] != o->mountpoint && argv[i] != o->path)
			free(argv[i]);
	free(argv[0]);
	return rc;
}

static void done(struct options *o)
{
	free((void *)(uintptr_t)o->source);
	free((void *)(uintptr_t)o->mountpoint);
	free((void *)(uintptr_t)o->path);
	options_done(o);
}

#define WORDS(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

#define GOOD(o, ...)                                                                               \
	do {                                                                                       \
		struct err err_ = { 0 };                                                           \
		int rc_ = parse(o, &err_, WORDS(__VA_ARGS__));                                     \
		ck_assert_msg(rc_ == 0, "%s", err_.msg);                                           \
	} while (0)

/* The sentence holds each of the two parts, is one line, and the code is that of a wrong option. */
static void bad(const char *const words[], const char *part, const char *other)
{
	struct options o;
	struct err err = { 0 };
	int rc = parse(&o, &err, words);
	ck_assert_msg(rc == -EINVAL, "%s was accepted", words[0]);
	ck_assert_int_eq(err.code, EINVAL);
	ck_assert_msg(strstr(err.msg, part) != NULL, "'%s' lacks '%s'", err.msg, part);
	ck_assert_msg(strstr(err.msg, other) != NULL, "'%s' lacks '%s'", err.msg, other);
	ck_assert_ptr_null(strchr(err.msg, '\n'));
	done(&o);
}

#define BAD(part, other, ...) bad(WORDS(__VA_ARGS__), part, other)

START_TEST(presets)
{
	struct options o;
	GOOD(&o, "src", "mnt");
	ck_assert_int_eq(o.command, CMD_MOUNT);
	ck_assert_str_eq(o.source, "src");
	ck_assert_str_eq(o.mountpoint, "mnt");
	ck_assert_ptr_null(o.path);
	ck_assert_ptr_null(o.name);
	ck_assert_ptr_null(o.unit);
	ck_assert_ptr_null(o.fuse);
	ck_assert_uint_eq(o.n_voxel, 0);
	ck_assert(o.codec_auto && !o.v3 && !o.group_none && !o.json && !o.foreground && !o.debug);
	ck_assert_int_eq(o.gaps, GAPS_AUTO);
	ck_assert_int_eq(o.damaged, DAMAGED_ERROR);
	ck_assert_uint_eq(o.memory, 0);
	ck_assert_uint_eq(o.threads, 0);
	ck_assert_uint_eq(o.chunk_shape[0], 0);
	ck_assert_int_eq(o.pyramid.ladder.mode, SAMPLING_ANISOTROPIC);
	ck_assert_uint_eq(o.pyramid.ladder.max_mag[0], 0);
	ck_assert_int_eq(o.pyramid.preview, PREVIEW_AUTO);
	ck_assert_int_eq(o.method, REDUCE_MEDIAN);
	ck_assert(!o.method_given);
	done(&o);
}
END_TEST

/* A value for each row and, for the -o form, how it is written there. */
static const struct {
	const char *name, *value, *listed;
} samples[] = {
	{ "name", "brain, left", "brain\\, left" },
	{ "voxel-size", "4,4.5,40", "4:4.5:40" },
	{ "unit", "nm", "nm" },
	{ "time-step", "0.25", "0.25" },
	{ "pattern", "{c}/{z:3}.tif", "{c}/{z:3}.tif" },
	{ "group", "none", "none" },
	{ "gaps", "close", "close" },
	{ "channel-names", "DAPI,GFP 2", "DAPI:GFP 2" },
	{ "channel-colors", "0000ff,00FF00", "0000ff:00FF00" },
	{ "windows", "0-255,-1.5:3e2", "0-255\\,-1.5:3e2" },
	{ "label", "cells/nuclei=/data/a, b", "cells/nuclei=/data/a\\, b" },
	{ "chunk-shape", "8,64,256", "8\\,64\\,256" },
	{ "layout", "webknossos", "webknossos" },
	{ "layer-name", "em_$@.1", "em_$@.1" },
	{ "category", "segmentation", "segmentation" },
	{ "largest-segment-id", "18446744073709551615", "18446744073709551615" },
	{ "sampling-mode", "1,2,2:2,2,2", "1\\,2\\,2:2\\,2\\,2" },
	{ "max-mag", "16-16-8", "16-16-8" },
	{ "interpolation-mode", "nearest", "nearest" },
	{ "preview", "never", "never" },
	{ "overviews", "use", "use" },
	{ "codec", "blosc-zstd:3", "blosc-zstd:3" },
	{ "ngff", "0.5", "0.5" },
	{ "damaged", "fill", "fill" },
	{ "memory", "512M", "512M" },
	{ "threads", "3", "3" },
};

static void print_all(const struct options *o, struct text *t)
{
	options_fingerprint(o, t);
	text_addf(t, "memory=%llu threads=%u", (unsigned long long)o->memory, o->threads);
}

/* Each row that takes a value says the same in its three forms, and something else than without. */
START_TEST(three_forms)
{
	size_t n = 0, with_value = 0;
	const struct option_row *rows = options_table(&n);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].value == NULL)
			continue;
		with_value++;
		size_t k = 0;
		while (k < ARRAY_SIZE(samples) && strcmp(samples[k].name, rows[i].name) != 0)
			k++;
		ck_assert_msg(k < ARRAY_SIZE(samples), "no sample for --%s", rows[i].name);
		char option[100], joined[400], listed[200];
		snprintf(option, sizeof(option), "--%s", samples[k].name);
		snprintf(joined, sizeof(joined), "%s=%s", option, samples[k].value);
		snprintf(listed, sizeof(listed), "ro,%s=%s,dev", samples[k].name,
			 samples[k].listed);
		struct options o[5];
		/* --unit and --category are refused alone; these two change nothing after themselves. */
		const char *size = "--voxel-size=1,2,3", *both = "--layout=both";
		GOOD(&o[0], both, size, "s", "m");
		GOOD(&o[1], both, size, option, samples[k].value, "s", "m");
		GOOD(&o[2], both, size, "s", joined, "m");
		GOOD(&o[3], both, size, "s", "m", "-o", listed);
		snprintf(joined, sizeof(joined), "-o%s", listed);
		GOOD(&o[4], both, size, joined, "s", "m");
		struct text t[5] = { 0 };
		for (size_t j = 0; j < 5; j++)
			print_all(&o[j], &t[j]);
		ck_assert_str_ne(t[0].s, t[1].s);
		for (size_t j = 2; j < 5; j++)
			ck_assert_str_eq(t[1].s, t[j].s);
		for (size_t j = 0; j < 5; j++) {
			text_done(&t[j]);
			done(&o[j]);
		}
	}
	ck_assert_uint_eq(with_value, ARRAY_SIZE(samples));
}
END_TEST

START_TEST(labels_of_the_command_line)
{
	struct options o;
	GOOD(&o, "--label", "nuclei=../seg", "--label=cells/2=/data/a=b.tif", "s", "m");
	ck_assert_uint_eq(o.n_labels, 2);
	ck_assert_str_eq(o.labels[0].path, "nuclei");
	ck_assert_str_eq(o.labels[0].source, "../seg");
	ck_assert_str_eq(o.labels[1].path, "cells/2");
	ck_assert_str_eq(o.labels[1].source, "/data/a=b.tif");
	struct engine_config c = options_engine(&o, "");
	ck_assert_uint_eq(c.scan.n_labels, 2);
	ck_assert_ptr_eq(c.scan.labels, o.labels);
	done(&o);
	BAD("--label", "PATH=SOURCE", "--label", "nuclei", "s", "m");
	BAD("--label", "PATH=SOURCE", "--label", "=seg", "s", "m");
	BAD("--label", "PATH=SOURCE", "--label", "nuclei=", "s", "m");
	BAD("--label", "empty part", "--label", "a//b=seg", "s", "m");
	BAD("--label", "empty part", "--label", "/a=seg", "s", "m");
	BAD("--label", "empty part", "--label", "a/=seg", "s", "m");
	BAD("--label", "begins with a dot", "--label", "a/..=seg", "s", "m");
	BAD("--label", "begins with a dot", "--label", ".zattrs=seg", "s", "m");
	BAD("--label", "Zarr's own", "--label", "a/zarr.json=seg", "s", "m");
	BAD("--label", "'labels_' would be", "--label", "labels=seg", "s", "m");
	BAD("--label", "'a_b' would be", "--label", "a:b=seg", "s", "m");
	BAD("--label", "more than 4 parts", "--label", "a/b/c/d/e=seg", "s", "m");
}
END_TEST

START_TEST(datasets_of_the_command_line)
{
	struct options o;
	GOOD(&o, "s", "m");
	ck_assert_int_eq(o.layout, VIEWS_NGFF);
	ck_assert_ptr_null(options_engine(&o, "").scan.layer_name);
	done(&o);
	GOOD(&o, "--layout", "webknossos", "s", "m");
	ck_assert_str_eq(options_engine(&o, "").scan.layer_name, "color");
	ck_assert(!options_engine(&o, "").scan.has_largest_id);
	done(&o);
	GOOD(&o, "--layout=both", "--category=segmentation", "--largest-segment-id=0", "s", "m");
	struct engine_config c = options_engine(&o, "");
	ck_assert_str_eq(c.scan.layer_name, "segmentation");
	ck_assert(c.scan.segmentation && c.scan.has_largest_id);
	ck_assert_uint_eq(c.scan.largest_id, 0);
	done(&o);
	BAD("--layout", "both", "--layout", "wkw", "s", "m");
	BAD("--category", "segmentation", "--layout=both", "--category", "colour", "s", "m");
	BAD("--largest-segment-id", "whole number", "--layout=both", "--largest-segment-id=-1", "s",
	    "m");
	BAD("--largest-segment-id", "whole number", "--layout=both",
	    "--largest-segment-id=18446744073709551616", "s", "m");
	static const char *const names[] = { "", ".color", "a b", "a/b", "\xc3\xa4" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		BAD("--layer-name", "no name that WEBKNOSSOS takes", "--layout=both",
		    "--layer-name", names[i], "s", "m");
	BAD("--layer-name", "something else", "--layout=both", "--layer-name=xyz", "s", "m");
	BAD("--layer-name", "without --layout", "--layer-name=em", "s", "m");
	BAD("--category", "without --layout", "--category=color", "s", "m");
	BAD("--largest-segment-id", "without --layout", "--layout=ome-zarr",
	    "--largest-segment-id=1", "s", "m");
}
END_TEST

START_TEST(values)
{
	struct options o;
	GOOD(&o, "--voxel-size", "4,4.5,4e1", "--unit=um", "--time-step", "2", "--chunk-shape=64",
	     "--codec", "zstd:7", "--memory=2G", "--windows", "-5:10", "s", "m");
	ck_assert_uint_eq(o.n_voxel, 3);
	ck_assert_double_eq(o.voxel_size[0], 4);
	ck_assert_double_eq(o.voxel_size[1], 4.5);
	ck_assert_double_eq(o.voxel_size[2], 40);
	ck_assert_str_eq(o.unit, "micrometer");
	ck_assert_double_eq(o.time_step, 2);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(o.chunk_shape[i], 64);
	ck_assert(!o.codec_auto);
	ck_assert_int_eq(o.codec, CODEC_ZSTD);
	ck_assert_int_eq(o.codec_level, 7);
	ck_assert_uint_eq(o.memory, 2 * GiB);
	ck_assert_str_eq(o.windows, "-5:10");
	done(&o);

	GOOD(&o, "--voxel-size=0.5,0.5", "--memory", "4096k", "--codec=auto", "--chunk-shape",
	     "auto", "s", "m");
	ck_assert_uint_eq(o.n_voxel, 2);
	ck_assert_double_eq(o.voxel_size[2], 0);
	ck_assert_uint_eq(o.memory, 4 * MiB);
	ck_assert(o.codec_auto);
	ck_assert_uint_eq(o.chunk_shape[0], 0);
	done(&o);

	GOOD(&o, "--sampling-mode", "1,2,2:2,1,2", "--max-mag=16-8-4", "--interpolation-mode=mode",
	     "--preview", "always", "s", "m");
	const struct ladder_options *l = &o.pyramid.ladder;
	ck_assert_int_eq(l->mode, SAMPLING_EXPLICIT);
	ck_assert_uint_eq(l->n_factors, 2);
	static const uint8_t factors[2][3] = { { 1, 2, 2 }, { 2, 1, 2 } };
	ck_assert_int_eq(memcmp(l->factors, factors, sizeof(factors)), 0);
	ck_assert(l->max_mag[0] == 4 && l->max_mag[1] == 8 && l->max_mag[2] == 16);
	ck_assert(o.method_given && o.method == REDUCE_MODE);
	ck_assert_int_eq(o.pyramid.preview, PREVIEW_ALWAYS);
	done(&o);

	GOOD(&o, "--sampling-mode=2,2,2", "--sampling-mode=constant_z", "--max-mag=2147483648",
	     "--preview=auto", "s", "m");
	ck_assert_int_eq(l->mode, SAMPLING_CONSTANT_Z);
	ck_assert_uint_eq(l->n_factors, 0);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(l->max_mag[i], MAG_MAX);
	done(&o);

	GOOD(&o, "--threads", "2", "--threads=5", "--name", "a", "--name", "b", "s", "m");
	ck_assert_uint_eq(o.threads, 5);
	ck_assert_str_eq(o.name, "b");
	done(&o);
}
END_TEST

START_TEST(letters)
{
	struct options o;
	GOOD(&o, "s", "-f", "m");
	ck_assert(o.foreground && !o.debug && !o.quiet);
	done(&o);
	GOOD(&o, "-dq", "s", "m");
	ck_assert(o.foreground && o.debug && o.quiet);
	done(&o);
	GOOD(&o, "s", "/dev/fd/4", "-o", "ro,allow_other,dev,suid", "-f");
	ck_assert(o.foreground && o.allow_other);
	done(&o);
	GOOD(&o, "-fqo", "foreground,debug", "s", "m");
	ck_assert(o.debug && o.quiet);
	done(&o);
	GOOD(&o, "--quiet", "--foreground", "s", "m");
	ck_assert(o.foreground && o.quiet);
	done(&o);
}
END_TEST

START_TEST(commands)
{
	struct options o;
	GOOD(&o, "info", "src", "--json");
	ck_assert_int_eq(o.command, CMD_INFO);
	ck_assert_str_eq(o.source, "src");
	ck_assert(o.json);
	done(&o);
	GOOD(&o, "--gaps=fill", "info", "info");
	ck_assert_int_eq(o.command, CMD_INFO);
	ck_assert_str_eq(o.source, "info");
	ck_assert_int_eq(o.gaps, GAPS_FILL);
	done(&o);
	GOOD(&o, "./info", "m");
	ck_assert_int_eq(o.command, CMD_MOUNT);
	done(&o);
	GOOD(&o, "--", "info", "-m");
	ck_assert_int_eq(o.command, CMD_MOUNT);
	ck_assert_str_eq(o.source, "info");
	ck_assert_str_eq(o.mountpoint, "-m");
	done(&o);
	GOOD(&o, "status", "m");
	ck_assert_int_eq(o.command, CMD_STATUS);
	ck_assert_str_eq(o.mountpoint, "m");
	ck_assert_ptr_null(o.source);
	done(&o);
	GOOD(&o, "cat", "src", "a.zarr/0/0/0");
	ck_assert_int_eq(o.command, CMD_CAT);
	ck_assert_str_eq(o.path, "a.zarr/0/0/0");
	done(&o);
	GOOD(&o, "check", "--json", "src");
	ck_assert_int_eq(o.command, CMD_CHECK);
	ck_assert_str_eq(o.source, "src");
	ck_assert(o.json && o.mountpoint == NULL);
	done(&o);
	GOOD(&o, "-u", "info");
	ck_assert_int_eq(o.command, CMD_UNMOUNT);
	ck_assert_str_eq(o.mountpoint, "info");
	done(&o);
	GOOD(&o, "m", "--unmount");
	ck_assert_int_eq(o.command, CMD_UNMOUNT);
	done(&o);
	GOOD(&o, "info", "--help", "--what");
	ck_assert_int_eq(o.command, CMD_HELP);
	done(&o);
	GOOD(&o, "-V");
	ck_assert_int_eq(o.command, CMD_VERSION);
	done(&o);
}
END_TEST

START_TEST(fstab)
{
	struct options o;
	GOOD(&o, "/srv/em", "/srv/zarr", "-o",
	     "ro,rw,dev,nodev,suid,nosuid,exec,noexec,sync,async,auto,noauto,user,nouser,users,"
	     "group,"
	     "owner,atime,noatime,relatime,nodiratime,nofail,_netdev,defaults,user=bob,strictatime,"
	     "diratime,lazytime,subtype=x,"
	     "x-systemd.requires-mounts-for=/srv/em,,chunk-shape=32");
	ck_assert_str_eq(o.source, "/srv/em");
	ck_assert_str_eq(o.mountpoint, "/srv/zarr");
	ck_assert_uint_eq(o.chunk_shape[2], 32);
	ck_assert_ptr_null(o.fuse);
	ck_assert(!o.allow_other && !o.foreground);
	done(&o);

	GOOD(&o, "s", "m", "-o", "allow_other,fsname=a\\,b", "-o", "default_permissions");
	ck_assert(o.allow_other && !o.auto_unmount);
	ck_assert_str_eq(o.fuse, "allow_other,default_permissions,fsname=a\\,b,"
				 "default_permissions");
	done(&o);
	GOOD(&o, "s", "m", "-o", "auto_unmount", "--channel-colors", "#ff0000,00FF00");
	ck_assert(o.auto_unmount);
	done(&o);

	GOOD(&o, "s", "m", "-o", "name=a\\,b\\\\c:d,channel-names=x\\:y:z,pattern={t}#{z\\,c=2}");
	ck_assert_str_eq(o.name, "a,b\\c:d");
	ck_assert_str_eq(o.channel_names, "x:y,z");
	ck_assert_str_eq(o.pattern, "{t}#{z,c=2}");
	done(&o);
}
END_TEST

START_TEST(wrong_names)
{
	BAD("unknown option --voxelsize", "nearest is --voxel-size", "--voxelsize", "4,4,40", "s",
	    "m");
	BAD("unknown option --chunks", "--chunk-shape", "--chunks=3", "s", "m");
	BAD("unknown option --xyzzyplugh", "ngffuse --help", "--xyzzyplugh", "s", "m");
	BAD("unknown option -z", "ngffuse --help", "-z", "s", "m");
	BAD("'alow_other'", "nearest is allow_other", "s", "m", "-o", "ro,alow_other");
	BAD("'voxel_size=1:1:1'", "nearest is voxel-size", "s", "m", "-o", "voxel_size=1:1:1");
	BAD("'max_read=4096'", "-o", "s", "m", "-o", "max_read=4096");
	BAD("'unmount'", "-o", "s", "m", "-o", "unmount");
	BAD("--exit-with-parents", "nearest is --exit-with-parent", "--exit-with-parents", "s",
	    "m");
	BAD("--exit-with-parent means nothing to info", "", "info", "--exit-with-parent", "s");
}
END_TEST

START_TEST(wrong_forms)
{
	BAD("--codec needs a value", "C[:LEVEL]", "s", "m", "--codec");
	BAD("--quiet takes no value", "--quiet", "--quiet=yes", "s", "m");
	BAD("-o needs a list", "-o", "s", "m", "-o");
	BAD("-o codec needs a value", "codec=C[:LEVEL]", "s", "m", "-o", "codec");
	BAD("-o quiet takes no value", "quiet", "s", "m", "-o", "quiet=1");
	BAD("-o fsname needs a value", "fsname", "s", "m", "-o", "fsname");
	BAD("-o allow_other takes no value", "allow_other", "s", "m", "-o", "allow_other=1");
	BAD("MOUNTPOINT is missing", "ngffuse [options] SOURCE MOUNTPOINT", "s");
	BAD("SOURCE is missing", "ngffuse info SOURCE", "info");
	BAD("PATH is missing", "ngffuse cat SOURCE PATH", "cat", "s");
	BAD("MOUNTPOINT is missing", "ngffuse status MOUNTPOINT", "status");
	BAD("MOUNTPOINT is missing", "ngffuse -u MOUNTPOINT", "-u");
	BAD("SOURCE is missing", "ngffuse", "-f");
	BAD("'x' is one argument too many", "ngffuse [options] SOURCE MOUNTPOINT", "s", "m", "x");
	BAD("'c' is one argument too many", "SOURCE MOUNTPOINT", "a", "b", "c", "d", "e", "f");
	BAD("5 arguments", "give the folder", "s/a_1.tif", "s/a_2.tif", "s/a_3.tif", "s/a_4.tif",
	    "m");
	BAD("there is no command mount", "leave it out", "mount", "s", "m");
	BAD("help is an option", "ngffuse --help", "help");
	BAD("info is a command", "ngffuse info", "--info", "s");
	BAD("unknown option --allow-other", "it is -o allow_other", "--allow-other", "s", "m");
	BAD("unknown word 'version'", "-o", "s", "m", "-o", "version");
	BAD("-o fsname=", "no value", "s", "m", "-o", "fsname=");
	BAD("MOUNTPOINT is empty", "SOURCE", "s", "");
	BAD("--json means nothing to a mount", "--json", "--json", "s", "m");
	BAD("--codec means nothing to status", "--codec", "status", "m", "--codec", "none");
	BAD("--foreground means nothing to info", "--foreground", "info", "s", "-f");
	BAD("--threads means nothing to -u", "--threads", "-u", "m", "--threads", "2");
}
END_TEST

/* One more than are allowed. */
static const char *many_factors(void)
{
	static char list[6 * (FACTORS_MAX + 1)];
	size_t n = 0;
	for (int i = 0; i <= FACTORS_MAX; i++) {
		memcpy(list + n, "1,1,2:", 6);
		n += 6;
	}
	list[n - 1] = '\0';
	return list;
}

START_TEST(wrong_values)
{
	BAD("--name", "the value is empty", "--name=", "s", "m");
	BAD("--name", "plain name", "--name=a/b", "s", "m");
	BAD("--voxel-size", "X,Y,Z", "--voxel-size", "4", "s", "m");
	BAD("--voxel-size", "above 0", "--voxel-size", "4,4,0", "s", "m");
	BAD("--voxel-size", "'4,4,4,4'", "--voxel-size", "4,4,4,4", "s", "m");
	BAD("--voxel-size", "'inf,1,1'", "--voxel-size", "inf,1,1", "s", "m");
	BAD("--voxel-size", "'0x4,1,1'", "--voxel-size", "0x4,1,1", "s", "m");
	BAD("--voxel-size", "'1e999,1,1'", "--voxel-size", "1e999,1,1", "s", "m");
	BAD("--voxel-size", "'4,,4'", "--voxel-size", "4,,4", "s", "m");
	BAD("-o voxel-size", "X,Y,Z", "s", "m", "-o", "voxel-size=4");
	BAD("--unit", "nearest is nanometer", "--unit", "nanometre_", "s", "m");
	BAD("--unit", "'pixel'", "--unit", "pixel", "s", "m");
	BAD("--time-step", "seconds above 0", "--time-step", "-1", "s", "m");
	BAD("--time-step", "'5s'", "--time-step=5s", "s", "m");
	BAD("--pattern", "'{q}'", "--pattern", "{q}", "s", "m");
	BAD("--group", "auto or none", "--group=all", "s", "m");
	BAD("--gaps", "fill, close or error", "--gaps", "skip", "s", "m");
	BAD("--channel-names", "empty", "--channel-names", "", "s", "m");
	BAD("--channel-colors", "'red' is no colour: give RRGGBB", "--channel-colors", "00ff00,red",
	    "s", "m");
	BAD("--windows", "'5-5' is no window: give START-END", "--windows", "0-10,5-5", "s", "m");
	BAD("--windows", "'7'", "--windows", "7", "s", "m");
	BAD("--chunk-shape", "Z,Y,X", "--chunk-shape", "1,2", "s", "m");
	BAD("--chunk-shape", "auto", "--chunk-shape", "0,64,64", "s", "m");
	BAD("--chunk-shape", "'-1'", "--chunk-shape=-1", "s", "m");
	BAD("--chunk-shape", "'99999999999999999999'", "--chunk-shape", "99999999999999999999", "s",
	    "m");
	BAD("--sampling-mode", "1,2,2:2,2,2", "--sampling-mode", "iso", "s", "m");
	BAD("--sampling-mode", "'1,1,1' is no factor Z,Y,X", "--sampling-mode", "2,2,2:1,1,1", "s",
	    "m");
	BAD("--sampling-mode", "'2,2,4'", "--sampling-mode", "2,2,4", "s", "m");
	BAD("--sampling-mode", "'2,2'", "--sampling-mode", "2,2", "s", "m");
	BAD("--sampling-mode", "''", "--sampling-mode", "2,2,2:", "s", "m");
	BAD("--sampling-mode", "more than 31 factors", "--sampling-mode", many_factors(), "s", "m");
	BAD("--max-mag", "'3' is no mag: give a power of two", "--max-mag", "3", "s", "m");
	BAD("--max-mag", "'0'", "--max-mag", "0", "s", "m");
	BAD("--max-mag", "'4-4'", "--max-mag", "4-4", "s", "m");
	BAD("--max-mag", "'4-4-4-4'", "--max-mag", "4-4-4-4", "s", "m");
	BAD("--max-mag", "'4-4-'", "--max-mag", "4-4-", "s", "m");
	BAD("--max-mag", "'4,4,4'", "--max-mag", "4,4,4", "s", "m");
	BAD("--max-mag", "'4294967296'", "--max-mag", "4294967296", "s", "m");
	BAD("--interpolation-mode", "nearest, min or max", "--interpolation-mode", "bicubic", "s",
	    "m");
	BAD("--preview", "auto, never or always", "--preview", "maybe", "s", "m");
	BAD("--overviews", "ignore or use", "--overviews", "yes", "s", "m");
	BAD("--codec", "blosc-lz4", "--codec", "lz4", "s", "m");
	BAD("--codec", "native", "--codec", "native", "s", "m");
	BAD("--ngff", "0.4 or 0.5", "--ngff", "0.6", "s", "m");
	BAD("--damaged", "error, poison or fill", "--damaged", "poisn", "s", "m");
	BAD("--damaged poison", "give zstd", "--damaged", "poison", "--codec", "none", "s", "m");
	BAD("--damaged poison", "give zstd", "--damaged", "poison", "--codec", "gzip", "s", "m");
	BAD("--memory", "K, M or G", "--memory", "1T", "s", "m");
	BAD("--memory", "'0'", "--memory", "0", "s", "m");
	BAD("--memory", "'G'", "--memory", "G", "s", "m");
	BAD("--memory", "whole number", "--memory", "99999999999G", "s", "m");
	BAD("--threads", "from 1 to 1024", "--threads", "0", "s", "m");
}
END_TEST

START_TEST(contradictions)
{
	BAD("--codec zlib and --ngff 0.5", "gzip", "--codec=zlib", "--ngff=0.5", "s", "m");
	BAD("--group none and --pattern", "{i}", "--group=none", "--pattern", "{z}.tif", "s", "m");
	BAD("--unit says nothing without --voxel-size", "both", "--unit=nm", "s", "m");
	struct options o;
	GOOD(&o, "--codec=zlib", "--ngff=0.4", "s", "m");
	done(&o);
	GOOD(&o, "--codec=zlib", "--codec=gzip", "--ngff=0.5", "s", "m");
	done(&o);
}
END_TEST

/* Neighbouring values must not be able to pass for one another. */
START_TEST(fingerprint_is_exact)
{
	struct options a, b;
	GOOD(&a, "--name", "x\nunit=9:nanometer", "--voxel-size", "1,1,1", "s", "m");
	GOOD(&b, "--name", "x", "--unit", "nm", "--voxel-size", "1,1,1", "s", "m");
	struct text ta = { 0 }, tb = { 0 };
	options_fingerprint(&a, &ta);
	options_fingerprint(&b, &tb);
	ck_assert_str_ne(ta.s, tb.s);
	text_done(&tb);
	done(&b);
	GOOD(&b, "--voxel-size=1,1,1", "--name", "x\nunit=9:nanometer", "--memory=1G",
	     "--threads=1", "-q", "other", "m2");
	options_fingerprint(&b, &tb);
	ck_assert_str_eq(ta.s, tb.s);
	text_done(&ta);
	text_done(&tb);
	done(&a);
	done(&b);
}
END_TEST

START_TEST(engine_config)
{
	struct options o;
	GOOD(&o, "--voxel-size=1,2,3", "--chunk-shape=4,5,6", "--damaged=fill", "--codec=none",
	     "--memory=300M", "--threads=2", "--group=none", "--gaps=error",
	     "--sampling-mode=isotropic", "--interpolation-mode=max", "s", "m");
	struct engine_config c = options_engine(&o, "text");
	ck_assert_double_eq(c.scan.voxel_size[2], 3);
	ck_assert_uint_eq(c.scan.chunk_shape[1], 5);
	ck_assert_int_eq(c.damaged, DAMAGED_FILL);
	ck_assert(!c.codec_auto && c.codec == CODEC_NONE && c.scan.group_none);
	ck_assert_int_eq(c.scan.pyramid.ladder.mode, SAMPLING_ISOTROPIC);
	ck_assert(c.scan.method == REDUCE_MAX && c.scan.method_given);
	ck_assert_uint_eq(c.memory, 300 * MiB);
	ck_assert_uint_eq(c.threads, 2);
	ck_assert_int_eq(c.scan.gaps, GAPS_ERROR);
	ck_assert_str_eq(c.scan.mountpoint, "m");
	ck_assert_str_eq(c.scan.fingerprint_options, "text");
	done(&o);
}
END_TEST

/* --help: every row is there, no line is wider than a terminal. */
START_TEST(help_text)
{
	struct text t = { 0 };
	options_help(&t);
	ck_assert(!t.oom);
	size_t n = 0;
	const struct option_row *rows = options_table(&n);
	ck_assert_uint_lt(n, 64);
	for (size_t i = 0; i < n; i++) {
		char name[64];
		snprintf(name, sizeof(name), "--%s%s%s\n", rows[i].name, rows[i].value ? " " : "",
			 rows[i].value ? rows[i].value : "");
		name[strlen(name) - 1] = '\0';
		ck_assert_msg(strstr(t.s, name) != NULL, "no %s", name);
	}
	for (const char *s = t.s; *s != '\0';) {
		size_t len = strcspn(s, "\n");
		ck_assert_msg(len <= 80, "%.*s", (int)len, s);
		s += len + (s[len] == '\n');
	}
	text_done(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("options");
	TCase *t = tcase_create("options");
	suite_add_tcase(s, t);
	tcase_add_test(t, presets);
	tcase_add_test(t, three_forms);
	tcase_add_test(t, labels_of_the_command_line);
	tcase_add_test(t, datasets_of_the_command_line);
	tcase_add_test(t, values);
	tcase_add_test(t, letters);
	tcase_add_test(t, commands);
	tcase_add_test(t, fstab);
	tcase_add_test(t, wrong_names);
	tcase_add_test(t, wrong_forms);
	tcase_add_test(t, wrong_values);
	tcase_add_test(t, contradictions);
	tcase_add_test(t, fingerprint_is_exact);
	tcase_add_test(t, engine_config);
	tcase_add_test(t, help_text);
	return run_suite(s);
}
