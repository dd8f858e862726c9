// MqttLink: keeps a connection to a broker: connects, and again after a loss, with waits of full jitter.
//
// All that waits for the broker runs on a thread of the link's own, and so does the work that is handed to it; the
// loop only hears what became of it. Waits between attempts double up to `reconnect.max`, and begin anew once a
// connection has proved itself (well()).
//
// Thread safety: on the loop, unless said otherwise. Once started, destroy only after close() has called back.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "colloquium/component.h"
#include "colloquium/executor.h"

#include "base/counters.h"
#include "base/liveness.h"
#include "components/mqtt/paho.h"

namespace colloquium::components {

// Read on other threads.
struct MqttLinkCounters {
  Gauge connected;
  Counter connects;
  ErrorCounters errors;
};

class MqttLink {
 public:
  struct Hooks {
    // On the link's thread, with every new connection, before it counts as one. `first`: of this process.
    std::function<Status(PahoClient& client, bool first)> greet;
    // On a thread of Paho's, see PahoListener.
    std::function<bool(MqttMessage message)> arrived;
    // On the loop. False: not now; `again` is to be called when it may be.
    std::function<bool(Task again)> may_connect;
    // On the loop, instead of another attempt: it never worked and needs somebody's hand.
    std::function<void(const Error& error)> failed;
  };

  // `kind` names the component in messages and in client ids. The context outlives the link.
  MqttLink(const ComponentContext& context, PahoOptions options, Executor& executor, Hooks hooks);
  ~MqttLink();

  void start();

  // Runs `work` on the link's thread, with null while there is no connection.
  void on_thread(UniqueFunction<void(PahoClient*)> work);

  // Gives the connection up for another one: what is under way through it can't be judged any more. On the link's
  // thread.
  void drop(const std::string& why);

  // The connection is of use; any thread.
  void well() { failures_ = 0; }

  // Disconnects and gives everything back; `closed` runs on the loop.
  void close(Task closed);

  const std::optional<Error>& last_error() const { return last_error_; }
  MqttLinkCounters& counters() { return *counters_; }

 private:
  class Listener;

  void connect();
  void attempt();  // on the thread
  void connected();
  void not_connected(const Error& error);
  void lost(uint64_t connection, const std::string& why);
  void connect_later();

  const ComponentContext& context_;
  const PahoOptions options_;  // `url` is chosen at each attempt
  Executor& executor_;
  const Hooks hooks_;
  const std::shared_ptr<MqttLinkCounters> counters_ = std::make_shared<MqttLinkCounters>();
  std::atomic<bool> stop_{false};
  std::atomic<int> failures_{0};  // in a row
  // Of the thread.
  std::unique_ptr<PahoClient> client_;
  uint64_t attempts_ = 0;
  bool greeted_ = false;
  // Of the loop.
  std::unique_ptr<Timer> timer_;
  std::optional<Error> last_error_;
  uint64_t current_ = 0;  // number of the attempt that is connected; 0: none
  bool attempting_ = false;
  bool worked_ = false;
  bool started_ = false;
  bool closed_ = false;
  Liveness alive_;
  std::unique_ptr<TaskQueue> thread_;  // first to go
};

// A client_id that no other process has; 23 characters, as every broker has to take them.
std::string random_client_id(Random& random);

}  // namespace colloquium::components
