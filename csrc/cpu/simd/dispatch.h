#pragma once

// Which instruction set the CPU kernels use. Decided here and nowhere else, once
// per process, from what the machine offers; PYQUANT_CPU=avx512|avx2|portable
// forces one.

#include <string>

// The kernels for x86 are compiled wherever the compiler can: their files switch
// the instruction set on by themselves and nothing else is built with it.
#if defined(__x86_64__) && defined(__GNUC__)
#define PYQUANT_X86 1
#else
#define PYQUANT_X86 0
#endif

namespace pyquant {

enum class InstructionSet { portable, avx2, avx512 };

// Throws std::invalid_argument if PYQUANT_CPU names a set that does not exist or
// that this machine does not have.
InstructionSet instruction_set();

// "portable", "avx2" or "avx512".
std::string instruction_set_name();

// For the tests: from now on the named set. Throws as instruction_set() does.
void use_instruction_set(std::string name);

}  // namespace pyquant
