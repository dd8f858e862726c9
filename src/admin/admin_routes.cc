#include "admin/admin_routes.h"

#include <array>
#include <utility>

#include "net/http_server.h"

namespace colloquium::admin {
namespace {

// The version is part of the type: Prometheus picks its parser by it.
constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
// A probe's answer is about now; a cache in between would tell about then.
constexpr std::array<net::HeaderField, 1> kNoStore{{{"Cache-Control", "no-store"}}};

void send(net::Responder& responder, int status, std::string_view type, std::string_view body) {
  net::Response response;
  response.status = status;
  response.content_type = type;
  response.body = body;
  response.headers = kNoStore;
  responder.send(response);
}

void member(std::string& out, std::string_view name, std::string_view text) {
  net::append_json_string(out, name);
  out += ':';
  net::append_json_string(out, text);
}

// "pipeline orders: starting; orders: sink all: failed: disk full"
std::string what_is_missing(const std::vector<HealthEntry>& entries) {
  std::string text;
  for (const HealthEntry& entry : entries) {
    if (entry.status == HealthStatus::kOk || entry.status == HealthStatus::kDegraded) continue;
    if (!text.empty()) text += "; ";
    text += entry.name + ": " + std::string(to_string(entry.status));
    if (!entry.detail.empty()) text += ": " + entry.detail;
  }
  return text;
}

// Written by hand: five members, and the one thing that matters (escaping) is net's.
std::string health_json(const AdminView& view, const std::vector<HealthEntry>& entries) {
  std::string json = "{";
  member(json, "status", to_string(Health::overall(entries)));
  json += ',';
  member(json, "version", view.version);
  json += ",\"uptime_seconds\":" + std::to_string((view.clock.monotonic_ns() - view.started_ns) / 1'000'000'000);
  json += ",\"components\":[";
  for (size_t i = 0; i < entries.size(); ++i) {
    json += i == 0 ? "{" : ",{";
    member(json, "name", entries[i].name);
    json += ',';
    member(json, "status", to_string(entries[i].status));
    if (!entries[i].detail.empty()) {
      json += ',';
      member(json, "detail", entries[i].detail);
    }
    json += '}';
  }
  return json + "]}\n";
}

// A refusal says who is not ready, because that is the first question.
void answer_readyz(const AdminView& view, net::Responder& responder) {
  const std::vector<HealthEntry> entries = view.health.entries();
  if (Health::is_ready(entries)) return send(responder, 200, "text/plain", "ready\n");
  net::Problem problem;
  problem.status = 503;
  problem.detail = what_is_missing(entries);
  responder.fail(problem);
}

// Degraded is still 200: this page is for people and dashboards, and 503 would hide its body from some.
void answer_healthz(const AdminView& view, net::Responder& responder) {
  const std::vector<HealthEntry> entries = view.health.entries();
  const int status = Health::overall(entries) == HealthStatus::kFailed ? 503 : 200;
  send(responder, status, "application/json", health_json(view, entries));
}

net::Route get(const char* path, std::function<void(net::Responder&)> answer) {
  net::Route route;
  route.path = path;
  route.methods = {net::Method::kGet};
  // Nothing here takes a body.
  route.max_body_bytes = 0;
  route.handle = [answer = std::move(answer)](const net::Request&, net::Responder responder) {
    answer(responder);
  };
  return route;
}

}  // namespace

std::vector<net::Route> admin_routes(const AdminView& view) {
  std::vector<net::Route> routes;
  routes.push_back(get(
      "/metrics", [view](net::Responder& responder) { send(responder, 200, kMetricsType, view.metrics.text()); }));
  routes.push_back(
      // Nothing is looked at: that this runs is the answer.
      get("/livez", [](net::Responder& responder) { send(responder, 200, "text/plain", "alive\n"); }));
  routes.push_back(get("/readyz", [view](net::Responder& responder) { answer_readyz(view, responder); }));
  routes.push_back(get("/healthz", [view](net::Responder& responder) { answer_healthz(view, responder); }));
  return routes;
}

Status add_admin_routes(net::HttpServer& server, const AdminView& view) {
  for (net::Route& route : admin_routes(view)) TRY(server.add_route(std::move(route)));
  return {};
}

}  // namespace colloquium::admin
