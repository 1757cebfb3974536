#include "vault/tree/name_escape.h"

#include <optional>

#include "vault/crypto/hash.h"

namespace coffer {
namespace {

constexpr std::string_view kPrefix = "%s3.";
constexpr std::string_view kBeside = "%s3.o.";
constexpr std::string_view kQuoted = "%s3.x.";
constexpr std::string_view kHashed = "%s3.h.";
constexpr std::size_t kHashBytes = 16;

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

std::optional<std::string> parse_hash(std::string_view hex) {
  if (hex.size() != 2 * kHashBytes) return std::nullopt;
  std::string hash;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = hex_digit(hex[i]);
    const auto low = hex_digit(hex[i + 1]);
    if (!high || !low) return std::nullopt;
    hash.push_back(static_cast<char>(*high << 4 | *low));
  }
  return hash;
}

std::optional<MountName> parse_escape(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  if (name == "%s3.e") return MountName{MountName::Kind::DirectoryOnly, ""};
  if (name == "%s3.d") return MountName{MountName::Kind::Plain, "."};
  if (name == "%s3.dd") return MountName{MountName::Kind::Plain, ".."};
  if (name.starts_with(kBeside) && name.size() > kBeside.size()) {
    return MountName{MountName::Kind::FileBesideDirectory,
                     std::string(name.substr(kBeside.size()))};
  }
  if (name.starts_with(kQuoted)) {
    // Only what needs quoting is quoted: everything else that starts like this stands for itself.
    const std::string_view rest = name.substr(kQuoted.size());
    if (parse_escape(rest)) return MountName{MountName::Kind::Plain, std::string(rest)};
  }
  if (name.starts_with(kHashed)) {
    if (auto hash = parse_hash(name.substr(kHashed.size()))) {
      return MountName{MountName::Kind::Hashed, std::move(*hash)};
    }
  }
  return std::nullopt;
}

std::string hashed_name(std::string_view stored, bool directory) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string name(kHashed);
  for (const char c : name_hash(stored, directory)) {
    name.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    name.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return name;
}

}  // namespace

bool may_be_escaped(std::string_view name) { return name.starts_with(kPrefix); }

MountName parse_mount_name(std::string_view name) {
  if (auto escape = parse_escape(name)) return std::move(*escape);
  return {MountName::Kind::Plain, std::string(name)};
}

std::string visible_name(std::string_view stored, bool directory, bool beside_directory) {
  std::string_view form;
  if (stored.find('\0') != std::string_view::npos) return hashed_name(stored, directory);
  if (!directory && beside_directory) {
    form = kBeside;
  } else if (stored.empty()) {
    return "%s3.e";
  } else if (stored == ".") {
    return "%s3.d";
  } else if (stored == "..") {
    return "%s3.dd";
  } else if (parse_escape(stored)) {
    form = kQuoted;
  }
  if (form.size() + stored.size() > kMountNameBytesMax) return hashed_name(stored, directory);
  return std::string(form).append(stored);
}

bool is_mount_name(std::string_view name) {
  return !name.empty() && name.size() <= kMountNameBytesMax && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

bool may_be_hashed(std::string_view stored) {
  return stored.size() + kBeside.size() > kMountNameBytesMax ||
         stored.find('\0') != std::string_view::npos;
}

std::string name_hash(std::string_view stored, bool directory) {
  std::string named(stored);
  if (directory) named.push_back('/');
  const crypto::Checksum hash = crypto::checksum(as_bytes(named));
  return std::string(as_text(hash));
}

}  // namespace coffer
