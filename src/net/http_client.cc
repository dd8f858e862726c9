#include "net/http_client.h"

#include <algorithm>
#include <array>
#include <curl/curl.h>
#include <unordered_map>
#include <uv.h>

#include "base/assert.h"
#include "loop/uv_loop.h"
#include "net/http_date.h"
#include "net/http_message.h"

namespace colloquium::net {
namespace {

// Headers of an answer beyond this are not kept.
constexpr size_t kHeaderBytesMax = 64 * 1024;
// Handles that are kept for further requests; making one costs a few microseconds and allocations.
constexpr size_t kSpareHandlesMax = 64;

// Bytes of a stream that are kept before libcurl is told to stop reading.
constexpr size_t kStreamBytesMax = 64 * 1024;

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;
using HeaderList = std::unique_ptr<curl_slist, ListDeleter>;

// What a request has beside, if its body is taken as it comes. libcurl's callbacks only add to it; what they have
// added is handed over when libcurl has returned, so that whoever takes it may do anything.
struct Stream {
  ClientStream taker;
  std::string pending;  // of the body
  bool has_head = false;
  bool head_is_new = false;  // not handed over
  bool paused = false;       // by whoever takes it
  bool held = false;         // libcurl was told to stop reading
  bool delivering = false;
  bool is_due = false;  // among those that are looked at as soon as libcurl has returned
  std::optional<Result<ClientResponse>> end;
  std::unique_ptr<Timer> silence;
};

// One request under way. Its address is known to libcurl, so it does not move.
struct Transfer {
  uint64_t id = 0;
  ClientRequest request;
  ClientDone done;
  ClientResponse response;
  std::shared_ptr<Stream> stream;  // null: the answer comes whole
  std::vector<uint64_t>* due_streams = nullptr;
  Easy easy;
  HeaderList headers;
  size_t header_bytes = 0;
  bool too_long = false;
  std::array<char, CURL_ERROR_SIZE> reason{};

  bool take_body(std::string_view bytes);
  void take_header(std::string_view line);
  // The stream has something to hand over.
  void stream_is_due() {
    if (!std::exchange(stream->is_due, true)) due_streams->push_back(id);
  }
};

bool Transfer::take_body(std::string_view bytes) {
  const size_t room = request.response_bytes_max - response.body.size();
  response.body.append(bytes.substr(0, room));
  if (bytes.size() <= room) return true;
  (request.truncate_response ? response.truncated : too_long) = true;
  return false;
}

void Transfer::take_header(std::string_view line) {
  // A status line begins an answer; what an interim one (100) brought is not the answer's.
  if (line.substr(0, 5) == "HTTP/") return response.headers.clear();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' '))
    line.remove_suffix(1);
  const size_t colon = line.find(':');
  header_bytes += line.size();
  if (colon == std::string_view::npos || header_bytes > kHeaderBytesMax) return;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  response.headers.emplace_back(line.substr(0, colon), value);
}

size_t on_streamed(char* bytes, size_t size, size_t count, void* data) {
  auto& transfer = *static_cast<Transfer*>(data);
  Stream& stream = *transfer.stream;
  transfer.stream_is_due();
  stream.held = stream.paused || stream.pending.size() >= kStreamBytesMax;
  if (stream.held) return CURL_WRITEFUNC_PAUSE;  // the same bytes come again
  stream.pending.append(bytes, size * count);
  return size * count;
}

