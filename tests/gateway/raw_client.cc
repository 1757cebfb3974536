#include "tests/gateway/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "gateway/auth/canonical_request.h"
#include "gateway/auth/signing_key_cache.h"
#include "gateway/http/date.h"

namespace coffer::gateway {

std::string sign(std::string_view method, std::string_view target, const Fields& fields,
                 std::string_view payload_hash, const TestKey& key) {
  std::string date;
  for (const char c : format_iso_date(std::time(nullptr), 0).substr(0, 19)) {
    if (c != '-' && c != ':') date.push_back(c);
  }
  date.push_back('Z');
  const std::string day = date.substr(0, 8);
  Fields all{{"host", "localhost"},
             {"x-amz-date", date},
             {"x-amz-content-sha256", std::string(payload_hash)}};
  std::vector<std::string> signed_names{"host", "x-amz-content-sha256", "x-amz-date"};
  for (const auto& field : fields) {
    all.push_back(field);
    if (field.first.starts_with("x-amz-")) signed_names.push_back(field.first);
  }
  std::sort(signed_names.begin(), signed_names.end());
  std::string list;
  for (const std::string& name : signed_names) list += (list.empty() ? "" : ";") + name;

  RequestHead head(64 * 1024);
  head.set_line(Method::Other, method, target);
  for (const auto& [name, value] : all) head.add_field(name, value);
  const auto query = QueryParameters::parse(head.query());
  const std::string scope = day + "/us-east-1/s3/aws4_request";
  const std::string text =
      string_to_sign(date, scope, canonical_request({head, *query, list, payload_hash}));
  const std::string signature =
      to_hex(hmac_sha256(derive_signing_key(key.secret, {day, "us-east-1", "s3"}), text));

  std::string out = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
  for (const auto& [name, value] : all) out += name + ": " + value + "\r\n";
  out += "authorization: AWS4-HMAC-SHA256 Credential=" + std::string(key.id) + "/" + scope +
         ", SignedHeaders=" + list + ", Signature=" + signature + "\r\n\r\n";
  return out;
}

std::string unsigned_head(std::string_view method, std::string_view target, const Fields& fields) {
  std::string out =
      std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nhost: localhost\r\n";
  for (const auto& [name, value] : fields) out += name + ": " + value + "\r\n";
  return out + "\r\n";
}

std::string RawReply::field(std::string_view lower_name) const {
  std::size_t at = 0;
  while (at < head.size()) {
    const std::size_t end = head.find("\r\n", at);
    std::string line = head.substr(at, end - at);
    at = end == std::string::npos ? head.size() : end + 2;
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::transform(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon), line.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (std::string_view(line).substr(0, colon) == lower_name) return line.substr(colon + 2);
  }
  return {};
}

RawClient::RawClient(const std::string& endpoint) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(
      std::strtoul(endpoint.substr(endpoint.rfind(':') + 1).c_str(), nullptr, 10)));
  const timeval timeout{kTimeoutSeconds, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket_);
    socket_ = -1;
  }
}

RawClient::~RawClient() {
  if (socket_ >= 0) ::close(socket_);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool RawClient::fill() {
  char piece[16384];
  const ssize_t n = ::recv(socket_, piece, sizeof piece, 0);
  if (n <= 0) return false;
  buffer_.append(piece, static_cast<std::size_t>(n));
  return true;
}

RawReply RawClient::receive(Expect expect) {
  RawReply reply;
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return reply;
  }
  reply.head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  reply.status = std::atoi(reply.head.c_str() + 9);
  if (expect == Expect::HeadOnly || reply.status == 100) return reply;
  const std::string length_text = reply.field("content-length");
  const std::size_t length = std::strtoull(length_text.c_str(), nullptr, 10);
  while (buffer_.size() < length && fill()) {
  }
  reply.body = buffer_.substr(0, length);
  buffer_.erase(0, reply.body.size());
  return reply;
}

bool RawClient::closed_by_server() {
  if (!buffer_.empty()) return false;
  char byte;
  return ::recv(socket_, &byte, 1, 0) == 0;
}

RawReply RawClient::request(std::string_view method, std::string_view target, const Fields& fields,
                            std::string_view body) {
  Fields all = fields;
  if (!body.empty() || method == "PUT")
    all.emplace_back("content-length", std::to_string(body.size()));
  send(sign(method, target, all));
  send(body);
  return receive(method == "HEAD" ? Expect::HeadOnly : Expect::Body);
}

}  // namespace coffer::gateway
