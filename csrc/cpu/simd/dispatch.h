#pragma once

// Which instruction set the CPU kernels use. It is chosen here and nowhere else, once
// per process, from what the machine supports; PYQUANT_CPU=portable|avx2|avx512
// forces one.

#include <string>

// The kernels for x86 are compiled wherever the compiler can. Their files switch the
// instruction set on themselves; no other code is compiled with it.
#if defined(__x86_64__) && defined(__GNUC__)
#define PYQUANT_X86 1
#else
#define PYQUANT_X86 0
#endif

// Every instruction set that this library is compiled for, the slowest first. SET is
// applied to the name of the namespace in which the set provides is_supported() and
// the kernels of each op. A new instruction set is added to this list.
#if PYQUANT_X86
#define PYQUANT_INSTRUCTION_SETS(SET) SET(portable) SET(avx2) SET(avx512)
#else
#define PYQUANT_INSTRUCTION_SETS(SET) SET(portable)
#endif

namespace pyquant {

#define PYQUANT_NAME(set) set,
enum class InstructionSet { PYQUANT_INSTRUCTION_SETS(PYQUANT_NAME) };
#undef PYQUANT_NAME

// Whether this machine can execute the set.
#define PYQUANT_DECLARE(set) \
  namespace set {            \
  bool is_supported();       \
  }
PYQUANT_INSTRUCTION_SETS(PYQUANT_DECLARE)
#undef PYQUANT_DECLARE

// Throws std::invalid_argument if PYQUANT_CPU names a set that does not exist or
// that this machine does not support.
InstructionSet instruction_set();

// The name of that set, such as "avx2".
std::string instruction_set_name();

// The names of the sets that this machine supports, the slowest first, with commas in
// between.
std::string supported_instruction_sets();

// For the tests: from now on the named set. Throws as instruction_set() does.
void use_instruction_set(std::string name);

}  // namespace pyquant
