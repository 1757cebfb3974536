// ObjectService: versions by their ids, and ListObjectVersions.

#include "vault/tree/key_walker.h"
#include "vault/tree/keys.h"
#include "vault/tree/list_position.h"
#include "vault/tree/object_lookup.h"
#include "vault/tree/object_service.h"
#include "vault/tree/version_rows.h"

namespace coffer {
namespace {

constexpr int kTurnsMax = 1000;
constexpr int kMomentsMax = 8;

/// What a row shows in a listing or to who asks for its version. Stale: its inode went away.
Result<FoundObject> read_row(Namespace& names, std::string_view key, const VersionRow& row) {
  FoundObject found;
  auto inode = names.deps().inodes->get(row.inode);
  if (!inode && inode.error().code == Errc::NotFound) return fail(Errc::Stale);
  if (!inode) return fail(std::move(inode).error());
  found.bytes = *std::move(inode);
  SharedLock lock(found.bytes->mutex);
  const InodeRecord& record = found.bytes->record;
  if (found.bytes->reclaimed || record.attributes.nlink == 0) return fail(Errc::Stale);
  COFFER_ASSIGN(const auto object, object_record(names, *found.bytes));
  found.info = file_info(key, *found.bytes, object);
  found.info.version = version_id(row.sequence, row.is_null);
  found.content_version = record.content_version;
  return found;
}

/// What holds the key still: the entries of the deepest directory on its way, shared.
class KeyLock {
 public:
  KeyLock(Namespace& names, const ObjectKey& key) : names_(names), key_(key) {}
  ~KeyLock() {
    if (locked_) locked_->entries.unlock_shared();
  }
  KeyLock(const KeyLock&) = delete;
  KeyLock& operator=(const KeyLock&) = delete;

  /// False: a directory came or went. @pre the gate is held
  Result<bool> lock(std::string_view bucket) NO_THREAD_SAFETY_ANALYSIS {
    COFFER_ASSIGN(place_, walk(names_, bucket, key_));
    locked_ = place_.parent();
    locked_->entries.lock_shared();
    {
      SharedLock alive(locked_->mutex);
      if (locked_->reclaimed || locked_->record.attributes.nlink == 0) return false;
    }
    if (place_.complete(key_)) {
      COFFER_ASSIGN(slots_, names_.slots(*locked_, key_.name, Namespace::Held::Yes));
      return true;
    }
    COFFER_ASSIGN(const NameSlots next,
                  names_.slots(*locked_, key_.directories[place_.reached()], Namespace::Held::Yes));
    return !next.directory;
  }
  [[nodiscard]] InodeId bucket() const { return place_.chain.front()->id; }
  [[nodiscard]] const NameSlots& slots() const { return slots_; }

 private:
  Namespace& names_;
  const ObjectKey& key_;
  ObjectPlace place_;
  InodeRef locked_;
  NameSlots slots_;
};

/// What is found with the key held still.
template <typename Look>
auto look_at(Namespace& names, std::string_view bucket, std::string_view key, const Look& look)
    -> decltype(look(std::declval<const KeyLock&>(), std::declval<const ObjectKey&>())) {
  COFFER_ASSIGN(const ObjectKey parsed, parse_object_key(key));
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    PathLock gate(names.gate());
    KeyLock held(names, parsed);
    COFFER_ASSIGN(const bool still, held.lock(bucket));
    if (still) return look(held, parsed);
  }
  return fail(Errc::Busy, "the directories of a key kept changing");
}

}  // namespace

Result<FoundObject> find_version(Namespace& names, std::string_view bucket, std::string_view key,
                                 std::string_view version, KeepBytes keep) {
  if (version.empty()) return find_object(names, bucket, key, keep);
  const auto look = [&](const KeyLock& held, const ObjectKey& parsed) -> Result<FoundObject> {
    auto found = read_object(names, key, parsed.is_directory, held.slots());
    const bool is_current = found && found->info.version == version;
    if (!found && found.error().code != Errc::NotFound && found.error().code != Errc::NotDirectory)
      return fail(std::move(found).error());
    if (!is_current) {
      COFFER_ASSIGN(const auto row, version_of_id(*names.deps().meta, held.bucket(), key, version));
      if (!row || row->marker) return fail(Errc::NotFound, "no such version");
      found = read_row(names, key, *row);
      if (!found) return found;
    }
    if (keep == KeepBytes::Yes && found->bytes) {
      ExclusiveLock lock(found->bytes->mutex);
      names.deps().inodes->add_reader(*found->bytes);
    }
    return found;
  };
  return look_at(names, bucket, key, look);
}

Result<std::optional<DeleteMarker>> ObjectService::delete_marker(std::string_view bucket,
                                                                 std::string_view key,
                                                                 std::string_view version) {
  using Answer = Result<std::optional<DeleteMarker>>;
  const auto look = [&](const KeyLock& held, const ObjectKey& parsed) -> Answer {
    MetaStore& meta = *deps().meta;
    const auto current = read_object(names_, key, parsed.is_directory, held.slots());
    if (version.empty() && current) return std::optional<DeleteMarker>{};
    COFFER_ASSIGN(const auto row, version.empty()
                                      ? newest_version(meta, held.bucket(), key)
                                      : version_of_id(meta, held.bucket(), key, version));
    if (!row || !row->marker) return std::optional<DeleteMarker>{};
    return std::optional<DeleteMarker>(
        DeleteMarker{version_id(row->sequence, row->is_null), row->since});
  };
  return look_at(names_, bucket, key, look);
}

