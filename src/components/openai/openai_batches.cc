#include "components/openai/openai_batches.h"

#include <utility>

#include "ai/batch_format.h"
#include "ai/failures.h"
#include "ai/json_text.h"
#include "ai/openai_format/openai_decoder.h"
#include "base/assert.h"
#include "components/openai/openai_chat.h"

namespace colloquium::components {
namespace {

using ai::JsonReader;
using ai::write_member;
using json::Writer;
using View = std::optional<json::ValueView>;

// What a batch's metadata names it by.
constexpr char kMark[] = "colloquium";

std::vector<std::pair<std::string, std::string>> login(const AiAccess& access) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!access.key.empty()) headers.emplace_back("Authorization", "Bearer " + access.key);
  return headers;
}

View given(const View& value) {
  return value && value->type() != TokenType::kNull ? value : std::nullopt;
}

AiBatchTurn named_or_no_sense(AiBatchPlace next, const std::string& name, std::string_view body) {
  if (!ai::is_batch_name(name)) return ai::no_sense("the answer names nothing to go on with", body);
  return next;
}

// By the code of an error. What is enqueued already may be too much: that is no fault of these requests.
AiFailureKind kind_of(std::string_view code) {
  if (code == "token_limit_exceeded" || code == "rate_limit_exceeded") return AiFailureKind::kThrottled;
  if (code == "insufficient_quota" || code.starts_with("billing")) return AiFailureKind::kQuota;
  for (const char* ours :
       {"invalid", "empty", "duplicate", "missing", "mismatched", "model_not_found", "unsupported"}) {
    if (code.starts_with(ours)) return AiFailureKind::kCaller;
  }
  return AiFailureKind::kTransient;
}

// What went wrong, in the words of the batch.
AiFailure failure_of(const View& batch) {
  std::string all;
  std::string scratch;
  std::optional<AiFailureKind> kind;
  JsonReader::for_each(JsonReader::member(JsonReader::member(batch, "errors"), "data"),
                       [&](const json::ValueView& each) {
                         if (!kind) kind = kind_of(JsonReader::member_text(each, "code"));
                         const auto message = JsonReader::text(JsonReader::member(each, "message"), scratch);
                         constexpr size_t kLongest = 1000;
                         if (message && all.size() < kLongest)
                           all += (all.empty() ? "" : "; ") + std::string(*message);
                       });
  AiFailure failure{kind.value_or(AiFailureKind::kTransient), all.empty() ? "the batch has failed" : all, {}, 0};
  constexpr int64_t kEnqueuedMs = 60'000;
  if (failure.kind == AiFailureKind::kThrottled) failure.retry_after_ms = kEnqueuedMs;
  return failure;
}

AiBatchTurn look(const AiBatchPlace& at, const View& batch, std::string_view body) {
  const std::string status = JsonReader::member_text(batch, "status");
  if (status.empty()) return ai::no_sense("the answer says nothing of the batch", body);
  if (status == "failed") {
    return AiBatchRefused{failure_of(batch)};
  }
  if (status != "completed" && status != "expired" && status != "cancelled") return AiBatchWaits{};
  AiBatchPlace next = at;
  for (const char* key : {"output_file_id", "error_file_id"}) {
    std::string file = JsonReader::member_text(batch, key);
    if (file.empty()) continue;
    if (!ai::is_batch_name(file)) return ai::no_sense("the answer names a file that cannot be", body);
    next.results.push_back(std::move(file));
  }
  next.step = next.results.empty() ? AiBatchStep::kEnd : AiBatchStep::kFetch;
  return next;
}

// What the next page of a list begins behind. The official SDKs take the last entry's own id.
std::string last_of(const View& list, const View& root) {
  std::string last = JsonReader::member_text(root, "last_id");
  if (!last.empty()) return last;
  JsonReader::for_each(list, [&](const json::ValueView& each) { last = JsonReader::member_text(each, "id"); });
  return last;
}

AiBatchTurn found(const AiBatchPlace& at, const std::string& mark, const View& root, std::string_view body) {
  const View list = JsonReader::member(root, "data");
  if (!list || list->type() != TokenType::kArray) return ai::no_sense("the answer is no list of batches", body);
  AiBatchPlace next = at;
  next.step = AiBatchStep::kCreate;
  JsonReader::for_each(list, [&](const json::ValueView& each) {
    if (JsonReader::member_text(JsonReader::member(each, "metadata"), kMark) != mark) return;
    next.step = AiBatchStep::kWait;
    next.batch = JsonReader::member_text(each, "id");
  });
  if (next.step == AiBatchStep::kWait) {
    next.results.clear();
    const std::string name = next.batch;
    return named_or_no_sense(std::move(next), name, body);
  }
  const auto more = JsonReader::member(root, "has_more");
  if (!more || more->type() != TokenType::kTrue) {
    next.results.clear();
    return next;
  }
  // There is a next page. One that can't be asked for, or is this one again, may be the one that has it.
  std::string last = last_of(list, root);
  if (!ai::is_batch_name(last)) return ai::no_sense("the list of batches goes on and does not say where", body);
  if (!at.results.empty() && last == at.results.front()) {
    return ai::no_sense("the list of batches goes on with itself", body);
  }
  next.step = AiBatchStep::kFind;
  next.results = {std::move(last)};
  return next;
}

}  // namespace

