#!/usr/bin/env python3
"""Logs in with pysaml2 as the identity provider, all-in-one and split: its metadata, its reading of our requests, and its responses, signed in each way.

Needs network for pip the first time, and the program xmlsec1, which pysaml2 signs with (Debian: xmlsec1). Usage: GATEHOUSE_BIN=build/debug/bin tests/saml/pysaml2_provider.py
"""
import base64
import functools
import os
import subprocess
import sys
import tempfile
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
VENV = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "gatehouse", "pysaml2-7.5.5")
ENTITY, SSO = "https://idp.example.com/pysaml2", "https://idp.example.com/sso"


def in_environment():
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "pysaml2==7.5.5"], check=True)
    os.execv(python, [python, os.path.abspath(__file__)])


def provider(folder, sp_metadata):
    from saml.sign_on import ACS
    from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
    from saml2.config import IdPConfig
    from saml2.server import Server
    key, certificate = os.path.join(folder, "idp.key"), os.path.join(folder, "idp.crt")
    if not os.path.exists(key):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "30", "-subj", "/CN=idp"], check=True, capture_output=True)
    known = os.path.join(folder, "sp.xml")
    with open(known, "w", encoding="utf-8") as f:
        # Where it posts responses to is in each of our requests; pysaml2 wants it in the metadata too.
        f.write(sp_metadata.replace("</md:SPSSODescriptor>", '<md:AssertionConsumerService Binding="%s" Location="%s" index="0"/></md:SPSSODescriptor>' % (BINDING_HTTP_POST, ACS)))
    config = {"entityid": ENTITY, "key_file": key, "cert_file": certificate, "metadata": {"local": [known]}, "xmlsec_binary": "/usr/bin/xmlsec1",
              "service": {"idp": {"endpoints": {"single_sign_on_service": [(SSO, BINDING_HTTP_REDIRECT), (SSO + "/post", BINDING_HTTP_POST)]}, "policy": {"default": {"lifetime": {"minutes": 5}}}}}}
    return Server(config=IdPConfig().load(config))


def walk(mode, folder):
    from integration.identity_provider import query
    from saml.sign_on import ACS, AUDIENCE, SignOn
    import saml2.entity
    from saml2 import BINDING_HTTP_REDIRECT
    from saml2.metadata import entity_descriptor
    from saml2.sigver import RSACrypto, verify_redirect_signature
    from saml2.xmldsig import DIGEST_SHA1, DIGEST_SHA256, SIG_RSA_SHA1, SIG_RSA_SHA256
    from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
    sign_on = SignOn(mode)
    try:
        idp = provider(folder, sign_on.app.get("/.well-known/sp-metadata", {"encryption": "true"}).text)
        metadata, put = str(entity_descriptor(idp.config)), {"allowIDPInitiatedLogin": True}
        assert sign_on.put(metadata, **put)["idpEntityId"] == ENTITY
        certificate = sign_on.certificate()
        key_file = certificate_file(folder, certificate)

        encrypt = idp.sec.encrypt_assertion

        def respond(in_response_to, algorithm=None, **how):
            # By itself pysaml2 encrypts with triple DES.
            saml2.entity.pre_encryption_part, idp.sec.encrypt_assertion = saml2.sigver.pre_encryption_part, encrypt
            if algorithm:
                saml2.entity.pre_encryption_part = functools.partial(saml2.entity.pre_encryption_part, msg_enc=algorithm)
                idp.sec.encrypt_assertion = functools.partial(encrypt, key_type="aes-256" if "256" in algorithm else "aes-128")
            return base64.b64encode(str(idp.create_authn_response(
                {"mail": [sign_on.user], "givenName": ["Ann"], "eduPersonAffiliation": ["staff", "member"]}, in_response_to, ACS, AUDIENCE,
                name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=sign_on.user), authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"},
                **{"sign_alg": SIG_RSA_SHA256, "digest_alg": DIGEST_SHA256, **how})).encode()).decode()

        def logged_in(**how):
            url, relay_state = sign_on.login()
            request = idp.parse_authn_request(query(url, "SAMLRequest"), BINDING_HTTP_REDIRECT)
            assert request.message.issuer.text == AUDIENCE and request.message.assertion_consumer_service_url == ACS
            idp.sec.verify_signature(request.xmlstr, node_name="urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest", cert_file=key_file)
            return respond(request.message.id, **how), relay_state
        signed = [{"sign_response": True, "sign_assertion": False}, {"sign_response": False, "sign_assertion": True}, {"sign_response": True, "sign_assertion": True}]
        algorithms = ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm", "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
                      "http://www.w3.org/2001/04/xmlenc#aes128-cbc")
        forged = [sign_on.refuse_forgeries(*logged_in(**how), certificate) for how in signed]
        for how in signed:
            for algorithm in algorithms:
                user = sign_on.accept(*logged_in(**how, encrypt_assertion=True, algorithm=algorithm))
                assert ["staff", "member"] in user["claims"].values(), user
        shown = sign_on.put(metadata, requestSignature="QUERY", **put)
        assert shown["requestSignature"] == "QUERY", shown
        login = sign_on.login()[0]
        asked = {name: query(login, name) for name in ("SAMLRequest", "RelayState", "SigAlg", "Signature")}
        assert verify_redirect_signature(asked, RSACrypto(None), certificate), login
        sign_on.accept(respond(None, sign_response=True))
        sign_on.refuse(respond(None, sign_response=False, sign_assertion=False), check="UNSIGNED")
        sign_on.refuse(respond(None, sign_response=True, sign_alg=SIG_RSA_SHA1, digest_alg=DIGEST_SHA1), check="DIGEST_ALGORITHM")
        sign_on.refuse(respond(None, sign_response=True, encrypt_assertion=True), check="ENCRYPTION_ALGORITHM")
        print("%s: pysaml2 reads our metadata and requests, signed within or by parameters; signed responses, assertions, both, each in clear and encrypted by %d algorithms, and a login that "
              "it begins; unsigned, by SHA-1 and by triple DES it is refused, and so are %s forgeries" % (mode, len(algorithms), " + ".join(str(count) for count, _ in forged)), flush=True)
    finally:
        sign_on.stop()


def certificate_file(folder, certificate):
    path = os.path.join(folder, "sp.crt")
    with open(path, "w", encoding="ascii") as f:
        f.write("-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % "\n".join(textwrap.wrap(certificate, 64)))
    return path


def main():
    try:
        import saml2  # noqa: F401
    except ImportError:
        in_environment()
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("all-in-one", "split"):
            walk(mode, folder)


if __name__ == "__main__":
    main()
