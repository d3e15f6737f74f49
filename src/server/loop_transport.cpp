// How bytes come from a loop's sockets to its connections and back, by TLS or as they are.
#include <algorithm>
#include <new>

#include "server/loop_client.hpp"

namespace aios::server {
namespace {

constexpr std::size_t kTlsPieceBytes = 256 << 10;

}  // namespace

void Loop::feed(Client& client, std::string_view bytes) {
  if (client.tls == nullptr) return client.connection->feed(bytes);
  plain_.clear();
  if (!client.tls->receive(bytes, plain_)) client.ended = true;
  if (!plain_.empty()) client.connection->feed(plain_);
}

bool Loop::flush(Client& client) {
  if (client.tls != nullptr) return flushTls(client);
  while (!client.connection->output().empty()) {
    const long count = writeSome(client.socket, client.connection->output());
    if (count <= 0) return count == 0;
    counters_.bytes_out.add(static_cast<uint64_t>(count));
    client.active = now_;
    prepare(client);
    client.connection->sent(static_cast<std::size_t>(count));
  }
  return true;
}

bool Loop::flushTls(Client& client) {
  TlsStream& tls = *client.tls;
  for (;;) {
    while (!tls.output().empty()) {
      const long count = writeSome(client.socket, tls.output());
      if (count <= 0) return count == 0;
      counters_.bytes_out.add(static_cast<uint64_t>(count));
      client.active = now_;
      tls.sent(static_cast<std::size_t>(count));
    }
    // Not all of a large answer at once: it would be there twice.
    const std::string_view piece = client.connection->output().substr(0, kTlsPieceBytes);
    if (piece.empty()) return true;
    if (!tls.send(piece)) return false;
    prepare(client);
    client.connection->sent(piece.size());
  }
}

void Loop::farewell(Client& client) {
  if (client.tls == nullptr) return;
  // Where the socket is full, or no memory is left, the client isn't told; it finds the answer cut
  // at its length.
  try {
    client.tls->close();
    if (!client.tls->output().empty()) writeSome(client.socket, client.tls->output());
  } catch (const std::bad_alloc&) {
    return;
  }
}

}  // namespace aios::server
