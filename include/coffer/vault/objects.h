#pragma once
/// Objects: buckets and objects in S3's terms, over the same rows as the tree. A bucket is a top-level directory, an object a
/// file (docs/s3.md). Keys are bytes, 1..1024, verbatim.
///
/// Threads   everything from any thread; calls block on disk. A reader or writer object is used by one thread at a time.
/// Durable   commit() of a writer, remove(), copy(), complete_upload() return after sync (S3 2xx) unless Durability::Relaxed.
/// Errors    NotFound (bucket or key: see context-free helpers bucket_exists), Exists, NotEmpty, Conflict (a condition did not
///           hold), InvalidArgument, NoSpace, Io, ReadOnly.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/bytes.h"
#include "coffer/core/clock.h"
#include "coffer/core/error.h"
#include "coffer/vault/ids.h"

namespace coffer {

/// What S3 keeps with an object beside its bytes. Stored with the inode.
struct ObjectMetadata {
  std::string content_type;  // empty: by the key's extension
  std::map<std::string, std::string>
      headers;  // cache-control, content-encoding, … (lower-case names)
  std::map<std::string, std::string> user;  // x-amz-meta-* without the prefix, lower-case names
  std::string etag;                         // without quotes; empty: derived (contains '-')
  std::map<std::string, std::string>
      checksums;  // "crc32c" → base64 value; "type" → FULL_OBJECT | COMPOSITE; "sse-c" → how it is sealed
  std::uint32_t parts = 0;  // of a multipart object, else 0
  std::map<std::string, std::string> tags;
  /// What the gateway notes of an object for itself (its owner, its ACL). The vault keeps it, no more.
  std::map<std::string, std::string> properties;
};

/// The id of the version that an object has without versioning, and that it is given while versioning is suspended.
inline constexpr std::string_view kNullVersion = "null";

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;
  Timespec modified;
  std::string etag;  // never empty
  ObjectMetadata metadata;
  InodeId inode;
  std::string version = std::string(kNullVersion);
};

/// What the gateway keeps with a bucket, by name of the setting ("owner", "policy"). The vault keeps it, no more.
using BucketSettings = std::map<std::string, std::string>;

struct BucketInfo {
  std::string name;
  Timespec created;
  /// Never null. The same object as long as nothing is set: who parses settings may keep what came of it.
  std::shared_ptr<const BucketSettings> settings = std::make_shared<const BucketSettings>();
  InodeId inode = {};  // another bucket of the same name has another one
};

/// Conditions on what stands at the key at the moment of the change; checked atomically with it.
struct WriteConditions {
  bool if_none_match_any = false;                       // If-None-Match: *
  std::optional<std::string> if_none_match = {};        // an ETag without quotes
  std::optional<std::string> if_match = {};             // an ETag without quotes, or "*"
  std::optional<std::uint64_t> if_size = {};            // bytes
  std::optional<std::int64_t> if_modified_unix_s = {};  // the time of its last change
  std::optional<InodeId> if_inode = {};                 // the very one that was looked at
  /// The bucket that the caller was let into: where another one has its name by now, there is none (NotFound).
  std::optional<InodeId> if_bucket = {};
};

inline constexpr std::size_t kBucketSettingBytesMax = std::size_t{256} << 10;

enum class Durability : std::uint8_t { Relaxed, Synced };

/// The setting of a bucket whose objects have versions: "Enabled" or "Suspended", never taken away again. The one setting that the
/// vault reads itself.
inline constexpr const char* kVersioningSetting = "versioning";

/// Stands for an object where versioning is on: from then on it is gone, and its versions are there.
struct DeleteMarker {
  std::string version;
  Timespec modified;
};

struct RemoveRequest {
  std::string_view bucket, key;
  std::string_view version = {};  // empty: the object, which leaves a marker where it has versions
  WriteConditions conditions = {};  // on the version, or on the object
  bool bypass_governance = false;   // object_lock.h
  std::map<std::string, std::string> marker_properties = {};
};

struct Removed {
  bool was_there = false;
  bool marker = false;  // a delete marker was made, or it was one that was removed
  std::string version;  // that was made or removed; empty: there are no versions
};

