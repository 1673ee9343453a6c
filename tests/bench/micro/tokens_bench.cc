// Session tokens: signed, split and read, verified with and without RSA, sealed and opened.

#include <benchmark/benchmark.h>

#include <string>

#include "libs/base/status.h"
#include "libs/crypto/core_vectors.h"
#include "services/session/access_token.h"
#include "services/session/refresh_token.h"
#include "services/session/verified_tokens.h"

namespace gatehouse::session {
namespace {

const crypto::RsaKeyPair& Key() {
  static const auto key = *crypto::RsaKeyPair::FromStored(crypto::core_vectors::kKeyPair);
  return *key;
}

AccessToken Content() {
  AccessToken content;
  content.session_handle = "6f1d0d5c-8a56-4f83-8c6e-4e0f0c1c6a55";
  content.user_id = content.recipe_user_id = "2c0d9b6e-6c3f-4a8e-9d3c-0b6a1f6f2f5e";
  content.refresh_token_hash1 = std::string(64, 'a');
  content.created_ms = 1'700'000'000'000;
  content.expiry_ms = 1'700'003'600'000;
  content.user_data = json::Value::Object();
  return content;
}

const std::string& Token() {
  static const std::string token = SignAccessToken(Content(), "d-1", Key())->token;
  return token;
}

void SignToken(benchmark::State& state) {
  const AccessToken content = Content();
  for (auto _ : state) benchmark::DoNotOptimize(SignAccessToken(content, "d-1", Key()));
}
BENCHMARK(SignToken);

void ReadToken(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ReadAccessToken(*SplitAccessToken(Token())));
}
BENCHMARK(ReadToken);

void DecodeTokenHeader(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(SplitAccessToken(Token()));
}
BENCHMARK(DecodeTokenHeader);

void VerifySignature(benchmark::State& state) {
  const auto raw = *SplitAccessToken(Token());
  for (auto _ : state) {
    benchmark::DoNotOptimize(crypto::VerifyJwtSignature(raw.parts, Key().public_key()));
  }
}
BENCHMARK(VerifySignature);

void VerifyRememberedToken(benchmark::State& state) {
  const auto raw = *SplitAccessToken(Token());
  VerifiedTokens tokens(10'000);
  for (auto _ : state) benchmark::DoNotOptimize(tokens.Verify(raw, Key().public_key()));
}
BENCHMARK(VerifyRememberedToken);

RefreshToken RefreshContent() {
  RefreshToken content;
  content.session_handle = Content().session_handle;
  content.user_id = Content().user_id;
  content.parent_hash1 = std::string(64, 'a');
  return content;
}

void SealRefresh(benchmark::State& state) {
  const RefreshToken content = RefreshContent();
  for (auto _ : state) benchmark::DoNotOptimize(SealRefreshToken(content, "a master key"));
}
BENCHMARK(SealRefresh);

void OpenRefresh(benchmark::State& state) {
  const std::string token = SealRefreshToken(RefreshContent(), "a master key");
  for (auto _ : state) benchmark::DoNotOptimize(OpenRefreshToken(token, "a master key"));
}
BENCHMARK(OpenRefresh);

}  // namespace
}  // namespace gatehouse::session
