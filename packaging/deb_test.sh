#!/bin/sh
# The life of the package on a plain Debian 12: installed with its real dependencies, started as its user, watched, upgraded, removed, purged.
#
#   sudo sh packaging/deb_test.sh PACKAGE.deb UPGRADE.deb
#
# It happens in a chroot that mmdebstrap makes, with processes, mounts and a network of its own; the chroot is kept in target/deb-test/base.tar
# for the next time. systemd does not run there: the service's own command line is started as its user instead.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
work=$root/target/deb-test
base=$work/base.tar

if [ "${1:-}" != --inside ]; then
  [ "$(id -u)" = 0 ] || { echo "deb_test.sh needs root, for the chroot" >&2; exit 1; }
  mkdir -p "$work"
  if [ ! -s "$base" ]; then
    mmdebstrap --format=tar --variant=minbase --include=systemd-standalone-sysusers,ca-certificates,curl,iproute2,sqlite3 \
      bookworm "$base.part" "${DEB_MIRROR:-http://deb.debian.org/debian}"
    mv "$base.part" "$base"
  fi
  exec unshare --mount --pid --fork --kill-child sh "$0" --inside "$1" "$2"
fi

place=$work/chroot
rm -rf "$place"
mkdir -p "$place"
tar -xf "$base" -C "$place"
mount -t proc proc "$place/proc"
mount -t tmpfs tmpfs "$place/dev/shm" 2>/dev/null || true
cp /etc/resolv.conf /etc/hosts "$place/etc/"
cp "$2" "$place/first.deb"
cp "$3" "$place/second.deb"
cp "$root/packaging/deb_test_inside.sh" "$place/inside.sh"
within() { chroot "$place" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
alone() { unshare --net sh -c 'ip link set lo up 2>/dev/null || chroot "$0" ip link set lo up; exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 sh /inside.sh "$@"' "$place" "$@"; }

within apt-get update -qq
# Debian asks for systemd or one of its parts; the part is there.
within apt-get install -y -qq --no-install-recommends /first.deb >"$work/install.log" 2>&1 || { tail -30 "$work/install.log"; exit 1; }
alone installed
alone serve
alone old
within apt-get install -y -qq --no-install-recommends /second.deb >"$work/upgrade.log" 2>&1 || { tail -30 "$work/upgrade.log"; exit 1; }
alone upgraded
within apt-get remove -y -qq exstreamtv >"$work/remove.log" 2>&1 || { tail -30 "$work/remove.log"; exit 1; }
alone removed
within apt-get purge -y -qq exstreamtv >"$work/purge.log" 2>&1 || { tail -30 "$work/purge.log"; exit 1; }
alone purged
rm -rf --one-file-system "$place" 2>/dev/null || true
echo "the package lives as it should"