struct CopyRequest {
  std::string_view from_bucket, from_key, to_bucket, to_key;
  std::string_view from_version = {};  // empty: the current one
  /// Makes the copy's metadata of the source's, with no lock held; what belongs to the bytes (etag, checksums,
  /// parts) stays the source's. Not given: all stays.
  std::function<ObjectMetadata(const ObjectMetadata&)> metadata = {};
  WriteConditions conditions = {};  // on what stands at the new key
  /// Asked of the very source whose bytes are copied, with no lock held; where it says no, copy() is a
  /// Conflict. Asked again if the mount changes the bytes while they are copied. Not asked: any source.
  std::function<bool(const ObjectInfo&)> source_holds = {};
};

struct ListRequest {
  std::string prefix, delimiter;
  std::string
      start_after;  // exclusive: a key, or a common prefix that was returned (both continue behind it)
  std::uint32_t max_keys = 1000;
};

struct ListPage {
  std::vector<ObjectInfo> objects;  // of metadata: etag, checksums, properties
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next;  // start_after of the next page
};

struct VersionListRequest {
  std::string prefix, delimiter;
  /// Exclusive: a key with one of its versions, a key with all of them, or a common prefix that was returned.
  std::string key_marker, version_marker;
  std::uint32_t max_entries = 1000;
};

struct VersionEntry {
  ObjectInfo info;  // as of a listing; of a marker: key, version, time and properties
  bool latest = false, marker = false;
  Timespec noncurrent_since;  // of one that is not the latest
};

struct VersionPage {
  std::vector<VersionEntry> entries;  // by key, the newest first
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_key, next_version;  // the markers of the next page
};

/// A snapshot of one object: later changes at either door do not show.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  [[nodiscard]] virtual const ObjectInfo& info() const = 0;
  virtual Result<std::size_t> read(std::uint64_t offset,
                                   MutableBytes out) = 0;  // short only at the end
};

/// A new object or part being written; invisible until commit. Destruction without commit removes it.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual Result<void> write(Bytes data) = 0;  // appended
  /// Appends a range of what a reader of the same vault reads, by sharing its extents. Conflict: it was truncated meanwhile.
  virtual Result<void> append_range(ObjectReader& from, std::uint64_t offset,
                                    std::uint64_t length) = 0;
  /// What was written so far.
  virtual Result<std::size_t> read(std::uint64_t offset, MutableBytes out) = 0;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  virtual Result<ObjectInfo> commit(ObjectMetadata metadata, const WriteConditions& conditions,
                                    Durability durability) = 0;
};

struct UploadInfo {
  std::string key, upload_id;
  Timespec initiated;
  ObjectMetadata metadata;
};

struct PartInfo {
  std::uint32_t number = 0;
  std::uint64_t size = 0;
  std::string etag;
  Timespec modified;
  std::map<std::string, std::string> checksums;
};

/// What update() sets. Where another inode stands at the key than the one that was looked at, or it has other properties: Conflict.
struct ObjectUpdate {
  InodeId inode;
  std::optional<std::map<std::string, std::string>> tags = {}, properties = {};
  std::string version = {};  // that was looked at; empty: whatever it is
  std::optional<std::map<std::string, std::string>> expected_properties = {};
  std::optional<InodeId> if_bucket = {};  // as in WriteConditions
};

struct CompletedPart {
  std::uint32_t number = 0;
  std::string etag;
};

struct UploadPage {
  std::vector<UploadInfo> uploads;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_key, next_upload_id;
};

class Objects {
 public:
  virtual ~Objects() = default;

  virtual Result<void> create_bucket(std::string_view bucket, Durability durability,
                                     const BucketSettings& settings) = 0;  // Exists
  virtual Result<void> remove_bucket(std::string_view bucket,
                                     Durability durability) = 0;  // NotEmpty
  virtual Result<BucketInfo> bucket(std::string_view bucket) = 0;
  virtual Result<std::vector<BucketInfo>> buckets() = 0;
  /// Sets one, or takes it away. TooLarge beyond kBucketSettingBytesMax. `if_bucket` as in WriteConditions.
  virtual Result<void> set_bucket_setting(std::string_view bucket, const std::string& name,
                                          const std::optional<std::string>& value,
                                          Durability durability,
                                          std::optional<InodeId> if_bucket) = 0;
  Result<void> set_bucket_setting(std::string_view bucket, const std::string& name,
                                  const std::optional<std::string>& value, Durability durability) {
    return set_bucket_setting(bucket, name, value, durability, std::nullopt);
  }

