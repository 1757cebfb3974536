#include "vault/upkeep/fsck.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "vault/meta/meta_store.h"
#include "vault/segment/segment_store.h"
#include "vault/tree/dentry.h"
#include "vault/tree/file_bytes.h"
#include "vault/tree/inode_record.h"
#include "vault/tree/keys.h"
#include "vault/tree/segment_ledger.h"
#include "vault/tree/version_rows.h"

namespace coffer {
namespace {
constexpr std::size_t kProblemsMax = 1000;
constexpr std::size_t kReadBytes = std::size_t{1} << 20;

/// Live chunks of one segment: ordinal → plaintext bytes.
using Chunks = std::map<std::uint32_t, std::uint32_t>;

class Check {
 public:
  Check(const FsckDeps& deps, const FsckOptions& options) : deps_(deps), options_(options) {}

  Result<FsckReport> run() {
    COFFER_TRY(read_segments());
    COFFER_TRY(read_inodes());
    COFFER_TRY(read_entries());
    COFFER_TRY(read_index());
    COFFER_TRY(read_versions());
    COFFER_TRY(read_extents());
    COFFER_TRY(read_shared());
    COFFER_TRY(read_loose_rows());
    judge_links();
    COFFER_TRY(judge_live_bytes());
    deps_.rows_compared();
    if (options_.verify_data) COFFER_TRY(read_all_data());
    return std::move(report_);
  }

 private:
  struct Seen {
    FileType type = FileType::Regular;
    std::uint32_t nlink = 0;
    std::uint32_t names = 0;  // dentries that name it
    std::uint32_t subdirectories = 0;
    std::uint64_t size = 0;
    std::uint64_t allocated = 0;
    std::uint64_t extent_bytes = 0;
    std::uint16_t flags = 0;
    InodeId parent;
    bool orphan = false;
    bool part = false;
  };

  void problem(std::string line) {
    if (report_.problems.size() < kProblemsMax) report_.problems.push_back(std::move(line));
  }
  static std::string number(InodeId inode) { return "inode " + std::to_string(inode.value()); }
  static std::string number(SegmentId segment) {
    return "segment " + std::to_string(segment.value());
  }

  template <typename Fn>
  Result<void> scan(char prefix, Fn&& fn) {
    const std::string from(1, prefix);
    auto rows = deps_.meta->cursor(from, keys::prefix_end(from));
    for (rows->seek(from); rows->valid(); rows->next()) fn(rows->key(), rows->value());
    return rows->status();
  }

  Result<void> read_segments() {
    return scan(keys::kSegment, [&](std::string_view key, std::string_view value) {
      const SegmentId id{keys::inode_of(key).value()};
      ByteReader in(value);
      const SegmentInfo info = decode_segment_info(id, in);
      if (!in.ok() || info.k == 0 || info.members.size() != std::size_t{info.k} + info.m)
        problem(number(id) + ": bad row");
      segments_.insert(id);
      ++report_.segments;
    });
  }

  Result<void> read_inodes() {
    return scan(keys::kInode, [&](std::string_view key, std::string_view value) {
      const InodeId id = keys::inode_of(key);
      const auto record = decode_inode(id, value);
      ++report_.inodes;
      if (!record) {
        problem(number(id) + ": bad row");
        return;
      }
      Seen& seen = inodes_[id];
      seen.type = record->attributes.type;
      seen.nlink = record->attributes.nlink;
      seen.size = record->attributes.size;
      seen.allocated = record->attributes.allocated;
      seen.flags = record->flags;
      seen.parent = record->parent;
      if (record->has(InodeRecord::kHasObject)) ++report_.objects;
      const auto extents = decode_extents(record->extents);
      if (!extents) problem(number(id) + ": bad extents in its row");
      std::uint64_t end = 0;
      for (const Extent& extent : extents.value_or(std::vector<Extent>()))
        take_extent(id, extent, end);
    });
  }

  void take_extent(InodeId id, const Extent& extent, std::uint64_t& end) {
    ++report_.extents;
    inodes_[id].extent_bytes += extent.length;
    if (extent.offset < end) problem(number(id) + ": extents overlap");
    end = extent.end();
    if (extent.is_inline) return;
    if (!segments_.contains(extent.place.segment)) {
      problem(number(id) + ": extent in an unknown " + number(extent.place.segment));
      return;
    }
    if (extent.shared) {
      expected_shared_.insert(
          keys::shared_reference(extent.place.segment, extent.run, id, extent.offset));
      return;
    }
    Chunks& chunks = live_[extent.place.segment];
    const std::uint32_t count = extent.place.chunks();
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t bytes =
          i + 1 < count ? kChunkBytes : extent.place.bytes - i * kChunkBytes;
      chunks[extent.place.ordinal + i] = bytes;
    }
  }

