#pragma once

// A result or a buffer of many megabytes is fresh memory. The system clears and maps
// its pages one at a time, when each is first written, which can take several times
// as long as the work. With huge pages there are 512 times fewer. This is only advice:
// a system that does not know it or does not follow it changes nothing.

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
