// A relying party built on openid-client. It is told on its standard input, line by line, who it is, what came back to
// its redirect URI and what to do next, and says on its standard output where to send the browser, whom it has signed
// in and what it was told. Everything in between is the library's: discovery, PKCE, state, nonce, `iss`, signed and
// pushed requests, assertions, proofs, the exchange, the ID token, and every endpoint.

import { createInterface } from "node:readline";
import * as client from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// What it is told next, or nothing when nothing more is said.
async function hear() {
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value);
}

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const told = await hear();

// One key for assertions and for requests, as most clients have it.
const kid = "of-openid-client";
let key;
if (told.makes_key) {
  const { publicKey, privateKey } = await client.randomDPoPKeyPair(told.makes_key);
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey("jwk", publicKey);
  say({ jwk: { kty, crv, x, y, n, e, kid } });
  key = { key: privateKey, kid };
}

function proof() {
  if (told.auth === "private_key_jwt") {
    return client.PrivateKeyJwt(key);
  }
  return told.client_secret ? client.ClientSecretBasic(told.client_secret) : client.None();
}

// Who says the issuer has registered the key. The document is that of OpenID Connect, or that of RFC 8414.
const { issuer } = await hear();
const provider = await client.discovery(new URL(issuer), told.client_id, undefined, proof(), {
  algorithm: told.discovery ?? "oidc",
});
// The signature counts although the token comes over TLS, which the library would be content with.
client.enableNonRepudiationChecks(provider);

const bound = told.dpop ? { DPoP: client.getDPoPHandle(provider, await client.randomDPoPKeyPair(told.dpop)) } : {};

const verifier = client.randomPKCECodeVerifier();
const [state, nonce] = [client.randomState(), client.randomNonce()];
let parameters = new URLSearchParams({
  redirect_uri: told.redirect_uri,
  scope: told.scope ?? "openid profile email",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
});
let url;
if (told.signs_request) {
  url = await client.buildAuthorizationUrlWithJAR(provider, parameters, key);
  parameters = url.searchParams;
}
if (told.pushes_request) {
  url = await client.buildAuthorizationUrlWithPAR(provider, parameters, bound);
}
url ??= client.buildAuthorizationUrl(provider, parameters);
say({ url: url.href });

const { callback } = await hear();
let tokens = await client.authorizationCodeGrant(
  provider,
  new URL(callback),
  { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
  undefined,
  bound,
);
const claims = tokens.claims();

// What the provider tells for a token, or the error by which it does not.
async function userinfo(token) {
  try {
    return await client.fetchUserInfo(provider, token, claims.sub, bound);
  } catch (error) {
    if (error instanceof client.WWWAuthenticateChallengeError) {
      return { refused: error.cause.map(({ parameters }) => parameters.error) };
    }
    throw error;
  }
}

// What can be done with what one has.
const deeds = {
  async refresh() {
    const former = tokens.refresh_token;
    // What the answer does not bring anew stays as it was.
    tokens = { ...tokens, ...(await client.refreshTokenGrant(provider, former, undefined, bound)) };
    return { renewed: tokens.refresh_token !== former, userinfo: await userinfo(tokens.access_token) };
  },
  async introspect() {
    const { access_token, refresh_token } = tokens;
    return {
      access_token: await client.tokenIntrospection(provider, access_token),
      refresh_token: await client.tokenIntrospection(provider, refresh_token),
    };
  },
  async revoke() {
    await client.tokenRevocation(provider, tokens.refresh_token, { token_type_hint: "refresh_token" });
    return { ...(await deeds.introspect()), userinfo: await userinfo(tokens.access_token) };
  },
  sign_out({ post_logout_redirect_uri, state }) {
    const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri, state };
    return { url: client.buildEndSessionUrl(provider, parameters).href };
  },
};

say({ claims, token_type: tokens.token_type, userinfo: await userinfo(tokens.access_token) });
for (let next = await hear(); next; next = await hear()) {
  say(await deeds[next.deed](next));
}
process.exit(0);
