#pragma once
/// A machine with simulated disks that hold one vault: made, opened, crashed and opened again.

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "vault/crypto/random.h"
#include "vault/vault_service.h"
#include "vault/volume/fault_clock.h"
#include "vault/volume/memory_disk.h"
#include "vault/volume/memory_volume.h"

namespace coffer::sim {

struct Geometry {
  unsigned k, m;
  [[nodiscard]] unsigned volumes() const { return k + m; }
};

class SimulatedMachine {
 public:
  explicit SimulatedMachine(Geometry geometry, CipherId cipher = CipherId::Aes256Gcm,
                            std::uint64_t seed = 1)
      : clock_(std::make_shared<FaultClock>()), state_(make_state_directory()) {
    for (unsigned i = 0; i < geometry.volumes(); ++i) {
      disks_.push_back(
          MemoryDisk::make({.name = "d" + std::to_string(i), .clock = clock_, .seed = seed + i}));
    }
    InitParameters parameters;
    parameters.data = static_cast<std::uint8_t>(geometry.k);
    parameters.parity = static_cast<std::uint8_t>(geometry.m);
    parameters.cipher = cipher;
    parameters.kdf_cost = kKdfCostMinimum;
    const auto made = VaultService::init(volumes(), parameters, credential());
    if (!made) throw std::runtime_error("init: " + made.error().context);
    new_boot();
  }
  ~SimulatedMachine();
  SimulatedMachine(const SimulatedMachine&) = delete;
  SimulatedMachine& operator=(const SimulatedMachine&) = delete;

  static Credential credential() {
    Credential c;
    c.secret = SecretString("correct horse");
    return c;
  }

  /// Sessions on all disks that are not in `absent`.
  std::vector<std::unique_ptr<Volume>> volumes() {
    std::vector<std::unique_ptr<Volume>> opened;
    for (std::size_t i = 0; i < disks_.size(); ++i) {
      if (absent_.contains(i)) continue;
      auto volume = open_memory_volume(disks_[i]);
      if (volume) opened.push_back(std::move(*volume));
    }
    return opened;
  }

  Result<std::unique_ptr<VaultService>> open() { return open(credential()); }
  Result<std::unique_ptr<VaultService>> open(const Credential& with) { return open_with({}, with); }
  /// Looks without changing anything.
  Result<std::unique_ptr<VaultService>> open_read_only() {
    OpenParameters parameters;
    parameters.read_only = true;
    return open_with(std::move(parameters), credential());
  }
  Result<std::unique_ptr<VaultService>> open_with(OpenParameters parameters,
                                                  const Credential& with) {
    parameters.commit_interval = std::chrono::milliseconds(0);
    parameters.state_directory = state_;
    parameters.boot = boot_;
    parameters.memory_bytes = std::uint64_t{64} << 20;
    parameters.workers = 1;
    parameters.shard_bytes_max = shard_bytes_max;
    parameters.on_seal = on_seal;
    if (!parameters.open_volume)
      parameters.open_volume = [this](const std::string& path) -> Result<std::unique_ptr<Volume>> {
        for (std::size_t i = 0; i < disks_.size(); ++i)
          if ("memory:" + disks_[i]->name() == path && !absent_.contains(i))
            return open_memory_volume(disks_[i]);
        return fail(Errc::NotFound, path);
      };
    return VaultService::open(volumes(), parameters, with);
  }

  /// Stops everything now and decides what the disks kept. @pre the vault's object is still alive or gone, either way
  void power_cut(std::uint64_t seed) {
    clock_->crash();
    clock_->crash_at(0);
    for (std::size_t i = 0; i < disks_.size(); ++i) disks_[i]->power_cut(seed * 31 + i);
    new_boot();
  }
  void kill() {
    clock_->crash();
    clock_->crash_at(0);
    for (const auto& disk : disks_) disk->process_crash();
  }
  void set_absent(std::set<std::size_t> absent) { absent_ = std::move(absent); }

  /// One more disk, empty, behind the others.
  void add_disk() {
    const std::string name = "d" + std::to_string(disks_.size());
    disks_.push_back(MemoryDisk::make({.name = name, .clock = clock_, .seed = disks_.size() + 1}));
  }
  std::unique_ptr<Volume> session(std::size_t i) { return open_memory_volume(disks_[i]).value(); }

  FaultClock& clock() { return *clock_; }
  MemoryDisk& disk(std::size_t i) { return *disks_[i]; }
  [[nodiscard]] std::size_t disk_count() const { return disks_.size(); }

  std::uint32_t shard_bytes_max = std::uint32_t{4} << 20;
  std::function<void(SegmentUid, std::uint32_t)> on_seal;

 private:
  static std::string make_state_directory();
  void new_boot() { boot_ = crypto::random_uuid(); }

  std::shared_ptr<FaultClock> clock_;
  std::vector<std::shared_ptr<MemoryDisk>> disks_;
  std::set<std::size_t> absent_;
  std::string state_;
  Uuid boot_;
};

}  // namespace coffer::sim
