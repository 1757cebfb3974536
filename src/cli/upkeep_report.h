#pragma once
/// The receipt of scrub, heal and volume replace: as JSON, and as a person reads it.

#include <nlohmann/json.hpp>
#include <string>

#include "coffer/vault/upkeep.h"

namespace coffer::cli {

nlohmann::json receipt_json(const UpkeepReceipt& receipt);
/// Out of receipt_json, since a daemon may have made it.
std::string receipt_text(const nlohmann::json& receipt);

nlohmann::json cleaning_receipt_json(const CleaningReceipt& receipt);
std::string cleaning_receipt_text(const nlohmann::json& receipt);

}  // namespace coffer::cli
