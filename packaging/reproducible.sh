#!/bin/sh
# Builds the packages of the last commit in two folders, with a cargo home each, and compares them.
set -eu
cd "$(dirname "$0")/.."
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
home=${CARGO_HOME:-$HOME/.cargo}
for place in one two/deeper; do
  mkdir -p "$work/$place/home"
  git archive --format=tar --prefix=tree/ HEAD | tar -xf - -C "$work/$place"
  cp -al "$home/registry" "$work/$place/home/" 2>/dev/null || cp -a "$home/registry" "$work/$place/home/"
  if [ -f "$home/config.toml" ]; then cp "$home/config.toml" "$work/$place/home/"; fi
  (
    cd "$work/$place/tree"
    PATH="$home/bin:$PATH" CARGO_HOME="$work/$place/home" sh packaging/stage.sh
    CARGO_HOME="$work/$place/home" sh packaging/pack.sh
  )
done
sums() { (cd "$work/$1/tree/target" && sha256sum debian/*.deb release/exstreamtv release/exstreamtv-worker release/libexstreamtv_shipped.so); }
sums one
sums one >"$work/sums.one"
sums two/deeper >"$work/sums.two"
if ! cmp -s "$work/sums.one" "$work/sums.two"; then
  diff "$work/sums.one" "$work/sums.two" >&2 || true
  mkdir -p target/irreproducible
  cp "$work"/one/tree/target/debian/*.deb target/irreproducible/
  echo "two folders give different packages; the first folder's are in target/irreproducible" >&2
  exit 1
fi
echo "two folders give the same bytes"
