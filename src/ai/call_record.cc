#include "ai/call_record.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "ai/json_text.h"
#include "io/aead.h"
#include "json/utf8.h"

namespace colloquium::ai {
namespace {

constexpr std::array<std::string_view, 6> kKinds = {"intent", "answer", "failure", "unknown", "reuse", "batch"};
constexpr std::array<std::string_view, 6> kSteps = {"upload", "create", "find", "wait", "fetch", "end"};
constexpr std::array<std::string_view, 5> kFailures = {"caller", "key", "throttled", "quota", "transient"};
constexpr std::array<std::string_view, 5> kFinishes = {"stop", "length", "tool_calls", "content_filter", "other"};
constexpr std::array<std::string_view, 4> kFroms = {"provider", "record", "cache", "shared"};

template <class Enum, size_t kSize>
std::optional<Enum> named(const std::array<std::string_view, kSize>& names, std::string_view name) {
  for (size_t i = 0; i < kSize; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

class MemberWriter {
 public:
  explicit MemberWriter(json::Writer& out) : out_(out) {}
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) write_member(out_, key, valid_utf8(value));
  }
  void integer(std::string_view key, int64_t value) {
    if (value == 0) return;
    out_.key(key);
    out_.integer(value);
  }
  void tags(const CallTags& tags);
  void flag(std::string_view key, bool is) {
    if (!is) return;
    out_.key(key);
    out_.boolean(true);
  }
  void end(const CallRecord& record);
  void place(const AiBatchPlace& place);

 private:
  void content(const CallContent& content);
  json::Writer& out_;
};

void MemberWriter::tags(const CallTags& tags) {
  text("call", tags.call);
  text("who", tags.who);
  if (tags.event) {
    text("event", tags.event->id);
    text("partition", tags.event->partition);
    integer("offset", tags.event->offset);
  }
  text("question", digest_text(tags.question));
  text("provider", tags.provider);
  text("model", tags.model);
  text("key", tags.key);
  text("prompt", tags.prompt);
  text("arm", tags.arm);
  integer("attempt", tags.attempt);
  integer("at", tags.at_ms);
  integer("reserved", tags.reserved.value);
  integer("tokens", tags.tokens);
  text("batch", tags.batch);
  flag("embeds", tags.embeds);
}

void MemberWriter::place(const AiBatchPlace& place) {
  text("step", kSteps[static_cast<size_t>(place.step)]);
  text("file", place.file);
  text("job", place.batch);
  if (place.results.empty()) return;
  out_.key("results");
  out_.begin_array();
  for (const std::string& each : place.results) out_.string(valid_utf8(each));
  out_.end_array();
}

void MemberWriter::content(const CallContent& content) {
  text("text", content.text);
  if (!content.tool_calls.empty()) {
    out_.key("tools");
    out_.begin_array();
    for (const AiToolCall& call : content.tool_calls) {
      out_.begin_array();
      for (const std::string* part : {&call.id, &call.name, &call.arguments}) out_.string(valid_utf8(*part));
      out_.end_array();
    }
    out_.end_array();
  }
  if (content.embeddings.empty()) return;
  out_.key("embeddings");
  out_.begin_array();
  static_assert(std::endian::native == std::endian::little);
  for (const std::vector<float>& vector : content.embeddings) {
    out_.string(io::to_hex({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)}));
  }
  out_.end_array();
}

void MemberWriter::end(const CallRecord& record) {
  integer("cost", record.cost.value);
  flag("estimated", record.estimated);
  if (record.usage != TokenUsage()) {
    const TokenUsage& usage = record.usage;
    out_.key("usage");
    out_.begin_array();
    for (const int64_t bucket : {usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h,
                                 usage.output, usage.reasoning}) {
      out_.integer(bucket);
    }
    out_.end_array();
  }
  integer("took", record.took_ms);
  if (record.first_ms) {
    out_.key("first");
    out_.integer(*record.first_ms);
  }
  content(record.content);
  if (record.kind == RecordKind::kFailure || record.kind == RecordKind::kUnknown) {
    text("failure", to_string(record.failure.kind));
    text("message", record.failure.message);
    integer("status", record.failure.status);
    return;
  }
  text("finish", kFinishes[static_cast<size_t>(record.content.finished.reason)]);
  text("said", record.content.finished.said);
  if (record.kind == RecordKind::kReuse) text("from", kFroms[static_cast<size_t>(record.from)]);
  if (!record.cache) return;
  text("cache", digest_text(record.cache->key));
  integer("until", record.cache->until_ms);
}

class MemberReader {
 public:
  explicit MemberReader(std::optional<json::ValueView> root) : root_(root) {}
  std::string text(std::string_view key) {
    return std::string(JsonReader::text(JsonReader::member(root_, key), scratch_).value_or(""));
  }
  bool flag(std::string_view key) {
    const auto value = member(key);
    return value && value->type() == TokenType::kTrue;
  }
  int64_t integer(std::string_view key) { return JsonReader::integer(JsonReader::member(root_, key)).value_or(0); }
  std::optional<json::ValueView> member(std::string_view key) { return JsonReader::member(root_, key); }
  CallTags tags();
  CallContent content();
  TokenUsage usage();
  AiBatchPlace place();

