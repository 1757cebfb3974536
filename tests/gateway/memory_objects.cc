#include "tests/gateway/memory_objects.h"

#include <algorithm>
#include <cstring>

namespace coffer::gateway {

class MemoryObjects::Reader final : public ObjectReader {
 public:
  explicit Reader(MemoryObject object) : object_(std::move(object)) {}
  [[nodiscard]] const ObjectInfo& info() const override { return object_.info; }
  Result<std::size_t> read(std::uint64_t offset, MutableBytes out) override {
    if (offset >= object_.bytes->size()) return 0;
    const std::size_t n = std::min<std::size_t>(out.size(), object_.bytes->size() - offset);
    std::memcpy(out.data(), object_.bytes->data() + offset, n);
    return n;
  }

 private:
  const MemoryObject object_;
};

class MemoryObjects::Writer final : public ObjectWriter {
 public:
  Writer(MemoryObjects& owner, std::string_view bucket, std::string_view key,
         std::string_view upload_id, std::uint32_t number)
      : owner_(owner), bucket_(bucket), key_(key), upload_id_(upload_id), number_(number) {}
  Result<void> write(Bytes data) override {
    bytes_.append(as_text(data));
    return {};
  }
  Result<void> append_range(ObjectReader& from, std::uint64_t offset,
                            std::uint64_t length) override {
    std::string piece(length, ' ');
    COFFER_TRY(
        from.read(offset, MutableBytes(reinterpret_cast<std::byte*>(piece.data()), piece.size())));
    bytes_ += piece;
    return {};
  }
  Result<std::size_t> read(std::uint64_t offset, MutableBytes out) override {
    if (offset >= bytes_.size()) return 0;
    const std::size_t n = std::min<std::size_t>(out.size(), bytes_.size() - offset);
    std::memcpy(out.data(), bytes_.data() + offset, n);
    return n;
  }
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  Result<ObjectInfo> commit(ObjectMetadata metadata, const WriteConditions& conditions,
                            Durability) override {
    MutexLock lock(owner_.mutex_);
    if (number_ == 0) {
      return owner_.place(bucket_, key_, std::move(bytes_), std::move(metadata), conditions);
    }
    COFFER_ASSIGN(Multipart * upload, owner_.find_upload(bucket_, key_, upload_id_));
    Part& part = upload->parts[number_];
    part.info = {number_, bytes_.size(), metadata.etag, wall_now(), metadata.checksums};
    part.bytes = std::make_shared<const std::string>(std::move(bytes_));
    ObjectInfo info;
    info.size = part.info.size;
    info.etag = part.info.etag;
    info.modified = part.info.modified;
    return info;
  }

