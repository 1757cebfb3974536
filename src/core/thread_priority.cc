#include "coffer/core/thread_priority.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coffer {

void lower_this_threads_priority() {
  constexpr int kNice = 10;
  constexpr int kWhoProcess = 1;                  // ioprio_set(2), for which glibc has no wrapper
  constexpr int kBestEffortLowest = 2 << 13 | 7;  // class and level
  // On Linux both mean the thread.
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, kNice));
  static_cast<void>(::syscall(SYS_ioprio_set, kWhoProcess, 0, kBestEffortLowest));
}

}  // namespace coffer
