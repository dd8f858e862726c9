#include "net/http_parser.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <http_parser.h>

#include "base/assert.h"

namespace colloquium::net {
namespace {

// The library refuses heads of more than 80 KiB by a process-wide setting; stay clear of it.
constexpr size_t kHeadBytesMax = 64 * 1024;
// What an idle connection may hold on to.
constexpr size_t kKeptBytesMax = 4 * 1024;

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<size_t>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<size_t>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kTokenCharacters = make_token_table();

bool is_token(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return kTokenCharacters[static_cast<unsigned char>(c)]; });
}

bool is_target(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

std::string_view trimmed(std::string_view value) {
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  return value;
}

Method method_of(unsigned method) {
  switch (method) {
    case HTTP_GET:
      return Method::kGet;
    case HTTP_HEAD:
      return Method::kHead;
    case HTTP_POST:
      return Method::kPost;
    case HTTP_PUT:
      return Method::kPut;
    case HTTP_PATCH:
      return Method::kPatch;
    case HTTP_DELETE:
      return Method::kDelete;
    case HTTP_OPTIONS:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

}  // namespace

// The library calls back for every piece; a head is given to it in one piece, so each name and each value
// comes in one call.
struct HttpParser::Library {
  static HttpParser& self(http_parser* parser) { return *static_cast<HttpParser*>(parser->data); }

  static int on_url(http_parser* parser, const char* at, size_t length) {
    self(parser).head_.target = {at, length};
    return 0;
  }
  static int on_field(http_parser* parser, const char* at, size_t length) {
    self(parser).head_.headers.push_back({{at, length}, {}});
    return 0;
  }
  static int on_value(http_parser* parser, const char* at, size_t length) {
    self(parser).head_.headers.back().value = {at, length};
    return 0;
  }
  static int on_head(http_parser* parser) {
    HttpParser& self = Library::self(parser);
    self.head_.method = method_of(parser->method);
    self.head_.version_minor = parser->http_minor;
    self.head_.chunked = (parser->flags & F_CHUNKED) != 0;
    self.head_.keep_alive = http_should_keep_alive(parser) != 0;
    if ((parser->flags & F_CONTENTLENGTH) != 0) self.head_.content_length = parser->content_length;
    http_parser_pause(parser, 1);  // the body is not the library's
    return 0;
  }

  static const http_parser_settings& settings() {
    static const http_parser_settings kSettings = [] {
      http_parser_settings settings;
      http_parser_settings_init(&settings);
      settings.on_url = on_url;
      settings.on_header_field = on_field;
      settings.on_header_value = on_value;
      settings.on_headers_complete = on_head;
      return settings;
    }();
    return kSettings;
  }
};

HttpParser::HttpParser(HeadLimits limits)
    : limits_{std::min(limits.head_bytes, kHeadBytesMax), limits.target_bytes, limits.header_count} {}

HttpParser::~HttpParser() = default;

bool HttpParser::refuse(int status, std::string detail) {
  state_ = State::kRefused;
  refusal_ = Problem{.status = status, .detail = std::move(detail), .close = true};
  return false;
}

HttpParser::Step HttpParser::next(std::string_view input) {
  switch (state_) {
    case State::kHead:
      return next_head(input);
    case State::kLength: {
      const auto length = static_cast<size_t>(std::min<uint64_t>(body_left_, input.size()));
      if (length == 0) return {Event::kNeedMore, 0, {}};
      body_left_ -= length;
      if (body_left_ == 0) state_ = State::kComplete;
      return {Event::kBody, length, input.substr(0, length)};
    }
    case State::kChunked: {
      const ChunkedDecoder::Step step = chunked_.next(input);
      using Kind = ChunkedDecoder::Step::Kind;
      if (step.kind == Kind::kData) return {Event::kBody, step.consumed, step.data};
      if (step.kind == Kind::kNeedMore) return {Event::kNeedMore, step.consumed, {}};
      if (step.kind == Kind::kBad) {
        refuse(400, step.reason);
        return {Event::kRefused, step.consumed, {}};
      }
      state_ = State::kHead;
      return {Event::kMessage, step.consumed, {}};
    }
    case State::kComplete:
      state_ = State::kHead;
      return {Event::kMessage, 0, {}};
    case State::kRefused:
      break;
  }
  return {Event::kRefused, 0, {}};
}

HttpParser::Step HttpParser::next_head(std::string_view input) {
  size_t skipped = 0;
  if (line_start_ == 0) {
    // RFC 9112 2.2: empty lines before a request line are to be ignored.
    while (input.substr(skipped, 2) == "\r\n") skipped += 2;
  }
  const std::string_view rest = input.substr(skipped);
  if (rest.empty() || rest == "\r") return {Event::kNeedMore, skipped, {}};
  size_t end = 0;
  if (!find_end(rest, &end)) return {Event::kRefused, skipped, {}};
  if (end == 0) return {Event::kNeedMore, skipped, {}};
  if (!read_head(rest.substr(0, end))) return {Event::kRefused, skipped + end, {}};
  start_body();
  return {Event::kHead, skipped + end, {}};
}

// Searches for the empty line, from where the last search ended, and checks the line ends on the way, so that
// garbage is refused when it comes and not when a time limit is over. `*end` stays 0 while it is not there.
bool HttpParser::find_end(std::string_view input, size_t* end) {
  if (input[0] == 0x16)
    return refuse(400, "this is a TLS handshake, and this port speaks plain HTTP: use http://");
  if (input[0] < 'A' || input[0] > 'Z') return refuse(400, "the request line does not begin with a method");
  while (line_start_ < input.size()) {
    if (line_count_ > 0 && (input[line_start_] == ' ' || input[line_start_] == '\t')) {
      return refuse(400, "a header is folded over several lines");
    }
    const size_t feed = input.find('\n', line_start_);
    if (feed == std::string_view::npos) break;
    if (feed == 0 || input[feed - 1] != '\r') return refuse(400, "a line of the head does not end in CR LF");
    const bool empty_line = feed - 1 == line_start_;
    line_start_ = feed + 1;
    if (feed >= limits_.head_bytes) break;
    if (empty_line) {
      *end = feed + 1;
      return true;
    }
    ++line_count_;
  }
  if (input.size() <= limits_.head_bytes) return true;
  return refuse(line_count_ == 0 ? 414 : 431,
                "the head of the request is longer than " + std::to_string(limits_.head_bytes) + " bytes");
}

bool HttpParser::read_head(std::string_view block) {
  block_ = block;
  line_start_ = 0;
  line_count_ = 0;
  head_.content_length.reset();
  head_.chunked = head_.expects_continue = false;
  head_.headers.clear();
  if (kept_.capacity() > kKeptBytesMax) kept_ = std::string();
  http_parser parser;
  http_parser_init(&parser, HTTP_REQUEST);
  parser.data = this;
  const size_t parsed = http_parser_execute(&parser, &Library::settings(), block.data(), block.size());
  const auto error = HTTP_PARSER_ERRNO(&parser);
  const bool complete = error == HPE_PAUSED && parsed + 1 == block.size();
  if (error == HPE_INVALID_VERSION || (complete && (parser.http_major != 1 || parser.http_minor > 1))) {
    return refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  if (!complete) {
    const char* why = error == HPE_PAUSED ? "it ends early" : http_errno_description(error);
    return refuse(400, std::string("the head of the request cannot be read: ") + why);
  }
  return check_head();
}

bool HttpParser::check_head() {
  if (head_.headers.size() > limits_.header_count) {
    return refuse(431, "more than " + std::to_string(limits_.header_count) + " headers");
  }
  if (head_.target.size() > limits_.target_bytes) {
    return refuse(414, "the target is longer than " + std::to_string(limits_.target_bytes) + " bytes");
  }
  if (head_.chunked && head_.content_length) {
    return refuse(400, "Content-Length and Transfer-Encoding exclude each other");
  }
  return check_request_line() && check_headers() && check_target();
}

// The library reads over further spaces, and a request line is short enough to look at again.
bool HttpParser::check_request_line() {
  const auto begin = static_cast<size_t>(head_.target.data() - block_.data());
  const std::string_view version = block_.substr(begin + head_.target.size());
  const bool single_spaces = block_.find(' ') == begin - 1 && version.starts_with(" HTTP/1.");
  const bool ends_there = version.find('\r') == std::string_view(" HTTP/1.x").size();
  return (single_spaces && ends_there) || refuse(400, "the request line is not method, target and version");
}

bool HttpParser::check_headers() {
  host_count_ = coding_count_ = 0;
  for (HeaderField& field : head_.headers) {
    if (!is_token(field.name)) return refuse(400, "a header's name holds a character that is not allowed");
    field.value = trimmed(field.value);
    if (!take_header(field)) return false;
  }
  if (host_count_ > 1 || (host_count_ == 0 && head_.version_minor == 1)) {
    return refuse(400, "a request has exactly one Host header");
  }
  return true;
}

// The headers that decide about framing. Told apart by length first: most are none of them.
bool HttpParser::take_header(const HeaderField& field) {
  switch (field.name.size()) {
    case 4:
      host_count_ += equals_ignoring_case(field.name, "host") ? 1 : 0;
      return true;
    case 6:
      if (!equals_ignoring_case(field.name, "expect")) return true;
      if (!equals_ignoring_case(field.value, "100-continue")) {
        return refuse(417, "the only expectation that can be met is 100-continue");
      }
      head_.expects_continue = head_.version_minor == 1;
      return true;
    case 17:
      if (!equals_ignoring_case(field.name, "transfer-encoding")) return true;
      if (!equals_ignoring_case(field.value, "chunked")) {
        return refuse(501, "the only transfer coding that is understood is chunked");
      }
      if (++coding_count_ > 1) return refuse(400, "the body is chunked more than once");
      return head_.version_minor == 1 || refuse(400, "HTTP/1.0 has no Transfer-Encoding");
    default:
      return true;
  }
}

bool HttpParser::check_target() {
  std::string_view target = head_.target;
  if (!is_target(target)) return refuse(400, "the target holds a character that is not allowed");
  const size_t scheme = target.find("://");
  if (target.front() != '/' && scheme != std::string_view::npos) {
    const size_t slash = target.find_first_of("/?", scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  const bool asterisk = target == "*" && head_.method == Method::kOptions;
  if (target.front() != '/' && target.front() != '?' && !asterisk) {
    return refuse(400, "the target is neither a path nor an http:// address");
  }
  const size_t mark = target.find('?');
  head_.path = mark == 0 ? std::string_view("/") : target.substr(0, mark);
  head_.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  return true;
}

void HttpParser::start_body() {
  body_left_ = head_.content_length.value_or(0);
  if (head_.chunked) {
    chunked_ = ChunkedDecoder();
    state_ = State::kChunked;
  } else {
    state_ = body_left_ > 0 ? State::kLength : State::kComplete;
  }
}

void HttpParser::keep_head() {
  if (block_.data() == kept_.data()) return;
  ASSERT(state_ != State::kRefused);
  kept_.assign(block_);
  const auto moved = [&](std::string_view view) {
    const bool inside = view.data() >= block_.data() && view.data() < block_.data() + block_.size();
    return inside ? std::string_view(kept_.data() + (view.data() - block_.data()), view.size()) : view;
  };
  for (HeaderField& field : head_.headers) field = {moved(field.name), moved(field.value)};
  head_.target = moved(head_.target);
  head_.path = moved(head_.path);
  head_.query = moved(head_.query);
  block_ = kept_;
}

}  // namespace colloquium::net
