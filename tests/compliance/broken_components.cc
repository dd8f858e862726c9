#include "tests/compliance/broken_components.h"

#include <arpa/inet.h>
#include <deque>
#include <netinet/in.h>
#include <sys/socket.h>

namespace colloquium::compliance {

Descriptor& twin_descriptor(ComponentKind kind) {
  static std::deque<Descriptor> all;
  Descriptor& d = all.emplace_back();
  d.kind = kind;
  d.name = "twin";
  d.summary = "Stands for a component.";
  d.description = "It is there for the tests.";
  d.input_trust = "Nothing comes in.";
  d.guarantee = "None.";
  d.examples = {{"Everything as it is", "twin: {}"}};
  return d;
}

Subject undocumented(Subject subject) {
  Descriptor& d = twin_descriptor(subject.descriptor->kind);
  d = *subject.descriptor;
  d.spec.fields.front().options.description.clear();
  subject.descriptor = &d;
  return subject;
}

Subject with_broken_example(Subject subject) {
  Descriptor& d = twin_descriptor(subject.descriptor->kind);
  d = *subject.descriptor;
  d.examples = {{"A setting that is not there", "twin: {sverity: 10}"}};
  subject.descriptor = &d;
  return subject;
}

std::shared_ptr<TwinMetric> TwinMetric::make(const ComponentContext& context, const std::string& component) {
  auto made = std::make_shared<TwinMetric>();
  made->registration = context.services.find<metrics::Registry>()->gauge({"colloquium_twin_events", "Events."},
                                                                         {.component = component}, made->gauge);
  return made;
}

int connect_to(int64_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  return fd;
}

}  // namespace colloquium::compliance
