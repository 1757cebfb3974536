// ObjectService: multipart uploads.

#include <algorithm>

#include "vault/tree/keys.h"
#include "vault/tree/object_placement.h"
#include "vault/tree/object_service.h"
#include "vault/tree/object_writer.h"
#include "vault/tree/snapshot_reader.h"

namespace coffer {
namespace {

constexpr std::uint32_t kPartNumberMax = 10'000;

/// The upload's row, NotFound if there is none.
Result<UploadRecord> read_upload(Namespace& names, InodeId bucket, std::string_view key,
                                 std::string_view upload_id) {
  if (!is_upload_id(upload_id)) return fail(Errc::NotFound, "no such upload");
  COFFER_ASSIGN(const auto row, names.deps().meta->get(keys::upload(bucket, key, upload_id)));
  if (!row) return fail(Errc::NotFound, "no such upload");
  return decode_upload(*row);
}

class PartWriter final : public ObjectWriter {
 public:
  struct Target {
    InodeId bucket;
    std::string key, upload_id;
    std::uint32_t number = 0;
  };
  PartWriter(Namespace& names, InodeRef inode, Target target)
      : names_(names), hidden_(names, std::move(inode)), target_(std::move(target)) {}

  Result<void> write(Bytes data) override { return hidden_.append(data); }
  Result<void> append_range(ObjectReader& from, std::uint64_t offset,
                            std::uint64_t length) override {
    return append_from(hidden_, from, offset, length);
  }
  Result<std::size_t> read(std::uint64_t offset, MutableBytes out) override {
    return hidden_.read(offset, out);
  }
  [[nodiscard]] std::uint64_t size() const override { return hidden_.size(); }

  Result<ObjectInfo> commit(ObjectMetadata metadata,
                            const WriteConditions& /*of objects, not parts*/,
                            Durability durability) override {
    // Parts are always sealed: the object that they become shall not drag inline rows along.
    COFFER_TRY(hidden_.settle(Durability::Relaxed));
    Aftermath after;
    ObjectInfo info;
    {
      MutexLock lock(names_.upload_lock(target_.upload_id));
      COFFER_ASSIGN(info, put_row(std::move(metadata), after));
    }
    finish(names_, after);
    COFFER_TRY(reach(names_, durability));
    return info;
  }

 private:
  Result<ObjectInfo> put_row(ObjectMetadata metadata, Aftermath& after) {
    COFFER_TRY(read_upload(names_, target_.bucket, target_.key, target_.upload_id));
    const std::string row = keys::part(target_.upload_id, target_.number);
    InodeRef replaced;
    COFFER_ASSIGN(const auto old, names_.deps().meta->get(row));
    if (old) {
      COFFER_ASSIGN(const PartRecord record, decode_part(target_.number, *old));
      COFFER_ASSIGN(replaced, names_.deps().inodes->get(record.inode));
    }
    TreeChange change(names_);
    COFFER_TRY(change.lock({hidden_.inode(), replaced}));
    Inode& inode = *hidden_.inode();
    inode.record.attributes.nlink = 1;
    inode.record.attributes.mtime = inode.record.attributes.ctime = change.now();
    PartRecord part;
    part.inode = inode.id;
    part.info.number = target_.number;
    part.info.size = inode.record.attributes.size;
    part.info.modified = change.now();
    part.info.etag = metadata.etag;
    part.info.checksums = metadata.checksums;
    ObjectInfo info =
        file_info(target_.key, inode,
                  ObjectRecord{inode.record.content_version, {}, {}, std::move(metadata)});
    part.info.etag = info.etag;
    change.batch().put(row, encode_part(part));
    if (replaced) COFFER_TRY(change.drop_link(*replaced));
    COFFER_TRY(change.commit(after));
    return info;
  }

  Namespace& names_;
  HiddenBytes hidden_;
  const Target target_;
};

/// The parts that the client named, in its order. InvalidArgument: one is missing, differs, or they do not ascend.
Result<std::vector<PartRecord>> chosen_parts(const std::vector<PartRecord>& present,
                                             const std::vector<CompletedPart>& wanted) {
  if (wanted.empty()) return fail(Errc::InvalidArgument, "no parts");
  std::vector<PartRecord> chosen;
  auto at = present.begin();
  std::uint32_t last = 0;
  for (const CompletedPart& want : wanted) {
    if (want.number <= last) return fail(Errc::InvalidArgument, "parts out of order");
    last = want.number;
    at = std::find_if(at, present.end(),
                      [&](const PartRecord& p) { return p.info.number >= want.number; });
    if (at == present.end() || at->info.number != want.number || at->info.etag != want.etag) {
      return fail(Errc::InvalidArgument, "a part is missing or differs");
    }
    chosen.push_back(*at);
  }
  return chosen;
}

/// Makes the parts' bytes those of the object, inside the batch that places it.
class Assembly {
 public:
  Assembly(Namespace& names, Inode& object) : names_(names), object_(object) {}
  ~Assembly() {
    if (locked_.empty()) return;
    // What was moved in memory was not moved in the rows: both ends are forgotten, and parts load again as they were.
    for (const InodeRef& part : locked_) {
      part->taken_apart = true;
      names_.deps().inodes->uncommitted(*part);
      part->mutex.unlock();
    }
    ExclusiveLock lock(object_.mutex);
    if (!object_.reclaimed) names_.deps().inodes->uncommitted(object_);
  }
  Assembly(const Assembly&) = delete;
  Assembly& operator=(const Assembly&) = delete;

