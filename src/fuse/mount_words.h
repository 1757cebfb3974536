#pragma once
/// MountWords: the words of `-o`, split into what the kernel takes as flags and as text.

#include <string>
#include <string_view>

#include "coffer/core/error.h"

namespace coffer::fuse {

struct MountWords {
  unsigned long flags = 0;  // MS_*
  bool allow_other = false;
  std::string source;      // fsname=
  std::string for_helper;  // the same flags, as words for fusermount3
};

/// Starts from nosuid and nodev, as mount helpers do; `suid` and `dev` take these back.
/// Unknown words are InvalidArgument, except those of mount(8) that never reach a file system
/// (defaults, auto, noauto, user, users, nofail, _netdev, comment=*, x-*).
Result<MountWords> parse_mount_words(std::string_view words);

}  // namespace coffer::fuse
