#include "net/http2_connection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nghttp2/nghttp2.h>
#include <utility>

#include "base/assert.h"
#include "loop/uv_loop.h"
#include "net/http2_stream.h"
#include "net/response_writer.h"
#include "net/server_core.h"

namespace colloquium::net {
namespace {

// Leave to send for all streams together, given again as fast as it is used: so much can be on its way.
constexpr int32_t kConnectionWindowBytes = 1 << 20;
// Answers are written by such pieces.
constexpr size_t kWriteBytes = 64 * 1024;
// Streams that a client opens and resets: so many at once, and per second. More end the connection.
constexpr uint64_t kResetsAtOnce = 200;
constexpr uint64_t kResetsPerSecond = 50;
// Frames to be answered (SETTINGS, PING) that wait for being written.
constexpr size_t kAnswersMax = 100;
constexpr size_t kContinuationsMax = 8;

std::string lower_case(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

// The head of an answer, with the memory its names and numbers need.
class AnswerHead {
 public:
  AnswerHead(const Response& response, std::string_view date, bool streamed) {
    status_ = std::to_string(response.status);
    length_ = std::to_string(response.body.size());
    names_.reserve(response.headers.size());
    add(":status", status_);
    add("date", date);
    if (!response.content_type.empty()) add("content-type", response.content_type);
    for (const HeaderField& field : response.headers) {
      if (is_safe_header(field)) add(names_.emplace_back(lower_case(field.name)), field.value);
    }
    const bool bodiless = response.status == 204 || response.status == 304;
    if (!bodiless && !streamed) add("content-length", length_);
  }
  const std::vector<nghttp2_nv>& fields() const { return fields_; }

 private:
  static uint8_t* bytes_of(std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  }
  void add(std::string_view name, std::string_view value) {
    fields_.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }

  std::string status_;
  std::string length_;
  std::vector<std::string> names_;
  std::vector<nghttp2_nv> fields_;
};

std::string_view view_of(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

// None of these may call the library to write, and none lets go of the connection.
struct Http2Connection::Callbacks {
  static Http2Connection& self(void* user) { return *static_cast<Http2Connection*>(user); }

  static bool is_request(const nghttp2_frame* frame) {
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Connection& connection = self(user);
    if (!connection.is_open()) return 0;
    connection.head_since_ms_ = connection.core_.now_ms();
    if (!is_request(frame)) return 0;  // trailers
    connection.used_ = true;
    const int32_t id = frame->hd.stream_id;
    // Not make_shared: routes keep weak pointers to streams for a while.
    connection.streams_.emplace(id,
                                std::shared_ptr<Http2Stream>(new Http2Stream(connection.core_, connection, id)));
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                    const uint8_t* value, size_t value_size, uint8_t, void* user) {
    if (!is_request(frame)) return 0;
    const auto stream = self(user).find(frame->hd.stream_id);
    if (stream != nullptr) stream->on_header(view_of(name, name_size), view_of(value, value_size));
    return 0;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Connection& connection = self(user);
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS) connection.head_since_ms_ = 0;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    const auto stream = connection.find(frame->hd.stream_id);
    if (stream == nullptr || !connection.is_open()) return 0;
    if (is_request(frame)) {
      stream->on_head(!ends);
    } else if (ends) {
      stream->on_end();
    }
    return 0;
  }

  static int data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* user) {
    Http2Connection& connection = self(user);
    if (!connection.is_open()) return 0;
    const auto stream = connection.find(id);
    if (stream == nullptr) return 0;
    // At once, whatever becomes of the stream's own: one that waits must not take the connection's leave from
    // those that it waits for.
    nghttp2_session_consume_connection(connection.session_, size);
    stream->on_body(view_of(bytes, size));
    return 0;
  }

  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Http2Connection& connection = self(user);
    if (!connection.is_open()) return 0;
    // Only these: a client that takes no answers must not be able to stay by pinging.
    connection.progress_ms_ = connection.core_.now_ms();
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) connection.answer_sent(frame->hd.stream_id);
    return 0;
  }

  static int stream_closed(nghttp2_session*, int32_t id, uint32_t, void* user) {
    self(user).stream_closed(id);
    return 0;
  }

