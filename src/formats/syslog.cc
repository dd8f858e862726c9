#include "formats/syslog.h"

#include <algorithm>
#include <array>
#include <utility>

#include "formats/json_text.h"
#include "formats/lines.h"

namespace colloquium::formats {
namespace {

using Failure = RecordDecoder::Failure;

enum class Standard { kAuto, kRfc3164, kRfc5424 };

struct SyslogOptions {
  Standard standard = Standard::kAuto;
};

// RFC 5424, tables 1 and 2.
constexpr std::array<std::string_view, 24> kFacilities = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
constexpr std::array<std::string_view, 8> kSeverities = {"emerg",   "alert",  "crit", "err",
                                                         "warning", "notice", "info", "debug"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// One line, from left to right.
class Reader {
 public:
  Reader(std::string_view line, JsonText& json) : line_(line), json_(json) {}

  std::optional<Failure> read(Standard standard) {
    json_.room(line_.size() * (json::kEscapeMax + 8) + 256);
    json_.put('{');
    if (auto failure = priority()) return failure;
    const bool versioned = at_ + 1 < line_.size() && is_digit(line_[at_]) && line_[at_ + 1] == ' ';
    const bool rfc5424 = standard == Standard::kRfc5424 || (standard == Standard::kAuto && versioned);
    if (rfc5424 && !versioned) return Failure{"a version and a space have to follow the priority (RFC 5424)", at_};
    if (rfc5424) {
      if (auto failure = modern()) return failure;
    } else {
      traditional();
    }
    json_.put('}');
    return std::nullopt;
  }

 private:
  std::optional<Failure> priority() {
    size_t number = 0;
    size_t at = 1;
    while (at < line_.size() && at < 4 && is_digit(line_[at])) number = number * 10 + size_t(line_[at++] - '0');
    if (line_.empty() || line_[0] != '<' || at == 1 || at >= line_.size() || line_[at] != '>' || number > 191) {
      return Failure{"a syslog line begins with its priority, as in <13>", 0};
    }
    at_ = at + 1;
    member("facility", kFacilities[number / 8]);
    member("severity", kSeverities[number % 8]);
    return std::nullopt;
  }

  std::optional<Failure> modern() {
    json_.put(",\"version\":");
    json_.put(line_[at_]);
    at_ += 2;
    for (const std::string_view name : {"timestamp", "hostname", "appname", "procid", "msgid"}) {
      const std::string_view text = word();
      if (text.empty()) return Failure{std::string(name) + " is missing (RFC 5424)", at_};
      if (text != "-") member(name, text);
    }
    if (auto failure = structured_data()) return failure;
    std::string_view message = line_.substr(std::min(at_, line_.size()));
    if (message.starts_with(' ')) message.remove_prefix(1);
    if (message.starts_with("\xef\xbb\xbf")) message.remove_prefix(3);  // says that it is UTF-8
    if (!message.empty()) member("message", message);
    return std::nullopt;
  }

  std::optional<Failure> structured_data() {
    if (at_ < line_.size() && line_[at_] == '-') {
      ++at_;
      return std::nullopt;
    }
    if (at_ >= line_.size() || line_[at_] != '[')
      return Failure{"structured data or '-' is missing (RFC 5424)", at_};
    json_.put(",\"structured_data\":{");
    for (bool first = true; at_ < line_.size() && line_[at_] == '['; first = false) {
      if (!first) json_.put(',');
      if (auto failure = element()) return failure;
    }
    json_.put('}');
    return std::nullopt;
  }

  // [id name="value" …]
  std::optional<Failure> element() {
    ++at_;
    string(name());
    json_.put(":{");
    for (bool first = true; at_ < line_.size() && line_[at_] == ' '; first = false) {
      ++at_;
      if (!first) json_.put(',');
      string(name());
      json_.put(':');
      if (line_.substr(std::min(at_, line_.size()), 2) != "=\"") {
        return Failure{"=\" has to follow a name of structured data", at_};
      }
      at_ += 2;
      if (auto failure = value()) return failure;
    }
    if (at_ >= line_.size() || line_[at_] != ']') return Failure{"structured data has no closing ']'", at_};
    ++at_;
    json_.put('}');
    return std::nullopt;
  }

  std::string_view name() {
    const size_t begin = at_;
    while (at_ < line_.size() && line_[at_] > ' ' && line_[at_] != '=' && line_[at_] != ']' && line_[at_] != '"')
      ++at_;
    return line_.substr(begin, at_ - begin);
  }

  // A backslash takes '"', ']' and itself; before anything else it is a character.
  std::optional<Failure> value() {
    json_.put('"');
    while (at_ < line_.size() && line_[at_] != '"') {
      const bool escape = line_[at_] == '\\' && at_ + 1 < line_.size() &&
                          (line_[at_ + 1] == '"' || line_[at_ + 1] == '\\' || line_[at_ + 1] == ']');
      if (escape) ++at_;
      json_.put_escaped(line_.substr(at_++, 1));
    }
    if (at_ >= line_.size()) return Failure{"a value of structured data has no closing quote", at_};
    ++at_;
    json_.put('"');
    return std::nullopt;
  }

  // "Oct 11 22:14:15 host tag[pid]: message"; whatever does not look so is all message, as RFC 3164, 4.3 has it.
  void traditional() {
    const std::string_view rest = line_.substr(at_);
    const bool dated = rest.size() > 16 && rest[3] == ' ' && rest[6] == ' ' && rest[9] == ':' && rest[12] == ':' &&
                       rest[15] == ' ' && !is_digit(rest[0]);
    if (!dated) return message(rest);
    member("timestamp", rest.substr(0, 15));
    at_ += 16;
    member("hostname", word());
    tag();
  }

  void tag() {
    const std::string_view rest = line_.substr(std::min(at_, line_.size()));
    const size_t end = rest.find_first_of("[: ");
    const size_t close = end != rest.npos && rest[end] == '[' ? rest.find(']', end) : rest.npos;
    const bool with_id = close != rest.npos;
    const size_t colon = with_id ? close + 1 : end;
    if (end == rest.npos || end == 0 || colon >= rest.size() || rest[colon] != ':') return message(rest);
    member("appname", rest.substr(0, end));
    if (with_id) member("procid", rest.substr(end + 1, close - end - 1));
    message(rest.substr(colon + 1));
  }

  void message(std::string_view text) {
    if (text.starts_with(' ')) text.remove_prefix(1);
    member("message", text);
  }

  // Up to the next space, which is taken, too.
  std::string_view word() {
    const size_t begin = std::min(at_, line_.size());
    const size_t end = std::min(line_.find(' ', begin), line_.size());
    at_ = std::min(end + 1, line_.size());
    return line_.substr(begin, end - begin);
  }

  void member(std::string_view name, std::string_view text) {
    if (json_.view() != "{") json_.put(',');
    json_.put('"');
    json_.put(name);
    json_.put("\":");
    string(text);
  }
  void string(std::string_view text) {
    json_.put('"');
    json_.put_escaped(text);
    json_.put('"');
  }

  const std::string_view line_;
  JsonText& json_;
  size_t at_ = 0;
};

class SyslogDecoder final : public RecordDecoder {
 public:
  explicit SyslogDecoder(const SyslogOptions& options) : standard_(options.standard) {}
  bool next(std::string_view& rest, std::string_view& record) const override { return next_line(rest, record); }
  std::optional<Failure> decode(std::string_view record, std::vector<char>& out) const override {
    JsonText& json = JsonText::local();
    if (auto failure = Reader(record, json).read(standard_)) return failure;
    json.append_to(out);
    return std::nullopt;
  }

 private:
  const Standard standard_;
};

class SyslogSource final : public SourceFormat {
 public:
  explicit SyslogSource(const SyslogOptions& options) : decoder_(std::make_shared<const SyslogDecoder>(options)) {}
  Result<OpenedRecords> open(std::string_view) const override { return OpenedRecords{decoder_, 0}; }

 private:
  const std::shared_ptr<const RecordDecoder> decoder_;
};

}  // namespace
}  // namespace colloquium::formats

namespace colloquium {

template <>
struct ConfigEnum<formats::Standard> {
  static constexpr std::pair<std::string_view, formats::Standard> values[] = {
      {"auto", formats::Standard::kAuto},
      {"rfc3164", formats::Standard::kRfc3164},
      {"rfc5424", formats::Standard::kRfc5424}};
};

namespace formats {
namespace {

ConfigSpec<SyslogOptions> source_spec() {
  return ConfigSpec<SyslogOptions>().field(
      "standard", &SyslogOptions::standard,
      {.description = "Which lines are taken; `auto` tells them apart by the version that RFC 5424 has."});
}

FormatDescriptor describe() {
  FormatDescriptor d;
  d.name = "syslog";
  d.summary = "Lines of syslog, RFC 5424 and RFC 3164. Read only; a template writes it.";
  d.source_options = source_spec().object();
  d.source = [](const ConfigNode& node, std::string_view what, ConfigProblems& problems) -> SourceFormatPtr {
    return std::make_shared<const SyslogSource>(source_spec().read(node, what, problems));
  };
  return d;
}

}  // namespace

const FormatDescriptor& syslog_format() {
  static const FormatDescriptor descriptor = describe();
  return descriptor;
}

}  // namespace formats
}  // namespace colloquium
