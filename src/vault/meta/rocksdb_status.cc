#include "vault/meta/rocksdb_status.h"

namespace coffer::meta {

rocksdb::IOStatus to_io_status(const Error& error) {
  switch (error.code) {
    case Errc::NotFound:
      return rocksdb::IOStatus::NotFound(error.context);
    case Errc::NoSpace: {
      auto status = rocksdb::IOStatus::NoSpace(error.context);
      status.SetRetryable(false);
      return status;
    }
    case Errc::Corrupt:
    case Errc::AuthenticationFailed:
      return rocksdb::IOStatus::Corruption(error.context);
    case Errc::NotSupported:
      return rocksdb::IOStatus::NotSupported(error.context);
    default: {
      auto status = rocksdb::IOStatus::IOError(error.context);
      status.SetRetryable(false);  // a failed sync is never tried again on the same file
      return status;
    }
  }
}

rocksdb::IOStatus to_io_status(const Result<void>& result) {
  return result ? rocksdb::IOStatus::OK() : to_io_status(result.error());
}

Error to_error(const rocksdb::Status& status, std::string_view doing) {
  Errc code = Errc::Io;
  if (status.IsNoSpace()) code = Errc::NoSpace;
  if (status.IsCorruption()) code = Errc::Corrupt;
  if (status.IsNotFound()) code = Errc::NotFound;
  if (status.IsNotSupported()) code = Errc::NotSupported;
  return {code, std::string(doing)};
}

}  // namespace coffer::meta
