#pragma once

#include <cstddef>
#include <deque>
#include <limits>
#include <list>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "libs/base/owner.h"

namespace gatehouse {

// What waits to be run, each item with its owner. Owners take turns: an item waits for those before
// it of its own owner, and for one of each other owner at each of its turns. With one owner this is
// a plain queue. Every operation takes the same time however many items and owners there are, and
// an owner is forgotten with its last item. Not thread-safe.
//
// An owner runs `max_running` items at a time at most, from the moment a second owner was seen.
// kNobody's are no owner's in this.
template <typename Item>
class FairQueue {
 public:
  class Entry;
  // Entries change places by being moved from list to list: that allocates and destroys nothing, so
  // a caller can do both outside its lock.
  using Entries = std::list<Entry>;
  static constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

  explicit FairQueue(size_t max_running) : max_running_(max_running) {}
  FairQueue(const FairQueue&) = delete;
  FairQueue& operator=(const FairQueue&) = delete;

  size_t size() const { return entries_.size(); }
  // Owners that have an item waiting.
  size_t owners() const { return owners_; }
  size_t WaitingOf(Owner owner) const {
    const Share* share = Find(owner);
    return share == nullptr ? 0 : share->waiting;
  }
  // Whether one more of the owner's could run now, if no other came first.
  bool MayRun(Owner owner) const {
    const Share* share = Find(owner);
    return share == nullptr || MayRun(*share);
  }
  // Whether there is something for TakeNext.
  bool AnyMayRun() const { return !turns_.empty(); }

  // Queues the only entry of `one`.
  void Push(Entries& one) {
    Entry& entry = one.front();
    Share& share = ShareOf(entry.owner());
    entry.share_ = &share;
    entry.place_ = one.begin();
    entries_.splice(entries_.end(), one);
    entry.before_ = share.last;
    (share.last == nullptr ? share.first : share.last->after_) = &entry;
    share.last = &entry;
    Count(share, share.waiting + 1);
  }

  // Moves the next item in turn into `taken`: it counts as running until End.
  void TakeNext(Entries& taken) {
    Share& share = *turns_.front();
    ++share.running;
    // The others come first.
    turns_.splice(turns_.end(), turns_, turns_.begin());
    Remove(*share.first, taken);
  }
  // `entry` was taken, and has run.
  void End(const Entry& entry) {
    Share& share = *entry.share_;
    --share.running;
    Settle(share);
  }

  // Makes room for one of `owner` at the cost of who has most: moves the newest item of the latter
  // into `displaced`. False if that would leave it with fewer than `owner` would have.
  bool Displace(Owner owner, Entries& displaced) {
    if (by_waiting_.empty() || most_ < WaitingOf(owner) + 2) return false;
    Remove(*by_waiting_[most_].front().last, displaced);
    return true;
  }

  // Looks at `looks` items, continuing where the last call ended; moves those of which `drop` is
  // true into `dropped`.
  template <typename Predicate>
  void Drop(int looks, Predicate drop, Entries& dropped) {
    for (; looks > 0; --looks) {
      if (next_look_ == entries_.end()) next_look_ = entries_.begin();
      if (next_look_ == entries_.end()) return;
      Entry& entry = *next_look_;
      if (drop(entry.item)) {
        Remove(entry, dropped);
      } else {
        ++next_look_;
      }
    }
  }
  void DropAll(Entries& dropped) {
    while (!entries_.empty()) Remove(entries_.back(), dropped);
  }

 private:
  struct Share {
    Owner owner = kNobody;
    Entry* first = nullptr;
    Entry* last = nullptr;
    size_t waiting = 0;
    size_t running = 0;
    typename std::list<Share>::iterator place;
    // Its one node of the list of turns, which is here meanwhile.
    std::list<Share*> out_of_turn;
    bool in_turn = false;
    typename std::list<Share*>::iterator turn;
  };

  // An owner's share is kept in the list that `waiting` is the number of.
  std::list<Share>& With(size_t waiting) {
    if (by_waiting_.size() <= waiting) by_waiting_.resize(waiting + 1);
    return by_waiting_[waiting];
  }

