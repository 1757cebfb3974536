#include "cli/config_file.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <fstream>
#include <optional>

namespace coffer::cli {
namespace {

/// Takes "--config FILE" or "--config=FILE" out of the arguments.
std::optional<std::string> take_config(std::vector<std::string>& arguments) {
  for (auto at = arguments.begin(); at != arguments.end() && *at != "--"; ++at) {
    if (at->starts_with("--config=")) {
      std::string path = at->substr(9);
      arguments.erase(at);
      return path;
    }
    if (*at == "--config" && at + 1 != arguments.end()) {
      std::string path = *(at + 1);
      arguments.erase(at, at + 2);
      return path;
    }
  }
  return std::nullopt;
}

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  const auto commands =
      app.get_subcommands([&](const CLI::App* command) { return command->get_name() == name; });
  return commands.empty() ? nullptr : commands.front();
}

const CLI::Option* find_option(const CLI::App* command, const std::string& key) {
  return command == nullptr ? nullptr : command->get_option_no_throw("--" + key);
}

bool known_somewhere(const CLI::App& app, const std::string& key) {
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  return std::any_of(commands.begin(), commands.end(),
                     [&](const CLI::App* command) { return find_option(command, key) != nullptr; });
}

Result<std::vector<CLI::ConfigItem>> read_items(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Errc::NotFound, "open the configuration " + path + " failed");
  try {
    return CLI::ConfigTOML().from_config(file);
  } catch (const CLI::Error& error) {
    return fail(Errc::InvalidArgument, path + ": " + error.what());
  }
}

/// A way to unlock that the command line gives goes before another one of the file.
bool is_overruled(const std::string& key, const std::vector<std::string>& arguments) {
  constexpr std::array<std::string_view, 5> kWays{"passfile", "passcommand", "keyfile",
                                                  "recovery-key-file", "recovery-key"};
  if (std::find(kWays.begin(), kWays.end(), key) == kWays.end()) return false;
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& word) {
    return std::any_of(kWays.begin(), kWays.end(), [&](std::string_view way) {
      return word.starts_with("--" + std::string(way));
    });
  });
}

void append(std::vector<std::string>& out, const CLI::Option& option, const CLI::ConfigItem& item) {
  const std::string name = "--" + item.name;
  if (option.get_expected_min() == 0) {  // a flag
    const bool on = item.inputs.empty() || item.inputs.front() == "true";
    if (on) out.push_back(name);
    return;
  }
  for (const std::string& value : item.inputs) out.push_back(name + "=" + value);
}

}  // namespace

Result<std::vector<std::string>> with_config(const CLI::App& app,
                                             std::vector<std::string> arguments) {
  const auto path = take_config(arguments);
  if (!path) return arguments;
  const auto command = std::find_if(arguments.begin(), arguments.end(),
                                    [](const std::string& word) { return !word.starts_with("-"); });
  if (command == arguments.end()) return arguments;
  const CLI::App* chosen = find_command(app, *command);
  COFFER_ASSIGN(const auto items, read_items(*path));
  std::vector<std::string> added;
  for (const CLI::ConfigItem& item : items) {
    if (item.name == "++" || item.name == "--") continue;  // CLI11's marks of a section's ends
    const bool elsewhere = !item.parents.empty() && item.parents.front() != *command;
    const CLI::App* owner = item.parents.empty() ? chosen : find_command(app, item.parents.front());
    const CLI::Option* option = find_option(owner, item.name);
    const bool known =
        option != nullptr || (item.parents.empty() && known_somewhere(app, item.name));
    if (!known) return fail(Errc::InvalidArgument, *path + ": no command has --" + item.fullname());
    if (option == nullptr || elsewhere || is_overruled(item.name, arguments)) continue;
    append(added, *option, item);
  }
  arguments.insert(command + 1, added.begin(), added.end());
  return arguments;
}

}  // namespace coffer::cli
