// Result<T> and Error: how expected failures travel in Colloquium.
//
// A function that can fail for a reason outside the program (input, disk, network, configuration) returns
// Result<T>. Programmer errors are assertions (src/base/assert.h); a bad event is data (EventOutcome in
// sink.h), never an Error that ends a batch. Exceptions do not cross a folder.
//
// Thread safety: values; as safe as any other value type.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace colloquium {

// What kind of failure it is. Closed: callers may switch over it. Ask `Error::retryable`, not the code,
// whether to try again.
enum class ErrorCode {
  kInvalidInput,   // bytes from outside do not have the promised form
  kInvalidConfig,  // a pipeline, a flag or a setting is wrong
  kNotFound,
  kAlreadyExists,
  kPermission,
  kIo,           // a read, write or sync failed
  kNoSpace,      // the disk, or the reserve kept on it, is full
  kCorrupt,      // stored bytes fail their check below what was known to be synced
  kLimit,        // a declared bound was reached
  kTimeout,
  kUnavailable,  // the peer or a local queue can't take it now
  kConflict,     // someone else holds it, or a newer epoch has fenced us
  kCancelled,
  kInternal,
};

std::string_view to_string(ErrorCode code);

// One failure. `message` says what was attempted, on what, and what the user can do about it.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  bool retryable = false;  // the same call may succeed later without anyone changing anything
  std::string context;     // where: "orders.yaml:12:7", "orders/0@1234"; empty if unknown

  // "context: message", or the message alone.
  std::string describe() const;
};

// tl::expected is not itself [[nodiscard]]; this class is, so a dropped failure is a warning, and a warning
// is an error in our build.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string context = {},
                                  bool retryable = false) {
  return tl::unexpected<Error>(Error{code, std::move(message), retryable, std::move(context)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace colloquium

#define COLLOQUIUM_CONCAT_INNER(a, b) a##b
#define COLLOQUIUM_CONCAT(a, b) COLLOQUIUM_CONCAT_INNER(a, b)

// TRY(expression): returns the failure of a Status (or of any Result, dropping its value).
#define TRY(...)                                                                       \
  do {                                                                                 \
    auto try_result = (__VA_ARGS__);                                                   \
    if (!try_result) return ::colloquium::fail(std::move(try_result).error());         \
  } while (false)

// TRY_ASSIGN(auto x, expression): x is the value, or the failure is returned.
#define TRY_ASSIGN(declaration, ...) \
  TRY_ASSIGN_INNER(COLLOQUIUM_CONCAT(try_value_, __COUNTER__), declaration, __VA_ARGS__)
#define TRY_ASSIGN_INNER(name, declaration, ...)                         \
  auto name = (__VA_ARGS__);                                             \
  if (!name) return ::colloquium::fail(std::move(name).error());         \
  declaration = std::move(*name)
