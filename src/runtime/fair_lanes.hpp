// What waits for a few threads that serve many: a lane each, and a fair turn for every lane.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace aios::runtime {

// How soon something that waits is wanted.
struct Urgency {
  using Clock = std::chrono::steady_clock;
  // Lower numbers first; of one number, whatever came first.
  static constexpr int64_t kUsual = 100;

  int64_t priority = kUsual;
  Clock::time_point deadline = Clock::time_point::max();
};

// Lanes share time, not turns: the lane that was served for the shortest time is next, so that one
// whose items take long doesn't hold the others up. A lane that comes back after it was empty
// starts with those that are waiting, so that it saves up no time. For one thread at a time, or
// under a lock.
template <typename Key, typename Item>
class FairLanes {
 public:
  // False, and nothing is taken, where the lane has `most` items already. Where it throws, as there
  // is no memory for the item, it is as if it wasn't called.
  bool push(const Key& key, Item&& item, const Urgency& urgency, std::size_t most) {
    const auto found = lanes_.find(key);
    if ((found == lanes_.end() ? 0 : found->second.size) >= most) return false;
    Lane& lane = found == lanes_.end() ? open(key) : found->second;
    try {
      lane.levels[urgency.priority].push_back(std::move(item));
    } catch (...) {
      tidy(key, urgency.priority);
      throw;
    }
    ++lane.size;
    ++size_;
    return true;
  }

  // The lane whose turn it is; null if nothing waits.
  const Key* next() const {
    const auto chosen = std::min_element(
        lanes_.begin(), lanes_.end(),
        [](const auto& a, const auto& b) { return a.second.served_us < b.second.served_us; });
    return chosen == lanes_.end() ? nullptr : &chosen->first;
  }

  // The most urgent item of a lane.
  std::optional<Item> take(const Key& key) {
    const auto found = lanes_.find(key);
    if (found == lanes_.end()) return std::nullopt;
    Lane& lane = found->second;
    const auto level = lane.levels.begin();
    std::optional<Item> item(std::move(level->second.front()));
    level->second.pop_front();
    if (level->second.empty()) lane.levels.erase(level);
    --lane.size;
    --size_;
    if (lane.size == 0) close(found);
    return item;
  }

  // So long was spent on what came from a lane. Say it when it is known: a lane that is empty
  // meanwhile is remembered as long as others wait.
  void charge(const Key& key, double us) {
    const auto found = lanes_.find(key);
    if (found != lanes_.end()) {
      found->second.served_us += us;
    } else if (const auto before = left_.find(key); before != left_.end()) {
      before->second += us;
    }
  }

  // Takes out what nobody waits for any more.
  template <typename IsGone>
  std::vector<Item> remove(const IsGone& is_gone) {
    std::vector<Item> removed;
    removed.reserve(size_);  // at once: nothing may fail halfway
    for (auto lane = lanes_.begin(); lane != lanes_.end();) {
      removeFrom(lane->second, is_gone, removed);
      const auto here = lane++;
      if (here->second.size == 0) close(here);
    }
    return removed;
  }

  std::size_t size() const noexcept { return size_; }
  std::size_t size(const Key& key) const {
    const auto found = lanes_.find(key);
    return found == lanes_.end() ? 0 : found->second.size;
  }
  bool empty() const noexcept { return size_ == 0; }

 private:
  struct Lane {
    std::map<int64_t, std::deque<Item>> levels;  // none of them empty
    std::size_t size = 0;
    double served_us = 0;
  };
  using Lanes = std::map<Key, Lane>;
  // Emptied lanes; beyond that, those that were served for no longer than all that wait, which
  // have nothing to make up for, are forgotten.
  static constexpr std::size_t kRemembered = 64;

  Lane& open(const Key& key) {
    const Key* const first = next();
    Lane& lane = lanes_[key];
    lane.served_us = first == nullptr ? 0 : lanes_.find(*first)->second.served_us;
    if (const auto before = left_.find(key); before != left_.end()) {
      lane.served_us = std::max(lane.served_us, before->second);
      left_.erase(before);
    }
    return lane;
  }

  // After an item that could not be added: what has no items would be taken from.
  void tidy(const Key& key, int64_t priority) {
    const auto found = lanes_.find(key);
    auto& levels = found->second.levels;
    const auto level = levels.find(priority);
    if (level != levels.end() && level->second.empty()) levels.erase(level);
    if (levels.empty()) lanes_.erase(found);
  }

  void close(typename Lanes::iterator lane) {
    try {
      left_[lane->first] = lane->second.served_us;
    } catch (const std::bad_alloc&) {
      // It starts again as one that never had a turn.
    }
    lanes_.erase(lane);
    if (lanes_.empty()) {
      left_.clear();  // there is nobody to be fair to
    } else if (left_.size() > kRemembered) {
      const double least = lanes_.find(*next())->second.served_us;
      for (auto each = left_.begin(); each != left_.end();) {
        each = each->second <= least ? left_.erase(each) : std::next(each);
      }
    }
  }

  template <typename IsGone>
  void removeFrom(Lane& lane, const IsGone& is_gone, std::vector<Item>& removed) {
    for (auto level = lane.levels.begin(); level != lane.levels.end();) {
      std::deque<Item>& items = level->second;
      const auto kept = std::stable_partition(items.begin(), items.end(),
                                              [&](const Item& item) { return !is_gone(item); });
      const auto gone = static_cast<std::size_t>(items.end() - kept);
      std::move(kept, items.end(), std::back_inserter(removed));
      items.erase(kept, items.end());
      lane.size -= gone;
      size_ -= gone;
      level = items.empty() ? lane.levels.erase(level) : std::next(level);
    }
  }

  Lanes lanes_;                 // those with items
  std::map<Key, double> left_;  // how long emptied ones were served
  std::size_t size_ = 0;
};

}  // namespace aios::runtime
