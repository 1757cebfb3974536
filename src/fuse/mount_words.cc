#include "fuse/mount_words.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>

namespace coffer::fuse {

namespace {

struct FlagWord {
  std::string_view word;
  unsigned long flag;
  bool set;
};

constexpr std::array kFlagWords = {
    FlagWord{"ro", MS_RDONLY, true},        FlagWord{"rw", MS_RDONLY, false},
    FlagWord{"nosuid", MS_NOSUID, true},    FlagWord{"suid", MS_NOSUID, false},
    FlagWord{"nodev", MS_NODEV, true},      FlagWord{"dev", MS_NODEV, false},
    FlagWord{"noexec", MS_NOEXEC, true},    FlagWord{"exec", MS_NOEXEC, false},
    FlagWord{"noatime", MS_NOATIME, true},  FlagWord{"atime", MS_NOATIME, false},
    FlagWord{"sync", MS_SYNCHRONOUS, true}, FlagWord{"async", MS_SYNCHRONOUS, false},
    FlagWord{"dirsync", MS_DIRSYNC, true},
};

constexpr std::array<std::string_view, 9> kIgnored = {
    "defaults", "auto", "noauto", "user", "users", "nouser", "nofail", "_netdev", "relatime"};

void append_word(std::string& list, std::string_view word) {
  if (!list.empty()) list += ',';
  list += word;
}

}  // namespace

Result<MountWords> parse_mount_words(std::string_view words) {
  MountWords parsed;
  parsed.flags = MS_NOSUID | MS_NODEV;
  while (!words.empty()) {
    const std::size_t comma = words.find(',');
    const std::string_view word = words.substr(0, comma);
    words.remove_prefix(comma == std::string_view::npos ? words.size() : comma + 1);
    if (word.empty() || word.starts_with("x-") || word.starts_with("comment=")) continue;
    if (std::find(kIgnored.begin(), kIgnored.end(), word) != kIgnored.end()) continue;
    if (word == "default_permissions") continue;  // always on
    if (word == "allow_other") {
      parsed.allow_other = true;
      continue;
    }
    if (word.starts_with("fsname=")) {
      parsed.source = word.substr(7);
      continue;
    }
    const auto* flag = std::find_if(kFlagWords.begin(), kFlagWords.end(),
                                    [&](const FlagWord& known) { return known.word == word; });
    if (flag == kFlagWords.end())
      return fail(Errc::InvalidArgument, "unknown mount option '" + std::string(word) + "'");
    parsed.flags = flag->set ? parsed.flags | flag->flag : parsed.flags & ~flag->flag;
    append_word(parsed.for_helper, word);
  }
  return parsed;
}

}  // namespace coffer::fuse
