#pragma once

// A result or a buffer of many megabytes is fresh memory: the system clears and maps each of
// its pages when it is first written, one at a time, which can take several times
// as long as the work. Huge pages make that 512 times fewer. Only advice: where
// the system does not know it or does not follow it, nothing changes.

#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace pyquant {

inline void advise_huge_pages(void* begin, std::int64_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t huge_page = std::uintptr_t{1} << 21;
  if (bytes < 4 * static_cast<std::int64_t>(huge_page)) return;
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t first = (address + huge_page - 1) & ~(huge_page - 1);
  const std::uintptr_t last = (address + static_cast<std::uintptr_t>(bytes)) & ~(huge_page - 1);
  madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

}  // namespace pyquant
