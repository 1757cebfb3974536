#include "vault/meta/image_writer.h"

#include <algorithm>

#include "vault/meta/block_file.h"
#include "vault/volume/volume.h"

namespace coffer::meta {
namespace {

Result<void> write_synced(FileArea& files, const std::string& path, std::string_view content) {
  COFFER_ASSIGN(const auto file, files.create(path, FileArea::Create::Exclusive));
  COFFER_TRY(file->append(as_bytes(content)));
  return file->sync();
}

}  // namespace

// Everything in a fresh directory is synced before anybody trusts it, so its frames say so.
FrameInfo ImageWriter::frame_info(std::uint64_t position, std::uint32_t commits) const {
  return {.position = position,
          .commits = commits,
          .synced_upto = image_.position,
          .peer_number = 0,
          .peer_frames = 0};
}

Result<std::string> ImageWriter::seal_small(const std::string& name, std::string_view plain) const {
  const SealedIdentity identity = SealedIdentity::create(context_, classify_name(name));
  std::string sealed = identity.header();
  BlockSealer sealer(identity);
  COFFER_TRY(sealer.append(as_bytes(plain), sealed));
  COFFER_TRY(sealer.finish(sealed));
  return sealed;
}

Result<std::string> ImageWriter::seal_manifest() const {
  constexpr std::size_t kFrameBytes = std::size_t{1} << 20;
  const SealedIdentity identity =
      SealedIdentity::create(context_, {SealedKind::Manifest, image_.manifest_number});
  std::string sealed = identity.header();
  FrameSealer sealer(identity);
  const FrameInfo info = frame_info(image_.position, 0);
  COFFER_TRY(sealer.seal(info, {}, {}, sealed));
  const std::string_view plain = image_.manifest_plain;
  for (std::size_t at = 0; at < plain.size(); at += kFrameBytes) {
    COFFER_TRY(sealer.seal(info, {}, plain.substr(at, kFrameBytes), sealed));
  }
  return sealed;
}

Result<std::string> ImageWriter::seal_log(const ImageLog& log) const {
  const SealedIdentity identity = SealedIdentity::create(context_, {SealedKind::Log, log.number});
  std::string sealed = identity.header();
  FrameSealer sealer(identity);
  for (const Frame& frame : log.file.frames) {
    COFFER_TRY(sealer.seal(frame_info(frame.info.position, frame.info.commits), frame.needs,
                           frame.plain, sealed));
  }
  return sealed;
}

Result<ImageWriter::Sealed> ImageWriter::seal_all() const {
  Sealed files;
  for (const ImageLog& log : image_.logs) {
    COFFER_ASSIGN(std::string sealed, seal_log(log));
    files.emplace_back(log_name(log.number), std::move(sealed));
  }
  const std::string manifest = manifest_name(image_.manifest_number);
  COFFER_ASSIGN(std::string sealed, seal_manifest());
  files.emplace_back(manifest, std::move(sealed));
  COFFER_ASSIGN(sealed, seal_small("CURRENT", manifest + "\n"));
  files.emplace_back("CURRENT", std::move(sealed));
  return files;
}

Result<void> ImageWriter::write(const std::vector<MirrorDirectory>& targets) {
  if (image_.damaged) return fail(Errc::Corrupt, "a damaged metadata image is not written again");
  COFFER_ASSIGN(const Sealed files, seal_all());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto rank = static_cast<std::size_t>(
        std::count_if(targets.begin(), targets.begin() + static_cast<std::ptrdiff_t>(i),
                      [&](const MirrorDirectory& t) { return t.files == targets[i].files; }));
    if (auto written = write_target(targets[i], rank, files); !written) {
      return fail_in("write a metadata mirror", std::move(written).error());
    }
  }
  return {};
}

Result<void> ImageWriter::write_target(const MirrorDirectory& target, std::size_t rank,
                                       const Sealed& files) const {
  const std::string directory = meta_directory_path(target.directory);
  COFFER_TRY(target.files->make_directory(directory));
  for (const auto& [number, bytes] : image_.manifest.tables)
    COFFER_TRY(place_table(target, rank, table_name(number)));
  for (const auto& [name, content] : files) {
    COFFER_TRY(write_synced(*target.files, directory + "/" + name, content));
  }
  COFFER_TRY(target.files->sync_directory(directory));
  return target.files->sync_directory("");
}

std::optional<std::size_t> ImageWriter::source_on(const FileArea* files, std::size_t rank) const {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (&sources_.files(i) == files && rank-- == 0) return i;
  }
  return std::nullopt;
}

Result<void> ImageWriter::place_table(const MirrorDirectory& target, std::size_t rank,
                                      const std::string& name) const {
  const std::string path = meta_directory_path(target.directory) + "/" + name;
  COFFER_ASSIGN(const auto table, BlockFile::open(context_, sources_, name));
  const auto source = source_on(target.files, rank);
  if (source && table->present()[*source]) {
    const auto link = [&]() -> Result<void> {
      COFFER_TRY(target.files->link(sources_.path(*source, name), path));
      COFFER_ASSIGN(const auto linked, target.files->open(path));
      return linked->sync();
    };
    if (link()) return {};
    static_cast<void>(
        target.files->remove(path));  // a file that cannot be synced: make another one
  }
  return table->copy_to(*target.files, path);
}

}  // namespace coffer::meta
