"""An authenticator app: the codes of a shared secret (RFC 6238). totp_test has them from oathtool."""
import base64
import hmac
import struct
import time


def totp_code(secret, periods=0):
    """The code of the period of 30 s that is so many periods away."""
    mac = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + periods), "sha1")
    offset = mac[-1] & 15
    return "%06d" % ((struct.unpack(">I", mac[offset:offset + 4])[0] & 0x7fffffff) % 10 ** 6)
