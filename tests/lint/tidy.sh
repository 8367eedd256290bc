#!/usr/bin/env bash
# clang-tidy with .clang-tidy over the product, by the compile database of the build folder.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

prepare() {
	tool=$(pinned clang-tidy 14) || skip "clang-tidy 14 is not here"
}

# A self-test's tree has no build: it gets a database of its own.
database() {
	local file
	[ -f "$build/compile_commands.json" ] && return
	{
		echo '['
		for file in $(sources 'codec meta fs' -name '*.c'); do
			printf '{"directory":"%s","file":"%s","command":"cc -std=gnu17 -I%s -c %s"},\n' \
				"$root" "$root/$file" "$root" "$root/$file"
		done | sed '$s/,$//'
		echo ']'
	} >"$build/compile_commands.json"
}

# Arguments: files. The database may be gcc's, whose warnings clang need not know. Asserts tell the analyzer
# what holds, so they are on.
tidy() {
	xargs -P 2 -n 4 "$tool" -p "$build" --quiet --extra-arg=-UNDEBUG "$@" --extra-arg=-Wno-unknown-warning-option \
		--extra-arg=-ftrivial-auto-var-init=uninitialized --extra-arg=-Wno-ignored-optimization-argument \
		2>&1 | grep -vE '^[0-9]+ warnings?( and [0-9]+ errors?)? (generated|treated as errors?)|^$'
	return "${PIPESTATUS[0]}"
}

check() {
	local hint=()
	database
	cd "$root" || exit
	# Whoever defines these functions cannot have the macros that stand for them.
	[ -e codec/err.c ] && hint=(--extra-arg=-include --extra-arg="$here/analyzers.h")
	sources 'codec meta fs' -name '*.c' -not -name err.c | tidy "${hint[@]}" || complain "clang-tidy found something"
	[ -z "${hint[*]}" ] || echo codec/err.c | tidy || complain "clang-tidy found something"
}

plant_product() { printf 'unsigned long four(unsigned a, unsigned b)\n{\n\treturn a * b;\n}\n' >>codec/one.c; }
plant_nesting() { printf 'int four(int a)\n{\n\tif (a) {\n\t\tif (a > 1) {\n\t\t\tif (a > 2) {\n\t\t\t\tif (a > 3) {\n\t\t\t\t\tif (a > 4) {\n\t\t\t\t\t\treturn 5;\n\t\t\t\t\t}\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}\n\treturn a;\n}\n' >>codec/one.c; }

lint_main "$@"
