#include "vault/tree/object_writer.h"

namespace coffer {

HiddenBytes::HiddenBytes(Namespace& names, InodeRef inode)
    : names_(names), inode_(std::move(inode)) {}

// Without links by now unless it was placed: the reader's end is then its own.
HiddenBytes::~HiddenBytes() { names_.deps().inodes->drop_reader(inode_); }

Result<void> HiddenBytes::append(Bytes data) {
  COFFER_TRY(names_.deps().bytes->write(inode_, size_, data));
  size_ += data.size();
  return {};
}

Result<void> HiddenBytes::append_copy(const InodeRef& from, std::uint64_t offset,
                                      std::uint64_t length) {
  while (length > 0) {
    COFFER_ASSIGN(const std::uint64_t copied,
                  names_.deps().bytes->copy_range(from, offset, inode_, size_, length));
    if (copied == 0) return fail(Errc::Conflict, "the source was truncated while it was copied");
    size_ += copied;
    offset += copied;
    length -= copied;
  }
  return {};
}

Result<std::size_t> HiddenBytes::read(std::uint64_t offset, MutableBytes out) {
  return names_.deps().bytes->read(inode_, offset, out);
}

Result<void> HiddenBytes::settle(Durability durability) {
  const auto how = durability == Durability::Synced ? FileBytes::Settle::InlineIfSmall
                                                    : FileBytes::Settle::Sealed;
  FileBytes& bytes = *names_.deps().bytes;
  COFFER_TRY(bytes.with_room([&] {
    ExclusiveLock lock(inode_->mutex);
    return bytes.settle(*inode_, how);
  }));
  {
    SharedLock lock(inode_->mutex);
    if (inode_->content.uncommitted.empty()) return {};
  }
  // Here, where nobody waits for it, rather than under the locks of the change.
  return names_.deps().segments->write_out();
}

}  // namespace coffer
