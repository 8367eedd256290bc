# Shared by the lints. A lint defines `check`, which looks at the tree $root (build folder $build) and
# reports what is wrong by `complain`, and functions `plant_*`, each of which adds one violation to the
# small clean tree that `--self-test` makes. Then: lint_main "$@". Exit codes: 0 clean, 1 findings,
# 77 skipped with a reason. Works without git.
set -u
failed=0

complain() {
	printf '%s\n' "$*"
	failed=1
}

skip() {
	printf 'skipped: %s\n' "$*"
	exit 77
}

# Files of the tree by find expressions, relative to $root, sorted. $1: folders that need not all exist.
sources() {
	local folders=() f
	for f in $1; do
		[ -d "$root/$f" ] && folders+=("$f")
	done
	shift
	(cd "$root" && find "${folders[@]}" -type f "$@" | LC_ALL=C sort)
}

# The version of a tool that the configuration here was made for: others find other things.
# Usage: tool=$(pinned clang-tidy 14) || skip ...
pinned() {
	local name
	for name in "$1-$2" "$1"; do
		if command -v "$name" >/dev/null && "$name" --version 2>/dev/null | grep -qE "version $2[. ]|$1.* $2[. ]| $2\$"; then
			printf '%s\n' "$name"
			return 0
		fi
	done
	return 1
}

clean_tree() {
	mkdir -p "$1"/{codec,meta,fs,tests,build}
	cp "$here/../../.clang-format" "$here/../../.clang-tidy" "$1"/
	printf '/* One. */\n#pragma once\n\nint one(void);\n' >"$1/codec/one.h"
	printf '#include "codec/one.h"\n\nint one(void)\n{\n\treturn 1;\n}\n' >"$1/codec/one.c"
	printf '#include "codec/one.h"\n\nint two(void);\n\nint two(void)\n{\n\treturn one() + 1;\n}\n' >"$1/meta/two.c"
	printf '#include "meta/two.h"\n\n#include <pthread.h>\n' >"$1/fs/three.c"
	printf '/* Two. */\n#pragma once\n' >"$1/meta/two.h"
}

self_test() {
	local plant n=0 bad=0
	top=$(mktemp -d) || exit 1
	trap 'rm -rf "$top"' EXIT
	clean_tree "$top/clean"
	if ! (root=$top/clean build=$top/clean/build; check; exit $failed); then
		echo "self-test: the clean tree does not pass"
		bad=1
	fi
	for plant in $(compgen -A function plant_ | LC_ALL=C sort); do
		n=$((n + 1))
		clean_tree "$top/$plant"
		(cd "$top/$plant" && "$plant")
		if (root=$top/$plant build=$top/$plant/build; check; exit $failed) >"$top/out" 2>&1; then
			echo "self-test: $plant was not noticed"
			bad=1
		fi
	done
	echo "self-test: $n planted violations"
	[ "$n" -gt 0 ] && [ $bad = 0 ]
}

lint_main() {
	here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
	if [ "${1-}" = --self-test ]; then
		prepare
		self_test
		exit
	fi
	root=${1:-$(cd "$here/../.." && pwd)}
	build=${2:-$root/build/release}
	prepare
	check
	exit $failed
}

# Finds tools, or skips. A lint that needs some defines it anew.
prepare() {
	:
}
