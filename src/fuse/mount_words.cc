#include "fuse/mount_words.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <vector>

namespace coffer::fuse {

namespace {

/// What fusermount3 3.14 makes of a word.
enum class Helper {
  Takes,
  NeedsNot,  // says when a time is kept, which changes nothing here: the daemon decides that
  Lacks      // leaving it out would mount what was not asked for
};

struct FlagWord {
  std::string_view word;
  unsigned long flag;
  bool set;
  Helper helper;
};

constexpr std::array kFlagWords = {
    FlagWord{"ro", MS_RDONLY, true, Helper::Takes},
    FlagWord{"rw", MS_RDONLY, false, Helper::Takes},
    FlagWord{"nosuid", MS_NOSUID, true, Helper::Takes},
    FlagWord{"suid", MS_NOSUID, false, Helper::Takes},  // with a warning, for root only
    FlagWord{"nodev", MS_NODEV, true, Helper::Takes},
    FlagWord{"dev", MS_NODEV, false, Helper::Takes},  // likewise
    FlagWord{"noexec", MS_NOEXEC, true, Helper::Takes},
    FlagWord{"exec", MS_NOEXEC, false, Helper::Takes},
    FlagWord{"noatime", MS_NOATIME, true, Helper::Takes},
    FlagWord{"atime", MS_NOATIME, false, Helper::Takes},
    FlagWord{"sync", MS_SYNCHRONOUS, true, Helper::Takes},
    FlagWord{"async", MS_SYNCHRONOUS, false, Helper::Takes},
    FlagWord{"dirsync", MS_DIRSYNC, true, Helper::Takes},
    FlagWord{"relatime", MS_RELATIME, true, Helper::NeedsNot},
    FlagWord{"norelatime", MS_RELATIME, false, Helper::NeedsNot},
    FlagWord{"strictatime", MS_STRICTATIME, true, Helper::NeedsNot},
    FlagWord{"nostrictatime", MS_STRICTATIME, false, Helper::NeedsNot},
    FlagWord{"lazytime", MS_LAZYTIME, true, Helper::NeedsNot},
    FlagWord{"nolazytime", MS_LAZYTIME, false, Helper::NeedsNot},
    FlagWord{"nodiratime", MS_NODIRATIME, true, Helper::NeedsNot},
    FlagWord{"diratime", MS_NODIRATIME, false, Helper::NeedsNot},
    FlagWord{"nosymfollow", kNoSymbolicLinks, true, Helper::Lacks},
    FlagWord{"symfollow", kNoSymbolicLinks, false, Helper::NeedsNot},
};

/// For mount(8), systemd and the boot; default_permissions is always on.
constexpr std::array<std::string_view, 23> kIgnored = {
    "defaults", "auto",    "noauto",   "user",       "nouser",
    "users",    "nousers", "owner",    "noowner",    "group",
    "nogroup",  "nofail",  "_netdev",  "silent",     "loud",
    "mand",     "nomand",  "iversion", "noiversion", "default_permissions",
    "remount",  "sloppy",  "_rnetdev"};
constexpr std::array<std::string_view, 6> kIgnoredBeginnings = {
    "x-", "X-", "comment=", "user=", "helper=", "uhelper="};
/// How /proc/self/mountinfo shows a FUSE mount, which mount(8) hands back with a remount.
constexpr std::array<std::string_view, 7> kShown = {
    "user_id=", "group_id=", "max_read=", "fd=", "rootmode=", "blksize=", "subtype="};

template <typename List>
bool begins_with_one_of(std::string_view word, const List& list) {
  return std::any_of(list.begin(), list.end(),
                     [&](std::string_view start) { return word.starts_with(start); });
}

template <typename List>
bool holds(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::vector<std::string_view> split(std::string_view words) {
  std::vector<std::string_view> list;
  while (!words.empty()) {
    const std::size_t comma = words.find(',');
    if (comma > 0) list.push_back(words.substr(0, comma));
    words.remove_prefix(comma == std::string_view::npos ? words.size() : comma + 1);
  }
  return list;
}

/// False: no such word.
bool take_flag(std::string_view word, MountWords& parsed) {
  const auto* flag = std::find_if(kFlagWords.begin(), kFlagWords.end(),
                                  [&](const FlagWord& known) { return known.word == word; });
  if (flag == kFlagWords.end()) return false;
  parsed.flags = flag->set ? parsed.flags | flag->flag : parsed.flags & ~flag->flag;
  if (flag->helper == Helper::Lacks) parsed.not_for_helper = word;
  if (flag->helper != Helper::Takes) return true;
  if (!parsed.for_helper.empty()) parsed.for_helper += ',';
  parsed.for_helper += word;
  return true;
}

}  // namespace

unsigned long default_mount_flags() { return MS_NOSUID | MS_NODEV; }

Result<MountWords> parse_mount_words(std::string_view words, unsigned long base) {
  const std::vector<std::string_view> list = split(words);
  const bool sloppy = holds(list, "sloppy");
  const bool remount = holds(list, "remount");
  MountWords parsed;
  parsed.flags = base;
  for (const std::string_view word : list) {
    if (holds(kIgnored, word) || begins_with_one_of(word, kIgnoredBeginnings)) continue;
    if (remount && begins_with_one_of(word, kShown)) continue;
    if (word == "allow_other")
      parsed.allow_other = true;
    else if (word.starts_with("fsname="))
      parsed.source = word.substr(7);
    else if (!take_flag(word, parsed) && !sloppy)
      return fail(Errc::InvalidArgument, "unknown mount option '" + std::string(word) + "'");
  }
  return parsed;
}

}  // namespace coffer::fuse
