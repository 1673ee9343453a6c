#!/usr/bin/env python3
"""Adds an operation to a copy of the tree as CONTRIBUTING.md says, step by step, builds its tests and runs them.

The operation is GET /recipe/role/users/count. A step may touch only files that its text names (a .cc stands for its .h too), and each file that a text names must be there. Before the
policy row is added, roles_test has to say that it is missing.
Usage: tests/walkthrough/add_operation.py [--text] [--http] [--keep DIRECTORY]
  --text  only checks that the steps' text, the edits and the tree fit together; builds nothing (ctest's checks.walkthrough)
  --http  builds the all-in-one program too, and runs the operation's integration test
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
END_OF_TEST = "}  // namespace\n}  // namespace gatehouse::"

# Step, file, what to put it after (or before, with "<"; None: a new file), text.
EDITS = [
    (1, "protos/gatehouse/roles/v1/roles_service.proto", "rpc ListRoleUsers(ListRoleUsersRequest) returns (ListRoleUsersResponse);\n",
     """  // How many users have the role in the scope's tenant.
  rpc CountRoleUsers(CountRoleUsersRequest) returns (CountRoleUsersResponse);
"""),
    (1, "protos/gatehouse/roles/v1/roles_service.proto", "<message ListRoleUsersRequest {", """message CountRoleUsersRequest {
  common.v1.Scope scope = 1;
  string role = 2;
}
message CountRoleUsersResponse {
  bool role_found = 1;
  int64 count = 2;
}

"""),
    (2, "services/roles/roles.h", "<}  // namespace gatehouse::roles", """// nullopt: no such role.
absl::StatusOr<std::optional<int64_t>> CountRoleUsers(PgRoleStore& store,
                                                      const TenantInApp& where,
                                                      std::string_view role);

"""),
    (2, "services/roles/roles.cc", "<}  // namespace gatehouse::roles", """absl::StatusOr<std::optional<int64_t>> CountRoleUsers(PgRoleStore& store,
                                                      const TenantInApp& where,
                                                      std::string_view role) {
  ASSIGN_OR_RETURN(const int64_t count, store.CountRoleUsers(where.tenant, role));
  if (count > 0) return count;
  ASSIGN_OR_RETURN(const bool known, store.RoleExists(where.app, role));
  if (!known) return std::nullopt;
  return count;
}

"""),
    (3, "services/roles/pg_role_store.h", "<  absl::StatusOr<bool> RemoveUserRoles(",
     "  absl::StatusOr<int64_t> CountRoleUsers(const Where& tenant, std::string_view role);\n"),
    (3, "services/roles/pg_role_store.cc", "<std::vector<std::string> FirstColumn(", """// By user_roles_role_index.
constexpr Statement kCountRoleUsers = {
    "roles_count_users",
    "SELECT count(*) FROM {user_roles} WHERE app_id = $1 AND tenant_id = $2 AND role = $3"};

"""),
    (3, "services/roles/pg_role_store.cc", "<}  // namespace gatehouse::roles",
     """absl::StatusOr<int64_t> PgRoleStore::CountRoleUsers(const Where& tenant, std::string_view role) {
  ASSIGN_OR_RETURN(db::Result result,
                   Execute(tenant, kCountRoleUsers, {tenant.app_id(), tenant.tenant_id(), role}));
  return result.front().Int64(0);
}

"""),
    (4, "services/roles/roles_service.h", "<\n private:", """  absl::StatusOr<v1::CountRoleUsersResponse> CountRoleUsers(
      rpc::CallContext& context, const v1::CountRoleUsersRequest& request) override;
"""),
    (4, "services/roles/roles_service.cc", "<}  // namespace gatehouse::roles", """absl::StatusOr<v1::CountRoleUsersResponse> RolesServiceImpl::CountRoleUsers(
    rpc::CallContext& context, const v1::CountRoleUsersRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(
      const std::optional<int64_t> count,
      roles::CountRoleUsers(store_, {{app, context.deadline}, {tenant, context.deadline}},
                            request.role()));
  v1::CountRoleUsersResponse response;
  response.set_role_found(count.has_value());
  response.set_count(count.value_or(0));
  return response;
}

