// Why there is no answer, and what a client is told of it.
#include <string>

#include "components/gateway/gateway_api.h"

namespace colloquium::components {
namespace {

constexpr int64_t kBudgetRetryMs = 60'000;
constexpr int64_t kRetryMs = 1'000;

ApiProblem problem_of(int status) {
  switch (status) {
    case 401:
      return ApiProblem::kKey;
    case 403:
      return ApiProblem::kOrigin;
    case 404:
      return ApiProblem::kPath;
    case 405:
      return ApiProblem::kMethod;
    case 413:
      return ApiProblem::kTooLarge;
    case 429:
      return ApiProblem::kTooMuch;
    default:
      return status < 500 ? ApiProblem::kRequest : ApiProblem::kUnavailable;
  }
}

}  // namespace

int ApiFailure::status() const {
  if (exact_status != 0) return exact_status;
  switch (problem) {
    case ApiProblem::kRequest:
      return 400;
    case ApiProblem::kKey:
      return 401;
    case ApiProblem::kOrigin:
      return 403;
    case ApiProblem::kModel:
    case ApiProblem::kPath:
      return 404;
    case ApiProblem::kMethod:
      return 405;
    case ApiProblem::kTooLarge:
      return 413;
    case ApiProblem::kTooMuch:
    case ApiProblem::kBudget:
      return 429;
    case ApiProblem::kProvider:
      return 502;
    case ApiProblem::kUnavailable:
      break;
  }
  return 503;
}

// A key of ours that a provider refuses is nothing that the client could mend.
ApiFailure failure_of(const AiRefusal& refusal) {
  const AiFailure& failure = refusal.failure;
  if (refusal.budget) {
    return {ApiProblem::kBudget, failure.message, failure.retry_after_ms.value_or(kBudgetRetryMs)};
  }
  switch (failure.kind) {
    case AiFailureKind::kCaller:
      return {failure.status == 404 ? ApiProblem::kModel : ApiProblem::kRequest, failure.message, std::nullopt};
    case AiFailureKind::kThrottled:
      return {ApiProblem::kTooMuch, failure.message, failure.retry_after_ms.value_or(kRetryMs)};
    case AiFailureKind::kQuota:
      return {ApiProblem::kBudget, failure.message, failure.retry_after_ms.value_or(kBudgetRetryMs)};
    case AiFailureKind::kKey:
      return {ApiProblem::kProvider, "the provider refuses to answer this gateway", std::nullopt};
    case AiFailureKind::kTransient:
      break;
  }
  return {ApiProblem::kUnavailable, failure.message, failure.retry_after_ms.value_or(kRetryMs)};
}

ApiFailure failure_of(const net::Problem& problem) {
  ApiFailure failure{problem_of(problem.status), problem.detail, std::nullopt};
  failure.exact_status = problem.status;
  return failure;
}

}  // namespace colloquium::components
