#include "libs/base/fair_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace gatehouse {
namespace {

constexpr Owner kA = 1, kB = 2, kC = 3;

// A queue of texts, and what was taken from it and has not ended.
class Texts {
 public:
  explicit Texts(size_t max_running = FairQueue<std::string>::kNoLimit) : queue_(max_running) {}

  void Push(Owner owner, const std::vector<std::string>& texts) {
    for (std::string text : texts) {
      Queue::Entries one;
      one.emplace_back(owner, std::move(text));
      queue_.Push(one);
    }
  }
  // "" if nothing may run.
  std::string Take() {
    if (!queue_.AnyMayRun()) return "";
    queue_.TakeNext(running_);
    return running_.back().item;
  }
  void End(const std::string& text) {
    const auto ended = std::find_if(running_.begin(), running_.end(),
                                    [&](const Queue::Entry& entry) { return entry.item == text; });
    queue_.End(*ended);
    running_.erase(ended);
  }
  std::vector<std::string> TakeAll() {
    std::vector<std::string> all;
    while (queue_.AnyMayRun()) all.push_back(Take());
    return all;
  }
  // "" if the owner gets no place.
  std::string Displace(Owner owner) {
    Queue::Entries displaced;
    return queue_.Displace(owner, displaced) ? displaced.front().item : "";
  }
  std::vector<std::string> Drop(int looks, const std::string& text) {
    Queue::Entries dropped;
    queue_.Drop(
        looks, [&](const std::string& item) { return item == text; }, dropped);
    std::vector<std::string> texts;
    for (const Queue::Entry& entry : dropped) texts.push_back(entry.item);
    return texts;
  }

  using Queue = FairQueue<std::string>;
  Queue queue_;
  Queue::Entries running_;
};

using Strings = std::vector<std::string>;

TEST(FairQueue, OneOwnerIsServedInOrder) {
  Texts texts;
  texts.Push(kA, {"a1", "a2", "a3"});
  EXPECT_EQ(texts.TakeAll(), (Strings{"a1", "a2", "a3"}));
}

TEST(FairQueue, OwnersTakeTurns) {
  Texts texts;
  texts.Push(kA, {"a1", "a2", "a3"});
  texts.Push(kB, {"b1", "b2"});
  texts.Push(kC, {"c1"});
  EXPECT_EQ(texts.queue_.owners(), 3u);
  EXPECT_EQ(texts.Take(), "a1");
  EXPECT_EQ(texts.Take(), "b1");
  texts.Push(kC, {"c2"});
  EXPECT_EQ(texts.TakeAll(), (Strings{"c1", "a2", "b2", "c2", "a3"}));
  EXPECT_EQ(texts.queue_.owners(), 0u);
  // Whoever was served just now has no turn before those who have waited.
  texts.Push(kA, {"a4", "a5"});
  texts.Push(kB, {"b3"});
  EXPECT_EQ(texts.Take(), "a4");
  texts.End("a4");
  EXPECT_EQ(texts.TakeAll(), (Strings{"b3", "a5"}));
}

TEST(FairQueue, WhoHasMostGivesUpItsNewest) {
  Texts texts;
  texts.Push(kA, {"a1", "a2", "a3", "a4", "a5"});
  texts.Push(kB, {"b1"});
  EXPECT_EQ(texts.Displace(kA), "");
  EXPECT_EQ(texts.Displace(kB), "a5");
  texts.Push(kB, {"b2"});
  EXPECT_EQ(texts.Displace(kB), "a4");
  texts.Push(kB, {"b3"});
  // Now they have the same, and neither gains by taking from the other.
  EXPECT_EQ(texts.Displace(kB), "");
  EXPECT_EQ(texts.Displace(kA), "");
  const std::string displaced = texts.Displace(kC);
  EXPECT_TRUE(displaced == "a3" || displaced == "b3") << displaced;
}

TEST(FairQueue, ManyOwnersOfOneDisplaceNobody) {
  Texts texts;
  for (Owner owner = 1; owner <= 10; ++owner) texts.Push(owner, {"x"});
  EXPECT_EQ(texts.Displace(11), "");
}

TEST(FairQueue, TheOnlyOwnerMayRunEverything) {
  Texts texts(2);
  texts.Push(kA, {"a1", "a2", "a3"});
  EXPECT_EQ(texts.TakeAll().size(), 3u);
  EXPECT_TRUE(texts.queue_.MayRun(kA));
}

TEST(FairQueue, OneOfSeveralIsHeldBackUntilItsOwnEnd) {
  Texts texts(2);
  texts.Push(kA, {"a1", "a2", "a3", "a4", "a5"});
  EXPECT_EQ(texts.Take(), "a1");
  EXPECT_EQ(texts.Take(), "a2");
  texts.Push(kB, {"b1"});
  EXPECT_FALSE(texts.queue_.MayRun(kA));
  EXPECT_EQ(texts.TakeAll(), (Strings{"b1"}));
  texts.End("b1");
  EXPECT_EQ(texts.Take(), "") << "though B has nothing any more";
  texts.End("a2");
  EXPECT_EQ(texts.TakeAll(), (Strings{"a3"}));
  texts.End("a1");
  texts.End("a3");
  EXPECT_EQ(texts.TakeAll(), (Strings{"a4", "a5"}));
}

TEST(FairQueue, NobodyIsNoSecondOwner) {
  Texts texts(1);
  texts.Push(kNobody, {"n1", "n2"});
  texts.Push(kA, {"a1", "a2"});
  EXPECT_EQ(texts.TakeAll(), (Strings{"n1", "a1", "n2", "a2"}));
}

TEST(FairQueue, DropContinuesWhereItEnded) {
  Texts texts;
  texts.Push(kA, {"x", "a1", "a2"});
  texts.Push(kB, {"x", "b1"});
  EXPECT_EQ(texts.Drop(2, "x"), (Strings{"x"}));
  EXPECT_EQ(texts.Drop(1, "x"), (Strings{}));
  EXPECT_EQ(texts.Drop(1, "x"), (Strings{"x"}));
  EXPECT_EQ(texts.Drop(100, "x"), (Strings{}));
  EXPECT_EQ(texts.TakeAll(), (Strings{"a1", "b1", "a2"}));
}

// What each operation does, told plainly.
class Model {
 public:
  explicit Model(size_t max_running) : max_running_(max_running) {}

