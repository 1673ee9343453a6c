#include "libs/base/json.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "absl/hash/hash.h"

namespace gatehouse::json {
namespace {

// Below this a scan is faster than a hash table.
constexpr size_t kIndexFrom = 16;
// Most objects of requests have no more members.
constexpr size_t kFew = 4;

}  // namespace

// `slots` is an open-addressed table of positions + 1 into `list`, empty while the object is small.
struct Members::Rep {
  std::vector<Member> list;
  std::vector<uint32_t> slots;

  size_t Home(std::string_view key) const {
    return absl::Hash<std::string_view>{}(key) & (slots.size() - 1);
  }

  void Insert(uint32_t position) {
    size_t i = Home(list[position].key);
    while (slots[i] != 0) i = (i + 1) & (slots.size() - 1);
    slots[i] = position + 1;
  }

  void Reindex() {
    slots.clear();
    if (list.size() < kIndexFrom) return;
    size_t size = 2 * kIndexFrom;
    while (size < list.size() * 3) size *= 2;
    slots.assign(size, 0);
    for (uint32_t i = 0; i < list.size(); ++i) Insert(i);
  }

  Member* Find(std::string_view key) {
    if (slots.empty()) {
      for (Member& m : list) {
        if (m.key == key) return &m;
      }
      return nullptr;
    }
    for (size_t i = Home(key); slots[i] != 0; i = (i + 1) & (slots.size() - 1)) {
      Member& m = list[slots[i] - 1];
      if (m.key == key) return &m;
    }
    return nullptr;
  }
};

Members::Members() = default;
Members::~Members() = default;
Members::Members(Members&&) noexcept = default;
Members& Members::operator=(Members&&) noexcept = default;
Members::Members(const Members& other)
    : rep_(other.rep_ == nullptr ? nullptr : std::make_unique<Rep>(*other.rep_)) {}
Members& Members::operator=(const Members& other) {
  Members copy(other);
  rep_ = std::move(copy.rep_);
  return *this;
}

size_t Members::size() const { return rep_ == nullptr ? 0 : rep_->list.size(); }
const Member* Members::begin() const { return rep_ == nullptr ? nullptr : rep_->list.data(); }
const Member* Members::end() const {
  return rep_ == nullptr ? nullptr : rep_->list.data() + rep_->list.size();
}

const Value* Members::Find(std::string_view key) const {
  if (rep_ == nullptr) return nullptr;
  const Member* m = rep_->Find(key);
  return m == nullptr ? nullptr : &m->value;
}

void Members::Reserve(size_t count) {
  if (rep_ == nullptr) rep_ = std::make_unique<Rep>();
  rep_->list.reserve(count);
}

Value& Members::Set(std::string key, Value value) {
  if (Member* m = rep_ == nullptr ? nullptr : rep_->Find(key)) {
    m->value = std::move(value);
    return m->value;
  }
  return Add(std::move(key), std::move(value));
}

std::vector<Member> Members::Take() {
  if (rep_ == nullptr) return {};
  return std::move(std::exchange(rep_, nullptr)->list);
}

Value& Members::Add(std::string&& key, Value&& value) {
  if (rep_ == nullptr) Reserve(kFew);
  rep_->list.push_back({std::move(key), std::move(value)});
  const size_t n = rep_->list.size();
  if (n >= kIndexFrom && n * 3 > rep_->slots.size() * 2) {
    rep_->Reindex();
  } else if (!rep_->slots.empty()) {
    rep_->Insert(static_cast<uint32_t>(n - 1));
  }
  return rep_->list.back().value;
}

bool Members::Remove(std::string_view key) {
  if (rep_ == nullptr) return false;
  const Member* m = rep_->Find(key);
  if (m == nullptr) return false;
  rep_->list.erase(rep_->list.begin() + (m - rep_->list.data()));
  rep_->Reindex();
  return true;
}

Value Value::NumberText(std::string text) {
  Value v;
  v.data_ = NumberRep{std::move(text)};
  return v;
}

Value Value::Double(double d) {
  if (!std::isfinite(d)) return Value();
  if (d == 0) return NumberText(std::signbit(d) ? "-0.0" : "0.0");
  const double magnitude = std::fabs(d);
  const bool plain = magnitude >= 1e-3 && magnitude < 1e7;
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), d,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer, end.ptr);
  if (plain) {
    if (text.find('.') == std::string::npos) text += ".0";
    return NumberText(std::move(text));
  }
  // C++ writes 1e+10 and 1.5e-05; Java writes 1.0E10 and 1.5E-5.
  const size_t e = text.find('e');
  std::string mantissa = text.substr(0, e);
  if (mantissa.find('.') == std::string::npos) mantissa += ".0";
  std::string_view exponent = std::string_view(text).substr(e + 1);
  std::string sign = exponent.front() == '-' ? "-" : "";
  exponent.remove_prefix(1);
  while (exponent.size() > 1 && exponent.front() == '0') exponent.remove_prefix(1);
  return NumberText(mantissa + "E" + sign + std::string(exponent));
}

