// UniqueFunction: a callable that may own move-only things (C++20 has no std::move_only_function).
//
// Every callback and task in Colloquium is one. Thread safety: none of its own; whoever holds it calls it.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace colloquium {

template <class Signature>
class UniqueFunction;

template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  UniqueFunction(std::nullptr_t) {}

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> && std::is_invocable_r_v<R, F&, Args...>)
  UniqueFunction(F&& callable) : callable_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(callable))) {}

  // REQUIRES: not empty.
  R operator()(Args... args) { return callable_->call(std::forward<Args>(args)...); }
  explicit operator bool() const { return callable_ != nullptr; }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual R call(Args... args) = 0;
  };
  template <class F>
  struct Holder final : Callable {
    explicit Holder(F&& from) : callable(std::move(from)) {}
    explicit Holder(const F& from) : callable(from) {}
    R call(Args... args) override { return callable(std::forward<Args>(args)...); }
    F callable;
  };

  std::unique_ptr<Callable> callable_;
};

using Task = UniqueFunction<void()>;

}  // namespace colloquium