  static ssize_t read_answer(nghttp2_session*, int32_t, uint8_t* into, size_t size, uint32_t* flags,
                             nghttp2_data_source* source, void*) {
    Http2Stream& stream = *static_cast<Http2Stream*>(source->ptr);
    const std::string& body = stream.answer_body();
    const size_t count = std::min(size, body.size() - stream.answer_sent());
    std::memcpy(into, body.data() + stream.answer_sent(), count);
    stream.answer_sent() += count;
    if (stream.is_streaming()) return count == 0 ? ssize_t{NGHTTP2_ERR_DEFERRED} : static_cast<ssize_t>(count);
    if (stream.answer_sent() == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* callbacks = nullptr;
    const int made = nghttp2_session_callbacks_new(&callbacks);
    ASSERT_WHY(made == 0, "the library has memory");
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
    return callbacks;
  }
};

Http2Connection::Http2Connection(ServerCore& core, uint64_t id, std::unique_ptr<ByteStream> stream)
    : core_(core),
      id_(id),
      stream_(std::move(stream)),
      idle_since_ms_(core.now_ms()),
      progress_ms_(core.now_ms()) {
  set_up();
}

Http2Connection::~Http2Connection() {
  ASSERT_WHY(!is_open() && streams_.empty(), "close() comes first");
  nghttp2_session_del(session_);
}

void Http2Connection::set_up() {
  nghttp2_option* option = nullptr;
  const int made = nghttp2_option_new(&option);
  ASSERT_WHY(made == 0, "the library has memory");
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_outbound_ack(option, kAnswersMax);
  nghttp2_option_set_max_continuations(option, kContinuationsMax);
  nghttp2_option_set_stream_reset_rate_limit(option, kResetsAtOnce, kResetsPerSecond);
  nghttp2_session_callbacks* const callbacks = Callbacks::make();
  const int opened = nghttp2_session_server_new2(&session_, callbacks, this, option);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  ASSERT_WHY(opened == 0, "the library has memory");
  const std::array<nghttp2_settings_entry, 4> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, static_cast<uint32_t>(core_.limits().streams)},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Http2Stream::kWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(core_.limits().head.head_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  const int told = nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  ASSERT_WHY(told == 0, "the settings are allowed");
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes);
}

void Http2Connection::start() {
  stream_->start(*this);
  settle();
}

std::shared_ptr<Http2Stream> Http2Connection::find(int32_t stream) const {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : found->second;
}

void Http2Connection::on_bytes(std::string_view bytes) {
  if (!is_open()) return;
  const auto self = shared_from_this();
  core_.counters().bytes_in.add(bytes.size());
  if (finished_) {
    dropped_bytes_ += bytes.size();
    if (dropped_bytes_ > core_.limits().linger_bytes) close();
    return;
  }
  const uint64_t started_ns = loop::UvLoop::callback_clock_ns();
  in_session_ = true;
  const ssize_t used =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  in_session_ = false;
  if (!is_open()) return;
  if (used == NGHTTP2_ERR_FLOODED) nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
  broken_ = broken_ || used < 0;
  settle();
  if (is_open()) core_.account_callback(started_ns);
}

// What is said last is written, and then the stream is finished.
void Http2Connection::settle() {
  flush();
  if (!is_open() || finished_) return;
  if (core_.ending() && streams_.empty()) {
    go_away();
    flush();
    if (!is_open()) return;
  }
  const bool over = nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
  const bool idle_end = (core_.ending() || peer_ended_) && streams_.empty();
  if ((broken_ || over || idle_end) && out_.empty()) return end();
  update_reading();
}

bool Http2Connection::may_write() const {
  return stream_->unsent_bytes() < core_.limits().unsent_bytes;
}

void Http2Connection::flush() {
  while (is_open() && !finished_ && may_write()) {
    const uint8_t* bytes = nullptr;
    in_session_ = true;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    in_session_ = false;
    if (size < 0) return close();
    out_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    if (size > 0 && out_.size() < kWriteBytes) continue;
    if (out_.empty()) return;
    core_.counters().bytes_out.add(out_.size());
    if (!stream_->write(out_)) return close();
    out_.clear();
    if (out_.capacity() > 2 * kWriteBytes) out_ = std::string();
    if (size == 0) return;
  }
}

void Http2Connection::end() {
  finished_ = true;
  finished_ms_ = core_.now_ms();
  for (const auto& [id, stream] : std::exchange(streams_, {})) stream->on_closed();
  stream_->finish();
  if (peer_ended_ && stream_->unsent_bytes() == 0) return close();
  stream_->set_reading(true);
}

