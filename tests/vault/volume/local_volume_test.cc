#include "vault/volume/local_volume.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "vault/volume/io_wait.h"
#include "vault/volume/local_shard_store.h"

namespace coffer {
namespace {

namespace fs = std::filesystem;

class LocalVolumeTest : public ::testing::Test {
 protected:
  LocalVolumeTest() {
    std::string pattern = (fs::temp_directory_path() / "coffer_local_volume_XXXXXX").string();
    base_ = ::mkdtemp(pattern.data());
    EXPECT_TRUE(create_local_volume_directory(root()).has_value());
    volume_ = open();
  }
  ~LocalVolumeTest() override {
    volume_.reset();
    fs::remove_all(base_);
  }

  [[nodiscard]] std::string root() const { return base_ + "/disk/volume"; }
  [[nodiscard]] std::unique_ptr<Volume> open() const {
    auto volume = open_local_volume(root());
    EXPECT_TRUE(volume.has_value());
    return std::move(*volume);
  }
  IoSlice slice(std::string_view text) {
    BufferRef buffer = pool_.take(text.size());
    std::copy_n(as_bytes(text).begin(), text.size(), buffer.data());
    return {buffer, buffer.span().first(text.size())};
  }

  Result<std::shared_ptr<ShardFile>> create(std::string_view name) {
    IoWait<std::shared_ptr<ShardFile>> wait;
    volume_->shards().create(name, wait.completion());
    return wait.wait();
  }
  Result<std::shared_ptr<ShardFile>> open_shard(std::string_view name) {
    IoWait<std::shared_ptr<ShardFile>> wait;
    volume_->shards().open(name, wait.completion());
    return wait.wait();
  }
  static Result<void> write(ShardFile& file, ByteOffset at, std::vector<IoSlice> pieces) {
    IoWait<void> wait;
    file.write(at, std::move(pieces), wait.completion());
    return wait.wait();
  }
  static Result<void> sync(ShardFile& file) {
    IoWait<void> wait;
    file.sync(wait.completion());
    return wait.wait();
  }
  std::string read(ShardFile& file, ByteOffset at, std::size_t length) {
    BufferRef buffer = pool_.take(length);
    IoWait<ByteCount> wait;
    file.read(at, {buffer, buffer.span().first(length)}, wait.completion());
    const auto got = wait.wait();
    EXPECT_TRUE(got.has_value());
    return std::string(as_text(buffer.span().first(got ? got->value() : 0)));
  }
  std::vector<std::string> list() {
    IoWait<std::vector<std::string>> wait;
    volume_->shards().list(wait.completion());
    return *wait.wait();
  }

