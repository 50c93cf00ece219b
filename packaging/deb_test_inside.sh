#!/bin/sh
# What deb_test.sh does and looks at inside of the chroot, one step a call.
set -eu
config=/etc/exstreamtv/exstreamtv.toml
data=/var/lib/exstreamtv
log=/var/log/exstreamtv-test.log

say() { echo "deb-test: $*"; }
fail() { echo "deb-test: $*" >&2; [ ! -f $log ] || tail -20 $log >&2; exit 1; }
as_user() { setpriv --reuid exstreamtv --regid exstreamtv --init-groups env HOME=$data "$@"; }
ours() { as_user exstreamtv "$@" --config $config --data-dir $data; }

# Waits until a command succeeds; the limit only says when waiting is over.
until_it() {
  what=$1; shift
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 120 ] || fail "in vain: $what"
    kill -0 "$server" 2>/dev/null || fail "the server is gone: $what"
    sleep 1
  done
}

# The service's own command line, as its user.
start() {
  command=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/exstreamtv.service)
  # shellcheck disable=SC2086
  (cd / && umask 0027 && exec setpriv --reuid exstreamtv --regid exstreamtv --init-groups --no-new-privs env HOME=$data $command) >>$log 2>&1 &
  server=$!
  until_it "an answer" curl -fsS "http://$1/health/live"
}
stop() { kill -TERM "$server"; wait "$server" || fail "the server did not end well"; }
m3u_has_a_channel() { curl -fsS "http://$1/iptv/channels.m3u" | grep -q '^#EXTINF'; }
watch() {
  streams=$(timeout 90 ffprobe -v error -show_entries stream=codec_type -of csv=p=0 "http://$1/iptv/channel/1.ts") || fail "ffprobe cannot read the channel"
  for kind in video audio; do echo "$streams" | grep -q "^$kind" || fail "no $kind in the stream: $streams"; done
}

case $1 in
installed)
  groups=$(id -Gn exstreamtv)
  for group in video render; do echo " $groups " | grep -q " $group " || fail "the user is not in $group: $groups"; done
  [ "$(stat -c '%U %a' $data)" = "exstreamtv 750" ] || fail "the data folder is not the user's"
  dpkg-query -W -f '${Conffiles}\n' exstreamtv | grep -q " $config " || fail "$config is no conffile"
  [ "$(ours config check)" = "the configuration can be used" ] || fail "the packaged configuration cannot be used"
  ours plugin list | grep -q exstreamtv.time-slots || fail "the shipped plugins are not found"
  ours plugin list --json | grep -q /usr/lib/exstreamtv/plugins/ || fail "the shipped plugins are not the packaged ones"
  ours doctor || fail "the doctor finds a fault"
  for path in /usr/share/man/man1/exstreamtv.1.gz /usr/share/man/man5/exstreamtv.toml.5.gz /usr/share/man/man7/exstreamtv-plugin.7.gz; do
    # minbase leaves documents out where it is told to; then the list of the package has to do
    dpkg -L exstreamtv | grep -qx $path || fail "no $path"
  done
  bash -n /usr/share/bash-completion/completions/exstreamtv || fail "bash cannot read the completions"
  say "installed"
  ;;
serve)
  start 127.0.0.1:8411
  say "serving, without media"
  as_user mkdir -p $data/media/Demo
  for clip in one two; do
    # Finished elsewhere on the same disk, as a copy in progress is nothing to be read.
    as_user ffmpeg -nostdin -v error -f lavfi -i testsrc2=s=320x180:r=25:d=20 -f lavfi -i "sine=440:d=20" -c:v libx264 -preset ultrafast \
      -c:a aac -shortest -f matroska $data/$clip.draft
    as_user mv $data/$clip.draft "$data/media/Demo/Clip $clip.mkv"
  done
  until_it "a channel from the folder" m3u_has_a_channel 127.0.0.1:8411
  watch 127.0.0.1:8411
  ours backup create >/dev/null || fail "no backup of a running server"
  stop
  say "two clips are a channel, and ffprobe reads it"
  ;;
old)
  sed -i 's/^#listen = .*/listen = "127.0.0.1:8412" # edited/' $config
  # What the version before knew; the next start has to bring it up to date.
  db=$data/exstreamtv.db
  as_user sqlite3 $db "drop table database_checks; delete from _sqlx_migrations where version = 8;" || fail "the database cannot be made older"
  ours doctor 2>&1 | grep -q "brings its tables from version 7" || fail "the database is not an older one: $(ours doctor)"
  ours backup list --json | grep -c '"id"' >/tmp/backups-before
  ;;
