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

check() {
	(cd "$root" && sources 'codec meta fs' -name '*.c' | xargs -P 2 -I{} \
		"$tool" -std=gnu17 -D_GNU_SOURCE '-DNGFFUSE_VERSION="0"' -O2 -fanalyzer -Werror -I. $flags -c {} -o /dev/null) ||
		complain "gcc -fanalyzer found something"
}

plant_leak() { printf '#include <stdlib.h>\nint four(int n)\n{\n\tchar *a = malloc(9);\n\tif (a == NULL || n == 3)\n\t\treturn 1;\n\tfree(a);\n\treturn 0;\n}\n' >>codec/one.c; }
plant_double_free() { printf '#include <stdlib.h>\nvoid four(char *a)\n{\n\tfree(a);\n\tfree(a);\n}\n' >>fs/three.c; }

lint_main "$@"
