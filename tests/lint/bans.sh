#!/usr/bin/env bash
# Calls that have a better replacement, and notes that belong in an issue. Escape, on the same line:
# /* lint-ok: reason */
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# A call, and what stands in for it.
calls='
atoi|atol|atoll|atof          a checked parser of one room; they cannot report an error
strtol|strtoll|strtoul|strtoull  a checked parser: base, blanks and signs are surprises
sscanf|fscanf|scanf           a checked parser
strcpy|strcat|stpcpy|strncat  struct text, or memcpy with a known length
sprintf|vsprintf              struct text, or snprintf
strtok                        strcspn, or strchr
alloca                        malloc, or a fixed array
setlocale                     nothing: numbers are written in the C locale
localtime|gmtime|ctime|asctime  localtime_r, gmtime_r
rand|srand|random             a generator whose seed is printed
TIFFOpen|TIFFFdOpen           own readers: libtiff never sees a file
TIFFSetDirectory              own IFD reader
TIFFSetErrorHandler|TIFFSetWarningHandler  TIFFOpenOptionsSetErrorHandlerExtR: per handle
blosc_init|blosc_compress|blosc_decompress|blosc_set_nthreads  blosc_compress_ctx, blosc_decompress_ctx
'

# The lines of all C files as file:line:code, without what comments and strings say, so that words in them
# are no calls, and without the lines that are marked.
code_only() {
	(cd "$root" && grep -n '' $(sources 'codec meta fs tests' -name '*.[ch]') /dev/null) |
		sed -E -e '/lint-ok:/d' -e 's/"([^"\\]|\\.)*"/""/g' -e 's,/\*([^*]|\*+[^*/])*\*+/,,g' \
			-e 's,([[:space:]]|;)//.*$,,' -e 's,/\*.*,,' -e 's,^([^:]*:[0-9]+:)[[:space:]]+\*([ /].*)?$,\1,'
}

# Types whose width depends on the build. What read and pread return, and the casts that they ask for, may
# stand in their own line; libfuse's callbacks are declared with them.
types() {
	grep -E '\b(off_t|ssize_t)\b' <<<"$code" | grep -vE '^fs/(mount|ops)' |
		grep -vE '\bp?(read|write)v?(link|link_at|linkat)?[[:space:]]*\(|\(off_t\)'
}

check() {
	local names instead hits
	code=$(code_only)
	while read -r names instead; do
		[ -n "$names" ] || continue
		hits=$(grep -E "^[^:]*:[0-9]+:(|.*[^A-Za-z0-9_.>])($names)[[:space:]]*\(" <<<"$code") &&
			complain "$hits"$'\n'"    instead: $instead"
	done <<<"$calls"
	hits=$(types) && complain "$hits"$'\n'"    instead: int64_t, uint64_t, size_t"
	hits=$(cd "$root" && grep -nE '\b(TODO|FIXME|XXX|HACK)\b' $(sources '.' -not -path './build/*' \
		-not -path './.git/*' -not -path './tests/lint/*' \( -name '*.[ch]' -o -name '*.py' -o -name '*.sh' \
		-o -name 'CMakeLists.txt' -o -name '*.cmake' -o -name setup -o -name run \)) /dev/null |
		grep -v 'lint-ok:') && complain "$hits"$'\n'"    finish it, or file an issue"
}

call() {
	printf 'void four(void)\n{\n\t%s\n}\n' "$1" >>"$2"
}
plant_atoi() { call 'int x = atoi("4");' codec/one.c; }
plant_strtoul() { call 'x = strtoul(s, 0, 10);' meta/two.c; }
plant_after_comment() { call '/* a */ strcpy(a, b); /* c */' fs/three.c; }
plant_after_string() { call 'f("\"", strcat(a, b));' fs/three.c; }
plant_sprintf() { call '(void)sprintf (a, "b");' fs/three.c; }
plant_rand() { call 'return rand() % 2;' tests/test_one.c; }
plant_tiffopen() { call 'TIFF *t = TIFFOpen(path, "r");' codec/one.c; }
plant_blosc() { call 'blosc_compress(1, 2, 3);' codec/one.c; }
plant_gmtime() { call 'struct tm *t = gmtime(&now);' fs/three.c; }
plant_type() { call 'off_t at = 3;' codec/one.c; }
plant_note() { printf '/* TODO: more */\n' >>fs/three.c; }
plant_note_in_script() { printf '# FIXME\n' >>setup; }

lint_main "$@"
