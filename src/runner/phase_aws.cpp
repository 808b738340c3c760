// What the processes of a PhaseRun get of AWS.
#include "runner/phase_run.h"

namespace tollgate::runner {

// An endpoint where the session is renewed and there is a place for one; else the session itself.
void PhaseRun::give_aws() {
  KeptSession* session = parts_.session;
  if (!session) return;
  loop_.keep(*session);
  const auto port = host_->served_port();
  if (session->renewable() && port && parts_.endpoint) {
    loop_.serve(*parts_.endpoint);
    for (const auto& [name, value] : parts_.endpoint->variables(*port))
      environment_.set(name, value);
    return;
  }
  const AwsKeys& keys = session->keys();
  environment_.set("AWS_ACCESS_KEY_ID", keys.access_key_id)
      .set("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.reveal());
  if (!keys.session_token.empty()) environment_.set("AWS_SESSION_TOKEN", keys.session_token.reveal());
  session->renew_no_more();
  const auto stop = session->stop_at();
  if (!stop || *stop >= parts_.clock.now() + std::chrono::seconds(parts_.bundle.limits.seconds)) return;
  parts_.log.note(fmt::format("The {} is stopped at {} if it runs that long: {}.", to_text(parts_.bundle.phase),
                              format_iso8601(*stop), session->end_text()));
}

}  // namespace tollgate::runner
