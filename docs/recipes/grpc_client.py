#!/usr/bin/env python3
"""An application's own gRPC client: gives a user a role, and shows what errors look like. Usage: grpc_client.py HOST:PORT DIRECTORY-OF-CERTIFICATES USER"""
import os
import sys

import grpc
from gatehouse.common.v1 import error_pb2, scope_pb2
from gatehouse.roles.v1 import roles_service_pb2 as messages
from gatehouse.roles.v1 import roles_service_pb2_grpc as services
from grpc_status import rpc_status

# How long a call may take in all. The server gives up then too, and so does its statement in PostgreSQL.
DEADLINE_S = 2
# The default app; its tenant "public".
PUBLIC = scope_pb2.Scope(app_id="public", tenant_id="public")


def connect(address, directory, service):
    def read(name):
        with open(os.path.join(directory, name), "rb") as f:
            return f.read()
    credentials = grpc.ssl_channel_credentials(read("ca.crt"), read("client.key"), read("client.crt"))
    # A service's certificate has its own name in it, not that of the host it runs on.
    options = [("grpc.ssl_target_name_override", service),
               # Of several replicas behind one name each gets calls in turn, and a machine that vanishes is noticed.
               ("grpc.service_config", '{"loadBalancingConfig":[{"round_robin":{}}]}'), ("grpc.keepalive_time_ms", 30000)]
    return grpc.secure_channel(address, credentials, options)


def reason_of(error):
    """Why a call failed, for programs: (reason, problem, metadata). The text, error.details(), is for people."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        found = error_pb2.ErrorDetail()
        if detail.Unpack(found):
            return error_pb2.ErrorReason.Name(found.reason), error_pb2.ErrorProblem.Name(found.problem), dict(found.metadata)
    return None, None, {}


def main():
    address, directory, user = sys.argv[1:]
    with connect(address, directory, "roles") as channel:
        roles = services.RolesServiceStub(channel)
        print("created:", roles.UpsertRole(messages.UpsertRoleRequest(scope=PUBLIC, role="editor", permissions=["read", "write"]), timeout=DEADLINE_S).created)
        roles.AssignRole(messages.AssignRoleRequest(scope=PUBLIC, user_id=user, role="editor"), timeout=DEADLINE_S)
        print("roles:", *roles.ListUserRoles(messages.ListUserRolesRequest(scope=PUBLIC, user_id=user), timeout=DEADLINE_S).roles)
        for what, scope, role in (("no name", PUBLIC, ""), ("no such app", scope_pb2.Scope(app_id="nowhere", tenant_id="public"), "editor")):
            try:
                roles.UpsertRole(messages.UpsertRoleRequest(scope=scope, role=role), timeout=DEADLINE_S)
            except grpc.RpcError as error:
                print(what + ":", error.code().name, *reason_of(error))


if __name__ == "__main__":
    main()
