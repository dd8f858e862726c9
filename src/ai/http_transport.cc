#include "ai/http_transport.h"

#include <utility>

namespace colloquium::ai {
namespace {
// The client's own limit until the head comes; whoever sends has shorter ones.
constexpr int64_t kDayMs = 86'400'000;
}  // namespace

HttpTransport::HttpTransport(loop::UvLoop& loop, const Clock& clock, net::ClientOptions options)
    : wanted_(std::make_shared<std::set<Number>>()), client_(loop, clock, std::move(options)) {}

AiTransport::Number HttpTransport::send(AiHttpRequest request, int64_t connect_timeout_ms, AiSending sending) {
  net::ClientRequest http;
  http.method = std::move(request.method);
  http.url = std::move(request.url);
  http.headers = std::move(request.headers);
  // Not even an empty one: what has a body is posted.
  if (http.method != "GET") http.body = std::make_shared<const std::string>(std::move(request.body));
  http.connect_timeout_ms = connect_timeout_ms > 0 ? connect_timeout_ms : kDayMs;
  http.timeout_ms = kDayMs;
  http.decompress = true;
  // The number is known once the client has it, and its callbacks come later.
  const auto number = std::make_shared<Number>(0);
  const auto is_wanted = [wanted = wanted_, number] { return wanted->contains(*number); };
  net::ClientStream stream;
  stream.sent = sending.sent;
  stream.begun = [is_wanted, head = std::move(sending.head)](const net::ClientResponse& response) mutable {
    if (is_wanted()) head(AiHead{response.status, response.headers});
  };
  stream.bytes = [is_wanted, taken = std::move(sending.bytes)](std::string_view bytes) mutable {
    if (is_wanted()) taken(bytes);
  };
  stream.done = [wanted = wanted_, number,
                 done = std::move(sending.done)](Result<net::ClientResponse> end) mutable {
    if (wanted->erase(*number) == 0) return;
    done(end ? Status() : Status(fail(std::move(end.error()))));
  };
  *number = client_.send_streaming(std::move(http), std::move(stream));
  wanted_->insert(*number);
  return *number;
}

void HttpTransport::cancel(Number number) {
  if (wanted_->erase(number) > 0) client_.cancel(number);
}

}  // namespace colloquium::ai
