#include "tests/computo/three_ways.h"

#include <memory>
#include <utility>

#include "colloquium/batch.h"

#include "computo/event_evaluator.h"
#include "computo/text.h"
#include "json/walk.h"
#include "log/batch_decoder.h"
#include "log/log.h"
#include "log/record_batch.h"

namespace colloquium::computo::testing {
namespace {

using BatchPtr = std::shared_ptr<const Batch>;
using OriginPtr = std::shared_ptr<const BatchOrigin>;

enum class Tapes { kWithout, kWith };

OriginPtr origin() {
  BatchOrigin made;
  made.stream = "conformance";
  made.tag = "abcdefgh";
  return std::make_shared<const BatchOrigin>(std::move(made));
}

// Nothing if an input is refused: `refused` says why.
BatchPtr batch_of(const std::vector<std::string>& inputs, Tapes tapes, Outcome& refused) {
  json::Walker walker;
  BatchBuilder builder;
  for (const std::string& input : inputs) {
    std::string padded = input;
    padded.append(kBatchPadding, '\0');
    std::vector<TapeToken> tape;
    json::WalkError error;
    if (!walker.walk({padded.data(), input.size()}, tape, error)) {
      refused = {{}, nests_too_deep(input, error.byte) ? "limit" : "parse", {}, error.what};
      return nullptr;
    }
    if (tapes == Tapes::kWithout) tape.clear();
    EventMeta meta;
    meta.offset_delta = static_cast<uint32_t>(builder.size());
    builder.add(input, tape, meta);
  }
  return builder.seal(origin(), 0);
}

// The batch as a reader of the log has it: laid out, checked and read again. An empty batch is never stored.
Result<BatchPtr> through_log(const BatchPtr& batch) {
  if (batch->empty()) return batch;
  TRY_ASSIGN(const log::EncodedBatch encoded, log::encode(batch, log::Codec::kLz4, nullptr));
  log::BatchHeader header;
  header.attributes = static_cast<uint16_t>(encoded.codec);
  header.record_count = encoded.count;
  header.last_offset_delta = encoded.count - 1;
  header.base_timestamp_ms = header.max_timestamp_ms = encoded.base_timestamp_ms;
  const log::HeaderBytes laid_out = put_header(header, encoded.records.size(), encoded.records_crc);
  std::string stored(laid_out.data(), laid_out.size());
  stored += encoded.records;
  if (const char* defect = log::batch_defect(stored)) return fail(ErrorCode::kCorrupt, defect);
  const log::TapeBuilder tape = [](std::string_view value, std::vector<TapeToken>& tokens) {
    json::Walker().walk_unchecked(value, tokens);
  };
  log::BatchDecoder decoder(origin(), &tape);
  return decoder.decode(log::get_header(stored), std::string_view(stored).substr(log::kHeaderBytes));
}

// As a worker evaluates; it has one event at a time.
Outcome evaluate(EventEvaluator& evaluator, const Batch& batch) {
  Evaluator& inner = evaluator.evaluator();
  std::vector<char> bytes;
  const bool done = batch.size() == 1 ? evaluator.evaluate(batch, 0) : evaluator.evaluate_together(batch);
  if (done && inner.write(bytes, nullptr)) return {std::string(bytes.begin(), bytes.end()), {}, {}, {}};
  const ScriptError& error = inner.error();
  return {{}, std::string(to_string(error.category)), error.hint, evaluator.failure().message};
}

Outcome disagreement(const std::string& way, const Outcome& first, const Outcome& other) {
  const auto text = [](const Outcome& outcome) { return outcome.value + outcome.described; };
  return {{}, "ways_disagree", {}, "walked by the evaluator: " + text(first) + "; " + way + ": " + text(other)};
}

}  // namespace

Outcome evaluate_three_ways(const ProgramPtr& program, const std::vector<std::string>& inputs) {
  Outcome refused;
  const BatchPtr fresh = batch_of(inputs, Tapes::kWithout, refused);
  if (fresh == nullptr) return refused;
  EventEvaluator evaluator(program, nullptr);
  const Outcome first = evaluate(evaluator, *fresh);
  // One evaluator for all, as for the events of a batch: what one evaluation leaves must not show in the next.
  const Outcome handed_over = evaluate(evaluator, *batch_of(inputs, Tapes::kWith, refused));
  if (handed_over != first) return disagreement("with a tape", first, handed_over);
  const auto stored = through_log(fresh);
  if (!stored) return disagreement("through the log", first, {{}, {}, {}, stored.error().describe()});
  const Outcome read_back = evaluate(evaluator, **stored);
  if (read_back != first) return disagreement("through the log", first, read_back);
  return first;
}

}  // namespace colloquium::computo::testing
