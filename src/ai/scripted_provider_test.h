// A provider of models for tests, as small as one can be: its wire format is lines, and a transport plays what a
// script says of each request.
//
//   T some text     a piece of the answer          C 0 id name {"a":1}   a call of a tool
//   U 12 3          tokens so far: input, output   V 0.5 0.25            a vector
//   E               the end                        F throttled why       it has failed, whatever its status
//                                                  R throttled why       likewise, before it did anything
//
// Thread safety: one thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/ai_provider.h"
#include "colloquium/loop.h"

#include "ai/failures.h"
#include "ai/transport.h"

namespace colloquium::ai {

class LineDecoder final : public AiDecoder {
 public:
  void head(const AiHead& head, const AiTake&) override { head_ = head; }
  void bytes(std::string_view bytes, const AiTake& take) override {
    text_ += bytes;
    if (head_.status != 200) return;
    for (size_t at = text_.find('\n'); at != std::string::npos && !ended_; at = text_.find('\n')) {
      const std::string line = text_.substr(0, at);
      text_.erase(0, at + 1);
      read(line, take);
    }
  }
  void end(const AiTake& take) override {
    if (std::exchange(ended_, true)) return;
    AiFailure failure{head_.status == 200 ? AiFailureKind::kTransient : failure_kind(head_.status), "it broke off",
                      retry_after_ms(head_), head_.status};
    if (head_.status == 402) failure.kind = AiFailureKind::kQuota;
    take(failure);
  }

 private:
  void read(const std::string& line, const AiTake& take) {
    const std::string rest = line.size() > 2 ? line.substr(2) : "";
    std::istringstream words(rest);
    if (line[0] == 'T') take(AiTextDelta{rest});
    if (line[0] == 'C') {
      size_t index = 0;
      std::string id, name, arguments;
      words >> index >> id >> name >> arguments;
      take(AiToolCallDelta{index, id, name, arguments});
    }
    if (line[0] == 'V') {
      AiEmbedding embedding;
      for (float each = 0; words >> each;) embedding.vector.push_back(each);
      take(embedding);
    }
    if (line[0] == 'U') {
      int64_t input = 0, output = 0;
      words >> input >> output;
      AiUsage usage;
      usage.input = input;
      usage.output = output;
      take(usage);
    }
    const bool fails = line[0] == 'F' || line[0] == 'R';
    ended_ = line[0] == 'E' || fails;
    if (line[0] == 'E') take(AiFinished{AiFinish::kStop, "end"});
    if (!fails) return;
    const std::map<std::string, AiFailureKind> kinds = {{"caller", AiFailureKind::kCaller},
                                                        {"throttled", AiFailureKind::kThrottled},
                                                        {"quota", AiFailureKind::kQuota},
                                                        {"transient", AiFailureKind::kTransient}};
    std::string kind;
    words >> kind;
    take(AiFailure{kinds.at(kind), rest, std::nullopt, 0, line[0] == 'R'});
  }
  AiHead head_;
  std::string text_;
  bool ended_ = false;
};

class LineProvider final : public AiProvider {
 public:
  Status check(const AiRequest& request) const override {
    if (request.model == "impossible") return fail(ErrorCode::kInvalidConfig, "it can't do that");
    return {};
  }
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override {
    AiHttpRequest http{.url = access.base_url + "/" + request.model,
                       .headers = {{"Authorization", "Bearer " + access.key}},
                       .body = {}};
    for (const AiMessage& message : request.messages) {
      for (const AiPart& part : message.parts) http.body += std::get<AiText>(part).text;
    }
    for (const std::string& input : request.inputs) http.body += input;
    return http;
  }
  std::unique_ptr<AiDecoder> decoder(const AiRequest&) const override { return std::make_unique<LineDecoder>(); }
};

// One that also counts, at a path of its own: "N 7".
class CountingProvider final : public AiProvider {
 public:
  Status check(const AiRequest& request) const override { return lines_.check(request); }
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override {
    return lines_.encode(request, access);
  }
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override { return lines_.decoder(request); }
  std::optional<AiCounting> counting(const AiRequest& request, const AiAccess& access) const override {
    AiHttpRequest http = encode(request, access);
    http.url += "/count";
    return AiCounting{std::move(http), [](std::string_view body) -> Result<int64_t> {
                        if (!body.starts_with("N ")) return fail(ErrorCode::kUnavailable, "no count", {}, true);
                        return std::stoll(std::string(body.substr(2)));
                      }};
  }