AiBatches::Limits OpenAiBatches::limits() const {
  // Of the service: 50,000 and 200 MB; what is put together here is in memory.
  return {50'000, size_t{64} << 20};
}

const char* OpenAiBatches::path(AiTask task) const {
  return task == AiTask::kChat ? chat_path_ : "/v1/embeddings";
}

AiHttpRequest OpenAiBatches::upload(const AiBatchSending& sending, const AiAccess& access) const {
  const std::string boundary = "colloquium-" + sending.mark;
  AiHttpRequest request{.url = access.base_url + "/files", .headers = login(access), .body = {}};
  request.headers.emplace_back("Content-Type", "multipart/form-data; boundary=" + boundary);
  request.headers.insert(request.headers.end(), access.headers.begin(), access.headers.end());
  std::string& body = request.body;
  body = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--" + boundary +
         "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + sending.mark +
         ".jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n";
  // Bodies are JSON that was written for this: none of them is read again, as they may be very many.
  for (const AiBatchCall& call : sending.calls) {
    body.append("{\"custom_id\":\"").append(call.id).append("\",\"method\":\"POST\",\"url\":\"");
    body.append(path(sending.task)).append("\",\"body\":");
    ai::append_on_a_line(body, call.body);
    body += "}\n";
  }
  body += "\r\n--" + boundary + "--\r\n";
  return request;
}

AiHttpRequest OpenAiBatches::create(const AiBatchPlace& at, const AiBatchSending& sending,
                                    const AiAccess& access) const {
  std::vector<char> body;
  Writer out(body, nullptr);
  out.begin_object();
  write_member(out, "input_file_id", at.file);
  write_member(out, "endpoint", path(sending.task));
  write_member(out, "completion_window", "24h");
  out.key("metadata");
  out.begin_object();
  write_member(out, kMark, sending.mark);
  out.end_object();
  out.end_object();
  return openai_http(access, "/batches", body);
}

AiHttpRequest OpenAiBatches::encode(const AiBatchPlace& at, const AiBatchSending& sending,
                                    const AiAccess& access) const {
  switch (at.step) {
    case AiBatchStep::kUpload:
      return upload(sending, access);
    case AiBatchStep::kCreate:
      return create(at, sending, access);
    case AiBatchStep::kFind:
      return ai::get_request(
          access.base_url + "/batches?limit=100" + (at.results.empty() ? "" : "&after=" + at.results.front()),
          login(access), access);
    case AiBatchStep::kWait:
      return ai::get_request(access.base_url + "/batches/" + at.batch, login(access), access);
    case AiBatchStep::kFetch:
      return ai::get_request(access.base_url + "/files/" + at.results.front() + "/content", login(access), access);
    case AiBatchStep::kEnd:
      break;
  }
  ASSERT_WHY(false, "nothing is sent at the end");
  return {};
}

AiBatchTurn OpenAiBatches::read(const AiBatchPlace& at, const AiBatchSending& sending, const AiHead& head,
                                std::string_view body) const {
  if (!ai::is_success(head.status)) return ai::openai_failure(head, body);
  AiBatchPlace next = at;
  if (at.step == AiBatchStep::kFetch) {
    next.results.erase(next.results.begin());
    next.step = next.results.empty() ? AiBatchStep::kEnd : AiBatchStep::kFetch;
    return next;
  }
  JsonReader reader;
  const View root = reader.read(body);
  if (!root || root->type() != TokenType::kObject) return ai::no_sense("the answer is no JSON object", body);
  if (at.step == AiBatchStep::kWait) return look(at, root, body);
  if (at.step == AiBatchStep::kFind) return found(at, sending.mark, root, body);
  const std::string id = JsonReader::member_text(root, "id");
  if (at.step == AiBatchStep::kUpload) {
    next.step = AiBatchStep::kCreate;
    next.file = id;
  } else {
    next.step = AiBatchStep::kWait;
    next.batch = id;
  }
  return named_or_no_sense(std::move(next), id, body);
}

bool OpenAiBatches::is_own_error(std::string_view body) const {
  JsonReader reader;
  const View error = JsonReader::member(reader.read(body), "error");
  return !JsonReader::member_text(error, "message").empty() && !JsonReader::member_text(error, "type").empty();
}

std::string OpenAiBatches::result_of(std::string_view beginning) const {
  return ai::custom_id_in(beginning);
}

Result<AiBatchResult> OpenAiBatches::result(std::string_view line) const {
  JsonReader reader;
  const View root = reader.read(line);
  AiBatchResult result;
  result.id = JsonReader::member_text(root, "custom_id");
  const View response = JsonReader::member(root, "response");
  const View body = given(JsonReader::member(response, "body"));
  const View error = given(JsonReader::member(root, "error"));
  if (result.id.empty() || (!body && !error)) {
    return fail(ErrorCode::kCorrupt,
                "a line of a batch's results is no result: " + std::string(line.substr(0, 200)));
  }
  if (body) {
    const int64_t status = JsonReader::integer(JsonReader::member(response, "status_code")).value_or(200);
    result.head = ai::json_head(static_cast<int>(std::clamp<int64_t>(status, 100, 599)));
    result.body = body->raw();
    return result;
  }
  // It was not done in time, or the batch was cancelled: no fault of its own.
  result.head = ai::json_head(503);
  result.body = "{\"error\":" + std::string(error->raw()) + "}";
  return result;
}

}  // namespace colloquium::components
