#include "ai/audit.h"

#include <utility>

#include "ai/conversation.h"
#include "ai/json_text.h"
#include "base/assert.h"
#include "json/utf8.h"

namespace colloquium::ai {
namespace {

// A log takes no batch of any size.
constexpr size_t kTogetherBytes = size_t{1} << 20;

void text(json::Writer& out, std::string_view key, std::string_view value) {
  if (!value.empty()) write_member(out, key, valid_utf8(value));
}

void integer(json::Writer& out, std::string_view key, int64_t value) {
  out.key(key);
  out.integer(value);
}

void asked(json::Writer& out, std::string_view role, std::string_view value) {
  out.begin_object();
  text(out, "role", role);
  text(out, "text", value);
  out.end_object();
}

// The texts; of images only that there was one.
void bodies(json::Writer& out, const AiRequest& request, const CallRecord& record) {
  out.key("asked");
  out.begin_array();
  for (const std::string& input : request.inputs) asked(out, "input", input);
  for (const AiMessage& message : request.messages) {
    for (const AiPart& part : message.parts) {
      if (const auto* said = std::get_if<AiText>(&part)) asked(out, role_name(message.role), said->text);
      if (const auto* call = std::get_if<AiToolCall>(&part)) asked(out, "tool_call", call->name + call->arguments);
      if (const auto* result = std::get_if<AiToolResult>(&part)) asked(out, "tool_result", result->content);
      if (std::holds_alternative<AiImage>(part)) asked(out, "image", {});
    }
  }
  out.end_array();
  text(out, "answered", record.content.text);
}

std::string audit_json(const CallRecord& record, const AiQuestion& question, const AuditSettings& settings) {
  const CallTags& tags = record.tags;
  std::vector<char> bytes;
  json::Writer out(bytes, nullptr);
  out.begin_object();
  integer(out, "at", tags.at_ms);
  text(out, "call", tags.call);
  text(out, "who", tags.who);
  if (tags.event) text(out, "event", tags.event->id);
  text(out, "tenant", question.tenant);
  text(out, "provider", tags.provider);
  text(out, "model", tags.model);
  text(out, "key", tags.key);
  text(out, "prompt", tags.prompt);
  text(out, "outcome", to_string(record.kind));
  if (record.kind == RecordKind::kFailure) {
    text(out, "failure", to_string(record.failure.kind));
    integer(out, "status", record.failure.status);
  }
  integer(out, "input", record.usage.total_input());
  integer(out, "output", record.usage.total_output());
  integer(out, "cost", record.kind == RecordKind::kReuse ? 0 : record.cost.value);
  out.key("estimated");
  out.boolean(record.estimated);
  text(out, "question", digest_text(tags.question));
  text(out, "answer", digest_text(io::Digester().digest(record.content.text)));
  if (settings.bodies) bodies(out, question.request, record);
  out.end_object();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

AuditTrail::AuditTrail(const AuditSettings& settings, log::Log& log, log::StreamId stream, Loop& loop,
                       const Clock& clock)
    : settings_(settings),
      log_(log),
      stream_(stream),
      loop_(loop),
      clock_(clock),
      left_out_(std::make_shared<Counter>()) {}

Result<std::unique_ptr<AuditTrail>> AuditTrail::create(const std::string& records, const AuditSettings& settings,
                                                       log::Log& log, Loop& loop, const Clock& clock) {
  log::StreamSpec spec;
  spec.name = records + ".audit";
  spec.retention =
      log::Retention{.time_ms = settings.retention_ms, .size_bytes = settings.retention_bytes, .legs = {}};
  TRY_ASSIGN(const log::StreamId stream, log.open_stream(spec));
  return std::unique_ptr<AuditTrail>(new AuditTrail(settings, log, stream, loop, clock));
}

void AuditTrail::add(const CallRecord& record, const AiQuestion& question) {
  ASSERT(record.kind != RecordKind::kIntent);
  waiting_.push_back(audit_json(record, question, settings_));
  waiting_bytes_ += waiting_.back().size();
  if (waiting_bytes_ > kTogetherBytes) return write();
  if (waiting_.size() == 1) loop_.at_turn_end(alive_.guard([this] { write(); }));
}

void AuditTrail::write() {
  if (waiting_.empty()) return;
  const int64_t now_ms = clock_.wall_ms();
  BatchBuilder builder;
  for (const std::string& text : waiting_) {
    builder.add(text, {}, {.timestamp_ms = now_ms, .offset_delta = static_cast<uint32_t>(builder.size())});
  }
  const size_t count = std::exchange(waiting_, {}).size();
  waiting_bytes_ = 0;
  static const auto kNowhere = std::make_shared<const BatchOrigin>();
  Result<log::EncodedBatch> batch = log::encode(builder.seal(kNowhere, 0), log::Codec::kLz4, nullptr);
  if (!batch) return left_out_->add(count);
  batch->batch = nullptr;
  batch->syncs_with_next = true;
  log_.append(stream_, 0, std::move(*batch), log::AckLevel::kQueued,
              [left_out = left_out_, count](const Result<log::AppendResult>& result) {
                if (!result) left_out->add(count);
              });
}

}  // namespace colloquium::ai
