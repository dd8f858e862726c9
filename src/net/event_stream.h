// EventStreamParser: the events of a text/event-stream (WHATWG HTML, 9.2.6), from bytes that come in any pieces.
//
// Lines end with CR LF, LF or CR; a byte order mark at the beginning is passed over. An event ends with an empty
// line: one that the stream breaks off in is none. Its data is bounded: what goes beyond is counted out and told.
//
// Bytes that are no UTF-8 are kept as they are, where a browser would replace them: what becomes of such data is
// for whoever takes it. An id outlives a connection, as in browsers.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace colloquium::net {

// The views are good until whoever takes it returns.
struct StreamedEvent {
  std::string_view type;  // "message" where the stream names none
  std::string_view data;
  std::string_view id;     // the last one given, by this event or one before it
  bool truncated = false;  // the data was longer: this is its beginning
};

class EventStreamParser {
 public:
  using Take = std::function<void(const StreamedEvent&)>;

  // `last_id`: that of a connection before.
  EventStreamParser(size_t data_bytes_max, std::string last_id);

  // A connection begins: what was left of the one before is dropped.
  void begin();
  // Hands over each event that these bytes complete.
  void feed(std::string_view bytes, const Take& take);

  // For the header Last-Event-ID; empty: none.
  const std::string& last_id() const { return last_id_; }
  // How long to wait before connecting again, if the stream has said so.
  std::optional<int64_t> retry_ms() const { return retry_ms_; }

 private:
  void add_to_line(std::string_view bytes);
  void end_line(std::string_view line, const Take& take);
  size_t line_bytes_max() const;
  void field(std::string_view name, std::string_view value);
  void add_data(std::string_view value);
  void dispatch(const Take& take);

  const size_t data_bytes_max_;
  std::string line_;           // the beginning of one that came in pieces
  bool line_cut_ = false;      // the line was longer than is kept of one
  bool after_return_ = false;  // a line feed that follows belongs to the CR before it
  bool at_beginning_ = true;   // of the stream: a byte order mark may come
  std::string type_;
  std::string data_;
  bool has_data_ = false;
  bool truncated_ = false;
  std::string id_;  // of the event being read; becomes last_id_ with it
  std::string last_id_;
  std::optional<int64_t> retry_ms_;
};

}  // namespace colloquium::net
