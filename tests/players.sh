#!/usr/bin/env bash
# Plays a channel over several joins in the players that people have, and fails when one of them complains.
#
#   bash tests/players.sh BINARY                    starts a host with short demo clips
#   TS_URL=… HLS_URL=… bash tests/players.sh        uses what already runs
#   bash tests/players.sh BINARY wrap               the same with a stream clock that starts over (33 bits) under each player
#
# A complaint is any line of mpv and ffmpeg at level warn, any line of GStreamer at level WARN, and of VLC's many lines
# those that speak of lost, late or corrupt data. Sound and picture go nowhere, but at their own pace.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-35}
work=$(mktemp -d)
server=
neighbour=
# Only what this script has started is ended.
trap '[ -z "$neighbour" ] || kill "$neighbour" 2>/dev/null || true; [ -z "$server" ] || kill "$server" 2>/dev/null || true; [ -z "$server" ] || wait "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
chmod 755 "$work"

# VLC does not run as root, and nobody needs to.
as_user=()
if [ "$(id -u)" = 0 ]; then
  mkdir "$work/home" && chown 65534 "$work/home"
  as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups env "HOME=$work/home" "XDG_RUNTIME_DIR=$work/home")
fi

binary=${1:-}
wrap=${2:-}

# Prints the offset with which the stream's clock starts over in the middle of the next player.
offset_to_wrap() {
  local wrap_ticks=$((1 << 33)) goal now
  goal=$((wrap_ticks - (seconds / 2 + 14) * 90000))
  now=$(($(date +%s) * 90000))
  echo $((((goal - now) % wrap_ticks + wrap_ticks) % wrap_ticks / 90000))
}

stop_host() {
  [ -z "$server" ] || { kill "$server" && wait "$server" || true; }
  server=
}

start_host() {
  [ -d "$work/media" ] || sh tests/demo.sh "$work/media" 8
  local offset=0
  [ -z "$wrap" ] || offset=$(offset_to_wrap)
  EXSTREAMTV__PLAYOUT__STREAM_CLOCK_OFFSET_S=$offset \
    "$binary" serve --data-dir "$work/data" --listen 127.0.0.1:0 --media "$work/media" >"$work/said" 2>"$work/log" &
  server=$!
  local base=
  for _ in $(seq 600); do
    base=$(sed -n 's#.*listening on \(http://[^ ]*\).*#\1#p' "$work/said" | head -n 1)
    [ -n "$base" ] && [ "$(curl -s "$base/iptv/channels.m3u" | grep -c '^http')" -ge 3 ] && break
    kill -0 "$server" 2>/dev/null || { cat "$work/said" "$work/log" >&2; exit 1; }
    sleep 0.2
  done
  TS_URL=$(curl -s "$base/iptv/channels.m3u" | grep '^http' | head -n 1)
  HLS_URL=${TS_URL%.ts}.m3u8
}

[ -n "${TS_URL:-}" ] || { : "${binary:?the path of the exstreamtv binary}"; start_host; }
echo "playing $TS_URL and $HLS_URL, $seconds s each${wrap:+, across a wrap of the clock}"

# Starts the host anew, so that the clock wraps under the next player too. Somebody watches already when the player comes: the GStreamer
# of Debian 12 loses its place in any live playlist that held a single segment when it came (it never compares the first one), and says so.
wind_clock() {
  [ -n "$wrap" ] || return 0
  stop_host
  start_host
  [ "$1" = TS ] && url=$TS_URL || url=$HLS_URL
  [ -z "$neighbour" ] || { kill "$neighbour" && wait "$neighbour" || true; } 2>/dev/null
  curl -sN -o /dev/null "$TS_URL" &
  neighbour=$!
  for _ in $(seq 100); do
    [ "$(curl -s "$HLS_URL" | grep -c '^#EXTINF')" -lt 4 ] || break
    sleep 0.2
  done
}

failed=0
# try NAME PATTERN COMMAND...: complaints are the lines of the command's output that match the pattern.
try() {
  local name=$1 pattern=$2 status=0
  shift 2
  timeout --kill-after=5 $((seconds + 40)) "${as_user[@]}" "$@" </dev/null >"$work/out" 2>&1 || status=$?
  # Interrupted, as it was asked to be.
  [ "$status" != 130 ] || status=0
  # GStreamer says at level WARN that it has noticed a wrap of the clock; that is what it should do.
  grep -E "$pattern" "$work/out" | grep -v 'WRAPAROUND detected' >"$work/complaints" || true
  if [ -s "$work/complaints" ] || [ "$status" != 0 ]; then
    failed=1
    echo "FAIL $name (exit $status, $(wc -l <"$work/complaints") complaints)"
    head -n 15 "$work/complaints"
    [ -s "$work/complaints" ] || tail -n 5 "$work/out"
  else
    echo "ok   $name"
  fi
}

vlc_trouble='discontinuity|corrupt|late (picture|buffer)|too late|conversion failed|no reference clock|clock gap|ES_OUT_RESET_PCR|continuity|lost synchro|buffer (too late|deadlock)|not synchronized|main error|ts error|avcodec error'
# What GStreamer's plug-ins say about themselves at start is not about the stream.
gstreamer_ears='*:1,tsdemux:2,mpegts*:2,hls*:2,adaptivedemux*:2,h264parse:2,aacparse:2,libav:2,*sink*:2,*queue*:2,playbin*:2,decodebin*:2'
for protocol in TS HLS; do
  url=$TS_URL
  [ "$protocol" = TS ] || url=$HLS_URL
  wind_clock "$protocol"
  try "ffmpeg $protocol" '.' ffmpeg -nostdin -hide_banner -v warning -i "$url" -t "$seconds" -f null -
  wind_clock "$protocol"
  try "mpv $protocol" '.' mpv --no-config --vo=null --ao=null "--length=$seconds" --msg-level=all=warn "$url"
  wind_clock "$protocol"
  try "VLC $protocol" "$vlc_trouble" \
    cvlc -I dummy --vout dummy --aout dummy --no-video-title-show "--run-time=$seconds" --play-and-exit -vv "$url" vlc://quit
  wind_clock "$protocol"
  # gst-play has no length; an interrupt ends it the ordinary way.
  try "GStreamer $protocol" 'WARN|ERROR|RESET' \
    env "GST_DEBUG=$gstreamer_ears" GST_DEBUG_NO_COLOR=1 timeout --preserve-status --signal=INT "$seconds" \
    gst-launch-1.0 playbin3 "uri=$url" "video-sink=fakesink sync=true" "audio-sink=fakesink sync=true"
done
exit "$failed"