// Where a connection that was used before goes without an answer, libcurl sends the request once more by itself.
// Whoever wants to know whether it was sent decides that.
int on_sending(void* data, char*, char*, int, int) {
  const Transfer& transfer = *static_cast<Transfer*>(data);
  if (transfer.stream == nullptr || transfer.stream->taker.sent == nullptr) return CURL_PREREQFUNC_OK;
  return std::exchange(*transfer.stream->taker.sent, true) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

size_t on_body(char* bytes, size_t size, size_t count, void* transfer) {
  const bool taken = static_cast<Transfer*>(transfer)->take_body({bytes, size * count});
  return taken ? size * count : CURL_WRITEFUNC_ERROR;
}

size_t on_header(char* bytes, size_t size, size_t count, void* data) {
  auto& transfer = *static_cast<Transfer*>(data);
  const std::string_view line(bytes, size * count);
  transfer.take_header(line);
  const bool ends_head = line == "\r\n" || line == "\n";
  if (transfer.stream == nullptr || !ends_head) return size * count;
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  // An interim answer, behind which another head follows; or what stands behind the body.
  if (status < 200 || std::exchange(transfer.stream->has_head, true)) return size * count;
  transfer.response.status = static_cast<int>(status);
  transfer.stream->head_is_new = true;
  transfer.stream_is_due();
  return size * count;
}

template <class T>
void set(CURL* easy, CURLoption option, T value) {
  // Fails only for options this libcurl was built without, or when memory is out.
  const CURLcode code = curl_easy_setopt(easy, option, value);
  ASSERT(code == CURLE_OK);
}

// Whether the same request may succeed later. Certificates and names are counted in: somebody else will mend
// them, and dropping events because a peer's certificate ran out would be worse than waiting.
bool is_retryable(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_NOT_BUILT_IN:
      return false;
    default:
      return true;
  }
}

ErrorCode code_of(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_NOT_BUILT_IN:
      return ErrorCode::kInvalidConfig;
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorCode::kTimeout;
    default:
      return ErrorCode::kUnavailable;
  }
}

std::string_view advice_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return "; is the receiver running, and does the port agree?";
    case CURLE_COULDNT_RESOLVE_HOST:
      return "; check the host's name and this machine's DNS";
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "; check the proxy's name and this machine's DNS";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "; its certificate is not one that is trusted here: tls.ca names the one to trust";
    case CURLE_SSL_CACERT_BADFILE:
      return "; tls.ca has to be a readable file of certificates (PEM)";
    case CURLE_SSL_CERTPROBLEM:
      return "; tls.certificate and tls.key have to be readable files (PEM) that belong together";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return "; a URL begins with http:// or https://";
    default:
      return "";
  }
}

// libcurl calls an answer that is no HTTP by the same name as a URL that names another protocol.
CURLcode result_of(const CURLMsg& message) {
  const CURLcode code = message.data.result;
  if (code != CURLE_UNSUPPORTED_PROTOCOL) return code;
  char* address = nullptr;
  curl_easy_getinfo(message.easy_handle, CURLINFO_PRIMARY_IP, &address);
  return address == nullptr || *address == '\0' ? code : CURLE_WEIRD_SERVER_REPLY;
}

Error failure_of(const Transfer& transfer, CURLcode code) {
  std::string what = "cannot " + transfer.request.method + " " + shown_url(transfer.request.url) + ": ";
  if (transfer.too_long) {
    what += "the answer is longer than " + std::to_string(transfer.request.response_bytes_max) + " bytes";
    return {ErrorCode::kLimit, std::move(what), false, {}};
  }
  what += transfer.reason[0] != '\0' ? transfer.reason.data() : curl_easy_strerror(code);
  what += advice_of(code);
  return {code_of(code), std::move(what), is_retryable(code), {}};
}

Status check(const ClientRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (is_header_name(name) && is_header_value(value)) continue;
    return fail(ErrorCode::kInvalidInput, "cannot " + request.method + " " + shown_url(request.url) +
                                              ": a header's name or value holds a character that would end it");
  }
  if (!is_header_name(request.method)) return fail(ErrorCode::kInvalidConfig, "an HTTP method is one word");
  return {};
}

HeaderList header_list(const ClientRequest& request) {
  HeaderList list;
  const auto add = [&](const std::string& line) {
    curl_slist* head = curl_slist_append(list.get(), line.c_str());
    ASSERT_WHY(head != nullptr, "out of memory");
    (void)list.release();
    list.reset(head);
  };
  add("Expect:");  // libcurl would wait a second for a 100 that few servers send
  bool typed = false;
  for (const auto& [name, value] : request.headers) {
    typed = typed || equals_ignoring_case(name, "content-type");
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  if (!typed) add("Content-Type:");  // no "application/x-www-form-urlencoded" of libcurl's own
  return list;
}

void set_method(CURL* easy, const ClientRequest& request) {
  if (request.method == "HEAD") {
    set(easy, CURLOPT_NOBODY, 1L);
  } else if (request.body != nullptr || request.method == "POST") {
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body ? request.body->size() : 0));
    set(easy, CURLOPT_POSTFIELDS, request.body ? request.body->data() : "");
  }
  if (request.method != "HEAD" && request.method != "GET")
    set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_tls(CURL* easy, const ClientTls& tls) {
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy, CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  set(easy, CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  const auto name = [easy](CURLoption option, const std::string& value) {
    if (!value.empty()) set(easy, option, value.c_str());
  };
  name(CURLOPT_CAINFO, tls.ca);
  name(CURLOPT_SSLCERT, tls.certificate);
  name(CURLOPT_SSLKEY, tls.key);
  name(CURLOPT_KEYPASSWD, tls.key_password);
}

void set_up(Transfer& transfer, const ClientOptions& options) {
  CURL* easy = transfer.easy.get();
  const ClientRequest& request = transfer.request;
  set(easy, CURLOPT_PRIVATE, static_cast<void*>(&transfer));
  set(easy, CURLOPT_URL, request.url.c_str());
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_PROXY, options.proxy.c_str());  // an empty one turns the environment's off
  if (request.decompress) set(easy, CURLOPT_ACCEPT_ENCODING, "");
  set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's head is not the answer's
  set_tls(easy, options.tls);
  set(easy, CURLOPT_USERAGENT, "colloquium");
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout_ms));
  // A stream's time is watched here.
  set(easy, CURLOPT_TIMEOUT_MS, transfer.stream == nullptr ? static_cast<long>(request.timeout_ms) : 0L);
  set(easy, CURLOPT_ERRORBUFFER, transfer.reason.data());
  set(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
  set(easy, CURLOPT_WRITEFUNCTION, transfer.stream == nullptr ? &on_body : &on_streamed);
  set(easy, CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  set(easy, CURLOPT_PREREQFUNCTION, &on_sending);
  set(easy, CURLOPT_PREREQDATA, static_cast<void*>(&transfer));
  set(easy, CURLOPT_HEADERFUNCTION, &on_header);
  set(easy, CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
  set_method(easy, request);
}

}  // namespace

struct HttpClient::State : std::enable_shared_from_this<HttpClient::State> {
  // A socket libcurl wants watched; freed by libuv's close callback.
  struct Watch {
    uv_poll_t poll{};
    State* state = nullptr;
    curl_socket_t socket = CURL_SOCKET_BAD;
  };

  State(loop::UvLoop& uv_loop, const Clock& wall, ClientOptions client_options)
      : loop(uv_loop), clock(wall), options(std::move(client_options)) {}

  void open();
  void close();
  void add(std::unique_ptr<Transfer> transfer);
  void end_later(ClientDone done, Error error);
  std::unique_ptr<Transfer> remove(uint64_t id);
  void act(curl_socket_t socket, int events);
  void report_ended();
  Result<ClientResponse> result_of_transfer(Transfer& transfer, CURLcode code, long status) const;
  std::shared_ptr<Stream> stream_of(uint64_t id) const;
  void deliver_due();
  // Hands over what a stream has, as far as it is wanted.
  void deliver(uint64_t id);
  void deliver_later(uint64_t id);
  bool deliver_next(Transfer& transfer, Stream& stream);
  void end_stream(uint64_t id);
  void read_on(uint64_t id, CURL* easy, Stream& stream);
  void watch_silence(uint64_t id, Stream& stream, int64_t limit_ms);
  void watch(curl_socket_t socket, int what, Watch* known);
  Easy take_easy();
  void give_easy(Easy easy);

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
    static_cast<State*>(self)->watch(socket, what, static_cast<Watch*>(known));
    return 0;
  }
  static int on_timeout(CURLM*, long timeout_ms, void* self);
  static void on_poll(uv_poll_t* poll, int status, int events);

  loop::UvLoop& loop;
  const Clock& clock;
  const ClientOptions options;
  CURLM* multi = nullptr;
  uv_timer_t* timer = nullptr;  // freed by libuv's close callback
  std::unordered_map<uint64_t, std::unique_ptr<Transfer>> transfers;
  std::vector<uint64_t> due_streams;  // of the transfers, those to which libcurl has added something
  std::vector<Easy> spare;
  uint64_t last_id = 0;
};

void HttpClient::State::open() {
  static const CURLcode kGlobal = curl_global_init(CURL_GLOBAL_DEFAULT);
  ASSERT(kGlobal == CURLE_OK);
  multi = curl_multi_init();
  ASSERT_WHY(multi != nullptr, "out of memory");
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, static_cast<void*>(this));
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &on_timeout);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, static_cast<void*>(this));
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(options.connections_per_host));
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(options.connections));
  // libcurl's own bound on those that are kept is four times the requests under way: with few of them it would
  // close most of the connections that the next burst needs.
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.connections));
  timer = new uv_timer_t();
  uv_timer_init(loop.handle(), timer);
  timer->data = this;
}

void HttpClient::State::close() {
  // libcurl first: it closes its sockets and unwatches them through on_socket.
  for (const auto& [id, transfer] : transfers) {
    if (transfer->stream != nullptr) transfer->stream->silence = nullptr;
    if (transfer->easy != nullptr) curl_multi_remove_handle(multi, transfer->easy.get());
  }
  transfers.clear();
  spare.clear();
  curl_multi_cleanup(multi);
  multi = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(timer),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_timer_t*>(closed); });
}

Easy HttpClient::State::take_easy() {
  if (spare.empty()) return Easy(curl_easy_init());
  Easy easy = std::move(spare.back());
  spare.pop_back();
  return easy;
}

void HttpClient::State::give_easy(Easy easy) {
  if (spare.size() >= kSpareHandlesMax) return;
  curl_easy_reset(easy.get());
  spare.push_back(std::move(easy));
}

void HttpClient::State::add(std::unique_ptr<Transfer> transfer) {
  transfer->easy = take_easy();
  ASSERT_WHY(transfer->easy != nullptr, "out of memory");
  transfer->headers = header_list(transfer->request);
  set_up(*transfer, options);
  CURL* easy = transfer->easy.get();
  transfers.emplace(transfer->id, std::move(transfer));
  const CURLMcode code = curl_multi_add_handle(multi, easy);  // sets the timer, which starts it
  ASSERT(code == CURLM_OK);
}

std::unique_ptr<Transfer> HttpClient::State::remove(uint64_t id) {
  const auto found = transfers.find(id);
  if (found == transfers.end()) return nullptr;
  std::unique_ptr<Transfer> transfer = std::move(found->second);
  transfers.erase(found);
  if (transfer->easy == nullptr) return transfer;  // libcurl is through with it
  curl_multi_remove_handle(multi, transfer->easy.get());
  give_easy(std::move(transfer->easy));
  return transfer;
}

void HttpClient::State::end_later(ClientDone done, Error error) {
  loop.post([done = std::move(done), error = std::move(error), alive = weak_from_this()]() mutable {
    if (alive.lock() != nullptr) done(fail(std::move(error)));
  });
}

void HttpClient::State::act(curl_socket_t socket, int events) {
  const auto self = shared_from_this();  // a `done` may destroy the client
  const uint64_t started_ns = loop::UvLoop::callback_clock_ns();
  int running = 0;
  curl_multi_socket_action(multi, socket, events, &running);
  report_ended();
  deliver_due();
  loop.account_callback("http client", started_ns);
}

void HttpClient::State::report_ended() {
  int left = 0;
  while (multi != nullptr) {
    const CURLMsg* message = curl_multi_info_read(multi, &left);
    if (message == nullptr) return;
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = result_of(*message);
    char* pointer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
    long status = 0;
    curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    auto& ended = *reinterpret_cast<Transfer*>(pointer);
    Result<ClientResponse> result = result_of_transfer(ended, code, status);
    if (ended.stream != nullptr) {
      // What has come and was not taken yet goes first.
      ended.stream->end = std::move(result);
      ended.stream_is_due();
      curl_multi_remove_handle(multi, ended.easy.get());
      give_easy(std::move(ended.easy));
      continue;
    }
    const std::unique_ptr<Transfer> transfer = remove(ended.id);
    ASSERT(transfer != nullptr);
    transfer->done(std::move(result));
  }
}

Result<ClientResponse> HttpClient::State::result_of_transfer(Transfer& transfer, CURLcode code,
                                                             long status) const {
  if (code != CURLE_OK && !transfer.response.truncated) return fail(failure_of(transfer, code));
  // A stream's head may still have to be handed over.
  ClientResponse response =
      transfer.stream == nullptr ? std::move(transfer.response) : ClientResponse(transfer.response);
  response.status = static_cast<int>(status);
  if (const auto wait = response.find("retry-after")) {
    response.retry_after_ms = parse_retry_after_ms(*wait, clock.wall_ms());
  }
  return response;
}

