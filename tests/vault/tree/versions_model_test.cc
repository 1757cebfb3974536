// Random puts, deletes, deletes by id, changes of state and writes at the mount against a plain model, listings included.

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "tests/vault/tree/versions_fixture.h"

namespace coffer::test {
namespace {

struct ModelVersion {
  std::string id, bytes;
  bool marker = false;
};

/// S3's rules for versions, and no more.
class Model {
 public:
  enum class State { Off, Enabled, Suspended };
  State state = State::Off;
  std::map<std::string, std::vector<ModelVersion>> keys;  // the newest first

  void add(const std::string& key, ModelVersion version) {
    auto& versions = keys[key];
    if (version.id == "null")
      std::erase_if(versions, [](const ModelVersion& v) { return v.id == "null"; });
    versions.insert(versions.begin(), std::move(version));
  }
  void remove(const std::string& key, const std::string& id) {
    const auto found = keys.find(key);
    if (found == keys.end()) return;
    std::erase_if(found->second, [&](const ModelVersion& v) { return v.id == id; });
    if (found->second.empty()) keys.erase(found);
  }
  void remove_all(const std::string& key) { keys.erase(key); }
  [[nodiscard]] const ModelVersion* current(const std::string& key) const {
    const auto found = keys.find(key);
    if (found == keys.end() || found->second.front().marker) return nullptr;
    return &found->second.front();
  }
  [[nodiscard]] std::string listing() const {
    std::string lines;
    for (const auto& [key, versions] : keys) {
      for (std::size_t i = 0; i < versions.size(); ++i) {
        lines += key + " " + versions[i].id + (i == 0 ? " latest" : "") +
                 (versions[i].marker ? " marker" : "") + "\n";
      }
    }
    return lines;
  }
};

class VersionsModel : public VersionsTest {
 protected:
  const std::string& any_key() {
    static const std::vector<std::string> kKeys{"a",  "a/b", "a/b/c", "a-b",
                                                "d/", "d/e", "f//g",  "h"};
    return kKeys[random() % kKeys.size()];
  }
  std::string bytes() { return random() % 4 == 0 ? "" : "bytes " + std::to_string(random()); }

  void put_one() {
    const std::string& key = any_key();
    const std::string content = bytes();
    const ObjectInfo info = put(key, content);
    ASSERT_EQ(info.version == "null", model.state != Model::State::Enabled);
    model.add(key, {info.version, content});
  }
  void remove_one() {
    const std::string& key = any_key();
    const Removed removed = remove(key).value();
    if (model.state == Model::State::Off) return model.remove_all(key);
    ASSERT_TRUE(removed.marker);
    model.add(key, {removed.version, {}, true});
  }
  void remove_version() {
    const std::string& key = any_key();
    if (!model.keys.contains(key) || model.state == Model::State::Off) return;
    const auto& versions = model.keys[key];
    const ModelVersion chosen = versions[random() % versions.size()];
    const Removed removed = remove(key, chosen.id).value();
    ASSERT_TRUE(removed.was_there);
    ASSERT_EQ(removed.marker, chosen.marker);
    model.remove(key, chosen.id);
  }
  void change_state() {
    if (model.state == Model::State::Enabled) {
      suspend();
      model.state = Model::State::Suspended;
    } else {
      enable();
      model.state = Model::State::Enabled;
    }
  }
  /// Opens, writes and closes the file of the key at the mount.
  void write_at_mount() {
    const std::string& key = any_key();
    if (key.ends_with('/') || model.current(key) == nullptr) return;
    InodeId parent = bucket_id();
    std::string rest = key;
    for (std::size_t slash = rest.find('/'); slash != std::string::npos; slash = rest.find('/')) {
      const std::string name = rest.substr(0, slash);
      parent = tree().lookup(parent, name.empty() ? "%s3.e" : name).value().inode;
      rest.erase(0, slash + 1);
    }
    auto found = tree().lookup(parent, rest);
    if (!found || found->attributes.type == FileType::Directory)
      found = tree().lookup(parent, "%s3.o." + rest);
    ASSERT_TRUE(found) << key;
    const std::string content = "mount " + std::to_string(random());
    SetAttributes empty;
    empty.size = 0;
    ASSERT_TRUE(tree().set_attributes(found->inode, empty));
    ASSERT_TRUE(tree().write(found->inode, 0, as_bytes(content)));
    ASSERT_TRUE(tree().commit_file(found->inode));
    const std::string id = objects().head("bucket", key).value().version;
    ASSERT_EQ(id == "null", model.state != Model::State::Enabled);
    model.add(key, {id, content});
  }

  void check() {
    ASSERT_EQ(listed(), model.listing());
    ASSERT_EQ(listed({}, {}, 1 + static_cast<std::uint32_t>(random() % 4)), model.listing());
    std::string current;
    for (const auto& [key, versions] : model.keys) {
      if (!versions.front().marker) current += key + "\n";
      for (const ModelVersion& version : versions) {
        ASSERT_EQ(get(key, version.id), version.marker ? "error NotFound" : version.bytes);
      }
      ASSERT_EQ(get(key), versions.front().marker ? "error NotFound" : versions.front().bytes);
    }
    std::string shown;
    const ListPage page = objects().list("bucket", {}).value();
    for (const ObjectInfo& info : page.objects) shown += info.key + "\n";
    ASSERT_EQ(shown, current);
  }

  std::uint64_t random() { return engine(); }
  std::mt19937_64 engine;
  Model model;
};

TEST_F(VersionsModel, RandomChangesAreAsS3SaysTheyAre) {
  const char* const given = std::getenv("COFFER_TEST_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("COFFER_TEST_SEED=" + std::to_string(seed));
  engine.seed(seed);
  for (int step = 0; step < 600; ++step) {
    const std::uint64_t what = random() % 100;
    if (what < 40) {
      put_one();
    } else if (what < 55) {
      remove_one();
    } else if (what < 78) {
      remove_version();
    } else if (what < 93) {
      write_at_mount();
    } else if (what < 97) {
      change_state();
    } else {
      world.reopen();
    }
    if (HasFatalFailure()) return;
    if (step % 10 == 0) check();
    if (step % 50 == 0) expect_consistent();
    if (HasFailure()) return;
  }
  check();
  expect_consistent();
}

}  // namespace
}  // namespace coffer::test
