#include "base/secret_texts.h"

#include <catch2/catch.hpp>

namespace colloquium {
namespace {

std::string shown(std::string text, std::vector<std::string_view> secrets = {"hush-hush-hush"}) {
  hide_secrets(text, std::move(secrets));
  return text;
}

}  // namespace

TEST_CASE("each secret in a text is hidden, and what is too short to be one stays") {
  CHECK(shown("a hush-hush-hush, hush-hush-hush") == "a [key], [key]");
  CHECK(shown("hush-hush-hushhush-hush-hush") == "[key][key]");
  CHECK(shown("nothing") == "nothing");
  CHECK(shown("short", {"short", ""}) == "short");
  CHECK(shown("") == "");
}

TEST_CASE("a secret that is a part of another leaves nothing of that") {
  CHECK(shown("it is Bearer topsecret-7", {"topsecret", "Bearer topsecret-7"}) == "it is [key]");
  CHECK(shown("it is topsecret", {"topsecret", "Bearer topsecret"}) == "it is [key]");
}

TEST_CASE("the lines of a secret that has several are hidden one by one, too") {
  const std::string key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nshort\nkqhkiG9w0BAQEF\n-----END KEY-----\n";
  CHECK(shown("it is " + key + "!", {key}) == "it is [key]!");
  CHECK(shown("MIIEvQIBADANBg", {key}) == "[key]");
  CHECK(shown("the last is kqhkiG9w0BAQEF.", {key}) == "the last is [key].");
  CHECK(shown("short", {key}) == "short");
}

TEST_CASE("what a cut has left of a secret is hidden, at either end") {
  CHECK(shown("the key hush-hus") == "the key [key]");
  CHECK(shown("the key hush-hu") == "the key hush-hu");
  CHECK(shown("ush-hush is wrong") == "[key] is wrong");
  CHECK(shown("ush-hush-hush and hush-hush-hus") == "[key] and [key]");
  CHECK(shown("hush-hush-hus") == "[key]");
}

}  // namespace colloquium
