#include "components/generate/generate_source.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "base/logging.h"
#include "config/problems.h"
#include "config/yaml.h"
#include "metrics/source_drops.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "generate";
constexpr size_t kBodyBytes = size_t{1} << 20;
constexpr uint64_t kBodyEvents = 16'384;
constexpr size_t kMaxAtDoor = 4;
constexpr int64_t kPoolFullMs = 10;
// Events that are due within this time come together.
constexpr int64_t kTickMs = 10;
// What a slow pipeline did not take in this time is not made up for.
constexpr double kMostBehindS = 1;
// More than can be at the door and not yet known to the cursor that is stored.
constexpr int64_t kPositionGap = int64_t{1} << 30;

// "2026-01-31T12:00:00Z".
std::optional<int64_t> parse_start(const std::string& text) {
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text[19] != 'Z') {
    return std::nullopt;
  }
  int part[6] = {};
  constexpr std::pair<size_t, size_t> kPlaces[6] = {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}};
  for (size_t i = 0; i < 6; ++i) {
    const char* begin = text.data() + kPlaces[i].first;
    const auto [end, failed] = std::from_chars(begin, begin + kPlaces[i].second, part[i]);
    if (failed != std::errc() || end != begin + kPlaces[i].second) return std::nullopt;
  }
  const auto day = std::chrono::year(part[0]) / part[1] / part[2];
  if (!day.ok() || part[3] > 23 || part[4] > 59 || part[5] > 59) return std::nullopt;
  const int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return (((days * 24 + part[3]) * 60 + part[4]) * 60 + part[5]) * 1000;
}

double pace_of(const GenerateConfig& config) {
  return config.interval.ms > 0 ? 1000.0 / static_cast<double>(config.interval.ms) : config.rate;
}

ConfigNode sample_template() {
  ConfigProblems problems;
  auto node = config::load_yaml(kSampleTemplate, "sample", problems);
  ASSERT(node && problems.empty());
  return std::move(*node);
}

ParsedConfig parse(const ConfigSpec<GenerateConfig>& spec, const ConfigNode& node, ConfigProblems& problems) {
  auto settings = std::make_shared<GenerateSettings>();
  settings->config = spec.read(node, kComponent, problems);
  const GenerateConfig& config = settings->config;
  const bool given = config.event_template.mark.line > 0;
  settings->event_template = EventTemplate::compile(given ? config.event_template : sample_template(), problems);
  settings->events_per_s = pace_of(config);
  const auto start = parse_start(config.start_time);
  if (!start)
    config::refuse(node, "start_time", "start_time is a time in UTC, such as 2026-01-31T12:00:00Z", problems);
  settings->start_ms = start.value_or(0);
  if (!(config.rate >= 0) || config.rate > 1e9) {
    config::refuse(node, "rate", "rate is a number of events a second, at most 1000000000; 0 is without limit",
                   problems);
  }
  const bool both = node.kind == ConfigNode::Kind::kMap && node.find("rate") != nullptr && config.interval.ms > 0;
  if (both)
    config::refuse(node, "interval", "rate and interval say the same thing in two ways; give one of them",
                   problems);
  if (config.overflow.policy != OverflowPolicy::kBlock && settings->events_per_s == 0) {
    config::refuse(node, "overflow", "with rate: 0 there are only as many as the pipeline takes, and none to drop",
                   problems);
  }
  return settings;
}

