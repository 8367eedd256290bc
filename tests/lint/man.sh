#!/bin/bash
# The manual page and the README's table of options against `ngffuse --help`, both ways; and the page
# against mandoc.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

options() {
	grep -oE -e '--[a-z][a-z-]*' | LC_ALL=C sort -u
}

compare() { # FILE OPTIONS-OF-HELP OPTIONS-OF-FILE
	local option
	for option in $(LC_ALL=C comm -23 "$2" "$3"); do
		complain "$1 does not mention $option"
	done
	for option in $(LC_ALL=C comm -13 "$2" "$3"); do
		complain "$1 has $option, which ngffuse does not know"
	done
}

# What a column too narrow for its words gives at the width of a terminal.
check_lines() { # PAGE
	local said
	if ! command -v groff >/dev/null; then
		echo "groff is not installed: the lines of $1 were not checked"
		return
	fi
	said=$(groff -mandoc -Tutf8 -rLL=78n "$1" 2>&1 >/dev/null)
	[ -z "$said" ] || complain "$said"
}

check_page() { # PAGE WORK
	if ! command -v mandoc >/dev/null; then
		echo "mandoc is not installed: the style of $1 was not checked"
		return
	fi
	mandoc -Tlint "$1" 2>/dev/null >"$2/mandoc"
	# The manuals that the page refers to need not be installed here.
	grep -vE 'referenced manual not found' "$2/mandoc" >"$2/findings" && complain "$(cat "$2/findings")"
}

check() {
	local page=$root/man/ngffuse.1 readme=$root/README.md program=$build/ngffuse work option
	[ -x "$program" ] || skip "$program is not built"
	work=$(mktemp -d) || exit 1
	# The rows of --help begin with two blanks; what they say about an option stands further right.
	"$program" --help | sed -n 's/^  \(.\{0,26\}\).*/\1/p' | options >"$work/help"
	[ -s "$work/help" ] || complain "$program --help lists no options"
	# mdoc writes --name as `Fl -name`.
	sed 's/Fl -\([a-z]\)/--\1/g; s/--a-b//g' "$page" | options >"$work/page"
	sed -n '/^| *`-/p' "$readme" | options >"$work/readme"
	compare man/ngffuse.1 "$work/help" "$work/page"
	compare README.md "$work/help" "$work/readme"
	# An entry of its own for each, so that a mention in passing does not count.
	while read -r option; do
		grep -qE "^\.It Fl (. , Fl )?-${option#--}( |\$)" "$page" ||
			complain "man/ngffuse.1 has no entry for $option"
	done <"$work/help"
	check_page "$page" "$work"
	check_lines "$page"
	rm -rf "$work"
}

# A program that knows two options, with its page and README.
clean_tree() {
	mkdir -p "$1"/{man,build}
	printf '#!/bin/sh\necho "  -a, --alpha V    the first"\necho "      --beta       the second, not --gamma"\n' \
		>"$1/build/ngffuse"
	chmod +x "$1/build/ngffuse"
	printf '%s\n' '.Dd January 1, 2026' '.Dt NGFFUSE 1' '.Os' '.Sh NAME' '.Nm ngffuse' '.Nd nothing' \
		'.Sh OPTIONS' '.Bl -tag -width Ds' '.It Fl a , Fl -alpha Ar V' 'The first.' '.It Fl -beta' \
		'As' '.Fl -alpha .' '.El' >"$1/man/ngffuse.1"
	printf '%s\n' '| option | meaning |' '| --- | --- |' '| `-a`, `--alpha V` | the first |' \
		'| `--beta` | the second |' '' 'Try `cmake --preset release`.' >"$1/README.md"
}

plant_readme_lacks() {
	sed -i '/--beta/d' README.md
}

plant_readme_invents() {
	echo '| `--delta` | the third |' >>README.md
}

plant_page_lacks_entry() {
	sed -i 's/^\.It Fl a , Fl -alpha/.It Fl a/' man/ngffuse.1
}

plant_page_lacks() {
	sed -i 's/^\.It Fl -beta/.It Em second/' man/ngffuse.1
}

plant_page_invents() {
	sed -i 's/^\.El/.It Fl -delta\nThird.\n.El/' man/ngffuse.1
}

plant_page_is_no_mdoc() {
	sed -i 's/^\.El/.Bogus/' man/ngffuse.1
}

plant_page_has_narrow_column() {
	sed -i "s/^As\$/.Bl -column \"$(printf 'w%.0s' {1..70})\" x\n.It a Ta many words that are to be broken here\n.El\nAs/" man/ngffuse.1
}

plant_program_gained_one() {
	echo 'echo "      --delta      the third"' >>build/ngffuse
}

lint_main "$@"
