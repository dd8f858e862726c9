#include "app/log_keys.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "app/pipeline_files.h"
#include "base/system_clock.h"
#include "config/paths.h"
#include "config/problems.h"
#include "engine/plan_data.h"
#include "io/path.h"

namespace colloquium::app {
namespace {

constexpr size_t kKeyFileLimit = 64 * 1024;
constexpr const char* kFileVariable = "COLLOQUIUM_LOG_KEY_FILE";
constexpr const char* kKeyVariable = "COLLOQUIUM_LOG_KEY";
constexpr unsigned kOthers = 077;

tl::unexpected<Error> refused(std::string message, const std::string& context) {
  return fail(ErrorCode::kInvalidConfig, std::move(message), context);
}

std::string_view next_word(std::string_view& text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  const size_t end = std::min(text.find_first_of(kSpace, begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

// Comments become spaces, in place: a copy of the text would be another copy of the keys.
void blank_comments(std::string& text) {
  bool comment = false;
  bool line_begins = true;
  for (char& c : text) {
    if (c == '\n') {
      comment = false;
      line_begins = true;
      continue;
    }
    if (line_begins && c == '#') comment = true;
    if (c != ' ' && c != '\t') line_begins = false;
    if (comment) c = ' ';
  }
}

// Whoever else may read it may have read it.
Status check_private(const io::FileInfo& info, const std::string& path, const std::string& context) {
  if (info.owner != ::geteuid() || (info.permissions & kOthers) == 0) return {};
  std::array<char, 16> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", info.permissions);
  return refused("the key file '" + path + "' may be read by others (its mode is " + mode.data() +
                     "): 'chmod 600 " + path + "', and use another key if one of them may have read it",
                 context);
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? nullptr : value;
}

Result<log::KeyRing::Keys> keys_of(const config::EncryptionConfig& encryption, const std::string& base_dir,
                                   const io::FileSystem& files) {
  const std::string context = encryption.mark.describe();
  if (!encryption.key.value.empty()) return parse_keys(encryption.key.value, "log.encryption.key", context);
  return read_key_file(files, config::resolved_path(base_dir, encryption.key_file), context);
}

// `encrypt`: what a ring does that no pipeline describes.
Result<std::shared_ptr<const log::KeyRing>> ring_of(const KeyOptions& options, const io::FileSystem& files,
                                                    bool encrypt) {
  static SystemRandom random;
  if (options.pipeline && !options.key_file) {
    const LoadedPipelines loaded = load_pipelines({*options.pipeline});
    for (const ConfigProblem& problem : loaded.problems) {
      if (!problem.warning) return fail(ErrorCode::kInvalidConfig, problem.describe());
    }
    return key_ring_of({loaded.pipelines.front().plan}, files, random);
  }
  const char* const file = options.key_file ? options.key_file->c_str() : variable(kFileVariable);
  const char* const text = variable(kKeyVariable);
  if (file == nullptr && text == nullptr) return std::shared_ptr<const log::KeyRing>();
  const std::string context = options.key_file ? "--key-file" : file != nullptr ? kFileVariable : kKeyVariable;
  auto keys = file != nullptr ? read_key_file(files, file, context) : parse_keys(text, "the variable", context);
  if (!keys) return fail(std::move(keys).error());
  return std::make_shared<const log::KeyRing>(std::move(*keys), random, encrypt);
}

}  // namespace

Result<log::KeyRing::Keys> parse_keys(std::string_view text, const std::string& what, const std::string& context) {
  log::KeyRing::Keys keys;
  for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) {
    auto key = io::parse_key(word);
    if (key == nullptr) {
      return refused(what + " holds something that is no key at place " + std::to_string(keys.size() + 1) + " (" +
                         std::to_string(word.size()) +
                         " characters): a key is 32 bytes, as 64 hex digits or in base64; 'openssl rand -hex 32' "
                         "makes one",
                     context);
    }
    keys.push_back(std::move(key));
  }
  if (!keys.empty()) return keys;
  return refused(what + " holds no key; 'openssl rand -hex 32' makes one", context);
}

Result<log::KeyRing::Keys> read_key_file(const io::FileSystem& files, const std::string& path,
                                         const std::string& context) {
  const auto info = files.info(path);
  if (!info) return refused("cannot read the key file: " + info.error().message, context);
  TRY(check_private(*info, path, context));
  auto text = io::read_file(files, path, kKeyFileLimit);
  if (!text) return refused("cannot read the key file: " + text.error().message, context);
  blank_comments(*text);
  auto keys = parse_keys(*text, "the key file '" + path + "'", context);
  io::wipe(*text);
  return keys;
}

Result<std::shared_ptr<const log::KeyRing>> key_ring_of(
    const std::vector<std::shared_ptr<const engine::Plan>>& plans, const io::FileSystem& files, Random& random) {
  std::optional<config::EncryptionConfig> first;
  log::KeyRing::Keys keys;
  for (const auto& plan : plans) {
    const config::PipelineConfig& pipeline = plan->data().config;
    const auto& encryption = pipeline.log.encryption;
    if (!encryption) continue;
    TRY_ASSIGN(log::KeyRing::Keys own, keys_of(*encryption, pipeline.base_dir, files));
    const bool same =
        !first || (own.front()->id() == keys.front()->id() && encryption->decrypt_only == first->decrypt_only);
    if (!same) {
      return refused("pipelines that run together share one log, and " + first->mark.describe() +
                         " encrypts it in another way; say the same in both files",
                     encryption->mark.describe());
    }
    if (!first) first = encryption;
    keys.insert(keys.end(), own.begin(), own.end());
  }
  if (!first) return std::shared_ptr<const log::KeyRing>();
  return std::make_shared<const log::KeyRing>(std::move(keys), random, !first->decrypt_only);
}

std::vector<VerbOption> key_options(KeyOptions& target) {
  return {
      {"--key-file", "FILE", "the keys of an encrypted log; default: the file that $COLLOQUIUM_LOG_KEY_FILE names",
       &target.key_file},
      {"--pipeline", "FILE", "take the keys of an encrypted log from this pipeline file", &target.pipeline}};
}

Result<std::shared_ptr<const log::KeyRing>> key_ring_for_reading(const KeyOptions& options,
                                                                 const io::FileSystem& files) {
  return ring_of(options, files, false);
}

Result<std::shared_ptr<const log::KeyRing>> key_ring_for_writing(const KeyOptions& options,
                                                                 const io::FileSystem& files) {
  return ring_of(options, files, true);
}

}  // namespace colloquium::app
