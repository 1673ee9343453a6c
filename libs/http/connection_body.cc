// What happens to a request's body.

#include "libs/http/connection.h"
#include "libs/http/reply_format.h"

namespace gatehouse::http {
namespace {

// The body of a refused request is discarded up to this size, so that the client keeps its
// connection.
constexpr size_t kMaxReadAway = 64 * 1024;

}  // namespace

void Connection::ReadBody(uint64_t id, std::string app, BodyCallback then) {
  if (loop_->InLoop()) {
    StartBody(id, std::move(app), std::move(then));
  } else {
    loop_->Post(
        [self = shared_from_this(), id, app = std::move(app), then = std::move(then)]() mutable {
          self->StartBody(id, std::move(app), std::move(then));
        });
  }
}

void Connection::StartBody(uint64_t id, std::string app, BodyCallback then) {
  Slot* const slot = Find(id);
  if (slot == nullptr || slot->ready) return;
  if (!slot->body_to_come) return then("");
  slot->on_body = std::move(then);
  slot->send_continue = parser_->expects_continue && in_begin_ == in_end_;
  parser_->TakeBody(BodyBudget::Charge(loop_->shared->body_budget, peer_, std::move(app),
                                       /*may_be_free=*/slots_.size() == 1));
  message_deadline_ = (dispatching_ ? now_ : Clock::now()) + loop_->shared->options.body_timeout;
  body_ = Body::kReading;
  Wake();
}

void Connection::GiveUpBody(Slot& slot) {
  // The answer may destroy the body's owner: not before the slot is consistent.
  const BodyCallback gone = std::exchange(slot.on_body, nullptr);
  slot.body_to_come = false;
  slot.send_continue = false;
  const auto length = parser_->content_length();
  // A client that waits for `100 Continue` may or may not send the body: what follows is ambiguous.
  if (length && *length <= kMaxReadAway && !parser_->expects_continue) {
    parser_->DropBody();
    message_deadline_ = Clock::now() + loop_->shared->options.body_timeout;
    body_ = Body::kReading;
  } else {
    slot.keep_alive = false;
    body_ = Body::kLeft;
  }
  Wake();
}

void Connection::DeliverBody() {
  const bool dropped = parser_->dropping();
  std::string body = std::move(parser_->body);
  std::optional<BodyBudget::Charge> charge = std::move(parser_->charge);
  parser_.reset();
  body_ = Body::kNone;
  if (dropped) return;
  Slot& slot = slots_.back();
  slot.body_to_come = false;
  if (charge) slot.charge.emplace(*std::move(charge));
  BodyCallback then = std::exchange(slot.on_body, nullptr);
  dispatching_ = true;
  try {
    then(std::move(body));
  } catch (...) {
    // The responder is destroyed with the callback and answers 500.
  }
  then = nullptr;
  dispatching_ = false;
}

void Connection::AnswerAndClose(int status) {
  const bool header_only = body_ == Body::kNone;
  parser_.reset();
  body_ = Body::kNone;
  if (!header_only && (slots_.empty() || !slots_.back().body_to_come)) {
    // It was answered, and its body was discarded.
    if (!slots_.empty()) slots_.back().keep_alive = false;
    return;
  }
  Slot& slot = header_only ? slots_.emplace_back() : slots_.back();
  slot.ready = true;
  slot.keep_alive = false;
  slot.body_to_come = false;
  slot.response = PlainError(status);
  slot.on_body = nullptr;
}

}  // namespace gatehouse::http