 private:
  std::string part(const std::optional<json::ValueView>& array, uint64_t i) {
    return std::string(JsonReader::text(JsonReader::element(array, i), scratch_).value_or(""));
  }
  std::optional<json::ValueView> root_;
  std::string scratch_;
};

CallTags MemberReader::tags() {
  CallTags tags;
  tags.call = text("call");
  tags.who = text("who");
  if (member("event")) tags.event = AiEvent{text("event"), text("partition"), integer("offset")};
  tags.question = parse_digest(text("question")).value_or(io::Digest128{});
  tags.provider = text("provider");
  tags.model = text("model");
  tags.key = text("key");
  tags.prompt = text("prompt");
  tags.arm = text("arm");
  tags.attempt = integer("attempt");
  tags.at_ms = integer("at");
  tags.reserved = {integer("reserved")};
  tags.tokens = integer("tokens");
  tags.batch = text("batch");
  tags.embeds = flag("embeds");
  return tags;
}

AiBatchPlace MemberReader::place() {
  AiBatchPlace place;
  place.step = named<AiBatchStep>(kSteps, text("step")).value_or(AiBatchStep::kEnd);
  place.file = text("file");
  place.batch = text("job");
  const auto results = member("results");
  for (uint64_t i = 0; JsonReader::element(results, i); ++i) place.results.push_back(part(results, i));
  return place;
}

CallContent MemberReader::content() {
  CallContent content;
  content.text = text("text");
  content.finished.reason = named<AiFinish>(kFinishes, text("finish")).value_or(AiFinish::kOther);
  content.finished.said = text("said");
  const auto tools = member("tools");
  for (uint64_t i = 0; auto tool = JsonReader::element(tools, i); ++i) {
    content.tool_calls.push_back({part(tool, 0), part(tool, 1), part(tool, 2)});
  }
  const auto embeddings = member("embeddings");
  for (uint64_t i = 0; JsonReader::element(embeddings, i); ++i) {
    const std::string bytes = io::from_hex(part(embeddings, i)).value_or("");
    std::vector<float> vector(bytes.size() / sizeof(float));
    if (!vector.empty()) std::memcpy(vector.data(), bytes.data(), vector.size() * sizeof(float));
    content.embeddings.push_back(std::move(vector));
  }
  return content;
}

TokenUsage MemberReader::usage() {
  const auto array = member("usage");
  const auto at = [&](uint64_t i) { return JsonReader::integer(JsonReader::element(array, i)).value_or(0); };
  return {at(0), at(1), at(2), at(3), at(4), at(5)};
}

}  // namespace

