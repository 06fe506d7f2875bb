-- What further front doors need: refresh tokens, requests that came by another way, single uses, logout of clients,
-- keys that follow one another. Codes and access tokens keep their whole grant as JSON from here on.
--
-- The rules of the first file hold. In the grant, instants are milliseconds as well.

-- Authorization codes. A redeemed one stays for a while, so that a second attempt is recognised.
ALTER TABLE codes RENAME TO former_codes;
DROP INDEX codes_by_expiry;

CREATE TABLE codes (
    code_hash      BLOB    NOT NULL PRIMARY KEY CHECK (length(code_hash) = 32),
    grant_id       TEXT    NOT NULL,
    grant_json     TEXT    NOT NULL, -- JSON: what the code stands for
    redirect_uri   TEXT    NOT NULL,
    code_challenge TEXT,
    dpop_jkt       BLOB    CHECK (length(dpop_jkt) = 32), -- the key that has to redeem it (RFC 9449, section 10)
    issued_at      INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    redeemed_at    INTEGER           -- NULL until the one redemption
) STRICT;

-- Which application a client stood for is written in no table. The empty name is in no policy, so nothing can be
-- decided anew for such a grant.
INSERT INTO codes (code_hash, grant_id, grant_json, redirect_uri, code_challenge, issued_at, expires_at, redeemed_at)
SELECT code_hash, grant_id,
       json_object('id', grant_id, 'client', client_id, 'user', user_id, 'session', session_id,
                   'subject', user_id, 'scope', scope, 'nonce', nonce, 'auth_time', auth_time,
                   'methods', json(methods), 'acr', acr, 'reference', reference, 'application', ''),
       redirect_uri, code_challenge, issued_at, expires_at, redeemed_at
FROM former_codes;

DROP TABLE former_codes;
CREATE INDEX codes_by_expiry ON codes (expires_at);

-- Access tokens, revoked together with their grant.
ALTER TABLE access_tokens RENAME TO former_access_tokens;
DROP INDEX access_tokens_by_grant;
DROP INDEX access_tokens_by_expiry;

CREATE TABLE access_tokens (
    token_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    grant_id   TEXT    NOT NULL,
    client_id  TEXT    NOT NULL,
    grant_json TEXT    NOT NULL, -- JSON: what the token stands for
    jti        TEXT,             -- the identifier in a token that is a JWT; NULL for an opaque one
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- A token stands for what its code stood for. Where the code was cleared up already, its reference is lost.
INSERT INTO access_tokens (token_hash, grant_id, client_id, grant_json, issued_at, expires_at)
SELECT token.token_hash, token.grant_id, token.client_id,
       coalesce(code.grant_json,
                json_object('id', token.grant_id, 'client', token.client_id, 'user', token.user_id,
                            'subject', token.user_id, 'scope', token.scope, 'reference', '0000-0000',
                            'application', '')),
       token.issued_at, token.expires_at
FROM former_access_tokens AS token LEFT JOIN codes AS code ON code.grant_id = token.grant_id;

DROP TABLE former_access_tokens;
CREATE INDEX access_tokens_by_grant ON access_tokens (grant_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);

-- The request that a pending sign-in was sent with, where it came by another way, and what was proved with it.
ALTER TABLE transactions ADD COLUMN pushed_hash BLOB CHECK (length(pushed_hash) = 32);
ALTER TABLE transactions ADD COLUMN carried TEXT; -- JSON

-- Authorization requests that came before the browser did, each for the first browser that brings its name.
CREATE TABLE pushed_requests (
    request_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(request_hash) = 32),
    client_id    TEXT    NOT NULL,
    origin       TEXT    NOT NULL CHECK (origin IN ('pushed', 'posted')),
    parameters   TEXT    NOT NULL, -- JSON: pairs, in the order in which they were received
    carried      TEXT,             -- JSON: what was proved with the request and cannot be proved twice
    browser_hash BLOB    CHECK (length(browser_hash) = 32), -- NULL until a browser comes
    expires_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);

-- Refresh tokens. A used one stays as long as its successors may live, so that a second use is recognised.
CREATE TABLE refresh_tokens (
    token_hash   BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    grant_id     TEXT    NOT NULL,
    client_id    TEXT    NOT NULL,
    session_id   TEXT,             -- the session that the token ends with; NULL where it outlives sessions
    grant_json   TEXT    NOT NULL, -- JSON: what the token stands for
    issued_at    INTEGER NOT NULL,
    last_used_at INTEGER,
    used_at      INTEGER,          -- NULL until it is replaced by its successor
    idle_until   INTEGER NOT NULL, -- never later than expires_at; equal to it once the token was replaced
    expires_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (idle_until);

-- What others made and may be shown to us only once: assertions, proofs, hints.
CREATE TABLE replays (
    key_hash   BLOB    NOT NULL PRIMARY KEY CHECK (length(key_hash) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX replays_by_expiry ON replays (expires_at);

-- Clients that have to be told when a session ends. No foreign key: a session that is renewed is a new row under the
-- old identifier.
CREATE TABLE session_clients (
    session_id TEXT    NOT NULL,
    client_id  TEXT    NOT NULL,
    subject    TEXT    NOT NULL, -- the `sub` that this client knows
    expires_at INTEGER NOT NULL, -- from here on the pair goes with its session
    PRIMARY KEY (session_id, client_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_clients_by_expiry ON session_clients (expires_at);

-- Messages to clients that a session has ended. A worker that takes one moves `due_at` on, so that another worker
-- tries again if the first one is never heard of.
CREATE TABLE logout_deliveries (
    id         TEXT    NOT NULL PRIMARY KEY,
    client_id  TEXT    NOT NULL,
    session_id TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    attempts   INTEGER NOT NULL CHECK (attempts >= 0),
    due_at     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX logout_deliveries_by_due ON logout_deliveries (due_at);
CREATE INDEX logout_deliveries_by_expiry ON logout_deliveries (expires_at);

-- Signing keys, one per algorithm and generation, so that replicas that start or rotate together agree on it.
ALTER TABLE signing_keys RENAME TO former_signing_keys;

CREATE TABLE signing_keys (
    id          TEXT    NOT NULL PRIMARY KEY,
    algorithm   TEXT    NOT NULL,
    generation  INTEGER NOT NULL CHECK (generation > 0),
    pkcs8       BLOB    NOT NULL,
    certificate BLOB,             -- DER
    created_at  INTEGER NOT NULL,
    signs_from  INTEGER NOT NULL, -- published before, so that clients know it by then
    retired_at  INTEGER,
    UNIQUE (algorithm, generation)
) STRICT;

INSERT INTO signing_keys (id, algorithm, generation, pkcs8, created_at, signs_from)
SELECT id, algorithm, 1, pkcs8, created_at, created_at FROM former_signing_keys;

DROP TABLE former_signing_keys;
