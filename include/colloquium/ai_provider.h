// AiProvider: one provider's wire format, and nothing else. It turns an AiRequest into an HTTP request, and the
// bytes of the answer into AiOutputs; it opens no connection, holds no key, waits for nothing and keeps no count.
// What all providers have in common (sending, retries, limits, money, caches, records) is src/ai's, once, for all
// of them.
//
// A call's way: check() once, as the pipeline is read; encode(); the head and the bytes of the answer to an
// AiDecoder made for it, which hands on what they mean as they come, streamed or not. Exactly one AiOutput ends a
// call: a finish or a failure. A provider that answers 200 and then fails has failed; one that breaks off before
// it said that it is done has failed, and what came before is kept as partial.
//
// JSON travels as text: schemas, arguments and what a provider says of itself are nobody's to understand on the
// way. Thread safety: an AiProvider is immutable, any thread; an AiDecoder belongs to one thread, the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "colloquium/result.h"

namespace colloquium {

class AiBatches;

// --- what is asked

enum class AiTask : uint8_t { kChat, kEmbed };

struct AiText {
  std::string text;
};
// By URL, or by bytes in base64 with their media type.
struct AiImage {
  std::string url;
  std::string media_type;  // "image/png"
  std::string base64;
};
// The model wants a tool called …
struct AiToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // a JSON object
};
// … and this is what it gave.
struct AiToolResult {
  std::string id;  // of the AiToolCall
  std::string content;
  bool is_error = false;
};
using AiPart = std::variant<AiText, AiImage, AiToolCall, AiToolResult>;

enum class AiRole : uint8_t { kSystem, kUser, kAssistant };

struct AiMessage {
  AiRole role = AiRole::kUser;
  std::vector<AiPart> parts;  // results of tools stand in a kUser message
};

struct AiTool {
  std::string name;
  std::string description;
  std::string parameters;  // JSON Schema of its arguments
};

struct AiToolChoice {
  enum class Kind : uint8_t { kAuto, kNone, kAny, kNamed } kind = Kind::kAuto;
  std::string name;  // with kNamed
};

struct AiParameters {
  std::optional<int64_t> max_output_tokens;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> seed;
  std::vector<std::string> stop;
  std::string extra;  // members of a JSON object, which go before those that are made of the rest
};

// What some providers are told of a schema, beside it.
struct AiSchemaTerms {
  bool strict = true;  // the provider holds the model to it, which not every schema is good for
  std::string name = "answer";
  std::string description;
  bool operator==(const AiSchemaTerms&) const = default;
};

struct AiRequest {
  AiTask task = AiTask::kChat;
  std::string model;
  std::vector<AiMessage> messages;  // kChat
  std::vector<AiTool> tools;
  AiToolChoice tool_choice;
  std::optional<std::string> output_schema;  // JSON Schema that the answer is to be of
  std::vector<std::string> inputs;           // kEmbed
  AiParameters parameters;
  bool stream = true;
  AiSchemaTerms schema_terms;  // of `output_schema`
};

// --- how it goes out

// What a request is signed with, where a key is never sent itself.
struct AiSigningKeys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // of keys that expire; empty: none
};

// How to log in: the pipeline's own, looked up when it is needed, as it may change while the process runs.
struct AiAccess {
  std::string base_url;  // without a slash at its end
  std::string key;
  std::vector<std::pair<std::string, std::string>> headers;  // further ones
  // Instead of `key`, where the provider knows it; what is signed is good for some minutes around `wall_ms`. What
  // can't be signed with these goes out unsigned, and is refused as a wrong key is.
  std::optional<AiSigningKeys> signing = {};
  int64_t wall_ms = 0;
  std::vector<std::string> secrets = {};  // what else the provider knows, and is shown to nobody
};

struct AiHttpRequest {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;  // with the key: shown to nobody
  std::string body;
  std::string method = "POST";
};

// --- what comes back

struct AiTextDelta {
  std::string_view text;
};
// Thoughts that a provider shows. They are no part of the answer.
struct AiReasoningDelta {
  std::string_view text;
};
// `index` tells calls apart; the first delta of one has its id and name.
struct AiToolCallDelta {
  size_t index = 0;
  std::string_view id;
  std::string_view name;
  std::string_view arguments;  // to be joined
};
struct AiEmbedding {
  size_t index = 0;  // of the input
  std::vector<float> vector;
};
// What the call took so far: later ones replace earlier ones, bucket by bucket. Buckets as in ai/usage.h, of which
// no two count the same token; what a provider does not say is nothing.
struct AiUsage {
  std::optional<int64_t> input, cache_read, cache_write_5m, cache_write_1h, output, reasoning;
};

