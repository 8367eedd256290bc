#!/usr/bin/env bash
# gcc -fanalyzer over the product. Findings differ from version to version: the one it is clean with.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

prepare() {
	tool=gcc
	case $(gcc -dumpversion 2>/dev/null) in
	12 | 12.*) ;;
	*) skip "gcc 12 is not here" ;;
	esac
	flags=$(pkg-config --cflags fuse3 libtiff-4 libcjson libdeflate libzstd zlib expat) ||
		skip "pkg-config does not find the libraries"
}

# Memory stored into a structure that the caller owns counts as a leak in version 12, so leaks are left to
# LeakSanitizer in the unit tests.
analyze() {
	xargs -P 2 -I{} "$tool" -std=gnu17 -D_GNU_SOURCE '-DNGFFUSE_VERSION="0"' '-DNGFFUSE_SCHEMA="/s"' -O2 -fanalyzer -Wno-analyzer-malloc-leak \
		-Werror -I. $flags "$@" -c {} -o /dev/null
}

check() {
	local hint=()
	cd "$root" || exit
	# Whoever defines these functions cannot have the macros that stand for them.
	[ -e codec/err.c ] && hint=(-Wno-unused-value -include "$here/analyzers.h")
	sources 'codec meta fs' -name '*.c' -not -name err.c | analyze "${hint[@]}" || complain "gcc -fanalyzer found something"
	[ -z "${hint[*]}" ] || echo codec/err.c | analyze || complain "gcc -fanalyzer found something"
}

plant_use_after_free() { printf '#include <stdlib.h>\nint four(char *a)\n{\n\tfree(a);\n\treturn *a;\n}\n' >>codec/one.c; }
plant_null() { printf '#include <stdlib.h>\nchar *four(void);\nchar *four(void)\n{\n\tchar *a = malloc(9);\n\ta[3] = 1;\n\treturn a;\n}\n' >>meta/two.c; }
plant_double_free() { printf '#include <stdlib.h>\nvoid four(char *a)\n{\n\tfree(a);\n\tfree(a);\n}\n' >>fs/three.c; }

lint_main "$@"
