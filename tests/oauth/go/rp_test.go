// go-oidc and x/oauth2 as a relying party and as a resource server.
package rp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type party struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
}

type parties struct {
	Issuer      string           `json:"issuer"`
	Callback    string           `json:"callback"`
	AfterLogout string           `json:"after_logout"`
	Audience    string           `json:"audience"`
	Clients     map[string]party `json:"clients"`
}

type user struct {
	ID    string `json:"user"`
	Email string `json:"email"`
}

// What the provider's metadata says beside what go-oidc reads.
type endpoints struct {
	Introspection string `json:"token_introspection_endpoint"`
	Revocation    string `json:"revocation_endpoint"`
	EndSession    string `json:"end_session_endpoint"`
}

func ask(t *testing.T, method, path string, body, reply any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, os.Getenv("PROVIDER_URL")+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(reply); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", path, response.StatusCode, err)
	}
}

// Sends the user's browser somewhere; where it leaves the provider.
func visit(t *testing.T, who user, address string) *url.URL {
	t.Helper()
	var at struct {
		Address string `json:"address"`
		Body    string `json:"body"`
	}
	ask(t, http.MethodPost, "/browser/"+who.ID, map[string]string{"address": address}, &at)
	if at.Address == "" {
		t.Fatalf("the browser stays at the provider: %s", at.Body)
	}
	place, err := url.Parse(at.Address)
	if err != nil {
		t.Fatal(err)
	}
	return place
}

func post(t *testing.T, address string, client party, form url.Values) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(client.ID), url.QueryEscape(client.Secret))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	reply := map[string]any{}
	if err := json.Unmarshal(text, &reply); err != nil {
		t.Fatalf("%s: %d %s", address, response.StatusCode, text)
	}
	return response.StatusCode, reply
}

type relyingParty struct {
	parties
	client    party
	provider  *oidc.Provider
	verifier  *oidc.IDTokenVerifier
	endpoints endpoints
	config    oauth2.Config
}

func newRelyingParty(t *testing.T, name string, style oauth2.AuthStyle) relyingParty {
	t.Helper()
	var rp relyingParty
	ask(t, http.MethodGet, "/parties", nil, &rp.parties)
	rp.client = rp.Clients[name]
	var err error
	if rp.provider, err = oidc.NewProvider(context.Background(), rp.Issuer); err != nil {
		t.Fatal(err)
	}
	if err := rp.provider.Claims(&rp.endpoints); err != nil {
		t.Fatal(err)
	}
	rp.verifier = rp.provider.Verifier(&oidc.Config{ClientID: rp.client.ID})
	endpoint := rp.provider.Endpoint()
	endpoint.AuthStyle = style
	rp.config = oauth2.Config{ClientID: rp.client.ID, ClientSecret: rp.client.Secret, Endpoint: endpoint, RedirectURL: rp.Callback,
		Scopes: []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess, "email"}}
	return rp
}

func (rp relyingParty) active(t *testing.T, token string) bool {
	t.Helper()
	_, about := post(t, rp.endpoints.Introspection, rp.client, url.Values{"token": {token}})
	return about["active"] == true
}