"""),
    (5, "services/roles/policy.cc", '{.method = "ListRoleUsers", .callers = {kGateway, kClient}},\n', """      {.method = "CountRoleUsers", .callers = {kGateway, kClient}},
"""),
    (5, "services/roles/policies.golden", "RolesService/ListRoleUsers: client gateway\n", """gatehouse.roles.v1.RolesService/CountRoleUsers: client gateway
"""),
    (6, "gateway/routes/roles_routes.cc", "<}  // namespace\n\nvoid AddRolesRoutes", """// GET /recipe/role/users/count?role
absl::StatusOr<Reply> CountRoleUsers(ApiRequest& request, Roles& roles) {
  roles::v1::CountRoleUsersRequest call;
  ASSIGN_OR_RETURN(*call.mutable_role(), QueryName(request, "role"));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, roles.client.CountRoleUsers(request.context, call));
  if (!reply.role_found()) return UnknownRole();
  return JsonReply(Value::Object({{"count", reply.count()}, {"status", "OK"}}));
}

"""),
    (6, "gateway/routes/roles_routes.cc", '"/recipe/role/users", ListRoleUsers);\n', """  group.Add(HttpMethod::kGet, "/recipe/role/users/count", CountRoleUsers);
"""),
    (7, "services/roles/roles_service_test.cc", "<" + END_OF_TEST + "roles", """TEST_F(RolesServiceTest, UsersOfARoleAreCountedInTheirTenant) {
  Created("editor");
  Created("idle");
  Assign(app, "u", "editor").IgnoreError();
  Assign(app, "v", "editor").IgnoreError();
  const auto count = [&](const std::string& role) -> int64_t {
    v1::CountRoleUsersRequest request;
    *request.mutable_scope() = app;
    request.set_role(role);
    const auto response = service.CountRoleUsers(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response->role_found() ? response->count() : -1;
  };
  EXPECT_EQ(count("editor"), 2);
  EXPECT_EQ(count("idle"), 0);
  EXPECT_EQ(count("none"), -1);
}

"""),
    (7, "gateway/routes/roles_routes_test.cc", "<" + END_OF_TEST + "gateway", """TEST_F(RolesRoutesTest, UsersOfARoleAreCounted) {
  roles::v1::CountRoleUsersResponse response;
  response.set_role_found(true);
  response.set_count(3);
  roles.Answer(response);
  EXPECT_EQ(Send(HttpMethod::kGet, "/recipe/role/users/count", "", {{"role", " r "}}),
            R"({"count":3,"status":"OK"})");
  EXPECT_EQ(roles.last_request<roles::v1::CountRoleUsersRequest>().role(), "r");
}

"""),
    (7, "tests/integration/role_users_count_test.py", None, '''"""How many users have a role."""
from integration import harness


class RoleUsersCount(harness.GatehouseTest):
    def test_count(self):
        def count():
            return self.app.get("/recipe/role/users/count", {"role": "editor"}).json
        self.assertEqual(count(), {"status": "UNKNOWN_ROLE_ERROR"})
        self.expect(self.app.put("/recipe/role", {"role": "editor"}))
        self.assertEqual(count(), {"count": 0, "status": "OK"})
        self.expect(self.app.put("/recipe/user/role", {"userId": "u", "role": "editor"}))
        self.assertEqual(count(), {"count": 1, "status": "OK"})
'''),
    (8, "CHANGELOG.md", "<\n## ", "\n- `GET /recipe/role/users/count` counts the users of a role.\n"),
    (8, "docs/compatibility.md", "<\n## ", "\n`GET /recipe/role/users/count` is not in the original.\n"),
]
POLICY_STEP = 5


def read_steps():
    """Texts of the walk-through's steps by number."""
    with open(os.path.join(ROOT, "CONTRIBUTING.md")) as file:
        section = re.search(r"\n## Add an operation, step by step\n(.*?)\n## ", file.read(), re.S).group(1)
    parts = re.split(r"(?m)^(\d+)\. ", section)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2])}


def named_files(text, folder):
    """Paths that a step's text names, and the folder of its first one, in which bare names lie; without one, in that of the step before (`folder`)."""
    names = [n for n in re.findall(r"`([^` ]+)`", text) if re.search(r"\.(cc|h|proto|golden|md)$|^tests/\w+$", n)]
    folder = next((os.path.dirname(n) for n in names if "/" in n), folder)
    return [n if "/" in n or os.path.exists(os.path.join(ROOT, n)) else os.path.join(folder, n) for n in names], folder


