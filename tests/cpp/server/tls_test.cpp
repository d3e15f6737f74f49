#include "server/tls.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "expect_error.hpp"
#include "server/tls_client.hpp"
#include "server/tls_files.hpp"

namespace aios::server {
namespace {

class TlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AIOS_NEEDS_OPENSSL();
    context = std::make_unique<TlsContext>(folder.files(), std::vector<std::string>{"http/1.1"});
    stream = context->accept();
  }

  // Gives each side what the other one has, so many bytes at a time, until both are quiet.
  void exchange(TlsClient& client, std::size_t piece = std::string::npos) {
    for (;;) {
      const std::string asked = client.output();
      for (std::size_t at = 0; at < asked.size(); at += std::min(piece, asked.size())) {
        stream->receive(std::string_view(asked).substr(at, piece), heard);
      }
      const std::string told(stream->output());
      stream->sent(told.size());
      client.receive(told);
      said += client.read();
      if (asked.empty() && told.empty()) return;
    }
  }

  TlsFolder folder;
  std::unique_ptr<TlsContext> context;
  std::unique_ptr<TlsStream> stream;
  std::string heard;  // by the server
  std::string said;   // by the server
};

TEST_F(TlsTest, CarriesTextBothWays) {
  TlsClient client;
  client.shakeHands();
  EXPECT_FALSE(stream->isEstablished());
  exchange(client);
  ASSERT_TRUE(stream->isEstablished());
  EXPECT_EQ(client.version(), "TLSv1.3");
  const std::string question(100000, 'q'), answer(300000, 'a');
  client.write(question);
  EXPECT_TRUE(stream->send(answer));
  EXPECT_EQ(stream->output().find(answer.substr(0, 50)), std::string_view::npos);
  exchange(client);
  EXPECT_EQ(heard, question);
  EXPECT_EQ(said, answer);
}

TEST_F(TlsTest, TakesWhatComesByteByByte) {
  TlsClient client;
  client.shakeHands();
  exchange(client, 1);
  client.write("one");
  exchange(client, 1);
  EXPECT_EQ(heard, "one");
}

TEST_F(TlsTest, AnswersTheProtocolThatItKnowsAndSpeaks12) {
  TlsClient client(TLS1_2_VERSION);
  client.shakeHands();
  exchange(client);
  EXPECT_EQ(client.version(), "TLSv1.2");
  EXPECT_EQ(client.protocol(), "http/1.1");
}

TEST_F(TlsTest, OffersAClientThatCameBeforeTheCertificateWasReplacedWhatItDidThen) {
  std::optional<TlsContext> latest;
  latest.emplace(folder.files(), std::vector<std::string>{"h2"});
  stream = latest->accept();
  // In the same memory: whoever still read of the first would find the second.
  latest.emplace(folder.files(), std::vector<std::string>{"http/1.1"});
  TlsClient client;
  client.shakeHands();
  exchange(client);
  EXPECT_TRUE(stream->isEstablished());
  EXPECT_EQ(client.protocol(), "h2");
}

TEST_F(TlsTest, ToldOfTheEndAClientKnowsThatNothingIsMissing) {
  TlsClient client;
  client.shakeHands();
  exchange(client);
  stream->close();
  stream->close();
  exchange(client);
  EXPECT_TRUE(client.wasToldOfEnd());
}

TEST_F(TlsTest, RefusesWhatIsNoTlsWithAnAlert) {
  EXPECT_FALSE(context->accept()->receive("GET / HTTP/1.1\r\n\r\n", heard));
  const std::string record("\x16\x03\x01\x00\x05hello", 10);
  EXPECT_FALSE(stream->receive(record, heard));
  EXPECT_EQ(heard, "");
  ASSERT_FALSE(stream->output().empty());
  constexpr char kAlert = 21;  // RFC 8446, section 5.1
  EXPECT_EQ(stream->output().front(), kAlert);
  EXPECT_FALSE(stream->receive("more", heard));
  EXPECT_FALSE(stream->send("x"));
}

TEST_F(TlsTest, RefusesAClientWithoutTheCertificateThatIsAskedFor) {
  TlsFiles files = folder.files();
  files.client_ca = files.certificate;
  context = std::make_unique<TlsContext>(files, std::vector<std::string>());
  stream = context->accept();
  TlsClient client;
  client.shakeHands();
  exchange(client);
  EXPECT_FALSE(stream->isEstablished());
  EXPECT_FALSE(stream->send("x"));
}

TEST_F(TlsTest, SaysWhichFileDoesNotDoAndWhy) {
  TlsFiles files = folder.files();
  files.key = folder.write("other.pem", kOtherKey);
  EXPECT_AIOS_ERROR(TlsContext(files, {}), kInvalidArgument, "other.pem' doesn't do: error:");
  files = folder.files();
  files.certificate = "/none.pem";
  EXPECT_AIOS_ERROR(TlsContext(files, {}), kInvalidArgument, "/none.pem' doesn't do: error:");
  files = folder.files();
  files.client_ca = folder.write("ca.pem", "x");
  EXPECT_AIOS_ERROR(TlsContext(files, {}), kInvalidArgument, "authority '");
}

}  // namespace
}  // namespace aios::server