  Result<void> add_all(TreeChange& change, const std::vector<PartRecord>& parts) {
    std::vector<InodeRef> in_order;
    for (const PartRecord& part : parts) {
      COFFER_ASSIGN(InodeRef inode, names_.deps().inodes->get(part.inode));
      in_order.push_back(std::move(inode));
    }
    object_.taken_apart = true;
    locked_ = in_order;
    std::sort(locked_.begin(), locked_.end(),
              [](const InodeRef& a, const InodeRef& b) { return a->id < b->id; });
    // Behind the mutexes of the change, whatever their numbers: a part has no name, only its upload leads to it, and that is ours
    // alone; the background commit locks one inode at a time, and the reaper only inodes without links, which a part is not.
    for (const InodeRef& inode : locked_) inode->mutex.lock();
    for (const InodeRef& inode : in_order) {
      if (inode->reclaimed) return fail(Errc::Stale);
      COFFER_TRY(names_.deps().bytes->move_all(change.batch(), *inode, object_));
    }
    return {};
  }

  /// The batch is committed.
  void committed() {
    object_.taken_apart = false;
    for (const InodeRef& part : locked_) {
      names_.deps().inodes->removed(*part);
      part->mutex.unlock();
    }
    locked_.clear();
  }

 private:
  Namespace& names_;
  Inode& object_;
  std::vector<InodeRef> locked_;
};

}  // namespace

Result<std::string> ObjectService::create_upload(std::string_view bucket, std::string_view key,
                                                 const ObjectMetadata& metadata) {
  COFFER_TRY(parse_object_key(key));
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  const UploadRecord record{wall_now(), metadata};
  const std::string upload_id = new_upload_id(record.initiated);
  // Shared: the bucket is not removed meanwhile.
  SharedLock lock(directory->entries);
  {
    SharedLock alive(directory->mutex);
    if (directory->record.attributes.nlink == 0) return fail(Errc::NotFound, "no such bucket");
  }
  MetaBatch batch;
  batch.put(keys::upload(directory->id, key, upload_id), encode_upload(record));
  COFFER_TRY(deps().meta->commit(std::move(batch)));
  return upload_id;
}

Result<UploadInfo> ObjectService::upload(std::string_view bucket, std::string_view key,
                                         std::string_view upload_id) {
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  COFFER_ASSIGN(UploadRecord record, read_upload(names_, directory->id, key, upload_id));
  return UploadInfo{std::string(key), std::string(upload_id), record.initiated,
                    std::move(record.metadata)};
}

Result<std::unique_ptr<ObjectWriter>> ObjectService::begin_part(std::string_view bucket,
                                                                std::string_view key,
                                                                std::string_view upload_id,
                                                                std::uint32_t number) {
  if (number < 1 || number > kPartNumberMax) return fail(Errc::InvalidArgument, "part number");
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  COFFER_TRY(read_upload(names_, directory->id, key, upload_id));
  COFFER_ASSIGN(InodeRef inode, make_hidden(names_, *directory));
  return std::unique_ptr<ObjectWriter>(std::make_unique<PartWriter>(
      names_, std::move(inode),
      PartWriter::Target{directory->id, std::string(key), std::string(upload_id), number}));
}

Result<std::vector<PartInfo>> ObjectService::parts(std::string_view bucket, std::string_view key,
                                                   std::string_view upload_id) {
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  COFFER_TRY(read_upload(names_, directory->id, key, upload_id));
  COFFER_ASSIGN(std::vector<PartRecord> records, read_parts(*deps().meta, upload_id));
  std::vector<PartInfo> infos;
  infos.reserve(records.size());
  for (PartRecord& record : records) infos.push_back(std::move(record.info));
  return infos;
}

Result<ObjectInfo> ObjectService::complete_upload(std::string_view bucket, std::string_view key,
                                                  std::string_view upload_id,
                                                  const std::vector<CompletedPart>& parts,
                                                  ObjectMetadata metadata,
                                                  const WriteConditions& conditions,
                                                  Durability durability) {
  Placement placement;
  COFFER_ASSIGN(placement.parsed, parse_object_key(key));
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  MutexLock lock(names_.upload_lock(upload_id));
  COFFER_ASSIGN(const UploadRecord upload, read_upload(names_, directory->id, key, upload_id));
  COFFER_ASSIGN(const std::vector<PartRecord> present, read_parts(*deps().meta, upload_id));
  COFFER_ASSIGN(const std::vector<PartRecord> chosen, chosen_parts(present, parts));
  metadata.parts = static_cast<std::uint32_t>(chosen.size());
  placement.bucket = bucket;
  placement.bucket_id = directory->id;
  placement.key = key;
  placement.metadata = std::move(metadata);
  placement.conditions = conditions;
  for (const PartRecord& part : chosen) placement.parts.push_back(part.info);
  COFFER_ASSIGN(placement.bytes, make_hidden(names_, *directory));
  const HiddenBytes hidden(names_, placement.bytes);
  Assembly assembly(names_, *placement.bytes);
  placement.complete = [&](TreeChange& change) -> Result<void> {
    COFFER_TRY(assembly.add_all(change, chosen));
    for (const PartRecord& part : chosen)
      change.batch().remove(keys::part(upload_id, part.info.number));
    if (chosen.size() == present.size())
      change.batch().remove(keys::upload(directory->id, key, upload_id));
    return {};
  };
  placement.completed = [&] { assembly.committed(); };
  COFFER_ASSIGN(ObjectInfo info, place_object(names_, placement));
  if (chosen.size() != present.size()) {
    COFFER_TRY(drop_upload(names_, directory->id, key, upload_id));
  }
  lock.unlock();
  COFFER_TRY(reach(names_, durability));
  return info;
}

Result<void> ObjectService::abort_upload(std::string_view bucket, std::string_view key,
                                         std::string_view upload_id) {
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  MutexLock lock(names_.upload_lock(upload_id));
  COFFER_TRY(read_upload(names_, directory->id, key, upload_id));
  return drop_upload(names_, directory->id, key, upload_id);
}

Result<UploadPage> ObjectService::uploads(std::string_view bucket, std::string_view prefix,
                                          std::string_view delimiter, std::string_view key_marker,
                                          std::string_view upload_id_marker,
                                          std::uint32_t max_uploads) {
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  UploadPage page;
  const std::string all = keys::upload_prefix(directory->id);
  const auto at_key = [&](std::string_view key) {
    std::string row = keys::upload_key_prefix(directory->id, key);
    row.resize(row.size() - 2);  // without the end of the key: longer keys too
    return row;
  };
  std::string start = at_key(prefix);
  if (!key_marker.empty() && key_marker >= prefix) {
    const std::string at_marker = keys::upload_key_prefix(directory->id, key_marker);
    const bool is_common =
        !delimiter.empty() && key_marker.size() >= delimiter.size() + prefix.size() &&
        key_marker.find(delimiter, prefix.size()) == key_marker.size() - delimiter.size();
    if (!upload_id_marker.empty()) {
      start = at_marker + std::string(upload_id_marker) + '\0';
    } else {
      start = is_common ? keys::prefix_end(at_key(key_marker)) : keys::prefix_end(at_marker);
    }
  }
  auto rows = deps().meta->cursor(all, keys::prefix_end(all));
  std::uint32_t count = 0;
  for (rows->seek(start); rows->valid();) {
    auto parsed = parse_upload_key(rows->key());
    if (!parsed) return fail(Errc::Corrupt, "upload row's key");
    if (!parsed->key.starts_with(prefix)) break;
    if (count == max_uploads) {
      page.truncated = max_uploads > 0;
      return page;
    }
    ++count;
    const std::size_t cut =
        delimiter.empty() ? std::string::npos : parsed->key.find(delimiter, prefix.size());
    if (cut != std::string::npos) {
      std::string common = parsed->key.substr(0, cut + delimiter.size());
      page.next_key = common;
      page.next_upload_id.clear();
      rows->seek(keys::prefix_end(at_key(common)));
      page.common_prefixes.push_back(std::move(common));
      continue;
    }
    COFFER_ASSIGN(UploadRecord record, decode_upload(rows->value()));
    page.next_key = parsed->key;
    page.next_upload_id = parsed->upload_id;
    page.uploads.push_back({std::move(parsed->key), std::move(parsed->upload_id), record.initiated,
                            std::move(record.metadata)});
    rows->next();
  }
  COFFER_TRY(rows->status());
  page.next_key.clear();
  page.next_upload_id.clear();
  return page;
}

}  // namespace coffer
