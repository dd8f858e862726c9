#include "ai/child_transport.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "ai/answer_decoder.h"
#include "base/assert.h"
#include "base/logging.h"
#include "loop/uv_loop.h"

namespace colloquium::ai {
namespace {

constexpr char kArea[] = "ai";
constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kStraysLogged = 3;  // in a row

loop::ChildSettings child_settings(const AiProgram& program) {
  return {program.command, program.directory, program.environment};
}

// Behind the id, on one line: between tokens a line break says what a space does, and inside of texts there is
// none.
std::string line_of(AiTransport::Number number, std::string_view body) {
  ASSERT_WHY(body.starts_with('{'), "requests are objects");
  std::string line = "{\"id\":" + std::to_string(number) + ",";
  line += body.substr(1);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  line += '\n';
  return line;
}

bool is_there(const std::optional<json::ValueView>& value) {
  return value && value->type() != TokenType::kNull;
}

// As whom HTTP would have refused.
int status_of(const std::optional<json::ValueView>& failure) {
  struct Row {
    std::string_view kind;
    int status;
  };
  constexpr std::array kRows = {Row{"caller", 400}, Row{"key", 401}, Row{"quota", 402}, Row{"throttled", 429}};
  std::string scratch;
  const auto kind = JsonReader::text(JsonReader::member(failure, "kind"), scratch);
  const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& each) { return kind == each.kind; });
  return row == kRows.end() ? 503 : row->status;
}

}  // namespace

ChildTransport::ChildTransport(loop::UvLoop& loop, const Clock& clock, Random& random, std::string name,
                               AiProgram program)
    : loop_(loop),
      clock_(clock),
      program_(std::move(program)),
      name_(std::move(name)),
      child_(loop, clock, {kArea, name_}, child_settings(program_),
             {program_.restart_initial_ms, program_.restart_max_ms, &random},
             {[this](std::string_view bytes) { has_output(bytes); }, [this] { write_waiting(); },
              [this](loop::ChildExit exit) { has_ended(exit); },
              [this](const Error& error) { is_missing(error.message); }}) {}

// --- to the program

AiTransport::Number ChildTransport::send(AiHttpRequest request, int64_t connect_timeout_ms, AiSending sending) {
  LOOP_ASSERT(loop_);
  const Number number = ++last_;
  Call& call = calls_[number];
  call.sending = std::make_shared<AiSending>(std::move(sending));
  call.line = std::make_shared<const std::string>(line_of(number, request.body));
  auto* const child = child_.child();
  if (call.line->size() > kLineBytesMax || (child != nullptr && child->unwritten_bytes() > kUnwrittenBytesMax)) {
    const std::string why = call.line->size() > kLineBytesMax
                                ? "' was not asked: the request is larger than 16 MiB"
                                : "' takes nothing, and 64 MiB wait for it already";
    (void)loop_.post(alive_.guard([this, number, why] { fail_call(number, "'" + program_.command[0] + why); }));
    return number;
  }
  if (child != nullptr && why_killed_.empty()) {
    write(number, call);
    return number;
  }
  call.connecting = loop_.start_timer(std::max<int64_t>(connect_timeout_ms, 1), [this, number] {
    fail_call(number, "no program could be asked in time: " + away_);
  });
  if (!std::exchange(started_, true)) (void)loop_.post(alive_.guard([this] { start(); }));
  return number;
}

void ChildTransport::start() {
  if (closing_) return;
  const Status started = child_.start();
  if (started) return;
  child_.restart_later(started.error().message);
  is_missing(started.error().message);
}

void ChildTransport::write_waiting() {
  rest_.clear();
  strays_ = unwanted_bytes_ = 0;
  for (auto& [number, call] : calls_) {
    if (call.line != nullptr && why_killed_.empty()) write(number, call);
  }
}

void ChildTransport::write(Number number, Call& call) {
  *call.sending->sent = true;
  call.connecting = nullptr;
  // A pipe that breaks is the program's end, and told as that.
  child_.child()->write(std::exchange(call.line, nullptr), [](bool) {});
  if (owed_.empty()) heard_ns_ = clock_.monotonic_ns();
  owed_.insert(number);
  if (owed_.size() > kOwedMax) return kill("it owes the ends of 10,000 requests; each has to have its last line");
  if (watch_ == nullptr) watch();
}

void ChildTransport::cancel(Number number) {
  LOOP_ASSERT(loop_);
  if (calls_.erase(number) == 0 || !owed_.contains(number) || child_.child() == nullptr) return;
  child_.child()->write(
      std::make_shared<const std::string>("{\"id\":" + std::to_string(number) + ",\"cancel\":true}\n"),
      [](bool) {});
}

// --- from the program

