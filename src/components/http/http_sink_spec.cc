// The settings of the http sink, and what the rest of Colloquium knows about it.
#include <utility>

#include "colloquium/config_types.h"

#include "components/http/http_sink.h"
#include "components/http/url_template.h"
#include "config/problems.h"
#include "formats/text_template.h"
#include "loop/uv_loop.h"

namespace colloquium {

ConfigSpec<components::HttpSinkBatch> ConfigObject<components::HttpSinkBatch>::spec() {
  using components::HttpSinkBatch;
  return ConfigSpec<HttpSinkBatch>()
      .field("events", &HttpSinkBatch::events,
             {.description = "At most so many.", .minimum = 1, .maximum = 100'000})
      .field(
          "bytes", &HttpSinkBatch::bytes,
          {.description = "At most so many bytes of body, before compression; a single longer event goes alone.",
           .minimum = 1,
           .maximum = 256 << 20})
      .field("join", &HttpSinkBatch::join,
             {.description = "Events that were not accepted together may share a batch, too, as they wait for the "
                             "receiver. After a crash they may come again in other batches, under other keys."});
}

namespace components {
namespace {

Result<std::unique_ptr<Sink>> create(const ParsedConfig& parsed, ComponentContext context) {
  TRY_ASSIGN(loop::UvLoop* const loop, required_service<loop::UvLoop>(context, "an http sink", "event loop"));
  return HttpSink::create(std::move(context), config_of<HttpSinkConfig>(parsed), *loop);
}

void check_config(HttpSinkConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  config.mark = node.mark;
  const ConfigNode* url = node.kind == ConfigNode::Kind::kMap ? node.find("url") : nullptr;
  if (!config.url.empty() && (url == nullptr || !url->unresolved)) {
    const auto parsed = UrlTemplate::parse(config.url, config.mark);
    if (!parsed) config::refuse(node, "url", parsed.error().message, problems);
  }
  check_fixed_headers(config.headers, {"Content-Encoding", "Idempotency-Key"}, config.auth.has_value(), node,
                      problems);
  for (const auto& [name, value] : config.headers) {
    const auto parsed = formats::TextTemplate::parse(value, "headers: " + name, config.mark);
    if (!parsed) config::refuse(node, "headers", parsed.error().message, problems);
  }
  check_client(config, node, problems);
  check_statuses(config.status, node, problems);
}

void check_scripts(const ParsedConfig& parsed, const ScriptNames& names, ConfigProblems& problems) {
  const auto& config = config_of<HttpSinkConfig>(parsed);
  config.format.format->check(names, problems);
  if (const auto url = UrlTemplate::parse(config.url, config.mark)) url->check(names, problems);
  for (const auto& [name, value] : config.headers) {
    const auto text = formats::TextTemplate::parse(value, "headers: " + name, config.mark);
    if (text) text->check(names, problems);
  }
}

void add_request_fields(ConfigSpec<HttpSinkConfig>& spec) {
  spec.field("url", &HttpSinkConfig::url,
             {.description = "Where each event is sent. Behind the host it may have fields, Computo in sugar over "
                             "the event: `https://example.org/in/{$input/customer}`. `{{` and `}}` stand for the "
                             "braces themselves.",
              .example = "https://example.org/in",
              .required = true});
  spec.field("method", &HttpSinkConfig::method, {.description = "How it is sent."});
  spec.field("headers", &HttpSinkConfig::headers,
             {.description = "Further headers of every request. Their values may have fields, too.",
              .example = "{X-Tenant: \"{$input/tenant}\"}",
              .secret = true});
  spec.field(
      "format", &HttpSinkConfig::format,
      {.description = "What the body is. `json`: the event as it is, several as one array. `ndjson`: a line "
                      "each. `template`: text that Computo makes of it. It decides the Content-Type, unless "
                      "`headers` give one."});
  spec.field("batch", &HttpSinkConfig::batch,
             {.description = "Several events as one request: those that were accepted together, as far as they "
                             "have the same URL and headers. `batch: {}` takes the defaults.",
              .example = "{events: 500}"});
  spec.field("compression", &HttpSinkConfig::compression,
             {.description = "Of bodies; the receiver has to understand that Content-Encoding."});
}

ConfigSpec<HttpSinkConfig> spec() {
  ConfigSpec<HttpSinkConfig> spec;
  add_request_fields(spec);
  spec.field("status", &HttpSinkConfig::status,
             {.description = "What statuses mean, where that is not the default: a status, a range such as 5xx or "
                             "420-429, or a list of them for each meaning.",
              .example = "{done: 409, retry: [404, 423]}"});
  spec.field("timeout", &HttpSinkConfig::timeout,
             {.description = "For one request, until the end of its answer.", .minimum = 1, .maximum = 3'600'000});
  spec.field("order", &HttpSinkConfig::order,
             {.description = "`partition`: a request is sent when the one before it in its partition has ended. "
                             "`none`: several at once, in any order."});
  spec.field("concurrency", &HttpSinkConfig::concurrency,
             {.description = "Connections to the receiver, and with `order: none` requests under way per write.",
              .minimum = 1,
              .maximum = 1000});
  return with_client(std::move(spec));
}

void describe_to_people(Descriptor& d) {
  d.summary = "Sends events to a URL, one request per event or per batch.";
  d.description =
      "The body is the event's bytes as application/json, and Idempotency-Key is its stable id. 2xx is done. "
      "408, 425, 429, 5xx, a failed connection and no answer in time are tried again, after Retry-After where one "
      "is given: for as long as it takes, but for 500 and 501, which may be about the event and count as one of "
      "its `attempts`. 413 splits a batch in two. 407, and with `auth` 401, are tried again, as no event is to "
      "blame. Any other answer, redirects included, makes the events of the request dead letters with the status "
      "and the beginning of the answer. `status` changes that. A tombstone is not sent.\n\n"
      "What a field gives is percent-encoded in the URL, so it cannot leave its segment or parameter; one that "
      "would make a segment empty, `.` or `..` makes the event a dead letter.\n\n"
      "A batch's Idempotency-Key is made of the ids of its events: the same events in the same order have the "
      "same "
      "key, any others another. A batch that is sent again has the same events unless one of them was given up, "
      "the receiver split it, the settings have changed, or `join` is on; a receiver that must take no event twice, come what "
      "may, looks at each event's own id, which a `template` can put into the body.";
  d.input_trust =
      "The receiver's answers are untrusted: no redirect is followed, and no more than 4 KiB of one is read. What "
      "of an event comes into a URL or a header can change neither the receiver nor the request.";
  d.repeats_known_by = "the Idempotency-Key of each request";
  d.guarantee = "At least once; effectively once if the receiver ignores an Idempotency-Key it has seen.";
}

std::vector<ComponentExample> examples() {
  return {
      {"Post every event", "http: {url: \"https://example.org/in\"}"},
      {"With a token, several at once",
       "http: {url: \"https://example.org/in\", method: PUT, order: none, headers: {X-Token: \"t\"}}"},
      {"Five hundred lines at a time, compressed",
       "http: {url: \"https://example.org/bulk\", format: ndjson, batch: {events: 500}, compression: gzip}"},
      {"To a place per customer, where 409 means that it is there already",
       "http:\n  url: \"https://example.org/customers/{$input/customer}/orders\"\n  status: {done: 409}"},
      {"A body of our own making, each event with its id",
       "http:\n  url: \"https://example.org/in\"\n  headers: {Content-Type: application/x-ndjson}\n  batch: {}\n  "
       "format: {template: '= toJson({id: event_metadata/id, order: $input})'}"},
      {"With tokens of OAuth 2.0, a certificate of our own and a proxy",
       "http:\n  url: \"https://example.org/in\"\n  auth:\n    oauth2:\n      token_url: "
       "\"https://login.example.org/token\"\n      client_id: colloquium\n      client_secret: \"secret\"\n      "
       "scopes: [orders.write]\n  tls: {ca: tls/ca.pem, certificate: tls/client.pem, key: tls/client.key}\n  "
       "proxy: \"http://user:password@proxy:3128\""}};
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "http";
  describe_to_people(d);
  d.delivery = Guarantee::kAtLeastOnce;
  d.examples = examples();
  bind_spec(d, spec(), check_config);
  d.create_sink = create;
  d.check = [](const ParsedConfig& parsed, const std::string& base_dir, ConfigProblems& problems) {
    const auto& config = config_of<HttpSinkConfig>(parsed);
    check_client_files(config, base_dir, config.mark, problems);
  };
  d.check_scripts = check_scripts;
  d.repeats = [](const ParsedConfig&, const std::string&) -> std::string {
    return "sends each request again, with the Idempotency-Key it had: a receiver that does not look at that "
           "takes "
           "every event twice";
  };
  return d;
}

}  // namespace

const Descriptor& http_sink() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
