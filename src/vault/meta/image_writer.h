#pragma once
/// ImageWriter: makes fresh mirror directories that hold an image.
///
/// Format    docs/format.md §4.4. Frame files are sealed once, under new uids, and written to every target; tables are
///           hard-linked where the target's volume has them, and copied, every block verified, where it has not.
/// Durable   all of it when write() returned.
/// Threads   one.

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
  Result<void> write_target(const MirrorDirectory& target, const Sealed& files) const;
  Result<void> place_table(const MirrorDirectory& target, const std::string& name) const;
  FrameInfo frame_info(std::uint64_t position, std::uint32_t commits) const;

  const SealingContext context_;
  MirrorSet& sources_;
  const ImageContent& image_;
};

}  // namespace coffer::meta
