#include "dispatch.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace pyquant {

bool portable::is_supported() { return true; }

namespace {

struct Candidate {
  InstructionSet set;
  const char* name;
  bool (*is_supported)();
};

// The slowest first.
#define PYQUANT_CANDIDATE(set) {InstructionSet::set, #set, set::is_supported},
constexpr Candidate candidates[] = {PYQUANT_INSTRUCTION_SETS(PYQUANT_CANDIDATE)};
#undef PYQUANT_CANDIDATE

InstructionSet fastest() {
  InstructionSet fastest_set = InstructionSet::portable;
  for (const Candidate& candidate : candidates) {
    if (candidate.is_supported()) fastest_set = candidate.set;
  }
  return fastest_set;
}

std::string supported_names(const char* separator) {
  std::string names;
  for (const Candidate& candidate : candidates) {
    if (candidate.is_supported())
      names += (names.empty() ? "" : separator) + std::string(candidate.name);
  }
  return names;
}

InstructionSet set_named(const std::string& name) {
  for (const Candidate& candidate : candidates) {
    if (name == candidate.name && candidate.is_supported()) return candidate.set;
  }
  throw std::invalid_argument("PYQUANT_CPU must be one of the instruction sets of this machine (" +
                              supported_names(", ") + "), got '" + name + "'");
}

std::atomic<InstructionSet>& current_set() {
  // If PYQUANT_CPU is bad this throws, and throws again the next time.
  static std::atomic<InstructionSet> set = [] {
    const char* forced = std::getenv("PYQUANT_CPU");
    return forced && *forced ? set_named(forced) : fastest();
  }();
  return set;
}

}  // namespace

InstructionSet instruction_set() { return current_set().load(std::memory_order_relaxed); }

std::string instruction_set_name() {
  const InstructionSet set = instruction_set();
  for (const Candidate& candidate : candidates) {
    if (candidate.set == set) return candidate.name;
  }
  return {};
}

std::string supported_instruction_sets() { return supported_names(","); }

void use_instruction_set(std::string name) { current_set() = set_named(name); }

}  // namespace pyquant
