// What an HTTP request and its answer look like, whatever version of the protocol carried them.
//
// A RequestHead is a set of views into the connection's buffer: valid while the callback that was given it
// runs, and no longer. Responses are views as well; whoever is given one writes it out before returning.
// Thread safety: values.
// Source: RFC 9110 (semantics), RFC 9457 (problem details).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace colloquium::net {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

std::string_view to_string(Method method);
// kOther for a name that is none of these; letter case counts.
Method to_method(std::string_view name);

class MethodSet {
 public:
  constexpr MethodSet() = default;
  constexpr MethodSet(std::initializer_list<Method> methods) {
    for (Method method : methods) bits_ |= bit(method);
  }
  constexpr void add(Method method) { bits_ |= bit(method); }
  constexpr bool contains(Method method) const { return (bits_ & bit(method)) != 0; }

  // "POST, PUT, OPTIONS": what an Allow header says of a route with these methods. GET answers HEAD too.
  std::string allow() const;

 private:
  static constexpr uint8_t bit(Method method) { return static_cast<uint8_t>(1u << static_cast<unsigned>(method)); }
  uint8_t bits_ = 0;
};

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

// ASCII case is ignored.
bool equals_ignoring_case(std::string_view a, std::string_view b);

struct RequestHead {
  Method method = Method::kOther;
  std::string_view target;  // as sent
  std::string_view path;    // of the target, still percent-encoded; "*" for OPTIONS *
  std::string_view query;   // behind the '?', without it
  int version_minor = 1;    // HTTP/1.x; 1 for HTTP/2, too
  bool keep_alive = true;
  bool chunked = false;  // a body follows whose length is known at its end
  bool expects_continue = false;
  std::optional<uint64_t> content_length;
  std::vector<HeaderField> headers;  // in order; values without white space around them
  uint64_t connection = 0;           // id of the connection, unique in the process
  std::string_view peer;             // "127.0.0.1:55312"
  std::string_view peer_name;        // subject of its certificate, which was verified; empty without one

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }

  // The first value of that name, or nothing.
  std::optional<std::string_view> find(std::string_view name) const;
};

// The media type of a Content-Type value, without parameters and white space ("application/json").
std::string_view media_type(std::string_view content_type);

// An answer. Every view has to live only until the call it is passed to returns.
struct Response {
  int status = 200;
  std::string_view content_type;  // empty: none is sent
  std::string_view body;
  std::span<const HeaderField> headers;  // besides Date, Content-Type, Content-Length and Connection
  bool close = false;                    // the connection ends behind this answer
  std::string_view problem;              // of a refusal: its sentence, which the body has, too
};

// A refusal, sent as application/problem+json, or with a `body` of its own as application/json.
struct Problem {
  int status = 500;
  std::string detail;                                        // one sentence for the sender
  std::vector<std::pair<std::string, std::string>> members;  // further members: name, JSON text
  std::vector<std::pair<std::string, std::string>> headers;
  bool close = false;
  std::string body = {};  // JSON to be sent instead, in the words of what is served there; empty: to_json()

  Problem&& member(std::string name, int64_t value) &&;
  Problem&& header(std::string name, std::string value) &&;
  // In the header, rounded up to seconds, at least one; and as a member.
  Problem&& retry_after(int64_t ms) &&;

  std::string to_json() const;
};

// "Not Found"; "Unknown" for a code without a name.
std::string_view status_text(int status);

// A token of RFC 9110.
bool is_header_name(std::string_view name);
// Visible characters, spaces and tabs: nothing that ends a header.
bool is_header_value(std::string_view value);

// Well-formed, by RFC 3629: no overlong forms, no surrogates.
bool is_utf8(std::string_view text);

// Appends `text` as a JSON string. Bytes that are no UTF-8 become U+FFFD, so the result is always JSON.
void append_json_string(std::string& out, std::string_view text);

}  // namespace colloquium::net
