#!/bin/sh
# Prints the configuration that packages install: every key with its default as a comment, and one folder for media.
#
#   sh packaging/example_config.sh [FOLDER]
set -eu
folder=${1:-/var/lib/exstreamtv/media}
cat <<'HEAD'
# Configuration of EXStreamTV; exstreamtv.toml(5). What is commented out is the default.
# `exstreamtv config check --config FILE` says what is wrong; `systemctl reload exstreamtv` makes the server read it again.
HEAD
# The first two lines say the same about the file with every key.
tail -n +3 "$(dirname "$0")/config/exstreamtv.toml" | sed -e 's/^\([a-z_]\{1,\} = \)/#\1/' -e "s|^#folders = \[\]|folders = [\"$folder\"]|"
