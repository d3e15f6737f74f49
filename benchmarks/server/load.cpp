// Load for a server, and the least that any server does, each in one thread.
//
//   load ask|ask-tls PORT CONNECTIONS SECONDS REQUEST_FILE   sends one request again and again on
//   each
//                                                    connection; prints requests, p50 and p99 in us
//   load ask-tls …                                   the same over TLS
//   load flood PORT CONNECTIONS SECONDS REQUEST_FILE PER_SECOND
//                                                    sends so many requests a second, whether the
//                                                    server keeps up or not, as long as one of the
//                                                    connections is free; prints how many were
//                                                    answered well and refused, and how fast
//   load bare REQUEST_BYTES ANSWER_FILE              answers so many bytes with what is in a file,
//                                                    by recv and send alone; prints its port
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

std::string contentOf(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void watch(int poll, int socket, uint64_t data) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = data;
  if (epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event) != 0) fail("epoll_ctl");
}

void sendAll(int socket, const std::string& bytes) {
  // Blocks where the body is larger than what the socket takes at once.
  if (send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(bytes.size())) {
    fail("send");
  }
}

struct Connection {
  int socket;
  SSL* tls;  // null: without
  std::string answer;
  std::size_t answer_bytes = 0;  // of every answer; 0 before the first
  Clock::time_point asked;
};