ConfigSpec<GenerateConfig> spec() {
  return ConfigSpec<GenerateConfig>()
      .field("template", &GenerateConfig::event_template,
             {.description = "The event: any value, whose strings may hold placeholders such as `{{int 1 100}}`. "
                             "Without it events are sample orders.",
              .example = "{id: '{{n}}', kind: '{{pick a|b}}'}"})
      .field("rate", &GenerateConfig::rate,
             {.description = "Events a second; 0: as many as the pipeline takes.", .example = "1000"})
      .field("interval", &GenerateConfig::interval,
             {.description = "The same the other way round: the time from one event to the next. 0: see `rate`.",
              .minimum = 0,
              .maximum = 86'400'000})
      .field("count", &GenerateConfig::count,
             {.description = "How many events; then the source has ended. 0: without end.", .minimum = 0})
      .field("seed", &GenerateConfig::seed,
             {.description = "Whatever chance decides follows from this number: another one, other events."})
      .field("overflow", &GenerateConfig::overflow, config::overflow_field())
      .field("start_time", &GenerateConfig::start_time,
             {.description =
                  "The `{{time}}` of event 0, in UTC. It is no clock's, so that the same seed gives the same "
                  "events."})
      .field("time_step", &GenerateConfig::time_step,
             {.description = "By how much `{{time}}` moves from one event to the next.",
              .minimum = 0,
              .maximum = 86'400'000});
}

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  return std::make_unique<GenerateSource>(std::move(context),
                                          std::static_pointer_cast<const GenerateSettings>(parsed));
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = "generate";
  d.summary = "Makes events from a template: mock data, the same for the same seed.";
  d.description =
      "Placeholders: `{{n}}` is the event's number from 0; `{{int MIN MAX}}`, `{{float MIN MAX [DECIMALS]}}`, "
      "`{{bool [PERCENT]}}`, `{{pick A|B|C}}`, `{{uuid}}`, `{{hex DIGITS}}`, `{{words [COUNT]}}`, "
      "`{{first_name}}`, "
      "`{{last_name}}`, `{{name}}`, `{{email}}`, `{{city}}`, `{{country}}`, `{{ipv4}}`; `{{time}}` and "
      "`{{time_ms}}` "
      "are `start_time` plus `n` times `time_step`. A string that is one placeholder and nothing else becomes "
      "what that "
      "gives, so `{{n}}` is a number; in the middle of text everything is text.\n\n"
      "Each event follows from template, seed and its number alone. After a restart the source goes on behind "
      "what was "
      "accepted; with `--from-start` it begins again at event 0. What the pipeline does not take in time is not "
      "made up for beyond one second's events; with `overflow` it is made all the same, and dropped.";
  d.input_trust = "Nothing comes in from outside.";
  d.guarantee = "Exactly once: the number of the next event is stored with the events.";
  d.examples = {
      {"A sample order every second", "generate: {}"},
      {"Ten thousand numbered events at once", "generate: {template: {n: '{{n}}'}, count: 10000, rate: 0}"},
      {"Sensors, a thousand values a second",
       "generate:\n  rate: 1000\n  time_step: 1ms\n  template:\n    sensor: 'sensor-{{int 1 50}}'\n    at: "
       "'{{time}}'\n"
       "    celsius: '{{float -10 40 1}}'\n    ok: '{{bool 99}}'"}};
  d.spec = spec().object();
  d.parse = [spec = spec()](const ConfigNode& node, ConfigProblems& problems) {
    return parse(spec, node, problems);
  };
  d.create_source = create;
  d.source_traits = [](const ParsedConfig& parsed) {
    return SourceTraits{.rereadable = true, .finite = config_of<GenerateSettings>(parsed).config.count > 0};
  };
  return d;
}

}  // namespace

const Descriptor& generate_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

std::string to_text(const GenerateCursor& cursor) {
  return "generate 1 " + std::to_string(cursor.next) + " " + std::to_string(cursor.position);
}

Result<GenerateCursor> generate_cursor_of(const std::string& text) {
  constexpr std::string_view kHead = "generate 1 ";
  GenerateCursor cursor;
  const char* const end = text.data() + text.size();
  if (text.starts_with(kHead)) {
    const auto next = std::from_chars(text.data() + kHead.size(), end, cursor.next);
    if (next.ec == std::errc() && next.ptr != end && *next.ptr == ' ') {
      const auto position = std::from_chars(next.ptr + 1, end, cursor.position);
      if (position.ec == std::errc() && position.ptr == end && cursor.position >= 0) return cursor;
    }
  }
  return fail(ErrorCode::kCorrupt, "the stored position is not one of a generate source: '" + text +
                                       "'; give the source another name, and it begins anew");
}

// What the pool works on.
struct GenerateSource::Making {
  void run() {
    auto made = std::make_shared<std::string>();
    made->reserve(kBodyBytes + kBodyBytes / 8);
    const GenerateConfig& config = settings->config;
    const uint64_t end = at.next + most;
    for (; at.next < end && made->size() < kBodyBytes; ++at.next) {
      const int64_t time_ms = settings->start_ms + static_cast<int64_t>(at.next) * config.time_step.ms;
      settings->event_template.append(static_cast<uint64_t>(config.seed), {at.next, time_ms}, *made);
    }
    at.position += static_cast<int64_t>(made->size());
    lines = std::move(made);
  }

  std::shared_ptr<const GenerateSettings> settings;
  GenerateCursor at;
  uint64_t most = 0;
  std::shared_ptr<const std::string> lines;
};

