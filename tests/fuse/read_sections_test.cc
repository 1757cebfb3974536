#include "fuse/read_sections.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace coffer::fuse {
namespace {

TEST(ReadSections, NobodyInsideMeansNoWait) {
  ReadSections sections(4);
  { const ReadSections::Scope scope(sections, 2); }
  sections.wait_for_readers();
}

// The reclamation that the invalidator relies on: after a wait no reader works with what was there
// before it. Readers that miss it would see the freed value.
TEST(ReadSections, NoReaderKeepsWhatWasReplacedBeforeAWait) {
  constexpr int kReaders = 3;
  ReadSections sections(kReaders);
  std::atomic<std::atomic<int>*> current{new std::atomic<int>(1)};
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < kReaders; ++t) {
    readers.emplace_back([&, t] {
      while (!done) {
        const ReadSections::Scope scope(sections, static_cast<std::size_t>(t));
        std::atomic<int>* seen = current.load();
        for (int i = 0; i < 20; ++i)
          if (seen->load() != 1) ++wrong;
      }
    });
  }
  std::vector<std::unique_ptr<std::atomic<int>>> replaced;
  for (int round = 0; round < 2000; ++round) {
    replaced.emplace_back(current.exchange(new std::atomic<int>(1)));
    sections.wait_for_readers();
    replaced.back()->store(0);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  delete current.load();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace coffer::fuse
