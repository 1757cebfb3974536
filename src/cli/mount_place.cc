#include "cli/mount_place.h"

#include <filesystem>

#include "coffer/fuse/mount.h"
#include "coffer/fuse/mount_table.h"

namespace coffer::cli {
namespace {

namespace fs = std::filesystem;

bool is_volume(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path / "superblock.0", ignored) || fs::exists(path / "superblock.1", ignored);
}

}  // namespace

Result<void> check_mount_place(const std::string& path, Content content) {
  if (fuse::is_stale_mountpoint(path)) return {};
  if (const auto mounted = fuse::top_mount(path)) {
    // An automount waits for exactly this; looking into it would wait for the mount that we are making.
    if (mounted->type == "autofs") return {};
    return fail(Errc::Busy, path + " is a mountpoint already (" + mounted->type + " of " +
                                mounted->source + ")");
  }
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    return fail(Errc::NotFound, "the mountpoint " + path + " is not there");
  if (error) return fail(errno_error(error.value(), "mountpoint " + path));
  if (status.type() != fs::file_type::directory)
    return fail(Errc::NotDirectory, "the mountpoint " + path + " is not a directory");
  if (is_volume(path))
    return fail(Errc::InvalidArgument, path + " is a volume of a vault, not a place to mount one");
  // Who may not read it may not mount there either, which the mount itself will say.
  const bool empty = fs::is_empty(path, error);
  if (!error && !empty && content == Content::Kept)
    return fail(Errc::InvalidArgument,
                path + " is not empty: a mount would hide what is in it (-o nonempty allows that)");
  return {};
}

}  // namespace coffer::cli
