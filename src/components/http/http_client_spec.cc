// The settings of the http_client source, and what the rest of Colloquium knows about it.
#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "components/http/client_source.h"
#include "components/http/http_client_source.h"
#include "config/problems.h"
#include "loop/uv_loop.h"
#include "net/http_message.h"

namespace colloquium {

ConfigSpec<components::PollRate> ConfigObject<components::PollRate>::spec() {
  using components::PollRate;
  return ConfigSpec<PollRate>()
      .field("requests", &PollRate::requests,
             {.description = "How many, also at once.", .required = true, .minimum = 1, .maximum = 1'000'000})
      .field("per", &PollRate::per, {.description = "In this time.", .minimum = 1, .maximum = 86'400'000});
}

FieldSpec ConfigType<components::PollNext>::describe(std::string name, FieldOptions options) {
  FieldSpec spec{.name = std::move(name), .type = FieldType::kString, .options = std::move(options)};
  spec.read = [](const ConfigNode& node, std::string_view path, void* target, ConfigProblems& problems) {
    auto& next = *static_cast<components::PollNext*>(target);
    if (node.unresolved) return;
    next.link = node.kind == ConfigNode::Kind::kString && node.text == "link";
    if (next.link) return;
    if (node.kind == ConfigNode::Kind::kString && node.text.starts_with('/')) {
      next.pointer = node.text;
      return;
    }
    config::add_error(
        problems, node.mark,
        std::string(path) + " must be link or a JSON pointer such as /links/next, " + config::found(node));
  };
  return spec;
}

namespace components {
namespace {

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  TRY_ASSIGN(loop::UvLoop* const loop,
             required_service<loop::UvLoop>(context, "an http_client source", "event loop"));
  return std::make_unique<HttpClientSource>(std::move(context), config_of<HttpClientConfig>(parsed), *loop);
}

void check_format(const HttpClientConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  if (!config.format || config.format->name == "json") return;
  if (config.split.on)
    config::refuse(node, "split", "split is for JSON, and format says something else", problems);
  if (config.next && !config.next->pointer.empty()) {
    config::refuse(node, "next", "next can be a JSON pointer where the answers are JSON; use link", problems);
  }
}

void check_config(HttpClientConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  config.mark = node.mark;
  check_url(config.url, node, "https://example.org/items", problems);
  check_fixed_headers(config.headers, {"If-None-Match", "If-Modified-Since", "Accept-Encoding"},
                      config.auth.has_value(), node, problems);
  if (!config.body.empty() && config.method == PollMethod::kGet) {
    config::refuse(node, "body", "a GET has no body; set method: POST", problems);
  }
  check_format(config, node, problems);
  check_client(config, node, problems);
}

void add_poll_fields(ConfigSpec<HttpClientConfig>& spec) {
  spec.field("url", &HttpClientConfig::url, {.description = "What is asked for.", .required = true});
  spec.field("every", &HttpClientConfig::every,
             {.description = "From the beginning of one poll to that of the next.",
              .example = "30s",
              .minimum = 10,
              .maximum = 86'400'000LL * 30});
  spec.field("method", &HttpClientConfig::method, {.description = "How it is asked for."});
  spec.field("headers", &HttpClientConfig::headers,
             {.description = "Further headers of every request.", .secret = true});
  spec.field("body", &HttpClientConfig::body,
             {.description = "What is sent with a POST. Its Content-Type is for `headers`.", .secret = true});
  spec.field("rate", &HttpClientConfig::rate,
             {.description = "How many requests may be sent, polls, pages and retries together. Without, no bound "
                             "but `every`.",
              .example = "{requests: 60, per: 1m}"});
}

void add_answer_fields(ConfigSpec<HttpClientConfig>& spec) {
  spec.field("format", &HttpClientConfig::format,
             {.description = "What an answer is. Not given: one JSON value."});
  spec.field(
      "split", &HttpClientConfig::split,
      {.description = "The answer is a JSON array, and each of its elements an event; or, by a JSON pointer, "
                      "has such an array.",
       .example = "/items"});
  spec.field("next", &HttpClientConfig::next,
             {.description = "Where an answer names the next page, which is asked for at once: `link`, the header "
                             "Link with rel=next (RFC 8288), or a JSON pointer to its URL. Only pages on the same "
                             "server are followed.",
              .example = "/links/next"});
  spec.field("max_pages", &HttpClientConfig::max_pages,
             {.description = "How many pages of one poll are asked for.", .advanced = true, .minimum = 1});
  spec.field("max_body", &HttpClientConfig::max_body,
             {.description = "Longest answer taken, decompressed.", .minimum = 1, .maximum = 1 << 30});
  spec.field("max_event", &HttpClientConfig::max_event,
             {.description = "Longest event taken; a longer one is a dead letter.",
              .advanced = true,
              .minimum = 1,
              .maximum = 64 << 20});
  spec.field("timeout", &HttpClientConfig::timeout,
             {.description = "For one request, until the end of its answer.", .minimum = 1, .maximum = 3'600'000});
}

ConfigSpec<HttpClientConfig> spec() {
  ConfigSpec<HttpClientConfig> spec;
  add_poll_fields(spec);
  add_answer_fields(spec);
  return with_client(std::move(spec));
}

void describe_to_people(Descriptor& d) {
  d.summary = "Asks another server on a schedule, and makes events of its answers.";
  d.description =
      "An answer 200 is taken; its ETag and Last-Modified are stored with it, sent along with the next poll, and "
      "a "
      "document that has not changed (304) does not come again, after a restart neither. A server that gives no "
      "such header has its answer taken at every poll. Anything but 200, 204 and 304, no connection, or no answer "
      "in time is tried again after a random wait below a bound that doubles (from 1 s, up to a minute and no "
      "more "
      "than `every`), and not before a Retry-After. No redirect is followed. The next poll waits until the "
      "pipeline has accepted what "
      "came. Pages of one poll are asked for one behind the other; if the process dies between them, the poll "
      "begins again. With `next`, whether anything has changed is told by the first page alone.";
  d.input_trust =
      "The server's answers are untrusted: bounded in size, checked like any event, and pages are followed on the "
      "same server only.";
  d.guarantee =
      "A document accepted is not lost, and not taken again while it is unchanged; only after a crash the last "
      "one "
      "may come once more, or the pages that a poll had. `dedupe` by an id in the events makes that exactly once. "
      "Changes between two polls are not seen.";
  d.examples = {
      {"The state of something, twice a minute", "http_client: {url: \"https://example.org/status\", every: 30s}"},
      {"All pages of a list, an event per item, at most one request a second",
       "http_client:\n  url: \"https://example.org/api/items?limit=100\"\n  every: 5m\n  split: /items\n  next: "
       "/links/next\n  rate: {requests: 1, per: 1s}\n  auth: {bearer: \"token\"}"},
      {"A CSV file that is published now and then",
       "http_client: {url: \"https://example.org/prices.csv\", every: 1h, format: csv}"}};
}

Descriptor describe() {
  Descriptor d;
  d.name = "http_client";
  describe_to_people(d);
  bind_client_source(d, spec(), check_config, "after a crash or a changed document (set dedupe)");
  d.create_source = create;
  return d;
}

}  // namespace

const Descriptor& http_client_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
