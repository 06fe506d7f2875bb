//! Facts about authorization codes.

use std::sync::Arc;

use super::{CONTESTANTS, at, begin, commit, grant, hash, race};
use crate::domain::authentication::Authentication;
use crate::domain::claims_request::ClaimsRequest;
use crate::domain::clock::Timestamp;
use crate::domain::code::{NewCode, Redemption, StoredCode};
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::ids::GrantId;
use crate::storage::{Storage, StorageError};

const DAY: i64 = 24 * 60 * 60;

/// A code of the grant `g1` that expires at `at(60)`.
fn code(name: &str) -> NewCode {
    NewCode {
        hash: hash(name),
        grant: grant("g1"),
        redirect_uri: "https://wiki.example/callback?x=ü&y=1".to_owned(),
        code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
        dpop_jkt: Some([9; 32]),
        issued_at: at(0),
        expires_at: at(60),
    }
}

fn redeemed(code: NewCode) -> Redemption {
    Redemption::Redeemed(Box::new(StoredCode {
        grant: code.grant,
        redirect_uri: code.redirect_uri,
        code_challenge: code.code_challenge,
        dpop_jkt: code.dpop_jkt,
        issued_at: code.issued_at,
    }))
}

async fn insert(storage: &Arc<dyn Storage>, code: &NewCode) {
    let mut work = begin(storage).await;
    work.codes().insert(code).await.unwrap();
    commit(work).await;
}

async fn redeem(storage: &Arc<dyn Storage>, name: &str, now: Timestamp) -> Redemption {
    let mut work = begin(storage).await;
    let redemption = work.codes().redeem(&hash(name), now).await.unwrap();
    commit(work).await;
    redemption
}

async fn purge(storage: &Arc<dyn Storage>, now: Timestamp, limit: u32) -> u64 {
    let mut work = begin(storage).await;
    let purged = work.codes().purge(now, limit).await.unwrap();
    commit(work).await;
    purged
}

pub(crate) async fn a_code_gives_what_was_stored(storage: &Arc<dyn Storage>) {
    insert(storage, &code("code")).await;
    let redemption = redeem(storage, "code", at(59)).await;
    assert_eq!(redemption, redeemed(code("code")));
}

pub(crate) async fn what_a_code_leaves_out_stays_out(storage: &Arc<dyn Storage>) {
    let mut code = code("code");
    code.grant = Grant {
        session: None,
        kind: GrantKind::SignIn,
        nonce: None,
        auth_time: None,
        methods: Vec::new(),
        acr: None,
        authentication: Authentication::default(),
        device: None,
        address: None,
        audience: Vec::new(),
        confirmation: None,
        claims: ClaimsRequest::default(),
        extra: serde_json::Map::new(),
        ..code.grant
    };
    code.code_challenge = None;
    code.dpop_jkt = None;
    insert(storage, &code).await;
    assert_eq!(redeem(storage, "code", at(1)).await, redeemed(code));
}

pub(crate) async fn a_second_redemption_names_the_grant(storage: &Arc<dyn Storage>) {
    insert(storage, &code("code")).await;
    redeem(storage, "code", at(1)).await;
    assert_eq!(
        redeem(storage, "code", at(1)).await,
        Redemption::Replayed(GrantId::new("g1"))
    );
}

pub(crate) async fn an_unknown_code_is_unknown(storage: &Arc<dyn Storage>) {
    insert(storage, &code("code")).await;
    assert_eq!(redeem(storage, "another", at(1)).await, Redemption::Unknown);
}

pub(crate) async fn an_expired_code_is_unknown(storage: &Arc<dyn Storage>) {
    insert(storage, &code("code")).await;
    assert_eq!(redeem(storage, "code", at(60)).await, Redemption::Unknown);
}

pub(crate) async fn a_replay_is_seen_after_the_expiry(storage: &Arc<dyn Storage>) {
    insert(storage, &code("code")).await;
    redeem(storage, "code", at(1)).await;
    assert_eq!(
        redeem(storage, "code", at(600)).await,
        Redemption::Replayed(GrantId::new("g1"))
    );
}

pub(crate) async fn a_redemption_that_was_rolled_back_did_not_happen(storage: &Arc<dyn Storage>) {
    insert(storage, &code("code")).await;
    let mut work = begin(storage).await;
    work.codes().redeem(&hash("code"), at(1)).await.unwrap();
    drop(work);
    assert_eq!(redeem(storage, "code", at(1)).await, redeemed(code("code")));
}

pub(crate) async fn two_codes_cannot_share_a_hash(storage: &Arc<dyn Storage>) {
    insert(storage, &code("code")).await;
    let mut work = begin(storage).await;
    let second = work.codes().insert(&code("code")).await;
    assert!(matches!(second, Err(StorageError::Conflict)));
}

pub(crate) async fn purge_deletes_codes_that_were_never_redeemed_at_their_expiry(
    storage: &Arc<dyn Storage>,
) {
    insert(storage, &code("code")).await;
    assert_eq!(purge(storage, at(59), 10).await, 0);
    assert_eq!(purge(storage, at(60), 10).await, 1);
}

pub(crate) async fn purge_keeps_redeemed_codes_for_a_day(storage: &Arc<dyn Storage>) {
    insert(storage, &code("code")).await;
    redeem(storage, "code", at(1)).await;
    assert_eq!(purge(storage, at(59 + DAY), 10).await, 0);
    assert_eq!(purge(storage, at(60 + DAY), 10).await, 1);
    assert_eq!(redeem(storage, "code", at(1)).await, Redemption::Unknown);
}

pub(crate) async fn purge_deletes_no_more_than_asked(storage: &Arc<dyn Storage>) {
    for name in ["a", "b", "c"] {
        insert(storage, &code(name)).await;
    }
    assert_eq!(purge(storage, at(60), 2).await, 2);
    assert_eq!(purge(storage, at(60), 2).await, 1);
}

pub(crate) async fn of_many_who_redeem_a_code_one_gets_it(storage: &Arc<dyn Storage>) {
    insert(storage, &code("code")).await;
    let redemptions = race(storage, |storage| async move {
        redeem(&storage, "code", at(1)).await
    })
    .await;
    let count = |wanted: &Redemption| {
        redemptions
            .iter()
            .filter(|redemption| *redemption == wanted)
            .count()
    };
    assert_eq!(count(&redeemed(code("code"))), 1);
    assert_eq!(
        count(&Redemption::Replayed(GrantId::new("g1"))),
        CONTESTANTS - 1
    );
}
