// A provider of batches for tests, on top of the scripted one: its format is lines, its server is a few maps that
// outlive every process, and knows what it has billed.
//
//   POST /files     "id body" …        f1
//   POST /batches   "mark", then a file's name or "id body" …        b1
//   GET  /batches                      "mark b1" …, and "more" where there is a next page
//   GET  /batches/b1                   waiting, "ended", "ended part" …, or "refused why"
//   GET  /batches/b1/results           "id T text|U 1 5|E" …
//   GET  /batches/b1/results?part      the same, where there are parts
//
// Thread safety: one thread.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/ai_batches.h"

#include "ai/batch_format.h"
#include "ai/calls_scene_test.h"

namespace colloquium::ai {

inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class LineBatches final : public AiBatches {
 public:
  // One that can find uploads, too.
  explicit LineBatches(bool finds, Limits limits = {1000, 1'000'000}) : finds_(finds), limits_(limits) {}

  Limits limits() const override { return limits_; }
  AiBatchPlace first() const override {
    return {finds_ ? AiBatchStep::kUpload : AiBatchStep::kCreate, {}, {}, {}};
  }
  bool can_find() const override { return finds_; }

  AiHttpRequest encode(const AiBatchPlace& at, const AiBatchSending& sending,
                       const AiAccess& access) const override {
    std::string calls;
    for (const AiBatchCall& call : sending.calls) calls += call.id + " " + call.body + "\n";
    const std::string batches = access.base_url + "/batches";
    switch (at.step) {
      case AiBatchStep::kUpload:
        return {.url = access.base_url + "/files", .headers = {}, .body = calls};
      case AiBatchStep::kCreate:
        return {.url = batches, .headers = {}, .body = sending.mark + "\n" + (finds_ ? at.file : calls)};
      case AiBatchStep::kFind:
        return get_request(batches, {}, access);
      case AiBatchStep::kWait:
        return get_request(batches + "/" + at.batch, {}, access);
      case AiBatchStep::kFetch:
      case AiBatchStep::kEnd:
        break;
    }
    const std::string part = at.results.empty() ? "" : "?" + at.results.front();
    return get_request(batches + "/" + at.batch + "/results" + part, {}, access);
  }

  AiBatchTurn read(const AiBatchPlace& at, const AiBatchSending& sending, const AiHead& head,
                   std::string_view body) const override {
    if (head.status != 200)
      return AiFailure{failure_kind(head.status), std::string(body), std::nullopt, head.status};
    AiBatchPlace next = at;
    const std::vector<std::string> lines = lines_of(body);
    const std::string first = lines.empty() ? "" : lines.front();
    if (at.step == AiBatchStep::kUpload) {
      next.file = first;
      next.step = AiBatchStep::kCreate;
    } else if (at.step == AiBatchStep::kCreate) {
      next.batch = first;
      next.step = AiBatchStep::kWait;
    } else if (at.step == AiBatchStep::kFind) {
      next.step = AiBatchStep::kCreate;
      for (const std::string& line : lines) {
        if (line == "more") next.step = AiBatchStep::kFind;
        if (!line.starts_with(sending.mark + " ")) continue;
        next.batch = line.substr(sending.mark.size() + 1);
        next.step = AiBatchStep::kWait;
      }
    } else if (at.step == AiBatchStep::kFetch) {
      if (!next.results.empty()) next.results.erase(next.results.begin());
      next.step = next.results.empty() ? AiBatchStep::kEnd : AiBatchStep::kFetch;
    } else if (first == "waiting") {
      return AiBatchWaits{};
    } else if (first.starts_with("refused")) {
      return AiBatchRefused{{AiFailureKind::kCaller, first, std::nullopt, 0}};
    } else {
      next.step = AiBatchStep::kFetch;
      std::istringstream parts(first.substr(std::min(first.size(), std::string("ended").size())));
      for (std::string part; parts >> part;) next.results.push_back(part);
    }
    return next;
  }

  bool is_own_error(std::string_view body) const override { return body.starts_with("F "); }

  std::string result_of(std::string_view beginning) const override {
    return std::string(beginning.substr(0, beginning.find(' ')));
  }

  Result<AiBatchResult> result(std::string_view line) const override {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return fail(ErrorCode::kCorrupt, "a line of the results is none");
    AiBatchResult result{std::string(line.substr(0, space)), json_head(200), std::string(line.substr(space + 1))};
    if (result.body.starts_with("F ")) result.head = json_head(429);
    for (char& c : result.body) c = c == '|' ? '\n' : c;
    result.body += '\n';
    return result;
  }

 private:
  const bool finds_;
  const Limits limits_;
};

class BatchLineProvider final : public AiProvider {
 public:
  explicit BatchLineProvider(bool finds, AiBatches::Limits limits = {1000, 1'000'000}) : batches_(finds, limits) {}
  Status check(const AiRequest& request) const override { return line_.check(request); }
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override {
    return line_.encode(request, access);
  }
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override { return line_.decoder(request); }
  const AiBatches* batches() const override { return &batches_; }

