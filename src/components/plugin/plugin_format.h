// PluginFormat: the wire format between this program and a provider that somebody wrote for it. It is the same
// over HTTP, where a request is the body of a POST, and over a program's standard streams, where each line has the
// `id` of its request besides (ai/child_transport.h). docs/guides/own-provider.md is its specification.
//
// A request is an AiRequest, member for member, as one JSON object. `version` is raised when a provider that was
// written for the one before would misunderstand it; members may be added without that.
//
// Thread safety: immutable, any thread.
#pragma once

#include "colloquium/ai_provider.h"

namespace colloquium::components {

class PluginFormat final : public AiProvider {
 public:
  static constexpr int kVersion = 1;

  // Nothing is refused that the format can say: what it can't do, a plugin tells itself.
  Status check(const AiRequest& request) const override;
  // The base URL is the endpoint's own, to which nothing is added.
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override;
  std::unique_ptr<AiDecoder> decoder(const AiRequest& request) const override;
};

}  // namespace colloquium::components
