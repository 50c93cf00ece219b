#!/bin/sh
# Packs what a packager needs into target/dist: the sources, with VENDOR=1 also with every crate (builds without a network), what was
# built and packed before (target/debian), and SHA256SUMS of all.
#
#   VENDOR=1 sh packaging/dist.sh
#
# The same commit gives the same bytes. What is not committed is not in it.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
name=exstreamtv-$version
dist=$(pwd -P)/target/dist
epoch=$(git log -1 --format=%ct)
rm -rf "$dist"
mkdir -p "$dist"
git diff --quiet HEAD -- || echo "the working tree differs from the last commit, and the commit is what is packed" >&2
git archive --format=tar --prefix="$name/" HEAD | gzip -9n >"$dist/$name.tar.gz"

if [ "${VENDOR:-}" = 1 ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  tar -xzf "$dist/$name.tar.gz" -C "$work"
  mkdir -p "$work/$name/.cargo"
  (cd "$work/$name" && ${CARGO:-cargo} vendor --locked --versioned-dirs vendor >.cargo/config.toml 2>"$work/log") || { cat "$work/log" >&2; exit 1; }
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -C "$work" -cf - "$name" | gzip -9n >"$dist/$name-vendored.tar.gz"
fi

cp target/debian/*.deb "$dist/" 2>/dev/null || true
cd "$dist"
if command -v sha256sum >/dev/null 2>&1; then sha256sum -- *.tar.gz *.deb 2>/dev/null; else shasum -a 256 -- *.tar.gz *.deb 2>/dev/null; fi >SHA256SUMS || true
cat SHA256SUMS
