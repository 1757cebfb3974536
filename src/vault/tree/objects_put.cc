// ObjectService: PUT and copy.

#include "vault/tree/object_lookup.h"
#include "vault/tree/object_placement.h"
#include "vault/tree/object_service.h"
#include "vault/tree/object_writer.h"
#include "vault/tree/snapshot_reader.h"

namespace coffer {

namespace {

class PutWriter final : public ObjectWriter {
 public:
  PutWriter(Namespace& names, InodeRef inode, Placement placement)
      : names_(names), hidden_(names, std::move(inode)), placement_(std::move(placement)) {}

  Result<void> write(Bytes data) override { return hidden_.append(data); }
  [[nodiscard]] std::uint64_t size() const override { return hidden_.size(); }
  Result<void> append_range(ObjectReader& from, std::uint64_t offset,
                            std::uint64_t length) override {
    return append_from(hidden_, from, offset, length);
  }
  Result<std::size_t> read(std::uint64_t offset, MutableBytes out) override {
    return hidden_.read(offset, out);
  }
  HiddenBytes& hidden() { return hidden_; }
  void set_parts(std::vector<PartInfo> parts) { placement_.parts = std::move(parts); }

  Result<ObjectInfo> commit(ObjectMetadata metadata, const WriteConditions& conditions,
                            Durability durability) override {
    COFFER_TRY(hidden_.settle(durability));
    placement_.metadata = std::move(metadata);
    placement_.conditions = conditions;
    COFFER_ASSIGN(ObjectInfo info, place_object(names_, placement_));
    COFFER_TRY(reach(names_, durability));
    return info;
  }

 private:
  Namespace& names_;
  HiddenBytes hidden_;
  Placement placement_;
};

Result<std::unique_ptr<PutWriter>> make_writer(Namespace& names, std::string_view bucket,
                                               std::string_view key) {
  Placement placement;
  COFFER_ASSIGN(placement.parsed, parse_object_key(key));
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names, bucket));
  COFFER_ASSIGN(placement.bytes, make_hidden(names, *directory));
  placement.bucket = bucket;
  placement.bucket_id = directory->id;
  placement.key = key;
  InodeRef bytes = placement.bytes;
  return std::make_unique<PutWriter>(names, std::move(bytes), std::move(placement));
}

/// True when the mount changed the bytes since they were found: nothing that was computed over them may
/// go with a copy then, and they have the ETag of what they are now.
bool rewritten_since(FoundObject& found) {
  SharedLock lock(found.bytes->mutex);
  const InodeRecord& record = found.bytes->record;
  if (record.content_version == found.content_version) return false;
  found.info.etag = derived_etag(found.bytes->id, record.content_version, record.attributes.size,
                                 record.attributes.mtime);
  found.info.metadata.etag.clear();
  found.info.metadata.checksums.clear();
  found.info.metadata.parts = 0;
  return true;
}

}  // namespace

Result<std::unique_ptr<ObjectWriter>> ObjectService::begin_put(std::string_view bucket,
                                                               std::string_view key) {
  COFFER_ASSIGN(std::unique_ptr<PutWriter> writer, make_writer(names_, bucket, key));
  return std::unique_ptr<ObjectWriter>(std::move(writer));
}

Result<ObjectInfo> ObjectService::copy(const CopyRequest& request, Durability durability) {
  COFFER_ASSIGN(FoundObject source, find_version(names_, request.from_bucket, request.from_key,
                                                 request.from_version, KeepBytes::Yes));
  struct DropReader {
    Namespace& names;
    const InodeRef& bytes;
    ~DropReader() {
      if (bytes) names.deps().inodes->drop_reader(bytes);
    }
  } const drop{names_, source.bytes};
  const auto refused = [&] { return request.source_holds && !request.source_holds(source.info); };
  if (refused()) return fail(Errc::Conflict, "the source is another one");
  COFFER_ASSIGN(const std::unique_ptr<PutWriter> writer,
                make_writer(names_, request.to_bucket, request.to_key));
  if (source.bytes) {
    COFFER_TRY(writer->hidden().append_copy(source.bytes, 0, source.info.size));
    if (rewritten_since(source) && refused())
      return fail(Errc::Conflict, "the source became another one");
  }
  // What is known of the bytes stays true of the same bytes, and of no others.
  const ObjectMetadata& known = source.info.metadata;
  ObjectMetadata metadata = request.metadata ? request.metadata(known) : known;
  metadata.etag = known.etag;
  metadata.checksums = known.checksums;
  metadata.parts = known.parts;
  COFFER_ASSIGN(std::vector<PartInfo> parts, object_parts(source.info));
  writer->set_parts(std::move(parts));
  return writer->commit(std::move(metadata), request.conditions, durability);
}

}  // namespace coffer
