#pragma once
/// MountWords: the words of `-o`, split into what the kernel takes as flags and as text.

#include <string>
#include <string_view>

#include "coffer/core/error.h"

namespace coffer::fuse {

inline constexpr unsigned long kNoSymbolicLinks = 256;  // MS_NOSYMFOLLOW of Linux 5.10

struct MountWords {
  unsigned long flags = 0;  // MS_*
  bool allow_other = false;
  std::string source;      // fsname=
  std::string for_helper;  // the same flags, as words for fusermount3
  std::string
      not_for_helper;  // one that was given and that fusermount3 does not know, nor may be left out
};

/// What mount helpers begin with; `suid` and `dev` take it back.
unsigned long default_mount_flags();

/// Starts from `base`. Unknown words are InvalidArgument, except those of mount(8) that never reach a file system
/// (defaults, auto, noauto, user, users, nofail, _netdev, comment=*, x-*). `sloppy` takes any (mount -s); with `remount` come the
/// words by which the kernel shows a mount, which change nothing (user_id=, max_read=, …).
Result<MountWords> parse_mount_words(std::string_view words,
                                     unsigned long base = default_mount_flags());

}  // namespace coffer::fuse
