// JSON in and out: a session's creation, and a user as listings have it.

#include <benchmark/benchmark.h>

#include <string>

#include "libs/base/json.h"

namespace gatehouse::json {
namespace {

constexpr char kCreate[] =
    R"({"userId":"2c0d9b6e-6c3f-4a8e-9d3c-0b6a1f6f2f5e","userDataInJWT":{"st-ev":{"v":true,"t":1700000000000},)"
    R"("roles":["admin","editor"]},"userDataInDatabase":{"n":1},"enableAntiCsrf":false,"useDynamicSigningKey":true})";
constexpr char kUser[] =
    R"({"id":"2c0d9b6e-6c3f-4a8e-9d3c-0b6a1f6f2f5e","isPrimaryUser":false,"tenantIds":["public"],"emails":["a@example.com"],)"
    R"("phoneNumbers":[],"thirdParty":[],"webauthn":{"credentialIds":[]},"timeJoined":1700000000000,"loginMethods":[{)"
    R"("tenantIds":["public"],"recipeUserId":"2c0d9b6e-6c3f-4a8e-9d3c-0b6a1f6f2f5e","verified":false,)"
    R"("timeJoined":1700000000000,"recipeId":"emailpassword","email":"a@example.com"}]})";

void ParseCreate(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Parse(kCreate));
  state.SetBytesProcessed(state.iterations() * (sizeof(kCreate) - 1));
}
BENCHMARK(ParseCreate);

void SerializeUser(benchmark::State& state) {
  const Value user = *Parse(kUser);
  for (auto _ : state) benchmark::DoNotOptimize(Serialize(user));
  state.SetBytesProcessed(state.iterations() * (sizeof(kUser) - 1));
}
BENCHMARK(SerializeUser);

}  // namespace
}  // namespace gatehouse::json
