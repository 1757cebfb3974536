#include "coffer/fuse/mount_table.h"

#include <charconv>
#include <fstream>
#include <sstream>

namespace coffer::fuse {
namespace {

/// The kernel writes blank, tab, newline and backslash as \040 and so on.
std::string unescape(const std::string& text) {
  const auto digit = [&](std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '7';
  };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

/// Of `rw,user_id=1000,group_id=1000`.
std::optional<std::uint32_t> user_in(const std::string& options) {
  std::istringstream words(options);
  for (std::string word; std::getline(words, word, ',');) {
    if (!word.starts_with("user_id=")) continue;
    std::uint32_t user = 0;
    const char* const end = word.data() + word.size();
    const auto [at, error] = std::from_chars(word.data() + 8, end, user);
    if (error == std::errc() && at == end) return user;
  }
  return std::nullopt;
}

std::optional<MountEntry> parse_line(const std::string& line) {
  std::istringstream words(line);
  std::vector<std::string> fields;
  for (std::string word; words >> word;) fields.push_back(std::move(word));
  for (std::size_t i = 6; i + 2 < fields.size(); ++i) {
    if (fields[i] != "-") continue;  // the end of the optional fields
    return MountEntry{fields[0],
                      fields[2],
                      unescape(fields[4]),
                      fields[i + 1],
                      unescape(fields[i + 2]),
                      i + 3 < fields.size() ? user_in(fields[i + 3]) : std::nullopt};
  }
  return std::nullopt;
}

std::optional<MountEntry> top_of(std::vector<MountEntry> entries, const std::string& path) {
  for (auto at = entries.rbegin(); at != entries.rend(); ++at)
    if (at->mountpoint == path) return std::move(*at);
  return std::nullopt;
}

}  // namespace

std::vector<MountEntry> mounts_in(const std::string& table) {
  std::istringstream lines(table);
  std::vector<MountEntry> entries;
  for (std::string line; std::getline(lines, line);)
    if (auto entry = parse_line(line)) entries.push_back(std::move(*entry));
  return entries;
}

std::vector<MountEntry> mounts() {
  std::ifstream file("/proc/self/mountinfo");
  std::stringstream table;
  table << file.rdbuf();
  return mounts_in(table.str());
}

std::optional<MountEntry> top_mount_in(const std::string& table, const std::string& path) {
  return top_of(mounts_in(table), path);
}

std::optional<MountEntry> top_mount(const std::string& path) { return top_of(mounts(), path); }

bool is_coffer_mount(const std::string& path) {
  const auto mounted = top_mount(path);
  return mounted && mounted->type == "fuse.coffer";
}

}  // namespace coffer::fuse
