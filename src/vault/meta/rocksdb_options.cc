#include "vault/meta/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "vault/meta/counter_merge.h"
#include "vault/meta/flush_backlog.h"
#include "vault/meta/rocksdb_log.h"

namespace coffer::meta {
namespace {

std::shared_ptr<rocksdb::TableFactory> table_factory(const MetaStoreOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.cache_index_and_filter_blocks = true;  // memory is bounded by the cache alone
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.block_size = 8 * 1024;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;  // Debian's bundled crc32c is software
  return std::shared_ptr<rocksdb::TableFactory>(rocksdb::NewBlockBasedTableFactory(table));
}

void set_safety(rocksdb::Options& db) {
  db.paranoid_checks = true;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.avoid_flush_during_recovery = false;  // else it would append to the log that it recovered
  db.recycle_log_file_num = 0;
  db.track_and_verify_wals_in_manifest = false;  // frames do that, with mirrors taken into account
  db.verify_sst_unique_id_in_manifest = true;    // file numbers are used again after a crash
  db.write_dbid_to_manifest =
      true;  // else a damaged IDENTITY, which holds nothing of worth, ends the open
  db.max_bgerror_resume_count = 0;    // no Resume() on a state that diverged
  db.manual_wal_flush = false;        // commit() promises that the log file has it
  db.enable_pipelined_write = false;  // the committing thread itself writes the log
  db.two_write_queues = false;
  db.allow_mmap_reads = false;
  db.allow_mmap_writes = false;
  db.use_direct_reads = false;
  db.use_direct_io_for_flush_and_compaction = false;
  db.max_open_files = 512;
}

}  // namespace

rocksdb::Options database_options(rocksdb::Env* env, const MetaStoreOptions& options) {
  rocksdb::Options db;
  set_safety(db);
  db.env = env;
  db.info_log = new_rocksdb_logger();
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.merge_operator = new_counter_merge();
  db.table_factory = table_factory(options);
  db.write_buffer_size = options.write_buffer_bytes;
  // Every name that is made is looked for first: a filter in the memtable answers without a search.
  db.memtable_whole_key_filtering = true;
  db.memtable_prefix_bloom_size_ratio = 0.02;
  // Nothing but full memtables may stop a write, and those are FlushBacklog's care.
  db.max_write_buffer_number = FlushBacklog::kMemtablesMax;
  db.level0_slowdown_writes_trigger = 64;
  db.level0_stop_writes_trigger = 1024;
  db.soft_pending_compaction_bytes_limit = 0;
  db.hard_pending_compaction_bytes_limit = 0;
  db.target_file_size_base = std::uint64_t{32} << 20;
  db.max_bytes_for_level_base = std::uint64_t{128} << 20;
  db.level_compaction_dynamic_level_bytes = true;
  db.max_background_jobs = 2;
  db.max_manifest_file_size = std::uint64_t{16} << 20;  // it is read whole at open
  db.keep_log_file_num = 1;
  // Level 0 is short-lived: spend no time on it.
  db.compression = rocksdb::kLZ4Compression;
  db.compression_per_level = {rocksdb::kNoCompression, rocksdb::kLZ4Compression};
  return db;
}

}  // namespace coffer::meta
