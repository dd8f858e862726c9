#include "components/http/sink_requests.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "components/http/digest_text.h"
#include "formats/line_writer.h"
#include "net/http_message.h"

namespace colloquium::components {
namespace {

constexpr char kIdempotencyKey[] = "Idempotency-Key";
constexpr char kContentType[] = "Content-Type";
constexpr size_t kAnswerBytesMax = 4096;

void give_up(std::vector<EventOutcome>& outcomes, size_t event, Error error) {
  outcomes[event] = {Outcome::kDeadLetter, std::move(error), 0};
}

}  // namespace

SinkRequests::SinkRequests(const HttpSinkConfig& config)
    : config_(config),
      method_(name_of(config.method)),
      is_array_(config.batch && config.format.name == "json"),
      most_bytes_(config.batch ? static_cast<size_t>(config.batch->bytes.bytes)
                               : std::numeric_limits<size_t>::max()) {}

Result<std::unique_ptr<SinkRequests>> SinkRequests::create(const HttpSinkConfig& config,
                                                           const formats::EventText::Variables& variables) {
  std::unique_ptr<SinkRequests> made(new SinkRequests(config));
  TRY_ASSIGN(const UrlTemplate url, UrlTemplate::parse(config.url, config.mark));
  TRY_ASSIGN(made->url_, UrlTemplate::Renderer::create(url, variables));
  made->is_constant_ = url.is_constant();
  for (const auto& [name, text] : config.headers) {
    TRY_ASSIGN(const auto value, formats::TextTemplate::parse(text, "headers: " + name, config.mark));
    TRY_ASSIGN(auto renderer, formats::TextTemplate::Renderer::create(value, variables, {}));
    made->is_constant_ = made->is_constant_ && value.is_constant();
    made->typed_ = made->typed_ || net::equals_ignoring_case(name, kContentType);
    made->headers_.push_back({name, std::move(renderer)});
  }
  if (!config.format.format->is_lines()) {
    TRY_ASSIGN(made->encoder_, config.format.format->encoder(variables));
  }
  return made;
}

Status SinkRequests::find_target(const Batch& batch, size_t event, Target& target) {
  TRY_ASSIGN(const std::string_view url, url_->render(batch, event));
  target.url = url;
  target.values.resize(headers_.size());
  for (size_t i = 0; i < headers_.size(); ++i) {
    TRY_ASSIGN(const std::string_view value, headers_[i].value->render(batch, event));
    if (!net::is_header_value(value)) {
      return fail(ErrorCode::kInvalidInput,
                  "a field in the header " + headers_[i].name + " gave characters that no header may have");
    }
    target.values[i] = value;
  }
  return {};
}

void SinkRequests::begin_body() {
  body_.clear();
  if (is_array_) body_ = "[";
  if (encoder_ != nullptr) body_ = encoder_->preamble();
}

std::optional<Error> SinkRequests::add(const Batch& batch, size_t event, bool first) {
  if (encoder_ != nullptr) return encoder_->encode(batch, event, body_);
  if (config_.format.name != "json") {
    formats::append_line(batch, event, body_);
    return std::nullopt;
  }
  if (is_array_ && !first) body_ += ',';
  body_ += batch.value(event);
  return std::nullopt;
}

std::optional<net::ClientRequest> SinkRequests::cut(const Batch& batch, size_t& next, size_t most,
                                                    std::vector<uint32_t>& events,
                                                    std::vector<EventOutcome>& outcomes) {
  events.clear();
  begin_body();
  for (; next < batch.size() && events.size() < most; ++next) {
    const bool first = events.empty();
    if (batch.is_tombstone(next)) {
      outcomes[next].outcome = Outcome::kDrop;
      continue;
    }
    Target& target = first ? target_ : other_;
    if (first || !is_constant_) {
      if (Status found = find_target(batch, next, target); !found) {
        give_up(outcomes, next, std::move(found.error()));
        continue;
      }
      if (!first && other_ != target_) break;
    }
    const size_t before = body_.size();
    auto error = add(batch, next, first);
    const bool too_much = !first && body_.size() > most_bytes_;
    if (error || too_much) body_.resize(before);
    if (too_much) break;
    if (error) {
      give_up(outcomes, next, std::move(*error));
    } else {
      events.push_back(static_cast<uint32_t>(next));
    }
  }
  if (events.empty()) return std::nullopt;
  return finish(batch, events);
}

net::ClientRequest SinkRequests::part(const Batch& batch, const std::vector<uint32_t>& events) {
  ASSERT(!events.empty());
  const Status found = find_target(batch, events.front(), target_);
  ASSERT_WHY(found, "cut() has found it before");
  begin_body();
  for (const uint32_t event : events) {
    const auto error = add(batch, event, event == events.front());
    ASSERT_WHY(!error, "cut() has written it before");
  }
  return finish(batch, events);
}

std::string SinkRequests::key_of(const Batch& batch, const std::vector<uint32_t>& events) {
  std::string first = batch.id(events.front());
  if (events.size() == 1) return first;
  std::string ids;
  for (const uint32_t event : events) ids += batch.id(event) + '\n';
  return first + "+" + std::to_string(events.size()) + "-" + digest_text(digester_.digest(ids));
}

net::ClientRequest SinkRequests::finish(const Batch& batch, const std::vector<uint32_t>& events) {
  if (is_array_) body_ += ']';
  net::ClientRequest request;
  request.method = method_;
  request.url = target_.url;
  request.timeout_ms = config_.timeout.ms;
  request.response_bytes_max = kAnswerBytesMax;
  request.truncate_response = true;
  request.body = std::make_shared<const std::string>(std::move(body_));
  request.headers.emplace_back(kIdempotencyKey, key_of(batch, events));
  for (size_t i = 0; i < headers_.size(); ++i) request.headers.emplace_back(headers_[i].name, target_.values[i]);
  if (!typed_) {
    const bool json = config_.format.name == "json";
    request.headers.emplace_back(kContentType, json ? "application/json" : config_.format.format->media_type());
  }
  return request;
}

}  // namespace colloquium::components
