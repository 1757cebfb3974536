#pragma once
/// SnapshotReader: reads one inode up to the size that it had when it was opened; keeps it alive without links.
///
/// Owns      a reader of the inode, which find_object(KeepBytes::Yes) took.
/// Threads   one at a time.

#include <algorithm>

#include "coffer/vault/objects.h"
#include "vault/tree/namespace.h"
#include "vault/tree/object_writer.h"

namespace coffer {

class SnapshotReader final : public ObjectReader {
 public:
  SnapshotReader(Namespace& names, ObjectInfo info, InodeRef bytes)
      : names_(names), info_(std::move(info)), bytes_(std::move(bytes)) {}
  ~SnapshotReader() override {
    if (bytes_) names_.deps().inodes->drop_reader(bytes_);
  }
  SnapshotReader(const SnapshotReader&) = delete;
  SnapshotReader& operator=(const SnapshotReader&) = delete;

  [[nodiscard]] const ObjectInfo& info() const override { return info_; }
  /// Null: the object has no bytes.
  [[nodiscard]] const InodeRef& bytes() const { return bytes_; }

  Result<std::size_t> read(std::uint64_t offset, MutableBytes out) override {
    if (!bytes_ || offset >= info_.size) return std::size_t{0};
    out = out.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), info_.size - offset)));
    std::size_t done = 0;
    while (done < out.size()) {
      COFFER_ASSIGN(const std::size_t got,
                    names_.deps().bytes->read(bytes_, offset + done, out.subspan(done)));
      if (got == 0) break;  // truncated at the mount meanwhile
      done += got;
    }
    return done;
  }

 private:
  Namespace& names_;
  const ObjectInfo info_;
  const InodeRef bytes_;
};

/// ObjectWriter::append_range() of both kinds of writer.
inline Result<void> append_from(HiddenBytes& hidden, ObjectReader& from, std::uint64_t offset,
                                std::uint64_t length) {
  const auto* const reader = dynamic_cast<SnapshotReader*>(&from);
  if (reader == nullptr) return fail(Errc::NotSupported, "a reader of another vault");
  const std::uint64_t size = from.info().size;
  if (offset > size || length > size - offset) return fail(Errc::InvalidArgument, "range");
  if (length == 0) return {};
  return hidden.append_copy(reader->bytes(), offset, length);
}

}  // namespace coffer
