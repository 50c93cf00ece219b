#!/bin/sh
# Answers as FFmpeg from the folder REPLAY_CORPUS, and notes the arguments in REPLAY_LOG. See corpus/README.md.
corpus=$REPLAY_CORPUS
line=$(printf '%s ' "$@" | sed -e 's#[^ ]*/\([a-z0-9]*-[0-9]*-[0-9x]*\.mkv\)#{clip}/\1#g' -e 's/ $//')
[ -z "$REPLAY_LOG" ] || printf '%s\n' "$line" >> "$REPLAY_LOG"

# A clip is made: it need not hold anything.
case $line in *"-f matroska -y "*) for last in "$@"; do :; done; : > "$last"; exit 0 ;; esac

while [ -n "$corpus" ]; do
  for answer in "$corpus"/*.answer; do
    IFS= read -r pattern < "$answer"
    pattern=${pattern#args: }
    # shellcheck disable=SC2254 # it is a pattern
    case $line in $pattern) ;; *) continue ;; esac
    sed -n '/^--- stdout$/,/^--- /p' "$answer" | grep -v '^--- '
    sed -n '/^--- stderr$/,/^--- /p' "$answer" | grep -v '^--- ' >&2
    delay=$(sed -n '2,4s/^delay_s: //p' "$answer")
    [ -z "$delay" ] || sleep "$delay"
    signal=$(sed -n '2,4s/^signal: //p' "$answer")
    [ -z "$signal" ] || kill -s "$signal" $$
    exit "$(sed -n '2,4s/^exit: //p' "$answer")"
  done
  if [ -f "$corpus/uses" ]; then read -r next < "$corpus/uses"; corpus=$(dirname "$corpus")/$next; else corpus=; fi
done
echo "the corpus has no answer to: $line" >&2
exit 99
