package rp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.security.oauth2.client.authentication.OAuth2LoginAuthenticationToken;
import org.springframework.security.oauth2.client.endpoint.OAuth2ClientCredentialsGrantRequest;
import org.springframework.security.oauth2.client.endpoint.OAuth2RefreshTokenGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientAuthorizationCodeTokenResponseClient;
import org.springframework.security.oauth2.client.endpoint.RestClientClientCredentialsTokenResponseClient;
import org.springframework.security.oauth2.client.endpoint.RestClientRefreshTokenTokenResponseClient;
import org.springframework.security.oauth2.client.oidc.authentication.OidcAuthorizationCodeAuthenticationProvider;
import org.springframework.security.oauth2.client.oidc.userinfo.OidcUserService;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrations;
import org.springframework.security.oauth2.client.registration.InMemoryClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.OAuth2AuthorizationException;
import org.springframework.security.oauth2.core.endpoint.OAuth2AccessTokenResponse;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationExchange;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationRequest;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationResponse;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoders;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.server.resource.introspection.BadOpaqueTokenException;
import org.springframework.security.oauth2.server.resource.introspection.SpringOpaqueTokenIntrospector;
import org.springframework.web.util.UriComponentsBuilder;

/** Spring Security's OAuth 2 client and resource server, by their own classes, without an application around them. */
class SpringRelyingPartyTest {
  private static final String PROVIDER = System.getenv("PROVIDER_URL");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static JsonNode parties;
  private static String issuer;

