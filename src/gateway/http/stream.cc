#include "gateway/http/stream.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

namespace coffer::gateway {

namespace asio = boost::asio;
using boost::system::error_code;

struct Stream::Tls {
  Tls(asio::ip::tcp::socket socket, asio::ssl::context& context)
      : stream(std::move(socket), context) {}
  asio::ssl::stream<asio::ip::tcp::socket> stream;
};

Stream::Stream(asio::ip::tcp::socket socket, asio::ssl::context* tls) : plain_(std::move(socket)) {
  error_code ignored;
  plain_.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (tls != nullptr) tls_ = std::make_unique<Tls>(std::move(plain_), *tls);
}

Stream::~Stream() = default;

asio::ip::tcp::socket& Stream::socket() { return tls_ ? tls_->stream.next_layer() : plain_; }

std::string Stream::peer() {
  boost::system::error_code gone;
  const auto endpoint = socket().remote_endpoint(gone);
  if (gone) return {};
  // A dual-stack socket shows IPv4 clients as ::ffff:a.b.c.d; policies name them as IPv4.
  const asio::ip::address address = endpoint.address();
  const bool mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  if (!mapped) return address.to_string();
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
}

void Stream::start(Operation& operation) {
  const auto resume = [&operation](const error_code& error, std::size_t moved) {
    operation.moved_ = error ? 0 : moved;
    operation.waiter_.resume();
  };
  const auto resume_plain = [&operation](const error_code& error) {
    operation.moved_ = error ? 0 : 1;
    operation.waiter_.resume();
  };
  switch (operation.kind_) {
    case Operation::Kind::Handshake:
      tls_->stream.async_handshake(asio::ssl::stream_base::server, resume_plain);
      return;
    case Operation::Kind::Shutdown:
      tls_->stream.async_shutdown(resume_plain);
      return;
    case Operation::Kind::Read: {
      const asio::mutable_buffer in(operation.in_.data(), operation.in_.size());
      if (tls_)
        tls_->stream.async_read_some(in, resume);
      else
        plain_.async_read_some(in, resume);
      return;
    }
    case Operation::Kind::Write: {
      std::array<asio::const_buffer, kPiecesMax> out;
      for (std::size_t i = 0; i < operation.out_.size(); ++i) {
        out[i] = asio::const_buffer(operation.out_[i].data(), operation.out_[i].size());
      }
      if (tls_)
        asio::async_write(tls_->stream, out, resume);
      else
        asio::async_write(plain_, out, resume);
      return;
    }
  }
}

void Stream::shutdown_send() {
  error_code ignored;
  socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void Stream::close() {
  error_code ignored;
  socket().close(ignored);
}

}  // namespace coffer::gateway
