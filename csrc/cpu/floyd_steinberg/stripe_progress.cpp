#include "stripe_progress.h"

#include <thread>

namespace pyquant {

// The other thread is usually a few columns away. If it is not running at all, this
// one yields its processor.
void StripeProgress::wait_longer_for(std::int64_t columns) const {
  for (int tries = 0; columns_.load(std::memory_order_acquire) < columns; ++tries) {
    if (tries > 64) std::this_thread::yield();
  }
}

}  // namespace pyquant
