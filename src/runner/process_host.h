// Where the phase's processes run: one program at a time, with everything that it starts. The sandbox is one host, the
// plain machine the other. One thread, which must live as long as the programs: they are killed when it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/os/environment.h"
#include "runner/protocol/bundle.h"

namespace tollgate::runner {

struct HostedCommand {
  std::vector<std::string> arguments;  // arguments[0] is an absolute path
  os::Environment environment;
  std::string directory;  // below the work area, relative to it
};

// Our ends of its stdout and stderr, not blocking; its stdin is empty. And the socket that listens at served_port().
struct HostedStreams {
  UniqueFd output;
  UniqueFd error;
  UniqueFd served;
};

class ProcessHost {
 public:
  virtual ~ProcessHost() = default;
  virtual Result<HostedStreams> start(const HostedCommand& command) = 0;
  // Becomes readable when the program has ended; -1 where none was started.
  virtual int ended_fd() const = 0;
  // One SIGINT, or SIGTERM, to the program alone.
  virtual void interrupt() = 0;
  virtual void terminate() = 0;
  virtual void kill_all() = 0;
  // The exit code as a shell has it (128 + n for death by signal n), once the program has ended and nothing that it
  // started is left; what is left is killed. To be asked again some milliseconds later otherwise.
  virtual std::optional<int> finished() = 0;
  // Which limit it ran into (one of reason::), if one. Whether that was its end shows in its exit code.
  virtual std::string limit_hit() const = 0;
  // Places as processes see them: MemoryFiles, a home and a directory for temporary files.
  virtual std::string inside_memory() const = 0;
  virtual std::string inside_home() const = 0;
  virtual std::string inside_temporary() const = 0;
  // The port of the processes' own loopback at which this process can serve them and nobody else; nullopt: there is
  // none.
  virtual std::optional<std::uint16_t> served_port() const { return std::nullopt; }
  // What is in force. Known once a program was started; empty before.
  virtual std::vector<std::string> isolation() const = 0;
  // What is missing, in sentences for the log. The same.
  virtual std::vector<std::string> warnings() const = 0;
};

// `work` and `memory`: paths of the work area and of MemoryFiles.
using HostFactory = std::function<Result<std::unique_ptr<ProcessHost>>(const Bundle& bundle, const std::string& work,
                                                                       const std::string& memory)>;

// What runner/isolation makes. Errors of its start(): Code::unavailable, reason sandbox_unavailable.
std::unique_ptr<ProcessHost> sandbox_host(const Bundle& bundle, const std::string& work, const std::string& memory);
// No isolation at all. As root with a uid in the bundle the program runs as that user.
std::unique_ptr<ProcessHost> unsandboxed_host(const Bundle& bundle, const std::string& work, const std::string& memory);
// The sandbox, or the plain machine where the bundle says so. A sandbox that cannot be built is an error, not a reason
// for the other: what makes it fail may be what is to be contained.
Result<std::unique_ptr<ProcessHost>> host_for(const Bundle& bundle, const std::string& work, const std::string& memory);

}  // namespace tollgate::runner
