"""What is tried with every real identity provider, and what such a provider can be asked to do."""
import abc

from saml.user_agent import Browser
from saml.sign_on import ACS, SignOn

RESPONSE, ASSERTION = "response", "assertion"
SIGNED = [(RESPONSE,), (ASSERTION,), (RESPONSE, ASSERTION)]
EMAIL, PASSWORD = "ann@example.com", "ann-password"


class Provider(abc.ABC):
    """A running identity provider, which knows Gatehouse by the entity id AUDIENCE, and one user, ann."""
    name = None
    url = None
    # How it can encrypt: what configure() takes as `encryption`. The first is what it does by itself.
    encryptions = []

    @abc.abstractmethod
    def configure(self, signs=(RESPONSE,), encrypt_for=None, encryption=None, wants_signed_by=None, acs=ACS):
        """What it signs; the certificate to encrypt assertions for, and how; the certificate that requests must be signed by; where it posts to."""

    @abc.abstractmethod
    def metadata(self):
        """XML."""

    @abc.abstractmethod
    def beginning(self):
        """The URL where a login begins that nobody asked for."""

    @abc.abstractmethod
    def announce_key(self):
        """The metadata has the next key, which signs nothing yet."""

    @abc.abstractmethod
    def use_next_key(self):
        """The next key signs, whether it was announced or not."""

    @abc.abstractmethod
    def forget_next_key(self):
        """As it was in the beginning."""

    @abc.abstractmethod
    def stop(self):
        pass

    def sign_in(self, url):
        """Sends a browser there, which signs in if it is asked to: the response, and the relay state or None."""
        action, response, relay_state = Browser(self.url).sign_in(url)
        assert action == ACS, action
        return response, relay_state

    def try_more(self, sign_on, logged_in):
        """What only this provider can do. Returns what it was."""
        return ""


def walk(mode, provider):
    sign_on = SignOn(mode, EMAIL)
    try:
        put = {"enableRequestSigning": False, "allowIDPInitiatedLogin": True, "acsURLs": [ACS]}
        sign_on.put(provider.metadata(), **put)

        def logged_in(**how):
            provider.configure(**how)
            url, relay_state = sign_on.login()
            response, back = provider.sign_in(url)
            assert back == relay_state, (back, relay_state)
            return response, relay_state
        certificate = sign_on.certificate()
        forged = ["%d of a signed %s (%s)" % (count, " and ".join(signs), ", ".join(checks))
                  for signs in SIGNED for count, checks in [sign_on.refuse_forgeries(*logged_in(signs=signs), certificate)]]
        # Encrypted, with each signature; without any it is refused.
        for encryption in provider.encryptions:
            for signs in SIGNED:
                sign_on.accept(*logged_in(signs=signs, encrypt_for=certificate, encryption=encryption))
        sign_on.refuse(*logged_in(signs=(), encrypt_for=certificate), "UNSIGNED")
        # Signed requests.
        sign_on.put(provider.metadata(), requestSignature="QUERY", **{**put, "enableRequestSigning": True})
        sign_on.accept(*logged_in(wants_signed_by=certificate))
        sign_on.put(provider.metadata(), **put)
        more = provider.try_more(sign_on, logged_in)
        # It begins.
        provider.configure()
        response, _ = provider.sign_in(provider.beginning())
        sign_on.accept(response)
        sign_on.refuse(response, check="REPLAY")
        roll_over(sign_on, provider, put, logged_in)
        print("%s: %s signs responses, assertions and both, each in clear and encrypted in %d ways, reads signed requests, begins logins and rolls its key over%s.\n  Refused of forgeries: %s"
              % (mode, provider.name, len(provider.encryptions), more, "; ".join(forged)), flush=True)
    finally:
        sign_on.stop()


def roll_over(sign_on, provider, put, logged_in):
    try:
        # Without notice: refused until the metadata is put again.
        provider.use_next_key()
        response, relay_state = logged_in()
        sign_on.refuse(response, relay_state, "SIGNATURE_VALUE")
        sign_on.put(provider.metadata(), **put)
        sign_on.accept(response, relay_state)
        provider.forget_next_key()
        # With notice: nobody is refused.
        provider.announce_key()
        sign_on.put(provider.metadata(), **put)
        sign_on.accept(*logged_in())
        provider.use_next_key()
        sign_on.accept(*logged_in())
    finally:
        provider.forget_next_key()
    # The old one counts as long as the metadata has it.
    sign_on.accept(*logged_in())


def walk_both(provider):
    try:
        for mode in ("all-in-one", "split"):
            walk(mode, provider)
    finally:
        provider.stop()

