#!/usr/bin/env bash
# clang-format, of the one version whose output is the house style.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

prepare() {
	tool=$(pinned clang-format 14) || skip "clang-format 14 is not here"
}

check() {
	local files
	mapfile -t files < <(sources 'codec meta fs tests' -name '*.[ch]')
	(cd "$root" && "$tool" --style=file --dry-run -Werror "${files[@]}") || complain "run $tool -i on the files named"
}

plant_spaces() { printf 'int four(void)\n{\n    return 4;\n}\n' >>codec/one.c; }
plant_long_line() { printf 'int five(int first_argument, int second_argument, int third_argument, int fourth_argument, int fifth);\n' >>tests/five.h; }

lint_main "$@"
