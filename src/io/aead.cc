#include "io/aead.h"

#include <algorithm>
#include <cstring>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/assert.h"

namespace colloquium::io {
namespace {

constexpr std::string_view kIdDomain = "colloquium key id\n";
constexpr size_t kIdBytes = 8;

const unsigned char* in(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* out(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

void fill(char* bytes, size_t size, Random& random) {
  ASSERT(size % 4 == 0);
  for (size_t at = 0; at < size; at += 8) {
    const uint64_t number = random.next();
    std::memcpy(bytes + at, &number, std::min<size_t>(8, size - at));
  }
}

// Libcrypto looks an algorithm up by its name, which takes longer than a small batch: once is enough.
const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  ASSERT_WHY(cipher != nullptr, "libcrypto has AES-256-GCM");
  return cipher;
}

class AesGcm final : public Aead {
 public:
  explicit AesGcm(const SecretKey& key) : sealing_(EVP_CIPHER_CTX_new()), opening_(EVP_CIPHER_CTX_new()) {
    ASSERT(sealing_ != nullptr && opening_ != nullptr);
    must(EVP_EncryptInit_ex2(sealing_, aes_256_gcm(), in(key.bytes()), nullptr, nullptr));
    must(EVP_DecryptInit_ex2(opening_, aes_256_gcm(), in(key.bytes()), nullptr, nullptr));
  }
  // Freeing a context wipes the key in it.
  ~AesGcm() override {
    EVP_CIPHER_CTX_free(sealing_);
    EVP_CIPHER_CTX_free(opening_);
  }

  void seal(const AeadNonce& nonce, std::string_view associated, std::string& text) override {
    ASSERT(text.size() <= INT32_MAX && associated.size() <= INT32_MAX);
    const size_t size = text.size();
    text.resize(size + kAeadTagBytes);
    int count = 0;
    must(EVP_EncryptInit_ex2(sealing_, nullptr, nullptr, in({nonce.data(), nonce.size()}), nullptr));
    must(EVP_EncryptUpdate(sealing_, nullptr, &count, in(associated), static_cast<int>(associated.size())));
    must(EVP_EncryptUpdate(sealing_, out(text.data()), &count, in(text), static_cast<int>(size)));
    ASSERT(static_cast<size_t>(count) == size);
    must(EVP_EncryptFinal_ex(sealing_, out(text.data()) + size, &count));
    must(EVP_CIPHER_CTX_ctrl(sealing_, EVP_CTRL_AEAD_GET_TAG, kAeadTagBytes, text.data() + size));
  }

  bool open(const AeadNonce& nonce, std::string_view associated, std::string_view sealed,
            std::string& text) override {
    text.clear();
    if (sealed.size() < kAeadTagBytes || sealed.size() > INT32_MAX) return false;
    const size_t size = sealed.size() - kAeadTagBytes;
    std::array<char, kAeadTagBytes> tag;
    std::memcpy(tag.data(), sealed.data() + size, tag.size());
    text.resize(size);
    int count = 0;
    must(EVP_DecryptInit_ex2(opening_, nullptr, nullptr, in({nonce.data(), nonce.size()}), nullptr));
    must(EVP_DecryptUpdate(opening_, nullptr, &count, in(associated), static_cast<int>(associated.size())));
    must(EVP_DecryptUpdate(opening_, out(text.data()), &count, in(sealed), static_cast<int>(size)));
    must(EVP_CIPHER_CTX_ctrl(opening_, EVP_CTRL_AEAD_SET_TAG, kAeadTagBytes, tag.data()));
    const bool authentic = EVP_DecryptFinal_ex(opening_, out(text.data()) + size, &count) == 1;
    if (!authentic) wipe(text);  // what does not prove itself is nobody's to see
    return authentic;
  }

 private:
  static void must(int result) { ASSERT_WHY(result == 1, "libcrypto refuses only what is called wrongly"); }

  EVP_CIPHER_CTX* const sealing_;
  EVP_CIPHER_CTX* const opening_;
};

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

// Bytes of base64 without padding, in RFC 4648's alphabet or its one for URLs.
std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count);
    bits &= (1u << count) - 1;
  }
  if (bits != 0) return std::nullopt;
  return bytes;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

}  // namespace

void wipe(void* bytes, size_t size) {
  OPENSSL_cleanse(bytes, size);
}
void wipe(std::string& text) {
  wipe(text.data(), text.size());
  text.clear();
}

SecretKey::SecretKey(std::string_view bytes) {
  ASSERT(bytes.size() == bytes_.size());
  std::memcpy(bytes_.data(), bytes.data(), bytes_.size());
}
SecretKey::SecretKey(Random& random) {
  fill(bytes_.data(), bytes_.size(), random);
}
SecretKey::~SecretKey() {
  wipe(bytes_.data(), bytes_.size());
}

std::string SecretKey::id() const {
  std::string text = std::string(kIdDomain) + std::string(bytes());
  std::array<char, 32> digest;
  const int done = EVP_Digest(text.data(), text.size(), out(digest.data()), nullptr, EVP_sha256(), nullptr);
  ASSERT(done == 1);
  wipe(text);
  return to_hex({digest.data(), kIdBytes});
}

std::shared_ptr<const SecretKey> parse_key(std::string_view text) {
  text = trimmed(text);
  std::optional<std::string> bytes = text.size() == 2 * kAeadKeyBytes ? from_hex(text) : std::nullopt;
  if (!bytes) {
    while (!text.empty() && text.back() == '=' && text.size() > 43) text.remove_suffix(1);
    bytes = from_base64(text);
  }
  std::shared_ptr<const SecretKey> key;
  if (bytes && bytes->size() == kAeadKeyBytes) key = std::make_shared<const SecretKey>(*bytes);
  if (bytes) wipe(*bytes);
  return key;
}

std::unique_ptr<Aead> make_aes_256_gcm(const SecretKey& key) {
  return std::make_unique<AesGcm>(key);
}

AeadNonce random_nonce(Random& random) {
  AeadNonce nonce;
  fill(nonce.data(), nonce.size(), random);
  return nonce;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace colloquium::io