// No stream is taken behind those that have come.
void Http2Connection::go_away() {
  if (std::exchange(going_away_, true)) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

// A client that does not take its answers is not listened to.
void Http2Connection::update_reading() {
  stream_->set_reading(!peer_ended_ && may_write());
}

void Http2Connection::touch() {
  if (in_session_ || touched_ || !is_open()) return;
  touched_ = true;
  core_.write_later(shared_from_this());
}

void Http2Connection::settle_later() {
  touched_ = false;
  if (!is_open()) return;
  const auto self = shared_from_this();
  settle();
}

void Http2Connection::on_sent() {
  if (!is_open()) return;
  const auto self = shared_from_this();
  progress_ms_ = core_.now_ms();
  if (finished_) {
    finished_ms_ = progress_ms_;
    if (peer_ended_ && stream_->unsent_bytes() == 0) close();
    return;
  }
  settle();
}

// Requests that had not come in whole never will; those that have, or have their answer already, get it.
void Http2Connection::on_end() {
  if (!is_open()) return;
  const auto self = shared_from_this();
  peer_ended_ = true;
  if (finished_) {
    if (stream_->unsent_bytes() == 0) close();
    return;
  }
  std::vector<int32_t> incomplete;
  for (const auto& [id, stream] : streams_) {
    if (!stream->is_complete() && !stream->is_answered()) incomplete.push_back(id);
  }
  for (const int32_t id : incomplete) stream_closed(id);
  settle();
}

void Http2Connection::on_broken() {
  const auto self = shared_from_this();
  close();
}

// The library is let go by the destructor only: this may be called from within it.
void Http2Connection::close() {
  if (!is_open()) return;
  for (const auto& [id, stream] : std::exchange(streams_, {})) stream->on_closed();
  stream_.reset();
  core_.gone(id_);
}

void Http2Connection::shut_down() {
  if (!is_open()) return;
  const auto self = shared_from_this();
  if (!finished_) go_away();
  const auto streams = streams_;
  for (const auto& [id, stream] : streams) stream->shut_down();
  settle();
}

void Http2Connection::stream_closed(int32_t id) {
  const auto stream = find(id);
  if (stream == nullptr) return;
  streams_.erase(id);
  stream->on_closed();
  if (streams_.empty() && is_open()) idle_since_ms_ = core_.now_ms();
}

// The client need not go on with a body that nobody wants.
void Http2Connection::answer_sent(int32_t id) {
  const auto stream = find(id);
  if (stream != nullptr && stream->has_long_rest()) reset(id);
}

void Http2Connection::introduce(RequestHead& head) const {
  head.connection = id_;
  head.peer = stream_->peer();
  head.peer_name = stream_->peer_name();
}

void Http2Connection::consume(int32_t stream, size_t bytes) {
  nghttp2_session_consume_stream(session_, stream, bytes);
  touch();
}

void Http2Connection::widen(int32_t stream) {
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream, Http2Stream::kWideWindowBytes);
}

void Http2Connection::submit(Http2Stream& stream, const Response& response, bool head_only) {
  if (!is_open()) return;
  if (response.close || core_.ending()) go_away();
  const AnswerHead head(response, core_.date(), stream.is_streaming());
  const bool bodiless = head_only || (response.body.empty() && !stream.is_streaming()) || response.status == 204 ||
                        response.status == 304;
  if (!bodiless) stream.answer_body() = response.body;
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = Callbacks::read_answer;
  if (!owes_answers()) progress_ms_ = core_.now_ms();
  // Refused only for a stream that is gone, whose closing is told by itself.
  nghttp2_submit_response(session_, stream.id(), head.fields().data(), head.fields().size(),
                          bodiless ? nullptr : &body);
  touch();
}

void Http2Connection::submit_continue(int32_t stream) {
  constexpr std::string_view kName = ":status";
  constexpr std::string_view kValue = "100";
  nghttp2_nv field{reinterpret_cast<uint8_t*>(const_cast<char*>(kName.data())),
                   reinterpret_cast<uint8_t*>(const_cast<char*>(kValue.data())), kName.size(), kValue.size(),
                   NGHTTP2_NV_FLAG_NONE};
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream, nullptr, &field, 1, nullptr);
  touch();
}

void Http2Connection::goes_on(int32_t stream) {
  if (!owes_answers()) progress_ms_ = core_.now_ms();
  // Refused where it does not wait for more: then what is added is sent by itself.
  nghttp2_session_resume_data(session_, stream);
  touch();
}

void Http2Connection::break_off(int32_t stream) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_INTERNAL_ERROR);
  touch();
}

void Http2Connection::reset(int32_t stream) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR);
  touch();
}

// Something is written, or would be if the client let it.
bool Http2Connection::owes_answers() const {
  if (stream_->unsent_bytes() > 0) return true;
  return std::any_of(streams_.begin(), streams_.end(),
                     [](const auto& entry) { return entry.second->owes_answer(); });
}

void Http2Connection::check_time(int64_t now_ms) {
  if (!is_open()) return;
  const auto self = shared_from_this();
  const HttpLimits& limits = core_.limits();
  if (finished_) {
    const int64_t patience = stream_->unsent_bytes() > 0 ? limits.send_timeout_ms : limits.linger_ms;
    if (now_ms - finished_ms_ >= patience) close();
    return;
  }
  const auto streams = streams_;
  for (const auto& [id, stream] : streams) {
    if (stream->alive()) stream->check_time(now_ms);
  }
  const bool head_late = head_since_ms_ != 0 && now_ms - head_since_ms_ >= limits.head_timeout_ms;
  const bool not_taken = owes_answers() && now_ms - progress_ms_ >= limits.send_timeout_ms;
  if (head_late || not_taken) {
    core_.counters().timeouts.add();
    return close();
  }
  const int64_t patience_ms = used_ ? limits.idle_timeout_ms : limits.head_timeout_ms;
  if (streams_.empty() && now_ms - idle_since_ms_ >= patience_ms) {
    go_away();
    broken_ = true;  // there is nothing more to be read
  }
  settle();
}

}  // namespace colloquium::net
