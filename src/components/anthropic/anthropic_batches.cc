#include "components/anthropic/anthropic_batches.h"

#include <utility>

#include "ai/batch_format.h"
#include "ai/failures.h"
#include "ai/json_text.h"
#include "base/assert.h"
#include "components/anthropic/anthropic_decoder.h"

namespace colloquium::components {
namespace {

using ai::JsonReader;
using View = std::optional<json::ValueView>;

AiFailure failure_of(const AiHead& head, std::string_view body) {
  AiFailure failure;
  AnthropicDecoder decoder;
  const auto take = [&failure](const AiOutput& output) {
    if (const auto* said = std::get_if<AiFailure>(&output)) failure = *said;
  };
  decoder.head(head, take);
  decoder.bytes(body, take);
  decoder.end(take);
  return failure;
}

}  // namespace

AiBatches::Limits AnthropicBatches::limits() const {
  // Of the service: 100,000 and 256 MB; what is put together here is in memory.
  return {100'000, size_t{64} << 20};
}

AiHttpRequest AnthropicBatches::encode(const AiBatchPlace& at, const AiBatchSending& sending,
                                       const AiAccess& access) const {
  const std::string url = access.base_url + "/v1/messages/batches";
  switch (at.step) {
    case AiBatchStep::kCreate: {
      AiHttpRequest request = ai::json_request(url, {}, anthropic_headers(dialect_, access), access);
      // What they ask is JSON that was written for this: none of it is read again, as it may be very much.
      request.body = "{\"requests\":[";
      for (const AiBatchCall& call : sending.calls) {
        if (&call != sending.calls.data()) request.body += ',';
        request.body.append("{\"custom_id\":\"").append(call.id).append("\",\"params\":");
        request.body.append(call.body).append("}");
      }
      request.body += "]}";
      return request;
    }
    case AiBatchStep::kWait:
      return ai::get_request(url + "/" + at.batch, anthropic_headers(dialect_, access), access);
    case AiBatchStep::kFetch:
      // The answer names an address, too. It is not followed: the key goes to nobody else.
      return ai::get_request(url + "/" + at.batch + "/results", anthropic_headers(dialect_, access), access);
    case AiBatchStep::kUpload:
    case AiBatchStep::kFind:
    case AiBatchStep::kEnd:
      break;
  }
  ASSERT_WHY(false, "there is no such step here");
  return {};
}

AiBatchTurn AnthropicBatches::read(const AiBatchPlace& at, const AiBatchSending& /*sending*/, const AiHead& head,
                                   std::string_view body) const {
  if (!ai::is_success(head.status)) return failure_of(head, body);
  AiBatchPlace next = at;
  if (at.step == AiBatchStep::kFetch) {
    next.step = AiBatchStep::kEnd;
    return next;
  }
  JsonReader reader;
  const View root = reader.read(body);
  const std::string id = JsonReader::member_text(root, "id");
  if (!ai::is_batch_name(id)) return ai::no_sense("the answer names no batch", body);
  if (at.step == AiBatchStep::kCreate) {
    next.step = AiBatchStep::kWait;
    next.batch = id;
    return next;
  }
  if (JsonReader::member_text(root, "processing_status") != "ended") return AiBatchWaits{};
  next.step = AiBatchStep::kFetch;
  return next;
}

bool AnthropicBatches::is_own_error(std::string_view body) const {
  JsonReader reader;
  const View root = reader.read(body);
  return JsonReader::member_text(root, "type") == "error" &&
         !JsonReader::member_text(JsonReader::member(root, "error"), "type").empty();
}

std::string AnthropicBatches::result_of(std::string_view beginning) const {
  return ai::custom_id_in(beginning);
}

Result<AiBatchResult> AnthropicBatches::result(std::string_view line) const {
  JsonReader reader;
  const View root = reader.read(line);
  const View found = JsonReader::member(root, "result");
  AiBatchResult result;
  result.id = JsonReader::member_text(root, "custom_id");
  const std::string type = JsonReader::member_text(found, "type");
  const View message = JsonReader::member(found, "message");
  const View error = JsonReader::member(found, "error");
  const bool has_message = message && message->type() == TokenType::kObject;
  // A success that is not there may be paid: that is no refusal.
  if (result.id.empty() || type.empty() || (type == "succeeded" && !has_message)) {
    return fail(ErrorCode::kCorrupt,
                "a line of a batch's results is no result: " + std::string(line.substr(0, 200)));
  }
  if (type == "succeeded") {
    result.head = ai::json_head(200);
    result.body = message->raw();
    return result;
  }
  // The error's own type says whose matter it is.
  result.head = ai::json_head(503);
  result.body = error ? std::string(error->raw())
                      : R"({"type":"error","error":{"type":"api_error","message":"its batch ended without it: )" +
                            type + R"("}})";
  return result;
}

}  // namespace colloquium::components
