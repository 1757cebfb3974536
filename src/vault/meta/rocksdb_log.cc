#include "vault/meta/rocksdb_log.h"

#include <cstdarg>
#include <string_view>

#include "coffer/core/log.h"

namespace coffer::meta {
namespace {

class QuietLogger final : public rocksdb::Logger {
 public:
  QuietLogger() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list /*arguments*/) override {
    std::string_view message(format);
    while (message.ends_with('\n')) message.remove_suffix(1);
    if (level >= rocksdb::InfoLogLevel::HEADER_LEVEL || level < rocksdb::InfoLogLevel::WARN_LEVEL)
      return;
    if (level == rocksdb::InfoLogLevel::WARN_LEVEL) {
      log_warning("rocksdb: {}", message);
    } else {
      log_error("rocksdb: {}", message);
    }
  }
};

}  // namespace

std::shared_ptr<rocksdb::Logger> new_rocksdb_logger() { return std::make_shared<QuietLogger>(); }

}  // namespace coffer::meta
