# Evaluates the formula without brew, and says which stanza is missing or wrong.
#
#   ruby packaging/homebrew/check.rb [FORMULA] [VERSION]
#
# It knows as much of brew's language as the formula speaks. `brew style`, `brew audit --strict --new` and `brew test` on a Mac know more.

require "pathname"

FAULTS = []
def fault(text) = FAULTS << text
def expect(truth, text) = truth || fault(text)

# Notes what is said to it, in order.
class Notes
  attr_reader :said

  def initialize(&block)
    @said = {}
    instance_eval(&block) if block
  end

  def method_missing(name, *words, **more, &block)
    @said[name] = words.empty? && more.empty? ? (block ? Notes.new(&block).said : true) : [*words, *(more.empty? ? [] : [more])]
    self
  end

  def respond_to_missing?(*) = true
end

# A folder of brew: `opt_bin/"x"` is one below it.
FOLDERS = %i[bin opt_bin etc var lib libexec include pkgshare pkgetc doc man1 man5 man7 prefix buildpath testpath].freeze
class Notes
  FOLDERS.each { |name| define_method(name) { Pathname.new("/#{name}") } }
  def std_service_path_env = "PATH"
  def mkdir_p(path) = @said[:mkdir_p] = [path]
end

class Formula
  STANZAS = {}
  BLOCKS = {}
  METHODS = []
  class << self
    %i[desc homepage url sha256 license head version revision].each do |name|
      define_method(name) { |*words, **more| STANZAS[name] = [*words, *(more.empty? ? [] : [more])] }
    end

    def depends_on(what) = (STANZAS[:depends_on] ||= []) << what
    %i[livecheck service post_install_steps].each { |name| define_method(name) { |&block| BLOCKS[name] = Notes.new(&block).said } }
    def test(&block) = BLOCKS[:test] = block
    def method_added(name) = METHODS << name
  end
end

file = ARGV[0] || File.join(__dir__, "exstreamtv.rb")
source = File.read(file)
load file

stanza = Formula::STANZAS
blocks = Formula::BLOCKS
expect(Object.const_defined?(:Exstreamtv), "the class is not named after the file")
expect(stanza[:desc]&.first.to_s.length.between?(10, 80), "desc has 10 to 80 characters")
expect(stanza[:desc]&.first.to_s !~ /\A(an?|the|exstreamtv)\b|\.\z/i, "desc begins with no article and no name, and ends without a full stop")
expect(stanza[:homepage]&.first.to_s.start_with?("https://"), "homepage is https")
expect(stanza[:url]&.first.to_s =~ %r{\Ahttps://.*\.tar\.gz\z}, "url is a tarball by https")
expect(stanza[:url]&.first.to_s.scan(ARGV[1]).length == 2, "url does not carry version #{ARGV[1]} twice") if ARGV[1]
expect(stanza[:sha256]&.first.to_s =~ /\A\h{64}\z/, "sha256 has 64 digits")
expect(stanza[:license] == [{ any_of: ["MIT", "Apache-2.0"] }], "license is MIT or Apache-2.0")
expect(stanza[:head]&.last == { branch: "main" }, "head names its branch")
expect(stanza[:depends_on]&.include?({ "rust" => :build }), "rust is needed to build")
expect(stanza[:depends_on]&.include?("ffmpeg"), "ffmpeg is needed to run")
expect(blocks[:livecheck] == { url: [:stable], strategy: [:github_latest] }, "livecheck follows the latest release")
service = blocks[:service] || {}
run = Array(service[:run]&.first).map(&:to_s)
expect(run.first(2) == ["/opt_bin/exstreamtv", "serve"], "the service runs opt_bin/exstreamtv serve")
expect(run.include?("/etc/exstreamtv/exstreamtv.toml"), "the service reads the configuration in etc")
expect(run.any? { |word| word.start_with?("/var/") }, "the service keeps its data in var")
expect(service[:keep_alive] == [{ crashed: true }], "the service is started again after a crash, and only then")
expect(service[:environment_variables] == [{ PATH: "PATH" }], "the service gets a PATH in which FFmpeg is found")
expect(service[:log_path], "the service has a log")
expect(blocks[:post_install_steps], "the folder for media is made by post_install_steps")
expect(Formula::METHODS.include?(:install), "there is no install")
expect(!Formula::METHODS.include?(:post_install), "post_install is of the past")
expect(source.scan("std_cargo_args(").length >= 1, "cargo install gets std_cargo_args")
expect(source.include?("generate_completions_from_executable(bin/\"exstreamtv\", \"completions\")"), "completions are not made")
tested = source[/^  test do\n.*?^  end\n/m].to_s
{ "--version" => "version", "free_port" => "a free port", "channels.m3u" => "the M3U", "\"plugin\", \"check\"" => "plugin check",
  "\"config\", \"check\"" => "config check" }.each { |text, what| expect(tested.include?(text), "the test does not look at #{what}") }
order = %w[desc homepage url sha256 license head livecheck depends_on].map { |name| source =~ /^  #{name}\b/ }
expect(order.all? && order == order.sort, "stanzas are not in brew's order")
long = source.lines.each_with_index.select { |line, _| line.chomp.length > 118 }.map { |_, index| index + 1 }
expect(long.empty?, "lines #{long} are longer than 118 characters")

FAULTS.each { |text| warn "#{file}: #{text}" }
exit FAULTS.empty?
