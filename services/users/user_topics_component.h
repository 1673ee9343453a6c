#pragma once

#include <vector>

#include "libs/host/component.h"
#include "services/users/emailverification/email_verification_service.h"
#include "services/users/emailverification/pg_email_verification_store.h"
#include "services/users/idmapping/id_mapping_service.h"
#include "services/users/idmapping/pg_id_mapping_store.h"
#include "services/users/linking/linking_service.h"
#include "services/users/linking/pg_linking_store.h"
#include "services/users/metadata/metadata_service.h"
#include "services/users/metadata/pg_metadata_store.h"
#include "services/users/registry/activity_recorder.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

// Users' data besides their login methods, wired: linking and tenants, external ids,
// email verification, metadata; with their periodic work. Part of the users component.
class UserTopics {
 public:
  // All outlive this.
  UserTopics(host::Environment& environment, PgUserStore& users, ActivityRecorder& activity);

  std::vector<host::ExposedService> services();

 private:
  absl::Status DeleteExpiredTokens(absl::Time deadline);

  host::Environment& environment_;
  PgLinkingStore linking_store_;
  PgIdMappingStore id_mapping_store_;
  PgEmailVerificationStore email_verification_store_;
  PgMetadataStore metadata_store_;
  EmailVerification email_verification_;
  LinkingServiceImpl linking_;
  IdMappingServiceImpl id_mapping_;
  EmailVerificationServiceImpl email_verification_service_;
  MetadataServiceImpl metadata_;
  v1::LinkingServiceHandler linking_handler_{linking_};
  v1::IdMappingServiceHandler id_mapping_handler_{id_mapping_};
  v1::EmailVerificationServiceHandler email_verification_handler_{email_verification_service_};
  v1::MetadataServiceHandler metadata_handler_{metadata_};
};

}  // namespace gatehouse::users
