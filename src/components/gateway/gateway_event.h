// What a request that has ended is as an event.
//
// Thread safety: functions and values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "colloquium/ai_calls.h"

namespace colloquium::components {

struct GatewayEvent {
  std::string_view api, id, model, key;  // `key`: its name; empty: the gateway has none
  int status = 0;
  bool stream = false;
  int64_t took_ms = 0;
  const AiAnswer* answer = nullptr;      // null: there is none
  const std::string* request = nullptr;  // its body, and with it the answer's text; null: neither is told
};

std::string to_json(const GatewayEvent& event);

// "provider", "record", "cache", "shared".
const char* name_of(AiAnswerFrom from);

}  // namespace colloquium::components