def check_text(steps):
    """Where edits and text disagree."""
    faults, folder = [], ""
    for number, text in sorted(steps.items()):
        names, folder = named_files(text, folder)
        for name in names:
            if "*" not in name and not os.path.exists(os.path.join(ROOT, name)):
                faults.append("step %d names %s, which is not there" % (number, name))
        allowed = [re.escape(n).replace(r"\*", "[^/]*") for n in names] + [re.escape(n[:-3] + ".h") for n in names if n.endswith(".cc")] + [n + "/.*" for n in names if "." not in n]
        edits = [path for step, path, _, _ in EDITS if step == number]
        if not edits:
            faults.append("nothing is done for step %d" % number)
        faults += ["step %d touches %s, which its text does not name" % (number, path) for path in edits if not any(re.fullmatch(a, path) for a in allowed)]
    faults += ["there is no step %d" % step for step in {e[0] for e in EDITS} - set(steps)]
    return faults


def copy_tree(target):
    files = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, files):
        source = os.path.join(ROOT, name)
        if os.path.isfile(source) or os.path.islink(source):
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            shutil.copy2(source, os.path.join(target, name), follow_symlinks=False)


def check_edits():
    """Edits whose place is gone."""
    return ["%s has no %r any more: this script has to follow" % (path, anchor.removeprefix("<"))
            for _, path, anchor, _ in EDITS if anchor is not None and anchor.removeprefix("<") not in read(ROOT, path)]


def read(folder, path):
    with open(os.path.join(folder, path)) as file:
        return file.read()


def apply(target, edit):
    _, path, anchor, text = edit
    before, at = "", 0
    if anchor is not None:
        before, place = read(target, path), anchor.removeprefix("<")
        at = before.index(place) + (0 if anchor.startswith("<") else len(place))
    with open(os.path.join(target, path), "w" if anchor is not None else "x") as file:
        file.write(before[:at] + text + before[at:])


def run(target, *command, **options):
    print("+", *command, flush=True)
    return subprocess.run(command, cwd=target, check=options.pop("check", True), **options)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--keep", metavar="DIRECTORY", help="where to leave the copy; otherwise it goes")
    arguments = parser.parse_args()
    faults = check_text(read_steps()) + check_edits()
    if faults:
        sys.exit("\n".join(faults))
    if arguments.text:
        return
    target = arguments.keep or tempfile.mkdtemp(prefix="gatehouse-walkthrough-")
    try:
        copy_tree(target)
        for edit in EDITS:
            if edit[0] != POLICY_STEP:
                apply(target, edit)
        run(target, "scripts/build.sh", "debug", "roles_test")
        tests = os.path.join(target, "build/debug/bin/roles_test")
        without = run(target, tests, "--gtest_filter=*Policy*", check=False, capture_output=True, text=True)
        if without.returncode == 0 or not re.search(r"nobody may call this method[\s\S]*: CountRoleUsers\n", without.stdout):
            sys.exit("roles_test does not say that the policy row is missing:\n" + without.stdout)
        print("without its policy row roles_test says that nobody may call it", flush=True)
        for edit in EDITS:
            if edit[0] == POLICY_STEP:
                apply(target, edit)
        run(target, "scripts/build.sh", "debug", "roles_test", "gateway_routes_test", *(["gatehouse"] if arguments.http else []))
        run(target, tests)
        run(target, os.path.join(target, "build/debug/bin/gateway_routes_test"))
        for check in ("dependencies", "grants", "table_ownership"):
            run(target, sys.executable, "tests/checks/%s.py" % check)
        if arguments.http:
            run(os.path.join(target, "tests"), sys.executable, "-m", "unittest", "integration.role_users_count_test",
                env={**os.environ, "GATEHOUSE_BIN": os.path.join(target, "build/debug/bin"), "GATEHOUSE_MODE": "all-in-one"})
        print("the walk-through leads to an operation that works; it touched:")
        print("\n".join("  %d. %s" % pair for pair in sorted({(step, path) for step, path, _, _ in EDITS})))
    finally:
        if not arguments.keep:
            shutil.rmtree(target)


if __name__ == "__main__":
    main()
