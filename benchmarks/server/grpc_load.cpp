// Load of gRPC for a server, in one thread: one call again and again on each connection.
//
//   grpc_load PORT CONNECTIONS SECONDS CALL_FILE   prints requests, p50 and p99 in us
//
// CALL_FILE: three texts, each after its length as four bytes, the lowest first: the headers of a
// connection's first call in HPACK, those of every other one, and the message with its prefix.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr int kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoAway = 7,
              kWindowUpdate = 8;
constexpr int kEndStream = 1, kAck = 1, kEndHeaders = 4;
constexpr std::size_t kFrameHead = 9;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::string bigEndian(uint32_t value) {
  const uint32_t swapped = htonl(value);
  return {reinterpret_cast<const char*>(&swapped), 4};
}

std::string frame(int type, int flags, uint32_t stream, const std::string& payload) {
  return bigEndian(static_cast<uint32_t>(payload.size())).substr(1) + static_cast<char>(type) +
         static_cast<char>(flags) + bigEndian(stream) + payload;
}

struct Call {
  explicit Call(const char* path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::size_t at = 0;
    for (std::string* text : {&first, &next, &message}) {
      uint32_t length = 0;
      std::memcpy(&length, bytes.data() + at, 4);
      *text = bytes.substr(at + 4, length);
      at += 4 + length;
    }
  }

  std::string first, next, message;
};

class Connection {
 public:
  explicit Connection(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      fail("connect");
    }
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Room for all answers at once, so that no window has to be opened later.
    out_ =
        kPreface + frame(kSettings, 0, 0, "") + frame(kWindowUpdate, 0, 0, bigEndian(0x7FFF0000));
  }
  int socket() const { return socket_; }

  void ask(const Call& call) {
    const std::string& headers = stream_ == 1 ? call.first : call.next;
    out_ += frame(kHeaders, kEndHeaders, stream_, headers);
    out_ += frame(kData, kEndStream, stream_, call.message);
    stream_ += 2;
    asked_ = Clock::now();
    flush();
  }
  // Whether the answer is whole.
  bool receive(std::vector<char>& buffer) {
    const ssize_t count = recv(socket_, buffer.data(), buffer.size(), 0);
    if (count <= 0) fail("recv");
    in_.append(buffer.data(), static_cast<std::size_t>(count));
    bool is_whole = false;
    std::size_t at = 0;
    while (in_.size() - at >= kFrameHead) {
      uint32_t head = 0;
      std::memcpy(&head, in_.data() + at, 4);
      const std::size_t length = ntohl(head) >> 8;
      if (in_.size() - at < kFrameHead + length) break;
      is_whole = take(in_[at + 3], in_[at + 4], in_.substr(at + kFrameHead, length)) || is_whole;
      at += kFrameHead + length;
    }
    in_.erase(0, at);
    flush();
    return is_whole;
  }
  double waitedUs() const {
    return std::chrono::duration<double, std::micro>(Clock::now() - asked_).count();
  }

 private:
  bool take(int type, int flags, const std::string& payload) {
    if (type == kReset || type == kGoAway) fail("the server ended a call");
    if (type == kSettings && (flags & kAck) == 0) out_ += frame(kSettings, kAck, 0, "");
    if (type == kPing && (flags & kAck) == 0) out_ += frame(kPing, kAck, 0, payload);
    if (type == kData) has_data_ = true;
    if (type != kHeaders || (flags & kEndStream) == 0) return false;
    if (!has_data_) fail("the server answered with an error");
    has_data_ = false;
    return true;
  }
  void flush() {
    if (out_.empty()) return;
    if (send(socket_, out_.data(), out_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(out_.size())) {
      fail("send");
    }
    out_.clear();
  }

  int socket_;
  uint32_t stream_ = 1;
  std::string in_, out_;
  bool has_data_ = false;
  Clock::time_point asked_;
};

int run(uint16_t port, std::size_t count, double seconds, const Call& call) {
  const int poll = epoll_create1(0);
  std::vector<Connection> connections;
  for (std::size_t i = 0; i < count; ++i) connections.emplace_back(port);
  for (std::size_t i = 0; i < count; ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].socket(), &event);
    connections[i].ask(call);
  }
  std::vector<char> buffer(1 << 20);
  std::vector<double> latencies_us;
  latencies_us.reserve(1 << 22);
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  epoll_event events[64];
  for (std::size_t open = count; open != 0;) {
    const int ready = epoll_wait(poll, events, 64, 10000);
    if (ready <= 0) fail("epoll_wait");
    for (int i = 0; i < ready; ++i) {
      Connection& connection = connections[events[i].data.u64];
      if (!connection.receive(buffer)) continue;
      latencies_us.push_back(connection.waitedUs());
      if (Clock::now() < end) {
        connection.ask(call);
      } else {
        --open;
      }
    }
  }
  std::sort(latencies_us.begin(), latencies_us.end());
  const auto at = [&](double share) {
    return latencies_us[static_cast<std::size_t>(share * (latencies_us.size() - 1))];
  };
  std::printf("{\"requests\": %zu, \"p50_us\": %.2f, \"p99_us\": %.2f}\n", latencies_us.size(),
              at(0.5), at(0.99));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    std::fputs("grpc_load PORT CONNECTIONS SECONDS CALL_FILE\n", stderr);
    return 2;
  }
  return run(static_cast<uint16_t>(std::atoi(arguments[1])),
             static_cast<std::size_t>(std::atoi(arguments[2])), std::atof(arguments[3]),
             Call(arguments[4]));
}
