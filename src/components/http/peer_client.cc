#include "components/http/peer_client.h"

#include <utility>

#include "base/assert.h"
#include "loop/uv_loop.h"

namespace colloquium::components {
namespace {
constexpr char kAuthorization[] = "Authorization";
constexpr int kUnauthorized = 401;
}  // namespace

PeerClient::PeerClient(loop::UvLoop& loop, const Clock& clock, const ClientSettings& settings,
                       const std::string& base_dir, size_t connections)
    : loop_(loop),
      connect_timeout_ms_(settings.connect_timeout.ms),
      authorization_(fixed_authorization(settings)),
      client_(loop, clock, client_options(settings, base_dir, connections)) {
  if (!settings.auth || !settings.auth->oauth2) return;
  token_ = std::make_unique<AccessToken>(clock, client_, *settings.auth->oauth2, connect_timeout_ms_);
}

uint64_t PeerClient::send(net::ClientRequest request, net::ClientDone done) {
  request.connect_timeout_ms = connect_timeout_ms_;
  if (token_ == nullptr) {
    if (!authorization_.empty()) request.headers.emplace_back(kAuthorization, authorization_);
    return client_.send(std::move(request), std::move(done));
  }
  Call call;
  call.request = std::move(request);
  call.done = std::move(done);
  return add(std::move(call));
}

uint64_t PeerClient::send_streaming(net::ClientRequest request, net::ClientStream stream) {
  request.connect_timeout_ms = connect_timeout_ms_;
  if (token_ == nullptr) {
    if (!authorization_.empty()) request.headers.emplace_back(kAuthorization, authorization_);
    return client_.send_streaming(std::move(request), std::move(stream));
  }
  Call call;
  call.request = std::move(request);
  call.done = std::move(stream.done);
  call.stream = std::make_shared<net::ClientStream>(std::move(stream));
  return add(std::move(call));
}

uint64_t PeerClient::add(Call call) {
  const uint64_t id = ++last_id_;
  calls_[id] = std::move(call);
  begin(id);
  return id;
}

void PeerClient::begin(uint64_t id) {
  token_->get([this, id](Result<std::string> authorization) { go(id, std::move(authorization)); });
}

void PeerClient::go(uint64_t id, Result<std::string> authorization) {
  const auto at = calls_.find(id);
  if (at == calls_.end()) return;  // cancelled meanwhile
  if (!authorization) {
    // A token that is there comes in the turn of send(); an error never does.
    return end(id, fail(std::move(authorization).error()));
  }
  net::ClientRequest request = at->second.request;
  request.headers.emplace_back(kAuthorization, *authorization);
  if (at->second.stream != nullptr) return stream(id, std::move(request), *authorization);
  at->second.sent =
      client_.send(std::move(request), [this, id, used = *authorization](Result<net::ClientResponse> answer) {
        answered(id, used, std::move(answer));
      });
}

void PeerClient::stream(uint64_t id, net::ClientRequest request, const std::string& authorization) {
  Call& call = calls_.at(id);
  // Of an answer that is not the last one nothing is handed over.
  const auto wanted = std::make_shared<bool>(false);
  net::ClientStream passed_on;
  passed_on.silence_ms = call.stream->silence_ms;
  passed_on.begun = [stream = call.stream, wanted, again = call.again](const net::ClientResponse& head) {
    *wanted = head.status != kUnauthorized || again;
    if (*wanted && stream->begun) stream->begun(head);
  };
  passed_on.bytes = [stream = call.stream, wanted](std::string_view bytes) {
    if (*wanted && stream->bytes) stream->bytes(bytes);
  };
  passed_on.done = [this, id, authorization](Result<net::ClientResponse> answer) {
    answered(id, authorization, std::move(answer));
  };
  call.sent = client_.send_streaming(std::move(request), std::move(passed_on));
}

void PeerClient::pause(uint64_t id) {
  if (token_ == nullptr) return client_.pause(id);
  if (const auto at = calls_.find(id); at != calls_.end()) client_.pause(at->second.sent);
}

void PeerClient::resume(uint64_t id) {
  if (token_ == nullptr) return client_.resume(id);
  if (const auto at = calls_.find(id); at != calls_.end()) client_.resume(at->second.sent);
}

void PeerClient::answered(uint64_t id, const std::string& authorization, Result<net::ClientResponse> answer) {
  const auto at = calls_.find(id);
  ASSERT_WHY(at != calls_.end(), "a call goes when it has ended");
  if (answer && answer->status == kUnauthorized) {
    token_->refused(authorization);
    if (!std::exchange(at->second.again, true)) {
      at->second.sent = 0;
      return begin(id);
    }
  }
  end(id, std::move(answer));
}

void PeerClient::end(uint64_t id, Result<net::ClientResponse> answer) {
  const auto at = calls_.find(id);
  ASSERT(at != calls_.end());
  net::ClientDone done = std::move(at->second.done);
  calls_.erase(at);
  done(std::move(answer));
}

void PeerClient::cancel(uint64_t id) {
  if (token_ == nullptr) return client_.cancel(id);
  const auto at = calls_.find(id);
  if (at == calls_.end()) return;
  if (at->second.sent != 0) return client_.cancel(at->second.sent);
  std::string what = "the request to " + net::shown_url(at->second.request.url) + " was cancelled";
  loop_.post(
      [done = std::move(at->second.done), what = std::move(what), alive = std::weak_ptr<char>(alive_)]() mutable {
        if (!alive.expired()) done(fail(ErrorCode::kCancelled, std::move(what), {}, true));
      });
  calls_.erase(at);
}

}  // namespace colloquium::components
