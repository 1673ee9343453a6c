#pragma once

#include <string>
#include <string_view>

namespace gatehouse::users {

// The original's texts.

inline constexpr char kUnknownUserText[] = "Unknown user ID provided";
inline constexpr char kPrimaryIsLinkedText[] = "This user ID is already linked to another user ID";
inline constexpr char kLinkedToAnotherText[] =
    "The input recipe user ID is already linked to another user ID";

// Why a user can't be primary or linked: another primary user has this kind of account info.
std::string AccountInfoTakenText(std::string_view info_type);

// Why a user can't be in a tenant in which the primary user `other_id` has this account info.
std::string AssociationNotAllowedText(std::string_view info_type, std::string_view other_id);

}  // namespace gatehouse::users
