#pragma once
/// MetaImage: what the named mirrors hold after a crash, read without writing to them (docs/architecture.md, "Opening").
///
///   inspect()  reads every mirror: CURRENT, MANIFEST, WALs: headers, chained frames. Picks the best verified one: the one
///              that reaches the highest position with every file that its MANIFEST names present.
///   tail()     the chosen mirror's contiguous authentic frames beyond synced_upto, oldest first.
///   cut()      forgets tail frames from an index on.
///   establish()  writes fresh `meta.<uid>/` directories that hold exactly the image (tables hard-linked on the same
///              volume and copied elsewhere, frame files sealed again under new uids), all synced. The caller
///              then names them in the superblocks by a raised epoch, and removes what is no longer named.
///
/// A hole or a failed frame below synced_upto on all mirrors is damage: damaged() is true, and only Mode::ReadOnly
/// may be opened (on best()).

#include <memory>
#include <vector>

#include "vault/meta/meta_store.h"

namespace coffer {

struct MetaTailFrame {
  CommitPosition position;
  std::vector<Reference> needs;
};

class MetaImage {
 public:
  static Result<std::unique_ptr<MetaImage>> inspect(const MetaStoreDeps& deps,
                                                    std::vector<MirrorDirectory> mirrors);
  ~MetaImage();

  [[nodiscard]] const std::vector<MetaTailFrame>& tail() const;
  void cut(std::size_t first_dropped);
  [[nodiscard]] bool damaged() const;
  [[nodiscard]] const MirrorDirectory& best() const;
  /// The boot-id under which the newest WAL was begun: differs from the present one after a power loss.
  [[nodiscard]] Uuid boot() const;
  [[nodiscard]] CommitPosition last_position() const;

  /// `targets` name volumes and fresh directory uids.
  Result<void> establish(const std::vector<MirrorDirectory>& targets);

 private:
  struct Impl;
  explicit MetaImage(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Removes a `meta.<uid>/` directory with all it holds; fine if absent.
Result<void> remove_meta_directory(FileArea& files, DirectoryUid directory);

}  // namespace coffer
