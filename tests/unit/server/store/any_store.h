// The engines that the store's tests run on, and rows to begin with. One Bed a test: an empty database, which can be
// opened again and changed behind the store's back. For tests; one thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/domain/ids.h"
#include "server/domain/store.h"
#include "server/store/database_error.h"
#include "server/store/key_ring.h"
#include "server/store/sqlite_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/store/sql_bed.h"

namespace tollgate::store {

// The value of a Result that must be there.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Engine {
  std::string name;
  std::unique_ptr<Bed> (*make)();
};
inline std::vector<Engine> engines() {
  return {{"Sqlite", make_sqlite_bed}};
}
inline std::string engine_name(const testing::TestParamInfo<Engine>& info) {
  return info.param.name;
}

class AnyStore : public testing::TestWithParam<Engine> {
 protected:
  AnyStore() : bed(GetParam().make()), store(open()) {}

  std::unique_ptr<domain::Store> open() { return must(bed->open(keys, random, clock)); }
  void reopen() {
    store.reset();
    store = open();
  }
  // One write that must succeed.
  template <class F>
  void write(F f) {
    must(store->write([&](domain::Tables& tables) -> Result<void> {
      f(tables);
      return {};
    }));
  }

  std::string id(std::string_view prefix) { return domain::new_id(prefix, random); }

  domain::User add_user(const std::string& name) {
    domain::User user;
    user.id = id(domain::id_prefix::kUser);
    user.username = name;
    user.email = name + "@Example.com";
    user.password_hash = "$argon2id$";
    user.created_at = clock.now();
    write([&](domain::Tables& t) { must(t.users().insert(user)); });
    return user;
  }
  domain::Organization add_organization(const std::string& name) {
    domain::Organization organization;
    organization.id = id(domain::id_prefix::kOrganization);
    organization.name = name;
    organization.created_at = clock.now();
    write([&](domain::Tables& t) { must(t.organizations().insert(organization)); });
    return organization;
  }
  domain::Workspace add_workspace(const domain::Organization& organization, const std::string& name) {
    domain::Workspace workspace;
    workspace.id = id(domain::id_prefix::kWorkspace);
    workspace.organization_id = organization.id;
    workspace.name = name;
    workspace.created_at = workspace.updated_at = clock.now();
    write([&](domain::Tables& t) { must(t.workspaces().insert(workspace)); });
    return workspace;
  }
  domain::Run make_run(const domain::Workspace& workspace) {
    domain::Run run;
    run.id = id(domain::id_prefix::kRun);
    run.organization_id = workspace.organization_id;
    run.workspace_id = workspace.id;
    run.plan.id = id(domain::id_prefix::kPlan);
    run.apply.id = id(domain::id_prefix::kApply);
    run.created_at = clock.now();
    return run;
  }
  domain::Run add_run(const domain::Workspace& workspace) {
    const domain::Run run = make_run(workspace);
    write([&](domain::Tables& t) { must(t.runs().insert(run)); });
    return run;
  }
  domain::Variable make_variable(const domain::Workspace& workspace, const std::string& key, std::string_view value) {
    domain::Variable variable;
    variable.id = id(domain::id_prefix::kVariable);
    variable.organization_id = workspace.organization_id;
    variable.workspace_id = workspace.id;
    variable.key = key;
    variable.value = Secret(value);
    variable.sensitive = true;
    variable.created_at = clock.now();
    return variable;
  }

  SystemRandom random;
  test::ManualClock clock;
  KeyRing keys = KeyRing::generate(random);
  std::unique_ptr<Bed> bed;
  std::unique_ptr<domain::Store> store;
};

}  // namespace tollgate::store
