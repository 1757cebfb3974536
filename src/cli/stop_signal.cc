#include "cli/stop_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace coffer::cli {

StopSignal::StopSignal() : requests_(::eventfd(0, EFD_CLOEXEC)), signals_(-1) {
  sigset_t ends;
  ::sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&ends, signal);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = ::signalfd(-1, &ends, SFD_CLOEXEC);
  if (requests_ < 0 || signals_ < 0)
    throw std::system_error(errno, std::generic_category(), "signalfd");
}

StopSignal::~StopSignal() {
  ::close(requests_);
  ::close(signals_);
}

void StopSignal::request() { ::eventfd_write(requests_, 1); }

void StopSignal::wait() {
  std::array<pollfd, 2> wait{{{requests_, POLLIN, 0}, {signals_, POLLIN, 0}}};
  while (::poll(wait.data(), wait.size(), -1) < 0 && errno == EINTR) {
  }
}

}  // namespace coffer::cli
