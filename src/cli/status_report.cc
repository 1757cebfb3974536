#include "cli/status_report.h"

#include <array>
#include <cstdio>

namespace coffer::cli {
namespace {

using nlohmann::json;

json volume_json(const VolumeStatus& volume) {
  json line{{"path", volume.path},
            {"uuid", volume.uuid.to_string()},
            {"index", volume.index},
            {"state", volume.state},
            {"metadata", volume.metadata},
            {"missing_files", volume.missing_files},
            {"missing_shards", volume.missing_shards},
            {"bytes_total", volume.bytes_total},
            {"bytes_available", volume.bytes_available}};
  if (volume.stale_since_epoch != 0) line["stale_since_epoch"] = volume.stale_since_epoch;
  return line;
}

std::uint64_t number(const json& from, const char* key) {
  return from.value(key, std::uint64_t{0});
}

std::string count(std::uint64_t n, const std::string& thing) {
  return std::to_string(n) + " " + thing + (n == 1 ? "" : "s");
}

void add_line(std::string& text, const char* label, const std::string& value) {
  std::array<char, 32> padded;
  std::snprintf(padded.data(), padded.size(), "%-11s ", label);
  text += padded.data() + value + "\n";
}

std::string state_text(const json& status) {
  std::string text = status.value("state", "closed");
  if (status.contains("mountpoint")) text += " on " + status.value("mountpoint", "");
  if (status.value("read_only", false)) text += ", read-only";
  if (status.contains("pid")) text += ", process " + std::to_string(number(status, "pid"));
  return text;
}

void add_volumes(std::string& text, const json& status) {
  for (const json& volume : status.value("volumes", json::array())) {
    const std::string state = volume.value("state", "");
    std::string line = volume.value("path", "") + "  " + state;
    if (state != "absent")
      line += "  " + human_bytes(number(volume, "bytes_available")) + " of " +
              human_bytes(number(volume, "bytes_total")) + " free";
    if (volume.contains("stale_since_epoch"))
      line += "  behind since epoch " + std::to_string(number(volume, "stale_since_epoch"));
    add_line(text, "volume", line);
  }
}

void add_protection(std::string& text, const json& status) {
  const std::uint64_t files = number(status, "data_losses_survived");
  const std::uint64_t metadata = number(status, "metadata_losses_survived");
  add_line(text, "protection",
           files == metadata ? count(files, "more volume") + " may be lost"
                             : count(files, "more volume") + " may be lost by file contents, " +
                                   std::to_string(metadata) + " by metadata");
  const std::uint64_t stripes = number(status, "degraded_stripes");
  const std::uint64_t segments = number(status, "degraded_segments");
  if (stripes == 0 && segments == 0) return;
  add_line(text, "unprotected",
           count(segments, "segment") + " with fewer shards than the format wants, " +
               count(stripes, "stripe") + " listed as degraded");
}

/// What cleaning adds to what is written.
void add_writing(std::string& text, const json& status) {
  const std::uint64_t written = number(status, "bytes_written");
  const std::uint64_t moved = number(status, "bytes_moved");
  if (written == 0 && moved == 0) return;
  std::string line = human_bytes(written) + " since it was opened";
  if (moved > 0) line += ", " + human_bytes(moved) + " moved by cleaning";
  if (moved > 0 && written > 0) {
    std::array<char, 32> factor;
    std::snprintf(factor.data(), factor.size(), " (write amplification %.2f)",
                  static_cast<double>(written + moved) / static_cast<double>(written));
    line += factor.data();
  }
  add_line(text, "written", line);
}

}  // namespace

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text.data();
}

json peeked_status_json(const VaultStatus& status) {
  json volumes = json::array();
  for (const VolumeStatus& volume : status.volumes) volumes.push_back(volume_json(volume));
  return {{"uuid", status.uuid.to_string()}, {"cipher", status.cipher}, {"data", status.data},
          {"parity", status.parity},         {"epoch", status.epoch},   {"state", "closed"},
          {"volumes", std::move(volumes)}};
}

