#!/bin/sh
# The service under a real systemd: started, watched, reloaded, hung, stopped, with all the walls of the unit.
#
#   sudo sh packaging/deb_systemd_test.sh PACKAGE.deb
#
# systemd-nspawn boots a Debian 12 with the package in it, which mmdebstrap makes; it has no network. Control groups of version 2 and
# AppArmor are not part of it.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
work=$root/target/deb-test
base=$work/systemd.tar
place=$work/systemd
package=$(cd "$(dirname "$1")" && pwd -P)/$(basename "$1")

if [ "${2:-}" != --inside ]; then
  [ "$(id -u)" = 0 ] || { echo "deb_systemd_test.sh needs root, for the chroot" >&2; exit 1; }
  mkdir -p "$work"
  if [ ! -s "$base" ]; then
    mmdebstrap --format=tar --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates,curl,procps \
      bookworm "$base.part" "${DEB_MIRROR:-http://deb.debian.org/debian}"
    mv "$base.part" "$base"
  fi
  exec unshare --mount --fork --kill-child sh "$0" "$package" --inside
fi

rm -rf --one-file-system "$place"
mkdir -p "$place"
tar -xf "$base" -C "$place"
cp /etc/resolv.conf /etc/hosts "$place/etc/"
cp "$package" "$place/first.deb"
cp "$root/packaging/deb_test_inside.sh" "$place/inside.sh"
mount -t proc proc "$place/proc"
within() { chroot "$place" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
within apt-get update -qq
within apt-get install -y -qq --no-install-recommends /first.deb >"$work/systemd-install.log" 2>&1 || { tail -30 "$work/systemd-install.log"; exit 1; }
umount "$place/proc"

cat >"$place/etc/systemd/system/deb-test.service" <<'UNIT'
[Unit]
After=exstreamtv.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sh /inside.sh systemd >/result 2>&1 && echo passed >>/result; journalctl -u exstreamtv --no-pager >/journal 2>&1'
ExecStopPost=/bin/systemctl --no-block poweroff
UNIT
mkdir -p "$place/etc/systemd/system/multi-user.target.wants"
ln -s ../deb-test.service "$place/etc/systemd/system/multi-user.target.wants/deb-test.service"
rm -f "$place/etc/systemd/system/multi-user.target.wants/e2scrub_reap.service"
timeout 600 systemd-nspawn -D "$place" --boot --register=no --keep-unit --private-network --machine="deb-test-$$" >"$work/boot.log" 2>&1 </dev/null || true
cat "$place/result" 2>/dev/null || { tail -20 "$work/boot.log"; echo "it did not boot" >&2; exit 1; }
grep -qx passed "$place/result" || { tail -40 "$place/journal" >&2; exit 1; }
rm -rf --one-file-system "$place"
