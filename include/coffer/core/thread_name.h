#pragma once
/// Names the calling thread for ps, top and gdb. Linux keeps 15 characters.

#include <string_view>

namespace coffer {

void name_this_thread(std::string_view name);

}  // namespace coffer
