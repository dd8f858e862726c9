#include "formats/framing.h"

#include <algorithm>
#include <cstring>
#include <re2/re2.h>
#include <utility>

#include "base/assert.h"

namespace colloquium::formats {
namespace {

// The position of `c` in [from, text.size()), or text.size().
size_t find(std::string_view text, size_t from, char c) {
  if (from >= text.size()) return text.size();
  const void* found = std::memchr(text.data() + from, c, text.size() - from);
  return found == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

class WholeFraming final : public Framing {
 public:
  size_t complete(std::string_view) override { return 0; }
  size_t complete_at_rest(std::string_view) override { return 0; }
  void begin() override {}
  bool is_whole() const override { return true; }
};

// Goes through a text from quote to quote. A quote opens a field only where one begins, and closes it unless it is
// doubled; any other is a character like all.
class QuoteScan {
 public:
  explicit QuoteScan(char delimiter) : delimiter_(delimiter) {}

  bool quoted() const { return quoted_; }

  // Goes on to the end of `text`; the end (line break included) of the last line outside of quotes, 0 if there is
  // none. With `first` it stops at the first one.
  size_t run(std::string_view text, bool first) {
    size_t end = 0;
    while (at_ < text.size()) {
      const size_t quote = find(text, at_, '"');
      if (!quoted_) {
        const size_t line = line_end(text, quote, first);
        if (line != 0) end = line;
        if (first && end != 0) return end;
        quoted_ = quote < text.size() && opens(text, quote);
      } else {
        quoted_ = quote == text.size();
        if (!quoted_) closed_ = quote;
      }
      at_ = quote + (quote < text.size() ? 1 : 0);
    }
    return end;
  }

 private:
  // In [at_, limit).
  size_t line_end(std::string_view text, size_t limit, bool first) const {
    const void* found =
        first ? std::memchr(text.data() + at_, '\n', limit - at_) : memrchr(text.data() + at_, '\n', limit - at_);
    return found == nullptr ? 0 : static_cast<size_t>(static_cast<const char*>(found) - text.data()) + 1;
  }
  // Behind the quote that closed it, it was the first of two.
  bool opens(std::string_view text, size_t quote) const {
    if (quote == 0) return true;
    const char before = text[quote - 1];
    return before == delimiter_ || before == '\n' || (before == '"' && closed_ == quote - 1);
  }

  char delimiter_;
  size_t at_ = 0;
  size_t closed_ = std::string_view::npos;
  bool quoted_ = false;
};

class QuotedFraming final : public Framing {
 public:
  explicit QuotedFraming(char delimiter) : delimiter_(delimiter), scan_(delimiter) {}
  size_t complete(std::string_view bytes) override { return scan_.run(bytes, false); }
  void begin() override { scan_ = QuoteScan(delimiter_); }
  // A quote that nothing closes: the line it stands in is the bad one.
  size_t cut_long(std::string_view bytes, size_t limit) override {
    const size_t line = find(bytes, 0, '\n');
    return line < limit && line < bytes.size() ? line + 1 : 0;
  }

 private:
  const char delimiter_;
  QuoteScan scan_;
};

class RegexStart final : public StartPattern {
 public:
  explicit RegexStart(std::unique_ptr<re2::RE2> regex) : regex_(std::move(regex)) {}
  bool matches(std::string_view line) const override {
    return regex_->Match({line.data(), line.size()}, 0, line.size(), re2::RE2::UNANCHORED, nullptr, 0);
  }

 private:
  const std::unique_ptr<const re2::RE2> regex_;
};

class MultilineFraming final : public Framing {
 public:
  explicit MultilineFraming(std::shared_ptr<const StartPattern> start) : start_(std::move(start)) {}

  size_t complete(std::string_view bytes) override {
    size_t end = 0;
    // A line is looked at when all of it is there.
    for (size_t feed = find(bytes, line_, '\n'); feed < bytes.size(); feed = find(bytes, line_, '\n')) {
      if (line_ > 0 && start_->matches(bytes.substr(line_, feed - line_))) end = line_;
      line_ = feed + 1;
    }
    return end;
  }
  // All whole lines.
  size_t complete_at_rest(std::string_view bytes) override {
    const void* feed = bytes.empty() ? nullptr : memrchr(bytes.data(), '\n', bytes.size());
    return feed == nullptr ? 0 : static_cast<size_t>(static_cast<const char*>(feed) - bytes.data()) + 1;
  }
  void begin() override { line_ = 0; }

 private:
  const std::shared_ptr<const StartPattern> start_;
  size_t line_ = 0;  // begin of the first line not looked at
};

class MultilineDecoder final : public RecordDecoder {
 public:
  MultilineDecoder(std::shared_ptr<const StartPattern> start, std::shared_ptr<const RecordDecoder> inner)
      : start_(std::move(start)), inner_(std::move(inner)) {}

  bool next(std::string_view& rest, std::string_view& record) const override {
    while (!rest.empty() && (rest.front() == '\n' || rest.front() == '\r')) rest.remove_prefix(1);
    if (rest.empty()) return false;
    size_t end = std::min(find(rest, 0, '\n') + 1, rest.size());
    while (end < rest.size()) {
      const size_t feed = find(rest, end, '\n');
      if (start_->matches(rest.substr(end, feed - end))) break;
      end = std::min(feed + 1, rest.size());
    }
    record = rest.substr(0, end);
    rest.remove_prefix(end);
    while (record.ends_with('\n') || record.ends_with('\r')) record.remove_suffix(1);
    return true;
  }
  std::optional<Failure> decode(std::string_view record, std::vector<char>& out) const override {
    return inner_->decode(record, out);
  }

 private:
  const std::shared_ptr<const StartPattern> start_;
  const std::shared_ptr<const RecordDecoder> inner_;
};

}  // namespace

std::unique_ptr<Framing> whole_framing() {
  return std::make_unique<WholeFraming>();
}

std::unique_ptr<Framing> quoted_framing(char delimiter) {
  return std::make_unique<QuotedFraming>(delimiter);
}

size_t quoted_record_end(std::string_view text, char delimiter) {
  // Nearly always there is no quote in the line, and two looks tell.
  const size_t feed = find(text, 0, '\n');
  const size_t end = std::min(feed + 1, text.size());
  if (find(text.substr(0, end), 0, '"') == end) return end;
  QuoteScan scan(delimiter);
  const size_t quoted_end = scan.run(text, true);
  if (quoted_end != 0) return quoted_end;
  // Of a quote that nothing closes only the line it stands in is lost.
  return scan.quoted() ? end : text.size();
}

Result<std::shared_ptr<const StartPattern>> StartPattern::create(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_nl(true);
  // Log lines are not always UTF-8, and a pattern has to find its line all the same.
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  auto regex = std::make_unique<re2::RE2>(pattern, options);
  if (!regex->ok()) {
    return fail(ErrorCode::kInvalidConfig, "'" + pattern + "' is no regular expression: " + regex->error());
  }
  return std::make_shared<const RegexStart>(std::move(regex));
}

std::unique_ptr<Framing> multiline_framing(std::shared_ptr<const StartPattern> start) {
  return std::make_unique<MultilineFraming>(std::move(start));
}

std::shared_ptr<const RecordDecoder> multiline_decoder(std::shared_ptr<const StartPattern> start,
                                                       std::shared_ptr<const RecordDecoder> inner) {
  ASSERT(start != nullptr && inner != nullptr);
  return std::make_shared<const MultilineDecoder>(std::move(start), std::move(inner));
}

}  // namespace colloquium::formats
