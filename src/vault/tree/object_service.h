#pragma once
/// ObjectService: the Objects of an opened vault: buckets and keys over the tree's rows.
///
/// Operations by file: objects_buckets.cc, objects_read.cc (head, open_reader), objects_put.cc (begin_put, copy), objects_remove.cc,
/// objects_list.cc, objects_versions.cc, objects_uploads.cc, objects_update.cc (what is kept with buckets and objects).
///
/// A key is a path of stored components, split at every '/', empty components kept. `k/` names the directory `k`; it is an object
/// when the directory is a marker, and its bytes are in the directory's body (directory_body.h). Directories that a PUT needs are made
/// without a marker; a DELETE takes those along that it leaves empty.
///
/// Snapshots A reader reads one inode, which S3 never changes in place. The mount may write into it: then the bytes are the new ones,
///           up to the size at the time of opening.
/// Owner     what S3 makes belongs to the owner of the directory it is made in; files 0644, directories 0755.
/// Borrows   the namespace and what it borrows.
/// Locks     as tree_service.h. Every operation holds the gate shared while it walks a path and changes what is at its end.

#include "coffer/core/lru_cache.h"
#include "coffer/vault/objects.h"
#include "vault/tree/object_path.h"
#include "vault/tree/object_record.h"
#include "vault/tree/tree_change.h"
#include "vault/tree/upload_rows.h"

namespace coffer {

class ObjectService final : public Objects {
 public:
  explicit ObjectService(Namespace& names) : names_(names) {}

  Result<void> create_bucket(std::string_view bucket, Durability durability,
                             const BucketSettings& settings) override;
  Result<void> remove_bucket(std::string_view bucket, Durability durability) override;
  Result<BucketInfo> bucket(std::string_view bucket) override;
  Result<std::vector<BucketInfo>> buckets() override;
  Result<void> set_bucket_setting(std::string_view bucket, const std::string& name,
                                  const std::optional<std::string>& value, Durability durability,
                                  std::optional<InodeId> if_bucket) override;
  using Objects::set_bucket_setting;

  using Objects::head;
  using Objects::open_reader;
  using Objects::remove;
  Result<ObjectInfo> head(std::string_view bucket, std::string_view key,
                          std::string_view version) override;
  Result<std::unique_ptr<ObjectReader>> open_reader(std::string_view bucket, std::string_view key,
                                                    std::string_view version) override;
  Result<std::optional<DeleteMarker>> delete_marker(std::string_view bucket, std::string_view key,
                                                    std::string_view version) override;
  Result<std::unique_ptr<ObjectWriter>> begin_put(std::string_view bucket,
                                                  std::string_view key) override;
  Result<Removed> remove(const RemoveRequest& request, Durability durability) override;
  Result<ObjectInfo> update(std::string_view bucket, std::string_view key,
                            const ObjectUpdate& change, Durability durability) override;
  Result<std::vector<PartInfo>> object_parts(const ObjectInfo& info) override;
  Result<ObjectInfo> copy(const CopyRequest& request, Durability durability) override;
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
                                     ObjectMetadata metadata, const WriteConditions& conditions,
                                     Durability durability) override;
  Result<void> abort_upload(std::string_view bucket, std::string_view key,
                            std::string_view upload_id) override;
  Result<UploadPage> uploads(std::string_view bucket, std::string_view prefix,
                             std::string_view delimiter, std::string_view key_marker,
                             std::string_view upload_id_marker, std::uint32_t max_uploads) override;

 private:
  using SettingsRef = std::shared_ptr<const BucketSettings>;
  [[nodiscard]] const Namespace::Deps& deps() const { return names_.deps(); }
  /// (locked, in either way) Of a bucket's directory. Cached under the directory's mutex, as it is changed under it.
  Result<SettingsRef> settings_of(const Inode& directory);
  void remember_settings(InodeId directory, const SettingsRef& settings);
  Result<void> change_setting(const InodeRef& directory, const std::string& name,
                              const std::optional<std::string>& value, Aftermath& after);

  Namespace& names_;
  LruCache<InodeId, SettingsRef> settings_{kSettingsBytesMax, 4};
  static constexpr std::size_t kSettingsBytesMax = std::size_t{8} << 20;
  const SettingsRef no_settings_ = std::make_shared<const BucketSettings>();
};

}  // namespace coffer
