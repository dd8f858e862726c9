#include "components/gateway/gateway_event.h"

#include <vector>

#include "ai/json_text.h"
#include "json/writer.h"

namespace colloquium::components {
namespace {

constexpr double kNanoPerUsd = 1e9;

// What this answer took of the budgets: nothing where it was paid before.
double cost_usd(const AiAnswer& answer) {
  return answer.from == AiAnswerFrom::kProvider ? static_cast<double>(answer.cost_nano_usd) / kNanoPerUsd : 0;
}

void write_usage(json::Writer& out, const AiUsage& usage) {
  out.key("usage");
  out.begin_object();
  const auto put = [&out](const char* key, const std::optional<int64_t>& count) {
    if (!count) return;
    out.key(key);
    out.integer(*count);
  };
  put("input", usage.input);
  put("cache_read", usage.cache_read);
  put("cache_write_5m", usage.cache_write_5m);
  put("cache_write_1h", usage.cache_write_1h);
  put("output", usage.output);
  put("reasoning", usage.reasoning);
  out.end_object();
}

}  // namespace

const char* name_of(AiAnswerFrom from) {
  switch (from) {
    case AiAnswerFrom::kRecord:
      return "record";
    case AiAnswerFrom::kCache:
      return "cache";
    case AiAnswerFrom::kShared:
      return "shared";
    case AiAnswerFrom::kProvider:
      break;
  }
  return "provider";
}

std::string to_json(const GatewayEvent& event) {
  std::vector<char> bytes;
  json::Writer out(bytes, nullptr);
  out.begin_object();
  ai::write_member(out, "api", event.api);
  ai::write_member(out, "id", event.id);
  ai::write_member(out, "model", event.model);
  if (!event.key.empty()) ai::write_member(out, "key", event.key);
  out.key("status");
  out.integer(event.status);
  out.key("stream");
  out.boolean(event.stream);
  out.key("took_ms");
  out.integer(event.took_ms);
  if (event.answer != nullptr) {
    const AiAnswer& answer = *event.answer;
    ai::write_member(out, "answered_by", answer.model.provider + "/" + answer.model.model);
    ai::write_member(out, "call", answer.call);
    ai::write_member(out, "from", name_of(answer.from));
    write_usage(out, answer.usage);
    out.key("cost_usd");
    out.number(cost_usd(answer));
  }
  if (event.request != nullptr) {
    out.key("request");
    ai::write_json(out, *event.request);
    if (event.answer != nullptr) ai::write_member(out, "answer", event.answer->text);
  }
  out.end_object();
  return {bytes.data(), bytes.size()};
}

}  // namespace colloquium::components
