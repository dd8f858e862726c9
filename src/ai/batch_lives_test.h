// A server of batches, and the processes that ask it one after the other, for tests.
//
// Thread safety: one thread.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ai/batch_server_test.h"

namespace colloquium::ai {

inline constexpr int64_t kEach = (1 + BatchServer::kOutput) * kToken / 2;

// Processes that were killed: their objects go with the test's own.
inline void kill(std::unique_ptr<CallsScene> scene) {
  static std::vector<std::unique_ptr<CallsScene>>& dead = *new std::vector<std::unique_ptr<CallsScene>>();
  dead.push_back(std::move(scene));
}

// A server, and the processes that ask it one after the other.
class Lives {
 public:
  explicit Lives(bool finds = true) : settings(batch_settings(finds)) {}

  CallsScene& begin() {
    now = std::make_unique<CallsScene>(
        [this](const AiHttpRequest& request) {
          requests.push_back(request.method + request.url.substr(request.url.find('/', 7)));
          return script ? script(request) : served(server, request);
        },
        ++seed, storage);
    now->clock.set_wall_ms(1'700'000'000'000 + static_cast<int64_t>(seed) * 10'000);
    now->open(settings);
    return *now;
  }
  CallsScene& die_and_begin() {
    kill(std::move(now));
    return begin();
  }
  CallsScene& stop_and_begin() {
    now->close();
    return die_and_begin();
  }
  size_t count(const std::string& request) const {
    return static_cast<size_t>(std::count(requests.begin(), requests.end(), request));
  }

  BatchServer server;
  CallSettings settings;
  std::function<CallScript(const AiHttpRequest&)> script;
  std::vector<std::string> requests;
  std::shared_ptr<log::FakeStorage> storage = log::make_fake_storage();
  std::unique_ptr<CallsScene> now;
  uint64_t seed = 0;
};

// What one of these questions reserves.
inline int64_t most_of_one() {
  Lives lives;
  CallsScene& scene = lives.begin();
  scene.ask(batched("q0", 0, 1));
  scene.answer(0);
  const int64_t most = scene.records().front().tags.reserved.value;
  scene.close();
  REQUIRE(most > kEach);
  return most;
}

}  // namespace colloquium::ai