 private:
  MemoryObjects& owner_;
  const std::string bucket_, key_, upload_id_;
  const std::uint32_t number_;  // 0: an object
  std::string bytes_;
};

Result<MemoryObjects::Bucket*> MemoryObjects::find_bucket(std::string_view bucket,
                                                          std::optional<InodeId> if_bucket) {
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return fail(Errc::NotFound);
  if (if_bucket && found->second.info.inode != *if_bucket) return fail(Errc::NotFound);
  return &found->second;
}

Result<MemoryObjects::Multipart*> MemoryObjects::find_upload(std::string_view bucket,
                                                             std::string_view key,
                                                             std::string_view upload_id) {
  const auto found = uploads_.find(upload_id);
  if (found == uploads_.end() || found->second.bucket != bucket || found->second.info.key != key) {
    return fail(Errc::NotFound);
  }
  return &found->second;
}

Result<ObjectInfo> MemoryObjects::place(std::string_view bucket, std::string_view key,
                                        std::string bytes, ObjectMetadata metadata,
                                        const WriteConditions& conditions) {
  COFFER_ASSIGN(Bucket * home, find_bucket(bucket, conditions.if_bucket));
  const auto there = home->objects.find(key);
  const bool exists = there != home->objects.end();
  if (conditions.if_none_match_any && exists) return fail(Errc::Conflict);
  if (exists && conditions.if_none_match == there->second.info.etag) return fail(Errc::Conflict);
  if (conditions.if_match) {
    if (!exists) return fail(Errc::NotFound);
    if (*conditions.if_match != "*" && *conditions.if_match != there->second.info.etag) {
      return fail(Errc::Conflict);
    }
  }
  MemoryObject object;
  object.info = {std::string(key), bytes.size(), wall_now(),
                 metadata.etag,    metadata,     InodeId(++next_inode_)};
  object.bytes = std::make_shared<const std::string>(std::move(bytes));
  home->objects.insert_or_assign(std::string(key), object);
  return object.info;
}

Result<void> MemoryObjects::create_bucket(std::string_view bucket, Durability,
                                          const BucketSettings& settings) {
  MutexLock lock(mutex_);
  if (buckets_.contains(bucket)) return fail(Errc::Exists);
  buckets_[std::string(bucket)].info = {std::string(bucket), wall_now(),
                                        std::make_shared<const BucketSettings>(settings),
                                        InodeId(++next_inode_)};
  return {};
}

Result<void> MemoryObjects::remove_bucket(std::string_view bucket, Durability) {
  MutexLock lock(mutex_);
  COFFER_ASSIGN(Bucket * home, find_bucket(bucket));
  if (!home->objects.empty()) return fail(Errc::NotEmpty);
  buckets_.erase(buckets_.find(bucket));
  return {};
}

Result<BucketInfo> MemoryObjects::bucket(std::string_view bucket) {
  MutexLock lock(mutex_);
  COFFER_ASSIGN(Bucket * home, find_bucket(bucket));
  return home->info;
}

Result<std::vector<BucketInfo>> MemoryObjects::buckets() {
  MutexLock lock(mutex_);
  std::vector<BucketInfo> all;
  for (const auto& [name, bucket] : buckets_) all.push_back(bucket.info);
  return all;
}

Result<void> MemoryObjects::set_bucket_setting(std::string_view bucket, const std::string& name,
                                               const std::optional<std::string>& value, Durability,
                                               std::optional<InodeId> if_bucket) {
  MutexLock lock(mutex_);
  COFFER_ASSIGN(Bucket * home, find_bucket(bucket, if_bucket));
  BucketSettings settings = *home->info.settings;
  settings.erase(name);
  if (value) settings[name] = *value;
  home->info.settings = std::make_shared<const BucketSettings>(std::move(settings));
  return {};
}

Result<ObjectInfo> MemoryObjects::update(std::string_view bucket, std::string_view key,
                                         const ObjectUpdate& change, Durability) {
  MutexLock lock(mutex_);
  COFFER_ASSIGN(Bucket * home, find_bucket(bucket, change.if_bucket));
  const auto found = home->objects.find(key);
  if (found == home->objects.end()) return fail(Errc::NotFound);
  ObjectInfo& info = found->second.info;
  if (info.inode != change.inode) return fail(Errc::Conflict);
  if (change.tags) info.metadata.tags = *change.tags;
  if (change.properties) info.metadata.properties = *change.properties;
  return info;
}

Result<std::vector<PartInfo>> MemoryObjects::object_parts(const ObjectInfo& info) {
  MutexLock lock(mutex_);
  for (const auto& [name, bucket] : buckets_) {
    for (const auto& [key, object] : bucket.objects) {
      if (object.info.inode == info.inode) return object.parts;
    }
  }
  return std::vector<PartInfo>{};
}

Result<ObjectInfo> MemoryObjects::head(std::string_view bucket, std::string_view key,
                                       std::string_view version) {
  COFFER_ASSIGN(auto reader, open_reader(bucket, key, version));
  return reader->info();
}

Result<std::unique_ptr<ObjectReader>> MemoryObjects::open_reader(std::string_view bucket,
                                                                 std::string_view key,
                                                                 std::string_view version) {
  MutexLock lock(mutex_);
  COFFER_ASSIGN(Bucket * home, find_bucket(bucket));
  const auto found = home->objects.find(key);
  const bool known = version.empty() || version == kNullVersion;
  if (!known || found == home->objects.end()) return fail(Errc::NotFound);
  return std::make_unique<Reader>(found->second);
}

Result<std::unique_ptr<ObjectWriter>> MemoryObjects::begin_put(std::string_view bucket,
                                                               std::string_view key) {
  MutexLock lock(mutex_);
  COFFER_TRY(find_bucket(bucket));
  return std::make_unique<Writer>(*this, bucket, key, "", 0);
}

Result<Removed> MemoryObjects::remove(const RemoveRequest& request, Durability) {
  const WriteConditions& conditions = request.conditions;
  MutexLock lock(mutex_);
  COFFER_ASSIGN(Bucket * home, find_bucket(request.bucket, conditions.if_bucket));
  const auto found = home->objects.find(request.key);
  if (found == home->objects.end()) {
    if (conditions.if_match) return fail(Errc::NotFound);
    return Removed{};
  }
  if (conditions.if_match && *conditions.if_match != "*" &&
      *conditions.if_match != found->second.info.etag) {
    return fail(Errc::Conflict);
  }
  home->objects.erase(found);
  return Removed{true, false, {}};
}

Result<VersionPage> MemoryObjects::list_versions(std::string_view bucket,
                                                 const VersionListRequest& request) {
  COFFER_ASSIGN(ListPage page, list(bucket, {request.prefix, request.delimiter, request.key_marker,
                                             request.max_entries}));
  VersionPage versions;
  for (ObjectInfo& info : page.objects)
    versions.entries.push_back({std::move(info), true, false, {}});
  versions.common_prefixes = std::move(page.common_prefixes);
  versions.truncated = page.truncated;
  versions.next_key = page.next;
  versions.next_version = kNullVersion;
  return versions;
}

Result<ObjectInfo> MemoryObjects::copy(const CopyRequest& request, Durability) {
  COFFER_ASSIGN(const auto reader, open_reader(request.from_bucket, request.from_key));
  const ObjectInfo& source = reader->info();
  if (request.source_holds && !request.source_holds(source)) return fail(Errc::Conflict);
  std::string bytes(source.size, ' ');
  COFFER_TRY(
      reader->read(0, MutableBytes(reinterpret_cast<std::byte*>(bytes.data()), bytes.size())));
  ObjectMetadata metadata = request.metadata ? request.metadata(source.metadata) : source.metadata;
  metadata.etag = source.metadata.etag;
  metadata.checksums = source.metadata.checksums;
  metadata.parts = source.metadata.parts;
  MutexLock lock(mutex_);
  return place(request.to_bucket, request.to_key, std::move(bytes), std::move(metadata),
               request.conditions);
}

Result<ListPage> MemoryObjects::list(std::string_view bucket, const ListRequest& request) {
  MutexLock lock(mutex_);
  COFFER_ASSIGN(Bucket * home, find_bucket(bucket));
  ListPage page;
  for (const auto& [key, object] : home->objects) {
    if (!key.starts_with(request.prefix)) continue;
    std::string prefix;
    if (!request.delimiter.empty()) {
      const std::size_t at = key.find(request.delimiter, request.prefix.size());
      if (at != std::string::npos) prefix = key.substr(0, at + request.delimiter.size());
    }
    const std::string& name = prefix.empty() ? key : prefix;
    if (!request.start_after.empty() && name <= request.start_after) continue;
    if (!prefix.empty() && !page.common_prefixes.empty() && page.common_prefixes.back() == prefix) {
      continue;
    }
    if (page.objects.size() + page.common_prefixes.size() == request.max_keys) {
      page.truncated = true;
      break;
    }
    page.next = name;
    if (prefix.empty())
      page.objects.push_back(object.info);
    else
      page.common_prefixes.push_back(prefix);
  }
  return page;
}

Result<std::string> MemoryObjects::create_upload(std::string_view bucket, std::string_view key,
                                                 const ObjectMetadata& metadata) {
  MutexLock lock(mutex_);
  COFFER_TRY(find_bucket(bucket));
  const std::string id = "upload-" + std::to_string(next_id_++);
  uploads_[id] = {std::string(bucket), {std::string(key), id, wall_now(), metadata}, {}};
  return id;
}

Result<UploadInfo> MemoryObjects::upload(std::string_view bucket, std::string_view key,
                                         std::string_view upload_id) {
  MutexLock lock(mutex_);
  COFFER_ASSIGN(Multipart * upload, find_upload(bucket, key, upload_id));
  return upload->info;
}

Result<std::unique_ptr<ObjectWriter>> MemoryObjects::begin_part(std::string_view bucket,
                                                                std::string_view key,
                                                                std::string_view upload_id,
                                                                std::uint32_t number) {
  MutexLock lock(mutex_);
  COFFER_TRY(find_upload(bucket, key, upload_id));
  return std::make_unique<Writer>(*this, bucket, key, upload_id, number);
}

Result<std::vector<PartInfo>> MemoryObjects::parts(std::string_view bucket, std::string_view key,
                                                   std::string_view upload_id) {
  MutexLock lock(mutex_);
  COFFER_ASSIGN(Multipart * upload, find_upload(bucket, key, upload_id));
  std::vector<PartInfo> all;
  for (const auto& [number, part] : upload->parts) all.push_back(part.info);
  return all;
}

Result<ObjectInfo> MemoryObjects::complete_upload(std::string_view bucket, std::string_view key,
                                                  std::string_view upload_id,
                                                  const std::vector<CompletedPart>& parts,
                                                  ObjectMetadata metadata,
                                                  const WriteConditions& conditions, Durability) {
  MutexLock lock(mutex_);
  COFFER_ASSIGN(Multipart * upload, find_upload(bucket, key, upload_id));
  std::string bytes;
  std::vector<PartInfo> infos;
  for (const CompletedPart& part : parts) {
    const auto found = upload->parts.find(part.number);
    if (found == upload->parts.end() || found->second.info.etag != part.etag) {
      return fail(Errc::InvalidArgument);
    }
    bytes += *found->second.bytes;
    infos.push_back(found->second.info);
  }
  auto info = place(bucket, key, std::move(bytes), std::move(metadata), conditions);
  if (!info) return info;
  buckets_.find(bucket)->second.objects.find(key)->second.parts = std::move(infos);
  uploads_.erase(uploads_.find(upload_id));
  return info;
}

Result<void> MemoryObjects::abort_upload(std::string_view bucket, std::string_view key,
                                         std::string_view upload_id) {
  MutexLock lock(mutex_);
  COFFER_TRY(find_upload(bucket, key, upload_id));
  uploads_.erase(uploads_.find(upload_id));
  return {};
}

Result<UploadPage> MemoryObjects::uploads(std::string_view bucket, std::string_view prefix,
                                          std::string_view, std::string_view key_marker,
                                          std::string_view upload_id_marker,
                                          std::uint32_t max_uploads) {
  MutexLock lock(mutex_);
  std::vector<UploadInfo> all;
  for (const auto& [id, upload] : uploads_) {
    if (upload.bucket == bucket && upload.info.key.starts_with(prefix)) all.push_back(upload.info);
  }
  const auto order = [](const UploadInfo& upload) {
    return std::tie(upload.key, upload.upload_id);
  };
  std::sort(all.begin(), all.end(),
            [&](const UploadInfo& a, const UploadInfo& b) { return order(a) < order(b); });
  UploadPage page;
  for (const UploadInfo& upload : all) {
    if (upload.key < key_marker) continue;
    if (upload.key == key_marker && upload.upload_id <= upload_id_marker) continue;
    if (page.uploads.size() == max_uploads) {
      page.truncated = true;
      break;
    }
    page.next_key = upload.key;
    page.next_upload_id = upload.upload_id;
    page.uploads.push_back(upload);
  }
  return page;
}

Result<AccessKey> MemoryAccessKeys::add(AccessKey key) {
  MutexLock lock(mutex_);
  if (!keys_.emplace(key.id, key).second) return fail(Errc::Exists);
  return key;
}

Result<void> MemoryAccessKeys::remove(std::string_view id) {
  MutexLock lock(mutex_);
  const auto found = keys_.find(id);
  if (found == keys_.end()) return fail(Errc::NotFound);
  keys_.erase(found);
  return {};
}

std::optional<AccessKey> MemoryAccessKeys::find(std::string_view id) {
  MutexLock lock(mutex_);
  const auto found = keys_.find(id);
  if (found == keys_.end()) return std::nullopt;
  return found->second;
}

std::optional<KeyOwner> MemoryAccessKeys::find_owner(std::string_view id) {
  for (const AccessKey& key : list()) {
    if (key.owner == id) return KeyOwner{key.owner, key.name, key.email};
  }
  return std::nullopt;
}

std::optional<KeyOwner> MemoryAccessKeys::find_owner_by_email(std::string_view email) {
  for (const AccessKey& key : list()) {
    if (!email.empty() && key.email == email) return KeyOwner{key.owner, key.name, key.email};
  }
  return std::nullopt;
}

std::vector<AccessKey> MemoryAccessKeys::list() {
  MutexLock lock(mutex_);
  std::vector<AccessKey> all;
  for (const auto& [id, key] : keys_) all.push_back(key);
  return all;
}

}  // namespace coffer::gateway
