// Requests at a given pace, whatever the server does: what it takes counts from when each was due.
//
//   pace PORT CONNECTIONS SECONDS REQUESTS_PER_S MALFORMED_PERCENT REQUEST_FILE
//
// Prints JSON: good requests by what became of them, their latency in us, and malformed ones, each
// on a connection of its own, by whether they were refused as they should be (4xx).
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

// For the last answers.
constexpr std::chrono::seconds kPatience{40};

constexpr char kMalformed[] =
    "POST /v1/models/x:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
    "Transfer-Encoding: chunked\r\n\r\n0";

struct Connection {
  int socket = -1;
  bool malformed = false;
  bool busy = false;
  std::string answer;
  Clock::time_point due;
};

// In buckets one percent wide.
class Latencies {
 public:
  void add(double us) {
    const double place = us > 1 ? std::log(us) * kPerE : 0;
    ++counts_[std::min(static_cast<std::size_t>(place), counts_.size() - 1)];
    ++count_;
  }
  double at(double share) const {
    auto left = static_cast<std::size_t>(share * static_cast<double>(count_));
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (left < counts_[i]) return std::exp(static_cast<double>(i) / kPerE);
      left -= counts_[i];
    }
    return 0;
  }

 private:
  static constexpr double kPerE = 100;
  std::vector<std::size_t> counts_ = std::vector<std::size_t>(2400);
  std::size_t count_ = 0;
};

struct Totals {
  std::size_t answered = 0, refused = 0, failed = 0, malformed = 0, malformed_failed = 0;
  Latencies answered_us, refused_us;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

void close(Connection& connection) {
  ::close(connection.socket);
  connection.socket = -1;
}

class Pacer {
 public:
  Pacer(uint16_t port, std::size_t connections, std::string request)
      : port_(port), request_(std::move(request)), poll_(epoll_create1(0)), buffer_(1 << 20) {
    for (std::size_t i = 0; i < connections; ++i) {
      good_.push_back(std::make_unique<Connection>());
      idle_.push_back(good_.back().get());
    }
  }

  Totals run(double seconds, double per_s, double malformed_percent) {
    const auto start = Clock::now();
    const auto end = start + std::chrono::duration<double>(seconds);
    std::size_t sent = 0;
    double malformed = 0;
    while (Clock::now() < end || busy_ != 0) {
      const auto now = Clock::now();
      const double passed = std::chrono::duration<double>(now - start).count();
      const auto wanted = static_cast<std::size_t>(std::min(passed, seconds) * per_s);
      for (; sent < wanted; ++sent) {
        due_.push_back(start + std::chrono::duration_cast<Clock::duration>(
                                   std::chrono::duration<double>(sent / per_s)));
        for (malformed += malformed_percent / 100; malformed >= 1; malformed -= 1) sendMalformed();
      }
      while (!due_.empty() && !idle_.empty()) sendGood();
      if (now > end + kPatience) break;
      receive(due_.empty() ? 1 : 0);
    }
    totals_.failed += busy_ + due_.size();
    return std::move(totals_);
  }

 private:
  void open(Connection& connection) {
    connection.socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
        0) {
      fail("connect");
    }
    const int on = 1;
    setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, connection.socket, &event) != 0) fail("epoll_ctl");
  }

  void sendMalformed() {
    auto* const connection = new Connection;  // until its answer came
    connection->malformed = true;
    open(*connection);
    ++busy_;
    if (::send(connection->socket, kMalformed, sizeof kMalformed - 1, MSG_NOSIGNAL) < 0)
      end(*connection);
  }

  void sendGood() {
    Connection& connection = *idle_.front();
    idle_.pop_front();
    if (connection.socket < 0) open(connection);
    connection.busy = true;
    connection.due = due_.front();
    due_.pop_front();
    ++busy_;
    if (::send(connection.socket, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size())) {
      end(connection);
    }
  }

  void receive(int timeout_ms) {
    epoll_event events[64];
    const int ready = epoll_wait(poll_, events, 64, timeout_ms);
    for (int i = 0; i < ready; ++i) {
      Connection& connection = *static_cast<Connection*>(events[i].data.ptr);
      const ssize_t count = recv(connection.socket, buffer_.data(), buffer_.size(), 0);
      if (count <= 0) {
        end(connection);
        continue;
      }
      connection.answer.append(buffer_.data(), static_cast<std::size_t>(count));
      if (!connection.malformed && isWhole(connection.answer)) finish(connection);
    }
  }

  static bool isWhole(const std::string& text) {
    const std::size_t head = text.find("\r\n\r\n");
    const std::size_t length = text.find("Content-Length: ");
    if (head == std::string::npos || length == std::string::npos) return false;
    return text.size() >= head + 4 + std::strtoull(text.c_str() + length + 16, nullptr, 10);
  }

  void finish(Connection& connection) {
    const double us =
        std::chrono::duration<double, std::micro>(Clock::now() - connection.due).count();
    const std::string status = connection.answer.substr(9, 3);
    if (status == "200") {
      ++totals_.answered;
      totals_.answered_us.add(us);
    } else if (status == "503" || status == "429") {
      ++totals_.refused;
      totals_.refused_us.add(us);
    } else {
      ++totals_.failed;
    }
    connection.answer.clear();
    connection.busy = false;
    --busy_;
    idle_.push_back(&connection);
  }

  // The server ended it.
  void end(Connection& connection) {
    close(connection);
    if (connection.malformed) {
      --busy_;
      ++totals_.malformed;
      if (connection.answer.compare(0, 10, "HTTP/1.1 4") != 0) ++totals_.malformed_failed;
      delete &connection;
      return;
    }
    connection.answer.clear();
    if (!connection.busy) return;  // it is opened again for the next request
    ++totals_.failed;
    connection.busy = false;
    --busy_;
    idle_.push_back(&connection);
  }

  const uint16_t port_;
  const std::string request_;
  const int poll_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<Connection>> good_;
  std::deque<Connection*> idle_;
  std::deque<Clock::time_point> due_;
  std::size_t busy_ = 0;
  Totals totals_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 7) {
    std::fputs("pace PORT CONNECTIONS SECONDS REQUESTS_PER_S MALFORMED_PERCENT FILE\n", stderr);
    return 2;
  }
  std::ifstream file(arguments[6], std::ios::binary);
  std::string request{std::istreambuf_iterator<char>(file), {}};
  Pacer pacer(static_cast<uint16_t>(std::atoi(arguments[1])),
              static_cast<std::size_t>(std::atoi(arguments[2])), std::move(request));
  Totals totals =
      pacer.run(std::atof(arguments[3]), std::atof(arguments[4]), std::atof(arguments[5]));
  std::printf(
      "{\"answered\": %zu, \"refused\": %zu, \"failed\": %zu, \"malformed\": %zu, "
      "\"malformed_failed\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"refused_p99_us\": %.1f}\n",
      totals.answered, totals.refused, totals.failed, totals.malformed, totals.malformed_failed,
      totals.answered_us.at(0.5), totals.answered_us.at(0.99), totals.refused_us.at(0.99));
  return 0;
}
