// ObjectService: DELETE. Takes along the directories that exist only because of the key, up to the bucket, in the same batch.

#include "vault/tree/directory_body.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_placement.h"
#include "vault/tree/object_service.h"

namespace coffer {
namespace {

constexpr int kTurnsMax = 1000;

class Removal {
 public:
  Removal(Namespace& names, std::string_view bucket, std::string_view key, const ObjectKey& parsed,
          const WriteConditions& conditions)
      : names_(names), bucket_(bucket), key_(key), parsed_(parsed), conditions_(conditions) {}
  ~Removal() {
    for (auto inode = locked_.rbegin(); inode != locked_.rend(); ++inode)
      (*inode)->entries.unlock();
  }
  Removal(const Removal&) = delete;
  Removal& operator=(const Removal&) = delete;

  /// Whether the key was there; nothing: look again. @pre the gate is held
  Result<std::optional<bool>> run(Aftermath& after) {
    COFFER_ASSIGN(place_, walk(names_, bucket_, parsed_));
    if (conditions_.if_bucket && place_.chain.front()->id != *conditions_.if_bucket)
      return fail(Errc::NotFound, "no such bucket");
    if (!place_.complete(parsed_)) return absent();
    if (parsed_.is_directory) {
      COFFER_ASSIGN(const NameSlots slots,
                    names_.slots(*place_.parent(), parsed_.name, Namespace::Held::No));
      if (!slots.directory) return absent();
      auto directory = names_.directory(slots.directory->inode);
      if (!directory && directory.error().code == Errc::NotFound) return absent();
      if (!directory) return fail(std::move(directory).error());
      place_.chain.push_back(*std::move(directory));
    }
    const std::size_t first = first_that_stays();
    // Ancestors first; none of them moves while the gate is held.
    for (std::size_t i = std::min(first, lowest_lock()); i < place_.chain.size(); ++i) {
      place_.chain[i]->entries.lock();
      locked_.push_back(place_.chain[i]);
    }
    COFFER_ASSIGN(const bool same, still_linked());
    if (!same || first_that_stays() != first) return std::optional<bool>{};
    COFFER_ASSIGN(const bool there, look_at_present());
    if (!there) return absent();
    COFFER_TRY(change(first, after));
    return std::optional<bool>(true);
  }

 private:
  Result<std::optional<bool>> absent() {
    COFFER_TRY(check_conditions(conditions_, nullptr));
    return std::optional<bool>(false);
  }

  /// The marker of `k/` is guarded by the entries of its parent.
  [[nodiscard]] std::size_t lowest_lock() const {
    return parsed_.is_directory ? place_.chain.size() - 2 : place_.chain.size() - 1;
  }

  /// The deepest directory of the chain that is not left empty, or is kept though it is.
  [[nodiscard]] std::size_t first_that_stays() const {
    std::size_t last = place_.chain.size() - 1;
    for (std::size_t i = last; i > 0; --i) {
      const bool goes_itself = parsed_.is_directory && i == last;
      const Inode& directory = *place_.chain[i];
      SharedLock lock(directory.mutex);
      const bool empties = directory.record.attributes.size == (goes_itself ? 0U : 1U);
      const bool marked = directory.record.has(InodeRecord::kMarker) && !goes_itself;
      if (!empties || marked) return i;
    }
    return 0;
  }

  [[nodiscard]] const std::string& name_of(std::size_t i) const {
    return i - 1 < parsed_.directories.size() ? parsed_.directories[i - 1] : parsed_.name;
  }

  Result<bool> still_linked() {
    for (const InodeRef& directory : locked_) {
      SharedLock lock(directory->mutex);
      if (directory->reclaimed || directory->record.attributes.nlink == 0) return false;
    }
    const std::size_t offset = place_.chain.size() - locked_.size();
    slots_.assign(place_.chain.size(), {});
    for (std::size_t i = offset + 1; i < place_.chain.size(); ++i) {
      COFFER_ASSIGN(slots_[i],
                    names_.slots(*place_.chain[i - 1], name_of(i), Namespace::Held::Yes));
      if (!slots_[i].directory || slots_[i].directory->inode != place_.chain[i]->id) return false;
    }
    return true;
  }

