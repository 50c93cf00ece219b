# What people type. Everything works from a clean clone on Debian or macOS with Rust, git and make.
#
#   make run [MEDIA=~/Videos] [LISTEN=127.0.0.1:8411]   watch a folder as television; without MEDIA a demo
#   make test                                           everything that a change must pass
#   make check                                          the same without the end-to-end tests
#   make chaos                                          everything that can go wrong behind a channel, for about half an hour
#   make heal-bench                                     what the healer makes of every fault, and what a channel loses with and without it
#   make test-players                                   mpv, VLC and GStreamer against a running server
#   make deb, deb-test, deb-test-systemd                packages of Debian; their life in a chroot; the service under a systemd that boots
#   make deb-reproducible                               builds them in another folder, too, and compares
#   make dist [VENDOR=1]                                the release's tarballs and SHA256SUMS
#   make deny                                           licences and sources of what we build with
#   make bench                                          the numbers of ARCHITECTURE.md, as ratios
#   make clean-demo                                     forgets the demo library and its data

MEDIA  ?=
LISTEN ?= 127.0.0.1:8411
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
CARGO  ?= cargo

# $(call need,COMMAND,DEBIAN PACKAGE,BREW PACKAGE): installs a tool that is missing, and says what it does.
define need
	@command -v $(1) >/dev/null 2>&1 || { \
	  echo "installing $(2), because $(1) is missing"; \
	  if command -v apt-get >/dev/null 2>&1; then \
	    $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2); \
	  elif command -v brew >/dev/null 2>&1; then brew install $(3); \
	  else echo "please install $(2) yourself: there is neither apt-get nor brew here" >&2; exit 1; fi; }
endef

.PHONY: deb deb-lint deb-test deb-test-systemd deb-reproducible dist deny deb-tools run test check chaos heal-bench test-players bench clean-demo ffmpeg test-tools player-tools binaries

run: ffmpeg
	$(CARGO) build --locked --release -p exstreamtv -p exstreamtv-worker -p exstreamtv-shipped
	@sh tests/run.sh "$(MEDIA)" "$(LISTEN)"

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --locked --workspace --exclude exstreamtv-tests
	$(CARGO) test --locked -p exstreamtv-tests --lib --test house

# nextest runs the encoders one at a time (.config/nextest.toml); plain cargo is told so by hand.
test: test-tools
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) build --locked --workspace
	@if command -v cargo-nextest >/dev/null 2>&1; then \
	  set -x; $(CARGO) nextest run --locked --workspace && $(CARGO) test --locked --workspace --doc; \
	else \
	  set -x; $(CARGO) test --locked --workspace --exclude exstreamtv-tests && $(CARGO) test --locked -p exstreamtv-tests -- --test-threads=1; \
	fi

# The long form: every test of the suite, and 1,000 restarts where `make test` makes 25.
chaos: test-tools
	$(CARGO) build --locked --workspace
	@if command -v cargo-nextest >/dev/null 2>&1; then \
	  set -x; EXSTREAMTV_CHAOS=full $(CARGO) nextest run --locked -p exstreamtv-tests --test chaos --run-ignored all; \
	else \
	  set -x; EXSTREAMTV_CHAOS=full $(CARGO) test --locked -p exstreamtv-tests --test chaos -- --include-ignored --test-threads=1; \
	fi

# Every fault for up to a few minutes, then four minutes of mixed faults with the healer off and on; EXSTREAMTV_HEAL_MINUTES=30 is the long form,
# EXSTREAMTV_HEAL_FAULTS=words takes only faults whose names hold them.
heal-bench: test-tools
	$(CARGO) build --locked --workspace
	target/debug/heal_bench

test-players: player-tools test-tools
	$(CARGO) build --locked --workspace
	@bash tests/players.sh target/debug/exstreamtv

bench: ffmpeg
	$(CARGO) build --locked --release --workspace
	target/release/bench
	$(CARGO) bench --locked -p exstreamtv-transport
	$(CARGO) bench --locked -p exstreamtv-schedulers --bench plan --bench time_slots
	$(CARGO) bench --locked -p exstreamtv --bench plan

deb: deb-tools
	rm -rf target/debian
	sh packaging/stage.sh
	sh packaging/pack.sh
	@$(MAKE) --no-print-directory deb-lint

deb-lint:
	lintian --info --pedantic --tag-display-limit 0 --fail-on error,warning target/debian/*.deb

# The same program as an upgrade: what the package does is looked at, not what the program does.
deb-test: deb
	$(call need,mmdebstrap,mmdebstrap,)
	sh packaging/pack.sh 0.1.0-2 target/deb-test/upgrade
	sh packaging/pack.sh # cargo-deb keeps one version in its folder
	$(SUDO) sh packaging/deb_test.sh target/debian/exstreamtv_*.deb target/deb-test/upgrade/exstreamtv_*.deb

# The service under a real systemd, in a container that boots.
deb-test-systemd: deb
	$(call need,mmdebstrap,mmdebstrap,)
	$(call need,systemd-nspawn,systemd-container,)
	$(SUDO) sh packaging/deb_systemd_test.sh target/debian/exstreamtv_*.deb

deb-reproducible: deb
	sh packaging/reproducible.sh

dist:
	VENDOR=$(VENDOR) sh packaging/dist.sh

deny:
	@cargo deny --version >/dev/null 2>&1 || { echo "cargo-deny is missing: cargo install cargo-deny --locked" >&2; exit 1; }
	$(CARGO) deny --offline check licenses bans sources

clean-demo:
	rm -rf demo data/demo

binaries:
	$(CARGO) build --locked --workspace

ffmpeg:
	$(call need,ffmpeg,ffmpeg,ffmpeg)

# xmllint and sqlite3 are part of macOS; tv_validate_file and faketime are for Linux, and their tests say so when they are missing.
test-tools: ffmpeg
	$(call need,c++,g++,gcc)
	$(call need,xmllint,libxml2-utils,libxml2)
	$(call need,sqlite3,sqlite3,sqlite)
	$(call need,ruby,ruby,ruby)
	$(call need,mandoc,mandoc,mandoc)
	@[ "$$(uname)" = Darwin ] || command -v tv_validate_file >/dev/null 2>&1 || $(MAKE) --no-print-directory xmltv
	@[ "$$(uname)" = Darwin ] || command -v faketime >/dev/null 2>&1 || $(MAKE) --no-print-directory faketime
	@[ "$$(uname)" = Darwin ] || [ -f /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || $(MAKE) --no-print-directory fonts

.PHONY: xmltv faketime fonts
xmltv:
	$(call need,tv_validate_file,xmltv-util,)
faketime:
	$(call need,faketime,faketime,)
fonts:
	$(call need,no-font,fonts-dejavu-core,)

deb-tools:
	@cargo deb --version >/dev/null 2>&1 || { echo "cargo-deb is missing: cargo install cargo-deb --locked" >&2; exit 1; }
	$(call need,lintian,lintian,)
	$(call need,dpkg-shlibdeps,dpkg-dev,)

player-tools:
	$(call need,curl,curl,curl)
	$(call need,mpv,mpv,mpv)
	$(call need,cvlc,vlc-bin vlc-plugin-base,--cask vlc)
	$(call need,gst-launch-1.0,gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav,gstreamer)
