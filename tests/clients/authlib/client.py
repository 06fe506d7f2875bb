"""A relying party built on Authlib, on the part of it that its integrations for web frameworks share.

It is told on its standard input, line by line, who it is and what came back to its redirect URI, and says on its
standard output where to send the browser and whom it has signed in. Discovery, PKCE, nonce, the exchange, assertions,
refresh, the ID token and userinfo are the library's; what a framework would keep in its session, and `iss`, are
compared here.
"""

import hmac
import json
import sys
from urllib.parse import parse_qs, urlparse

from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import RSAKey


class Application(OAuth2Mixin, OpenIDMixin, BaseApp):
    client_cls = OAuth2Session

    def _on_update_token(self, token, refresh_token=None, access_token=None):
        """Nothing is stored: who refreshes holds the token."""


def hear():
    return json.loads(sys.stdin.readline())


def say(message):
    print(json.dumps(message), flush=True)


def parameters_of(callback):
    parameters = parse_qs(urlparse(callback).query, strict_parsing=True)
    assert all(len(values) == 1 for values in parameters.values()), "a parameter is repeated"
    return {name: values[0] for name, values in parameters.items()}


def main():
    told = hear()
    secret, methods, options = told.get("client_secret"), None, {}
    if told.get("makes_key"):
        secret = RSAKey.generate_key(2048, private=True, auto_kid=True)
        say({"jwk": secret.as_dict(private=False)})
        methods = [PrivateKeyJWT()]
        options = {"token_endpoint_auth_method": "private_key_jwt"}
    issuer = hear()["issuer"]
    application = Application(
        None,
        name="doorward",
        client_id=told["client_id"],
        client_secret=secret,
        client_auth_methods=methods,
        server_metadata_url=issuer + "/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", **options},
    )
    attempt = application.create_authorization_url(told["redirect_uri"])
    say({"url": attempt["url"]})

    answer = parameters_of(hear()["callback"])
    assert hmac.compare_digest(answer["state"], attempt["state"]), "the state is another"
    assert answer["iss"] == application.server_metadata["issuer"], "another provider has answered"
    token = application.fetch_access_token(
        redirect_uri=told["redirect_uri"],
        code=answer["code"],
        code_verifier=attempt["code_verifier"],
    )
    claims = application.parse_id_token(token, nonce=attempt["nonce"])
    userinfo = application.userinfo(token=token)
    say({"claims": claims, "userinfo": userinfo})
    if told.get("refreshes"):
        with application._get_oauth_client(**application.server_metadata) as session:
            renewed = session.refresh_token(refresh_token=token["refresh_token"])
        # A new ID token should be without a nonce: OpenID Connect Core, section 12.2.
        claims = application.parse_id_token(renewed, nonce=None)
        userinfo = application.userinfo(token=renewed)
        is_new = renewed["refresh_token"] != token["refresh_token"]
        say({"renewed": is_new, "claims": claims, "userinfo": userinfo})


main()
