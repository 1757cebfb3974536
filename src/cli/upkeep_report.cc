#include "cli/upkeep_report.h"

#include <algorithm>

#include "cli/status_report.h"

namespace coffer::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kLinesShown = 20;

std::uint64_t number(const json& from, const char* key) {
  return from.value(key, std::uint64_t{0});
}

std::string count(std::uint64_t n, const std::string& thing) {
  return std::to_string(n) + " " + thing + (n == 1 ? "" : "s");
}

void add_line(std::string& text, std::string label, const std::string& value) {
  label.resize(12, ' ');
  text += label + value + "\n";
}

void add_list(std::string& text, const char* label, const json& lines, std::uint64_t left_out) {
  const std::size_t shown = std::min(lines.size(), kLinesShown);
  for (std::size_t i = 0; i < shown; ++i) add_line(text, label, lines[i].get<std::string>());
  const std::uint64_t more = lines.size() - shown + left_out;
  if (more > 0) add_line(text, label, "... and " + std::to_string(more) + " more (--json)");
}

}  // namespace

json receipt_json(const UpkeepReceipt& receipt) {
  json segments = json::array();
  for (const UpkeepReceipt::Segment& segment : receipt.segments) {
    json line{{"id", segment.id}, {"uid", segment.uid}, {"count", segment.count}};
    if (!segment.stripes.empty()) line["stripes"] = segment.stripes;
    if (!segment.lost.empty()) line["lost"] = segment.lost;
    segments.push_back(std::move(line));
  }
  return {{"whole", receipt.whole()},
          {"segments", std::move(segments)},
          {"stripes", receipt.stripes},
          {"shards_read", receipt.shards_read},
          {"chunks", receipt.chunks},
          {"bytes_read", receipt.bytes_read},
          {"bytes_written", receipt.bytes_written},
          {"shards_bad", receipt.shards_bad},
          {"shards_rebuilt", receipt.shards_rebuilt},
          {"files_rebuilt", receipt.files_rebuilt},
          {"extents_moved", receipt.extents_moved},
          {"mirrors_made", receipt.mirrors_made},
          {"metadata_files", receipt.metadata_files},
          {"bad", receipt.bad},
          {"bad_left_out", receipt.bad_left_out},
          {"unrepaired", receipt.unrepaired},
          {"unrepaired_left_out", receipt.unrepaired_left_out}};
}

json cleaning_receipt_json(const CleaningReceipt& receipt) {
  return {{"rounds", receipt.rounds},
          {"segments_freed", receipt.segments_freed},
          {"segments_left", receipt.segments_left},
          {"bytes_freed", receipt.bytes_freed},
          {"bytes_copied", receipt.bytes_copied},
          {"bytes_moved", receipt.bytes_moved},
          {"dead_bytes_before", receipt.dead_bytes_before},
          {"dead_bytes_after", receipt.dead_bytes_after},
          {"unmoved", receipt.unmoved}};
}

std::string cleaning_receipt_text(const json& receipt) {
  std::string text;
  add_line(text, "freed",
           count(number(receipt, "segments_freed"), "segment") + " (" +
               human_bytes(number(receipt, "bytes_freed")) + ")");
  add_line(text, "moved", human_bytes(number(receipt, "bytes_moved")));
  add_line(text, "dead",
           human_bytes(number(receipt, "dead_bytes_before")) + " before, " +
               human_bytes(number(receipt, "dead_bytes_after")) + " now");
  if (number(receipt, "segments_left") > 0)
    add_line(text, "left", count(number(receipt, "segments_left"), "segment") + " still in use");
  add_list(text, "not moved", receipt.value("unmoved", json::array()), 0);
  return text;
}

std::string receipt_text(const json& receipt) {
  std::string text;
  const json none = json::array();
  std::string read = count(number(receipt, "stripes"), "stripe") + " in " +
                     count(receipt.value("segments", none).size(), "segment") + ", " +
                     count(number(receipt, "shards_read"), "shard") + " (" +
                     human_bytes(number(receipt, "bytes_read")) + ")";
  if (number(receipt, "chunks") > 0) read += ", " + count(number(receipt, "chunks"), "chunk");
  if (number(receipt, "metadata_files") > 0)
    read += ", " + count(number(receipt, "metadata_files"), "metadata file");
  add_line(text, "verified", read);
  add_list(text, "bad", receipt.value("bad", none), number(receipt, "bad_left_out"));
  if (number(receipt, "mirrors_made") > 0)
    add_line(text, "made", count(number(receipt, "mirrors_made"), "metadata mirror"));
  if (number(receipt, "files_rebuilt") > 0)
    add_line(text, "rebuilt",
             count(number(receipt, "files_rebuilt"), "shard file") + ", " +
                 count(number(receipt, "shards_rebuilt"), "shard") + " (" +
                 human_bytes(number(receipt, "bytes_written")) + ")");
  if (number(receipt, "extents_moved") > 0)
    add_line(text, "moved",
             count(number(receipt, "extents_moved"), "extent") + " to where parity is whole");
  add_list(text, "not whole", receipt.value("unrepaired", none),
           number(receipt, "unrepaired_left_out"));
  if (receipt.value("whole", false)) add_line(text, "result", "whole");
  return text;
}

}  // namespace coffer::cli
