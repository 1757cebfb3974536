#pragma once
/// MemoryObjects and MemoryAccessKeys: the vault's contracts over std::map, so that the gateway's tests
/// look at the gateway alone. No versions. Conditions, snapshots and listing order are as the contract says.

#include <map>
#include <memory>
#include <string>

#include "coffer/core/mutex.h"
#include "coffer/vault/access_keys.h"
#include "coffer/vault/objects.h"

namespace coffer::gateway {

struct MemoryObject {
  ObjectInfo info;
  std::shared_ptr<const std::string> bytes;
  std::vector<PartInfo> parts = {};
};

class MemoryObjects final : public Objects {
 public:
  Result<void> create_bucket(std::string_view bucket, Durability,
                             const BucketSettings& settings) override;
  Result<void> remove_bucket(std::string_view bucket, Durability) override;
  Result<BucketInfo> bucket(std::string_view bucket) override;
  Result<std::vector<BucketInfo>> buckets() override;
  Result<void> set_bucket_setting(std::string_view bucket, const std::string& name,
                                  const std::optional<std::string>& value, Durability,
                                  std::optional<InodeId> if_bucket) override;
  using Objects::head;
  using Objects::open_reader;
  using Objects::remove;
  using Objects::set_bucket_setting;
  Result<ObjectInfo> head(std::string_view bucket, std::string_view key,
                          std::string_view version) override;
  Result<std::unique_ptr<ObjectReader>> open_reader(std::string_view bucket, std::string_view key,
                                                    std::string_view version) override;
  Result<std::optional<DeleteMarker>> delete_marker(std::string_view, std::string_view,
                                                    std::string_view) override {
    return std::optional<DeleteMarker>{};
  }
  Result<std::unique_ptr<ObjectWriter>> begin_put(std::string_view bucket,
                                                  std::string_view key) override;
  Result<Removed> remove(const RemoveRequest& request, Durability) override;
  Result<ObjectInfo> update(std::string_view bucket, std::string_view key,
                            const ObjectUpdate& change, Durability) override;
  Result<std::vector<PartInfo>> object_parts(const ObjectInfo& info) override;
  Result<ObjectInfo> copy(const CopyRequest& request, Durability) override;
  Result<ListPage> list(std::string_view bucket, const ListRequest& request) override;
  Result<VersionPage> list_versions(std::string_view bucket,
                                    const VersionListRequest& request) override;
  Result<std::string> create_upload(std::string_view bucket, std::string_view key,
                                    const ObjectMetadata& metadata) override;
  Result<UploadInfo> upload(std::string_view bucket, std::string_view key,
                            std::string_view upload_id) override;
  Result<std::unique_ptr<ObjectWriter>> begin_part(std::string_view bucket, std::string_view key,
                                                   std::string_view upload_id,
                                                   std::uint32_t number) override;
  Result<std::vector<PartInfo>> parts(std::string_view bucket, std::string_view key,
                                      std::string_view upload_id) override;
  Result<ObjectInfo> complete_upload(std::string_view bucket, std::string_view key,
                                     std::string_view upload_id,
                                     const std::vector<CompletedPart>& parts,
                                     ObjectMetadata metadata, const WriteConditions&,
                                     Durability) override;
  Result<void> abort_upload(std::string_view bucket, std::string_view key,
                            std::string_view upload_id) override;
  Result<UploadPage> uploads(std::string_view bucket, std::string_view prefix,
                             std::string_view delimiter, std::string_view key_marker,
                             std::string_view upload_id_marker, std::uint32_t max_uploads) override;

 private:
  class Reader;
  class Writer;
  struct Part {
    PartInfo info;
    std::shared_ptr<const std::string> bytes;
  };
  struct Multipart {
    std::string bucket;
    UploadInfo info;
    std::map<std::uint32_t, Part> parts;
  };
  struct Bucket {
    BucketInfo info;
    std::map<std::string, MemoryObject, std::less<>> objects;
  };

  Result<Bucket*> find_bucket(std::string_view bucket, std::optional<InodeId> if_bucket = {})
      REQUIRES(mutex_);
  Result<Multipart*> find_upload(std::string_view bucket, std::string_view key,
                                 std::string_view upload_id) REQUIRES(mutex_);
  Result<ObjectInfo> place(std::string_view bucket, std::string_view key, std::string bytes,
                           ObjectMetadata metadata, const WriteConditions& conditions)
      REQUIRES(mutex_);

  Mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_ GUARDED_BY(mutex_);
  std::map<std::string, Multipart, std::less<>> uploads_ GUARDED_BY(mutex_);
  std::uint64_t next_id_ GUARDED_BY(mutex_) = 1;
  std::uint64_t next_inode_ GUARDED_BY(mutex_) = 1;
};

class MemoryAccessKeys final : public AccessKeys {
 public:
  Result<AccessKey> add(AccessKey key) override;
  Result<void> remove(std::string_view id) override;
  std::optional<AccessKey> find(std::string_view id) override;
  std::vector<AccessKey> list() override;
  std::optional<KeyOwner> find_owner(std::string_view id) override;
  std::optional<KeyOwner> find_owner_by_email(std::string_view email) override;

 private:
  Mutex mutex_;
  std::map<std::string, AccessKey, std::less<>> keys_ GUARDED_BY(mutex_);
};

}  // namespace coffer::gateway