std::string_view to_string(RecordKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}

std::string_view to_string(AiFailureKind kind) {
  return kFailures[static_cast<size_t>(kind)];
}

std::string valid_utf8(std::string_view text) {
  if (json::valid_utf8_prefix(text) == text.size()) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const size_t good = json::valid_utf8_prefix(text);
    out += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    out += "\xef\xbf\xbd";
    text.remove_prefix(json::ill_formed_length(text));
  }
  return out;
}

std::string digest_text(const io::Digest128& digest) {
  return io::to_hex({reinterpret_cast<const char*>(digest.data()), sizeof(digest)});
}

std::optional<io::Digest128> parse_digest(std::string_view text) {
  const auto bytes = io::from_hex(text);
  io::Digest128 digest{};
  if (!bytes || bytes->size() != sizeof(digest)) return std::nullopt;
  std::memcpy(digest.data(), bytes->data(), sizeof(digest));
  return digest;
}

std::string to_json(const CallRecord& record) {
  std::vector<char> bytes;
  json::Writer out(bytes, nullptr);
  MemberWriter writer(out);
  out.begin_object();
  writer.text("kind", to_string(record.kind));
  writer.tags(record.tags);
  if (record.kind == RecordKind::kBatch) {
    writer.integer("look", record.look_ms);
    writer.place(record.place);
  } else if (record.kind != RecordKind::kIntent) {
    writer.end(record);
  }
  out.end_object();
  return {bytes.begin(), bytes.end()};
}

Result<CallRecord> parse_record(std::string_view json) {
  JsonReader reader;
  const auto root = reader.read(json);
  MemberReader from(root && root->type() == TokenType::kObject ? root : std::nullopt);
  const auto kind = named<RecordKind>(kKinds, from.text("kind"));
  if (!kind || from.text("call").empty()) return fail(ErrorCode::kCorrupt, "an event is no record of a call");
  CallRecord record;
  record.kind = *kind;
  record.tags = from.tags();
  record.cost = {from.integer("cost")};
  record.estimated = from.flag("estimated");
  record.usage = from.usage();
  record.took_ms = from.integer("took");
  record.first_ms = JsonReader::integer(from.member("first"));
  record.content = from.content();
  if (const auto key = parse_digest(from.text("cache"))) record.cache = CacheMark{*key, from.integer("until")};
  record.failure = {named<AiFailureKind>(kFailures, from.text("failure")).value_or(AiFailureKind::kTransient),
                    from.text("message"), std::nullopt, static_cast<int>(from.integer("status"))};
  record.from = named<AiAnswerFrom>(kFroms, from.text("from")).value_or(AiAnswerFrom::kProvider);
  if (record.kind == RecordKind::kBatch) record.place = from.place();
  record.look_ms = from.integer("look");
  return record;
}

io::Digest128 event_key(const std::string& who, const AiEvent& event, const io::Digest128& question) {
  std::string text = who;
  text += '\0';
  text += event.id;
  text += '\0';
  text.append(reinterpret_cast<const char*>(question.data()), sizeof(question));
  return io::Digester().digest(text);
}

AiAnswer answer_of(const CallRecord& record, AiAnswerFrom from) {
  AiAnswer answer;
  answer.call = record.tags.call;
  answer.from = from;
  answer.model = {record.tags.provider, record.tags.model, 1};
  answer.text = record.content.text;
  answer.tool_calls = record.content.tool_calls;
  answer.embeddings = record.content.embeddings;
  answer.finished = record.content.finished;
  const TokenUsage& usage = record.usage;
  answer.usage = {usage.input,          usage.cache_read, usage.cache_write_5m,
                  usage.cache_write_1h, usage.output,     usage.reasoning};
  answer.cost_nano_usd = record.cost.value;
  answer.estimated = record.estimated;
  return answer;
}

}  // namespace colloquium::ai