  /// `version`: an id; empty: the current one. NotFound also where a delete marker stands.
  virtual Result<ObjectInfo> head(std::string_view bucket, std::string_view key,
                                  std::string_view version) = 0;
  Result<ObjectInfo> head(std::string_view bucket, std::string_view key) {
    return head(bucket, key, {});
  }
  virtual Result<std::unique_ptr<ObjectReader>> open_reader(std::string_view bucket,
                                                            std::string_view key,
                                                            std::string_view version) = 0;
  Result<std::unique_ptr<ObjectReader>> open_reader(std::string_view bucket, std::string_view key) {
    return open_reader(bucket, key, {});
  }
  /// The delete marker of that id, or (empty) the one that stands for the object now.
  virtual Result<std::optional<DeleteMarker>> delete_marker(std::string_view bucket,
                                                            std::string_view key,
                                                            std::string_view version) = 0;
  virtual Result<std::unique_ptr<ObjectWriter>> begin_put(std::string_view bucket,
                                                          std::string_view key) = 0;
  /// Success also where the key or version was not there (S3's DELETE is idempotent).
  virtual Result<Removed> remove(const RemoveRequest& request, Durability durability) = 0;
  Result<bool> remove(std::string_view bucket, std::string_view key,
                      const WriteConditions& conditions, Durability durability) {
    COFFER_ASSIGN(const Removed removed, remove({bucket, key, {}, conditions}, durability));
    return removed.was_there;
  }
  /// Changes what is kept with an object; its bytes and what S3 shows as its time stay.
  virtual Result<ObjectInfo> update(std::string_view bucket, std::string_view key,
                                    const ObjectUpdate& change, Durability durability) = 0;
  /// The parts that a multipart object was made of (number, size, checksums). Empty: it was not, or
  /// it is another object by now.
  virtual Result<std::vector<PartInfo>> object_parts(const ObjectInfo& info) = 0;
  /// Shares extents.
  virtual Result<ObjectInfo> copy(const CopyRequest& request, Durability durability) = 0;
  virtual Result<ListPage> list(std::string_view bucket, const ListRequest& request) = 0;
  virtual Result<VersionPage> list_versions(std::string_view bucket,
                                            const VersionListRequest& request) = 0;

  virtual Result<std::string> create_upload(std::string_view bucket, std::string_view key,
                                            const ObjectMetadata& metadata) = 0;
  virtual Result<UploadInfo> upload(std::string_view bucket, std::string_view key,
                                    std::string_view upload_id) = 0;
  /// commit()'s metadata carries the part's etag and checksums; a part number written again replaces the older one.
  virtual Result<std::unique_ptr<ObjectWriter>> begin_part(std::string_view bucket,
                                                           std::string_view key,
                                                           std::string_view upload_id,
                                                           std::uint32_t number) = 0;
  virtual Result<std::vector<PartInfo>> parts(std::string_view bucket, std::string_view key,
                                              std::string_view upload_id) = 0;
  /// Parts in ascending order; their extents become the object's by metadata alone. `metadata.etag` is the caller's
  /// md5-of-md5s. InvalidArgument when a part is missing or its etag differs.
  virtual Result<ObjectInfo> complete_upload(std::string_view bucket, std::string_view key,
                                             std::string_view upload_id,
                                             const std::vector<CompletedPart>& parts,
                                             ObjectMetadata metadata,
                                             const WriteConditions& conditions,
                                             Durability durability) = 0;
  virtual Result<void> abort_upload(std::string_view bucket, std::string_view key,
                                    std::string_view upload_id) = 0;
  virtual Result<UploadPage> uploads(std::string_view bucket, std::string_view prefix,
                                     std::string_view delimiter, std::string_view key_marker,
                                     std::string_view upload_id_marker,
                                     std::uint32_t max_uploads) = 0;
};

}  // namespace coffer
