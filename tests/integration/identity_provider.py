"""An identity provider of SAML for tests: metadata, and responses with enveloped signatures by RSA-SHA256, encrypted on demand.

Everything is written as exclusive canonicalization writes it, so what is signed is what is sent.
"""
import base64
import datetime
import hashlib
import os
import re
import subprocess
import tempfile
import textwrap
import time
import urllib.parse
import uuid
import zlib
from xml.sax.saxutils import escape

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
AUDIENCE = "https://saml.supertokens.com"
ACS = "https://api.example.com/auth/saml/callback"
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # of SHA-256

# A key for tests only, and its certificate.
CERTIFICATE = (
    "MIIDCTCCAfGgAwIBAgIUCOWQE67HPvbmKxKDL0bZknwGjW0wDQYJKoZIhvcNAQELBQAwEzERMA8GA1UEAwwIaWRwLXRlc3QwIBcNMjYxMTMwMDAwNjM3WhgPMjEyNjExMDYwMDA2MzdaMBMxETAPBg"
    "NVBAMMCGlkcC10ZXN0MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4YpI9KDw+EljqQuQgwJt4J2ke+/sKIMsQq9FVwuf2QetJV2pG8f7S1/BsNKvob19yuJkbykp4NgcJYQVJLGhjxLO"
    "yMWtNS4FfDh7WXkHoJWMO+FuvI2kyFzNoPcNvzRzYUGcPXu0iAE/agmiu9m3kbADxCDPpEi1xo7LdcM97S+yA106LiK6J1Bq5I0dl3uRxDzukrqMQS+mrbx4EC/U7eo499Cp3/g1B85yBDBMsjiRrQ"
    "XE/vc5kywH3GADKKiRTINTvpo9nwUmK+32yAZSK1IQXXq8UuSTpYCRooug7hoL6jkvJD+ovXnqIKejd+owPnrRsvMp99ec5blRjYscWQIDAQABo1MwUTAdBgNVHQ4EFgQUK36sHMCPgHWgWdf4DuHQ"
    "FZp3MC4wHwYDVR0jBBgwFoAUK36sHMCPgHWgWdf4DuHQFZp3MC4wDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAvobolOGuQXYK5P8jA9OihQR8cSDNN8NTseX2zgWkZw2zMcB0/x"
    "EPjXt9t7ywRuutzTQWm4YJWXqq0rQHgR2kLPlRwWOZOB3grIPiOSwT81rc5jOqo3zT+CcjyBgoGAtkxfPdKsHpRd2gDMWw2nOKx/d8Tchtz8pveU8ZbZ3IwIg/jgGtHipkHZUKQrPDR+aFtkpE7EeH"
    "11WaMMLeLnczSgR47fCRky0/tNSdn4/93l1ykZhO+H+RwzsuWz2b+/RFU3xCJvpyqohMgWvt4/lG3N5ohO0Y0UumpNn+nhWHpmUABz8kIut9w2bW5gqRQq4DlDeq55RN9seC1kFW/P5SPg==")
MODULUS = int(
        "e18a48f4a0f0f84963a90b9083026de09da47befec28832c42af45570b9fd907ad255da91bc7fb4b5fc1b0d2afa1bd7dcae2646f2929e0d81c25841524b1a18f12cec8c5ad352e057c387b"
        "597907a0958c3be16ebc8da4c85ccda0f70dbf347361419c3d7bb488013f6a09a2bbd9b791b003c420cfa448b5c68ecb75c33ded2fb2035d3a2e22ba27506ae48d1d977b91c43cee92ba8c"
        "412fa6adbc78102fd4edea38f7d0a9dff83507ce7204304cb23891ad05c4fef739932c07dc600328a8914c8353be9a3d9f05262bedf6c806522b52105d7abc52e493a58091a28ba0ee1a0b"
        "ea392f243fa8bd79ea20a7a377ea303e7ad1b2f329f7d79ce5b9518d8b1c59",
    16)
PRIVATE_EXPONENT = int(
        "1c1dcb1e83f9c65a0fcc811e90d67ab027b6dba47b4249a7f8e034bab73e44260ad5bfa9574744f28e8b6ce9b6ef68da07b2d5666e3144506ca1d8a7721d9ad0653dd6159e94249a9673cc"
        "1cc953c41720964e72299b56d18b902ee2dd99da860fb7c82c7a01757b0256cbc0b7be5a7e14fd4333fbeeb509c42905003748bf0a9925661d0f830ac201b646704940041acfa6318bc8b2"
        "4f59190d0e4beb48f7c9ed016643a6d917c6ea7ccf78433b63cd782f3b16aff74d5da5daf6a889c69112dfa014a8000d9baf3b391a74ff7742cce6fa1e80fdae9204e9618982568d6f5839"
        "e43d456af37555713b75fdcacaef90f0ac11ea897e5a0dc5c67424cd5da901",
    16)


