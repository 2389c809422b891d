#pragma once

#include <atomic>
#include <cstdint>

namespace pyquant {

// How many columns of a stripe's last row are finished. The thread with the next
// stripe waits for them. What was stored before reach() is visible after wait_for().
class StripeProgress {
 public:
  void reach(std::int64_t columns) { columns_.store(columns, std::memory_order_release); }
  void wait_for(std::int64_t columns) const {
    if (columns_.load(std::memory_order_acquire) < columns) wait_longer_for(columns);
  }

 private:
  void wait_longer_for(std::int64_t columns) const;

  std::atomic<std::int64_t> columns_{0};
};

}  // namespace pyquant
