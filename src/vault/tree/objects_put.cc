// ObjectService: PUT and copy.

#include "vault/tree/object_lookup.h"
#include "vault/tree/object_placement.h"
#include "vault/tree/object_service.h"
#include "vault/tree/object_writer.h"

namespace coffer {

namespace {

class PutWriter final : public ObjectWriter {
 public:
  PutWriter(Namespace& names, InodeRef inode, Placement placement)
      : names_(names), hidden_(names, std::move(inode)), placement_(std::move(placement)) {}

  Result<void> write(Bytes data) override { return hidden_.append(data); }
  [[nodiscard]] std::uint64_t size() const override { return hidden_.size(); }
  HiddenBytes& hidden() { return hidden_; }

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
  placement.key = key;
  InodeRef bytes = placement.bytes;
  return std::make_unique<PutWriter>(names, std::move(bytes), std::move(placement));
}

}  // namespace

Result<std::unique_ptr<ObjectWriter>> ObjectService::begin_put(std::string_view bucket,
                                                               std::string_view key) {
  COFFER_ASSIGN(std::unique_ptr<PutWriter> writer, make_writer(names_, bucket, key));
  return std::unique_ptr<ObjectWriter>(std::move(writer));
}

Result<ObjectInfo> ObjectService::copy(std::string_view from_bucket, std::string_view from_key,
                                       std::string_view to_bucket, std::string_view to_key,
                                       const std::optional<ObjectMetadata>& metadata,
                                       const WriteConditions& conditions, Durability durability) {
  COFFER_ASSIGN(const FoundObject source,
                find_object(names_, from_bucket, from_key, KeepBytes::Yes));
  struct DropReader {
    Namespace& names;
    const InodeRef& bytes;
    ~DropReader() {
      if (bytes) names.deps().inodes->drop_reader(bytes);
    }
  } const drop{names_, source.bytes};
  COFFER_ASSIGN(const std::unique_ptr<PutWriter> writer, make_writer(names_, to_bucket, to_key));
  if (source.bytes) {
    COFFER_TRY(writer->hidden().append_copy(source.bytes, source.info.size));
  }
  // The same bytes: what is known of them stays true, unless the caller knows better.
  ObjectMetadata meta = metadata ? *metadata : source.info.metadata;
  if (meta.etag.empty()) meta.etag = source.info.etag;
  if (meta.checksums.empty()) meta.checksums = source.info.metadata.checksums;
  if (meta.parts == 0) meta.parts = source.info.metadata.parts;
  return writer->commit(std::move(meta), conditions, durability);
}

}  // namespace coffer