json status_json(const VaultStatus& status) {
  json all = peeked_status_json(status);
  all["read_only"] = status.read_only;
  all["data_losses_survived"] = status.data_losses_survived;
  all["metadata_losses_survived"] = status.metadata_losses_survived;
  all["degraded_stripes"] = status.degraded_stripes;
  all["degraded_segments"] = status.degraded_segments;
  all["segments"] = status.segments;
  all["live_bytes"] = status.live_bytes;
  all["metadata_bytes"] = status.metadata_bytes;
  all["inodes"] = status.inodes;
  all["bytes_written"] = status.bytes_written;
  all["bytes_moved"] = status.bytes_moved;
  all["space"] = {{"bytes_total", status.space.bytes_total},
                  {"bytes_free", status.space.bytes_free},
                  {"bytes_available", status.space.bytes_available}};
  return all;
}

std::string volumes_text(const json& status) {
  std::string text;
  for (const json& volume : status.value("volumes", json::array())) {
    std::string line = volume.value("path", "") + "  " + volume.value("state", "");
    if (volume.value("state", "") != "absent")
      line += "  " + human_bytes(number(volume, "bytes_available")) + " of " +
              human_bytes(number(volume, "bytes_total")) + " free";
    if (volume.value("metadata", false)) line += "  metadata";
    if (volume.contains("stale_since_epoch"))
      line += "  behind since epoch " + std::to_string(number(volume, "stale_since_epoch"));
    const std::uint64_t files = number(volume, "missing_files");
    const std::uint64_t shards = number(volume, "missing_shards");
    if (files + shards > 0)
      line += "  lacks " + count(files, "shard file") + ", " + count(shards, "shard");
    add_line(text, std::to_string(number(volume, "index")).c_str(), line);
  }
  return text;
}

std::string status_text(const json& status) {
  std::string text;
  add_line(text, "vault", status.value("uuid", ""));
  add_line(text, "state", state_text(status));
  for (const char* door : {"s3", "admin"})
    if (const std::string key = std::string(door) + "_endpoint"; status.contains(key))
      add_line(text, door, status.value(key, ""));
  add_line(text, "format",
           std::to_string(number(status, "data")) + "+" + std::to_string(number(status, "parity")) +
               ", " + status.value("cipher", "") + ", epoch " +
               std::to_string(number(status, "epoch")));
  add_volumes(text, status);
  if (!status.contains("inodes")) return text;  // a closed vault tells no more without its key
  add_protection(text, status);
  add_line(text, "contents",
           count(number(status, "inodes"), "inode") + ", " +
               human_bytes(number(status, "live_bytes")) + " live in " +
               count(number(status, "segments"), "segment") + ", metadata " +
               human_bytes(number(status, "metadata_bytes")));
  add_writing(text, status);
  const json space = status.value("space", json::object());
  add_line(text, "space",
           human_bytes(number(space, "bytes_available")) + " of " +
               human_bytes(number(space, "bytes_total")) + " free");
  return text;
}

json statistics_json(const fuse::MountStatistics& statistics) {
  json by_name = json::object();
  for (std::size_t opcode = 0; opcode < statistics.requests.size(); ++opcode) {
    const std::string_view name = fuse::request_name(opcode);
    if (!name.empty() && statistics.requests[opcode] > 0)
      by_name[std::string(name)] = statistics.requests[opcode];
  }
  return {{"requests", statistics.requests_total()},
          {"requests_by_name", std::move(by_name)},
          {"notifications", statistics.notifications},
          {"inodes_known", statistics.inodes_known},
          {"inode_table_bytes", statistics.inode_table_bytes}};
}

json fsck_json(const FsckReport& report) {
  return {{"clean", report.clean()},         {"inodes", report.inodes},
          {"entries", report.entries},       {"extents", report.extents},
          {"segments", report.segments},     {"objects", report.objects},
          {"bytes_read", report.bytes_read}, {"problems", report.problems}};
}

std::string fsck_text(const json& report) {
  std::string text;
  const json problems = report.value("problems", json::array());
  for (const json& problem : problems)
    if (problem.is_string()) text += problem.get<std::string>() + "\n";
  text += problems.empty() ? "clean: " : count(problems.size(), "problem") + ": ";
  text += count(number(report, "inodes"), "inode") + ", " +
          std::to_string(number(report, "entries")) + " names, " +
          count(number(report, "extents"), "extent") + ", " +
          count(number(report, "segments"), "segment") + ", " +
          count(number(report, "objects"), "object");
  if (const std::uint64_t bytes = number(report, "bytes_read"); bytes != 0)
    text += ", " + human_bytes(bytes) + " read";
  return text + "\n";
}

}  // namespace coffer::cli
