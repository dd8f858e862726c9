#include "ai/recorded_answers.h"

#include <algorithm>
#include <utility>

#include "ai/call_record.h"
#include "ai/call_records.h"
#include "ai/question_digest.h"

namespace colloquium::ai {

namespace {

// Answers stand nearly in the order of the events. A reader that is open reads this many records on before
// another one is opened.
constexpr int64_t kReadOn = 256;

bool is_answer(const CallRecord& record) {
  return record.kind == RecordKind::kAnswer || record.kind == RecordKind::kReuse;
}

bool has(const std::shared_ptr<const Batch>& batch, int64_t offset) {
  return batch != nullptr && !batch->empty() && batch->offset(0) <= offset &&
         offset <= batch->offset(batch->size() - 1);
}

}  // namespace

RecordedAnswers::RecordedAnswers(io::FileSystem& fs, std::string directory,
                                 std::shared_ptr<const log::KeyRing> keys)
    : fs_(fs), directory_(std::move(directory)), keys_(std::move(keys)) {}

Result<std::unique_ptr<RecordedAnswers>> RecordedAnswers::read(io::FileSystem& fs, const std::string& directory,
                                                               const std::vector<std::string>& records,
                                                               std::shared_ptr<const log::KeyRing> keys) {
  std::unique_ptr<RecordedAnswers> made(new RecordedAnswers(fs, directory, std::move(keys)));
  TRY_ASSIGN(const auto streams, log::list_data_directory(fs, directory));
  for (const std::string& each : records) {
    Source source;
    source.stream = each + std::string(kCallsSuffix);
    const bool there = std::any_of(streams.begin(), streams.end(),
                                   [&](const log::StreamInfo& stream) { return stream.name == source.stream; });
    if (!there) continue;
    TRY(made->index(source));
    made->sources_.push_back(std::move(source));
  }
  return made;
}

Result<std::unique_ptr<log::Reader>> RecordedAnswers::open(const Source& source, int64_t offset) const {
  return log::open_reader(fs_, directory_, source.stream, 0, offset, keys_);
}

Status RecordedAnswers::index(Source& source) const {
  TRY_ASSIGN(const auto reader, open(source, 0));
  bool first = true;
  for (;;) {
    TRY_ASSIGN(const std::shared_ptr<const Batch> batch, reader->next());
    if (batch == nullptr) break;
    for (size_t i = 0; i < batch->size(); ++i) {
      const auto record = parse_record(batch->value(i));
      // A pipeline may be called "orders.calls": its own stream holds other things.
      if (!record && first) return {};
      if (!record) return fail(record.error());
      first = false;
      const CallTags& tags = record->tags;
      if (is_answer(*record) && tags.event)
        source.index.add(event_key(tags.who, *tags.event, tags.question), batch->offset(i));
    }
  }
  source.index.sort();
  return {};
}

size_t RecordedAnswers::size() const {
  size_t answers = 0;
  for (const Source& source : sources_) answers += source.index.size();
  return answers;
}

Result<std::optional<AiAnswer>> RecordedAnswers::find(const AiQuestion& question) {
  if (!question.event) return std::nullopt;
  const io::Digest128 key = event_key(question.who, *question.event, question_digest(question));
  for (Source& source : sources_) {
    if (const auto offset = source.index.find(key)) return at(source, *offset);
  }
  return std::nullopt;
}

Result<std::optional<AiAnswer>> RecordedAnswers::at(Source& source, int64_t offset) const {
  const int64_t last =
      source.batch == nullptr || source.batch->empty() ? -1 : source.batch->offset(source.batch->size() - 1);
  const bool ahead = source.reader != nullptr && last < offset && offset - last <= kReadOn;
  if (!has(source.batch, offset) && !ahead) {
    TRY_ASSIGN(source.reader, open(source, offset));
    source.batch = nullptr;
  }
  while (!has(source.batch, offset)) {
    auto next = source.reader->next();
    source.batch = next ? std::move(*next) : nullptr;
    if (!next) source.reader = nullptr;
    if (!next && next.error().code != ErrorCode::kNotFound) return fail(std::move(next).error());
    // Retention has removed it meanwhile.
    if (source.batch == nullptr || (!source.batch->empty() && source.batch->offset(0) > offset))
      return std::nullopt;
  }
  for (size_t i = 0; i < source.batch->size(); ++i) {
    if (source.batch->offset(i) != offset) continue;
    TRY_ASSIGN(const CallRecord record, parse_record(source.batch->value(i)));
    return answer_of(record, AiAnswerFrom::kRecord);
  }
  return std::nullopt;
}

}  // namespace colloquium::ai
