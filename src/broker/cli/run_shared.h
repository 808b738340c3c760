// What the commands of the group `run` share: which server and which run are meant, and how both are called.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/cli/command.h"
#include "broker/remote/api_client.h"
#include "broker/remote/run_document.h"
#include "broker/remote/run_place.h"

namespace tollgate::cli {

// What every command of the group takes.
struct RunInput {
  remote::PlaceFlags place;
  std::string run;  // as it was typed; may be empty
};
// --host, --organization, --workspace.
std::vector<Option> place_options(RunInput& input);
// RUN, which may be left out.
Positional run_positional(RunInput& input);

struct OpenedServer {
  remote::RunPlace place;
  remote::RunReference run;
  std::unique_ptr<remote::ApiClient> api;
};
Result<OpenedServer> open_server(App& app, const RunInput& input);

// Which run is meant where none was named.
enum class Unnamed {
  current,  // the one that the workspace is at
  latest,   // that, or the last one
};
Result<std::string> meant_run(OpenedServer& server, Unnamed unnamed);
// The document of the workspace that is meant.
Result<json::Value> read_workspace(OpenedServer& server);
Result<remote::RunView> read_run(OpenedServer& server, const std::string& id);

// Where a browser finds it; empty where its workspace is not known.
std::string run_address(const OpenedServer& server, const remote::RunView& run);
// "5m 03s ago"
std::string ago(TimePoint then, TimePoint now);
// The whole view as JSON, for scripts: stable names, null where there is nothing.
json::Value run_json(const OpenedServer& server, const remote::RunView& run);

}  // namespace tollgate::cli
