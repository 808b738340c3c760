#include "common/http/server.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "common/http/listener.h"
#include "common/http/session.h"

namespace tollgate::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Signals belong to the program's main thread; threads started while this lives never see them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

// How long a connection may still begin a request when the server drains.
constexpr std::chrono::milliseconds kLastCall{500};

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, Handler handler)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        pool_(std::max(1U, options_.handler_threads)),
        host_{options_, handler_, io_, pool_, [this](Session* session) { on_session_end(session); }} {}

  ~ServerImpl() override { stop(std::chrono::milliseconds(2000)); }

  Result<void> load_tls() {
    if (!options_.tls) return {};
    tls_.emplace(asio::ssl::context::tls_server);
    error_code error;
    // Thousands of connections wait most of their time, and need no buffers for it.
    ::SSL_CTX_set_mode(tls_->native_handle(), SSL_MODE_RELEASE_BUFFERS);
    tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                          asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1 |
                          SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION,
                      error);
    // OpenSSL's own would ask at the terminal.
    const auto no_passphrase = [](std::size_t, asio::ssl::context::password_purpose) { return std::string(); };
    if (!error) tls_->set_password_callback(no_passphrase, error);
    if (!error) tls_->use_certificate_chain_file(options_.tls->certificate_chain, error);
    if (error) {
      return fail(Error(Code::config, fmt::format("the TLS certificate cannot be used: {}", error.message()))
                      .at(options_.tls->certificate_chain));
    }
    tls_->use_private_key_file(options_.tls->private_key, asio::ssl::context::pem, error);
    if (error) {
      return fail(Error(Code::config, fmt::format("the TLS private key cannot be used: {}", error.message()))
                      .at(options_.tls->private_key));
    }
    return {};
  }

  Result<void> listen() {
    Listener own;
    if (options_.listen_fd < 0) {
      TG_TRY(own, listen_on(options_.address, options_.port));
    }
    const int fd = own.fd ? own.fd.get() : options_.listen_fd;
    TG_TRY(const ListenerAddress where, listener_address(fd));
    port_ = where.port;
    error_code error;
    acceptor_.assign(where.ipv6 ? tcp::v6() : tcp::v4(), fd, error);
    if (error) return fail(Code::io, fmt::format("cannot accept on port {}: {}", port_, error.message()));
    own.fd.release();
    return {};
  }

  void start() {
    const SignalsBlocked blocked;
    accept();
    io_thread_ = std::thread([this] { io_.run(); });
  }

  std::uint16_t port() const override { return port_; }

  bool drain(std::chrono::milliseconds grace) override {
    const auto last_call = std::clamp<std::chrono::milliseconds>(grace / 2, std::chrono::milliseconds(0), kLastCall);
    asio::post(io_, [this, last_call] { begin_drain(last_call); });
    std::unique_lock<std::mutex> lock(ended_mutex_);
    all_ended_.wait_for(lock, grace, [this] { return none_left_ || cut_; });
    return none_left_ && !cut_;
  }

  void stop(std::chrono::milliseconds grace) override {
    const std::lock_guard<std::mutex> once(stop_mutex_);
    if (stopped_) return;
    stopped_ = true;
    if (io_thread_.joinable()) {
      asio::post(io_, [this] { begin_stop(); });
      std::unique_lock<std::mutex> lock(ended_mutex_);
      all_ended_.wait_for(lock, grace, [this] { return none_left_; });
      cut_ = !none_left_;
      lock.unlock();
      all_ended_.notify_all();
      // Waited for: io_.stop() below would otherwise overtake it and leave connections open.
      std::promise<void> cut;
      asio::post(io_, [this, &cut] {
        for (Session* session : sessions_)
          session->stop(true);
        cut.set_value();
      });
      cut.get_future().wait();
    }
    // Handlers that have not begun are dropped; one that runs is waited for, since it uses what the caller owns.
    pool_.stop();
    pool_.join();
    io_.stop();
    if (io_thread_.joinable()) io_thread_.join();
    host_.stopping = true;  // for sessions that end with the io_context
  }

 private:
  void accept() {
    accepting_ = true;
    acceptor_.async_accept([this](error_code error, tcp::socket socket) { on_accept(error, std::move(socket)); });
  }

  void on_accept(error_code error, tcp::socket socket) {
    accepting_ = false;
    if (host_.stopping) return;
    if (error && host_.draining) return say_if_none_left();
    if (error) {
      // Out of file descriptors or memory: what is open must end first.
      retry_.expires_after(std::chrono::milliseconds(50));
      retry_.async_wait([this](error_code cancelled) {
        if (!cancelled && acceptor_.is_open() && !accepting_) accept();
      });
      return;
    }
    add_session(std::move(socket));
    // At the limit further connections wait in the kernel's queue.
    if (!host_.draining && sessions_.size() < options_.max_connections) accept();
  }

  void add_session(tcp::socket socket) {
    auto session = tls_ ? make_tls_session(std::move(socket), *tls_, host_) : make_session(std::move(socket), host_);
    sessions_.insert(session.get());
    session->start();
  }

  void on_session_end(Session* session) {
    sessions_.erase(session);
    if (host_.stopping || host_.draining) {
      say_if_none_left();
    } else if (!accepting_ && acceptor_.is_open()) {
      accept();
    }
  }

  void begin_drain(std::chrono::milliseconds last_call) {
    if (host_.stopping || host_.draining) return;
    host_.draining = true;
    retry_.cancel();
    // Who is in the kernel's queue believes to be connected, and is reset if this was the socket's last descriptor.
    error_code error;
    acceptor_.non_blocking(true, error);
    while (!error && sessions_.size() < options_.max_connections) {
      tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (!error) add_session(std::move(socket));
    }
    acceptor_.close(error);
    for (Session* session : sessions_)
      session->end_stream();
    last_call_.expires_after(last_call);
    last_call_.async_wait([this](error_code cancelled) {
      if (cancelled) return;
      for (Session* session : sessions_)
        session->end_idle();
    });
    say_if_none_left();
  }

  void begin_stop() {
    host_.stopping = true;
    last_call_.cancel();
    error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    for (Session* session : sessions_)
      session->stop(false);
    say_if_none_left();
  }

  void say_if_none_left() {
    // While the drain waits for it, an accept that had succeeded before may still bring one.
    if (!sessions_.empty() || (accepting_ && !host_.stopping)) return;
    const std::lock_guard<std::mutex> lock(ended_mutex_);
    none_left_ = true;
    all_ended_.notify_all();
  }

  const ServerOptions options_;
  const Handler handler_;
  std::optional<asio::ssl::context> tls_;
  std::set<Session*> sessions_;  // io thread only
  bool accepting_ = false;       // io thread only
  std::uint16_t port_ = 0;
  std::mutex stop_mutex_;
  bool stopped_ = false;
  std::mutex ended_mutex_;
  std::condition_variable all_ended_;
  bool none_left_ = false;
  bool cut_ = false;  // by stop(), before they had ended
  // Destroyed first: with it go sessions that still wait for something, and they use what stands above.
  asio::thread_pool pool_;
  SessionHost host_;
  asio::io_context io_{1};
  // Keeps the io thread there for the answers of handlers that still run when all else has ended.
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer retry_{io_};
  asio::steady_timer last_call_{io_};
  std::thread io_thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> start_server(const ServerOptions& options, Handler handler) {
  std::unique_ptr<ServerImpl> server;
  {
    const SignalsBlocked blocked;
    server = std::make_unique<ServerImpl>(options, std::move(handler));
  }
  TG_CHECK(server->load_tls());
  TG_CHECK(server->listen());
  server->start();
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace tollgate::http
