#!/bin/sh
# Packs what stage.sh has built into packages of Debian.
#
#   sh packaging/pack.sh [VERSION [FOLDER]]
set -eu
cd "$(dirname "$0")/.."
version=${1:-}
folder=${2:-target/debian}
SOURCE_DATE_EPOCH=$(sh packaging/epoch.sh)
export SOURCE_DATE_EPOCH
mkdir -p "$folder"
for variant in "" --variant=dev; do
  # shellcheck disable=SC2086
  cargo deb --locked --no-build -p exstreamtv $variant ${version:+--deb-version "$version"} --output "$folder/"
done