enum class AiFinish : uint8_t { kStop, kLength, kToolCalls, kContentFilter, kOther };

struct AiFinished {
  AiFinish reason = AiFinish::kStop;
  std::string said;  // the provider's own word for it
};

// Who has to do something about it, and so what is done: nothing is gained by sending a bad request again, or by
// waiting for money.
enum class AiFailureKind : uint8_t {
  kCaller,     // this request is at fault: never again as it is
  kKey,        // unknown, expired, not allowed: another key, or a person
  kThrottled,  // too much at once: later, as it says
  kQuota,      // all that was paid for, or allowed in a day, is used up: another provider
  kTransient,  // the provider's or the network's: again, soon
};

struct AiFailure {
  AiFailureKind kind = AiFailureKind::kTransient;
  std::string message;                    // what the provider said, and of what; never the key
  std::optional<int64_t> retry_after_ms;  // what it asked for, in a header or in words
  int status = 0;                         // of HTTP; 0: it never came to that, or came after a 200
  bool refused = false;  // the provider said so before it gave anything: nothing is paid, whatever the status
};

using AiOutput =
    std::variant<AiTextDelta, AiReasoningDelta, AiToolCallDelta, AiEmbedding, AiUsage, AiFinished, AiFailure>;
// The views are good until it returns.
using AiTake = std::function<void(const AiOutput&)>;

struct AiHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  // The first value of that name, in any case.
  std::optional<std::string_view> find(std::string_view name) const;
};

class AiDecoder {
 public:
  virtual ~AiDecoder() = default;

  // Once, first. Bytes in pieces of any size. Nothing is handed on behind an AiFinished or AiFailure.
  virtual void head(const AiHead& head, const AiTake& take) = 0;
  virtual void bytes(std::string_view bytes, const AiTake& take) = 0;
  // The body is complete. An answer that never said it was done has failed.
  virtual void end(const AiTake& take) = 0;
};

// Asks a provider how long something is for a model. Nothing is generated, nor paid.
struct AiCounting {
  AiHttpRequest request;
  // What the body of a 200 says, in tokens; kUnavailable if that is no count.
  std::function<Result<int64_t>(std::string_view body)> read;
};

class AiProvider {
 public:
  virtual ~AiProvider() = default;

  // Of what it can't do: kInvalidConfig, with what it is. Before anything is sent.
  virtual Status check(const AiRequest& request) const = 0;
  // REQUIRES: check() holds.
  virtual AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const = 0;
  virtual std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const = 0;
  // See ai_batches.h. Null: it has none.
  virtual const AiBatches* batches() const { return nullptr; }

  // For the input of a chat: its messages and all that goes with them. What is refused is a decoder's to tell. Nothing
  // where the provider has no API for it. REQUIRES: check() holds.
  virtual std::optional<AiCounting> counting(const AiRequest& /*request*/, const AiAccess& /*access*/) const {
    return std::nullopt;
  }
};

// --- how a pipeline sets it

// Puts what a file holds into the access. Its error is for a message, "… the key file: it has no key", and holds
// no part of a key. Pure.
using AiReadKey = std::function<Status(std::string_view text, AiAccess& access)>;

// A program that is a provider: it is asked in lines over its standard streams, and not over HTTP.
struct AiProgram {
  std::vector<std::string> command;  // found by PATH, and its arguments
  std::string directory;             // where it runs; empty: ours
  std::vector<std::pair<std::string, std::string>> environment;  // beside ours, and before it; may be secret
  int64_t restart_initial_ms = 1000;  // before it is started again, twice as long each time …
  int64_t restart_max_ms = 30'000;    // … up to this
  int64_t stall_ms = 300'000;         // silent so long while it owes an answer, it is killed
  int64_t stop_ms = 5000;             // between SIGTERM and SIGKILL
};

// A provider as it is set: its format, where it is, and as whom it is called.
struct AiConnection {
  std::unique_ptr<AiProvider> provider;
  std::optional<AiProgram> program = {};  // where there is one, requests go to it, and no URL says where
  AiAccess access;       // as set; its `wall_ms` is whoever sends's to set
  std::string key_file;  // what it holds goes before the keys in `access`, as it stands at the time; empty: none
  AiReadKey read_key;    // how; empty: its one line is the key
};

}  // namespace colloquium
