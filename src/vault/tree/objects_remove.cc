// ObjectService: DELETE. Takes along the directories that exist only because of the key, up to the bucket, in the same batch.

#include "vault/tree/locked_chain.h"
#include "vault/tree/object_placement.h"
#include "vault/tree/object_service.h"
#include "vault/tree/version_remove.h"
#include "vault/tree/version_rows.h"

namespace coffer {
namespace {

constexpr int kTurnsMax = 1000;

class Removal {
 public:
  Removal(Namespace& names, const RemoveRequest& request, const ObjectKey& parsed)
      : request_(request), parsed_(parsed), chain_(names, parsed), names_(names) {}

  /// Whether the key was there; nothing: look again. @pre the gate is held
  Result<std::optional<Removed>> run(const InodeRef& bucket, Aftermath& after) {
    COFFER_TRY(chain_.walk(bucket));
    if (!chain_.complete()) return absent();
    const std::size_t first = chain_.first_that_stays();
    COFFER_ASSIGN(const bool same, chain_.lock(first));
    if (!same) return std::optional<Removed>{};
    COFFER_ASSIGN(const bool there, look_at_present());
    if (!there) return absent();
    COFFER_TRY(change(first, after));
    return std::optional<Removed>(Removed{true, false, {}});
  }

 private:
  Result<std::optional<Removed>> absent() {
    COFFER_TRY(check_conditions(request_.conditions, nullptr));
    return std::optional<Removed>(Removed{});
  }

  Result<bool> look_at_present() {
    auto object = read_object(names_, request_.key, parsed_.is_directory, chain_.slots());
    if (!object && object.error().code == Errc::NotFound) return false;
    if (!object) return fail(std::move(object).error());
    bytes_ = std::move(object->bytes);
    COFFER_TRY(check_conditions(request_.conditions, &object->info));
    return true;
  }

  Result<void> change(std::size_t first, Aftermath& after) {
    std::vector<InodeRef> concerned = chain_.from(first);
    concerned.push_back(bytes_);
    TreeChange change(names_);
    COFFER_TRY(change.lock(std::move(concerned)));
    if (parsed_.is_directory)
      COFFER_TRY(take_marker(change, *chain_.last()));
    else
      COFFER_TRY(chain_.set_file(change, std::nullopt, after));
    if (bytes_) COFFER_TRY(change.drop_link(*bytes_));
    COFFER_TRY(chain_.prune(change, first, after));
    COFFER_TRY(change.commit(after));
    if (bytes_ && bytes_->record.attributes.nlink > 0) {
      after.changes.push_back({Door::Gateway, Change::Kind::InodeChanged, {}, {}, bytes_->id});
    }
    return {};
  }

  const RemoveRequest& request_;
  const ObjectKey& parsed_;
  LockedChain chain_;
  Namespace& names_;
  InodeRef bytes_;
};

}  // namespace

Result<Removed> ObjectService::remove(const RemoveRequest& request, Durability durability) {
  COFFER_ASSIGN(const ObjectKey parsed, parse_object_key(request.key));
  const auto attempt = [&](Aftermath& after) -> Result<std::optional<Removed>> {
    PathLock gate(names_.gate());
    COFFER_ASSIGN(const InodeRef bucket, bucket_directory(names_, request.bucket));
    const InodeId let_in = request.conditions.if_bucket.value_or(bucket->id);
    if (bucket->id != let_in) return fail(Errc::NotFound, "no such bucket");
    const Versioning state = names_.versions().state(bucket->id);
    if (state != Versioning::Off) return remove_version(names_, bucket, state, request, after);
    if (request.version.empty() || request.version == kNullVersion)
      return Removal(names_, request, parsed).run(bucket, after);
    if (!sequence_of(request.version)) return fail(Errc::InvalidArgument, "no version id");
    return std::optional<Removed>(Removed{false, false, std::string(request.version)});
  };
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    Aftermath after;
    auto removed = attempt(after);
    if (!removed) return fail(std::move(removed).error());
    if (!*removed) continue;
    finish(names_, after);
    if ((*removed)->was_there || (*removed)->marker) COFFER_TRY(reach(names_, durability));
    return **std::move(removed);
  }
  return fail(Errc::Busy, "the directories of a key kept changing");
}

}  // namespace coffer
