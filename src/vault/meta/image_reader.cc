#include "vault/meta/image_reader.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "vault/meta/block_file.h"
#include "vault/volume/volume.h"

namespace coffer::meta {
namespace {

enum Score : std::size_t { kCurrent, kTables, kManifestFrames, kLogFrames, kScores };

std::string numbered(const char* format, std::uint64_t number) {
  char text[32];
  const int length =
      std::snprintf(text, sizeof text, format, static_cast<unsigned long long>(number));
  return {text, static_cast<std::size_t>(length)};
}

Result<std::string> read_small(const SealingContext& context, MirrorSet& mirrors,
                               const std::string& name) {
  COFFER_ASSIGN(const auto file, BlockFile::open(context, mirrors, name));
  if (file->size() > kBlockBytes) return fail(Errc::Corrupt, "small metadata file too large");
  std::string content(file->size(), '\0');
  COFFER_TRY(file->read(0, {reinterpret_cast<std::byte*>(content.data()), content.size()}));
  return content;
}

}  // namespace

std::string manifest_name(std::uint64_t number) { return numbered("MANIFEST-%06llu", number); }
std::string table_name(std::uint64_t number) { return numbered("%06llu.sst", number); }
std::string log_name(std::uint64_t number) { return numbered("%06llu.log", number); }

Result<ImageContent> ImageReader::read() {
  score_.assign(mirrors_.size(), std::vector<std::size_t>(kScores));
  ImageContent image;
  COFFER_ASSIGN(image.manifest_number, current_manifest());
  COFFER_TRY(read_manifest_file(image));
  check_tables(image);
  read_logs(image);
  check_promises(image);
  choose_best(image);
  return image;
}

// The newest one that any mirror names: CURRENT is renamed only once the manifest that it names is synced on all.
Result<std::uint64_t> ImageReader::current_manifest() {
  std::uint64_t newest = 0;
  std::vector<std::uint64_t> named(mirrors_.size());
  Error error{Errc::Corrupt, "no mirror names a manifest"};
  for (std::size_t i = 0; i < mirrors_.size(); ++i) {
    MirrorSet alone({mirrors_.where(i)}, nullptr);
    auto content = read_small(context_, alone, "CURRENT");
    if (!content) {
      if (content.error().code != Errc::NotFound) error = content.error();
      mirrors_.note_damage(i);
      continue;
    }
    while (content->ends_with('\n')) content->pop_back();
    const SealedName name = classify_name(*content);
    if (name.kind == SealedKind::Manifest) named[i] = name.number;
    newest = std::max(newest, named[i]);
  }
  if (newest == 0) return fail(std::move(error));
  for (std::size_t i = 0; i < named.size(); ++i) score_[i][kCurrent] = named[i] == newest ? 1 : 0;
  return newest;
}

Result<void> ImageReader::read_manifest_file(ImageContent& image) {
  COFFER_ASSIGN(FrameFile file,
                load_frame_file(context_, mirrors_, manifest_name(image.manifest_number)));
  image.damaged = image.damaged || file.hole;
  image.boot = file.boot;
  image.manifest_frames = file.frames.size();
  for (const Frame& frame : file.frames) {
    image.synced_upto = std::max(image.synced_upto, frame.info.synced_upto);
    image.position = std::max(image.position, frame.info.position);
    manifest_log_ = frame.info.peer_number;
    manifest_log_frames_ = frame.info.peer_frames;
  }
  for (std::size_t i = 0; i < mirrors_.size(); ++i)
    score_[i][kManifestFrames] = file.frames_alone[i];
  image.manifest_plain = file.take_plain();
  COFFER_ASSIGN(image.manifest, read_manifest(image.manifest_plain));
  return {};
}

// Headers and last blocks only: the rest verifies when it is read.
void ImageReader::check_tables(ImageContent& image) {
  for (const auto& [number, bytes] : image.manifest.tables) {
    const auto table = BlockFile::open(context_, mirrors_, table_name(number));
    if (!table || (*table)->size() != bytes) {
      image.damaged = true;
      continue;
    }
    const std::vector<bool> present = (*table)->present();
    for (std::size_t i = 0; i < present.size(); ++i) score_[i][kTables] += present[i] ? 1 : 0;
  }
}

void ImageReader::read_logs(ImageContent& image) {
  std::set<std::uint64_t> numbers;
  for (std::size_t i = 0; i < mirrors_.size(); ++i) {
    const auto entries = mirrors_.files(i).list(mirrors_.directory(i));
    if (!entries) continue;
    for (const AreaEntry& entry : *entries) {
      const SealedName name = classify_name(entry.name);
      if (name.kind == SealedKind::Log && name.number >= image.manifest.first_log)
        numbers.insert(name.number);
    }
  }
  bool contiguous = true;
  for (const std::uint64_t number : numbers) {
    auto file = load_frame_file(context_, mirrors_, log_name(number));
    if (!file) {  // not even its first frame: it was begun and not synced, or it is destroyed
      contiguous = false;
      continue;
    }
    for (const Frame& frame : file->frames)
      image.synced_upto = std::max(image.synced_upto, frame.info.synced_upto);
    image.synced_upto = std::max(image.synced_upto, file->later_synced_upto);
    // Without a power loss the kernel has written every frame or will: nothing may be missing in front of one.
    if (file->hole && file->boot == context_.boot) image.damaged = true;
    log_frames_[number] = file->frames.size();
    // Frame 0 of the next one says where this one must end.
    if (contiguous) contiguous = append_log(image, {.number = number, .file = std::move(*file)});
  }
}

// False if positions are not contiguous up to the log's end; then its frames from there on are left out.
bool ImageReader::append_log(ImageContent& image, ImageLog log) {
  std::vector<Frame>& frames = log.file.frames;
  log.previous = ByteReader(frames.front().needs).u64();
  const std::uint64_t before = image.logs.empty() ? 0 : image.logs.back().number;
  if (image.logs.empty()) {
    // What lies before the first live log is in tables, unless a live log is missing.
    if (log.previous >= std::max<std::uint64_t>(image.manifest.first_log, 1)) return false;
    image.position = frames.front().info.position;
  } else if (log.previous != before || frames.front().info.position != image.position) {
    return false;
  }
  image.boot = log.file.boot;
  std::size_t good = 1;
  for (; good < frames.size(); ++good) {
    const FrameInfo& info = frames[good].info;
    if (info.position != image.position + info.commits) break;
    if (info.peer_number > image.manifest_number ||
        (info.peer_number == image.manifest_number && info.peer_frames > image.manifest_frames)) {
      image.damaged = true;  // the manifest was cut back
    }
    image.position = info.position;
  }
  const bool all = good == frames.size();
  frames.resize(good);
  for (std::size_t i = 0; i < mirrors_.size(); ++i) {
    score_[i][kLogFrames] += std::min(good, log.file.frames_alone[i]);
  }
  image.logs.push_back(std::move(log));
  return all;
}

void ImageReader::check_promises(ImageContent& image) const {
  if (image.synced_upto > image.position) image.damaged = true;
  // A live log is there from the first open on, synced before any manifest relies on it.
  const bool just_created = image.manifest.first_log == 0 && image.manifest.tables.empty();
  if (image.logs.empty() && !just_created) image.damaged = true;
  if (manifest_log_ < std::max<std::uint64_t>(image.manifest.first_log, 1)) return;
  // It may lie behind the end of the image: its first frames are synced when the log before it need not be.
  const auto known = log_frames_.find(manifest_log_);
  if (known == log_frames_.end() || known->second < manifest_log_frames_) image.damaged = true;
}

void ImageReader::choose_best(ImageContent& image) const {
  image.best =
      static_cast<std::size_t>(std::max_element(score_.begin(), score_.end()) - score_.begin());
}

}  // namespace coffer::meta
