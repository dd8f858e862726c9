// Logging: messages of the process, to stderr, one line each.
//
// A small front that keeps spdlog out of our headers. Two forms: `console` for people (the default) and
// `json` (one object per line: time, level, component, message, then the fields). Text may come from outside:
// control characters are escaped in both forms, and bytes that are no UTF-8 are replaced in JSON, so that a
// hostile event can neither forge a line nor break a reader.
//
//   log_info("file", "reading from the start", {{"path", path}, {"bytes", size}});
//
// Thread safety: every function on any thread; a line is written whole.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace colloquium {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };
enum class LogFormat { kConsole, kJson };

// A key and a value; numbers and booleans stay such in JSON.
struct LogField {
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(text) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(text) {}
  LogField(std::string_view name, bool flag) : key(name), value(flag ? "true" : "false"), quoted(false) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view name, T number)
      : key(name), value(std::to_string(number)), quoted(false) {}

  std::string key;
  std::string value;
  bool quoted = true;
};
using LogFields = std::initializer_list<LogField>;

void log_debug(std::string_view component, std::string_view message, LogFields fields = {});
void log_info(std::string_view component, std::string_view message, LogFields fields = {});
void log_warning(std::string_view component, std::string_view message, LogFields fields = {});
void log_error(std::string_view component, std::string_view message, LogFields fields = {});

// Messages below `level` are not written. kInfo at the start.
void set_log_level(LogLevel level);
LogLevel log_level();
void set_log_format(LogFormat format);

// Lines (without their line break) go to `writer` instead of stderr, until it is set to nothing again. The
// writer may be called on any thread, one call at a time, and must not log.
void set_log_writer(std::function<void(std::string_view line)> writer);

}  // namespace colloquium
