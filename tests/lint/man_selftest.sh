#!/bin/sh
# man.sh must fail where the manual page or the README lacks an option, or has one too many.
# usage: tests/lint/man_selftest.sh PROGRAM, from the root of the sources.
set -eu

program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lint=$PWD/tests/lint/man.sh
bad=0

# $1: what is planted, $2: the file, $3: the sed script that plants it.
expect_failure() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/man"
	cp man/ngffuse.1 "$work/tree/man/"
	cp README.md "$work/tree/"
	sed "$3" "$2" > "$work/tree/$2"
	if cmp -s "$2" "$work/tree/$2"; then
		echo "self-test: nothing was planted for: $1"
		bad=1
	elif (cd "$work/tree" && sh "$lint" "$program") > /dev/null 2>&1; then
		echo "self-test: not noticed: $1"
		bad=1
	fi
}

expect_failure 'an option that the page lacks' man/ngffuse.1 's/Fl -codec/Fl -kodek/g'
expect_failure 'an option that the README lacks' README.md '/^| *`--codec/d'
expect_failure 'an option that only the README has' README.md 's/^| *`--codec/| `--codec-of-old/'
exit $bad
