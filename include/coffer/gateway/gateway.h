#pragma once
/// Gateway: the S3 door of one open vault, with its admin endpoint.
///
/// Owns      its listeners, threads and buffers. Borrows the vault, which is closed after stop().
/// Threads   start() and stop() from the owner's thread; the rest from any thread.
/// Errors    start: InvalidArgument (address, TLS files), Busy (address in use), Io.
/// Bounds    GatewayOptions; beyond them clients get 503 SlowDown.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/vault/objects.h"

namespace coffer {

class Registry;
class Vault;

struct GatewayOptions {
  std::string listen = "127.0.0.1:9000";  // HOST:PORT, [V6]:PORT; port 0: any free one
  std::string admin;                      // HOST:PORT of /metrics, /healthz, /readyz; empty: none
  std::string tls_certificate;            // PEM files; both or none
  std::string tls_key;
  std::string region = "us-east-1";  // what GetBucketLocation says
  std::vector<std::string> domains;  // BUCKET.DOMAIN is a bucket's host; "localhost" always is
  Durability durability = Durability::Synced;

  unsigned io_threads = 0;  // 0: by the number of cores
  unsigned workers = 0;     // 0: by the number of cores
  std::size_t connections_max = 4096;
  std::size_t requests_max = 2048;
  std::size_t buffer_bytes = std::size_t{192} << 20;  // of all bodies under way
  std::chrono::seconds idle_timeout{75};
  std::chrono::seconds progress_timeout{60};
  std::chrono::seconds drain_timeout{10};
  /// Of lifecycle rules: how long a day is. Zero: a day; else for tests, which then run all the time.
  std::chrono::seconds lifecycle_day{0};

  /// Called on a worker after each change, before it is answered: returns once the other door shows
  /// it (the mount's caches were invalidated). Empty: there is no other door.
  std::function<void()> after_change;
  /// Where metrics go; borrowed, outlives the gateway. Null: the gateway has its own.
  Registry* metrics = nullptr;
};

class Gateway {
 public:
  static Result<std::unique_ptr<Gateway>> start(Vault& vault, GatewayOptions options);
  /// Stops.
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// "127.0.0.1:9000"; where it really listens.
  [[nodiscard]] std::string local_endpoint() const;
  /// Empty when there is none.
  [[nodiscard]] std::string admin_endpoint() const;
  /// Accepts no more, lets what runs finish for drain_timeout, closes. May be called again.
  void stop();

 private:
  struct Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer
