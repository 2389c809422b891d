#include "dispatch.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace pyquant {
namespace {

constexpr std::pair<InstructionSet, const char*> names[] = {
    {InstructionSet::portable, "portable"},
    {InstructionSet::avx2, "avx2"},
    {InstructionSet::avx512, "avx512"},
};

bool machine_has(InstructionSet set) {
#if PYQUANT_X86
  if (set == InstructionSet::avx2) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("f16c");
  }
  if (set == InstructionSet::avx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("gfni") &&
           __builtin_cpu_supports("bmi2");
  }
#endif
  return set == InstructionSet::portable;
}

InstructionSet best() {
  if (machine_has(InstructionSet::avx512)) return InstructionSet::avx512;
  if (machine_has(InstructionSet::avx2)) return InstructionSet::avx2;
  return InstructionSet::portable;
}

InstructionSet named(const std::string& name) {
  std::string accepted;
  for (const auto& [set, set_name] : names) {
    if (!machine_has(set)) continue;
    if (name == set_name) return set;
    accepted += (accepted.empty() ? "" : ", ") + std::string(set_name);
  }
  throw std::invalid_argument("PYQUANT_CPU must be one of the instruction sets of this machine (" +
                              accepted + "), got '" + name + "'");
}

std::atomic<InstructionSet>& chosen() {
  // If PYQUANT_CPU is bad this throws, and throws again the next time.
  static std::atomic<InstructionSet> set = [] {
    const char* forced = std::getenv("PYQUANT_CPU");
    return forced && *forced ? named(forced) : best();
  }();
  return set;
}

}  // namespace

InstructionSet instruction_set() { return chosen().load(std::memory_order_relaxed); }

std::string instruction_set_name() {
  for (const auto& [set, name] : names) {
    if (set == instruction_set()) return name;
  }
  return {};
}

void use_instruction_set(std::string name) { chosen() = named(name); }

}  // namespace pyquant
