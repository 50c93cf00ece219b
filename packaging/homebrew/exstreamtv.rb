# Formula of EXStreamTV for a tap of its own: `brew tap exstreamtv/tap`, `brew install exstreamtv`.
# `make dist` prints the tarball's checksum; a release puts it here.
class Exstreamtv < Formula
  desc "Turns folders of videos into live TV channels"
  homepage "https://github.com/exstreamtv/exstreamtv"
  url "https://github.com/exstreamtv/exstreamtv/releases/download/v0.1.0/exstreamtv-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license any_of: ["MIT", "Apache-2.0"]
  head "https://github.com/exstreamtv/exstreamtv.git", branch: "main"

  livecheck do
    url :stable
    strategy :github_latest
  end

  depends_on "rust" => :build
  depends_on "ffmpeg"

  def install
    system "cargo", "install", *std_cargo_args(path: "host")
    # Nobody types the worker.
    system "cargo", "install", *std_cargo_args(path: "worker", root: libexec/"build")
    (libexec/"exstreamtv").install libexec/"build/bin/exstreamtv-worker"
    rm_r libexec/"build"

    system "cargo", "build", "--release", "--locked", "--package", "exstreamtv-shipped"
    plugins = lib/"exstreamtv/plugins"
    plugins.install "target/release/#{shared_library("libexstreamtv_shipped")}"
    plugins.install "plugins/shipped/exstreamtv_shipped.plugin.toml"

    include.install "plugins/api/include/exstreamtv_plugin.h"
    pkgshare.install "plugins/schema", "hwprofiles"
    doc.install "OPERATING.md"
    pkgetc.install "packaging/config/exstreamtv.toml" => "exstreamtv.toml"

    generate_completions_from_executable(bin/"exstreamtv", "completions")
    system bin/"exstreamtv", "man", buildpath/"man"
    man1.install "man/exstreamtv.1"
    man5.install "man/exstreamtv.toml.5"
    man7.install "man/exstreamtv-plugin.7"
  end

  post_install_steps do
    mkdir_p var/"exstreamtv/media"
  end

  def caveats
    <<~EOS
      Put videos into #{var}/exstreamtv/media, or name other folders in
      #{etc}/exstreamtv/exstreamtv.toml ([library] folders).
    EOS
  end

  service do
    run [opt_bin/"exstreamtv", "serve", "--config", etc/"exstreamtv/exstreamtv.toml",
         "--data-dir", var/"exstreamtv", "--media", var/"exstreamtv/media"]
    keep_alive crashed: true
    working_dir var
    log_path var/"log/exstreamtv.log"
    error_log_path var/"log/exstreamtv.log"
    # launchd hands over no PATH, and FFmpeg is looked for there.
    environment_variables PATH: std_service_path_env
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/exstreamtv --version")
    system bin/"exstreamtv", "config", "check", "--config", pkgetc/"exstreamtv.toml"
    system bin/"exstreamtv", "plugin", "check", lib/"exstreamtv/plugins"/shared_library("libexstreamtv_shipped")

    media = testpath/"media/Demo"
    media.mkpath
    system Formula["ffmpeg"].opt_bin/"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=5",
           "-c:v", "mpeg4", media/"Clip.mkv"
    port = free_port
    server = spawn bin/"exstreamtv", "serve", "--data-dir", testpath/"data", "--media", testpath/"media",
                   "--listen", "127.0.0.1:#{port}"
    begin
      list = shell_output("curl --silent --fail --retry 30 --retry-connrefused --retry-delay 1 " \
                          "http://127.0.0.1:#{port}/iptv/channels.m3u")
      assert_match "#EXTM3U", list
    ensure
      Process.kill "TERM", server
      Process.wait server
    end
  end
end
