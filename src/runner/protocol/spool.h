// The directory through which the server and the runner of one phase speak: which files there are, who writes them, and
// how they are read without trusting what is in them. It outlives both: whatever moment either is killed at, the spool
// tells what happened. Not the transport (control.h) and not what the phase is (bundle.h). Thread-safe: every method
// opens what it needs.
//
//   written by the server before the start
//     configuration.tar.gz   the archive as it was uploaded
//     state.in               the state the phase starts from; none: the workspace has no state
//     plan.in                the saved plan, of an apply
//     user                   the user (a number) that the phase's processes become, where they become another one
//   written by the runner
//     output                 append-only: terraform's bytes after redaction, no marker of the log protocol
//     state/SERIAL.tfstate   each complete new state, published by rename the moment it was seen
//     plan.out               the saved plan, of a finished plan; its SHA-256 is in result.json
//     plan.json              `show -json` of it: holds secrets
//     plan-redacted.json     what stock clients draw a plan from, without sensitive values
//     outputs                the outputs of the last state, {"name":{"value","type","sensitive"}}: holds secrets
//     result.json            last of all, when every process of the phase is gone
// A state is flushed to the disk before it has its name: an apply cannot be done again. All else survives whoever is
// killed, and after a power cut the phase is lost, as its processes are.
//   shared
//     alive                  locked (flock) from before the runner starts until it is gone
//     control                AF_UNIX socket of the runner
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/os/atomic_file.h"
#include "runner/protocol/phase_result.h"

namespace tollgate::runner {

namespace spool_file {
inline constexpr std::string_view kConfiguration = "configuration.tar.gz";
inline constexpr std::string_view kStateIn = "state.in";
inline constexpr std::string_view kPlanIn = "plan.in";
inline constexpr std::string_view kUser = "user";
inline constexpr std::string_view kOutput = "output";
inline constexpr std::string_view kStates = "state";
inline constexpr std::string_view kStateSuffix = ".tfstate";
inline constexpr std::string_view kPlanOut = "plan.out";
inline constexpr std::string_view kPlanJson = "plan.json";
inline constexpr std::string_view kPlanRedacted = "plan-redacted.json";
inline constexpr std::string_view kOutputs = "outputs";
inline constexpr std::string_view kResult = "result.json";
inline constexpr std::string_view kAlive = "alive";
inline constexpr std::string_view kControl = "control";
// Where the phase's processes write; nothing below it is to be trusted.
inline constexpr std::string_view kWork = "work";
}  // namespace spool_file

// The largest file that is read whole.
inline constexpr std::size_t kMaxSpoolFile = std::size_t{1} << 30;

class Spool {
 public:
  // A new directory (0700); Code::conflict (reason spool_exists) where a phase already has it, because a phase is
  // started once.
  static Result<Spool> create(const std::string& path);
  // Code::not_found where there is none.
  static Result<Spool> open(const std::string& path);

  const os::PrivateDirectory& directory() const { return directory_; }
  const std::string& path() const { return directory_.path(); }

  // Published by rename and, for what cannot be had again, flushed. `name` is one of spool_file.
  Result<void> write(std::string_view name, std::string_view content, bool durable = false) const;
  // nullopt where it is not there.
  Result<std::optional<std::string>> read(std::string_view name) const;
  bool has(std::string_view name) const;

  std::uint64_t output_size() const;
  // At most `limit` bytes from `offset` on; empty where there are none yet.
  Result<std::string> read_output(std::uint64_t offset, std::size_t limit) const;

  // Ascending.
  std::vector<std::int64_t> state_serials() const;
  Result<std::string> read_state(std::int64_t serial) const;
  Result<void> publish_state(std::int64_t serial, std::string_view content) const;

  // nullopt while the phase runs, and for ever where the runner was killed (then !alive()).
  Result<std::optional<PhaseResult>> result() const;
  // Whether a runner holds the spool. False also before one was started.
  bool alive() const;

  // Where the runner keeps what must not touch a disk (variables, credentials of the CLI): a directory in memory whose
  // name follows from the spool's, so that it can be removed after a runner that was killed.
  std::string memory_directory() const;

  // Everything, secrets first (also those in memory). Nothing happens where there is nothing. What the phase's
  // processes wrote is removed without following links.
  static Result<void> remove(const std::string& path);

 private:
  explicit Spool(os::PrivateDirectory directory) : directory_(std::move(directory)) {}
  os::PrivateDirectory directory_;
};

}  // namespace tollgate::runner
