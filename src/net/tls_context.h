// TlsContext: a listener's certificate, key and the authorities its clients' certificates come from.
//
// Files are PEM, the certificate's with its chain behind it. reload() reads them again: connections that are there
// go on, new ones get what was read; if anything is wrong with the new files, the old ones stay. Errors name the
// file and say what is wrong with it, and never show anything of a key. TLS 1.2 with forward secrecy and AEAD
// only, and 1.3.
//
// Ownership: the file system and the loop outlive it; streams do not need it once made. Thread safety: loop only.
#pragma once

#include <memory>
#include <string>

#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "base/counters.h"
#include "io/file_system.h"
#include "net/byte_stream.h"

struct ssl_ctx_st;

namespace colloquium::net {

enum class TlsVersion { kTls12, kTls13 };

struct TlsSettings {
  std::string certificate;  // paths of files
  std::string key;
  std::string client_ca;  // empty: clients need no certificate
  TlsVersion minimum = TlsVersion::kTls12;
};

// Handshakes by how they ended. Any thread may read them.
struct TlsCounters {
  Counter handshakes;  // that were done
  // Refused. The client's certificate: there is none, its time is not now, none of our authorities has signed it.
  Counter certificate_missing;
  Counter certificate_expired;
  Counter certificate_untrusted;
  Counter version;     // none that both sides speak
  Counter plain_http;  // it is no TLS
  Counter other;
};

class TlsContext {
 public:
  static Result<std::unique_ptr<TlsContext>> create(const io::FileSystem& files, Loop& loop, TlsSettings settings);

  // Reads the files on another thread; `done` runs on the loop, unless the context has gone by then.
  void reload(UniqueFunction<void(Status)> done);

  // "CN=example.org, until Jan  1 00:00:00 2030 GMT"
  const std::string& describe() const { return certificate_; }

  const TlsCounters& counters() const { return *counters_; }

  // A stream that speaks TLS over an accepted one.
  std::unique_ptr<ByteStream> wrap(std::unique_ptr<ByteStream> below);

 private:
  using Library = std::shared_ptr<ssl_ctx_st>;
  struct Loaded {
    Library context;
    std::string certificate;
  };

  TlsContext(const io::FileSystem& files, Loop& loop, TlsSettings settings)
      : files_(files), loop_(loop), settings_(std::move(settings)) {}
  static Result<Loaded> load(const io::FileSystem& files, const TlsSettings& settings);

  const io::FileSystem& files_;
  Loop& loop_;
  const TlsSettings settings_;
  Library library_;
  std::string certificate_;
  const std::shared_ptr<TlsCounters> counters_ = std::make_shared<TlsCounters>();  // streams may outlive us
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // a reload may end after we are gone
};

}  // namespace colloquium::net
