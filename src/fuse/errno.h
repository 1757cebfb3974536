#pragma once
/// to_errno: the only place where an Errc becomes an errno (the kernel's side of the vault).

#include "coffer/core/error.h"

namespace coffer::fuse {

int to_errno(Errc code) noexcept;

}  // namespace coffer::fuse
