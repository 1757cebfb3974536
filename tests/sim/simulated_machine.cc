#include "tests/sim/simulated_machine.h"

#include <cstdlib>
#include <filesystem>

namespace coffer::sim {

std::string SimulatedMachine::make_state_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "coffer-sim-XXXXXX").string();
  return ::mkdtemp(pattern.data());
}

SimulatedMachine::~SimulatedMachine() {
  std::error_code error;
  std::filesystem::remove_all(state_, error);
}

}  // namespace coffer::sim