 private:
  LineProvider lines_;
};

struct ScriptStep {
  // kCut: what happens (`then`) where whoever asked goes before the end. It stands last.
  enum What : uint8_t { kSent, kHead, kBytes, kEnd, kBreak, kCut } what;
  int64_t after_ms = 0;
  int status = 200;
  std::string text = {};  // bytes, or why it broke
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::function<void()> then = {};              // as it happens
  std::function<std::string()> late_text = {};  // of kBytes, in the place of `text`
};
using CallScript = std::vector<ScriptStep>;

inline CallScript answering(std::vector<std::string> lines, int64_t after_ms = 1) {
  CallScript script = {{ScriptStep::kSent, after_ms}, {ScriptStep::kHead, after_ms}};
  for (const std::string& line : lines) script.push_back({ScriptStep::kBytes, after_ms, 200, line + "\n"});
  script.push_back({ScriptStep::kEnd});
  return script;
}

inline CallScript refusing(int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {{ScriptStep::kSent, 1}, {ScriptStep::kHead, 1, status, {}, std::move(headers)}, {ScriptStep::kEnd}};
}

class ScriptedTransport final : public AiTransport {
 public:
  using Script = std::function<CallScript(const AiHttpRequest&)>;
  ScriptedTransport(Loop& loop, Script script) : loop_(loop), script_(std::move(script)) {}

  Number send(AiHttpRequest request, int64_t, AiSending sending) override {
    const Number number = ++sent_;
    bodies.push_back(request.body);
    urls.push_back(request.url);
    Playing& playing = playing_[number];
    const CallScript script = script_(request);
    playing.steps = {script.begin(), script.end()};
    playing.sending = std::make_shared<AiSending>(std::move(sending));
    next(number);
    return number;
  }
  void cancel(Number number) override {
    const auto playing = playing_.find(number);
    if (playing == playing_.end()) return;
    const auto& steps = playing->second.steps;
    if (!steps.empty() && steps.back().what == ScriptStep::kCut) steps.back().then();
    playing_.erase(playing);
    ++cancelled;
  }
  size_t under_way() const { return playing_.size(); }
  size_t sent() const { return sent_; }

  std::vector<std::string> bodies, urls;
  size_t cancelled = 0;

 private:
  struct Playing {
    std::deque<ScriptStep> steps;
    std::shared_ptr<AiSending> sending;
    std::unique_ptr<Timer> timer;
  };
  void next(Number number) {
    Playing& playing = playing_.at(number);
    if (playing.steps.empty() || playing.steps.front().what == ScriptStep::kCut) return;  // it hangs
    playing.timer = loop_.start_timer(playing.steps.front().after_ms, [this, number] { step(number); });
  }
  void step(Number number) {
    Playing& playing = playing_.at(number);
    const auto fired = std::move(playing.timer);
    const ScriptStep step = playing.steps.front();
    playing.steps.pop_front();
    const std::shared_ptr<AiSending> sending = playing.sending;
    if (step.then) step.then();
    switch (step.what) {
      case ScriptStep::kSent:
        *sending->sent = true;
        break;
      case ScriptStep::kHead:
        sending->head(AiHead{step.status, step.headers});
        break;
      case ScriptStep::kBytes:
        sending->bytes(step.late_text ? step.late_text() : step.text);
        break;
      case ScriptStep::kEnd:
        playing_.erase(number);
        return sending->done({});
      case ScriptStep::kBreak:
        playing_.erase(number);
        return sending->done(fail(ErrorCode::kUnavailable, step.text, {}, true));
      case ScriptStep::kCut:
        return;
    }
    if (playing_.contains(number)) next(number);
  }
  Loop& loop_;
  const Script script_;
  std::map<Number, Playing> playing_;
  size_t sent_ = 0;
};

}  // namespace colloquium::ai
