#!/usr/bin/env bash
# cppcheck: warnings and portability. It does not follow the cleanup attribute, hence no memleak.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

prepare() {
	tool=$(pinned cppcheck 2.10) || skip "cppcheck 2.10 is not here"
}

check() {
	local files
	mapfile -t files < <(sources 'codec meta fs' -name '*.c')
	(cd "$root" && "$tool" -q -j 2 --enable=warning,portability --std=c11 --language=c -D_GNU_SOURCE \
		-D__x86_64__ -DNGFFUSE_VERSION='"0"' --suppress=memleak --inline-suppr --error-exitcode=1 \
		"--template={file}:{line}: {id}: {message}" -I. "${files[@]}") || complain "cppcheck found something"
}

plant_overrun() { printf 'int four(void)\n{\n\tint a[2] = { 0, 1 };\n\treturn a[2];\n}\n' >>codec/one.c; }
plant_null() { printf 'int four(void)\n{\n\tint *a = 0;\n\treturn *a;\n}\n' >>fs/three.c; }

lint_main "$@"
