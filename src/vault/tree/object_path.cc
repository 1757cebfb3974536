#include "vault/tree/object_path.h"

#include <algorithm>
#include <array>

namespace coffer {
namespace {

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Bytes of the UTF-8 sequence at the start of `text`, 0 if it is none (RFC 3629: no overlong forms, no surrogates).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool fits = follows(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
    return fits && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool fits = follows(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    return fits && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

struct Extension {
  std::string_view name, content_type;
};
// Sorted by name.
constexpr std::array kExtensions = std::to_array<Extension>({
    {"7z", "application/x-7z-compressed"},
    {"avi", "video/x-msvideo"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"c", "text/x-csrc"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"h", "text/x-chdr"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"md", "text/markdown"},
    {"mkv", "video/x-matroska"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"ogg", "audio/ogg"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"py", "text/x-python"},
    {"sh", "application/x-sh"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"toml", "application/toml"},
    {"txt", "text/plain"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"xml", "application/xml"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
});
constexpr std::size_t kExtensionBytesMax = 8;

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool may_be_bucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && is_lower_or_digit(name.front()) &&
         is_lower_or_digit(name.back()) && name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_lower_or_digit(c) || c == '-' || c == '.'; });
}

std::string_view content_type_of(std::string_view key) {
  constexpr std::string_view kUnknown = "binary/octet-stream";
  const std::size_t dot = key.rfind('.');
  const std::size_t slash = key.rfind('/');
  if (dot == std::string_view::npos) return kUnknown;
  if (slash != std::string_view::npos && slash > dot) return kUnknown;
  std::string extension(key.substr(dot + 1));
  if (extension.size() > kExtensionBytesMax) return kUnknown;
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const auto found =
      std::lower_bound(kExtensions.begin(), kExtensions.end(), extension,
                       [](const Extension& a, const std::string& b) { return a.name < b; });
  if (found == kExtensions.end() || found->name != extension) return kUnknown;
  return found->content_type;
}

Result<ObjectKey> parse_object_key(std::string_view key) {
  if (key.size() > kObjectKeyBytesMax) return fail(Errc::NameTooLong, "object key");
  if (key.empty() || !is_utf8(key)) return fail(Errc::InvalidArgument, "object key");
  ObjectKey parsed;
  parsed.is_directory = key.back() == '/';
  if (parsed.is_directory) key.remove_suffix(1);
  for (std::size_t slash = key.find('/'); slash != std::string_view::npos; slash = key.find('/')) {
    parsed.directories.emplace_back(key.substr(0, slash));
    key.remove_prefix(slash + 1);
  }
  parsed.name = key;
  return parsed;
}

Result<InodeRef> bucket_directory(Namespace& names, std::string_view bucket) {
  if (!may_be_bucket(bucket)) return fail(Errc::NotFound, "no such bucket");
  COFFER_ASSIGN(const InodeRef root, names.directory(kRootInode));
  COFFER_ASSIGN(const NameSlots slots, names.slots(*root, bucket, Namespace::Held::No));
  if (!slots.directory) return fail(Errc::NotFound, "no such bucket");
  return names.directory(slots.directory->inode);
}

Result<ObjectPlace> walk(Namespace& names, std::string_view bucket, const ObjectKey& key) {
  COFFER_ASSIGN(InodeRef top, bucket_directory(names, bucket));
  return walk_from(names, std::move(top), key);
}

Result<ObjectPlace> walk_from(Namespace& names, InodeRef top, const ObjectKey& key) {
  ObjectPlace place;
  place.chain.push_back(std::move(top));
  for (const std::string& component : key.directories) {
    COFFER_ASSIGN(const NameSlots slots,
                  names.slots(*place.parent(), component, Namespace::Held::No));
    if (!slots.directory) {
      if (slots.file && slots.file->type == FileType::Symlink) return fail(Errc::NotDirectory);
      break;
    }
    auto next = names.directory(slots.directory->inode);
    if (!next && next.error().code == Errc::NotFound)
      break;  // it went in between: who changes something looks again
    if (!next) return fail(std::move(next).error());
    place.chain.push_back(*std::move(next));
  }
  return place;
}

}  // namespace coffer
