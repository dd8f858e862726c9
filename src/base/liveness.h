// Liveness: for callbacks that may come when the object that they speak of is gone.
//
//   Liveness alive_;  // a member, the last one
//   intake.when_ready(alive_.guard([this] { pump(); }));
//
// Thread safety: guard() on any thread while the object is there. The callbacks it made belong to the thread that
// destroys the object: there one either finds it whole or does nothing. What comes on another thread is to post
// one.
#pragma once

#include <memory>
#include <utility>

namespace colloquium {

class Liveness {
 public:
  Liveness() = default;
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;

  // `fn`, as long as this object is there; nothing afterwards.
  template <class Fn>
  auto guard(Fn fn) const {
    return [token = std::weak_ptr<const char>(token_), fn = std::move(fn)](auto&&... args) mutable {
      if (!token.expired()) fn(std::forward<decltype(args)>(args)...);
    };
  }

 private:
  const std::shared_ptr<const char> token_ = std::make_shared<const char>();
};

}  // namespace colloquium
