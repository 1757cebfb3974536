#include "gateway/http/io_thread.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <vector>

#include "gateway/http/connection.h"

namespace coffer::gateway {
namespace {
constexpr std::chrono::milliseconds kSweepInterval{500};
}

IoThread::IoThread() : context_(1), sweep_timer_(context_) {}

IoThread::~IoThread() { join(); }

void IoThread::join() {
  if (thread_.joinable()) thread_.join();
}

void IoThread::start() {
  sweep();
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "s3-io");
    context_.run();
  });
}

void IoThread::sweep() {
  const auto now = std::chrono::steady_clock::now();
  // close_socket() only makes pending operations fail later, so the set does not change here.
  for (Connection* connection : connections_) {
    if (connection->deadline() <= now) connection->close_socket();
  }
  if (finishing_ && connections_.empty()) return;
  sweep_timer_.expires_after(finishing_ ? std::chrono::milliseconds(5) : kSweepInterval);
  sweep_timer_.async_wait([this](const boost::system::error_code&) { sweep(); });
}

void IoThread::drain() {
  boost::asio::post(context_, [this] {
    for (Connection* connection : connections_) connection->drain();
  });
}

void IoThread::close_all() {
  boost::asio::post(context_, [this] {
    for (Connection* connection : connections_) connection->close_socket();
  });
}

void IoThread::finish() {
  boost::asio::post(context_, [this] {
    finishing_ = true;
    sweep_timer_.cancel();
  });
}

}  // namespace coffer::gateway