std::shared_ptr<Stream> HttpClient::State::stream_of(uint64_t id) const {
  const auto at = transfers.find(id);
  return at == transfers.end() ? nullptr : at->second->stream;
}

void HttpClient::State::deliver_due() {
  for (const uint64_t id : std::exchange(due_streams, {})) {
    const std::shared_ptr<Stream> stream = stream_of(id);
    if (stream == nullptr) continue;
    stream->is_due = false;
    if (multi != nullptr) deliver(id);
  }
}

void HttpClient::State::deliver_later(uint64_t id) {
  loop.post([this, id, alive = weak_from_this()] {
    const auto self = alive.lock();
    if (self != nullptr && multi != nullptr) deliver(id);
  });
}

void HttpClient::State::deliver(uint64_t id) {
  const std::shared_ptr<Stream> stream = stream_of(id);
  if (stream == nullptr || stream->delivering) return;
  stream->delivering = true;
  while (multi != nullptr) {
    // Looked for each time: whoever took the last piece may have ended it.
    const auto at = transfers.find(id);
    if (at == transfers.end() || stream->paused) break;
    if (deliver_next(*at->second, *stream)) continue;
    if (stream->end) {
      end_stream(id);
    } else if (stream->held) {
      read_on(id, at->second->easy.get(), *stream);
    }
    break;
  }
  stream->delivering = false;
}

// False if there is nothing.
bool HttpClient::State::deliver_next(Transfer& transfer, Stream& stream) {
  if (!stream.head_is_new && stream.pending.empty()) return false;
  watch_silence(transfer.id, stream, stream.taker.silence_ms);
  if (std::exchange(stream.head_is_new, false)) {
    ClientResponse head = transfer.response;
    if (const auto wait = head.find("retry-after")) {
      head.retry_after_ms = parse_retry_after_ms(*wait, clock.wall_ms());
    }
    if (stream.taker.begun) stream.taker.begun(head);
  } else {
    const std::string bytes = std::exchange(stream.pending, {});
    if (stream.taker.bytes) stream.taker.bytes(bytes);
  }
  return true;
}

void HttpClient::State::end_stream(uint64_t id) {
  const std::unique_ptr<Transfer> transfer = remove(id);
  ASSERT(transfer != nullptr && transfer->stream->end);
  transfer->stream->silence = nullptr;
  transfer->stream->taker.done(std::move(*transfer->stream->end));
}

// libcurl hands the bytes that it has kept over inside the call.
void HttpClient::State::read_on(uint64_t id, CURL* easy, Stream& stream) {
  stream.held = false;
  curl_easy_pause(easy, CURLPAUSE_CONT);
  if (!stream.pending.empty()) deliver_later(id);
}

void HttpClient::State::watch_silence(uint64_t id, Stream& stream, int64_t limit_ms) {
  stream.silence = nullptr;
  if (limit_ms == 0) return;
  stream.silence = loop.start_timer(limit_ms, [this, id, limit_ms] {
    const std::unique_ptr<Transfer> transfer = remove(id);
    ASSERT(transfer != nullptr);
    const auto fired = std::move(transfer->stream->silence);
    std::string what = "cannot " + transfer->request.method + " " + shown_url(transfer->request.url) +
                       ": nothing came in " + std::to_string(limit_ms) + " ms";
    transfer->stream->taker.done(fail(ErrorCode::kTimeout, std::move(what), {}, true));
  });
}

void HttpClient::State::watch(curl_socket_t socket, int what, Watch* known) {
  if (what == CURL_POLL_REMOVE) {
    if (known == nullptr) return;
    uv_poll_stop(&known->poll);
    curl_multi_assign(multi, socket, nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&known->poll),
             [](uv_handle_t* closed) { delete static_cast<Watch*>(closed->data); });
    return;
  }
  if (known == nullptr) {
    known = new Watch();
    known->state = this;
    known->socket = socket;
    known->poll.data = known;
    const int status = uv_poll_init_socket(loop.handle(), &known->poll, socket);
    ASSERT(status == 0);
    curl_multi_assign(multi, socket, known);
  }
  const int events =
      ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
  uv_poll_start(&known->poll, events, on_poll);
}