  BufferPool pool_;
  std::string base_;
  std::unique_ptr<Volume> volume_;
};

TEST_F(LocalVolumeTest, AShardHoldsWhatManyPiecesWrote) {
  const auto file = create("ab01");
  ASSERT_TRUE(file.has_value());
  std::vector<IoSlice> pieces;
  std::string expected;
  for (int i = 0; i < 1500; ++i) {  // more than one pwritev takes
    const std::string text = std::to_string(i) + ",";
    expected += text;
    pieces.push_back(slice(text));
  }
  pieces.push_back(slice(""));
  ASSERT_TRUE(write(**file, ByteOffset(10), std::move(pieces)).has_value());
  (*file)->start_writeback(ByteOffset(0), ByteCount(expected.size()));
  ASSERT_TRUE(sync(**file).has_value());
  EXPECT_EQ((*file)->size()->value(), expected.size() + 10);

  const auto again = open_shard("ab01");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(read(**again, ByteOffset(10), expected.size()), expected);
  EXPECT_EQ(read(**again, ByteOffset(expected.size() + 5), 100).size(), 5U);
  EXPECT_EQ(read(**again, ByteOffset(expected.size() + 500), 100).size(), 0U);
  EXPECT_TRUE(sync(**again).has_value());
  EXPECT_EQ(write(**again, ByteOffset(0), {slice("x")}).error().code, Errc::ReadOnly);
}

TEST_F(LocalVolumeTest, ShardsAreCreatedOnceListedAndRemoved) {
  for (const char* name : {"ff02", "0011223344556677", "ff01"}) ASSERT_TRUE(create(name)) << name;
  EXPECT_EQ(create("ff01").error().code, Errc::Exists);
  EXPECT_EQ(open_shard("ff03").error().code, Errc::NotFound);
  std::ofstream(root() + "/segments/ff/stray.shard") << "not a shard";
  std::ofstream(root() + "/segments/ff/ee01.shard") << "in the wrong directory";
  EXPECT_EQ(list(), (std::vector<std::string>{"0011223344556677", "ff01", "ff02"}));
  IoWait<void> removed;
  volume_->shards().remove("ff01", removed.completion());
  EXPECT_TRUE(removed.wait().has_value());
  EXPECT_EQ(list(), (std::vector<std::string>{"0011223344556677", "ff02"}));
}

TEST_F(LocalVolumeTest, ShardNamesCannotLeadOut) {
  for (const char* name : {"", "a", "../x", "AB", "ab/c", "ab.."}) {
    EXPECT_EQ(create(name).error().code, Errc::InvalidArgument) << name;
  }
  EXPECT_FALSE(is_shard_name(std::string(65, 'a')));
}

TEST_F(LocalVolumeTest, ALostSegmentsDirectoryIsEmptyAndMadeAgain) {
  fs::remove_all(root() + "/segments");
  EXPECT_TRUE(list().empty());
  const auto file = create("cd01");
  ASSERT_TRUE(file.has_value());
  EXPECT_TRUE(sync(**file).has_value());
  EXPECT_EQ(list().size(), 1U);
}

TEST_F(LocalVolumeTest, AFailedSyncPoisonsTheShardForEveryHandle) {
  const auto file = create("ab01");
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE(write(**file, ByteOffset(0), {slice("kept")}).has_value());
  // Without its directory the first sync cannot make the name durable.
  fs::rename(root() + "/segments/ab", root() + "/segments/zz");
  EXPECT_EQ(sync(**file).error().code, Errc::Io);
  fs::rename(root() + "/segments/zz", root() + "/segments/ab");
  EXPECT_EQ(sync(**file).error().code, Errc::Io);
  EXPECT_EQ(write(**file, ByteOffset(4), {slice("more")}).error().code, Errc::Io);
  const auto again = open_shard("ab01");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(sync(**again).error().code, Errc::Io);
  EXPECT_EQ(read(**again, ByteOffset(0), 10), "kept");
}

TEST_F(LocalVolumeTest, TheLockIsHeldUntilTheVolumeIsGone) {
  ASSERT_TRUE(volume_->lock().has_value());
  ASSERT_TRUE(volume_->lock().has_value());
  auto other = open();
  EXPECT_EQ(other->lock().error().code, Errc::Busy);
  volume_.reset();
  EXPECT_TRUE(other->lock().has_value());
}

TEST_F(LocalVolumeTest, SpaceAndDeviceAreThoseOfTheDisk) {
  const auto space = volume_->space();
  ASSERT_TRUE(space.has_value());
  EXPECT_GT(space->total.value(), 0U);
  EXPECT_LE(space->available, space->total);
  EXPECT_EQ(volume_->device(), open()->device());
  EXPECT_EQ(volume_->path(), root());
}

TEST_F(LocalVolumeTest, OpeningWhatIsNotADirectoryFailsAndMakesNothing) {
  EXPECT_EQ(open_local_volume(base_ + "/none").error().code, Errc::NotFound);
  EXPECT_FALSE(fs::exists(base_ + "/none"));
  std::ofstream(base_ + "/file") << "x";
  EXPECT_EQ(open_local_volume(base_ + "/file").error().code, Errc::NotDirectory);
  EXPECT_FALSE(create_local_volume_directory(base_ + "/file").has_value());
  EXPECT_TRUE(create_local_volume_directory(root() + "/").has_value());
}

TEST_F(LocalVolumeTest, AreaFilesAppendReadAndKeepTheirKind) {
  FileArea& files = volume_->files();
  ASSERT_TRUE(files.make_directory("meta/a/b").has_value());
  ASSERT_TRUE(files.make_directory("meta/a/b").has_value());
  auto file = files.create("meta/a/b/one", FileArea::Create::Exclusive);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(files.create("meta/a/b/one", FileArea::Create::Exclusive).error().code, Errc::Exists);
  ASSERT_TRUE((*file)->append(as_bytes("hello ")).has_value());
  ASSERT_TRUE((*file)->append(as_bytes("world")).has_value());
  ASSERT_TRUE((*file)->sync().has_value());
  ASSERT_TRUE(files.sync_directory("meta/a/b").has_value());
  EXPECT_EQ((*file)->size()->value(), 11U);
  std::array<std::byte, 64> buffer;
  EXPECT_EQ(*(*file)->read(ByteOffset(6), buffer), 5U);
  EXPECT_EQ(as_text(Bytes(buffer).first(5)), "world");

  auto reader = files.open("meta/a/b/one");
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ((*reader)->append(as_bytes("x")).error().code, Errc::ReadOnly);
  EXPECT_TRUE((*reader)->sync().has_value());
  EXPECT_EQ(files.open("meta/a").error().code, Errc::IsDirectory);
  EXPECT_EQ(files.open("meta/none").error().code, Errc::NotFound);
  EXPECT_FALSE(files.make_directory("meta/a/b/one").has_value());
}

TEST_F(LocalVolumeTest, AppendsOverwriteTheZerosAheadOfThem) {
  auto file = std::move(volume_->files().create("log", FileArea::Create::Exclusive).value());
  ASSERT_TRUE(file->append(as_bytes("hello ")).has_value());
  ASSERT_TRUE(file->write_zeros_ahead(ByteCount(100'000)).has_value());
  EXPECT_EQ(file->size()->value(), 100'006U);
  ASSERT_TRUE(file->append(as_bytes("world")).has_value());
  ASSERT_TRUE(file->write_zeros_ahead(ByteCount(10)).has_value());
  ASSERT_TRUE(file->append(as_bytes("!")).has_value());
  EXPECT_EQ(file->size()->value(), 100'006U);
  const std::string content = read_file(volume_->files(), "log", ByteCount(200'000)).value();
  EXPECT_EQ(content.substr(0, 12), "hello world!");
  EXPECT_EQ(content.find_first_not_of('\0', 12), std::string::npos);
  auto reader = std::move(volume_->files().open("log").value());
  EXPECT_EQ(reader->write_zeros_ahead(ByteCount(1)).error().code, Errc::ReadOnly);
}

TEST_F(LocalVolumeTest, AreaNamesRenameLinkRemoveAndList) {
  FileArea& files = volume_->files();
  ASSERT_TRUE(write_file_atomically(files, "one", as_bytes("1")).has_value());
  ASSERT_TRUE(write_file_atomically(files, "two", as_bytes("22")).has_value());
  ASSERT_TRUE(files.link("two", "three").has_value());
  EXPECT_EQ(files.link("two", "one").error().code, Errc::Exists);
  ASSERT_TRUE(files.rename("two", "one").has_value());
  const auto entries = files.list("");
  ASSERT_TRUE(entries.has_value());
  std::string names;
  for (const AreaEntry& entry : *entries) names += entry.name + (entry.directory ? "/ " : " ");
  EXPECT_EQ(names, "one segments/ three ");
  EXPECT_EQ((*entries)[0].size.value(), 2U);
  EXPECT_EQ(*read_file(files, "three", ByteCount(10)), "22");
  EXPECT_EQ(read_file(files, "three", ByteCount(1)).error().code, Errc::TooLarge);
  ASSERT_TRUE(files.remove("three").has_value());
  EXPECT_EQ(files.remove("three").error().code, Errc::NotFound);
  ASSERT_TRUE(files.make_directory("d/e").has_value());
  EXPECT_EQ(files.remove_directory("d").error().code, Errc::NotEmpty);
  EXPECT_TRUE(files.remove_directory("d/e").has_value());
  EXPECT_EQ(files.list("d/e").error().code, Errc::NotFound);
}

TEST_F(LocalVolumeTest, AreaPathsCannotLeadOut) {
  FileArea& files = volume_->files();
  for (const char* path : {"", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/"}) {
    EXPECT_EQ(files.create(path, FileArea::Create::Truncate).error().code, Errc::InvalidArgument);
    EXPECT_EQ(files.remove(path).error().code, Errc::InvalidArgument) << path;
  }
  fs::create_symlink("/etc/hostname", root() + "/planted");
  EXPECT_FALSE(files.open("planted").has_value());
}

TEST_F(LocalVolumeTest, AReserveTakesSpaceUntilItIsRemoved) {
  FileArea& files = volume_->files();
  ASSERT_TRUE(files.reserve("ballast", ByteCount(1 << 20)).has_value());
  EXPECT_EQ((*files.open("ballast"))->size()->value(), 1U << 20);
  EXPECT_TRUE(files.remove("ballast").has_value());
  const auto too_much = files.reserve("ballast", ByteCount(std::uint64_t{1} << 60));
  EXPECT_FALSE(too_much.has_value());
  EXPECT_FALSE(fs::exists(root() + "/ballast"));
}

TEST_F(LocalVolumeTest, AFullDeviceAnswersNoSpace) {
  // /dev/full stands in for the disk: every write there gets ENOSPC.
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  auto devices = open_local_volume("/dev");
  ASSERT_TRUE(devices.has_value());
  auto file = (*devices)->files().create("full", FileArea::Create::Truncate);
  if (!file) GTEST_SKIP() << "/dev/full cannot be opened here";
  EXPECT_EQ((*file)->append(as_bytes("x")).error().code, Errc::NoSpace);
  EXPECT_EQ((*file)->append(as_bytes("x")).error().code, Errc::Io) << "a torn end takes no more";
}

}  // namespace
}  // namespace coffer
