// Redaction: takes out of texts what must not leave: addresses of mail, numbers of cards and accounts, telephone
// numbers, IP addresses, and what a user's own expressions match. Each is replaced by its name: "[email]".
//
// It finds what has the form of such a thing: a card's number is one that Luhn's sum agrees with, an account's one
// that is right modulo 97 (ISO 13616), wherever in a row of digits they begin and end. It cannot know a name or a
// street.
//
// Expressions are RE2's: each search is linear in the text, whatever the text is. What is known by itself is found
// in linear time, too. Of a user's own expression that looks far ahead of what it finds ("a(.*b)?"), each find may
// cost a search of all the text behind it.
//
// Thread safety: immutable; any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/ai_provider.h"
#include "colloquium/result.h"

namespace colloquium::ai {

// The names that a Redaction knows by itself.
std::vector<std::string_view> redaction_kinds();

class Redaction {
 public:
  // `kinds` are names of the list above, `own` pairs of a name and an expression. kInvalidConfig for what is
  // neither, and for an expression that finds nothing at all, between any two characters.
  static Result<std::shared_ptr<const Redaction>> create(
      const std::vector<std::string>& kinds, const std::vector<std::pair<std::string, std::string>>& own);
  ~Redaction();

  std::string operator()(std::string text) const;

 private:
  struct Rule;
  Redaction();
  std::vector<std::unique_ptr<const Rule>> rules_;
};

// Every text of a request that a person may have written: messages, results and arguments of tools, inputs; the
// addresses of images (but for data: URLs, which are the images themselves: into those nobody looks); the
// descriptions and schemas of tools and of the answer, stop sequences, and members that are passed on. Strings
// within JSON are redacted as they are meant ("bob\u0040mail.org", too), and JSON stays JSON.
void redact_texts(AiRequest& request, const std::function<std::string(std::string)>& redact);

}  // namespace colloquium::ai
