#include "coffer/vault/attributes.h"

#include <sys/stat.h>

namespace coffer {

std::uint32_t mode_bits(FileType type) noexcept {
  switch (type) {
    case FileType::Regular:
      return S_IFREG;
    case FileType::Directory:
      return S_IFDIR;
    case FileType::Symlink:
      return S_IFLNK;
    case FileType::Fifo:
      return S_IFIFO;
    case FileType::Socket:
      return S_IFSOCK;
    case FileType::CharDevice:
      return S_IFCHR;
    case FileType::BlockDevice:
      return S_IFBLK;
  }
  __builtin_unreachable();
}

std::optional<FileType> file_type_of(std::uint32_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::Regular;
    case S_IFDIR:
      return FileType::Directory;
    case S_IFLNK:
      return FileType::Symlink;
    case S_IFIFO:
      return FileType::Fifo;
    case S_IFSOCK:
      return FileType::Socket;
    case S_IFCHR:
      return FileType::CharDevice;
    case S_IFBLK:
      return FileType::BlockDevice;
    default:
      return std::nullopt;
  }
}

}  // namespace coffer
