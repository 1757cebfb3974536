#pragma once
/// IoThread: one event loop on one thread, the connections that live on it, and their deadlines.
///
/// Deadlines are looked at twice a second in one sweep: a timer per connection would cost two
/// system calls' worth of work per request for a precision that nobody needs.
///
/// Owns      the loop and the thread; connections own themselves and are listed here while they
///           run.
/// Threads   add, remove and sweep on the loop's thread; the rest from any thread.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <thread>
#include <unordered_set>

namespace coffer::gateway {

class Connection;

class IoThread {
 public:
  IoThread();
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  boost::asio::io_context& context() { return context_; }
  void start();
  void add(Connection& connection) { connections_.insert(&connection); }
  void remove(Connection& connection) { connections_.erase(&connection); }
  /// Idle connections close now, the others after their reply.
  void drain();
  /// Closes every socket; the requests then fail and end.
  void close_all();
  /// Ends the loop once the last connection is gone. @pre drain() and, in time, close_all()
  void finish();
  void join();

 private:
  void sweep();

  boost::asio::io_context context_;
  boost::asio::steady_timer sweep_timer_;
  std::unordered_set<Connection*> connections_;
  bool finishing_ = false;
  std::thread thread_;
};

}  // namespace coffer::gateway
