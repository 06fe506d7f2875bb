-- What the provider remembers between two requests.
--
-- Instants are INTEGER milliseconds since 1970-01-01T00:00:00Z. A `*_hash` is the SHA-256 of a secret that only
-- the browser or the client holds. JSON is TEXT: the provider reads and writes it whole and never searches in it.
-- What expires has an index for it, so that clearing up reads only what it deletes.

-- Users who are signed in to the provider, one row per browser.
CREATE TABLE sessions (
    id             TEXT    NOT NULL PRIMARY KEY,
    cookie_hash    BLOB    NOT NULL UNIQUE CHECK (length(cookie_hash) = 32),
    user_id        TEXT    NOT NULL,
    authentication TEXT    NOT NULL, -- JSON: times of the factors, methods
    device         TEXT,             -- JSON: the certificate last proved
    created_at     INTEGER NOT NULL,
    last_seen_at   INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Authorization requests that wait for the End-User, each bound to the browser that began it.
CREATE TABLE transactions (
    id                 TEXT    NOT NULL PRIMARY KEY,
    browser_hash       BLOB    NOT NULL CHECK (length(browser_hash) = 32),
    reference          TEXT    NOT NULL,
    parameters         TEXT    NOT NULL, -- JSON: pairs, in the order in which they were received
    client_id          TEXT    NOT NULL,
    session_id         TEXT,
    device_check       TEXT    NOT NULL CHECK (device_check IN ('not-done', 'absent', 'presented')),
    device             TEXT,             -- JSON: the certificate proved during this sign-in
    reauthenticated_at INTEGER,
    stage              TEXT    NOT NULL CHECK (stage IN ('started', 'asked-password', 'asked-device', 'denied')),
    created_at         INTEGER NOT NULL,
    expires_at         INTEGER NOT NULL
) STRICT;

CREATE INDEX transactions_by_expiry ON transactions (expires_at);

-- One-time tickets that let a browser carry a transaction to the device host.
-- No foreign key: a ticket of a transaction that is gone is harmless, and must not turn into an error.
CREATE TABLE device_tickets (
    ticket_hash    BLOB    NOT NULL PRIMARY KEY CHECK (length(ticket_hash) = 32),
    transaction_id TEXT    NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX device_tickets_by_expiry ON device_tickets (expires_at);

-- One-time results with which the browser comes back from the device host.
CREATE TABLE device_results (
    result_hash    BLOB    NOT NULL PRIMARY KEY CHECK (length(result_hash) = 32),
    transaction_id TEXT    NOT NULL,
    proof          TEXT,             -- JSON: absent where the device had no certificate to show
    expires_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX device_results_by_expiry ON device_results (expires_at);

-- Authorization codes. A redeemed one stays for a while, so that a second attempt is recognised.
CREATE TABLE codes (
    code_hash      BLOB    NOT NULL PRIMARY KEY CHECK (length(code_hash) = 32),
    grant_id       TEXT    NOT NULL,
    client_id      TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    session_id     TEXT    NOT NULL,
    scope          TEXT    NOT NULL,
    nonce          TEXT,
    auth_time      INTEGER,
    methods        TEXT    NOT NULL, -- JSON: `amr` values
    acr            TEXT,
    reference      TEXT    NOT NULL,
    redirect_uri   TEXT    NOT NULL,
    code_challenge TEXT,
    issued_at      INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    redeemed_at    INTEGER           -- NULL until the one redemption
) STRICT;

CREATE INDEX codes_by_expiry ON codes (expires_at);

-- Access tokens, revoked together with their grant.
CREATE TABLE access_tokens (
    token_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    grant_id   TEXT    NOT NULL,
    client_id  TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX access_tokens_by_grant ON access_tokens (grant_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);

-- Attempts per account and per address in the window that is running. The key is hashed: it may be anything.
CREATE TABLE throttle (
    key_hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(key_hash) = 32),
    attempts       INTEGER NOT NULL CHECK (attempts > 0),
    window_ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX throttle_by_end ON throttle (window_ends_at);

-- Decision records, in the order in which they were written. One sign-in may be decided several times.
CREATE TABLE records (
    sequence    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    reference   TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    outcome     TEXT    NOT NULL,
    client_id   TEXT,
    user_id     TEXT,
    record      TEXT    NOT NULL  -- JSON: the whole record
) STRICT;

CREATE INDEX records_by_reference ON records (reference);
CREATE INDEX records_by_time ON records (recorded_at);

-- Signing keys, at most one per algorithm, so that replicas that start together agree on it.
CREATE TABLE signing_keys (
    id         TEXT    NOT NULL PRIMARY KEY,
    algorithm  TEXT    NOT NULL UNIQUE,
    pkcs8      BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