func (rp relyingParty) logIn(t *testing.T, who user) (*oauth2.Token, *oidc.IDToken) {
	t.Helper()
	const state, nonce = "state-of-the-client", "nonce-of-the-client"
	secret := strings.Repeat("a-verifier-", 5)
	place := visit(t, who, rp.config.AuthCodeURL(state, oidc.Nonce(nonce),
		oauth2.SetAuthURLParam("code_challenge", challengeOf(secret)), oauth2.SetAuthURLParam("code_challenge_method", "S256")))
	if place.Query().Get("state") != state || place.Query().Get("iss") != rp.Issuer {
		t.Fatalf("another state or issuer: %s", place)
	}
	tokens, err := rp.config.Exchange(context.Background(), place.Query().Get("code"), oauth2.SetAuthURLParam("code_verifier", secret))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := rp.verifier.Verify(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if id.Nonce != nonce || id.Subject != who.ID {
		t.Fatalf("another nonce or subject: %+v", id)
	}
	if err := id.VerifyAccessToken(tokens.AccessToken); err != nil {
		t.Fatal(err)
	}
	return tokens, id
}

func newUser(t *testing.T) (who user) {
	t.Helper()
	ask(t, http.MethodPost, "/browser/new", nil, &who)
	return who
}

func TestCodeUserInfoRefreshRevocation(t *testing.T) {
	for _, one := range []struct {
		name    string
		style   oauth2.AuthStyle
		rotates bool
	}{{"basic", oauth2.AuthStyleInHeader, true}, {"post", oauth2.AuthStyleInParams, false}, {"public", oauth2.AuthStyleInParams, true}} {
		t.Run(one.name, func(t *testing.T) {
			rp, who := newRelyingParty(t, one.name, one.style), newUser(t)
			tokens, _ := rp.logIn(t, who)
			info, err := rp.provider.UserInfo(context.Background(), oauth2.StaticTokenSource(tokens))
			if err != nil || info.Subject != who.ID || info.Email != who.Email {
				t.Fatalf("user info: %+v, %v", info, err)
			}
			next, err := rp.config.TokenSource(context.Background(), &oauth2.Token{RefreshToken: tokens.RefreshToken}).Token()
			if err != nil {
				t.Fatal(err)
			}
			// Without rotation x/oauth2 keeps the one that it has.
			if (next.RefreshToken != tokens.RefreshToken) != one.rotates {
				t.Error("rotation")
			}
			// As a resource server.
			access, err := rp.provider.Verifier(&oidc.Config{SkipClientIDCheck: true}).Verify(context.Background(), next.AccessToken)
			if err != nil || access.Subject != who.ID {
				t.Fatalf("access token: %+v, %v", access, err)
			}
			if !rp.active(t, next.AccessToken) {
				t.Error("a new token is not active")
			}
			if one.name != "basic" {
				return
			}
			if code, reply := post(t, rp.endpoints.Revocation, rp.client, url.Values{"token": {next.RefreshToken}}); code != http.StatusOK {
				t.Fatalf("revocation: %d %v", code, reply)
			}
			if rp.active(t, next.AccessToken) || rp.active(t, next.RefreshToken) {
				t.Error("revoked tokens are active")
			}
			_, err = rp.config.TokenSource(context.Background(), &oauth2.Token{RefreshToken: next.RefreshToken}).Token()
			var refused *oauth2.RetrieveError
			if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
				t.Errorf("a revoked token: %v", err)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	rp, who := newRelyingParty(t, "basic", oauth2.AuthStyleInHeader), newUser(t)
	tokens, _ := rp.logIn(t, who)
	hint := url.Values{"id_token_hint": {fmt.Sprint(tokens.Extra("id_token"))}, "post_logout_redirect_uri": {rp.AfterLogout}, "state": {"s t"}}
	place := visit(t, who, rp.endpoints.EndSession+"?"+hint.Encode())
	if !strings.HasPrefix(place.String(), rp.AfterLogout) || place.Query().Get("state") != "s t" {
		t.Errorf("after logout: %s", place)
	}
	if rp.active(t, tokens.AccessToken) || rp.active(t, tokens.RefreshToken) {
		t.Error("tokens are active after logout")
	}
}

func TestClientCredentials(t *testing.T) {
	rp := newRelyingParty(t, "machine", oauth2.AuthStyleInHeader)
	config := clientcredentials.Config{ClientID: rp.client.ID, ClientSecret: rp.client.Secret, TokenURL: rp.provider.Endpoint().TokenURL, AuthStyle: oauth2.AuthStyleInHeader,
		Scopes: []string{"read"}, EndpointParams: url.Values{"audience": {rp.Audience}}}
	tokens, err := config.Token(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// As an API that asks for its audience.
	access, err := rp.provider.Verifier(&oidc.Config{ClientID: rp.Audience}).Verify(context.Background(), tokens.AccessToken)
	if err != nil || access.Subject != rp.client.ID {
		t.Fatalf("access token: %+v, %v", access, err)
	}
	config.ClientSecret = "not the secret"
	var refused *oauth2.RetrieveError
	if _, err = config.Token(context.Background()); !errors.As(err, &refused) || refused.ErrorCode != "invalid_client" || refused.Response.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong secret: %v", err)
	}
}
