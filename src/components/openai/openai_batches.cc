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
  // The next page, where there is one.
  const auto more = JsonReader::member(root, "has_more");
  const std::string last = JsonReader::member_text(root, "last_id");
  const bool goes_on =
      next.step == AiBatchStep::kCreate && more && more->type() == TokenType::kTrue && ai::is_batch_name(last);
  next.results = goes_on ? std::vector{last} : std::vector<std::string>();
  if (goes_on) next.step = AiBatchStep::kFind;
  if (next.step != AiBatchStep::kWait) return next;
  const std::string name = next.batch;
  return named_or_no_sense(std::move(next), name, body);
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
  std::vector<char> lines;
  Writer out(lines, nullptr);
  for (const AiBatchCall& call : sending.calls) {
    out.begin_object();
    write_member(out, "custom_id", call.id);
    write_member(out, "method", "POST");
    write_member(out, "url", path(sending.task));
    out.key("body");
    ai::write_json(out, call.body);
    out.end_object();
    lines.push_back('\n');
  }
  const std::string boundary = "colloquium-" + sending.mark;
  AiHttpRequest request{.url = access.base_url + "/files", .headers = login(access), .body = {}};
  request.headers.emplace_back("Content-Type", "multipart/form-data; boundary=" + boundary);
  request.headers.insert(request.headers.end(), access.headers.begin(), access.headers.end());
  std::string& body = request.body;
  body = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--" + boundary +
         "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + sending.mark +
         ".jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n";
  body.append(lines.begin(), lines.end());
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

Result<AiBatchResult> OpenAiBatches::result(std::string_view line) const {
  JsonReader reader;
  const View root = reader.read(line);
  AiBatchResult result;
  result.id = JsonReader::member_text(root, "custom_id");
  const View response = JsonReader::member(root, "response");
  const View body = JsonReader::member(response, "body");
  const View error = JsonReader::member(root, "error");
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
