#pragma once

#include "services/jwks/signing_keys.h"

namespace gatehouse::rpc {
class Channel;
}

namespace gatehouse::jwks {

// Moves the signing key that cores before 3.0 kept as setting `access_token_signing_key` to the
// place of today's keys (formats: 4.1). Only the default app can have one. The key is stored before
// the setting is deleted, and storing it again changes nothing, so an interruption loses nothing.
// `tenants_service` and `store` must outlive the result.
SigningKeys::Inherit MakeInherit(rpc::Channel& tenants_service, KeyStore& store);

}  // namespace gatehouse::jwks
