#pragma once
/// What mount(8) and umount(8) call: coffer under the name mount.fuse.coffer, mount.coffer, umount.fuse.coffer or
/// umount.coffer.

#include <optional>
#include <string>
#include <vector>

namespace coffer::cli {

struct HelperCall {
  std::vector<std::string> arguments;  // the same in the words of coffer
  bool fake = false;                   // mount --fake: everything but the mount
};

enum class Caller { Root, User };

/// `program` as in argv[0]. Nothing: it is no such name. mount(8) hands `nosuid` and `nodev` on, and swallows `suid` and `dev`,
/// which are the default there: so they are here, for root. Of a remount it swallows all such words, and gives the complete list
/// of the others.
///
///   mount.TYPE VOLUME MOUNTPOINT [-sfnv] [-o WORDS] [-t TYPE]
///   umount.TYPE MOUNTPOINT [-flnrv] [-t TYPE]
std::optional<HelperCall> helper_call(const std::string& program,
                                      const std::vector<std::string>& given, Caller caller);

}  // namespace coffer::cli