  void Push(Owner owner, const std::string& text) {
    if (first_ == 0) first_ = owner;
    several_ = several_ || owner != first_;
    waiting_[owner].push_back(text);
    Settle();
  }
  std::string Take() {
    if (turns_.empty()) return "";
    const Owner owner = turns_.front();
    turns_.erase(turns_.begin());
    turns_.push_back(owner);
    const std::string text = waiting_[owner].front();
    waiting_[owner].erase(waiting_[owner].begin());
    ++running_[owner];
    Settle();
    return text;
  }
  void End(Owner owner) {
    --running_[owner];
    Settle();
  }
  size_t Most() {
    size_t most = 0;
    for (const auto& [owner, texts] : waiting_) most = std::max(most, texts.size());
    return most;
  }
  void Remove(const std::string& text) {
    for (auto& [owner, texts] : waiting_) std::erase(texts, text);
    Settle();
  }
  std::map<Owner, Strings> waiting_;

 private:
  void Settle() {
    for (const auto& [owner, texts] : waiting_) {
      const bool may = !texts.empty() && (!several_ || running_[owner] < max_running_);
      const auto turn = std::find(turns_.begin(), turns_.end(), owner);
      if (may && turn == turns_.end()) turns_.push_back(owner);
      if (!may && turn != turns_.end()) turns_.erase(turn);
    }
  }
  const size_t max_running_;
  std::vector<Owner> turns_;
  std::map<Owner, size_t> running_;
  Owner first_ = 0;
  bool several_ = false;
};

TEST(FairQueue, DoesWhatItsModelDoes) {
  std::mt19937 random(1);
  Texts texts(3);
  Model model(3);
  std::vector<std::pair<Owner, std::string>> running;
  for (int step = 0; step < 20'000; ++step) {
    // Now more comes, now more goes.
    const bool growing = step % 200 < 100;
    const Owner owner = 1 + random() % 7;
    const std::string text = std::to_string(owner) + ":" + std::to_string(step);
    switch (random() % (growing ? 4 : 6)) {
      case 0:
      case 1:
        texts.Push(owner, {text});
        model.Push(owner, text);
        break;
      case 2: {
        const std::string displaced = texts.Displace(owner);
        const size_t most = model.Most();
        ASSERT_EQ(displaced.empty(), most < model.waiting_[owner].size() + 2);
        if (displaced.empty()) break;
        const Strings& of = model.waiting_[std::stoul(displaced)];
        ASSERT_EQ(of.size(), most);
        ASSERT_EQ(of.back(), displaced);
        model.Remove(displaced);
        break;
      }
      case 3: {
        const Strings& of = model.waiting_[owner];
        if (of.empty()) break;
        const std::string dropped = of[random() % of.size()];
        ASSERT_EQ(texts.Drop(static_cast<int>(texts.queue_.size()), dropped), (Strings{dropped}));
        model.Remove(dropped);
        break;
      }
      default:
        if (!running.empty() && random() % 2 == 0) {
          const auto ended = running.begin() + static_cast<int>(random() % running.size());
          texts.End(ended->second);
          model.End(ended->first);
          running.erase(ended);
          break;
        }
        const std::string taken = texts.Take();
        ASSERT_EQ(taken, model.Take());
        if (!taken.empty()) running.emplace_back(std::stoul(taken), taken);
    }
    size_t size = 0, owners = 0;
    for (const auto& [of, waiting] : model.waiting_) {
      ASSERT_EQ(texts.queue_.WaitingOf(of), waiting.size());
      size += waiting.size();
      owners += waiting.empty() ? 0 : 1;
    }
    ASSERT_EQ(texts.queue_.size(), size);
    ASSERT_EQ(texts.queue_.owners(), owners);
  }
  Texts::Queue::Entries dropped;
  texts.queue_.DropAll(dropped);
  EXPECT_EQ(texts.queue_.size(), 0u);
  EXPECT_FALSE(texts.queue_.AnyMayRun());
}

}  // namespace
}  // namespace gatehouse