  Result<bool> look_at_present() {
    if (!parsed_.is_directory) {
      COFFER_ASSIGN(file_slots_,
                    names_.slots(*place_.parent(), parsed_.name, Namespace::Held::Yes));
    }
    auto object = read_object(names_, key_, parsed_.is_directory,
                              parsed_.is_directory ? slots_.back() : file_slots_);
    if (!object && object.error().code == Errc::NotFound) return false;
    if (!object) return fail(std::move(object).error());
    bytes_ = std::move(object->bytes);
    COFFER_TRY(check_conditions(conditions_, &object->info));
    return true;
  }

  Result<void> change(std::size_t first, Aftermath& after) {
    std::vector<InodeRef> concerned(place_.chain.begin() + static_cast<std::ptrdiff_t>(first),
                                    place_.chain.end());
    concerned.push_back(bytes_);
    TreeChange change(names_);
    COFFER_TRY(change.lock(std::move(concerned)));
    const auto set = [&](std::size_t parent, const std::string& name, NameSlots& slots,
                         bool directory) {
      const NameSlots before = slots;
      auto done = change.set_entry(*place_.chain[parent], name, slots, directory, std::nullopt);
      describe(after.changes, Door::Gateway, place_.chain[parent]->id, name, before, slots, {});
      return done;
    };
    const std::size_t last = place_.chain.size() - 1;
    if (parsed_.is_directory) {
      Inode& directory = *place_.chain[last];
      if (directory.record.protection().any()) return fail(Errc::Permission, "protected");
      directory.record.flags &=
          static_cast<std::uint16_t>(~(InodeRecord::kMarker | InodeRecord::kHasObject));
      if (directory.record.has(InodeRecord::kHasParts)) {
        directory.record.flags &= static_cast<std::uint16_t>(~InodeRecord::kHasParts);
        change.batch().remove(keys::object_parts(directory.id));
      }
      directory.record.attributes.ctime = change.now();
      change.batch().remove(keys::object(directory.id));
    } else {
      COFFER_TRY(set(last, parsed_.name, file_slots_, false));
    }
    if (bytes_) COFFER_TRY(change.drop_link(*bytes_));
    for (std::size_t i = last; i > first; --i) {
      COFFER_TRY(set(i - 1, name_of(i), slots_[i], true));
      COFFER_TRY(change.drop_link(*place_.chain[i]));
    }
    COFFER_TRY(change.commit(after));
    if (bytes_ && bytes_->record.attributes.nlink > 0) {
      after.changes.push_back({Door::Gateway, Change::Kind::InodeChanged, {}, {}, bytes_->id});
    }
    return {};
  }

  Namespace& names_;
  const std::string_view bucket_, key_;
  const ObjectKey& parsed_;
  const WriteConditions& conditions_;
  ObjectPlace place_;             // chain: bucket … parent, and `k` itself for `k/`
  std::vector<InodeRef> locked_;  // the end of the chain
  std::vector<NameSlots> slots_;  // by chain index: what stands under the name of that directory
  NameSlots file_slots_;
  InodeRef bytes_;
};

}  // namespace

Result<bool> ObjectService::remove(std::string_view bucket, std::string_view key,
                                   const WriteConditions& conditions, Durability durability) {
  COFFER_ASSIGN(const ObjectKey parsed, parse_object_key(key));
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    Aftermath after;
    auto removed = [&] {
      PathLock gate(names_.gate());
      return Removal(names_, bucket, key, parsed, conditions).run(after);
    }();
    if (!removed) return fail(std::move(removed).error());
    if (!*removed) continue;
    finish(names_, after);
    if (**removed) {
      COFFER_TRY(reach(names_, durability));
    }
    return **removed;
  }
  return fail(Errc::Busy, "the directories of a key kept changing");
}

}  // namespace coffer