  Share* Find(Owner owner) const {
    const auto found = shares_.find(owner);
    return found == shares_.end() ? nullptr : found->second;
  }

  Share& ShareOf(Owner owner) {
    const auto [found, is_new] = shares_.try_emplace(owner, nullptr);
    if (!is_new) return *found->second;
    std::list<Share>& none_waiting = With(0);
    if (spare_.empty()) {
      spare_.emplace_back();
      spare_.back().place = spare_.begin();
      spare_.back().out_of_turn.push_back(&spare_.back());
      spare_.back().turn = spare_.back().out_of_turn.begin();
    }
    none_waiting.splice(none_waiting.end(), spare_, spare_.begin());
    Share& share = none_waiting.back();
    share.owner = owner;
    found->second = &share;
    if (!several_ && owner != kNobody) {
      if (!first_owner_.has_value()) first_owner_ = owner;
      if (owner != *first_owner_) {
        several_ = true;
        if (Share* first = Find(*first_owner_); first != nullptr) Settle(*first);
      }
    }
    return share;
  }

  bool MayRun(const Share& share) const {
    return !several_ || share.owner == kNobody || share.running < max_running_;
  }

  void Remove(Entry& entry, Entries& into) {
    Share& share = *entry.share_;
    (entry.before_ == nullptr ? share.first : entry.before_->after_) = entry.after_;
    (entry.after_ == nullptr ? share.last : entry.after_->before_) = entry.before_;
    if (next_look_ == entry.place_) ++next_look_;
    into.splice(into.end(), entries_, entry.place_);
    Count(share, share.waiting - 1);
  }

  void Count(Share& share, size_t waiting) {
    if (share.waiting == 0) ++owners_;
    if (waiting == 0) --owners_;
    std::list<Share>& to = With(waiting);
    to.splice(to.end(), by_waiting_[share.waiting], share.place);
    share.waiting = waiting;
    // It changes by one at a time, and so does the most.
    if (waiting > most_) {
      most_ = waiting;
    } else if (most_ > 0 && by_waiting_[most_].empty()) {
      --most_;
    }
    Settle(share);
  }

  // Gives the share a turn, or takes it away; forgets it if nothing is left of it.
  void Settle(Share& share) {
    const bool has_turn = share.waiting > 0 && MayRun(share);
    if (has_turn != share.in_turn) {
      share.in_turn = has_turn;
      std::list<Share*>& from = has_turn ? share.out_of_turn : turns_;
      std::list<Share*>& to = has_turn ? turns_ : share.out_of_turn;
      to.splice(to.end(), from, share.turn);
    }
    if (share.waiting > 0 || share.running > 0) return;
    shares_.erase(share.owner);
    if (spare_.size() < kSpare) {
      spare_.splice(spare_.end(), by_waiting_[0], share.place);
    } else {
      by_waiting_[0].erase(share.place);
    }
  }

  // Kept for the next owners, so that they need not be allocated.
  static constexpr size_t kSpare = 64;

  const size_t max_running_;
  Entries entries_;  // in the order of their arrival
  typename Entries::iterator next_look_ = entries_.end();
  std::list<Share*> turns_;  // whose turn is next; those only that have something to run
  absl::flat_hash_map<Owner, Share*> shares_;
  std::deque<std::list<Share>> by_waiting_;  // which never moves them
  size_t most_ = 0;                          // that an owner has waiting
  size_t owners_ = 0;
  std::list<Share> spare_;
  std::optional<Owner> first_owner_;
  bool several_ = false;  // owners were seen
};

template <typename Item>
class FairQueue<Item>::Entry {
 public:
  Entry(Owner owner, Item&& content) : item(std::move(content)), owner_(owner) {}
  Owner owner() const { return owner_; }

  Item item;

 private:
  friend class FairQueue;
  const Owner owner_;
  Share* share_ = nullptr;
  Entry* before_ = nullptr;  // of the same owner
  Entry* after_ = nullptr;
  typename Entries::iterator place_;
};

}  // namespace gatehouse
