#pragma once

// Internal to libs/http: the memory that request bodies may take.

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace gatehouse::http {

// A server-wide allowance for bodies that are being read or processed, in bytes. No client can use
// it up: a peer, and an app with its large bodies, may take more only while it holds no more than
// what stays free, so the first gets half of it, two get a third each, and something is left for
// the next one. An app with all its bodies may hold three times what stays free. The smallest
// bodies are free, one of a connection: the number of connections is their limit, and to count them
// would cost most requests two locks that all threads share. Thread-safe.
class BodyBudget {
 public:
  // The part of a body beyond this is large. Stalled uploads must not keep users of the same app
  // from signing in, and such requests are smaller.
  static constexpr int64_t kSmallBody = 64 * 1024;
  // Many small ones must not keep other apps out.
  static constexpr int64_t kSharesOfAllBodies = 3;

  // `total` of all bodies; those of up to `free_body` need not be counted.
  BodyBudget(int64_t total, int64_t free_body) : total_(total), free_body_(free_body) {}

  // The share of one body, released on destruction.
  class Charge {
   public:
    // `peer` or `app` may be empty: then it is not accounted to one. `may_be_free`: if it is small.
    // The budget outlives this.
    Charge(BodyBudget& budget, std::string peer, std::string app, bool may_be_free)
        : budget_(&budget),
          peer_(std::move(peer)),
          app_(std::move(app)),
          free_(may_be_free ? budget.free_body_ : 0) {}
    Charge(Charge&& other) noexcept
        : budget_(other.budget_),
          peer_(std::move(other.peer_)),
          app_(std::move(other.app_)),
          free_(other.free_),
          read_(other.read_),
          bytes_(std::exchange(other.bytes_, 0)) {}
    Charge& operator=(Charge&&) = delete;
    ~Charge() {
      if (bytes_ > 0) budget_->GiveBack(*this);
    }
    // False, and nothing taken, when the allowance or a share of it is used up.
    bool Add(int64_t bytes) {
      read_ += bytes;
      return read_ <= free_ || budget_->Take(*this, read_ - bytes_);
    }

   private:
    friend class BodyBudget;
    // The part of the first `bytes` that is large.
    static int64_t Large(int64_t bytes) { return bytes > kSmallBody ? bytes - kSmallBody : 0; }

    BodyBudget* budget_;
    std::string peer_;
    std::string app_;
    int64_t free_;       // up to this size
    int64_t read_ = 0;   // of the body so far
    int64_t bytes_ = 0;  // taken for it
  };

 private:
  using Holders = std::unordered_map<std::string, int64_t>;

  bool Take(Charge& charge, int64_t bytes);
  void GiveBack(const Charge& charge);
  static bool Fits(const Holders& holders, const std::string& name, int64_t more, int64_t free);
  static void Change(Holders& holders, const std::string& name, int64_t by);

  const int64_t total_;
  const int64_t free_body_;
  std::mutex mutex_;
  int64_t used_ = 0;
  // Bytes held, by name; only those that hold any.
  Holders peers_;
  Holders apps_;
  Holders apps_large_;
};

}  // namespace gatehouse::http
