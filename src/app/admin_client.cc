#include "app/admin_client.h"

#include <memory>
#include <utility>

#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "json/view.h"
#include "json/walk.h"
#include "loop/uv_loop.h"
#include "net/http_client.h"

namespace colloquium::app {
namespace {

// A million letters take a minute.
constexpr int64_t kTimeoutMs = 600'000;

// What a problem document says of itself (RFC 9457).
std::string detail_of(const std::string& body) {
  const auto document = json::parse(body, "the answer");
  if (!document) return body;
  const json::ValueView root(document->text.data(), document->tape.data(), 0);
  const auto detail = root.type() == TokenType::kObject ? root.member("detail") : std::nullopt;
  std::string scratch;
  if (!detail || detail->type() != TokenType::kString) return body;
  return std::string(detail->string(scratch));
}

}  // namespace

Result<std::string> post_to_admin(const std::string& address, const std::string& path, std::string body) {
  SystemClock clock;
  ThreadExecutor executor;
  TRY_ASSIGN(const std::unique_ptr<loop::UvLoop> loop, loop::UvLoop::create(executor));
  Result<net::ClientResponse> answer = fail(ErrorCode::kInternal, "there was no answer");
  {
    net::HttpClient client(*loop, clock);
    net::ClientRequest request;
    request.method = "POST";
    request.url = "http://" + address + path;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = std::make_shared<const std::string>(std::move(body));
    request.timeout_ms = kTimeoutMs;
    client.send(std::move(request), [&](Result<net::ClientResponse> response) {
      answer = std::move(response);
      loop->stop();
    });
    loop->run();
  }
  loop->close();
  if (!answer) return fail(answer.error());
  if (answer->status == 200) return std::move(answer->body);
  return fail(ErrorCode::kUnavailable, "the process at " + address + " answered " +
                                           std::to_string(answer->status) + ": " + detail_of(answer->body));
}

}  // namespace colloquium::app
