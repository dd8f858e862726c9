#include "base/logging.h"

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

namespace colloquium {
namespace {

constexpr char kConsolePattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";
// The message brings the rest of the object, because its strings have to be escaped.
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

// Where finished lines go. base_sink holds mutex_ around sink_it_, which makes a line whole.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void set_writer(std::function<void(std::string_view)> writer) {
    std::lock_guard lock(mutex_);
    writer_ = std::move(writer);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (writer_) {
      // Without the line break.
      writer_({line.data(), line.size() - 1});
    } else {
      // One call per line: stderr is not buffered, and lines of several processes stay apart.
      std::fwrite(line.data(), 1, line.size(), stderr);
    }
  }
  void flush_() override { std::fflush(stderr); }

 private:
  std::function<void(std::string_view)> writer_;  // guarded by mutex_
};

struct Logging {
  Logging() {
    logger.set_level(spdlog::level::info);
    set_pattern(kConsolePattern);
  }
  // UTC, so that lines of several machines compare, and none is ambiguous when clocks are put back.
  void set_pattern(const char* pattern) {
    sink->set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, "\n"));
  }

  std::shared_ptr<LineSink> sink = std::make_shared<LineSink>();
  spdlog::logger logger{"colloquium", sink};
  std::atomic<LogFormat> format{LogFormat::kConsole};
};

// Never destroyed: threads may log until the process is gone.
Logging& logging() {
  static auto* instance = new Logging();
  return *instance;
}

// spdlog knows more levels than our messages have.
spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// Length of the UTF-8 sequence at the front of `text` (RFC 3629, section 4), 0 if it is none.
size_t utf8_length(std::string_view text) {
  const auto at = [text](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto continues = [&at](size_t i) { return (at(i) & 0xc0) == 0x80; };
  // Table 3-7 of the Unicode standard: the second byte excludes overlong forms, surrogates and what is
  // above U+10FFFF.
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (lead == 0xe0 && at(1) < 0xa0) return 0;
    if (lead == 0xed && at(1) > 0x9f) return 0;
    return continues(1) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (lead == 0xf0 && at(1) < 0x90) return 0;
    if (lead == 0xf4 && at(1) > 0x8f) return 0;
    return continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// As JSON writes it, in both forms, so that a line can be searched for the same text.
void append_control(std::string& line, unsigned char c) {
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", c);
  line += c == '\n' ? "\\n" : c == '\t' ? "\\t" : text;
}

void append_json(std::string& line, std::string_view text) {
  line += '"';
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    const size_t length = utf8_length(text);
    if (c < 0x20 || c == 0x7f) {
      append_control(line, c);
    } else if (c == '"' || c == '\\') {
      line += '\\';
      line += text[0];
    } else if (length == 0) {
      // U+FFFD stands for each byte that belongs to no character.
      line += "\xef\xbf\xbd";
    } else {
      line += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  line += '"';
}

// People see the bytes as they are, but no control character reaches their terminal.
void append_console(std::string& line, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      append_control(line, byte);
    } else {
      line += c;
    }
  }
}

std::string console_line(std::string_view component, std::string_view message, LogFields fields) {
  std::string line;
  append_console(line, component);
  line += ": ";
  append_console(line, message);
  for (const LogField& field : fields) {
    line += ' ';
    append_console(line, field.key);
    line += '=';
    append_console(line, field.value);
  }
  return line;
}

std::string json_line(std::string_view component, std::string_view message, LogFields fields) {
  std::string line = "\"component\":";
  append_json(line, component);
  line += ",\"message\":";
  append_json(line, message);
  for (const LogField& field : fields) {
    line += ',';
    append_json(line, field.key);
    line += ':';
    if (field.quoted) {
      append_json(line, field.value);
    } else {
      line += field.value;
    }
  }
  return line;
}

void write(LogLevel level, std::string_view component, std::string_view message, LogFields fields) {
  Logging& log = logging();
  const auto spd = spdlog_level(level);
  // Before any text is put together: most debug messages end here.
  if (!log.logger.should_log(spd)) return;
  const std::string line = log.format == LogFormat::kJson ? json_line(component, message, fields)
                                                          : console_line(component, message, fields);
  log.logger.log(spd, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void log_debug(std::string_view component, std::string_view message, LogFields fields) {
  write(LogLevel::kDebug, component, message, fields);
}
void log_info(std::string_view component, std::string_view message, LogFields fields) {
  write(LogLevel::kInfo, component, message, fields);
}
void log_warning(std::string_view component, std::string_view message, LogFields fields) {
  write(LogLevel::kWarning, component, message, fields);
}
void log_error(std::string_view component, std::string_view message, LogFields fields) {
  write(LogLevel::kError, component, message, fields);
}

void set_log_level(LogLevel level) {
  logging().logger.set_level(spdlog_level(level));
}

// The least severe of our levels that is written.
LogLevel log_level() {
  const auto level = logging().logger.level();
  for (LogLevel ours : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (spdlog_level(ours) >= level) return ours;
  }
  return LogLevel::kOff;
}

void set_log_format(LogFormat format) {
  Logging& log = logging();
  log.format = format;
  log.set_pattern(format == LogFormat::kJson ? kJsonPattern : kConsolePattern);
}

void set_log_writer(std::function<void(std::string_view line)> writer) {
  logging().sink->set_writer(std::move(writer));
}

}  // namespace colloquium