GenerateSource::GenerateSource(SourceContext context, std::shared_ptr<const GenerateSettings> settings)
    : context_(std::move(context)),
      settings_(std::move(settings)),
      making_(std::make_shared<Making>()),
      queue_(context_.loop, context_.intake,
             {kComponent, context_.name, "", kMaxAtDoor, settings_->config.overflow.value()}, [this] { pump(); }) {
  making_->settings = settings_;
}

GenerateSource::~GenerateSource() {
  ASSERT_WHY(!is_making_, "close() waits for the body being made");
}

Status GenerateSource::start(std::string cursor) {
  LOOP_ASSERT(context_.loop);
  if (!cursor.empty()) {
    TRY_ASSIGN(at_, generate_cursor_of(cursor));
    // To the log a position below what it has is an event it has.
    if (context_.from_start) at_ = {0, at_.position + kPositionGap};
  }
  if (at_end()) {
    log_info(kComponent, "all events were made before; run with --from-start to make them again",
             {{"source", context_.name}, {"events", at_.next}});
  }
  drops_ = metrics::register_drops(context_, "generate_source", queue_);
  begun_number_ = at_.next;
  begun_s_ = static_cast<double>(context_.clock.monotonic_ns()) / 1e9;
  context_.loop.post(alive_.guard([this] { pump(); }));
  return {};
}

bool GenerateSource::at_end() const {
  return settings_->config.count > 0 && at_.next >= static_cast<uint64_t>(settings_->config.count);
}

void GenerateSource::pump() {
  if (stopped_ || finished_) return;
  if (at_end() && queue_.empty() && !is_making_) {
    finished_ = true;
    return context_.finished();
  }
  queue_.pump();
  make();
}

uint64_t GenerateSource::due() {
  if (settings_->events_per_s == 0) return kBodyEvents;
  const double now_s = static_cast<double>(context_.clock.monotonic_ns()) / 1e9;
  const double rate = settings_->events_per_s;
  const auto made = static_cast<double>(at_.next - begun_number_);
  const double wanted = std::floor((now_s - begun_s_) * rate) + 1;
  if (wanted > made) {
    const double most_behind = std::max(1.0, kMostBehindS * rate);
    if (wanted - made > most_behind) begun_s_ += (wanted - made - most_behind) / rate;
    return static_cast<uint64_t>(std::min({wanted - made, most_behind, static_cast<double>(kBodyEvents)}));
  }
  const double wait_ms = (begun_s_ + made / rate - now_s) * 1000;
  pace_timer_ =
      context_.loop.start_timer(std::max<int64_t>(kTickMs, static_cast<int64_t>(std::ceil(wait_ms))), [this] {
        const auto fired = std::move(pace_timer_);
        pump();
      });
  return 0;
}

void GenerateSource::make() {
  // Bounds memory while the door is slow: what is there, and one that waits.
  if (is_making_ || pace_timer_ != nullptr || at_end() || (!queue_.drops() && queue_.waiting() > 0)) return;
  uint64_t most = due();
  if (most == 0) return;
  if (settings_->config.count > 0) {
    most = std::min(most, static_cast<uint64_t>(settings_->config.count) - at_.next);
  }
  making_->at = at_;
  making_->most = most;
  is_making_ = context_.loop.offload([making = making_] { making->run(); }, [this] { has_made(); });
  if (is_making_) return;
  pace_timer_ = context_.loop.start_timer(kPoolFullMs, [this] {
    const auto fired = std::move(pace_timer_);
    pump();
  });
}

void GenerateSource::has_made() {
  LOOP_ASSERT(context_.loop);
  is_making_ = false;
  if (closed_) {
    context_.loop.post(std::move(closed_));
    return;
  }
  if (stopped_) return;
  RawBatch batch;
  batch.body = std::move(making_->lines);
  batch.format = BodyFormat::kNdjson;
  batch.bad_event = BadEventPolicy::kDeadLetter;
  batch.position = at_.position;
  at_ = making_->at;
  batch.cursor = to_text(at_);
  queue_.push(std::move(batch));
  pump();
}

void GenerateSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  stopped_ = true;
  queue_.stop();
  pace_timer_ = nullptr;
}

void GenerateSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  if (is_making_) {
    closed_ = std::move(closed);
  } else {
    context_.loop.post(std::move(closed));
  }
}

}  // namespace colloquium::components