Value Value::Array(json::Array elements) {
  Value v;
  v.data_ = std::move(elements);
  return v;
}

Value Value::Object() {
  Value v;
  v.data_ = Members();
  return v;
}

Value Value::Object(std::initializer_list<Field> fields) {
  Members members;
  // Some are often set afterwards.
  members.Reserve(fields.size() + kFew);
  for (const Field& f : fields) members.Add(std::string(f.key), std::move(f.value));
  return FromMembers(std::move(members));
}

Value Value::FromMembers(Members members) {
  Value v;
  v.data_ = std::move(members);
  return v;
}

std::optional<bool> Value::AsBool() const {
  const bool* b = std::get_if<bool>(&data_);
  return b == nullptr ? std::nullopt : std::optional(*b);
}

std::optional<std::string_view> Value::AsString() const {
  const std::string* s = std::get_if<std::string>(&data_);
  return s == nullptr ? std::nullopt : std::optional<std::string_view>(*s);
}

std::optional<std::string_view> Value::AsNumberText() const {
  const NumberRep* n = std::get_if<NumberRep>(&data_);
  return n == nullptr ? std::nullopt : std::optional<std::string_view>(n->text);
}

std::optional<int64_t> Value::AsInt64() const {
  const NumberRep* n = std::get_if<NumberRep>(&data_);
  if (n == nullptr) return std::nullopt;
  int64_t out;
  const char* end = n->text.data() + n->text.size();
  const auto [ptr, error] = std::from_chars(n->text.data(), end, out);
  if (error != std::errc() || ptr != end) return std::nullopt;
  return out;
}

std::optional<double> Value::AsDouble() const {
  const NumberRep* n = std::get_if<NumberRep>(&data_);
  if (n == nullptr) return std::nullopt;
  double out;
  const char* end = n->text.data() + n->text.size();
  const auto [ptr, error] = std::from_chars(n->text.data(), end, out);
  if (error != std::errc() || ptr != end) return std::nullopt;
  return out;
}

const json::Array& Value::elements() const {
  static const json::Array* const kNone = new json::Array();
  const json::Array* a = std::get_if<json::Array>(&data_);
  return a == nullptr ? *kNone : *a;
}

const Members& Value::members() const {
  static const Members* const kNone = new Members();
  const Members* m = std::get_if<Members>(&data_);
  return m == nullptr ? *kNone : *m;
}

size_t Value::size() const { return is_array() ? elements().size() : members().size(); }

const Value* Value::Find(std::string_view key) const {
  const Members* m = std::get_if<Members>(&data_);
  return m == nullptr ? nullptr : m->Find(key);
}

std::optional<std::string_view> Value::FindString(std::string_view key) const {
  const Value* v = Find(key);
  return v == nullptr ? std::nullopt : v->AsString();
}

std::string Value::TakeString() {
  std::string* s = std::get_if<std::string>(&data_);
  return s == nullptr ? std::string() : std::exchange(*s, std::string());
}

std::vector<Member> Value::TakeMembers() {
  Members* m = std::get_if<Members>(&data_);
  return m == nullptr ? std::vector<Member>() : m->Take();
}

Value& Value::Set(std::string key, Value value) {
  if (!is_object()) data_ = Members();
  return std::get<Members>(data_).Set(std::move(key), std::move(value));
}

bool Value::Remove(std::string_view key) {
  Members* m = std::get_if<Members>(&data_);
  return m != nullptr && m->Remove(key);
}

Value& Value::Append(Value value) {
  if (!is_array()) data_ = json::Array();
  return std::get<json::Array>(data_).emplace_back(std::move(value));
}

bool operator==(const Value& a, const Value& b) {
  if (a.type() != b.type()) return false;
  if (!a.is_object()) {
    if (a.is_array()) return a.elements() == b.elements();
    if (a.is_null()) return true;
    if (a.is_bool()) return a.AsBool() == b.AsBool();
    if (a.is_number()) return a.AsNumberText() == b.AsNumberText();
    return a.AsString() == b.AsString();
  }
  if (a.size() != b.size()) return false;
  for (const Member& m : a.members()) {
    const Value* other = b.Find(m.key);
    if (other == nullptr || !(m.value == *other)) return false;
  }
  return true;
}

}  // namespace gatehouse::json
