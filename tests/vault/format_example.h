#pragma once
/// The worked byte examples of docs/format.md, so that tests and the document cannot drift apart.
///
/// An example there is a line `example: NAME`, then hex dump lines `OFFSET  xx xx ... xx` up to the
/// end of the code block.

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/support/source_root.h"

namespace coffer::test {

/// "00000010  61 62 ..." lines; rows of zeros are left out, so that dumps of padded blocks stay
/// short.
inline std::string hex_dump(std::string_view bytes) {
  std::string dump;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const std::string_view row = bytes.substr(at, 16);
    if (row.find_first_not_of('\0') == std::string_view::npos) continue;
    char text[24];
    std::snprintf(text, sizeof text, "%08zx ", at);
    dump += text;
    for (const char c : row) {
      std::snprintf(text, sizeof text, " %02x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      dump += text;
    }
    dump += '\n';
  }
  return dump;
}

/// Empty when docs/format.md has no such example.
inline std::string bytes_of_example(std::string_view name) {
  std::ifstream document(source_root() / "docs" / "format.md");
  const std::string heading = "example: " + std::string(name);
  std::string bytes;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (line == heading) inside = true;
    if (!inside || line == heading) continue;
    if (line.starts_with("```")) break;
    std::istringstream row(line);
    std::string word;
    row >> word;  // the offset
    while (row >> word && word.size() == 2) {
      bytes.push_back(static_cast<char>(std::stoi(word, nullptr, 16)));
    }
  }
  return bytes;
}

}  // namespace coffer::test
