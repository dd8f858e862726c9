#include "net/tls_stream.h"

#include <algorithm>
#include <limits>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::net {
namespace {

// A record holds no more.
constexpr size_t kRecordBytes = 16 * 1024;
// While the peer has so much still to take, it is not listened to.
constexpr size_t kUnsentMax = 256 * 1024;
// What is read behind a handshake that failed, so that the peer gets to see why.
constexpr size_t kDiscardedMax = 64 * 1024;

// To whoever speaks plain HTTP to a port of TLS.
constexpr std::string_view kPlainHttpAnswer =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: application/problem+json\r\n"
    "Connection: close\r\n"
    "Content-Length: 101\r\n"
    "\r\n"
    R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"this port speaks TLS: use https"})"
    "\n";

std::string subject_of(const X509* certificate) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
  // UTF-8 as it is; control characters and what RFC 4514 marks are escaped, so it is good for a header.
  constexpr unsigned long kFlags = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, kFlags);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

}  // namespace

TlsStream::TlsStream(std::shared_ptr<ssl_ctx_st> context, std::shared_ptr<TlsCounters> counters, Loop& loop,
                     std::unique_ptr<ByteStream> below)
    : context_(std::move(context)),
      counters_(std::move(counters)),
      loop_(loop),
      below_(std::move(below)),
      ssl_(SSL_new(context_.get())),
      in_(BIO_new(BIO_s_mem())),
      out_(BIO_new(BIO_s_mem())) {
  ASSERT_WHY(ssl_ != nullptr && in_ != nullptr && out_ != nullptr, "the library has memory");
  // Empty means "later", not "ended".
  BIO_set_mem_eof_return(in_, -1);
  SSL_set_bio(ssl_, in_, out_);
  SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
}

void TlsStream::start(ByteStreamEvents& events) {
  if (std::exchange(events_, &events) != nullptr) return;
  below_->start(*this);
  update_below();
}

void TlsStream::set_reading(bool on) {
  reading_ = on;
  if (delivering_ || state_ != State::kOpen) return;
  if (on && holds_input()) return deliver_later();
  update_below();
}

bool TlsStream::holds_input() const {
  return BIO_ctrl_pending(in_) > 0 || SSL_pending(ssl_) > 0;
}

// The protocol is never called from within its own call.
void TlsStream::deliver_later() {
  if (std::exchange(resuming_, true)) return;
  loop_.at_turn_end([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    resuming_ = false;
    if (deliver()) update_below();
  });
}

bool TlsStream::write(std::string_view bytes) {
  if (state_ != State::kOpen) return false;
  if (bytes.empty()) return true;
  ERR_clear_error();
  size_t written = 0;
  if (SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) != 1) return false;
  ASSERT_WHY(written == bytes.size(), "memory takes all");
  return flush();
}

size_t TlsStream::unsent_bytes() const {
  return below_->unsent_bytes();
}

void TlsStream::finish() {
  if (std::exchange(finished_, true)) return;
  if (state_ == State::kOpen) {
    ERR_clear_error();
    SSL_shutdown(ssl_);  // says that no more comes; what the peer still sends can be read
    (void)flush();       // a broken stream below tells so itself
  }
  if (state_ != State::kRefused) below_->finish();
}

const std::string& TlsStream::peer() const {
  return below_->peer();
}

size_t TlsStream::read_bytes_max() const {
  return state_ == State::kOpen ? events_->read_bytes_max() : std::numeric_limits<size_t>::max();
}

void TlsStream::on_bytes(std::string_view bytes) {
  if (state_ == State::kRefused) {
    discarded_bytes_ += bytes.size();
    if (discarded_bytes_ > kDiscardedMax) events_->on_broken();
    return;
  }
  const int taken = BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  ASSERT_WHY(taken == static_cast<int>(bytes.size()), "memory takes all");
  if (state_ == State::kHandshake && !shake_hands()) return;
  if (state_ == State::kOpen && deliver()) update_below();
}

