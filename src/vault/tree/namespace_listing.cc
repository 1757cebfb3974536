// Namespace: listings of small directories, from memory where they did not change.

#include "vault/tree/keys.h"
#include "vault/tree/namespace.h"

namespace coffer {

Result<std::shared_ptr<const Listing>> Namespace::listing(Inode& directory) {
  if (auto known = listings_.get(directory.id)) return *std::move(known);
  {
    SharedLock lock(directory.mutex);
    if (directory.record.attributes.size > Listing::kEntriesMax)
      return std::shared_ptr<const Listing>();
  }
  // Under the lock, so that what is remembered cannot be older than a change that erased it.
  SharedLock lock(directory.entries);
  COFFER_ASSIGN(auto listing, read_listing(directory));
  if (listing) listings_.put(directory.id, listing, listing->memory_bytes());
  return listing;
}

Result<std::shared_ptr<const Listing>> Namespace::read_listing(Inode& directory) {
  bool twins = false;
  {
    SharedLock lock(directory.mutex);
    twins = directory.record.has(InodeRecord::kTwins);
  }
  auto listing = std::make_shared<Listing>();
  const std::string prefix = keys::directory_index_prefix(directory.id);
  auto rows = deps_.meta->cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) {
    if (listing->size() == Listing::kEntriesMax) return std::shared_ptr<const Listing>();
    COFFER_ASSIGN(const IndexedEntry entry, decode_indexed_entry(rows->value()));
    const bool is_directory = entry.type == FileType::Directory;
    bool beside = false;
    if (twins && !is_directory) {
      COFFER_ASSIGN(const NameSlots found, slots(directory, entry.stored_name, Held::Yes));
      beside = found.directory.has_value();
    }
    listing->add(visible_name(entry.stored_name, is_directory, beside), entry.inode, entry.type,
                 keys::second_number_of(rows->key()));
  }
  COFFER_TRY(rows->status());
  return std::shared_ptr<const Listing>(std::move(listing));
}

}  // namespace coffer