Connection connectTo(uint16_t port, SSL_CTX* tls) {
  Connection connection{::socket(AF_INET, SOCK_STREAM, 0), nullptr, "", 0, {}};
  const sockaddr_in address = loopback(port);
  if (connect(connection.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0) {
    fail("connect");
  }
  const int on = 1;
  setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (tls != nullptr) {
    connection.tls = SSL_new(tls);
    SSL_set_fd(connection.tls, connection.socket);
    if (SSL_connect(connection.tls) != 1) fail("SSL_connect");
  }
  return connection;
}

void sendTo(const Connection& connection, const std::string& bytes) {
  if (connection.tls == nullptr) return sendAll(connection.socket, bytes);
  if (SSL_write(connection.tls, bytes.data(), static_cast<int>(bytes.size())) <= 0) {
    fail("SSL_write");
  }
}

// How long an answer is, by its head.
std::size_t wholeSize(const std::string& text) {
  const std::size_t head = text.find("\r\n\r\n");
  const std::size_t length = text.find("Content-Length: ");
  if (head == std::string::npos || length == std::string::npos) return 0;
  return head + 4 + static_cast<std::size_t>(std::atoi(text.c_str() + length + 16));
}

// Whether the answer is whole.
bool receive(Connection& connection, std::vector<char>& buffer) {
  const ssize_t count =
      connection.tls == nullptr
          ? recv(connection.socket, buffer.data(), buffer.size(), 0)
          : SSL_read(connection.tls, buffer.data(), static_cast<int>(buffer.size()));
  if (count <= 0) fail("recv");
  connection.answer.append(buffer.data(), static_cast<std::size_t>(count));
  if (connection.answer_bytes == 0) connection.answer_bytes = wholeSize(connection.answer);
  if (connection.answer_bytes != 0 && connection.answer.compare(9, 3, "200") != 0) {
    fail(connection.answer.c_str());
  }
  return connection.answer_bytes != 0 && connection.answer.size() >= connection.answer_bytes;
}

int ask(uint16_t port, std::size_t count, double seconds, const std::string& request,
        bool has_tls) {
  const int poll = epoll_create1(0);
  SSL_CTX* const tls = has_tls ? SSL_CTX_new(TLS_client_method()) : nullptr;
  std::vector<Connection> connections;
  for (std::size_t i = 0; i < count; ++i) connections.push_back(connectTo(port, tls));
  for (std::size_t i = 0; i < count; ++i) watch(poll, connections[i].socket, i);
  std::vector<char> buffer(1 << 20);
  std::vector<double> latencies_us;
  latencies_us.reserve(1 << 22);
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (Connection& connection : connections) {
    connection.asked = Clock::now();
    sendTo(connection, request);
  }
  epoll_event events[64];
  std::size_t open = count;
  while (open != 0) {
    const int ready = epoll_wait(poll, events, 64, 10000);
    if (ready <= 0) fail("epoll_wait");
    for (int i = 0; i < ready; ++i) {
      Connection& connection = connections[events[i].data.u64];
      if (!receive(connection, buffer)) continue;
      const auto now = Clock::now();
      latencies_us.push_back(
          std::chrono::duration<double, std::micro>(now - connection.asked).count());
      connection.answer.clear();
      if (now >= end) {
        --open;
        continue;
      }
      connection.asked = now;
      sendTo(connection, request);
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

double at(std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  std::sort(sorted.begin(), sorted.end());
  return sorted[static_cast<std::size_t>(share * (sorted.size() - 1))];
}

int flood(uint16_t port, std::size_t count, double seconds, const std::string& request,
          double per_second) {
  const int poll = epoll_create1(0);
  std::vector<Connection> connections;
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < count; ++i) {
    connections.push_back(connectTo(port, nullptr));
    free.push_back(i);
  }
  for (std::size_t i = 0; i < count; ++i) watch(poll, connections[i].socket, i);
  std::vector<char> buffer(1 << 20);
  std::vector<double> good_us, refused_us;
  std::size_t sent = 0, unsent = 0;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  epoll_event events[64];
  for (auto now = begin; now < end || free.size() < count; now = Clock::now()) {
    const double due =
        now < end ? std::chrono::duration<double>(now - begin).count() * per_second : 0;
    while (static_cast<double>(sent + unsent) < due) {
      if (free.empty()) {
        ++unsent;
        continue;
      }
      Connection& connection = connections[free.back()];
      free.pop_back();
      connection.asked = Clock::now();
      sendAll(connection.socket, request);
      ++sent;
    }
    const int ready = epoll_wait(poll, events, 64, 1);
    for (int i = 0; i < ready; ++i) {
      Connection& connection = connections[events[i].data.u64];
      const ssize_t got = recv(connection.socket, buffer.data(), buffer.size(), 0);
      if (got <= 0) fail("recv");
      connection.answer.append(buffer.data(), static_cast<std::size_t>(got));
      const bool is_good = connection.answer.compare(9, 3, "200") == 0;
      const std::size_t whole = wholeSize(connection.answer);
      if (whole == 0 || connection.answer.size() < whole) continue;
      (is_good ? good_us : refused_us)
          .push_back(
              std::chrono::duration<double, std::micro>(Clock::now() - connection.asked).count());
      connection.answer.clear();
      free.push_back(events[i].data.u64);
    }
  }
  std::printf(
      "{\"sent\": %zu, \"unsent\": %zu, \"good\": %zu, \"refused\": %zu, \"good_p50_us\": %.1f, "
      "\"good_p99_us\": %.1f, \"refused_p50_us\": %.1f, \"refused_p99_us\": %.1f}\n",
      sent, unsent, good_us.size(), refused_us.size(), at(good_us, 0.5), at(good_us, 0.99),
      at(refused_us, 0.5), at(refused_us, 0.99));
  return 0;
}

[[noreturn]] void bare(std::size_t request_bytes, const std::string& answer) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 64) != 0) {
    fail("bind");
  }
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  const int poll = epoll_create1(0);
  watch(poll, listener, static_cast<uint64_t>(listener));
  std::vector<char> buffer(1 << 20);
  std::vector<std::size_t> received(65536);
  epoll_event events[64];
  for (;;) {
    const int ready = epoll_wait(poll, events, 64, -1);
    for (int i = 0; i < ready; ++i) {
      const int socket = static_cast<int>(events[i].data.u64);
      if (socket == listener) {
        const int client = accept(listener, nullptr, nullptr);
        const int on = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        received[static_cast<std::size_t>(client)] = 0;
        watch(poll, client, static_cast<uint64_t>(client));
        continue;
      }
      const ssize_t count = recv(socket, buffer.data(), buffer.size(), 0);
      if (count <= 0) {
        close(socket);
        continue;
      }
      std::size_t& have = received[static_cast<std::size_t>(socket)];
      have += static_cast<std::size_t>(count);
      if (have < request_bytes) continue;
      have -= request_bytes;
      sendAll(socket, answer);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string mode = count > 1 ? arguments[1] : "";
  if ((mode == "ask" || mode == "ask-tls") && count == 6) {
    return ask(static_cast<uint16_t>(std::atoi(arguments[2])),
               static_cast<std::size_t>(std::atoi(arguments[3])), std::atof(arguments[4]),
               contentOf(arguments[5]), mode == "ask-tls");
  }
  if (mode == "flood" && count == 7) {
    return flood(static_cast<uint16_t>(std::atoi(arguments[2])),
                 static_cast<std::size_t>(std::atoi(arguments[3])), std::atof(arguments[4]),
                 contentOf(arguments[5]), std::atof(arguments[6]));
  }
  if (mode == "bare" && count == 4) {
    bare(static_cast<std::size_t>(std::atoi(arguments[2])), contentOf(arguments[3]));
  }
  std::fputs(
      "load ask PORT CONNECTIONS SECONDS FILE | load flood PORT CONNECTIONS SECONDS FILE PER_SECOND"
      " | load bare BYTES FILE\n",
      stderr);
  return 2;
}
