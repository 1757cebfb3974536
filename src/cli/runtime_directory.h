#pragma once
/// Where daemons put their sockets, <runtime directory>/coffer/<vault uuid>.sock, and where others
/// look for them.

#include <string>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/vault/uuid.h"

namespace coffer::cli {

/// Made if absent, for this user alone. $XDG_RUNTIME_DIR, else /run for root, else /run/user/UID,
/// else /tmp/coffer-UID.
Result<std::string> make_runtime_directory();

std::string socket_name(const Uuid& vault);

/// Every socket that this user may talk to (root: also those of others), dead ones included.
std::vector<std::string> find_sockets();

}  // namespace coffer::cli
