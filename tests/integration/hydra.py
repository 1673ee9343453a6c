"""The database of an Ory Hydra 2.x, as far as `gatehouse migrate` reads it, with rows that we make."""
import base64
import ctypes
import ctypes.util
import hashlib
import json
import os

# Columns are those of Hydra's migrations; the others are left out.
LIFESPANS = {
    "authorizationCodeGrantAccessTokenLifespan": "authorization_code_grant_access_token_lifespan", "authorizationCodeGrantIdTokenLifespan": "authorization_code_grant_id_token_lifespan",
    "authorizationCodeGrantRefreshTokenLifespan": "authorization_code_grant_refresh_token_lifespan", "clientCredentialsGrantAccessTokenLifespan": "client_credentials_grant_access_token_lifespan",
    "implicitGrantAccessTokenLifespan": "implicit_grant_access_token_lifespan", "implicitGrantIdTokenLifespan": "implicit_grant_id_token_lifespan",
    "jwtBearerGrantAccessTokenLifespan": "jwt_bearer_grant_access_token_lifespan", "refreshTokenGrantIdTokenLifespan": "refresh_token_grant_id_token_lifespan",
    "refreshTokenGrantAccessTokenLifespan": "refresh_token_grant_access_token_lifespan", "refreshTokenGrantRefreshTokenLifespan": "refresh_token_grant_refresh_token_lifespan"}
TEXTS = {"clientName": "client_name", "scope": "scope", "policyUri": "policy_uri", "tosUri": "tos_uri", "clientUri": "client_uri", "logoUri": "logo_uri", "tokenEndpointAuthMethod": "token_endpoint_auth_method"}
LISTS = {"redirectUris": "redirect_uris", "grantTypes": "grant_types", "responseTypes": "response_types", "audience": "audience", "allowedCorsOrigins": "allowed_cors_origins",
         "contacts": "contacts", "postLogoutRedirectUris": "post_logout_redirect_uris"}
TABLES = """
CREATE TABLE hydra_client (id varchar(255) PRIMARY KEY, owner text NOT NULL, jwks_uri text NOT NULL DEFAULT '', userinfo_signed_response_alg text NOT NULL DEFAULT 'none',
  subject_type text NOT NULL DEFAULT 'public', sector_identifier_uri text NOT NULL DEFAULT '', metadata jsonb, created_at timestamp NOT NULL, updated_at timestamp NOT NULL, %s);
CREATE TABLE hydra_oauth2_refresh (signature varchar(255) PRIMARY KEY, request_id varchar(40) NOT NULL, requested_at timestamp NOT NULL DEFAULT now(), client_id varchar(255) NOT NULL,
  granted_scope text NOT NULL, granted_audience text NOT NULL DEFAULT '', session_data text NOT NULL, subject varchar(255) NOT NULL DEFAULT '', active bool NOT NULL DEFAULT true);
CREATE INDEX hydra_oauth2_refresh_request_id_idx ON hydra_oauth2_refresh (request_id);
""" % ", ".join(["%s text NOT NULL DEFAULT ''" % column for column in TEXTS.values()] + ["%s jsonb" % column for column in LISTS.values()] + ["%s bigint" % column for column in LIFESPANS.values()])


def quote(value):
    return "NULL" if value is None else str(value) if isinstance(value, (int, bool)) else "'" + value.replace("'", "''") + "'"


def insert(table, row):
    return "INSERT INTO %s (%s) VALUES (%s);" % (table, ", ".join(row), ", ".join(quote(value) for value in row.values()))


def nanoseconds(duration):
    """Of one in Go's text, such as 1h30m0s."""
    if duration is None:
        return None
    total, number = 0, ""
    for c in duration:
        if c.isdigit():
            number += c
        else:
            total, number = total + int(number) * {"h": 3600, "m": 60, "s": 1}[c], ""
    return total * 10**9


def client_row(client, owner, created="2025-01-02 03:04:05", updated="2025-02-03 04:05:06.789"):
    """`client`: as GET /recipe/oauth/clients shows it."""
    row = {"id": client["clientId"], "owner": owner, "metadata": json.dumps(client["metadata"]), "created_at": created, "updated_at": updated}
    row.update({column: client.get(name, "") for name, column in TEXTS.items()})
    row.update({column: json.dumps(client.get(name) or []) for name, column in LISTS.items()})
    row.update({column: nanoseconds(client.get(name)) for name, column in LIFESPANS.items()})
    return insert("hydra_client", row)


def session(claims, gid, expires="2099-01-01T00:00:00Z"):
    """What Hydra keeps with a token; `claims`: of an ID token."""
    return json.dumps({
        "id_token": {"id_token_claims": {"nonce": claims["nonce"], "acr": "level", "amr": ["pwd", "otp"], "auth_time": "2025-01-02T03:04:05Z", "rat": "2025-01-02T05:04:04+02:00", "ext": {"sid": "x"}},
                     "headers": {"extra": {}}, "expires_at": {"refresh_token": expires}, "username": "", "subject": claims["sub"]},
        "extra": {"iss": claims["iss"], "tId": "public", "rsub": "rsub", "sessionHandle": claims["sid"], "gid": gid, "initialPayload": {}}, "client_id": "", "mirror_top_level_claims": True})


def encrypt(text, secret):
    """AES-256-GCM with the secret's hash; Python's own library has none."""
    libcrypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
    for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
        getattr(libcrypto, name).restype = ctypes.c_void_p
    context, nonce, data = ctypes.c_void_p(libcrypto.EVP_CIPHER_CTX_new()), os.urandom(12), text.encode()
    out, tag, size = ctypes.create_string_buffer(len(data) + 16), ctypes.create_string_buffer(16), ctypes.c_int()
    done = [libcrypto.EVP_EncryptInit_ex(context, ctypes.c_void_p(libcrypto.EVP_aes_256_gcm()), None, hashlib.sha256(secret.encode()).digest(), nonce),
            libcrypto.EVP_EncryptUpdate(context, out, ctypes.byref(size), data, len(data)),
            libcrypto.EVP_EncryptFinal_ex(context, None, ctypes.byref(ctypes.c_int())),
            libcrypto.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, tag)]
    libcrypto.EVP_CIPHER_CTX_free(context)
    assert done == [1, 1, 1, 1]
    return base64.urlsafe_b64encode(nonce + out.raw[:size.value] + tag.raw).decode()


def token_row(token, client_id, request, data, active=True, scope="openid|offline_access", audience=""):
    return insert("hydra_oauth2_refresh", {"signature": token.rpartition(".")[2], "request_id": request, "client_id": client_id, "granted_scope": scope, "granted_audience": audience,
                                           "session_data": data, "active": active})
