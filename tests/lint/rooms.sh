#!/usr/bin/env bash
# The arrow: codec <- meta <- fs, and which files may know which library.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Headers (extended regex) and the files (extended regex) that may include them. The first row that knows
# a header decides.
rules='
(meta|fs)/[^/]*                         ^(meta|fs)/
fs/[^/]*                                ^fs/
tests/.*                                ^$
tiffio\.h|tiff\.h|tiffvers\.h           ^codec/(unit[^/]*|tiff[^/]*|versions)\.[ch]$
blosc\.h|zstd(_errors)?\.h|zlib\.h      ^codec/(encode|encode_[^/]*|unit[^/]*|versions)\.[ch]$
libdeflate\.h                           ^codec/(encode|encode_[^/]*|unit[^/]*|versions)\.[ch]$
(cjson/)?cJSON\.h                       ^(meta/[^/]*|fs/(status|info|summary|check)[^/]*)\.[ch]$
expat\.h                                ^meta/
(fuse3/)?fuse[^/]*\.h                   ^fs/(mount|ops)[^/]*\.[ch]$
pthread\.h|threads\.h|semaphore\.h      ^fs/
'

check() {
	local file line header pattern allowed
	while IFS=: read -r file line header; do
		header=$(sed -E 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]([^>"]*)[>"].*/\1/' <<<"$header")
		case $header in
		../* | ./* | */../*) complain "$file:$line: \"$header\": name the room, as in \"codec/base.h\"" ;;
		esac
		while read -r pattern allowed; do
			[[ -n $pattern && $header =~ ^($pattern)$ ]] || continue
			# meta/ may include meta/, but not fs/: the second row has the last word on fs/.
			[[ $header == fs/* && $pattern == '(meta|fs)/[^/]*' ]] && continue
			[[ $file =~ $allowed ]] || complain "$file:$line: may not include $header"
			break
		done <<<"$rules"
		if [[ $header != */* && -n $(cd "$root" && compgen -G "*/$header") && ! $header =~ ^(tiff)\.h$ ]]; then
			complain "$file:$line: \"$header\": name the room, as in \"codec/base.h\""
		fi
	done < <(cd "$root" && grep -nE '^[[:space:]]*#[[:space:]]*include' $(sources 'codec meta fs' -name '*.[ch]') /dev/null)
}

include() {
	printf '#include %s\n' "$1" >>"$2"
}
plant_codec_uses_meta() { include '"meta/two.h"' codec/one.c; }
plant_codec_uses_fs() { include '"fs/three.h"' codec/one.h; }
plant_meta_uses_fs() { include '  "fs/three.h"' meta/two.c; }
plant_product_uses_tests() { include '"tests/fuzz/fuzz.h"' fs/three.c; }
plant_relative() { include '"../codec/one.h"' meta/two.c; }
plant_no_room() { include '"one.h"' codec/one.c; }
plant_libtiff() { include '<tiffio.h>' fs/three.c; }
plant_libtiff_in_codec() { include '<tiffio.h>' codec/one.c; }
plant_blosc() { include '<blosc.h>' codec/one.c; }
plant_deflate() { include '<libdeflate.h>' meta/two.c; }
plant_json() { include '<cjson/cJSON.h>' fs/three.c; }
plant_expat() { include '<expat.h>' fs/three.c; }
plant_fuse() { include '<fuse_lowlevel.h>' fs/three.c; }
plant_fuse_in_meta() { include '<fuse3/fuse.h>' meta/two.c; }
plant_thread() { include '<pthread.h>' meta/two.c; }

lint_main "$@"
