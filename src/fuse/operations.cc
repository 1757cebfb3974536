#include "fuse/operations.h"

namespace coffer::fuse {

const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops table = [] {
    fuse_lowlevel_ops filled{};
    add_session_operations(filled);
    add_lookup_operations(filled);
    add_attribute_operations(filled);
    add_namespace_operations(filled);
    add_directory_operations(filled);
    add_open_operations(filled);
    add_read_operations(filled);
    add_write_operations(filled);
    add_sync_operations(filled);
    add_space_operations(filled);
    add_xattr_operations(filled);
    add_statfs_operations(filled);
    add_ioctl_operations(filled);
    return filled;
  }();
  return table;
}

}  // namespace coffer::fuse