  Result<void> read_extents() {
    InodeId last;
    std::uint64_t end = 0;
    return scan(keys::kExtent, [&](std::string_view key, std::string_view value) {
      const InodeId id = keys::inode_of(key);
      if (id != last) end = 0;
      last = id;
      const auto owner = inodes_.find(id);
      if (owner == inodes_.end()) {
        problem(number(id) + ": extent row without an inode");
        return;
      }
      if ((owner->second.flags & InodeRecord::kExtentRows) == 0)
        problem(number(id) + ": extent rows and extents in its row");
      ByteReader in(value);
      const auto extent = decode_extent(keys::second_number_of(key), in);
      if (!extent)
        problem(number(id) + ": bad extent row");
      else
        take_extent(id, *extent, end);
    });
  }

  Result<void> read_entries() {
    return scan(keys::kDentry, [&](std::string_view key, std::string_view value) {
      const InodeId parent = keys::inode_of(key);
      ++report_.entries;
      const auto dentry = decode_dentry(value);
      if (!dentry) {
        problem(number(parent) + ": bad entry row");
        return;
      }
      const auto found = inodes_.find(dentry->inode);
      if (found == inodes_.end()) {
        problem(number(parent) + ": an entry names " + number(dentry->inode) +
                ", which does not exist");
        return;
      }
      ++found->second.names;
      if (found->second.type != dentry->type)
        problem(number(dentry->inode) + ": its entry says another type");
      const bool slash = key.back() == '/';
      if (slash != (dentry->type == FileType::Directory))
        problem(number(dentry->inode) + ": entry key and type differ");
      const auto directory = inodes_.find(parent);
      if (directory == inodes_.end() || directory->second.type != FileType::Directory) {
        problem(number(parent) + ": has entries and is no directory");
      } else if (dentry->type == FileType::Directory) {
        ++directory->second.subdirectories;
        if (found->second.parent != parent)
          problem(number(dentry->inode) + ": its parent is another one");
      }
      cookies_[keys::directory_index(parent, dentry->cookie)] = dentry->inode;
    });
  }

  Result<void> read_index() {
    COFFER_TRY(scan(keys::kDirectoryIndex, [&](std::string_view key, std::string_view value) {
      const auto entry = decode_indexed_entry(value);
      const auto expected = cookies_.find(std::string(key));
      if (!entry || expected == cookies_.end() || expected->second != entry->inode) {
        problem(number(keys::inode_of(key)) + ": a listing row without its entry");
        return;
      }
      cookies_.erase(expected);
    }));
    for (const auto& [key, inode] : cookies_)
      problem(number(inode) + ": its entry has no listing row");
    return {};
  }

  /// Each row is a name of its inode, as an entry is.
  Result<void> read_versions() {
    std::string key_with_null;
    return scan(keys::kVersion, [&](std::string_view key, std::string_view value) {
      const InodeId bucket = keys::inode_of(key);
      const auto parsed = parse_version_key(key);
      const auto row = decode_version(parsed ? parsed->sequence : 0, value);
      if (!parsed || !row) {
        problem(number(bucket) + ": bad version row");
        return;
      }
      const auto directory = inodes_.find(bucket);
      if (directory == inodes_.end() || directory->second.parent != kRootInode)
        problem(number(bucket) + ": versions, and it is no bucket");
      if (row->is_null) {
        std::string of_key(key.substr(0, key.size() - 8));
        if (of_key == key_with_null) problem(number(bucket) + ": a key with two null versions");
        key_with_null = std::move(of_key);
      }
      if (row->marker) return;
      const auto found = inodes_.find(row->inode);
      if (found == inodes_.end())
        problem(number(bucket) + ": a version names " + number(row->inode) +
                ", which does not exist");
      else if (found->second.type != FileType::Regular)
        problem(number(row->inode) + ": a version that is no file");
      else
        ++found->second.names;
    });
  }

  Result<void> read_shared() {
    std::map<std::pair<SegmentId, std::uint32_t>, std::uint64_t> references;
    COFFER_TRY(scan(keys::kSharedReference, [&](std::string_view key, std::string_view) {
      if (expected_shared_.erase(std::string(key)) == 0)
        problem("a shared reference that no extent has");
      ByteReader in(key);
      in.u8();
      const SegmentId segment{in.u64_big_endian()};
      ++references[{segment, in.u32_big_endian()}];
    }));
    for (std::size_t i = 0; i < expected_shared_.size(); ++i)
      problem("a shared extent without its reference row");
    return scan(keys::kSharedRun, [&](std::string_view key, std::string_view value) {
      ByteReader in(key);
      in.u8();
      const SegmentId segment{in.u64_big_endian()};
      const std::uint32_t first = in.u32_big_endian();
      const auto run = decode_shared_run(value);
      if (!run)
        problem(number(segment) + ": bad shared run row");
      else if (references[{segment, first}] == 0)
        problem(number(segment) + ": a shared run that nobody refers to");
      else
        shared_bytes_[segment] += static_cast<std::int64_t>(run->bytes);
    });
  }

