// Metadata in the shapes of well-known providers: written for this test, with its keys.

#include <gtest/gtest.h>

#include "services/saml/metadata.h"
#include "services/saml/test_provider.h"

namespace gatehouse::saml {
namespace {

constexpr char kWsFederation[] = "http://docs.oasis-open.org/wsfed/federation/200706";
constexpr char kRedirect[] = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
constexpr char kPost[] = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

const std::string& First() { return TestProvider::Genuine().key().certificate_base64; }
const std::string& Second() { return TestProvider::Other().key().certificate_base64; }
// Of keys that sign something else, or nothing.
const std::string& Foreign() {
  static const TestProvider provider;
  return provider.key().certificate_base64;
}

// In the default namespace, as Microsoft's; `use` may be empty.
std::string Key(std::string_view use, const std::string& certificate) {
  return StrCat("<KeyDescriptor", use.empty() ? "" : StrCat(" use=\"", use, "\""),
                "><KeyInfo xmlns=\"", kSignatureNamespace, "\"><X509Data><X509Certificate>",
                certificate, "</X509Certificate></X509Data></KeyInfo></KeyDescriptor>");
}

std::string Endpoint(std::string_view kind, std::string_view binding, std::string_view location) {
  return StrCat("<", kind, " Binding=\"", binding, "\" Location=\"", location, "\"/>");
}

// A role of WS-Federation, with keys and endpoints of its own.
std::string WsFederationRole(std::string_view type, const std::string& content) {
  return StrCat("<RoleDescriptor xsi:type=\"fed:", type, "\" protocolSupportEnumeration=\"",
                kWsFederation, "\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
                " xmlns:fed=\"", kWsFederation, "\">", content,
                "<fed:PassiveRequestorEndpoint><EndpointReference"
                " xmlns=\"http://www.w3.org/2005/08/addressing\"><Address>https://wsfed.example/"
                "</Address></EndpointReference></fed:PassiveRequestorEndpoint></RoleDescriptor>");
}

std::string IdpRole(const std::string& content) {
  return StrCat("<IDPSSODescriptor protocolSupportEnumeration=\"", kProtocolNamespace, "\">",
                content, "</IDPSSODescriptor>");
}

std::string Entity(std::string_view id, const std::string& content) {
  return StrCat("\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><EntityDescriptor ID=\"_1\"",
                " entityID=\"", id, "\" xmlns=\"", kMetadataNamespace, "\">",
                // Signed by the provider, for those who know its key from elsewhere.
                "<Signature xmlns=\"", kSignatureNamespace,
                "\"><SignedInfo/><KeyInfo><X509Data><X509Certificate>", Foreign(),
                "</X509Certificate></X509Data></KeyInfo></Signature>", content,
                "</EntityDescriptor>");
}

void ExpectRead(const std::string& xml, std::string_view entity, std::string_view redirect,
                std::string_view post, const std::vector<std::string>& certificates) {
  const auto metadata = ReadIdpMetadata(xml);
  ASSERT_TRUE(metadata.ok()) << metadata.status() << "\n" << xml;
  EXPECT_EQ(metadata->entity_id, entity);
  EXPECT_EQ(metadata->redirect_location, redirect);
  EXPECT_EQ(metadata->post_location, post);
  EXPECT_EQ(metadata->signing_certificates, certificates);
}

// The roles of WS-Federation come first; while a key rolls over there are two.
TEST(ProviderMetadataTest, Entra) {
  const std::string sso = "https://login.microsoftonline.example/tenant/saml2";
  ExpectRead(
      Entity("https://sts.windows.example/tenant/",
             WsFederationRole("SecurityTokenServiceType", Key("signing", Foreign())) +
                 WsFederationRole("ApplicationServiceType", Key("signing", Foreign())) +
                 IdpRole(Key("signing", First()) + Key("signing", Second()) +
                         Endpoint("SingleLogoutService", kRedirect, "https://logout.example/") +
                         Endpoint("SingleSignOnService", kRedirect, sso) +
                         Endpoint("SingleSignOnService", kPost, sso))),
      "https://sts.windows.example/tenant/", sso, sso, {First(), Second()});
}

// A service provider in the same document, and keys for encryption before those for signing.
TEST(ProviderMetadataTest, AdFs) {
  const std::string sso = "https://adfs.example.com/adfs/ls/";
  const std::string attribute = StrCat(
      "<Attribute Name=\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/",
      "emailaddress\" FriendlyName=\"E-Mail Address\" xmlns=\"", kAssertionNamespace, "\"/>");
  ExpectRead(
      Entity("http://adfs.example.com/adfs/services/trust",
             WsFederationRole("ApplicationServiceType", Key("encryption", Foreign())) +
                 WsFederationRole("SecurityTokenServiceType", Key("signing", Foreign())) +
                 StrCat("<SPSSODescriptor WantAssertionsSigned=\"true\"",
                        " protocolSupportEnumeration=\"", kProtocolNamespace, "\">",
                        Key("encryption", Foreign()), Key("signing", Foreign()),
                        "<AssertionConsumerService Binding=\"", kPost, "\" Location=\"", sso,
                        "\" index=\"0\" isDefault=\"true\"/></SPSSODescriptor>") +
                 IdpRole(Key("encryption", Foreign()) + Key("signing", First()) +
                         Key("signing", Second()) +
                         Endpoint("SingleLogoutService", kRedirect, "https://logout.example/") +
                         "<NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
                         "</NameIDFormat>" +
                         Endpoint("SingleSignOnService", kRedirect, sso) +
                         Endpoint("SingleSignOnService", kPost, sso) + attribute) +
                 "<ContactPerson contactType=\"support\"/>"),
      "http://adfs.example.com/adfs/services/trust", sso, sso, {First(), Second()});
}

// With a prefix; the endpoint that takes posts comes first.
TEST(ProviderMetadataTest, Okta) {
  const std::string base = "https://org.okta.example/app/gatehouse/exk1/sso/saml";
  ExpectRead(StrCat("<?xml version=\"1.0\" encoding=\"UTF-8\"?><md:EntityDescriptor entityID=\"",
                    "http://www.okta.example/exk1\" xmlns:md=\"", kMetadataNamespace,
                    "\"><md:IDPSSODescriptor WantAuthnRequestsSigned=\"false\"",
                    " protocolSupportEnumeration=\"", kProtocolNamespace,
                    "\"><md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"",
                    kSignatureNamespace, "\"><ds:X509Data><ds:X509Certificate>", First(),
                    "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
                    "<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
                    "</md:NameIDFormat>", Endpoint("md:SingleSignOnService", kPost, base + "/post"),
                    Endpoint("md:SingleSignOnService", kRedirect, base),
                    "</md:IDPSSODescriptor></md:EntityDescriptor>"),
             "http://www.okta.example/exk1", base, base + "/post", {First()});
}

// An end of validity, locations and an entity id with a query, certificates in lines, two of them.
TEST(ProviderMetadataTest, Google) {
  const std::string sso = "https://accounts.google.example/o/saml2/idp?idpid=C01&amp;hl=en";
  const auto key = [](const std::string& certificate) {
    return StrCat("<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"", kSignatureNamespace,
                  "\"><ds:X509Data><ds:X509Certificate>\n", certificate.substr(0, 64), "\n",
                  certificate.substr(64),
                  "\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n");
  };
  const std::string read = "https://accounts.google.example/o/saml2/idp?idpid=C01&hl=en";
  ExpectRead(StrCat("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n",
                    "<md:EntityDescriptor xmlns:md=\"", kMetadataNamespace,
                    "\" entityID=\"https://accounts.google.example/o/saml2?idpid=C01\"",
                    " validUntil=\"2031-11-29T10:00:00.000Z\">\n<md:IDPSSODescriptor",
                    " WantAuthnRequestsSigned=\"false\" protocolSupportEnumeration=\"",
                    kProtocolNamespace, "\">\n", key(First()), key(Second()),
                    Endpoint("md:SingleSignOnService", kRedirect, sso),
                    Endpoint("md:SingleSignOnService", kPost, sso),
                    "</md:IDPSSODescriptor></md:EntityDescriptor>\n"),
             "https://accounts.google.example/o/saml2?idpid=C01", read, read, {First(), Second()});
}

// As Shibboleth's: a key whose use is not said, one role for each version of SAML, and back-channel
// endpoints.
TEST(ProviderMetadataTest, SeveralRolesAndKeysForEverything) {
  const std::string sso = "https://idp.example.org/idp/profile/SAML2/Redirect/SSO";
  ExpectRead(
      Entity(
          "https://idp.example.org/idp/shibboleth",
          "<Extensions><Scope xmlns=\"urn:mace:shibboleth:metadata:1.0\">example.org</Scope>"
          "</Extensions>" +
              IdpRole(
                  Key("", First()) +
                  Endpoint("ArtifactResolutionService", "urn:oasis:names:tc:SAML:2.0:bindings:SOAP",
                           "https://idp.example.org/soap") +
                  Endpoint("SingleSignOnService", "urn:mace:shibboleth:1.0:profiles:AuthnRequest",
                           "https://idp.example.org/old") +
                  Endpoint("SingleSignOnService", kRedirect, sso)) +
              StrCat("<AttributeAuthorityDescriptor protocolSupportEnumeration=\"",
                     kProtocolNamespace, "\">", Key("", Foreign()),
                     "</AttributeAuthorityDescriptor>")),
      "https://idp.example.org/idp/shibboleth", sso, "", {First()});
}

}  // namespace
}  // namespace gatehouse::saml
