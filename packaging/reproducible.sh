#!/bin/sh
# Builds the packages of the last commit in another folder, with a cargo home of its own, and compares them with those that
# stage.sh and pack.sh have made here.
set -eu
cd "$(dirname "$0")/.."
git diff --quiet HEAD -- || { echo "commit first: the other folder gets the last commit" >&2; exit 1; }
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
home=${CARGO_HOME:-$HOME/.cargo}
mkdir -p "$work/home"
git archive --format=tar --prefix=another/folder/ HEAD | tar -xf - -C "$work"
# The crates as they were fetched; links cost nothing.
cp -al "$home/registry" "$work/home/" 2>/dev/null || cp -a "$home/registry" "$work/home/"
for file in config.toml config; do [ ! -f "$home/$file" ] || cp "$home/$file" "$work/home/"; done
(
  cd "$work/another/folder"
  export PATH="$home/bin:$PATH" CARGO_HOME="$work/home"
  sh packaging/stage.sh
  sh packaging/pack.sh
)
sums() { (cd "$1/target" && sha256sum debian/*.deb release/exstreamtv release/exstreamtv-worker release/libexstreamtv_shipped.so); }
sums . >"$work/sums.here"
sums "$work/another/folder" >"$work/sums.there"
cat "$work/sums.here"
if ! cmp -s "$work/sums.here" "$work/sums.there"; then
  diff "$work/sums.here" "$work/sums.there" >&2 || true
  rm -rf target/irreproducible
  mkdir -p target/irreproducible
  cp "$work"/another/folder/target/debian/*.deb target/irreproducible/
  echo "two folders give different bytes; the other folder's packages are in target/irreproducible" >&2
  exit 1
fi
echo "two folders give the same bytes"
