#include "components/http/access_token.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/base64.h"
#include "components/http/url_template.h"
#include "net/http_message.h"

namespace colloquium::components {
namespace {

constexpr int64_t kTimeoutMs = 30'000;
constexpr size_t kAnswerBytesMax = 64 * 1024;
constexpr size_t kReasonBytesMax = 200;
// Where the server does not say how long a token is good (RFC 6749, 5.1 leaves that open).
constexpr int64_t kUnstatedSeconds = 3600;
constexpr int64_t kMostSeconds = 30LL * 24 * 3600;
// A token is not used in the last part of its life, so that it does not run out on its way.
constexpr int64_t kMarginSeconds = 30;

std::string form(const std::vector<std::pair<std::string_view, std::string>>& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text += '&';
    text += std::string(name) + "=" + percent_encoded(value);
  }
  return text;
}

std::string joined(const std::vector<std::string>& scopes) {
  std::string text;
  for (const std::string& scope : scopes) text += (text.empty() ? "" : " ") + scope;
  return text;
}

// A member of the server's answer that is text; empty if it is none. Never more than a reason's length: what a
// server says of an error is for people, and the rest of an answer is not to be shown.
std::string text_member(const nlohmann::json& answer, const char* name) {
  const auto at = answer.is_object() ? answer.find(name) : answer.end();
  return at != answer.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::string reason_of(const nlohmann::json& answer) {
  std::string reason;
  for (const char* name : {"error", "error_description"}) {
    const std::string text = text_member(answer, name);
    if (!text.empty()) reason += ": " + text.substr(0, kReasonBytesMax);
  }
  return reason;
}

int64_t seconds_of(const nlohmann::json& answer) {
  const auto at = answer.find("expires_in");
  if (at == answer.end() || !at->is_number()) return kUnstatedSeconds;
  const double seconds = at->get<double>();
  return static_cast<int64_t>(std::clamp(seconds, 0.0, static_cast<double>(kMostSeconds)));
}

}  // namespace

AccessToken::AccessToken(const Clock& clock, net::HttpClient& client, OAuth2Settings settings,
                         int64_t connect_timeout_ms)
    : clock_(clock), client_(client), settings_(std::move(settings)), connect_timeout_ms_(connect_timeout_ms) {}

void AccessToken::get(Then then) {
  if (!authorization_.empty() && clock_.monotonic_ns() < good_until_ns_) return then(authorization_);
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return;
  client_.send(request(), [this, alive = std::weak_ptr<char>(alive_)](Result<net::ClientResponse> answer) {
    if (!alive.expired()) answered(std::move(answer));
  });
}

void AccessToken::refused(std::string_view authorization) {
  if (authorization == authorization_) authorization_.clear();
}

net::ClientRequest AccessToken::request() const {
  std::vector<std::pair<std::string_view, std::string>> fields = {{"grant_type", "client_credentials"}};
  if (!settings_.scopes.empty()) fields.emplace_back("scope", joined(settings_.scopes));
  if (!settings_.audience.empty()) fields.emplace_back("audience", settings_.audience);
  net::ClientRequest request;
  request.method = "POST";
  request.url = settings_.token_url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  if (settings_.credentials == OAuth2Credentials::kBody) {
    fields.emplace_back("client_id", settings_.client_id);
    fields.emplace_back("client_secret", settings_.client_secret.value);
  } else {
    // Both are form-encoded first (RFC 6749, 2.3.1).
    std::string value = "Basic ";
    append_base64(
        percent_encoded(settings_.client_id) + ":" + percent_encoded(settings_.client_secret.value), value);
    request.headers.emplace_back("Authorization", std::move(value));
  }
  request.body = std::make_shared<const std::string>(form(fields));
  request.timeout_ms = kTimeoutMs;
  request.connect_timeout_ms = connect_timeout_ms_;
  request.response_bytes_max = kAnswerBytesMax;
  return request;
}

Status AccessToken::take(const Result<net::ClientResponse>& answer) {
  const std::string what = "cannot get a token from " + net::shown_url(settings_.token_url);
  const auto failed = [](std::string message) {
    return fail(ErrorCode::kUnavailable, std::move(message), {}, true);
  };
  if (!answer) return failed(what + ": " + answer.error().message);
  const auto json = nlohmann::json::parse(answer->body, nullptr, false);
  if (answer->status != 200) {
    return failed(what + ": it answered " + std::to_string(answer->status) + reason_of(json) +
                  "; check auth.oauth2");
  }
  const std::string token = text_member(json, "access_token");
  if (token.empty() || !net::is_header_value(token)) {
    return failed(what + ": its answer holds no access_token; is token_url the right address?");
  }
  const int64_t seconds = seconds_of(json);
  const int64_t margin = std::min(kMarginSeconds, seconds / 10 + 1);
  authorization_ = "Bearer " + token;
  good_until_ns_ = clock_.monotonic_ns() + (seconds - margin) * 1'000'000'000;
  return {};
}

void AccessToken::answered(Result<net::ClientResponse> answer) {
  const Status taken = take(answer);
  // One that is good for less than the margin serves those who waited, and nobody else.
  const std::string authorization = authorization_;
  const std::weak_ptr<char> alive = alive_;
  for (Then& then : std::exchange(waiting_, {})) {
    if (taken) {
      then(authorization);
    } else {
      then(fail(taken.error()));
    }
    if (alive.expired()) return;
  }
}

}  // namespace colloquium::components
