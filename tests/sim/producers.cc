#include "tests/sim/producers.h"

#include <algorithm>

#include "colloquium/config_spec.h"

namespace colloquium::sim {
namespace {

constexpr int64_t kRetryMs = 20;

struct NoConfig {};

class ProducerSource final : public Source {
 public:
  ProducerSource(SourceContext context, Producers& producers)
      : context_(std::move(context)), producers_(producers), timers_(static_cast<size_t>(producers.clients())) {}

  Status start(std::string) override {
    for (int client = 0; client < producers_.clients(); ++client) send(client);
    return {};
  }
  void stop_intake() override { stopped_ = true; }
  void close(Task closed) override {
    stopped_ = true;
    alive_.reset();
    timers_.clear();
    context_.loop.post(std::move(closed));
  }

 private:
  void send(int client) {
    if (stopped_) return;
    if (!context_.intake.ready()) {
      return context_.intake.when_ready([this, client, alive = std::weak_ptr<char>(alive_)] {
        if (!alive.expired()) send(client);
      });
    }
    const std::optional<Producers::Request> request = producers_.next(client);
    if (!request) return;
    for (int copy = 0; copy < request->copies; ++copy) emit(*request);
  }

  void emit(const Producers::Request& request) {
    RawBatch raw;
    std::string body;
    for (int i = 0; i < request.count; ++i) body += Producers::event(request.client, request.first + i) + "\n";
    raw.body = std::make_shared<const std::string>(std::move(body));
    raw.format = BodyFormat::kNdjson;
    raw.order_key = static_cast<uint64_t>(request.client);
    context_.intake.emit(std::move(raw), [this, request, alive = std::weak_ptr<char>(alive_)](const Ack& ack) {
      const bool goes_on = producers_.answered(request, ack);
      if (goes_on && !alive.expired())
        later(request.client, ack.error ? std::max(kRetryMs, ack.retry_after_ms) : 0);
    });
  }

  void later(int client, int64_t delay_ms) {
    timers_[static_cast<size_t>(client)] = context_.loop.start_timer(delay_ms, [this, client] { send(client); });
  }

  SourceContext context_;
  Producers& producers_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<Timer>> timers_;  // of each client, until it sends
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace

Producers::Producers(uint64_t seed, int clients, int events_of_each)
    : random_(seed), events_of_each_(events_of_each), clients_(static_cast<size_t>(clients)) {}

std::string Producers::event(int client, int number) {
  const std::string k = std::to_string(client);
  return R"({"id":"c)" + k + "-" + std::to_string(number) + R"(","k":)" + k + R"(,"n":)" + std::to_string(number) +
         "}";
}

std::optional<Producers::Request> Producers::next(int client) {
  Client& own = clients_[static_cast<size_t>(client)];
  if (own.waiting > 0) return std::nullopt;
  if (!own.request) {
    const int left = events_of_each_ - own.acknowledged;
    if (left == 0) return std::nullopt;
    Request request{client, own.acknowledged, 1 + static_cast<int>(random_.below(4)), false, 1, 0};
    if (own.acknowledged > 0 && random_.below(6) == 0) {
      request.first = static_cast<int>(random_.below(static_cast<uint64_t>(own.acknowledged)));
      request.again = true;
    }
    request.count = std::min(request.count, (request.again ? own.acknowledged : events_of_each_) - request.first);
    request.copies = random_.below(6) == 0 ? 2 : 1;
    own.request = request;
  }
  own.request->serial = ++next_serial_;
  own.waiting = own.request->copies;
  return own.request;
}

bool Producers::answered(const Request& request, const Ack& ack) {
  const auto count = static_cast<uint64_t>(request.count);
  if (!ack.error && ack.accepted + ack.duplicates != count) problem_ = "a request is acknowledged in part";
  if (!ack.error && request.again && ack.duplicates != count) {
    problem_ = "event " + event(request.client, request.first) + " is taken a second time";
  }
  Client& own = clients_[static_cast<size_t>(request.client)];
  // A copy that comes late, or the client was disconnected meanwhile.
  if (!own.request || own.request->serial != request.serial || own.waiting == 0) return false;
  --own.waiting;
  if (ack.error) return own.waiting == 0;
  own.waiting = 0;
  if (!request.again) own.acknowledged += request.count;
  own.request.reset();
  return true;
}

void Producers::disconnect() {
  for (Client& client : clients_) client.waiting = 0;
}

bool Producers::done() const {
  return acknowledged() == clients_.size() * static_cast<uint64_t>(events_of_each_);
}

uint64_t Producers::acknowledged() const {
  uint64_t sum = 0;
  for (const Client& client : clients_) sum += static_cast<uint64_t>(client.acknowledged);
  return sum;
}

Descriptor producer_source(Producers& producers) {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = "producers";
  bind_spec(d, ConfigSpec<NoConfig>());
  d.source_traits = [](const ParsedConfig&) { return SourceTraits{}; };
  d.create_source = [&producers](const ParsedConfig&, SourceContext context) -> Result<std::unique_ptr<Source>> {
    return std::make_unique<ProducerSource>(std::move(context), producers);
  };
  return d;
}

}  // namespace colloquium::sim
