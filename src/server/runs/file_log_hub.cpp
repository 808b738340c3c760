#include "server/runs/file_log_hub.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "common/json/value.h"
#include "server/domain/ids.h"

namespace tollgate::runs {

namespace {

constexpr std::string_view kOpenSuffix = ".open";
constexpr std::string_view kClosedSuffix = ".log";
constexpr std::string_view kBegin = "\x02";
constexpr std::string_view kEnd = "\x03";
// Stock clients skip these.
constexpr std::string_view kApplyPreamble = "Apply\n\n\n";
// An entry of the index for at least so much of the log.
constexpr std::uint64_t kIndexStep = 64 * 1024;

template <class Handle>
class HubSubscription final : public LogHub::Subscription {
 public:
  explicit HubSubscription(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

 private:
  std::unique_ptr<Handle> handle_;
};

}  // namespace

// One log in use. Its mutex is held for memory and for appending, never for reading old parts from disk.
class FileLogHub::Log {
 public:
  Log(const FileLogHubOptions& options, std::string phase_id, RandomSource& random)
      : options_(options), base_(options.directory + "/" + phase_id), file_(std::move(phase_id), options.key, random) {}

  std::mutex mutex;

  // The rest needs the mutex.
  void load();
  bool exists() const { return frames_ > 0; }
  bool complete() const { return ended_; }
  bool closed() const { return complete_; }
  std::uint64_t size() const { return size_; }
  std::uint64_t output_size() const { return output_; }
  const std::vector<SystemSpan>& spans() const { return spans_; }
  void append(FrameKind kind, std::uint64_t spool_offset, std::string_view content);
  void close();
  void erase();
  // From memory; nullopt where the tail does not reach back so far.
  std::optional<std::string> tail(std::uint64_t offset, std::uint64_t limit) const;

  struct Place {
    Frame frame;  // where to begin
    std::uint64_t log_offset = 0;
    std::uint64_t file_end = 0;
    std::string path;
  };
  Place place_of(std::uint64_t offset) const;
  // Without the mutex: what is on disk before `file_end` does not change.
  std::string from_disk(const Place& place, std::uint64_t offset, std::uint64_t limit) const;

 private:
  std::string path() const { return base_ + std::string(complete_ ? kClosedSuffix : kOpenSuffix); }
  void note(const Frame& frame);
  void cut_off_what_is_torn(std::uint64_t whole_end, std::optional<Frame> last);

