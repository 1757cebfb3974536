#pragma once
/// The table of operations that libfuse calls. Each op_*.cc fills in its own group.

#include <span>

#include "fuse/context.h"
#include "fuse/libfuse.h"
#include "fuse/wire.h"

namespace coffer::fuse {

void add_session_operations(fuse_lowlevel_ops& operations);    // init
void add_lookup_operations(fuse_lowlevel_ops& operations);     // lookup, forget, forget_multi
void add_attribute_operations(fuse_lowlevel_ops& operations);  // getattr, setattr
void add_namespace_operations(fuse_lowlevel_ops& operations);  // mknod … rename, link, readlink
void add_directory_operations(fuse_lowlevel_ops& operations);  // opendir, readdir, readdirplus
void add_open_operations(fuse_lowlevel_ops& operations);       // open, create, release
void add_read_operations(fuse_lowlevel_ops& operations);       // read
void add_write_operations(fuse_lowlevel_ops& operations);      // write
void add_sync_operations(fuse_lowlevel_ops& operations);       // flush, fsync, fsyncdir
void add_space_operations(fuse_lowlevel_ops& operations);      // fallocate, lseek, copy_file_range
void add_xattr_operations(fuse_lowlevel_ops& operations);      // setxattr … removexattr
void add_statfs_operations(fuse_lowlevel_ops& operations);     // statfs
void add_ioctl_operations(fuse_lowlevel_ops& operations);      // ioctl: FS_IOC_GETFLAGS …

/// All of the above.
const fuse_lowlevel_ops& operations();

/// What libfuse has no entry for: SYNCFS, TMPFILE, STATX, COPY_FILE_RANGE_64. False: not ours either.
bool handle_raw_request(Context& context, const fuse_in_header& header,
                        std::span<const std::byte> body);

}  // namespace coffer::fuse