  Result<void> read_loose_rows() {
    COFFER_TRY(scan(keys::kOrphan, [&](std::string_view key, std::string_view) {
      const auto found = inodes_.find(keys::inode_of(key));
      if (found == inodes_.end())
        problem(number(keys::inode_of(key)) + ": orphan row without an inode");
      else
        found->second.orphan = true;
    }));
    const auto owned = [&](std::string_view key, const char* what) {
      if (!inodes_.contains(keys::inode_of(key)))
        problem(number(keys::inode_of(key)) + ": " + what + " row without an inode");
    };
    COFFER_TRY(
        scan(keys::kXattr, [&](std::string_view key, std::string_view) { owned(key, "xattr"); }));
    COFFER_TRY(scan(keys::kObjectParts,
                    [&](std::string_view key, std::string_view) { owned(key, "object parts"); }));
    COFFER_TRY(scan(keys::kBucketSettings, [&](std::string_view key, std::string_view) {
      owned(key, "bucket settings");
    }));
    return scan(keys::kObject,
                [&](std::string_view key, std::string_view) { owned(key, "object"); });
  }

  void judge_links() {
    for (const auto& [id, seen] : inodes_) {
      if (seen.type == FileType::Regular && seen.allocated != seen.extent_bytes) {
        problem(number(id) + ": " + std::to_string(seen.allocated) +
                " bytes allocated by its row, extents hold " + std::to_string(seen.extent_bytes));
      }
      const std::uint32_t expected =
          seen.type == FileType::Directory ? 2 + seen.subdirectories : seen.names;
      const bool hidden_part = (seen.flags & InodeRecord::kHidden) != 0;
      if (hidden_part || seen.orphan) continue;
      if (seen.nlink != expected) {
        problem(number(id) + ": nlink is " + std::to_string(seen.nlink) + ", entries make it " +
                std::to_string(expected));
      }
      if (seen.names == 0 && id != kRootInode)
        problem(number(id) + ": no entry names it and it is no orphan");
      if (seen.type == FileType::Directory && seen.names > 1)
        problem(number(id) + ": a directory with two names");
    }
  }

  Result<void> judge_live_bytes() {
    std::map<SegmentId, std::int64_t> recorded;
    COFFER_TRY(scan(keys::kLiveBytes, [&](std::string_view key, std::string_view value) {
      recorded[SegmentId{keys::inode_of(key).value()}] = ByteReader(value).i64();
    }));
    std::map<SegmentId, std::int64_t> counted = shared_bytes_;
    for (const auto& [segment, chunks] : live_) {
      for (const auto& [ordinal, bytes] : chunks) counted[segment] += bytes;
    }
    for (const SegmentId segment : segments_) {
      if (recorded[segment] != counted[segment]) {
        problem(number(segment) + ": " + std::to_string(recorded[segment]) +
                " live bytes recorded, " + std::to_string(counted[segment]) + " counted");
      }
    }
    for (const auto& [segment, bytes] : recorded) {
      if (!segments_.contains(segment) && bytes != 0)
        problem(number(segment) + ": live bytes of an unknown segment");
    }
    return {};
  }

  Result<void> read_all_data() {
    std::uint64_t total = 0;
    for (const auto& [id, seen] : inodes_) total += seen.type == FileType::Regular ? seen.size : 0;
    std::string buffer(kReadBytes, '\0');
    for (const auto& [id, seen] : inodes_) {
      if (seen.type != FileType::Regular) continue;
      auto inode = deps_.inodes->get(id);
      if (!inode) continue;
      for (std::uint64_t offset = 0; offset < seen.size;) {
        const auto got = deps_.bytes->read(
            *inode, offset, {reinterpret_cast<std::byte*>(buffer.data()), buffer.size()});
        if (!got) {
          problem(number(id) + ": bytes from " + std::to_string(offset) +
                  " on cannot be read: " + std::string(to_string(got.error().code)));
          offset += buffer.size();
          continue;
        }
        if (*got == 0) break;
        offset += *got;
        report_.bytes_read += *got;
        if (options_.progress) options_.progress(report_.bytes_read, total);
      }
    }
    return {};
  }

  const FsckDeps deps_;
  const FsckOptions& options_;
  FsckReport report_;
  std::set<SegmentId> segments_;
  std::unordered_map<InodeId, Seen> inodes_;
  std::unordered_map<std::string, InodeId> cookies_;
  std::map<SegmentId, Chunks> live_;
  std::map<SegmentId, std::int64_t> shared_bytes_;
  std::set<std::string> expected_shared_;
};

}  // namespace

Result<FsckReport> run_fsck(const FsckDeps& deps, const FsckOptions& options) {
  return Check(deps, options).run();
}

}  // namespace coffer
