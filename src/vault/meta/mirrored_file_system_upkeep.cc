// MirroredFileSystem: copies for a mirror that joins, and the look at all copies.
#include <algorithm>

#include "coffer/core/log.h"
#include "vault/meta/block_file.h"
#include "vault/meta/frame_file.h"
#include "vault/meta/mirrored_file_system.h"
#include "vault/volume/volume.h"

namespace coffer::meta {
namespace {

constexpr ByteCount kFrameFileBytesMax(std::uint64_t{4} << 30);

/// A log or manifest as it lies on a mirror that gives all of its frames, to `path` on another one.
Result<void> copy_frames(const SealingContext& sealing, MirrorSet& mirrors, const std::string& name,
                         std::size_t mirror, const std::string& path) {
  COFFER_ASSIGN(const FrameFile file, load_frame_file(sealing, mirrors, name));
  for (std::size_t from = 0; from < file.frames_alone.size(); ++from) {
    if (!mirrors.good(from) || file.frames_alone[from] != file.frames.size()) continue;
    COFFER_ASSIGN(const std::string bytes,
                  read_file(mirrors.files(from), mirrors.path(from, name), kFrameFileBytesMax));
    COFFER_ASSIGN(const auto copy, mirrors.files(mirror).create(path, FileArea::Create::Truncate));
    COFFER_TRY(copy->append(as_bytes(bytes)));
    return copy->sync();
  }
  return fail(Errc::Corrupt, "no mirror has all of a metadata log");
}

}  // namespace

Result<void> MirroredFileSystem::write_copy(const std::string& name, std::size_t mirror,
                                            const std::string& path) {
  if (is_framed(classify_name(name).kind))
    return copy_frames(deps_.sealing, *deps_.mirrors, name, mirror, path);
  COFFER_ASSIGN(const auto file, BlockFile::open(deps_.sealing, *deps_.mirrors, name));
  return file->copy_to(deps_.mirrors->files(mirror), path);
}

Result<void> MirroredFileSystem::mend(const std::string& name, std::size_t mirror) {
  FileArea& files = deps_.mirrors->files(mirror);
  const std::string path = deps_.mirrors->path(mirror, name);
  auto mended = write_copy(name, mirror, path + ".new");
  if (mended) mended = files.rename(path + ".new", path);
  if (!mended) {
    static_cast<void>(files.remove(path + ".new"));
    return mended;
  }
  return files.sync_directory(deps_.mirrors->directory(mirror));
}

/// What cannot be made anew file by file is, where others have it, with a new mirror. Not where there is merely no room.
void MirroredFileSystem::repair_copy(const std::string& name, std::size_t mirror,
                                     MetadataCheck& check) {
  const MirrorSet& mirrors = *deps_.mirrors;
  if (outputs_.bytes_of(name)) {
    // A twin has no volume of its own to leave.
    if (mirrors.twin(mirror))
      check.unrepaired.push_back(check.bad.back() + "; the next opening makes it anew");
    else
      check.broken.insert(mirrors.where(mirror).member_index);
    return;
  }
  const auto mended = mend(name, mirror);
  if (mended) return;
  log_warning("{}: {}", check.bad.back(), mended.error().context);
  if (mended.error().code == Errc::NoSpace)
    check.unrepaired.push_back(check.bad.back() + ", and there is no room to make it anew");
  else
    check.broken.insert(mirrors.where(mirror).member_index);
}

Result<void> MirroredFileSystem::verify_file(const std::string& name, MetadataRepair repair,
                                             MetadataCheck& check) {
  MirrorSet& mirrors = *deps_.mirrors;
  std::vector<bool> sound(mirrors.size(), false);
  const auto being_written = outputs_.bytes_of(name);
  if (being_written && *being_written <= SealedIdentity::kHeaderBytes) return {};
  if (is_framed(classify_name(name).kind)) {
    COFFER_ASSIGN(const FrameFile file, load_frame_file(deps_.sealing, mirrors, name,
                                                        being_written.value_or(UINT64_MAX)));
    for (std::size_t i = 0; i < std::min(sound.size(), file.frames_alone.size()); ++i)
      sound[i] =
          file.frames_alone[i] == file.frames.size() || (mirrors.twin(i) && file.ends_early[i]);
  } else if (being_written) {
    return {};
  } else {
    COFFER_ASSIGN(const auto file, BlockFile::open(deps_.sealing, mirrors, name));
    for (std::size_t i = 0; i < sound.size(); ++i)
      sound[i] = mirrors.good(i) && file->verify(i).has_value();
  }
  for (std::size_t i = 0; i < sound.size(); ++i) {
    if (!mirrors.good(i)) continue;
    ++check.files;
    if (sound[i]) continue;
    check.bad.push_back("metadata file " + name + " on volume " +
                        std::to_string(mirrors.where(i).member_index) + " does not verify");
    if (repair == MetadataRepair::Look)
      check.unrepaired.push_back(check.bad.back());
    else
      repair_copy(name, i, check);
  }
  return {};
}

MetadataCheck MirroredFileSystem::verify(MetadataRepair repair) {
  MetadataCheck check;
  for (const std::string& name : catalog_.names()) {
    const auto verified = verify_file(name, repair, check);
    // One that was closed, or deleted, meanwhile is looked at once more, or not at all.
    if (verified || !catalog_.find(name) || verify_file(name, repair, check)) continue;
    check.unrepaired.push_back("metadata file " + name +
                               " does not verify on any volume: " + verified.error().context);
  }
  return check;
}

Result<void> MirroredFileSystem::copy_closed(const std::string& name, std::size_t mirror) {
  MirrorSet& mirrors = *deps_.mirrors;
  FileArea& files = mirrors.files(mirror);
  const std::string path = mirrors.path(mirror, name);
  if (files.open(path)) return {};  // made since the mirror joins: it has all of it
  auto copied = write_copy(name, mirror, path);
  if (catalog_.find(name)) return copied;
  static_cast<void>(files.remove(path));  // deleted meanwhile
  return {};
}

Result<void> MirroredFileSystem::fill(std::size_t mirror) {
  MirrorSet& mirrors = *deps_.mirrors;
  COFFER_ASSIGN(const std::set<std::string> open, outputs_.join(mirror));
  for (const std::string& name : catalog_.names()) {
    if (!open.contains(name)) COFFER_TRY(copy_closed(name, mirror));
  }
  COFFER_TRY(mirrors.files(mirror).sync_directory(mirrors.directory(mirror)));
  return mirrors.files(mirror).sync_directory("");
}

}  // namespace coffer::meta
