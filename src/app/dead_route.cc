#include "app/dead_route.h"

#include <string>
#include <utility>

#include "app/dead_settling.h"
#include "net/http_server.h"

namespace colloquium::app {
namespace {

constexpr size_t kMaxRequestBytes = size_t{1} << 20;
constexpr const char* kPath = "/api/v1/dead-letters";

int status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidInput:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kNoSpace:
    case ErrorCode::kUnavailable:
    case ErrorCode::kCancelled:
      return 503;
    default:
      return 500;
  }
}

void answer(net::Responder& responder, const Result<engine::LettersDone>& done) {
  if (!done) return responder.fail({.status = status_of(done.error()), .detail = done.error().describe()});
  const std::string body =
      "{\"events\":" + std::to_string(done->events) + ",\"left\":" + std::to_string(done->left) + "}\n";
  net::Response response;
  response.status = 200;
  response.content_type = "application/json";
  response.body = body;
  responder.send(response);
}

}  // namespace

DeadRoute::~DeadRoute() {
  stop_ = true;
  if (under_way_ != nullptr) under_way_->wait();
}

Status DeadRoute::add_to(net::HttpServer& server) {
  net::Route route;
  route.path = kPath;
  route.methods = {net::Method::kPost};
  route.max_body_bytes = kMaxRequestBytes;
  // A page in a browser can't send this type to another origin without being asked about it first.
  route.admit = [](const net::RequestHead& head) {
    const auto type = head.find("content-type");
    if (type && type->starts_with("application/json")) return net::Admission();
    return net::Admission::refuse({.status = 415, .detail = "the request has to be application/json"});
  };
  route.handle = [this](const net::Request& request, net::Responder responder) {
    handle(request, std::move(responder));
  };
  return server.add_route(std::move(route));
}

void DeadRoute::handle(const net::Request& request, net::Responder responder) {
  auto asked = read_dead_request(*request.body);
  if (!asked) return answer(responder, fail(asked.error()));
  if (under_way_ != nullptr) {
    return responder.fail({.status = 409, .detail = "dead letters are being put back or dropped already"});
  }
  struct Work {
    DeadRequest request;
    net::Responder responder;
    Result<engine::LettersDone> done;
  };
  auto work = std::make_shared<Work>(Work{std::move(*asked), std::move(responder), engine::LettersDone{}});
  under_way_ = executor_.make_signal();
  const bool offloaded = loop_.offload(
      [this, work, ended = under_way_] {
        work->done = settle_dead(log_, executor_, work->request, stop_);
        ended->set();
      },
      [this, work, alive = std::weak_ptr<char>(alive_)] {
        if (!alive.expired()) under_way_.reset();
        answer(work->responder, work->done);
      });
  if (offloaded) return;
  under_way_.reset();
  answer(work->responder, fail(ErrorCode::kUnavailable, "too much is under way; try again"));
}

}  // namespace colloquium::app