upgraded)
  grep -q '# edited' $config || fail "the edited configuration is lost"
  [ "$(dpkg-query -W -f '${Version}' exstreamtv)" = 0.1.0-2 ] || fail "this is not the second version"
  start 127.0.0.1:8412
  m3u_has_a_channel 127.0.0.1:8412 || fail "the channel is lost"
  watch 127.0.0.1:8412
  stop
  [ "$(ours backup list --json | grep -c '"id"')" -gt "$(cat /tmp/backups-before)" ] || fail "no backup before the update of the tables"
  ours doctor | grep "database" | grep -q whole || fail "the database is not whole"
  say "upgraded: the configuration is kept, the database backed up and brought up to date"
  ;;
removed)
  [ ! -e /usr/bin/exstreamtv ] || fail "the program is still there"
  grep -q '# edited' $config || fail "removing takes the configuration away"
  [ -s $data/exstreamtv.db ] && [ -s "$data/media/Demo/Clip one.mkv" ] || fail "removing takes data away"
  say "removed"
  ;;
purged)
  [ ! -e /etc/exstreamtv ] || fail "the configuration is still there"
  [ ! -e /var/cache/exstreamtv ] || fail "the cache is still there"
  [ -s $data/exstreamtv.db ] && [ -s "$data/media/Demo/Clip one.mkv" ] || fail "purging takes data away that nobody gave up"
  id exstreamtv >/dev/null || fail "the user is gone, and its files are nobody's"
  say "purged"
  ;;
systemd)
  # Whether it is there is asked of systemd now, and not of a process of ours.
  server=1
  is() { [ "$(systemctl show -p "$1" --value "$2")" = "$3" ] || fail "$2: $1 is $(systemctl show -p "$1" --value "$2"), not $3"; }
  ffmpegs() { pgrep -u exstreamtv -x ffmpeg; }
  watched() {
    # A viewer who stays while somebody looks.
    curl -fsS --no-buffer "http://127.0.0.1:8411/iptv/channel/1.ts" >/dev/null 2>&1 &
    viewer=$!
    until_it "an FFmpeg for the viewer" ffmpegs
  }
  is ActiveState exstreamtv.service active
  systemctl show -p StatusText --value exstreamtv.service | grep -q "serving at http://127.0.0.1:8411" || fail "the status says nothing"
  say "systemd heard that the server is ready"
  as_user mkdir -p $data/media/Demo
  clip() {
    as_user ffmpeg -nostdin -v error -f lavfi -i testsrc2=s=320x180:r=25:d=20 -f lavfi -i "sine=440:d=20" -c:v libx264 -preset ultrafast \
      -c:a aac -shortest -f matroska $data/clip.draft
    as_user mv $data/clip.draft "$data/media/Demo/Clip $1.mkv"
  }
  clip one
  clip two
  until_it "a channel from the folder" m3u_has_a_channel 127.0.0.1:8411
  watch 127.0.0.1:8411
  say "two clips are a channel, and ffprobe reads it, behind the walls of the unit"
  journalctl -u exstreamtv --no-pager >/tmp/journal
  ! grep -q "not isolated" /tmp/journal || fail "the unit keeps the worker from walling FFmpeg in"

  sed -i 's/^#nice = .*/nice = 7/' $config
  systemctl restart exstreamtv
  until_it "an answer" curl -fsS http://127.0.0.1:8411/health/ready
  watched
  pid=$(ffmpegs | head -1)
  [ "$(ps -o ni= -p "$pid" | tr -d ' ')" = 7 ] || fail "FFmpeg does not step back: $(ps -o pid,ni,args -p "$pid")"
  grep -q '^NoNewPrivs:.*1' "/proc/$pid/status" || fail "FFmpeg may gain rights"
  kill $viewer
  systemctl reload exstreamtv
  # The signal is on its way when systemctl comes back.
  reloaded() { journalctl -u exstreamtv --no-pager | grep -q "configuration reloaded" && systemctl is-active exstreamtv; }
  until_it "the configuration read again" reloaded
  say "it steps back, and reloads"

  printf '[server]\nlisten = "127.0.0.1:8412"\n' >/etc/exstreamtv/kids.toml
  systemctl start exstreamtv@kids
  curl -fsS http://127.0.0.1:8412/health/live >/dev/null || fail "the second instance does not answer"
  [ -s $data/kids/exstreamtv.db ] || fail "the second instance has no data of its own"
  systemctl stop exstreamtv@kids
  is Result exstreamtv@kids.service success
  say "a second instance comes and goes"

  # Who hangs shows no sign of life, and is started again.
  kill -STOP "$(systemctl show -p MainPID --value exstreamtv)"
  restarted() { [ "$(systemctl show -p NRestarts --value exstreamtv)" = 1 ] && curl -fsS http://127.0.0.1:8411/health/live; }
  until_it "a new start after the watchdog" restarted
  say "the watchdog has a server that hangs started again"

  watched
  systemctl stop exstreamtv
  is ActiveState exstreamtv.service inactive
  is Result exstreamtv.service success
  ! pgrep -u exstreamtv || fail "something is left: $(pgrep -u exstreamtv -a)"
  say "stopped, and nothing is left"
  ;;
esac
