// A client of a server that sends and reads text.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "server/sockets.hpp"

namespace aios::server {

class TextClient {
 public:
  explicit TextClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval longest{20, 0};
    setsockopt(socket_.value(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
    EXPECT_EQ(
        ::connect(socket_.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  int socket() const { return socket_.value(); }
  void send(const std::string& text) const {
    EXPECT_EQ(::send(socket_.value(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What comes until the words do; or until the end.
  std::string readUntil(const std::string& words) const {
    std::string text;
    char buffer[4096];
    while (words.empty() || text.find(words) == std::string::npos) {
      const ssize_t count = ::recv(socket_.value(), buffer, sizeof buffer, 0);
      if (count <= 0) break;
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  Descriptor socket_;
};

}  // namespace aios::server
