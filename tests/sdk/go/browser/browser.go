// Package browser is a browser as far as session tokens are concerned, for tests of SDK applications.
package browser

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"
	"time"
)

// Browser keeps cookies and the anti-CSRF token, or the header tokens, and sends back what it was given.
type Browser struct {
	t        *testing.T
	origin   string
	transfer string
	cookies  map[string]string
	tokens   map[string]string
	antiCsrf string
}

// Reply is an answer with its body parsed, where it is a JSON object.
type Reply struct {
	Status int
	Body   map[string]interface{}
}

// New makes a browser; transfer is "cookie" or "header", as a front-end SDK announces it.
func New(t *testing.T, origin, transfer string) *Browser {
	return &Browser{t: t, origin: origin, transfer: transfer,
		cookies: map[string]string{}, tokens: map[string]string{}}
}

// Copy is a browser with the same tokens, such as that of a thief.
func (b *Browser) Copy() *Browser {
	other := New(b.t, b.origin, b.transfer)
	other.antiCsrf = b.antiCsrf
	for name, value := range b.cookies {
		other.cookies[name] = value
	}
	for name, value := range b.tokens {
		other.tokens[name] = value
	}
	return other
}

// SignedIn tells whether there is an access token.
func (b *Browser) SignedIn() bool {
	return b.cookies["sAccessToken"] != "" || b.tokens["St-Access-Token"] != ""
}

// WithoutAntiCsrf is a copy that has lost its anti-CSRF token.
func (b *Browser) WithoutAntiCsrf() *Browser {
	other := b.Copy()
	other.antiCsrf = ""
	return other
}

// Get sends a GET request.
func (b *Browser) Get(path string) Reply { return b.send(http.MethodGet, path, nil) }

// Post sends a POST request; a nil body is none.
func (b *Browser) Post(path string, body interface{}) Reply {
	return b.send(http.MethodPost, path, body)
}

func (b *Browser) send(method, path string, body interface{}) Reply {
	b.t.Helper()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		b.must(err)
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequest(method, b.origin+path, content)
	b.must(err)
	request.Header.Set("st-auth-mode", b.transfer)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range b.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if b.antiCsrf != "" {
		request.Header.Set("anti-csrf", b.antiCsrf)
	}
	kind := "St-Access-Token"
	if path == "/auth/session/refresh" {
		kind = "St-Refresh-Token"
	}
	if b.tokens[kind] != "" {
		request.Header.Set("Authorization", "Bearer "+b.tokens[kind])
	}
	response, err := http.DefaultClient.Do(request)
	b.must(err)
	defer response.Body.Close()
	b.keep(response)
	text, err := io.ReadAll(response.Body)
	b.must(err)
	reply := Reply{Status: response.StatusCode}
	_ = json.Unmarshal(text, &reply.Body) // A plain text reply has no body to look into.
	return reply
}

func (b *Browser) keep(response *http.Response) {
	for _, cookie := range response.Cookies() {
		gone := !cookie.Expires.IsZero() && cookie.Expires.Before(time.Now())
		if cookie.Value == "" || gone {
			delete(b.cookies, cookie.Name)
		} else {
			b.cookies[cookie.Name] = cookie.Value
		}
	}
	if token := response.Header.Get("anti-csrf"); token != "" {
		b.antiCsrf = token
	}
	for _, name := range []string{"St-Access-Token", "St-Refresh-Token"} {
		if values := response.Header.Values(name); len(values) > 0 {
			b.tokens[name] = values[0]
		}
	}
}

func (b *Browser) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// FormFields is the body of the email-password forms of the SDKs' HTTP interface, from pairs of name and value.
func FormFields(pairs ...string) map[string]interface{} {
	fields := []map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		fields = append(fields, map[string]string{"id": pairs[i], "value": pairs[i+1]})
	}
	return map[string]interface{}{"formFields": fields}
}

// Environment is the value of a variable that a walk can't do without.
func Environment(name string) string {
	value := os.Getenv(name)
	if value == "" {
		panic(name + " is not set; see tests/sdk/README.md")
	}
	return value
}