// False if the protocol was told that the connection is broken.
bool TlsStream::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    state_ = State::kOpen;
    counters_->handshakes.add();
    if (const X509* const certificate = SSL_get0_peer_certificate(ssl_)) peer_name_ = subject_of(certificate);
  } else if (SSL_get_error(ssl_, result) != SSL_ERROR_WANT_READ) {
    refuse();
    return true;
  }
  if (flush()) return true;
  events_->on_broken();
  return false;
}

// The library may have begun with whatever went wrong in the client's certificate, so its verdict is asked first.
Counter& TlsStream::counter_of(int reason) const {
  const long verdict = SSL_get_verify_result(ssl_);
  if (verdict == X509_V_ERR_CERT_HAS_EXPIRED || verdict == X509_V_ERR_CERT_NOT_YET_VALID) {
    return counters_->certificate_expired;
  }
  if (verdict != X509_V_OK) return counters_->certificate_untrusted;
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return counters_->certificate_missing;
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return counters_->version;
    case SSL_R_HTTP_REQUEST:
      return counters_->plain_http;
    default:
      return counters_->other;
  }
}

// Says why and ends; the peer may not have read that yet, so the connection is not closed at once.
void TlsStream::refuse() {
  const unsigned long code = ERR_peek_error();
  const char* const reason = ERR_reason_error_string(code);
  log_debug("tls", "a handshake failed",
            {{"peer", below_->peer()}, {"why", reason == nullptr ? "unknown" : reason}});
  const bool is_http = ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST;
  counter_of(ERR_GET_REASON(code)).add();
  ERR_clear_error();
  state_ = State::kRefused;
  // If the peer is gone, the stream below says so.
  if (is_http) {
    (void)below_->write(kPlainHttpAnswer);
  } else {
    (void)flush();
  }
  below_->finish();
  below_->set_reading(true);
}

// Hands over what has come, as long as the protocol wants it. False if the protocol has destroyed the stream, or
// been told that it is broken.
bool TlsStream::deliver() {
  const std::weak_ptr<char> alive = alive_;
  delivering_ = true;
  std::array<char, kRecordBytes> record;
  while (reading_ && !ended_) {
    ERR_clear_error();
    size_t count = 0;
    const int result =
        SSL_read_ex(ssl_, record.data(), std::min(record.size(), events_->read_bytes_max()), &count);
    if (result == 1) {
      events_->on_bytes({record.data(), count});
      if (alive.expired()) return false;
      continue;
    }
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ) break;
    if (error != SSL_ERROR_ZERO_RETURN) {
      (void)flush();  // the alert
      events_->on_broken();
      return false;
    }
    ended_ = true;
    events_->on_end();
    if (alive.expired()) return false;
  }
  delivering_ = false;
  if (flush()) return true;
  events_->on_broken();
  return false;
}

bool TlsStream::flush() {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out_, &bytes);
  if (size <= 0) return true;
  const bool sent = below_->write({bytes, static_cast<size_t>(size)});
  (void)BIO_reset(out_);
  return sent;
}

void TlsStream::update_below() {
  const bool wanted = state_ != State::kOpen || (reading_ && !ended_ && !resuming_);
  below_->set_reading(wanted && below_->unsent_bytes() < kUnsentMax);
}

// Also without the peer's word that it has ended: HTTP has lengths of its own, and many clients just go.
void TlsStream::on_end() {
  if (state_ != State::kOpen) return events_->on_broken();
  if (std::exchange(ended_, true)) return;
  events_->on_end();
}

void TlsStream::on_broken() {
  events_->on_broken();
}

void TlsStream::on_sent() {
  if (state_ == State::kRefused) return;
  const std::weak_ptr<char> alive = alive_;
  if (state_ == State::kOpen) events_->on_sent();
  if (!alive.expired()) update_below();
}

}  // namespace colloquium::net
