// What a client has to be sent.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace aios::server::protocol {

// Memory that an idle connection may keep.
inline constexpr std::size_t kKeptBytes = 64 << 10;

// Of an empty string. Assigning another one would keep the memory.
inline void shrink(std::string& text) {
  if (text.capacity() > kKeptBytes) std::string().swap(text);
}

class Output {
 public:
  // Where more is appended.
  std::string& text() noexcept { return text_; }
  std::string_view unsent() const noexcept { return std::string_view(text_).substr(sent_); }
  std::size_t size() const noexcept { return text_.size() - sent_; }
  // So many bytes are with the client. What was sent may lie in memory until it is more than
  // `kept`.
  void sent(std::size_t bytes, std::size_t kept) {
    sent_ += bytes;
    if (sent_ == text_.size()) {
      text_.clear();
      shrink(text_);
      sent_ = 0;
    } else if (sent_ > kept && sent_ >= text_.size() / 2) {
      text_.erase(0, sent_);
      sent_ = 0;
    }
  }

 private:
  std::string text_;
  std::size_t sent_ = 0;
};

}  // namespace aios::server::protocol
