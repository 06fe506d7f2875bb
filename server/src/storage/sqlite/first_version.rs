//! A database that the first version wrote opens, and what was in it is there.

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::{MIGRATIONS, SqliteStorage};
use crate::domain::authentication::Authentication;
use crate::domain::claims_request::ClaimsRequest;
use crate::domain::code::{AccessToken, Redemption, StoredCode, TokenFormat};
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::ids::{
    ApplicationId, ClientId, GrantId, KeyId, SessionId, TransactionId, UserId,
};
use crate::storage::conformance::{at, hash, reference, transaction};
use crate::storage::{Storage as _, StoredKey};

/// The grant of the code in the database.
fn grant() -> Grant {
    Grant {
        id: GrantId::new("g1"),
        client: ClientId::new("wiki"),
        user: UserId::new("ana"),
        session: Some(SessionId::new("s1")),
        subject: "ana".to_owned(),
        application: ApplicationId::new(""),
        kind: GrantKind::SignIn,
        scope: "openid email".to_owned(),
        nonce: Some("a \"nonce\" of ü".to_owned()),
        auth_time: Some(at(-60)),
        methods: vec!["pwd".to_owned(), "swk".to_owned()],
        acr: Some("urn:example:managed".to_owned()),
        reference: reference("7F3K-29QD"),
        authentication: Authentication::default(),
        device: None,
        address: None,
        audience: Vec::new(),
        confirmation: None,
        claims: ClaimsRequest::default(),
        extra: serde_json::Map::new(),
    }
}

/// What is left of a grant whose code was cleared up.
fn remainder(id: &str) -> Grant {
    Grant {
        id: GrantId::new(id),
        session: None,
        nonce: None,
        auth_time: None,
        methods: Vec::new(),
        acr: None,
        reference: reference("0000-0000"),
        ..grant()
    }
}

