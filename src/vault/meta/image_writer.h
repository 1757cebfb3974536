#pragma once
/// ImageWriter: makes fresh mirror directories that hold an image.
///
/// Format    docs/format.md §4.4. Frame files are sealed once, under new uids, and written to every target; tables are
///           hard-linked where the target's volume has them, and copied, every block verified, where it has not. A twin's
///           tables are linked to those of the twin before: never do the two of one volume share a file.
/// Durable   all of it when write() returned.
/// Threads   one.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vault/meta/image_reader.h"

namespace coffer::meta {

class ImageWriter {
 public:
  ImageWriter(SealingContext context, MirrorSet& sources, const ImageContent& image)
      : context_(context), sources_(sources), image_(image) {}

  Result<void> write(const std::vector<MirrorDirectory>& targets);

 private:
  using Sealed = std::vector<std::pair<std::string, std::string>>;  // name, content

  Result<std::string> seal_small(const std::string& name, std::string_view plain) const;
  Result<std::string> seal_manifest() const;
  Result<std::string> seal_log(const ImageLog& log) const;
  Result<Sealed> seal_all() const;
  /// `rank`: how many of the targets before it are on the same volume.
  Result<void> write_target(const MirrorDirectory& target, std::size_t rank,
                            const Sealed& files) const;
  Result<void> place_table(const MirrorDirectory& target, std::size_t rank,
                           const std::string& name) const;
  [[nodiscard]] std::optional<std::size_t> source_on(const FileArea* files, std::size_t rank) const;
  FrameInfo frame_info(std::uint64_t position, std::uint32_t commits) const;

  const SealingContext context_;
  MirrorSet& sources_;
  const ImageContent& image_;
};

}  // namespace coffer::meta
