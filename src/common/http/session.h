// One connection: reads requests one after the other, has the handler run on the pool, writes the answers. Private to
// common/http. Everything here runs on the io thread but the handler.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>

#include "common/http/server.h"

namespace tollgate::http {

class Session {
 public:
  virtual ~Session() = default;
  virtual void start() = 0;
  // At once: the connection is cut. Otherwise an idle connection is closed and a busy one after its answer.
  virtual void stop(bool at_once) = 0;
  // Ends the connection in order if it waits for a request.
  virtual void end_idle() = 0;
  // Ends the answer that is a stream, if there is one, after what was written to it.
  virtual void end_stream() = 0;
};

// What sessions share. Outlives them.
struct SessionHost {
  const ServerOptions& options;
  const Handler& handler;
  boost::asio::io_context& io;
  boost::asio::thread_pool& pool;
  std::function<void(Session*)> ended;  // called by the destructor, on the io thread or after it has gone
  bool stopping = false;                // io thread only
  bool draining = false;                // io thread only
};

std::shared_ptr<Session> make_session(boost::asio::ip::tcp::socket socket, SessionHost& host);
std::shared_ptr<Session> make_tls_session(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context& tls,
                                          SessionHost& host);

}  // namespace tollgate::http