def instant(offset_s=0):
    now = datetime.datetime.fromtimestamp(time.time() + offset_s, datetime.timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def rsa_sha256(data):
    size = (MODULUS.bit_length() + 7) // 8
    text = DIGEST_INFO + hashlib.sha256(data).digest()
    padded = b"\x00\x01" + b"\xff" * (size - 3 - len(text)) + b"\x00" + text
    return pow(int.from_bytes(padded, "big"), PRIVATE_EXPONENT, MODULUS).to_bytes(size, "big")


def signed(xml, identifier):
    """The element with a signature after its issuer."""
    digest = base64.b64encode(hashlib.sha256(xml.encode()).digest()).decode()
    info = ('<ds:CanonicalizationMethod Algorithm="%s"></ds:CanonicalizationMethod>'
            '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod><ds:Reference URI="#%s"><ds:Transforms>'
            '<ds:Transform Algorithm="%senveloped-signature"></ds:Transform><ds:Transform Algorithm="%s"></ds:Transform></ds:Transforms>'
            '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>%s</ds:DigestValue></ds:Reference>'
            "</ds:SignedInfo>") % (EXCLUSIVE, identifier, DS, EXCLUSIVE, digest)
    value = base64.b64encode(rsa_sha256(('<ds:SignedInfo xmlns:ds="%s">' % DS + info).encode())).decode()
    signature = '<ds:Signature xmlns:ds="%s"><ds:SignedInfo>%s<ds:SignatureValue>%s</ds:SignatureValue></ds:Signature>' % (DS, info, value)
    head, end, tail = xml.partition("</saml:Issuer>")
    return head + end + signature + tail


def encrypted(xml, certificate):
    """The element for the owner of the certificate (base64 of DER): AES-256-CBC, and its key by RSA-OAEP, by the program openssl."""
    key, iv = os.urandom(32), os.urandom(16)

    def openssl(*arguments, given):
        return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout
    text = iv + openssl("enc", "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex(), given=xml.encode())
    with tempfile.NamedTemporaryFile("w", suffix=".crt") as file:
        file.write("-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % "\n".join(textwrap.wrap(certificate, 64)))
        file.flush()
        wrapped = openssl("pkeyutl", "-encrypt", "-certin", "-inkey", file.name, "-pkeyopt", "rsa_padding_mode:oaep", given=key)
    value = "<xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue></xenc:CipherData>"
    return ('<saml:EncryptedAssertion xmlns:saml="%s"><xenc:EncryptedData xmlns:xenc="%s" Type="%sElement"><xenc:EncryptionMethod Algorithm="%saes256-cbc"></xenc:EncryptionMethod><ds:KeyInfo xmlns:ds="%s">'
            '<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="%srsa-oaep-mgf1p"></xenc:EncryptionMethod>%s</xenc:EncryptedKey></ds:KeyInfo>%s</xenc:EncryptedData></saml:EncryptedAssertion>') % (
                SAML, XENC, XENC, XENC, DS, XENC, value % base64.b64encode(wrapped).decode(), value % base64.b64encode(text).decode())


class IdentityProvider:
    def __init__(self, entity="https://idp.example.com/metadata", sso="https://idp.example.com/sso"):
        self.entity, self.sso = entity, sso

    def metadata(self, binding="HTTP-Redirect"):
        """Base64, as the REST interface takes it."""
        xml = ('<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s"><md:IDPSSODescriptor protocolSupportEnumeration="%s">'
               '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="%s"><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo>'
               '</md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:%s" Location="%s"/></md:IDPSSODescriptor>'
               "</md:EntityDescriptor>") % (self.entity, SAMLP, DS, CERTIFICATE, binding, self.sso)
        return base64.b64encode(xml.encode()).decode()

    def response(self, login=None, name_id="user@example.com", attributes=(), how="response", acs=ACS, assertion_id=None, status="Success", issuer=None,
                 encrypt_for=None, request_id=None):
        """Base64 of a response to the login (the URL to which it sends the browser) or the request, or to none; the assertion encrypted for the owner of a certificate."""
        request = re.search(r' ID="(\S+?)"', inflated(login)).group(1) if login else request_id
        answers = ' InResponseTo="%s"' % request if request else ""
        issuer = '<saml:Issuer xmlns:saml="%s">%s</saml:Issuer>' % (SAML, issuer or self.entity)
        response_id, assertion_id = "_" + uuid.uuid4().hex, assertion_id or "_" + uuid.uuid4().hex
        values = "".join('<saml:Attribute Name="%s">%s</saml:Attribute>' % (name, "".join("<saml:AttributeValue>%s</saml:AttributeValue>" % escape(v) for v in texts))
                         for name, texts in attributes)
        assertion = ('<saml:Assertion xmlns:saml="%s" ID="%s" IssueInstant="%s" Version="2.0">%s<saml:Subject><saml:NameID>%s</saml:NameID>'
                     '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData%s NotOnOrAfter="%s" Recipient="%s">'
                     "</saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>"
                     '<saml:Conditions NotBefore="%s" NotOnOrAfter="%s"><saml:AudienceRestriction><saml:Audience>%s</saml:Audience></saml:AudienceRestriction>'
                     '</saml:Conditions><saml:AuthnStatement AuthnInstant="%s"></saml:AuthnStatement>%s</saml:Assertion>') % (
                         SAML, assertion_id, instant(), issuer.replace(' xmlns:saml="%s"' % SAML, ""), escape(name_id), answers, instant(120), acs, instant(-60), instant(120),
                         AUDIENCE, instant(), "<saml:AttributeStatement>%s</saml:AttributeStatement>" % values if values else "")
        if how in ("assertion", "both"):
            assertion = signed(assertion, assertion_id)
        if encrypt_for:
            assertion = encrypted(assertion, encrypt_for)
        xml = ('<samlp:Response xmlns:samlp="%s" Destination="%s" ID="%s"%s IssueInstant="%s" Version="2.0">%s<samlp:Status>'
               '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:%s"></samlp:StatusCode></samlp:Status>%s</samlp:Response>') % (
                   SAMLP, acs, response_id, answers, instant(), issuer, status, assertion)
        if how in ("response", "both"):
            xml = signed(xml, response_id)
        return base64.b64encode(xml.encode()).decode()


def query(url, name):
    """A parameter of the URL; None if it has none."""
    return urllib.parse.parse_qs(urllib.parse.urlsplit(url).query).get(name, [None])[0]


def inflated(login):
    """The request that a login sends the browser with."""
    return zlib.decompress(base64.b64decode(query(login, "SAMLRequest")), -15).decode()
