#include "net/tls_context.h"

#include <array>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "net/tls_stream.h"

namespace colloquium::net {
namespace {

constexpr size_t kPemBytesMax = 1 << 20;
// Certificates that follow the listener's own, and authorities.
constexpr int kCertificatesMax = 1000;
// All with forward secrecy and an AEAD; those of TLS 1.3 have nothing else.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr std::string_view kProtocols = "\x02h2\x08http/1.1";

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using BioPointer = std::unique_ptr<BIO, Free>;
using CertificatePointer = std::unique_ptr<X509, Free>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Free>;

// What the library says was wrong, without what it says of its sources.
std::string library_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "the library does not say why" : reason;
}

tl::unexpected<Error> refused(const char* what, const std::string& path, const std::string& why) {
  return fail(ErrorCode::kInvalidConfig, std::string("cannot use the ") + what + " '" + path + "': " + why);
}

// Bytes that are wiped when they go: a key is among them.
struct Pem {
  std::string text;
  ~Pem() { OPENSSL_cleanse(text.data(), text.size()); }
};

Status read_pem(const io::FileSystem& files, const char* what, const std::string& path, Pem& pem) {
  auto text = io::read_file(files, path, kPemBytesMax);
  if (!text) return fail(ErrorCode::kInvalidConfig, std::string("the TLS ") + what + ": " + text.error().message);
  pem.text = std::move(*text);
  return {};
}

BioPointer reader_of(const Pem& pem) {
  return BioPointer(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
}

// Nobody is there to be asked for a pass phrase.
int no_pass_phrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

CertificatePointer next_certificate(BIO* bio) {
  return CertificatePointer(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
}

Status use_certificate(SSL_CTX* library, const std::string& path, const Pem& pem) {
  const BioPointer bio = reader_of(pem);
  const CertificatePointer own = next_certificate(bio.get());
  if (own == nullptr) {
    ERR_clear_error();
    return refused("certificate", path, "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  }
  if (SSL_CTX_use_certificate(library, own.get()) != 1) return refused("certificate", path, library_reason());
  for (int i = 0; i < kCertificatesMax; ++i) {
    const CertificatePointer next = next_certificate(bio.get());
    if (next == nullptr) break;
    if (SSL_CTX_add1_chain_cert(library, next.get()) != 1) return refused("certificate", path, library_reason());
  }
  ERR_clear_error();  // the end of the file counts as one
  return {};
}

Status use_key(SSL_CTX* library, const TlsSettings& settings, const Pem& pem) {
  const BioPointer bio = reader_of(pem);
  bool asked = false;
  const KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, &asked));
  if (key == nullptr) {
    ERR_clear_error();
    return refused("key", settings.key,
                   asked ? "it is protected by a pass phrase; give one without, that only its owner may read"
                         : "it holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)");
  }
  const bool fits = X509_check_private_key(SSL_CTX_get0_certificate(library), key.get()) == 1;
  ERR_clear_error();
  if (!fits) {
    return refused("key", settings.key, "it does not belong to the certificate '" + settings.certificate + "'");
  }
  if (SSL_CTX_use_PrivateKey(library, key.get()) != 1) return refused("key", settings.key, library_reason());
  return {};
}

// Clients need a certificate that one of these has signed, themselves or through others.
Status use_authorities(SSL_CTX* library, const std::string& path, const Pem& pem) {
  const BioPointer bio = reader_of(pem);
  int count = 0;
  while (count < kCertificatesMax) {
    const CertificatePointer authority = next_certificate(bio.get());
    if (authority == nullptr) break;
    const bool added = X509_STORE_add_cert(SSL_CTX_get_cert_store(library), authority.get()) == 1 &&
                       SSL_CTX_add_client_CA(library, authority.get()) == 1;
    if (!added) return refused("client authority", path, library_reason());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return refused("client authority", path, "it holds no certificate in PEM form");
  SSL_CTX_set_verify(library, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

// A client that names protocols and none of ours is refused (RFC 7301); one that names none is taken.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned int offered_length, void*) {
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(&found, length, reinterpret_cast<const unsigned char*>(kProtocols.data()),
                                           static_cast<unsigned int>(kProtocols.size()), offered, offered_length);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void set_protocol(SSL_CTX* library, TlsVersion minimum) {
  SSL_CTX_set_min_proto_version(library, minimum == TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(library, kTls12Ciphers);
  SSL_CTX_set_options(library, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  // Ten thousand idle connections would otherwise hold 34 KiB each.
  SSL_CTX_set_mode(library, SSL_MODE_RELEASE_BUFFERS);
  // Sessions are in tickets that the client keeps. Without a name for them the library refuses to resume one that
  // began with a client's certificate.
  constexpr std::string_view kName = "colloquium";
  SSL_CTX_set_session_id_context(library, reinterpret_cast<const unsigned char*>(kName.data()),
                                 static_cast<unsigned int>(kName.size()));
  SSL_CTX_set_session_cache_mode(library, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(library, choose_protocol, nullptr);
}

std::string text_of(const BioPointer& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string describe_certificate(const X509* certificate) {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  BIO_puts(bio.get(), ", until ");
  ASN1_TIME_print(bio.get(), X509_get0_notAfter(certificate));
  return text_of(bio);
}

}  // namespace

Result<TlsContext::Loaded> TlsContext::load(const io::FileSystem& files, const TlsSettings& settings) {
  ERR_clear_error();
  const Library library(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (library == nullptr) return fail(ErrorCode::kInternal, "cannot set up TLS: " + library_reason());
  set_protocol(library.get(), settings.minimum);
  Pem certificate;
  TRY(read_pem(files, "certificate", settings.certificate, certificate));
  TRY(use_certificate(library.get(), settings.certificate, certificate));
  Pem key;
  TRY(read_pem(files, "key", settings.key, key));
  TRY(use_key(library.get(), settings, key));
  if (!settings.client_ca.empty()) {
    Pem authorities;
    TRY(read_pem(files, "client authority", settings.client_ca, authorities));
    TRY(use_authorities(library.get(), settings.client_ca, authorities));
  }
  return Loaded{library, describe_certificate(SSL_CTX_get0_certificate(library.get()))};
}

Result<std::unique_ptr<TlsContext>> TlsContext::create(const io::FileSystem& files, Loop& loop,
                                                       TlsSettings settings) {
  std::unique_ptr<TlsContext> context(new TlsContext(files, loop, std::move(settings)));
  TRY_ASSIGN(Loaded loaded, load(files, context->settings_));
  context->library_ = std::move(loaded.context);
  context->certificate_ = std::move(loaded.certificate);
  return context;
}

void TlsContext::reload(UniqueFunction<void(Status)> done) {
  LOOP_ASSERT(loop_);
  struct Job {
    TlsSettings settings;
    UniqueFunction<void(Status)> done;
    std::optional<Result<Loaded>> loaded;
  };
  auto job = std::make_shared<Job>();
  job->settings = settings_;
  job->done = std::move(done);
  const bool taken = loop_.offload([job, &files = files_] { job->loaded.emplace(load(files, job->settings)); },
                                   [this, job, alive = std::weak_ptr<char>(alive_)] {
                                     if (alive.expired()) return;
                                     if (!*job->loaded) return job->done(fail(std::move(*job->loaded).error()));
                                     library_ = std::move((*job->loaded)->context);
                                     certificate_ = std::move((*job->loaded)->certificate);
                                     job->done({});
                                   });
  if (!taken) job->done(fail(ErrorCode::kUnavailable, "too much else waits to be read", {}, true));
}

std::unique_ptr<ByteStream> TlsContext::wrap(std::unique_ptr<ByteStream> below) {
  return std::make_unique<TlsStream>(library_, counters_, loop_, std::move(below));
}

}  // namespace colloquium::net