namespace {

/// The keys of a bucket with all their versions: current ones by the walk over entries, the others by their rows.
class VersionWalk {
 public:
  VersionWalk(Namespace& names, InodeId bucket) : names_(names), bucket_(bucket) {
    const std::string all = keys::version_prefix(bucket);
    // Of one moment, where nothing is committed between the two; else what is in both is shown once.
    for (int turn = 0; turn < kMomentsMax; ++turn) {
      const CommitPosition before = names.deps().meta->committed();
      rows_ = names.deps().meta->cursor(all, keys::prefix_end(all));
      walker_.emplace(names, bucket);
      if (names.deps().meta->committed() == before) break;
    }
  }

  Result<void> seek(const std::string& from) {
    std::string row = keys::version_key_prefix(bucket_, from);
    row.resize(row.size() - 2);  // without the end of the key: longer keys too
    rows_->seek(row);
    COFFER_ASSIGN(item_, walker_->seek(from));
    return read_row_key();
  }

  /// The next key that has anything, or nothing.
  [[nodiscard]] std::optional<std::string> key() const {
    if (!item_ && !row_) return std::nullopt;
    if (!item_) return row_->key;
    return row_ ? std::min(item_->key, row_->key) : item_->key;
  }

  /// Everything of that key, the newest first; stands at the next key then.
  Result<std::vector<VersionEntry>> take(const std::string& key) {
    std::vector<VersionEntry> entries;
    if (item_ && item_->key == key) {
      COFFER_ASSIGN(auto current, current_of(*item_));
      if (current) entries.push_back({std::move(*current), true, false, {}});
      COFFER_ASSIGN(item_, walker_->next());
    }
    bool first = entries.empty();
    for (; row_ && row_->key == key; first = false) {
      COFFER_ASSIGN(const VersionRow row, decode_version(row_->sequence, rows_->value()));
      COFFER_ASSIGN(auto entry, entry_of(key, row));
      const bool twice = !entries.empty() && entry && !first &&
                         entries.front().info.version == entry->info.version;
      if (entry && !twice) {
        entry->latest = first;
        entries.push_back(std::move(*entry));
      }
      rows_->next();
      COFFER_TRY(read_row_key());
    }
    return entries;
  }

 private:
  Result<void> read_row_key() {
    row_.reset();
    if (!rows_->valid()) return rows_->status();
    row_ = parse_version_key(rows_->key());
    if (!row_) return fail(Errc::Corrupt, "version row's key");
    return {};
  }

  Result<std::optional<ObjectInfo>> current_of(const KeyWalker::Item& item) {
    if (item.is_directory && shows_through_its_keys(names_, item.inode))
      return std::optional<ObjectInfo>{};
    return listed_object(names_, bucket_, item);
  }

  Result<std::optional<VersionEntry>> entry_of(const std::string& key, const VersionRow& row) {
    VersionEntry entry;
    entry.noncurrent_since = row.since;
    if (row.marker) {
      entry.marker = true;
      entry.info.key = key;
      entry.info.modified = row.since;
      entry.info.version = version_id(row.sequence, row.is_null);
      entry.info.metadata.properties = row.properties;
      return std::optional<VersionEntry>(std::move(entry));
    }
    auto found = read_row(names_, key, row);
    if (!found && found.error().code == Errc::Stale)
      return std::optional<VersionEntry>{};  // removed since
    if (!found) return fail(std::move(found).error());
    entry.info = std::move(found->info);
    return std::optional<VersionEntry>(std::move(entry));
  }

  Namespace& names_;
  const InodeId bucket_;
  std::unique_ptr<MetaCursor> rows_;
  std::optional<KeyWalker> walker_;
  std::optional<KeyWalker::Item> item_;
  std::optional<VersionKey> row_;
};

/// Leaves out what is not behind the marker's version; that one may be gone.
void drop_before(std::vector<VersionEntry>& entries, const std::string& version) {
  std::size_t behind = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].info.version == version) behind = i + 1;
  }
  if (const auto sequence = sequence_of(version); behind == 0 && sequence) {
    while (behind < entries.size()) {
      const auto at = sequence_of(entries[behind].info.version);
      if (at && *at < *sequence) break;
      ++behind;
    }
  } else if (behind == 0) {
    behind = entries.size();
  }
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(behind));
}

}  // namespace

Result<VersionPage> ObjectService::list_versions(std::string_view bucket,
                                                 const VersionListRequest& request) {
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  VersionPage page;
  ListRequest where{request.prefix, request.delimiter, request.key_marker, request.max_entries};
  const bool within = !request.version_marker.empty() && request.key_marker >= request.prefix;
  const auto first = within ? std::optional(request.key_marker) : first_key(where);
  if (!first || request.max_entries == 0) return page;
  VersionWalk walk(names_, directory->id);
  COFFER_TRY(walk.seek(*first));
  std::size_t count = 0;
  const auto full = [&] { return count == request.max_entries; };
  for (auto key = walk.key(); key && key->starts_with(request.prefix); key = walk.key()) {
    if (auto prefix = common_prefix(where, *key)) {
      if (full()) {
        page.truncated = true;
        return page;
      }
      const std::string behind = keys::prefix_end(*prefix);
      page.next_key = *prefix;
      page.next_version.clear();
      page.common_prefixes.push_back(std::move(*prefix));
      ++count;
      if (behind.empty()) break;
      COFFER_TRY(walk.seek(behind));
      continue;
    }
    COFFER_ASSIGN(std::vector<VersionEntry> entries, walk.take(*key));
    if (within && *key == request.key_marker) drop_before(entries, request.version_marker);
    for (VersionEntry& entry : entries) {
      if (full()) {
        page.truncated = true;
        return page;
      }
      page.next_key = *key;
      page.next_version = entry.info.version;
      keep_what_lists(entry.info.metadata, entry.info.etag);
      page.entries.push_back(std::move(entry));
      ++count;
    }
  }
  page.next_key.clear();
  page.next_version.clear();
  return page;
}

}  // namespace coffer
