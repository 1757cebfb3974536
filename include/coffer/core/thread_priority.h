#pragma once

namespace coffer {

/// The calling thread yields to all others from now on, on the processor and on disks. Where the system refuses, nothing changes.
void lower_this_threads_priority();

}  // namespace coffer
