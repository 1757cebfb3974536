#pragma once
/// NameSlots: what stands under one stored name of a directory: a file (anything but a directory), a directory, or both.

#include <optional>

#include "vault/tree/dentry.h"

namespace coffer {

struct NameSlots {
  std::optional<Dentry> file;
  std::optional<Dentry> directory;
};

}  // namespace coffer