  const FileLogHubOptions& options_;
  std::string base_;
  LogFile file_;
  bool loaded_ = false;
  bool ended_ = false;     // ETX is in the file
  bool complete_ = false;  // and the file has its final name
  std::uint64_t frames_ = 0;
  std::uint64_t size_ = 0;      // of the log as readers count it
  std::uint64_t output_ = 0;    // of the runner's output that is here
  std::uint64_t file_end_ = 0;  // where the next frame goes
  std::string tail_;            // the last bytes of the log
  std::vector<SystemSpan> spans_;
  struct IndexEntry {
    std::uint64_t log_offset;
    std::uint64_t file_offset;
    std::uint64_t frame;
  };
  std::vector<IndexEntry> index_;
};

void FileLogHub::Log::note(const Frame& frame) {
  if (index_.empty() || size_ - index_.back().log_offset >= kIndexStep) {
    index_.push_back({size_, frame.file_offset, frame.index});
  }
  if (frame.kind == FrameKind::system) {
    if (!spans_.empty() && spans_.back().offset + spans_.back().length == size_) {
      spans_.back().length += frame.size;
    } else {
      spans_.push_back({size_, frame.size});
    }
  }
  if (frame.kind == FrameKind::output) output_ = frame.spool_offset + frame.size;
  if (frame.kind == FrameKind::end) ended_ = true;
  size_ += frame.size;
  file_end_ = frame.file_end();
  frames_ = frame.index + 1;
}

void FileLogHub::Log::load() {
  if (loaded_) return;
  std::error_code ignored;
  complete_ = std::filesystem::exists(base_ + std::string(kClosedSuffix), ignored);
  std::optional<Frame> last;
  const std::uint64_t whole_end = file_.scan(path(), [&](const Frame& frame) {
    // The last frame is noted only after a look at it: a machine that lost power may have its length and not its bytes.
    if (last) note(*last);
    last = frame;
  });
  cut_off_what_is_torn(whole_end, last);
  // Killed between the last frame and the renaming.
  if (ended_ && !complete_) {
    const std::string from = path();
    complete_ = true;
    std::filesystem::rename(from, path());
  }
  loaded_ = true;
}

void FileLogHub::Log::cut_off_what_is_torn(std::uint64_t whole_end, std::optional<Frame> last) {
  if (last && file_.content(path(), *last)) {
    note(*last);
  } else if (last) {
    whole_end = last->file_offset;
  }
  std::error_code ignored;
  const auto on_disk = std::filesystem::file_size(path(), ignored);
  if (ignored || on_disk == whole_end) {
    if (complete_ && (!last || last->kind != FrameKind::end)) {
      throw std::runtime_error(fmt::format("log {} has lost its end", path()));
    }
    return;
  }
  if (complete_) throw std::runtime_error(fmt::format("log {} was changed after it was closed", path()));
  LogFile::truncate(path(), whole_end);
}

void FileLogHub::Log::append(FrameKind kind, std::uint64_t spool_offset, std::string_view content) {
  do {
    const std::string_view piece = content.substr(0, kMaxFrameBytes);
    Frame frame;
    frame.kind = kind;
    frame.index = frames_;
    frame.spool_offset = spool_offset;
    frame.file_offset = file_end_;
    frame.size = piece.size();
    LogFile::append(path(), file_.sealed(frame, piece));
    note(frame);
    tail_ += piece;
    if (tail_.size() > 2 * options_.tail_bytes) tail_.erase(0, tail_.size() - options_.tail_bytes);
    spool_offset += piece.size();
    content.remove_prefix(piece.size());
  } while (!content.empty());
}

void FileLogHub::Log::close() {
  if (!ended_) append(FrameKind::end, 0, kEnd);
  const std::string from = path();
  LogFile::flush_to_disk(from);
  complete_ = true;
  // Not flushed: where a power cut takes the new name away, load() gives it again.
  std::filesystem::rename(from, path());
}

void FileLogHub::Log::erase() {
  for (const std::string_view suffix : {kOpenSuffix, kClosedSuffix}) {
    std::filesystem::remove(base_ + std::string(suffix));
  }
  loaded_ = complete_ = ended_ = false;
  frames_ = size_ = output_ = file_end_ = 0;
  tail_.clear();
  spans_.clear();
  index_.clear();
}

std::optional<std::string> FileLogHub::Log::tail(std::uint64_t offset, std::uint64_t limit) const {
  if (offset >= size_) return std::string();
  if (offset < size_ - tail_.size()) return std::nullopt;
  return tail_.substr(offset - (size_ - tail_.size()), limit);
}

FileLogHub::Log::Place FileLogHub::Log::place_of(std::uint64_t offset) const {
  const auto after =
      std::upper_bound(index_.begin(), index_.end(), offset,
                       [](std::uint64_t wanted, const IndexEntry& at) { return wanted < at.log_offset; });
  const IndexEntry& at = *std::prev(after);  // the first entry is at 0
  Place place;
  place.frame.index = at.frame;
  place.frame.file_offset = at.file_offset;
  place.log_offset = at.log_offset;
  place.file_end = file_end_;
  place.path = path();
  return place;
}

std::string FileLogHub::Log::from_disk(const Place& place, std::uint64_t offset, std::uint64_t limit) const {
  std::string bytes;
  std::uint64_t at = place.log_offset;
  file_.read_on(place.path, place.frame, place.file_end, [&](const Frame&, std::string_view content) {
    const std::uint64_t skip = offset > at ? std::min<std::uint64_t>(offset - at, content.size()) : 0;
    bytes += content.substr(skip, limit - bytes.size());
    at += content.size();
    return bytes.size() < limit;
  });
  return bytes;
}

FileLogHub::FileLogHub(FileLogHubOptions options, RandomSource& random)
    : options_(std::move(options)), random_(random) {}
FileLogHub::~FileLogHub() = default;

void FileLogHub::check(std::string_view phase_id) const {
  // It becomes a file name.
  const bool good =
      !phase_id.empty() && phase_id.size() <= 100 && std::all_of(phase_id.begin(), phase_id.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
      });
  if (!good) throw std::invalid_argument(fmt::format("'{}' is not the id of a phase", phase_id));
}

std::shared_ptr<FileLogHub::Log> FileLogHub::log(std::string_view phase_id) {
  check(phase_id);
  const std::lock_guard lock(mutex_);
  auto at = logs_.find(phase_id);
  if (at == logs_.end()) {
    forget_unused();
    at = logs_.emplace(std::string(phase_id), Entry{std::make_shared<Log>(options_, std::string(phase_id), random_), 0})
             .first;
  }
  at->second.last_use = ++uses_;
  return at->second.log;
}

void FileLogHub::forget_unused() {
  while (logs_.size() >= options_.logs_in_memory) {
    auto oldest = logs_.end();
    for (auto at = logs_.begin(); at != logs_.end(); ++at) {
      // Somebody is just using it: a second object for the same file must not come into being.
      if (at->second.log.use_count() > 1) continue;
      if (oldest == logs_.end() || at->second.last_use < oldest->second.last_use) oldest = at;
    }
    if (oldest == logs_.end()) return;
    logs_.erase(oldest);
  }
}

void FileLogHub::open(std::string_view phase_id) {
  const auto log = this->log(phase_id);
  {
    const std::lock_guard lock(log->mutex);
    log->load();
    if (log->exists()) return;
    log->append(FrameKind::begin, 0, kBegin);
    if (phase_id.starts_with(domain::id_prefix::kApply)) log->append(FrameKind::system, 0, kApplyPreamble);
  }
  tell(phase_id);
}

void FileLogHub::append_system(std::string_view phase_id, std::string_view line, bool structured) {
  std::string text(line);
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  if (structured) {
    text = json::to_text(
        json::Value::object({{"@level", "info"}, {"@message", text}, {"@module", "tollgate"}, {"type", "tollgate"}}));
  }
  text += '\n';
  const auto log = this->log(phase_id);
  {
    const std::lock_guard lock(log->mutex);
    log->load();
    if (!log->exists() || log->complete()) return;
    log->append(FrameKind::system, 0, text);
  }
  tell(phase_id);
}

void FileLogHub::append_output(std::string_view phase_id, std::uint64_t spool_offset, std::string_view bytes) {
  const auto log = this->log(phase_id);
  {
    const std::lock_guard lock(log->mutex);
    log->load();
    if (!log->exists() || log->complete()) return;
    const std::uint64_t have = log->output_size();
    if (spool_offset > have) {
      throw std::logic_error(
          fmt::format("output of {} from {} on, but the log ends at {}", phase_id, spool_offset, have));
    }
    if (spool_offset + bytes.size() <= have) return;
    bytes.remove_prefix(have - spool_offset);
    log->append(FrameKind::output, have, bytes);
    bytes_taken_ += bytes.size();
  }
  tell(phase_id);
}

std::uint64_t FileLogHub::output_size(std::string_view phase_id) {
  const auto log = this->log(phase_id);
  const std::lock_guard lock(log->mutex);
  log->load();
  return log->output_size();
}

void FileLogHub::close(std::string_view phase_id) {
  const auto log = this->log(phase_id);
  {
    const std::lock_guard lock(log->mutex);
    log->load();
    if (!log->exists() || log->closed()) return;
    log->close();
  }
  tell(phase_id);
}

LogSlice FileLogHub::read(std::string_view phase_id, std::uint64_t offset, std::uint64_t limit) {
  const auto log = this->log(phase_id);
  LogSlice slice;
  for (int attempt = 0;; ++attempt) {
    Log::Place place;
    {
      const std::lock_guard lock(log->mutex);
      log->load();
      slice.size = log->size();
      slice.complete = log->complete();
      if (auto bytes = log->tail(offset, limit)) {
        slice.bytes = std::move(*bytes);
        return slice;
      }
      place = log->place_of(offset);
    }
    try {
      slice.bytes = log->from_disk(place, offset, limit);
      return slice;
    } catch (const std::runtime_error&) {
      // It may have been renamed in between, by close().
      if (attempt > 0 || std::filesystem::exists(place.path)) throw;
    }
  }
}

std::vector<SystemSpan> FileLogHub::system_spans(std::string_view phase_id) {
  const auto log = this->log(phase_id);
  const std::lock_guard lock(log->mutex);
  log->load();
  return log->spans();
}

void FileLogHub::erase(std::string_view phase_id) {
  const auto log = this->log(phase_id);
  const std::lock_guard lock(log->mutex);
  // Nothing is read first: a log that was tampered with can be erased too.
  log->erase();
}

std::unique_ptr<LogHub::Subscription> FileLogHub::subscribe(std::string_view phase_id, std::function<void()> changed) {
  return std::make_unique<HubSubscription<Subscribers<>::Handle>>(
      subscribers_.add(std::string(phase_id), std::move(changed)));
}

std::unique_ptr<LogHub::Subscription> FileLogHub::subscribe_all(std::function<void(const std::string&)> changed) {
  return std::make_unique<HubSubscription<Subscribers<std::string>::Handle>>(
      subscribers_of_all_.add("", std::move(changed)));
}

void FileLogHub::tell(std::string_view phase_id) const {
  subscribers_.notify(phase_id);
  subscribers_of_all_.notify("", std::string(phase_id));
}

std::vector<std::string> FileLogHub::named(std::initializer_list<std::string_view> suffixes) const {
  std::vector<std::string> ids;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
    const std::string name = entry.path().filename().string();
    for (const std::string_view suffix : suffixes) {
      if (name.ends_with(suffix)) ids.push_back(name.substr(0, name.size() - suffix.size()));
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::vector<std::string> FileLogHub::unfinished() {
  return named({kOpenSuffix});
}

std::vector<std::string> FileLogHub::stored() {
  return named({kOpenSuffix, kClosedSuffix});
}

std::size_t FileLogHub::in_memory() {
  const std::lock_guard lock(mutex_);
  return logs_.size();
}

}  // namespace tollgate::runs