  private static JsonNode ask(String method, String path, Object body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(PROVIDER + path))
            .header("Content-Type", "application/json")
            .method(method, HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body)))
            .build();
    HttpResponse<String> reply = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(200, reply.statusCode(), reply.body());
    return JSON.readTree(reply.body());
  }

  @BeforeAll
  static void findParties() throws Exception {
    parties = ask("GET", "/parties", Map.of());
    issuer = parties.get("issuer").asText();
  }

  private static ClientRegistration.Builder registration(String name) {
    JsonNode client = parties.get("clients").get(name);
    return ClientRegistrations.fromIssuerLocation(issuer)
        .registrationId(name)
        .clientId(client.get("id").asText())
        .clientSecret(client.path("secret").asText(""));
  }

  private static ClientRegistration withCode(String name, ClientAuthenticationMethod method) {
    return registration(name)
        .clientAuthenticationMethod(method)
        .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
        .redirectUri(parties.get("callback").asText())
        .scope("openid", "offline_access", "email")
        .build();
  }

  /** A login as Spring's filters do it: state, nonce and PKCE are theirs, the ID token is verified and userinfo asked. */
  private static OAuth2LoginAuthenticationToken logIn(ClientRegistration registration, JsonNode user) throws Exception {
    var resolver =
        new DefaultOAuth2AuthorizationRequestResolver(
            new InMemoryClientRegistrationRepository(registration), "/oauth2/authorization");
    resolver.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce());
    OAuth2AuthorizationRequest request =
        resolver.resolve(new MockHttpServletRequest("GET", "/oauth2/authorization/" + registration.getRegistrationId()), registration.getRegistrationId());
    String back =
        ask("POST", "/browser/" + user.get("user").asText(), Map.of("address", request.getAuthorizationRequestUri()))
            .get("address").asText();
    var answer = UriComponentsBuilder.fromUriString(back).build().getQueryParams();
    assertEquals(issuer, java.net.URLDecoder.decode(answer.getFirst("iss"), "UTF-8"));
    OAuth2AuthorizationResponse response =
        OAuth2AuthorizationResponse.success(answer.getFirst("code"))
            .redirectUri(parties.get("callback").asText())
            .state(java.net.URLDecoder.decode(answer.getFirst("state"), "UTF-8"))
            .build();
    var provider = new OidcAuthorizationCodeAuthenticationProvider(new RestClientAuthorizationCodeTokenResponseClient(), new OidcUserService());
    return (OAuth2LoginAuthenticationToken)
        provider.authenticate(new OAuth2LoginAuthenticationToken(registration, new OAuth2AuthorizationExchange(request, response)));
  }

  private static SpringOpaqueTokenIntrospector introspector(String name) {
    JsonNode client = parties.get("clients").get(name);
    return new SpringOpaqueTokenIntrospector(issuer + "/oauth/introspect", client.get("id").asText(), client.path("secret").asText("none"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"basic", "post", "public"})
  void codeUserinfoRefreshAndIntrospection(String name) throws Exception {
    ClientAuthenticationMethod method =
        switch (name) {
          case "basic" -> ClientAuthenticationMethod.CLIENT_SECRET_BASIC;
          case "post" -> ClientAuthenticationMethod.CLIENT_SECRET_POST;
          default -> ClientAuthenticationMethod.NONE;
        };
    ClientRegistration registration = withCode(name, method);
    JsonNode user = ask("POST", "/browser/new", Map.of());
    OAuth2LoginAuthenticationToken login = logIn(registration, user);
    OidcUser who = (OidcUser) login.getPrincipal();
    assertEquals(user.get("user").asText(), who.getSubject());
    assertEquals(user.get("email").asText(), who.getEmail());

    Jwt access = JwtDecoders.fromIssuerLocation(issuer).decode(login.getAccessToken().getTokenValue());
    assertEquals(user.get("user").asText(), access.getSubject());
    assertEquals(registration.getClientId(), access.getClaimAsString("client_id"));
    assertEquals(List.of("openid", "offline_access", "email"), access.getClaimAsStringList("scp"));
    String damaged = login.getAccessToken().getTokenValue().replaceFirst("\\.[^.]{8}", ".AAAAAAAA");
    assertThrows(JwtException.class, () -> JwtDecoders.fromIssuerLocation(issuer).decode(damaged));

    OAuth2AccessTokenResponse refreshed =
        new RestClientRefreshTokenTokenResponseClient()
            .getTokenResponse(new OAuth2RefreshTokenGrantRequest(registration, login.getAccessToken(), login.getRefreshToken()));
    assertNotEquals(login.getAccessToken().getTokenValue(), refreshed.getAccessToken().getTokenValue());
    boolean rotates = !name.equals("post");
    assertEquals(rotates, !login.getRefreshToken().getTokenValue().equals(refreshed.getRefreshToken().getTokenValue()));
    if (rotates) {
      assertThrows(
          OAuth2AuthorizationException.class,
          () ->
              new RestClientRefreshTokenTokenResponseClient()
                  .getTokenResponse(new OAuth2RefreshTokenGrantRequest(registration, login.getAccessToken(), login.getRefreshToken())));
    }
    assertEquals(user.get("user").asText(), introspector(name).introspect(refreshed.getAccessToken().getTokenValue()).getAttribute("sub"));
    assertThrows(BadOpaqueTokenException.class, () -> introspector(name).introspect("unknown"));
  }

  @Test
  void clientCredentials() {
    ClientRegistration registration =
        registration("machine").clientAuthenticationMethod(ClientAuthenticationMethod.CLIENT_SECRET_BASIC)
            .authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS).scope("read").build();
    OAuth2AccessTokenResponse tokens =
        new RestClientClientCredentialsTokenResponseClient().getTokenResponse(new OAuth2ClientCredentialsGrantRequest(registration));
    Jwt access = JwtDecoders.fromIssuerLocation(issuer).decode(tokens.getAccessToken().getTokenValue());
    assertEquals(registration.getClientId(), access.getSubject());
    assertEquals(List.of("read"), access.getClaimAsStringList("scp"));
    assertTrue(tokens.getAccessToken().getExpiresAt().isAfter(java.time.Instant.now()));
    ClientRegistration wrong = ClientRegistration.withClientRegistration(registration).clientSecret("wrong-secret").build();
    assertThrows(
        OAuth2AuthorizationException.class,
        () -> new RestClientClientCredentialsTokenResponseClient().getTokenResponse(new OAuth2ClientCredentialsGrantRequest(wrong)));
  }
}
