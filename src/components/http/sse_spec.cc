// The settings of the sse source, and what the rest of Colloquium knows about it.
#include <utility>

#include "colloquium/config_types.h"

#include "components/http/client_source.h"
#include "components/http/sse_source.h"
#include "config/problems.h"
#include "loop/uv_loop.h"
#include "net/http_message.h"

namespace colloquium {

ConfigSpec<components::SseReconnect> ConfigObject<components::SseReconnect>::spec() {
  using components::SseReconnect;
  return ConfigSpec<SseReconnect>()
      .field("initial", &SseReconnect::initial,
             {.description = "The bound of the first wait.", .minimum = 1, .maximum = 3'600'000})
      .field("max", &SseReconnect::max,
             {.description = "The bound of the last.", .minimum = 1, .maximum = 86'400'000});
}

namespace components {
namespace {

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  TRY_ASSIGN(loop::UvLoop* const loop, required_service<loop::UvLoop>(context, "an sse source", "event loop"));
  return std::make_unique<SseSource>(std::move(context), config_of<SseConfig>(parsed), *loop);
}

void check_format(const SseConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  if (!config.format) return;
  const std::string& name = config.format->name;
  if (config.format->format->has_header()) {
    return config::refuse(node, "format", "an event of a stream has no header, as format " + name + " needs one",
                          problems);
  }
  const bool is_value = name == "json" || name == "text" || name == "raw";
  if (config.value == SseValue::kMessage && !is_value) {
    config::refuse(node, "format", "with value: message the data is json, or with format: text a string",
                   problems);
  }
}

void check_config(SseConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  config.mark = node.mark;
  check_url(config.url, node, "https://example.org/events", problems);
  if (!net::is_header_value(config.last_event_id)) {
    config::refuse(node, "last_event_id", "last_event_id holds a character that no header may have", problems);
  }
  check_fixed_headers(config.headers, {"Accept", "Last-Event-ID"}, config.auth.has_value(), node, problems);
  check_format(config, node, problems);
  check_client(config, node, problems);
}

ConfigSpec<SseConfig> spec() {
  ConfigSpec<SseConfig> spec;
  spec.field("url", &SseConfig::url, {.description = "Where the stream is.", .required = true});
  spec.field("headers", &SseConfig::headers, {.description = "Further headers of every request.", .secret = true});
  spec.field("format", &SseConfig::format,
             {.description = "What the data of an event is. Not given: one JSON value."});
  spec.field(
      "value", &SseConfig::value,
      {.description = "`data`: an event is its data. `message`: it is {event, id, data}, so that `dedupe` can "
                      "look at the id."});
  spec.field("last_event_id", &SseConfig::last_event_id,
             {.description = "Where to begin the first time, for servers that can."});
  spec.field(
      "reconnect", &SseConfig::reconnect,
      {.description =
           "How long to wait before connecting again: at random, below a bound that doubles while that fails.",
       .advanced = true});
  spec.field(
      "silence", &SseConfig::silence,
      {.description = "So long without a byte, comments included, and the connection counts as dead. 0: never.",
       .minimum = 0,
       .maximum = 86'400'000});
  spec.field("max_event", &SseConfig::max_event,
             {.description = "Longest data taken; a longer one is a dead letter, of which the beginning is kept.",
              .minimum = 1,
              .maximum = 64 << 20});
  spec.field("overflow", &SseConfig::overflow, config::overflow_field());
  spec.field("timeout", &SseConfig::timeout,
             {.description = "From the request to the head of the answer.",
              .advanced = true,
              .minimum = 1,
              .maximum = 3'600'000});
  return with_client(std::move(spec));
}

void describe_to_people(Descriptor& d) {
  d.summary = "Reads another server's event stream (server-sent events).";
  d.description =
      "Events are taken as the WHATWG standard says, each one's data as one JSON value; `sse_event` and `sse_id` "
      "are "
      "headers of it. Whatever ends the connection, another is made: after what the stream said with `retry:` and "
      "a "
      "random wait below a bound that doubles while it fails, and not before a Retry-After. It says "
      "Last-Event-ID, so "
      "that a server that keeps events goes on behind the last one; after a restart that is the last one known to "
      "be "
      "stored. While the pipeline takes nothing, the stream is not read, and the server has to wait, unless "
      "`overflow` says "
      "otherwise. Anything but "
      "200 "
      "and text/event-stream is told and tried again; no redirect is followed. An answer 204 is waited out for "
      "`reconnect.max`.";
  d.input_trust =
      "The server is untrusted: events are bounded in size and checked like any other; what is no JSON is a dead "
      "letter.";
  d.guarantee =
      "At least once from a server that honours Last-Event-ID; `value: message` with `dedupe` by the id makes "
      "that "
      "exactly once. From one that does not, what is sent while nobody is connected is not seen.";
  d.examples = {
      {"A stream of JSON", "sse: {url: \"https://example.org/events\"}"},
      {"With id and type in the event, so that none comes twice",
       "sse: {url: \"https://example.org/events\", value: message, headers: {X-Topic: orders}}\ndedupe: {key: "
       "[\"$input\", \"/id\"], window: 24h}"},
      {"Text, with a token", "sse: {url: \"https://example.org/log\", format: text, auth: {bearer: \"token\"}}"}};
}

Descriptor describe() {
  Descriptor d;
  d.name = "sse";
  describe_to_people(d);
  bind_client_source(d, spec(), check_config, "after a crash or from a server that goes back (set dedupe)");
  d.create_source = create;
  return d;
}

}  // namespace

const Descriptor& sse_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
