#!/usr/bin/env bash
# Runs `./setup test` of HEAD in a fresh Debian of another suite, made by debootstrap. Needs root, debootstrap
# and some 3 GB.
#   tests/debian.sh [SUITE [FOLDER [COMMAND]]]    trixie, /var/tmp/ngffuse-SUITE, './setup test'
set -eu
suite=${1:-trixie}
folder=${2:-/var/tmp/ngffuse-$suite}
command=${3:-./setup test}
source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
shared=$(realpath "${NGFFUSE_SHARED:-$source_root/../shared}" 2>/dev/null || true)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

[ "$(id -u)" -eq 0 ] || { echo "tests/debian.sh: this needs root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "tests/debian.sh: install debootstrap" >&2; exit 1; }
if [ ! -e "$folder/etc/debian_version" ]; then
	debootstrap --variant=minbase --include=ca-certificates "$suite" "$folder" "$mirror"
fi
mkdir -p "$folder/src/main" "$folder/src/shared"
git -C "$source_root" archive HEAD | tar x -C "$folder/src/main"
# What fusermount3 looks for, which only a booted system has.
ln -sf /proc/mounts "$folder/etc/mtab"
cp -L /etc/resolv.conf "$folder/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/ca-certificates.crt"

# The root is a mount of its own, so that what runs there may make its mounts private; all of it goes with the
# namespace.
inside() {
	local folder=$1 shared=$2 command=$3
	mount --bind "$folder" "$folder"
	mount -t proc proc "$folder/proc"
	mount --rbind /dev "$folder/dev"
	mount --rbind /sys "$folder/sys"
	if [ -d "$shared" ]; then
		mount --bind "$shared" "$folder/src/shared"
	fi
	exec chroot "$folder" /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		PIP_DEFAULT_TIMEOUT=180 PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
		sh -c "cd /src/main && $command"
}
export -f inside
exec unshare --mount --propagation private bash -c 'inside "$@"' inside "$folder" "$shared" "$command"
