#pragma once
/// Whether a vault may be mounted on a directory, asked before anybody is asked for a passphrase.

#include <string>

#include "coffer/core/error.h"

namespace coffer::cli {

enum class Content {
  Kept,
  Hidden
};  // Hidden: what is in the directory may disappear below the mount

/// Nothing where `path` (absolute, no symbolic links) is an empty directory, or where only a mount of a
/// daemon that died is on it. Busy: something is mounted there. InvalidArgument: a volume of a vault, or
/// files that nobody would see. NotFound, NotDirectory.
Result<void> check_mount_place(const std::string& path, Content content);

}  // namespace coffer::cli