void HttpClient::State::on_poll(uv_poll_t* poll, int status, int events) {
  const Watch& watch = *static_cast<Watch*>(poll->data);
  int flags = status < 0 ? CURL_CSELECT_ERR : 0;
  if ((events & UV_READABLE) != 0) flags |= CURL_CSELECT_IN;
  if ((events & UV_WRITABLE) != 0) flags |= CURL_CSELECT_OUT;
  watch.state->act(watch.socket, flags);
}

int HttpClient::State::on_timeout(CURLM*, long timeout_ms, void* data) {
  auto* self = static_cast<State*>(data);
  if (timeout_ms < 0) {
    uv_timer_stop(self->timer);
    return 0;
  }
  const auto fire = [](uv_timer_t* due) { static_cast<State*>(due->data)->act(CURL_SOCKET_TIMEOUT, 0); };
  uv_timer_start(self->timer, fire, static_cast<uint64_t>(timeout_ms), 0);
  return 0;
}

std::optional<std::string_view> ClientResponse::find(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (equals_ignoring_case(field, name)) return value;
  }
  return std::nullopt;
}

HttpClient::HttpClient(loop::UvLoop& loop, const Clock& clock, ClientOptions options)
    : state_(std::make_shared<State>(loop, clock, std::move(options))) {
  state_->open();
}

HttpClient::~HttpClient() {
  state_->close();
}

uint64_t HttpClient::send(ClientRequest request, ClientDone done) {
  LOOP_ASSERT(state_->loop);
  ASSERT(done && request.timeout_ms > 0 && request.connect_timeout_ms > 0);
  const uint64_t id = ++state_->last_id;
  if (Status checked = check(request); !checked) {
    state_->end_later(std::move(done), std::move(checked.error()));
    return id;
  }
  auto transfer = std::make_unique<Transfer>();
  transfer->id = id;
  transfer->request = std::move(request);
  transfer->done = std::move(done);
  state_->add(std::move(transfer));
  return id;
}

uint64_t HttpClient::send_streaming(ClientRequest request, ClientStream stream) {
  LOOP_ASSERT(state_->loop);
  ASSERT(stream.done && request.timeout_ms > 0 && request.connect_timeout_ms > 0);
  const uint64_t id = ++state_->last_id;
  if (Status checked = check(request); !checked) {
    state_->end_later(std::move(stream.done), std::move(checked.error()));
    return id;
  }
  auto transfer = std::make_unique<Transfer>();
  transfer->id = id;
  transfer->request = std::move(request);
  transfer->stream = std::make_shared<Stream>();
  transfer->stream->taker = std::move(stream);
  state_->watch_silence(id, *transfer->stream, transfer->request.timeout_ms);
  transfer->due_streams = &state_->due_streams;
  state_->add(std::move(transfer));
  return id;
}

void HttpClient::pause(uint64_t id) {
  LOOP_ASSERT(state_->loop);
  const std::shared_ptr<Stream> stream = state_->stream_of(id);
  if (stream == nullptr) return;
  stream->paused = true;
  stream->silence = nullptr;  // it is ours
}

void HttpClient::resume(uint64_t id) {
  LOOP_ASSERT(state_->loop);
  const std::shared_ptr<Stream> stream = state_->stream_of(id);
  if (stream == nullptr || !std::exchange(stream->paused, false)) return;
  state_->watch_silence(id, *stream, stream->taker.silence_ms);
  state_->deliver_later(id);
}

void HttpClient::cancel(uint64_t id) {
  LOOP_ASSERT(state_->loop);
  const std::unique_ptr<Transfer> transfer = state_->remove(id);
  if (transfer == nullptr) return;
  std::string what = "the request to " + shown_url(transfer->request.url) + " was cancelled";
  ClientDone done =
      transfer->stream == nullptr ? std::move(transfer->done) : std::move(transfer->stream->taker.done);
  if (transfer->stream != nullptr) transfer->stream->silence = nullptr;
  state_->end_later(std::move(done), {ErrorCode::kCancelled, std::move(what), true, {}});
}

size_t HttpClient::under_way() const {
  return state_->transfers.size();
}

std::string shown_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t host = scheme + 3;
  const size_t path = std::min(url.find('/', host), url.size());
  const size_t at = url.substr(0, path).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

}  // namespace colloquium::net
