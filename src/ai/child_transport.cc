#include "ai/child_transport.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "ai/answer_decoder.h"
#include "base/assert.h"
#include "base/logging.h"
#include "base/secret_texts.h"
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

Error unavailable(const std::string& why) {
  return {ErrorCode::kUnavailable, why, true, {}};
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
             {[this](std::string_view bytes) { has_output(bytes); }, [this] { has_started(); },
              [this](loop::ChildExit exit) { has_ended(exit); },
              [this](const Error& error) { is_missing(error.message); }}) {}

// --- to the program

AiTransport::Number ChildTransport::send(AiHttpRequest request, int64_t connect_timeout_ms, AiSending sending) {
  LOOP_ASSERT(loop_);
  const Number number = ++last_;
  Call& call = calls_[number];
  call.sending = std::make_shared<AiSending>(std::move(sending));
  call.line = std::make_shared<const std::string>(line_of(number, request.body));
  call.connect_timeout_ms = std::max<int64_t>(connect_timeout_ms, 1);
  const bool too_large = call.line->size() > kLineBytesMax;
  if (too_large || waiting_bytes_ > kWaitingBytesMax) {
    const std::string why = too_large ? "' was not asked: the request is larger than 16 MiB"
                                      : "' takes nothing, and 64 MiB wait for it already";
    call.line = nullptr;
    // It will never be smaller.
    Error error{
        too_large ? ErrorCode::kLimit : ErrorCode::kUnavailable, "'" + program_.command[0] + why, !too_large, {}};
    (void)loop_.post(alive_.guard([this, number, error] { fail_call(number, error); }));
    return number;
  }
  waiting_.insert(number);
  waiting_bytes_ += call.line->size();
  if (child_.child() == nullptr || !why_killed_.empty()) await_program(number, call);
  write_next();
  if (!std::exchange(started_, true)) (void)loop_.post(alive_.guard([this] { start(); }));
  return number;
}

void ChildTransport::await_program(Number number, Call& call) {
  call.connecting = loop_.start_timer(call.connect_timeout_ms, [this, number] {
    fail_call(number, unavailable("no program could be asked in time: " + away_));
  });
}

void ChildTransport::start() {
  if (closing_) return;
  const Status started = child_.start();
  if (started) return;
  child_.restart_later(started.error().message);
  is_missing(started.error().message);
}

void ChildTransport::has_started() {
  rest_.clear();
  strays_ = unwanted_bytes_ = 0;
  for (const Number number : waiting_) calls_.at(number).connecting = nullptr;
  write_next();
}

bool ChildTransport::takes_lines() {
  const auto* const child = child_.child();
  return child != nullptr && !child->has_exited() && child->unwritten_bytes() == 0 && why_killed_.empty() &&
         !takes_nothing_;
}

// What is cancelled goes first: it makes room.
void ChildTransport::write_next() {
  while (takes_lines()) {
    if (!cancels_.empty()) {
      const Number number = cancels_.front();
      cancels_.pop_front();
      if (!owed_.contains(number)) continue;
      write(std::make_shared<const std::string>("{\"id\":" + std::to_string(number) + ",\"cancel\":true}\n"));
    } else if (!waiting_.empty()) {
      const Number number = *waiting_.begin();
      Call& call = calls_.at(number);
      auto line = call.line;
      has_sent(number, call);
      write(std::move(line));
    } else {
      return;
    }
  }
  // Of what it owes it may still tell; else nothing would ever come of it.
  if (takes_nothing_ && owed_.empty() && !waiting_.empty()) kill("it has closed its standard input");
}

// A pipe that breaks is mostly the program's end, which is told as that.
void ChildTransport::write(std::shared_ptr<const std::string> line) {
  const uint64_t run = runs_;
  child_.child()->write(std::move(line), alive_.guard([this, run](bool written) {
    if (run != runs_) return;
    takes_nothing_ = takes_nothing_ || !written;
    write_next();
  }));
}

void ChildTransport::has_sent(Number number, Call& call) {
  *call.sending->sent = true;
  take_out(number, call);
  call.line = nullptr;
  if (owed_.empty()) heard_ns_ = clock_.monotonic_ns();
  owed_.insert(number);
  if (owed_.size() > kOwedMax) return kill("it owes the ends of 10,000 requests; each has to have its last line");
  if (watch_ == nullptr) watch();
}

// Of those that wait.
void ChildTransport::take_out(Number number, const Call& call) {
  if (waiting_.erase(number) > 0) waiting_bytes_ -= call.line->size();
}

void ChildTransport::cancel(Number number) {
  LOOP_ASSERT(loop_);
  const auto call = calls_.find(number);
  if (call == calls_.end()) return;
  take_out(number, call->second);
  calls_.erase(call);
  if (!owed_.contains(number)) return;
  cancels_.push_back(number);
  write_next();
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
  if (takes_nothing_) write_next();
}

void ChildTransport::deliver(Number number, std::string_view line, const std::optional<json::ValueView>& root) {
  const auto failure = JsonReader::member(root, "failure");
  const bool fails = is_there(failure);
  const bool ends = fails || is_there(JsonReader::member(root, "finish"));
  if (ends) owed_.erase(number);
  const auto call = calls_.find(number);
  // One that waits has not been asked: no program knows its number by right.
  if (call == calls_.end() || !*call->second.sending->sent) return unwanted(line.size());
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
    std::vector<std::string_view> secrets;
    for (const auto& [name, value] : program_.environment) secrets.emplace_back(value);
    std::string shown(quoted(line));
    hide_secrets(shown, std::move(secrets));
    log_warning(
        kArea,
        "a line that is no answer is left out; each has to be a JSON object with the `id` of a request, and "
        "anything else belongs on the standard error",
        {{"component", name_}, {"line", shown}});
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
  cancels_.clear();
  ++runs_;
  takes_nothing_ = false;
  watch_ = nullptr;
  std::vector<Number> lost;
  for (auto& [number, call] : calls_) {
    if (*call.sending->sent) lost.push_back(number);
    if (waiting_.contains(number) && call.connecting == nullptr) await_program(number, call);
  }
  for (const Number number : lost) fail_call(number, unavailable(away_));
}

void ChildTransport::is_missing(const std::string& why) {
  away_ = why;
  const std::vector<Number> waiting(waiting_.begin(), waiting_.end());
  for (const Number number : waiting) fail_call(number, unavailable(why));
}

void ChildTransport::fail_call(Number number, Error why) {
  const auto call = calls_.find(number);
  if (call == calls_.end()) return;
  take_out(number, call->second);
  const Call gone = std::move(call->second);
  calls_.erase(call);
  gone.sending->done(fail(std::move(why)));
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
