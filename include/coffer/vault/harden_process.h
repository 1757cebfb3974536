#pragma once

#include "coffer/core/error.h"

namespace coffer {

/// No core dumps (RLIMIT_CORE 0) and no ptrace attachment or /proc/self/mem for other processes of
/// the same user (PR_SET_DUMPABLE 0). A process that will hold keys calls it first in main, and
/// again after it changed its user ids, because the kernel then resets it. Io where refused.
Result<void> harden_process();

}  // namespace coffer
