// Sends one request over many kept connections for a while and says how long the answers took. Plain HTTP on loopback:
// what is measured is the server. A connection pauses PAUSE_MS between an answer and its next request.
//
// Usage: http_load PORT CONNECTIONS SECONDS PAUSE_MS <REQUEST     (the request with its headers, on stdin)
// Prints: "answers N errors N seconds S median_ms M p95_ms M bytes N", bytes of all bodies.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

namespace {

using Steady = std::chrono::steady_clock;

struct Job {
  int port = 0;
  Steady::time_point end;
  std::chrono::milliseconds pause{0};
  std::string request;
  int connections = 0;
  std::atomic<int> begun{0};
  std::mutex mutex;  // of what follows
  std::vector<double> milliseconds;
  long long errors = 0;
  long long bytes = 0;
};

int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{30, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// The length of the body of a 200, or -1.
long long exchange(int fd, const std::string& request, std::string& buffer) {
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return -1;
  buffer.clear();
  std::size_t head = std::string::npos;
  long long length = 0;
  char block[16384];
  for (;;) {
    const ssize_t got = recv(fd, block, sizeof block, 0);
    if (got <= 0) return -1;
    buffer.append(block, static_cast<std::size_t>(got));
    if (head == std::string::npos) {
      head = buffer.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      if (buffer.compare(0, 13, "HTTP/1.1 200 ") != 0) return -1;
      const char* field = strcasestr(buffer.c_str(), "\r\ncontent-length:");
      length = field != nullptr ? std::atoll(field + 17) : 0;
    }
    if (buffer.size() >= head + 4 + static_cast<std::size_t>(length)) return length;
  }
}

void* work(void* argument) {
  Job& job = *static_cast<Job*>(argument);
  std::vector<double> taken;
  long long errors = 0;
  long long bytes = 0;
  std::string buffer;
  int fd = connect_to(job.port);
  // Spread over the pause: readers do not come in step.
  usleep(static_cast<useconds_t>(job.pause.count() * 1000 * job.begun++ / job.connections));
  while (Steady::now() < job.end) {
    const auto start = Steady::now();
    const long long length = fd < 0 ? -1 : exchange(fd, job.request, buffer);
    if (length < 0) {
      ++errors;
      if (fd >= 0) close(fd);
      usleep(10000);
      fd = connect_to(job.port);
      continue;
    }
    bytes += length;
    taken.push_back(std::chrono::duration<double, std::milli>(Steady::now() - start).count());
    if (job.pause.count() > 0) usleep(static_cast<useconds_t>(job.pause.count()) * 1000);
  }
  if (fd >= 0) close(fd);
  const std::lock_guard lock(job.mutex);
  job.milliseconds.insert(job.milliseconds.end(), taken.begin(), taken.end());
  job.errors += errors;
  job.bytes += bytes;
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  Job job;
  job.port = std::atoi(argv[1]);
  job.connections = std::atoi(argv[2]);
  const int seconds = std::atoi(argv[3]);
  job.pause = std::chrono::milliseconds(std::atoi(argv[4]));
  for (std::size_t got = 1; got > 0;) {
    char block[4096];
    got = std::fread(block, 1, sizeof block, stdin);
    job.request.append(block, got);
  }
  const auto start = Steady::now();
  job.end = start + std::chrono::seconds(seconds);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 128 << 10);
  std::vector<pthread_t> threads(static_cast<std::size_t>(job.connections));
  for (pthread_t& thread : threads) {
    if (pthread_create(&thread, &small, work, &job) != 0) return 1;
  }
  for (const pthread_t thread : threads)
    pthread_join(thread, nullptr);
  const double took = std::chrono::duration<double>(Steady::now() - start).count();
  auto& all = job.milliseconds;
  std::sort(all.begin(), all.end());
  const auto at = [&](double part) {
    return all.empty() ? 0.0 : all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))];
  };
  std::printf("answers %zu errors %lld seconds %.3f median_ms %.3f p95_ms %.3f bytes %lld\n", all.size(), job.errors,
              took, at(0.5), at(0.95), job.bytes);
  return 0;
}
