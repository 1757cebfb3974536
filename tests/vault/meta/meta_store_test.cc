#include "vault/meta/meta_store.h"

#include <thread>

#include "tests/vault/meta/damaged_store.h"
#include "tests/vault/meta/mirror_fixture.h"

namespace coffer::meta {
namespace {

using Mode = MetaStore::Mode;

class MetaStoreOnMirrors : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Mirrors, MetaStoreOnMirrors, ::testing::Values(1, 2, 3));

TEST_P(MetaStoreOnMirrors, RowsSurviveCloseAndReopen) {
  Machine machine(GetParam());
  auto store = machine.open(Mode::Create);
  ASSERT_TRUE(store) << store.error().context;
  for (int i = 0; i < 2000; ++i)
    put(**store, "k" + std::to_string(i), std::string(300, 'v') + std::to_string(i));
  const auto last = (*store)->committed();
  EXPECT_EQ(last.value(), 2000U);
  auto closed = (*store)->close();
  ASSERT_TRUE(closed) << closed.error().context;
  store->reset();

  auto again = machine.open(Mode::ReadWrite);
  ASSERT_TRUE(again) << again.error().context;
  EXPECT_EQ((*again)->committed(), last);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(get(**again, "k" + std::to_string(i)), std::string(300, 'v') + std::to_string(i));
  }
  EXPECT_EQ(put(**again, "more", "rows").value(), 2001U);
  EXPECT_TRUE((*again)->close());
}

TEST(MetaStore, BatchesPutRemoveAddAndScan) {
  Machine machine(1);
  auto store = std::move(machine.open(Mode::Create).value());
  MetaBatch batch;
  for (char c = 'a'; c <= 'j'; ++c) batch.put(std::string(1, c), std::string(1, c));
  batch.remove("a");
  batch.remove_range("c", "f");
  batch.add("n", 5);
  ASSERT_TRUE(store->commit(std::move(batch)));
  MetaBatch second;
  second.add("n", -7);
  ASSERT_TRUE(store->commit(std::move(second)));

  std::string seen;
  auto cursor = store->cursor("", "n");
  for (; cursor->valid(); cursor->next()) seen += cursor->key();
  EXPECT_TRUE(cursor->status());
  EXPECT_EQ(seen, "bfghij");
  cursor.reset();
  EXPECT_EQ(ByteReader(get(*store, "n")).i64(), -2);
  const std::vector<std::string> keys{"b", "c", "j"};
  const auto many = store->get_many(keys);
  ASSERT_TRUE(many);
  EXPECT_EQ((*many)[0], "b");
  EXPECT_EQ((*many)[1], std::nullopt);
  EXPECT_EQ((*many)[2], "j");
  EXPECT_TRUE(store->close());
}

TEST(MetaStore, SyncPassesTheDataBarrierBeforeTheLog) {
  Machine machine(2);
  auto store = std::move(machine.open(Mode::Create).value());
  const auto position = put(*store, "a", "b");
  EXPECT_LT(store->synced(), position);
  const int before = machine.barrier.calls;
  ASSERT_TRUE(store->sync());
  EXPECT_EQ(machine.barrier.calls, before + 1);
  EXPECT_EQ(store->synced(), position);
  machine.barrier.failing = true;
  put(*store, "c", "d");
  EXPECT_FALSE(store->sync());
  EXPECT_EQ(store->synced(), position);
  MetaBatch batch;
  batch.put("e", "f");
  EXPECT_EQ(store->commit(std::move(batch)).error().code, Errc::Io);
}

TEST(MetaStore, OneLargeCommitIsOneFrame) {
  Machine machine(1);
  auto store = std::move(machine.open(Mode::Create, {}).value());
  MetaBatch batch;
  std::mt19937_64 random(1);
  std::string big(5 << 20, '\0');
  for (char& c : big) c = static_cast<char>(random());
  batch.put("big", big);
  ASSERT_TRUE(store->commit(std::move(batch)));
  put(*store, "small", "x");
  machine.kill();
  store.reset();
  auto image = std::move(MetaImage::inspect(machine.deps(), machine.mirrors).value());
  EXPECT_EQ(image->tail().size(), 2U);
  auto again = machine.recover();
  ASSERT_TRUE(again);
  EXPECT_EQ(get(**again, "big"), big);
}

TEST(MetaStore, ReadOnlyOpensAKilledStoreAndWritesNothing) {
  Machine machine(1);
  fill_and_kill(machine);
  const auto paths = machine.disks[0]->paths();
  auto store = machine.open(Mode::ReadOnly);
  ASSERT_TRUE(store) << store.error().context;
  EXPECT_EQ(get(**store, "last"), "row");
  MetaBatch batch;
  batch.put("a", "b");
  EXPECT_EQ((*store)->commit(std::move(batch)).error().code, Errc::ReadOnly);
  EXPECT_TRUE((*store)->close());
  EXPECT_EQ(machine.disks[0]->paths(), paths);
}

}  // namespace
}  // namespace coffer::meta
