#pragma once
/// ImageReader: reads the mirrors' state after a crash and finds how far it can be trusted. meta_image.h says what for.
///
/// Format    docs/format.md §4.4: which files belong to the image, and what proves that some of it is missing.
/// Threads   one.

#include <map>
#include <string>
#include <vector>

#include "vault/meta/frame_file.h"
#include "vault/meta/manifest_reader.h"

namespace coffer::meta {

struct ImageLog {
  std::uint64_t number = 0;
  std::uint64_t previous = 0;  // number of the log before, as its first frame says
  FrameFile file;
};

struct ImageContent {
  std::uint64_t manifest_number = 0;
  std::string manifest_plain;
  std::size_t manifest_frames = 0;
  ManifestContent manifest;
  std::vector<ImageLog> logs;  // live ones, ascending, up to where positions are contiguous
  Uuid boot;
  std::uint64_t position = 0;     // the last one that is there
  std::uint64_t synced_upto = 0;  // the last one that is known to have been synced
  bool damaged = false;
  std::size_t best = 0;  // mirror
};

class ImageReader {
 public:
  ImageReader(SealingContext context, MirrorSet& mirrors) : context_(context), mirrors_(mirrors) {}
  Result<ImageContent> read();

 private:
  Result<std::uint64_t> current_manifest();
  Result<void> read_manifest_file(ImageContent& image);
  void check_tables(ImageContent& image);
  void read_logs(ImageContent& image);
  bool append_log(ImageContent& image, ImageLog log);
  void check_promises(ImageContent& image) const;
  void choose_best(ImageContent& image) const;

  const SealingContext context_;
  MirrorSet& mirrors_;
  std::vector<std::vector<std::size_t>>
      score_;  // by mirror: has CURRENT, tables, manifest frames, log frames
  std::map<std::uint64_t, std::size_t> log_frames_;  // of every log that has a frame, by number
  std::uint64_t manifest_log_ = 0;  // the newest log that the manifest knows to be synced
  std::uint64_t manifest_log_frames_ = 0;
};

std::string manifest_name(std::uint64_t number);
std::string table_name(std::uint64_t number);
std::string log_name(std::uint64_t number);

}  // namespace coffer::meta
