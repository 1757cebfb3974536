#include "vault/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "coffer/core/log.h"

namespace coffer {
namespace {
constexpr std::string_view kMagic = "coffer-state";

std::string default_directory() {
  if (::geteuid() == 0) return "/var/lib/coffer";
  // NOLINTBEGIN(concurrency-mt-unsafe): nothing here changes the environment
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return std::string(state) + "/coffer";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::string(home) + "/.local/state/coffer";
  }
  // NOLINTEND(concurrency-mt-unsafe)
  return {};
}

std::string to_hex(const crypto::Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte b : digest) {
    text += kDigits[std::to_integer<unsigned>(b) >> 4];
    text += kDigits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

std::optional<crypto::Digest> from_hex(std::string_view text) {
  crypto::Digest digest{};
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    unsigned value = 0;
    const char* begin = text.data() + 2 * i;
    if (const auto [end, error] = std::from_chars(begin, begin + 2, value, 16);
        error != std::errc{} || end != begin + 2) {
      return std::nullopt;
    }
    digest[i] = static_cast<std::byte>(value);
  }
  return digest;
}

bool write_whole(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  ::close(fd);
  return written && std::rename(temporary.c_str(), path.c_str()) == 0;
}
}  // namespace

StateFile::StateFile(std::string directory, VaultUuid vault) {
  if (directory == "-") return;
  if (directory.empty()) directory = default_directory();
  if (directory.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    log_warning("no state file: {} cannot be made: {}", directory, error.message());
    return;
  }
  path_ = directory + "/" + vault.value().to_string() + ".state";
}

std::optional<KnownConfiguration> StateFile::known() const {
  if (path_.empty()) return std::nullopt;
  std::ifstream file(path_);
  std::string magic;
  int version = 0;
  std::uint64_t epoch = 0;
  std::string digest;
  if (!(file >> magic >> version >> epoch >> digest) || magic != kMagic || version != 1)
    return std::nullopt;
  const auto parsed = from_hex(digest);
  if (!parsed) return std::nullopt;
  return KnownConfiguration{EpochId(epoch), *parsed};
}

void StateFile::remember(const Superblock& configuration) {
  if (path_.empty()) return;
  std::ostringstream line;
  line << kMagic << " 1 " << configuration.epoch.value() << ' '
       << to_hex(configuration_digest(configuration)) << '\n';
  if (!write_whole(path_, line.str())) log_warning("state file {} not written", path_);
}

}  // namespace coffer
