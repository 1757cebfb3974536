#include "coffer/core/thread_name.h"

#include <pthread.h>

#include <string>

namespace coffer {

void name_this_thread(std::string_view name) {
  constexpr std::size_t kLinuxNameMax = 15;
  ::pthread_setname_np(::pthread_self(), std::string(name.substr(0, kLinuxNameMax)).c_str());
}

}  // namespace coffer