 private:
  const LineProvider line_;
  const LineBatches batches_;
};

// What it has of each request it was told of.
struct BatchServer {
  struct Batch {
    std::string mark;
    std::vector<std::string> calls;  // "id body"
    int looks = 2;                   // until it has ended
    bool billed = false;
  };
  std::map<std::string, std::vector<std::string>> files;
  std::map<std::string, Batch> batches;
  // By the body of what was asked: how often that was answered, and so billed.
  std::map<std::string, int> answered;
  int creates = 0;
  std::set<std::string> fails;  // bodies that are refused in the results
  std::set<std::string> lost;   // bodies that are in no line of the results
  // By the body: what is said in the place of an answer, that is billed.
  std::map<std::string, std::string> says;
  std::string refuses;  // what it says of each batch it is asked about
  std::string parts;    // of its results: " a b"
  bool unsorted = false;

  static constexpr int64_t kOutput = 5;
  int64_t billed_tokens() const {
    int64_t all = 0;
    for (const auto& [body, times] : answered) all += times * (1 + kOutput);
    return all;
  }

  std::string take(const AiHttpRequest& request) {
    std::string path = request.url.substr(request.url.find('/', std::string("http://").size()));
    path = path.substr(0, path.find('?'));
    if (path == "/files") {
      const std::string name = "f" + std::to_string(files.size() + 1);
      files[name] = lines_of(request.body);
      return name;
    }
    if (path == "/batches" && request.method == "POST") return create(lines_of(request.body));
    if (path == "/batches") {
      std::string all;
      for (const auto& [name, batch] : batches) all += batch.mark + " " + name + "\n";
      return all;
    }
    const std::string name = path.substr(std::string("/batches/").size(), path.rfind("/results") - 9);
    Batch& batch = batches.at(name);
    if (path.ends_with("/results")) return results(batch);
    if (!refuses.empty()) return "refused " + refuses;
    return --batch.looks > 0 ? "waiting" : "ended" + parts;
  }

  std::string create(std::vector<std::string> lines) {
    ++creates;
    const std::string name = "b" + std::to_string(batches.size() + 1);
    Batch& batch = batches[name];
    batch.mark = lines.front();
    lines.erase(lines.begin());
    batch.calls = lines.size() == 1 && files.contains(lines.front()) ? files.at(lines.front()) : lines;
    return name;
  }

  std::string results(Batch& batch) {
    std::string all;
    for (const std::string& call : batch.calls) {
      const size_t space = call.find(' ');
      const std::string id = call.substr(0, space), body = call.substr(space + 1);
      std::string line =
          id + " U 1 " + std::to_string(kOutput) + (body == "vector" ? "|V 1|E\n" : "|T to " + body + "|E\n");
      if (fails.contains(body)) {
        line = id + " F throttled it is not done\n";
      } else if (!batch.billed) {
        ++answered[body];
      }
      if (lost.contains(body)) continue;
      if (says.contains(body)) line = id + " " + says.at(body) + "\n";
      all = unsorted ? line + all : all + line;
    }
    batch.billed = true;
    return all;
  }
};

inline CallScript served(BatchServer& server, const AiHttpRequest& request, int64_t after_ms = 1) {
  const auto reply = std::make_shared<std::string>();
  CallScript script = {
      {ScriptStep::kSent, after_ms, 0, {}, {}, [&server, request, reply] { *reply = server.take(request); }}};
  script.push_back({ScriptStep::kHead, after_ms});
  ScriptStep bytes{ScriptStep::kBytes, after_ms};
  bytes.late_text = [reply] { return *reply; };
  script.push_back(std::move(bytes));
  script.push_back({ScriptStep::kEnd, after_ms});
  return script;
}

inline CallSettings batch_settings(bool finds = true) {
  CallSettings settings = line_settings();
  settings.prices = *PriceTable::parse(
      R"({"date": "2026-01-01", "models": {"line/m": {"input": 1000, "output": 1000, "batch": {"input": 500, "output": 500}}, "line/n": {"input": 1000, "output": 1000, "batch": {"input": 500, "output": 500}}}})",
      "test");
  for (ProviderSettings& provider : settings.providers)
    provider.provider = std::make_shared<BatchLineProvider>(finds);
  return settings;
}

inline AiQuestion batched(const std::string& text, int64_t offset, size_t size = 3) {
  AiQuestion asked = question(text, offset);
  asked.batching = AiBatching{size, 1000, 100};
  return asked;
}

}  // namespace colloquium::ai
