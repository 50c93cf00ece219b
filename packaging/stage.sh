#!/bin/sh
# Builds what packages hold, into target/release and target/stage.
#
#   sh packaging/stage.sh
#
# The same sources give the same bytes in any folder and on any day: dates come from SOURCE_DATE_EPOCH (the last commit's, if it is not
# set), and folders of this machine are written as /src and /cargo. With cargo-auditable installed, programs carry the list of what they
# are built from.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd -P)
cargo_home=$(cd "${CARGO_HOME:-$HOME/.cargo}" && pwd -P)
sysroot=$(rustc --print sysroot)
epoch=$(sh packaging/epoch.sh)
day=$(sh packaging/epoch.sh --day)
stage=target/stage

build=build
if cargo auditable --version >/dev/null 2>&1; then build="auditable build"; else echo "cargo-auditable is missing: programs will not say what they are made of" >&2; fi
remap="--remap-path-prefix=$root=/src --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust"
# What C compilers write about folders (SQLite).
maps="-ffile-prefix-map=$root=/src -ffile-prefix-map=$cargo_home=/cargo"
# The words are meant to be split.
# shellcheck disable=SC2086
SOURCE_DATE_EPOCH=$epoch RUSTFLAGS="${RUSTFLAGS:-} $remap" CFLAGS="${CFLAGS:-} $maps" CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_TARGET_DIR=$root/target \
  ${CARGO:-cargo} $build --locked --release -p exstreamtv -p exstreamtv-worker -p exstreamtv-shipped

rm -rf "$stage"
mkdir -p "$stage/completions"
target/release/exstreamtv man "$stage/man" --date "$day"
for shell in bash zsh fish; do target/release/exstreamtv completions $shell >"$stage/completions/exstreamtv.$shell"; done
sh packaging/example_config.sh >"$stage/exstreamtv.toml"
target/release/exstreamtv config check --config "$stage/exstreamtv.toml" >/dev/null
for name in exstreamtv exstreamtv-dev; do
  sed "s/^exstreamtv (/$name (/" packaging/debian/changelog >"$stage/changelog.$name"
done
gzip -9nc CHANGELOG.md >"$stage/changelog.gz"
find "$stage" -exec touch -h -d "@$epoch" {} +
