// Certificates made on the spot, and a blocking TLS client, for tests of what a listener does with TLS.
//
// Every wait has RawClient's limit. Thread safety: none; not on the loop's thread.
#pragma once

#include <arpa/inet.h>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "io/memory_file_system.h"
#include "net/testing/server_fixture.h"
#include "net/tls_context.h"

namespace colloquium::net {

// A key and a certificate of it, signed by another identity or by itself.
class Identity {
 public:
  // `valid_s`: for how long from now; negative: until so long ago.
  explicit Identity(const std::string& name, const Identity* authority = nullptr, long valid_s = 3600)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    static long serial = 0;
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), valid_s);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* const subject = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()),
                               -1, -1, 0);
    X509_set_issuer_name(certificate_,
                         authority == nullptr ? subject : X509_get_subject_name(authority->certificate_));
    if (authority == nullptr) {
      X509_EXTENSION* const is_ca =
          X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
      X509_add_ext(certificate_, is_ca, -1);
      X509_EXTENSION_free(is_ca);
    }
    X509_sign(certificate_, authority == nullptr ? key_ : authority->key_, EVP_sha256());
  }
  ~Identity() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  X509* certificate() const { return certificate_; }
  EVP_PKEY* key() const { return key_; }

  std::string certificate_pem() const {
    return text([&](BIO* bio) { PEM_write_bio_X509(bio, certificate_); });
  }
  std::string key_pem(const char* pass_phrase = nullptr) const {
    return text([&](BIO* bio) {
      PEM_write_bio_PrivateKey(bio, key_, pass_phrase == nullptr ? nullptr : EVP_aes_256_cbc(), nullptr, 0,
                               nullptr, const_cast<char*>(pass_phrase));
    });
  }

 private:
  template <class Write>
  static std::string text(Write write) {
    BIO* const bio = BIO_new(BIO_s_mem());
    write(bio);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string pem(data, static_cast<size_t>(size));
    BIO_free(bio);
    return pem;
  }

  EVP_PKEY* key_;
  X509* certificate_;
};

struct TlsClientOptions {
  int version = 0;                      // 0: what both like best
  const Identity* identity = nullptr;   // what it shows of itself
  const Identity* authority = nullptr;  // whom it trusts; null: everyone
  std::string protocols;                // for ALPN, on the wire
  SSL_SESSION* session = nullptr;       // to be resumed
};

class TlsClient {
 public:
  explicit TlsClient(uint16_t port, const TlsClientOptions& options = {})
      : context_(SSL_CTX_new(TLS_client_method())), fd_(connect_to(port)) {
    if (options.version != 0) {
      // An old version needs the lowest security level even to be asked for.
      SSL_CTX_set_security_level(context_, 0);
      SSL_CTX_set_min_proto_version(context_, options.version);
      SSL_CTX_set_max_proto_version(context_, options.version);
    }
    if (options.identity != nullptr) {
      SSL_CTX_use_certificate(context_, options.identity->certificate());
      SSL_CTX_use_PrivateKey(context_, options.identity->key());
    }
    if (options.authority != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), options.authority->certificate());
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    }
    ssl_ = SSL_new(context_);
    if (!options.protocols.empty()) {
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(options.protocols.data()),
                          static_cast<unsigned>(options.protocols.size()));
    }
    if (options.session != nullptr) SSL_set_session(ssl_, options.session);
    SSL_set_fd(ssl_, fd_);
    connected_ = SSL_connect(ssl_) == 1;
    ERR_clear_error();
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // A connected socket with the limits of a test.
  static int connect_to(uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{20, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const int at_once = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    const int connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ASSERT(connected == 0);
    return fd;
  }

  bool connected() const { return connected_; }
  SSL* ssl() { return ssl_; }
  int fd() const { return fd_; }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(ssl_, &name, &length);
    return std::string(reinterpret_cast<const char*>(name), length);
  }

  bool send(std::string_view bytes) {
    size_t written = 0;
    const bool sent = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) == 1;
    ERR_clear_error();
    return sent;
  }
  // Tells the server that nothing more comes; its answers can still be read.
  void end() { SSL_shutdown(ssl_); }

  // Everything until the server ends; `ended_well` if it said so.
  std::string rest(bool* ended_well = nullptr) {
    std::string all;
    char bytes[16384];
    size_t count = 0;
    int result;
    while ((result = SSL_read_ex(ssl_, bytes, sizeof bytes, &count)) == 1) all.append(bytes, count);
    if (ended_well != nullptr) *ended_well = SSL_get_error(ssl_, result) == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    return all;
  }
  // One answer, of a request without `Connection: close`.
  std::string answer() {
    std::string all;
    char bytes[16384];
    size_t count = 0;
    while (!is_whole(all) && SSL_read_ex(ssl_, bytes, sizeof bytes, &count) == 1) all.append(bytes, count);
    ERR_clear_error();
    return all;
  }
  std::string ask(std::string_view request) {
    send(request);
    return answer();
  }

 private:
  static bool is_whole(const std::string& all) {
    const size_t head = all.find("\r\n\r\n");
    const size_t at = all.find("Content-Length: ");
    if (head == std::string::npos || at == std::string::npos) return head != std::string::npos;
    return all.size() >= head + 4 + std::stoul(all.substr(at + 16));
  }

  SSL_CTX* const context_;
  const int fd_;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
};

// A server of TLS with files in memory.
class TlsServer {
 public:
  explicit TlsServer(TlsSettings settings = {}, HttpLimits limits = {}, const Identity* authority = nullptr)
      : server_(limits, [this](std::unique_ptr<ByteStream> below) { return context_->wrap(std::move(below)); }) {
    settings.certificate = "cert.pem";
    settings.key = "key.pem";
    put("cert.pem", identity_.certificate_pem());
    put("key.pem", identity_.key_pem());
    if (authority != nullptr) {
      put("ca.pem", authority->certificate_pem());
      settings.client_ca = "ca.pem";
    }
    server_.on_loop([&] {
      auto made = TlsContext::create(files_, server_.loop(), settings);
      ASSERT(made);
      context_ = std::move(*made);
    });
  }

  void put(const std::string& path, const std::string& text) {
    const Status written = io::write_file_atomically(files_, path, text);
    ASSERT(written);
  }
  Status reload() {
    return server_.wait_for<Status>(
        [&](auto done) { context_->reload([done](Status status) { done(std::move(status)); }); });
  }
  ServerFixture& operator*() { return server_; }
  ServerFixture* operator->() { return &server_; }
  uint16_t port() const { return server_.port(); }
  const Identity& identity() const { return identity_; }

  const TlsCounters& counters() const { return context_->counters(); }

  // Until no connection is left: nothing else ends the wait than the test's own limit.
  void wait_until_empty() {
    while (server_->counters().connections_open.value() > 0) server_.on_loop([] {});
  }

 private:
  const Identity identity_{"server.test"};
  io::MemoryFileSystem files_;
  std::unique_ptr<TlsContext> context_;
  ServerFixture server_;
};

}  // namespace colloquium::net
