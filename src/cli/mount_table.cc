#include "cli/mount_table.h"

#include <fstream>
#include <sstream>
#include <vector>

namespace coffer::cli {
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

}  // namespace

std::optional<MountEntry> top_mount_in(const std::string& table, const std::string& path) {
  std::istringstream lines(table);
  std::optional<MountEntry> found;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> fields;
    for (std::string word; words >> word;) fields.push_back(std::move(word));
    if (fields.size() < 7 || unescape(fields[4]) != path) continue;
    for (std::size_t i = 6; i + 2 < fields.size(); ++i) {
      if (fields[i] != "-") continue;
      // The last mount on a path is the one that shows.
      found = MountEntry{fields[2], fields[i + 1], unescape(fields[i + 2])};
      break;
    }
  }
  return found;
}

std::optional<MountEntry> top_mount(const std::string& path) {
  std::ifstream file("/proc/self/mountinfo");
  std::stringstream table;
  table << file.rdbuf();
  return top_mount_in(table.str(), path);
}

bool is_coffer_mount(const std::string& path) {
  const auto mounted = top_mount(path);
  return mounted && mounted->type == "fuse.coffer";
}

}  // namespace coffer::cli
