/// opendir, readdir, readdirplus.

#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fuse/operations.h"
#include "fuse/reply.h"

namespace coffer::fuse {

namespace {

// What the kernel calls an offset: `.` and `..` end at 1 and 2, a tree's entry at its cookie + 2.
constexpr std::uint64_t kOffsetAfterSelf = 1;
constexpr std::uint64_t kOffsetAfterParent = 2;

/// The bytes that one entry takes in a reply.
using EntryBytes = std::size_t (*)(fuse_req_t req, const char* name);

std::size_t plain_bytes(fuse_req_t req, const char* name) {
  return ::fuse_add_direntry(req, nullptr, 0, name, nullptr, 0);
}
std::size_t plus_bytes(fuse_req_t req, const char* name) {
  return ::fuse_add_direntry_plus(req, nullptr, 0, name, nullptr, 0);
}

/// The entries that fit one reply, kept until the tree's iterator is closed: no call of the tree
/// happens inside its callback. Reused by its thread.
struct Listing {
  struct Item {
    std::size_t name_at;
    InodeId inode;
    FileType type;
    std::uint64_t offset;
  };
  std::vector<Item> items;
  std::string names;  // NUL-terminated, one behind the other
  std::size_t bytes = 0;
  std::size_t bytes_max = 0;

  void reset(std::size_t limit) {
    items.clear();
    names.clear();
    bytes = 0;
    bytes_max = limit;
  }
  [[nodiscard]] const char* name_of(const Item& item) const { return names.data() + item.name_at; }
  bool add(fuse_req_t req, EntryBytes entry_bytes, std::string_view name, const Item& item) {
    const std::size_t at = names.size();
    names += name;
    names += '\0';
    const std::size_t needed = entry_bytes(req, names.data() + at);
    if (bytes + needed > bytes_max) return false;
    bytes += needed;
    items.push_back(item);
    items.back().name_at = at;
    return true;
  }
};

Listing& listing_of_thread() {
  thread_local Listing listing;
  return listing;
}

bool is_dots(const Listing::Item& item) { return item.offset <= kOffsetAfterParent; }

Result<void> list(fuse_req_t req, InodeId directory, std::uint64_t offset, EntryBytes entry_bytes,
                  Listing& listing) {
  Context& context = context_of(req);
  if (offset < kOffsetAfterSelf)
    listing.add(req, entry_bytes, ".", {0, directory, FileType::Directory, kOffsetAfterSelf});
  if (offset < kOffsetAfterParent) {
    const Result<InodeId> parent = context.tree.parent_of(directory);
    listing.add(req, entry_bytes, "..",
                {0, parent ? *parent : directory, FileType::Directory, kOffsetAfterParent});
  }
  const std::uint64_t cookie = offset > kOffsetAfterParent ? offset - kOffsetAfterParent : 0;
  return context.tree.read_directory(directory, cookie, [&](const DirectoryEntry& entry) {
    return listing.add(req, entry_bytes, entry.name,
                       {0, entry.inode, entry.type, entry.cookie + kOffsetAfterParent});
  });
}

void opendir(fuse_req_t req, fuse_ino_t /*inode*/, fuse_file_info* /*file*/) {
  // One OPENDIR for the life of the mount: the kernel then opens directories alone and caches their
  // listings until we invalidate them.
  ::fuse_reply_err(req, ENOSYS);
}

void readdir(fuse_req_t req, fuse_ino_t inode, std::size_t size, off_t offset,
             fuse_file_info* /*file*/) {
  Listing& listing = listing_of_thread();
  listing.reset(size);
  const Result<void> listed =
      list(req, InodeId(inode), static_cast<std::uint64_t>(offset), plain_bytes, listing);
  if (!listed) return reply_error(req, listed.error());

  const BufferRef buffer = context_of(req).buffers.take(size);
  char* out = reinterpret_cast<char*>(buffer.data());
  std::size_t used = 0;
  for (const Listing::Item& item : listing.items) {
    struct stat known {};
    known.st_ino = item.inode.value();
    known.st_mode = mode_bits(item.type);
    used += ::fuse_add_direntry(req, out + used, size - used, listing.name_of(item), &known,
                                static_cast<off_t>(item.offset));
  }
  ::fuse_reply_buf(req, out, used);
}

/// `.` and `..` are shown and not counted: inode 0 tells the kernel not to instantiate them.
fuse_entry_param dots_param(const Listing::Item& item) {
  fuse_entry_param param{};
  param.attr.st_ino = item.inode.value();
  param.attr.st_mode = mode_bits(item.type);
  return param;
}

void readdirplus(fuse_req_t req, fuse_ino_t inode, std::size_t size, off_t offset,
                 fuse_file_info* /*file*/) {
  Context& context = context_of(req);
  Listing& listing = listing_of_thread();
  listing.reset(size);
  const Result<void> listed =
      list(req, InodeId(inode), static_cast<std::uint64_t>(offset), plus_bytes, listing);
  if (!listed) return reply_error(req, listed.error());

  const BufferRef buffer = context.buffers.take(size);
  char* out = reinterpret_cast<char*>(buffer.data());
  std::size_t used = 0;
  std::vector<InodeId> counted;
  counted.reserve(listing.items.size());
  for (const Listing::Item& item : listing.items) {
    fuse_entry_param param = dots_param(item);
    if (!is_dots(item)) {
      context.inodes.add_lookups(item.inode);
      const Result<Attributes> attributes = context.tree.attributes(item.inode);
      // Gone since it was listed, or unreadable, which a lookup will say: shown like the dots all the same. A reply
      // that left out all of its entries would be empty, which means the end of the directory.
      if (!attributes) {
        take_back(context, item.inode);
      } else {
        counted.push_back(item.inode);
        param = to_entry_param({item.inode, *attributes});
      }
    }
    used += ::fuse_add_direntry_plus(req, out + used, size - used, listing.name_of(item), &param,
                                     static_cast<off_t>(item.offset));
  }
  if (::fuse_reply_buf(req, out, used) == 0) return;
  for (const InodeId lost : counted) take_back(context, lost);
}

}  // namespace

void add_directory_operations(fuse_lowlevel_ops& operations) {
  operations.opendir = opendir;
  operations.readdir = readdir;
  operations.readdirplus = readdirplus;
}

}  // namespace coffer::fuse
