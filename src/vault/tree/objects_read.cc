// ObjectService: HEAD and GET.

#include "vault/tree/object_lookup.h"
#include "vault/tree/object_service.h"

namespace coffer {
namespace {

/// Reads one inode up to the size that it had when it was opened; keeps it alive without links.
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

}  // namespace

Result<FoundObject> find_object(Namespace& names, std::string_view bucket, std::string_view key,
                                KeepBytes keep) {
  COFFER_ASSIGN(const ObjectKey parsed, parse_object_key(key));
  PathLock gate(names.gate());
  COFFER_ASSIGN(const ObjectPlace place, walk(names, bucket, parsed));
  if (!place.complete(parsed)) return fail(Errc::NotFound, "no such key");
  const auto look = [&](Namespace::Held held) -> Result<FoundObject> {
    COFFER_ASSIGN(const NameSlots slots, names.slots(*place.parent(), parsed.name, held));
    COFFER_ASSIGN(FoundObject found, read_object(names, key, parsed.is_directory, slots));
    if (keep == KeepBytes::Yes && found.bytes) {
      ExclusiveLock lock(found.bytes->mutex);
      if (found.bytes->reclaimed || found.bytes->record.attributes.nlink == 0)
        return fail(Errc::Stale);
      names.deps().inodes->add_reader(*found.bytes);
    }
    return found;
  };
  auto found = look(Namespace::Held::No);
  if (found || found.error().code != Errc::Stale) return found;
  // Replaced between the name and its inode: with the directory locked the two belong together.
  {
    SharedLock lock(place.parent()->entries);
    found = look(Namespace::Held::Yes);
  }
  if (!found && found.error().code == Errc::Stale) return fail(Errc::NotFound, "no such key");
  return found;
}

Result<ObjectInfo> ObjectService::head(std::string_view bucket, std::string_view key) {
  COFFER_ASSIGN(FoundObject found, find_object(names_, bucket, key, KeepBytes::No));
  return std::move(found.info);
}

Result<std::unique_ptr<ObjectReader>> ObjectService::open_reader(std::string_view bucket,
                                                                 std::string_view key) {
  COFFER_ASSIGN(FoundObject found, find_object(names_, bucket, key, KeepBytes::Yes));
  return std::unique_ptr<ObjectReader>(
      std::make_unique<SnapshotReader>(names_, std::move(found.info), std::move(found.bytes)));
}

}  // namespace coffer
