#!/bin/sh
# Prints the instant that packages carry: SOURCE_DATE_EPOCH, else the last commit's, else that of the changelog.
#
#   sh packaging/epoch.sh [--day]
set -eu
cd "$(dirname "$0")/.."
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || true)}
[ -n "$epoch" ] || epoch=$(date -u -d "$(sed -n 's/^ -- .*>  //p' packaging/debian/changelog | head -1)" +%s)
case ${1:-} in
  --day) date -u -d "@$epoch" +%F 2>/dev/null || date -u -r "$epoch" +%F ;; # Debian's date, or macOS's
  *) echo "$epoch" ;;
esac
