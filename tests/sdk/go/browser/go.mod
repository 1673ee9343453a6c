module gatehouse/tests/sdk/browser

go 1.19

require github.com/supertokens/supertokens-golang v0.13.2

require (
	github.com/MicahParks/keyfunc v1.9.0 // indirect
	github.com/golang-jwt/jwt/v4 v4.4.2 // indirect
	github.com/h2non/parth v0.0.0-20190131123155-b4df798d6542 // indirect
	golang.org/x/net v0.2.0 // indirect
	gopkg.in/alexcesaro/quotedprintable.v3 v3.0.0-20150716171945-2caba252f4dc // indirect
	gopkg.in/gomail.v2 v2.0.0-20160411212932-81ebce5c23df // indirect
	gopkg.in/h2non/gock.v1 v1.1.2 // indirect
)
