#include "vault/meta/frame_file.h"

#include <algorithm>
#include <optional>

#include "vault/volume/volume.h"

namespace coffer::meta {
namespace {

using Copies = std::vector<std::optional<std::string>>;  // by mirror

Result<std::string> read_whole(FileArea& files, const std::string& path) {
  COFFER_ASSIGN(const auto file, files.open(path));
  COFFER_ASSIGN(const ByteCount size, file->size());
  std::string content(size.value(), '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    const MutableBytes rest{reinterpret_cast<std::byte*>(content.data()) + filled,
                            content.size() - filled};
    COFFER_ASSIGN(const std::size_t got, file->read(ByteOffset(filled), rest));
    if (got == 0) break;
    filled += got;
  }
  content.resize(filled);
  return content;
}

// The frame at `at` of one copy, if it is the next of the chain.
std::optional<Frame> next_frame(const SealedIdentity& identity,
                                const std::optional<std::string>& copy, std::uint64_t at,
                                const Frame* previous) {
  if (!copy || copy->size() <= at) return std::nullopt;
  const Bytes rest = as_bytes(*copy).subspan(at);
  auto frame = open_frame(identity, rest);
  if (!frame || !follows(previous, *frame, chained_tag(rest))) return std::nullopt;
  return std::move(*frame);
}

// A log's copy goes on with zeros where room was made for frames that did not come (docs/format.md §4.3).
bool ends_at(const std::string& copy, std::uint64_t at) {
  return copy.size() >= at && copy.find_first_not_of('\0', at) == std::string::npos;
}

FrameFile follow_chain(const SealedIdentity& identity, const Copies& copies) {
  FrameFile file;
  file.boot = identity.boot();
  file.frames_alone.assign(copies.size(), 0);
  file.ends_early.assign(copies.size(), false);
  std::vector<bool> alone(copies.size());
  for (std::size_t i = 0; i < copies.size(); ++i) {
    alone[i] = copies[i] && copies[i]->starts_with(identity.header());
  }
  std::uint64_t at = SealedIdentity::kHeaderBytes;
  for (bool found = true; found;) {
    found = false;
    const Frame* previous = file.frames.empty() ? nullptr : &file.frames.back();
    std::optional<Frame> next;
    for (std::size_t i = 0; i < copies.size(); ++i) {
      // A copy is read again only while it may still count as whole, or when nothing else gave the frame.
      if (next && !alone[i]) continue;
      auto frame = next_frame(identity, copies[i], at, previous);
      if (!frame) {
        if (alone[i]) file.ends_early[i] = !file.frames.empty() && ends_at(*copies[i], at);
        alone[i] = false;
        continue;
      }
      if (alone[i]) ++file.frames_alone[i];
      if (!next) next = std::move(frame);
    }
    if (next) {
      at += next->disk_bytes;
      file.frames.push_back(std::move(*next));
      found = true;
    }
  }
  for (const auto& copy : copies) {
    if (!copy) continue;
    if (copy->size() < at) continue;
    if (ends_at(*copy, at)) {
      file.complete = true;
      continue;
    }
    const LaterFrames later = find_later_frames(identity, as_bytes(*copy).subspan(at));
    file.hole = file.hole || later.found;
    file.later_synced_upto = std::max(file.later_synced_upto, later.synced_upto);
  }
  if (file.hole) file.complete = false;
  return file;
}

}  // namespace

std::string FrameFile::take_plain() {
  std::string plain;
  plain.reserve(plain_bytes());
  for (Frame& frame : frames) {
    plain.append(frame.plain);
    std::string().swap(frame.plain);
  }
  return plain;
}

std::uint64_t FrameFile::plain_bytes() const {
  return frames.empty() ? 0 : frames.back().plain_offset + frames.back().plain_bytes;
}

Result<FrameFile> load_frame_file(const SealingContext& context, MirrorSet& mirrors,
                                  std::string_view name, std::uint64_t upto) {
  Copies copies(mirrors.size());
  Error error{Errc::NotFound, "metadata file"};
  for (std::size_t i = 0; i < copies.size(); ++i) {
    if (!mirrors.good(i)) continue;
    auto copy = read_whole(mirrors.files(i), mirrors.path(i, name));
    if (copy) {
      if (copy->size() > upto) copy->resize(upto);
      copies[i] = std::move(*copy);
    } else if (copy.error().code != Errc::NotFound) {
      error = copy.error();
    }
  }
  std::optional<FrameFile> best;
  std::vector<std::string_view> tried;
  for (const auto& copy : copies) {
    if (!copy) continue;
    const std::string_view header = std::string_view(*copy).substr(0, SealedIdentity::kHeaderBytes);
    if (std::find(tried.begin(), tried.end(), header) != tried.end()) continue;
    tried.push_back(header);
    const auto identity = SealedIdentity::parse(context, classify_name(name), as_bytes(header));
    if (!identity) {
      error = identity.error();
      continue;
    }
    FrameFile file = follow_chain(*identity, copies);
    if (!best || file.frames.size() > best->frames.size()) best = std::move(file);
  }
  if (!best) return fail(std::move(error));
  if (best->frames.empty()) return fail(Errc::Corrupt, "no authentic frame in a metadata file");
  for (std::size_t i = 0; i < copies.size(); ++i) {
    if (!mirrors.good(i) || best->frames_alone[i] == best->frames.size()) continue;
    // A twin gets the end of a log late; a killed process may leave it without.
    if (mirrors.twin(i) && best->ends_early[i]) continue;
    mirrors.note_damage(i);
  }
  return std::move(*best);
}

}  // namespace coffer::meta
