#!/bin/sh
# What `make run` does after the build: serves a folder, or a demo library that it makes first.
#
#   sh tests/run.sh [MEDIA] [ADDRESS:PORT]
set -eu
media=${1:-}
listen=${2:-127.0.0.1:8411}

# Some shells hand over a ~ behind an equals sign as it is.
case "$media" in
  "~") media=$HOME ;;
  "~/"*) media=$HOME/${media#??} ;;
esac

if [ -z "$media" ]; then
  sh tests/demo.sh demo
  media=demo
  data=data/demo
else
  # Each folder has its own channels, so each has its own data.
  data=data/$(printf '%s' "$media" | cksum | cut -d' ' -f1)
fi
mkdir -p "$data"
exec target/release/exstreamtv serve --data-dir "$data" --listen "$listen" --media "$media"
