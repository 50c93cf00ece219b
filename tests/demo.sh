#!/bin/sh
# Makes a small library to look at: moving test pictures with a title and a clock, in the formats that people have.
#
#   sh tests/demo.sh FOLDER [SECONDS]     one clip has SECONDS (default 75); what is there already is kept
set -eu
folder=$1
seconds=${2:-75}

font=
for candidate in /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf /System/Library/Fonts/Helvetica.ttc; do
  [ -f "$candidate" ] && font=$candidate && break
done
ffmpeg -v error -filters 2>/dev/null | grep -q ' drawtext ' || font=

# clip FILE TITLE PICTURE RATE TONE_HZ CODEC...
clip() {
  file=$1 title=$2 picture=$3 rate=$4 tone=$5
  shift 5
  [ -s "$folder/$file" ] && return
  mkdir -p "$(dirname "$folder/$file")"
  echo "making $folder/$file"
  words=
  # The title goes through a file, so that any character may stand in it.
  if [ -n "$font" ]; then
    printf '%s' "$title" >"$folder/.title"
    words=",drawtext=fontfile=$font:textfile='$folder/.title':fontsize=min(h/12\\,w/18):fontcolor=white:borderw=3:x=(w-tw)/2:y=h/10"
    words="$words,drawtext=fontfile=$font:text='%{pts\\:hms}':fontsize=min(h/8\\,w/8):fontcolor=white:borderw=4:x=(w-tw)/2:y=h*0.7"
  fi
  sound="0.12*sin(2*PI*t*$tone*(1+0.25*floor(mod(t,4))/2))*exp(-3*mod(t,0.5))"
  ffmpeg -nostdin -v error -y -f lavfi -i "$picture:r=$rate:d=$seconds$words" -f lavfi -i "aevalsrc='$sound|$sound':s=48000:d=$seconds" \
    -pix_fmt yuv420p "$@" "$folder/.draft.${file##*.}"
  mv "$folder/.draft.${file##*.}" "$folder/$file"
}

mkdir -p "$folder"
x264="-c:v libx264 -preset ultrafast -crf 26 -c:a aac"
# The words of a codec are meant to be split.
# shellcheck disable=SC2086
{
  clip "Test Pictures/Colour Bars (1978).mp4" "Colour Bars" smptehdbars=s=1280x720 30 220 $x264
  clip "Test Pictures/Moving Squares (1999).mkv" "Moving Squares" testsrc2=s=1280x720 25 262 $x264
  clip "Test Pictures/Gradients (2021).webm" "Gradients" gradients=s=640x360:speed=0.02 24 330 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 500k -c:a libopus
  clip "The Clock Show/Season 01/The Clock Show - S01E01 - A First Minute.mkv" "The Clock Show: A First Minute" testsrc=s=960x720 25 294 $x264
  clip "The Clock Show/Season 01/The Clock Show - S01E02 - It's Later Than You Think.mp4" "It's Later Than You Think" testsrc=s=1280x720 50 349 $x264
  clip "The Clock Show/Season 01/The Clock Show - S01E03 - High Efficiency.mkv" "High Efficiency" testsrc=s=1280x720 24000/1001 392 -c:v libx265 -preset ultrafast -x265-params log-level=none -c:a ac3
  clip "Old Tapes/Tape 1.mpg" "Tape 1" pal75bars=s=720x576:sar=16/15 25 196 -c:v mpeg2video -b:v 3M -flags +ildct+ilme -c:a mp2
  clip "Old Tapes/Tape 2, upright & small.mp4" "Tape 2, upright & small" rgbtestsrc=s=360x640 30 247 $x264 -ac 1 -ar 44100
}
rm -f "$folder/.title"

show="$folder/The Clock Show"
[ -f "$show/tvshow.nfo" ] || cat >"$show/tvshow.nfo" <<'NFO'
<?xml version="1.0" encoding="UTF-8"?>
<tvshow><title>The Clock Show</title><plot>A clock runs. So does the show.</plot><genre>Documentary</genre><year>2026</year></tvshow>
NFO
[ -f "$show/poster.jpg" ] || ffmpeg -nostdin -v error -f lavfi -i testsrc=s=400x600:d=1 -frames:v 1 "$show/poster.jpg"
