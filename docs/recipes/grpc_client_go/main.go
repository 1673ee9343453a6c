// An application's own gRPC client: gives a user a role, and shows what errors look like.
// Usage: go run . HOST:PORT DIRECTORY-OF-CERTIFICATES USER
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	common "example.com/client/gatehouse/common/v1"
	roles "example.com/client/gatehouse/roles/v1"
)

// How long a call may take in all. The server gives up then too, and so does its statement in PostgreSQL.
const deadline = 2 * time.Second

// The default app; its tenant "public".
var public = &common.Scope{AppId: "public", TenantId: "public"}

func connect(address, directory, service string) (*grpc.ClientConn, error) {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(directory, "client.crt"), filepath.Join(directory, "client.key"))
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(filepath.Join(directory, "ca.crt"))
	if err != nil {
		return nil, err
	}
	known := x509.NewCertPool()
	if !known.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("no certificate in ca.crt")
	}
	return grpc.NewClient(address,
		// A service's certificate has its own name in it, not that of the host it runs on.
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: known, ServerName: service})),
		// Of several replicas behind one name each gets calls in turn, and a machine that vanishes is noticed.
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second}))
}

// Why a call failed, for programs; nil if no Gatehouse service made the error. Its text is for people.
func reasonOf(err error) *common.ErrorDetail {
	for _, detail := range status.Convert(err).Details() {
		if found, ok := detail.(*common.ErrorDetail); ok {
			return found
		}
	}
	return nil
}

func run(address, directory, user string) error {
	connection, err := connect(address, directory, "roles")
	if err != nil {
		return err
	}
	defer connection.Close()
	service := roles.NewRolesServiceClient(connection)
	call, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	created, err := service.UpsertRole(call, &roles.UpsertRoleRequest{Scope: public, Role: "editor", Permissions: []string{"read", "write"}})
	if err != nil {
		return err
	}
	fmt.Println("created:", created.Created)
	if _, err := service.AssignRole(call, &roles.AssignRoleRequest{Scope: public, UserId: user, Role: "editor"}); err != nil {
		return err
	}
	given, err := service.ListUserRoles(call, &roles.ListUserRolesRequest{Scope: public, UserId: user})
	if err != nil {
		return err
	}
	fmt.Println("roles:", strings.Join(given.Roles, " "))
	for _, wrong := range []struct {
		what    string
		request *roles.UpsertRoleRequest
	}{
		{"no name", &roles.UpsertRoleRequest{Scope: public}},
		{"no such app", &roles.UpsertRoleRequest{Scope: &common.Scope{AppId: "nowhere", TenantId: "public"}, Role: "editor"}},
	} {
		_, err := service.UpsertRole(call, wrong.request)
		detail := reasonOf(err)
		fmt.Println(wrong.what+":", status.Code(err), detail.GetReason(), detail.GetProblem(), detail.GetMetadata())
	}
	return nil
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: client HOST:PORT DIRECTORY-OF-CERTIFICATES USER")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}
