#include "server/client_limits.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "aios/error.hpp"

namespace aios::server {
namespace {

// Forgetting looks at everybody.
constexpr std::chrono::seconds kForgetEvery{1};

ClientRates checked(ClientRates rates) {
  if (!(rates.requests_per_s >= 0) || !(rates.burst >= 0)) {
    throw Error(ErrorCode::kInvalidArgument,
                "requests a second of a client: expected 0 or more, such as 100");
  }
  if (rates.burst == 0) rates.burst = rates.requests_per_s;
  rates.burst = std::max(rates.burst, 1.0);
  return rates;
}

std::array<uint8_t, 16> networkOf(const Peer& peer) {
  constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  std::array<uint8_t, 16> network = peer.address;
  const bool is_v4 = std::equal(kMapped.begin(), kMapped.end(), network.begin());
  if (!is_v4) std::fill(network.begin() + 8, network.end(), uint8_t{0});
  return network;
}

}  // namespace

ClientLimits::ClientLimits(const ClientRates& rates) : rates_(checked(rates)) {}

bool ClientLimits::connect(const Peer& peer, Clock::time_point now) {
  if (rates_.connections == 0 || peer.is_unix) return true;
  const std::lock_guard<std::mutex> lock(mutex_);
  Client* const client = find(peer, now);
  if (client == nullptr || client->connections >= rates_.connections) return false;
  ++client->connections;
  return true;
}

void ClientLimits::disconnect(const Peer& peer) {
  if (rates_.connections == 0 || peer.is_unix) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = clients_.find(networkOf(peer));
  if (found != clients_.end() && found->second.connections > 0) --found->second.connections;
}

double ClientLimits::take(const Peer& peer, Clock::time_point now) {
  if (rates_.requests_per_s == 0 || peer.is_unix) return 0;
  const std::lock_guard<std::mutex> lock(mutex_);
  Client* const client = find(peer, now);
  if (client == nullptr) return 1;
  fill(*client, now);
  if (client->tokens < 1) return (1 - client->tokens) / rates_.requests_per_s;
  client->tokens -= 1;
  return 0;
}

ClientLimits::Client* ClientLimits::find(const Peer& peer, Clock::time_point now) {
  const std::array<uint8_t, 16> network = networkOf(peer);
  const auto found = clients_.find(network);
  if (found != clients_.end()) return &found->second;
  if (clients_.size() >= kMostClients) forget(now);
  if (clients_.size() >= kMostClients) return nullptr;
  return &clients_.emplace(network, Client{rates_.burst, now, 0}).first->second;
}

void ClientLimits::fill(Client& client, Clock::time_point now) const {
  const double passed_s = std::chrono::duration<double>(now - client.filled).count();
  if (passed_s <= 0) return;
  client.tokens = std::min(rates_.burst, client.tokens + passed_s * rates_.requests_per_s);
  client.filled = now;
}

void ClientLimits::forget(Clock::time_point now) {
  if (now - forgot_ < kForgetEvery) return;
  forgot_ = now;
  for (auto each = clients_.begin(); each != clients_.end();) {
    Client& client = each->second;
    fill(client, now);
    const bool is_as_new =
        client.connections == 0 && (rates_.requests_per_s == 0 || client.tokens >= rates_.burst);
    each = is_as_new ? clients_.erase(each) : std::next(each);
  }
}

protocol::HttpAnswer tooManyRequests(double wait_s) {
  protocol::HttpAnswer answer =
      protocol::errorAnswer(429, "too many requests of this client; try again a little later");
  const auto seconds = static_cast<int64_t>(std::ceil(std::clamp(wait_s, 1.0, 3600.0)));
  answer.headers = "Retry-After: " + std::to_string(seconds) + "\r\n";
  return answer;
}

}  // namespace aios::server
