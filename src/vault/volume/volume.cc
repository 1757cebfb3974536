#include "vault/volume/volume.h"

namespace coffer {
namespace {

/// The directory part of a relative path; empty for a name in the volume's root.
std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

}  // namespace

Result<std::string> read_file(FileArea& files, std::string_view path, ByteCount limit) {
  COFFER_ASSIGN(auto file, files.open(path));
  COFFER_ASSIGN(const ByteCount size, file->size());
  if (size > limit) return fail(Errc::TooLarge, std::string(path));
  std::string content(static_cast<std::size_t>(size.value()), '\0');
  const MutableBytes into{reinterpret_cast<std::byte*>(content.data()), content.size()};
  COFFER_ASSIGN(const std::size_t got, file->read(ByteOffset(0), into));
  content.resize(got);
  return content;
}

Result<void> write_file_atomically(FileArea& files, std::string_view path, Bytes content) {
  const std::string temporary = std::string(path) + ".new";
  {
    // A leftover of a crash is truncated: nobody reads it under this name.
    COFFER_ASSIGN(auto file, files.create(temporary, FileArea::Create::Truncate));
    COFFER_TRY(file->append(content));
    COFFER_TRY(file->sync());
  }
  COFFER_TRY(files.rename(temporary, path));
  return files.sync_directory(parent_of(path));
}

}  // namespace coffer