/// The storage of today on a file that the first version wrote.
async fn reopened(directory: &TempDir) -> SqliteStorage {
    let path = directory.path().join("doorward.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .unwrap();
    MIGRATIONS.run_to(1, &pool).await.unwrap();
    write_rows(&pool).await;
    pool.close().await;
    SqliteStorage::open(&path).await.unwrap()
}

async fn write_rows(pool: &SqlitePool) {
    let millis = |seconds: i64| at(seconds).timestamp_millis();
    for (name, redeemed_at) in [("code", None), ("redeemed", Some(millis(1)))] {
        let first = name == "code";
        sqlx::query(
            "INSERT INTO codes VALUES ($1, $2, 'wiki', 'ana', 's1', 'openid email', $3, $4, $5,
                                       'urn:example:managed', '7F3K-29QD',
                                       'https://wiki.example/callback?x=ü&y=1', $6, $7, $8, $9)",
        )
        .bind(hash(name).as_bytes())
        .bind(if first { "g1" } else { "g2" })
        .bind("a \"nonce\" of ü")
        .bind(millis(-60))
        .bind(r#"["pwd","swk"]"#)
        .bind(first.then_some("challenge"))
        .bind(millis(0))
        .bind(millis(60))
        .bind(redeemed_at)
        .execute(pool)
        .await
        .unwrap();
    }
    for (name, grant) in [("token", "g1"), ("orphan", "g3")] {
        sqlx::query(
            "INSERT INTO access_tokens VALUES ($1, $2, 'wiki', 'ana', 'openid email', $3, $4)",
        )
        .bind(hash(name).as_bytes())
        .bind(grant)
        .bind(millis(0))
        .bind(millis(600))
        .execute(pool)
        .await
        .unwrap();
    }
    for (id, algorithm) in [("k1", "ES256"), ("k2", "RS256")] {
        sqlx::query("INSERT INTO signing_keys VALUES ($1, $2, x'3000ff', $3)")
            .bind(id)
            .bind(algorithm)
            .bind(millis(0))
            .execute(pool)
            .await
            .unwrap();
    }
    sqlx::query(
        "INSERT INTO transactions VALUES ('t1', $1, '7F3K-29QD', '[[\"client_id\",\"wiki\"]]',
                                          'wiki', NULL, 'not-done', NULL, NULL, 'started', $2, $3)",
    )
    .bind(hash("browser").as_bytes())
    .bind(millis(-10))
    .bind(millis(100))
    .execute(pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_code_can_still_be_redeemed() {
    let directory = TempDir::new().unwrap();
    let storage = reopened(&directory).await;
    let mut work = storage.begin().await.unwrap();
    let redemption = work.codes().redeem(&hash("code"), at(59)).await.unwrap();
    let expected = StoredCode {
        grant: grant(),
        redirect_uri: "https://wiki.example/callback?x=ü&y=1".to_owned(),
        code_challenge: Some("challenge".to_owned()),
        dpop_jkt: None,
        issued_at: at(0),
    };
    assert_eq!(redemption, Redemption::Redeemed(Box::new(expected)));
}

#[tokio::test]
async fn a_code_that_was_redeemed_stays_redeemed() {
    let directory = TempDir::new().unwrap();
    let storage = reopened(&directory).await;
    let mut work = storage.begin().await.unwrap();
    let redemption = work.codes().redeem(&hash("redeemed"), at(59)).await;
    assert_eq!(
        redemption.unwrap(),
        Redemption::Replayed(GrantId::new("g2"))
    );
}

#[tokio::test]
async fn an_access_token_stands_for_what_its_code_stood_for() {
    let directory = TempDir::new().unwrap();
    let storage = reopened(&directory).await;
    let mut work = storage.read().await.unwrap();
    for (name, grant) in [("token", grant()), ("orphan", remainder("g3"))] {
        let expected = AccessToken {
            hash: hash(name),
            grant,
            format: TokenFormat::Opaque,
            issued_at: at(0),
            expires_at: at(600),
        };
        let found = work.access_tokens().find(&hash(name), at(1)).await.unwrap();
        assert_eq!(found, Some(expected), "{name}");
    }
}

#[tokio::test]
async fn an_access_token_is_still_revoked_with_its_grant() {
    let directory = TempDir::new().unwrap();
    let storage = reopened(&directory).await;
    let mut work = storage.begin().await.unwrap();
    let revoked = work.access_tokens().revoke_grant(&GrantId::new("g1")).await;
    assert_eq!(revoked.unwrap(), 1);
}

#[tokio::test]
async fn each_signing_key_is_the_first_of_its_algorithm() {
    let directory = TempDir::new().unwrap();
    let storage = reopened(&directory).await;
    let expected = [("k1", "ES256"), ("k2", "RS256")].map(|(id, algorithm)| StoredKey {
        id: KeyId::new(id),
        algorithm: algorithm.to_owned(),
        generation: 1,
        pkcs8: Zeroizing::new(vec![0x30, 0x00, 0xff]),
        certificate: None,
        created_at: at(0),
        signs_from: at(0),
        retired_at: None,
    });
    let mut work = storage.read().await.unwrap();
    assert_eq!(work.keys().all().await.unwrap(), expected);
}

#[tokio::test]
async fn a_pending_sign_in_goes_on() {
    let directory = TempDir::new().unwrap();
    let storage = reopened(&directory).await;
    let mut work = storage.begin().await.unwrap();
    let found = work
        .transactions()
        .find(&TransactionId::new("t1"), &hash("browser"), at(0))
        .await
        .unwrap();
    assert_eq!(found, Some(transaction("t1")));
}

#[tokio::test]
async fn a_file_that_was_brought_up_to_date_opens_again() {
    let directory = TempDir::new().unwrap();
    reopened(&directory).await.close().await;
    let again = SqliteStorage::open(&directory.path().join("doorward.db")).await;
    again.unwrap().ping().await.unwrap();
}
