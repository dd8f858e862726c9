#include "app/dead_settling.h"

#include <memory>
#include <utility>

#include "app/json_report.h"
#include "json/view.h"
#include "json/walk.h"

namespace colloquium::app {
namespace {

std::optional<std::string> text_of(const json::ValueView& object, std::string_view name) {
  const auto member = object.member(name);
  std::string scratch;
  if (!member || member->type() != TokenType::kString) return std::nullopt;
  return std::string(member->string(scratch));
}

std::optional<int64_t> number_of(const json::ValueView& object, std::string_view name) {
  const auto member = object.member(name);
  if (!member || member->type() != TokenType::kInteger) return std::nullopt;
  return member->integer();
}

std::vector<std::string> texts_of(const json::ValueView& object, std::string_view name) {
  std::vector<std::string> texts;
  const auto list = object.member(name);
  if (!list || list->type() != TokenType::kArray) return texts;
  for (uint64_t i = 0; i < list->count(); ++i) {
    const auto item = list->element(i);
    std::string scratch;
    if (item && item->type() == TokenType::kString) texts.emplace_back(item->string(scratch));
  }
  return texts;
}

// As many partitions as it has.
Result<log::StreamSpec> existing(log::SegmentLog& log, const std::string& name) {
  for (const log::StreamInfo& stream : log.streams()) {
    if (stream.name == name) return log::StreamSpec{name, static_cast<int32_t>(stream.partitions.size())};
  }
  return fail(ErrorCode::kNotFound, "there is no stream '" + name + "'");
}

}  // namespace

std::string DeadRequest::to_json() const {
  JsonReport json;
  json.put("action", replay ? "replay" : "drop");
  json.put("letters", letters);
  json.put("into", into);
  json.begin_array("ids");
  for (const std::string& id : filter.ids) json.add(id);
  json.end_array();
  if (filter.stage) json.put("stage", *filter.stage);
  if (filter.error) json.put("error", *filter.error);
  if (filter.since_ms) json.put("since_ms", *filter.since_ms);
  if (filter.before_ms) json.put("before_ms", *filter.before_ms);
  return json.text();
}

Result<DeadRequest> read_dead_request(std::string_view json) {
  const auto document = json::parse(json, "the request");
  if (!document) return fail(ErrorCode::kInvalidInput, document.error().message);
  const json::ValueView root(document->text.data(), document->tape.data(), 0);
  if (root.type() != TokenType::kObject) return fail(ErrorCode::kInvalidInput, "the request is no JSON object");
  const std::string action = text_of(root, "action").value_or("");
  DeadRequest request;
  request.replay = action == "replay";
  request.letters = text_of(root, "letters").value_or("");
  request.into = text_of(root, "into").value_or("");
  if (!request.replay && action != "drop") return fail(ErrorCode::kInvalidInput, "'action' is replay or drop");
  if (request.letters.empty() || (request.replay && request.into.empty())) {
    return fail(ErrorCode::kInvalidInput, "'letters' names the letters' stream, 'into' that of the pipeline");
  }
  request.filter.ids = texts_of(root, "ids");
  request.filter.stage = text_of(root, "stage");
  request.filter.error = text_of(root, "error");
  request.filter.since_ms = number_of(root, "since_ms");
  request.filter.before_ms = number_of(root, "before_ms");
  return request;
}

Result<engine::LettersDone> settle_dead(log::SegmentLog& log, Executor& executor, const DeadRequest& request,
                                        const std::atomic<bool>& stop) {
  TRY_ASSIGN(const log::StreamSpec letters_spec, existing(log, request.letters));
  if (letters_spec.partitions != 1) {
    return fail(ErrorCode::kNotFound, "'" + request.letters + "' is no stream of dead letters");
  }
  TRY_ASSIGN(const log::StreamSpec into, existing(log, request.replay ? request.into : request.letters));
  engine::LetterTarget target;
  target.leg = "dead/" + request.letters;
  target.find = [&log](const std::string& name) -> Result<engine::LetterTarget::Stream> {
    TRY_ASSIGN(const log::StreamSpec spec, existing(log, name));
    TRY_ASSIGN(const log::StreamId id, log.open_stream(spec));
    return engine::LetterTarget::Stream{id, spec.name, spec.partitions};
  };
  TRY_ASSIGN(target.stream, target.find(into.name));
  TRY_ASSIGN(target.marks, log.open_stream({.name = engine::marks_stream(request.letters), .partitions = 1}));
  TRY_ASSIGN(const log::StreamId letters, log.open_stream(letters_spec));
  TRY_ASSIGN(auto reader, log.read(letters, 0, 0, false));
  TRY_ASSIGN(auto marks, log.read(target.marks, 0, 0, false));
  TRY_ASSIGN(const log::StreamInfo now, log.stream_info(letters));
  const int64_t end = now.partitions.front().next_offset;
  TRY_ASSIGN(engine::LetterReader open, engine::LetterReader::open(std::move(reader), std::move(marks), end));
  const auto commit = [&](log::CommitRequest commit_request) -> Status {
    if (stop) return fail(ErrorCode::kCancelled, "the process is stopping");
    Status committed;
    const std::shared_ptr<Signal> done = executor.make_signal();
    log.commit(std::move(commit_request), [&committed, done](Status status) {
      committed = std::move(status);
      done->set();
    });
    done->wait();
    return committed;
  };
  return request.replay ? engine::replay_letters(open, request.filter, target, commit)
                        : engine::drop_letters(open, request.filter, target, commit);
}

}  // namespace colloquium::app