void ChildTransport::has_output(std::string_view bytes) {
  while (!bytes.empty() && why_killed_.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (rest_.size() + part.size() > kLineBytesMax) return kill("it wrote a line of more than 16 MiB");
    rest_ += part;
    if (end == bytes.npos) return;
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(rest_, {});
    take_line(line);
  }
}

void ChildTransport::take_line(std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return;
  const auto root = reader_.read(line);
  const auto id = root && root->type() == TokenType::kObject ? JsonReader::integer(JsonReader::member(root, "id"))
                                                             : std::nullopt;
  if (!id || *id < 1 || static_cast<Number>(*id) > last_) return stray(line);
  strays_ = 0;
  heard_ns_ = clock_.monotonic_ns();
  deliver(static_cast<Number>(*id), line, root);
}

void ChildTransport::deliver(Number number, std::string_view line, const std::optional<json::ValueView>& root) {
  const auto failure = JsonReader::member(root, "failure");
  const bool fails = is_there(failure);
  const bool ends = fails || is_there(JsonReader::member(root, "finish"));
  if (ends) owed_.erase(number);
  const auto call = calls_.find(number);
  // One that waits has not been asked: no program knows its number by right.
  if (call == calls_.end() || call->second.line != nullptr) return unwanted(line.size());
  unwanted_bytes_ = 0;
  const auto sending = call->second.sending;
  // Whoever is told may cancel it.
  if (!std::exchange(call->second.has_head, true)) {
    sending->head({fails ? status_of(failure) : 200, {{"Content-Type", "application/x-ndjson"}}});
  }
  if (calls_.contains(number)) sending->bytes(line);
  if (calls_.contains(number)) sending->bytes("\n");
  if (ends && calls_.erase(number) > 0) sending->done({});
}

void ChildTransport::unwanted(size_t bytes) {
  unwanted_bytes_ += bytes;
  if (unwanted_bytes_ > kUnwantedBytesMax) kill("it goes on with what was cancelled; it has to obey `cancel`");
}

void ChildTransport::stray(std::string_view line) {
  if (++strays_ <= kStraysLogged) {
    log_warning(
        kArea,
        "a line that is no answer is left out; each has to be a JSON object with the `id` of a request, and "
        "anything else belongs on the standard error",
        {{"component", name_}, {"line", std::string(quoted(line))}});
  }
  if (strays_ >= kStrayLinesMax) kill("it wrote 100 lines in a row that are no answers");
}

// --- its end

void ChildTransport::kill(std::string why) {
  if (!why_killed_.empty() || child_.child() == nullptr) return;
  why_killed_ = std::move(why);
  child_.child()->signal(SIGKILL);
}

void ChildTransport::has_ended(loop::ChildExit exit) {
  const std::string killed = std::exchange(why_killed_, {});
  away_ = "'" + program_.command[0] + "' " +
          (killed.empty() ? "ended with " + exit.describe() : "was killed: " + killed);
  child_.restart_later(away_);
  rest_.clear();
  owed_.clear();
  watch_ = nullptr;
  std::vector<Number> lost;
  for (const auto& [number, call] : calls_) {
    if (call.line == nullptr) lost.push_back(number);
  }
  for (const Number number : lost) fail_call(number, away_);
}

void ChildTransport::is_missing(const std::string& why) {
  away_ = why;
  std::vector<Number> waiting;
  for (const auto& [number, call] : calls_) waiting.push_back(number);
  for (const Number number : waiting) fail_call(number, why);
}

void ChildTransport::fail_call(Number number, const std::string& why) {
  const auto call = calls_.find(number);
  if (call == calls_.end()) return;
  const Call gone = std::move(call->second);
  calls_.erase(call);
  gone.sending->done(fail(ErrorCode::kUnavailable, why, {}, true));
}

void ChildTransport::watch() {
  const int64_t left_ns = heard_ns_ + program_.stall_ms * kNsPerMs - clock_.monotonic_ns();
  watch_ = loop_.start_timer(std::max<int64_t>((left_ns + kNsPerMs - 1) / kNsPerMs, 1), [this] {
    const auto fired = std::move(watch_);
    if (owed_.empty()) return;
    if (clock_.monotonic_ns() - heard_ns_ < program_.stall_ms * kNsPerMs) return watch();
    kill("it was asked and said nothing for " + std::to_string(program_.stall_ms) +
         " ms; if it needs longer, raise `stall_timeout`");
  });
}

void ChildTransport::close(Task closed) {
  LOOP_ASSERT(loop_);
  ASSERT_WHY(calls_.empty(), "whoever asks is gone by then");
  closing_ = true;
  watch_ = nullptr;
  child_.stop(false, program_.stop_ms, std::move(closed));
}

}  // namespace colloquium::ai
