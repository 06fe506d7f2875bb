//! What every storage has to do, as facts that each backend is tested against with `every_fact!`.
//! Each fact gets a fresh storage. What is special to one backend is tested beside that backend.

pub(crate) mod access_tokens;
pub(crate) mod codes;
pub(crate) mod keys;
pub(crate) mod records;
pub(crate) mod sessions;
pub(crate) mod throttle;
pub(crate) mod tickets;
pub(crate) mod transactions;
pub(crate) mod units;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::{Storage, StoredKey, UnitOfWork};
use crate::domain::authentication::{Authentication, DeviceProof};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, KeyId, Reference, SessionId, TransactionId, UserId};
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::transaction::{DeviceCheck, Stage, Transaction};

/// Makes one test of each fact of a file, against a storage that `$open` makes.
macro_rules! facts {
    ($open:path, $file:ident, [$($fact:ident),+ $(,)?]) => {
        mod $file {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $fact() {
                    let (storage, _directory) = $open().await;
                    $crate::storage::conformance::$file::$fact(&storage).await;
                }
            )+
        }
    };
}

/// Makes one test of every fact. `$open` is the path of an `async fn` that gives an `Arc<dyn Storage>`
/// and whatever has to live as long.
macro_rules! every_fact {
    ($open:path) => {
        $crate::storage::conformance::facts!(
            $open,
            sessions,
            [
                a_session_is_found_by_its_cookie,
                a_session_without_a_device_reads_back_as_it_was,
                an_unknown_cookie_finds_nothing,
                a_session_is_over_from_its_expiry_on,
                rotation_replaces_the_cookie,
                an_unknown_session_cannot_be_rotated,
                a_touch_changes_the_times_and_nothing_else,
                a_touch_never_ends_a_session_earlier,
                an_unknown_session_cannot_be_touched,
                the_device_can_be_set_and_forgotten,
                the_device_of_an_unknown_session_cannot_be_set,
                a_deleted_session_is_gone,
                two_sessions_cannot_share_an_identifier,
                two_sessions_cannot_share_a_cookie,
                purge_deletes_what_has_expired_and_no_more_than_asked,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            transactions,
            [
                a_transaction_is_found_by_the_browser_that_began_it,
                another_browser_does_not_find_it,
                a_transaction_is_not_found_from_its_expiry_on,
                parameters_keep_their_order_and_their_characters,
                every_stage_and_device_check_read_back,
                an_update_stores_the_progress,
                an_update_leaves_the_request_alone,
                an_unknown_transaction_cannot_be_updated,
                two_transactions_cannot_share_an_identifier,
                a_transaction_is_taken_once,
                another_browser_cannot_take_it,
                only_expired_transactions_are_taken_for_the_record,
                no_more_are_taken_than_asked_for,
                of_many_who_take_a_transaction_one_gets_it,
                each_expired_transaction_is_taken_by_one_of_many,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            tickets,
            [
                a_ticket_is_spent_once,
                an_unknown_ticket_opens_nothing,
                a_ticket_is_worthless_from_its_expiry_on,
                a_ticket_is_no_result,
                a_result_with_a_certificate_reads_back,
                a_result_without_a_certificate_is_still_a_visit,
                a_result_is_spent_once,
                a_result_of_another_transaction_is_not_spent,
                a_result_is_worthless_from_its_expiry_on,
                purge_deletes_expired_tickets_and_results,
                of_many_who_spend_a_ticket_one_gets_through,
                of_many_who_spend_a_result_one_gets_it,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            codes,
            [
                a_code_gives_what_was_stored,
                what_a_code_leaves_out_stays_out,
                a_second_redemption_names_the_grant,
                an_unknown_code_is_unknown,
                an_expired_code_is_unknown,
                a_replay_is_seen_after_the_expiry,
                a_redemption_that_was_rolled_back_did_not_happen,
                two_codes_cannot_share_a_hash,
                purge_deletes_codes_that_were_never_redeemed_at_their_expiry,
                purge_keeps_redeemed_codes_for_a_day,
                purge_deletes_no_more_than_asked,
                of_many_who_redeem_a_code_one_gets_it,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            access_tokens,
            [
                a_token_is_found_by_its_hash,
                an_unknown_token_is_not_found,
                a_token_is_worthless_from_its_expiry_on,
                revoking_a_grant_takes_all_its_tokens_and_no_other,
                two_tokens_cannot_share_a_hash,
                purge_deletes_what_has_expired_and_no_more_than_asked,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            throttle,
            [
                attempts_count_down_to_the_limit,
                too_many_attempts_are_blocked_until_the_window_ends,
                a_blocked_attempt_does_not_make_the_window_longer,
                the_next_window_starts_anew,
                a_limit_of_zero_allows_nothing,
                keys_are_counted_apart,
                clearing_forgets_the_attempts,
                an_attempt_that_is_given_back_is_free_again,
                no_more_is_given_back_than_was_counted,
                a_clock_set_back_blocks_for_one_window_at_most,
                purge_deletes_windows_that_have_ended,
                many_at_once_are_never_admitted_beyond_the_limit,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            records,
            [
                a_record_is_found_by_its_reference,
                a_record_without_client_and_user_reads_back,
                an_unknown_reference_finds_nothing,
                of_several_records_with_one_reference_the_last_is_found,
                recent_records_come_newest_first,
                no_more_records_come_than_asked_for,
                purge_deletes_what_is_older_and_no_more_than_asked,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            keys,
            [
                a_key_reads_back_as_it_was,
                a_second_key_for_an_algorithm_is_refused,
                a_second_key_with_the_same_identifier_is_refused,
                keys_come_oldest_first,
                all_who_start_together_agree_on_one_key,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            units,
            [
                the_database_answers,
                what_was_committed_is_found,
                what_was_dropped_did_not_happen,
                a_unit_sees_its_own_changes,
                changes_to_several_aggregates_are_undone_together,
                writers_wait_for_each_other_and_lose_nothing,
            ]
        );
    };
}

pub(crate) use {every_fact, facts};

/// How many take part in a race.
pub(crate) const CONTESTANTS: usize = 20;

/// Runs the contest many times at once, and gives every outcome.
pub(crate) async fn race<T, F>(
    storage: &Arc<dyn Storage>,
    contest: impl Fn(Arc<dyn Storage>) -> F,
) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let line = Arc::new(Barrier::new(CONTESTANTS));
    let mut contestants = JoinSet::new();
    for _ in 0..CONTESTANTS {
        let line = Arc::clone(&line);
        let contest = contest(Arc::clone(storage));
        contestants.spawn(async move {
            line.wait().await;
            contest.await
        });
    }
    contestants.join_all().await
}

pub(crate) async fn begin(storage: &Arc<dyn Storage>) -> Box<dyn UnitOfWork> {
    storage.begin().await.unwrap()
}

pub(crate) async fn commit(work: Box<dyn UnitOfWork>) {
    work.commit().await.unwrap();
}

/// An instant that many seconds after the time at which the facts play; with milliseconds, which must survive.
pub(crate) fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp_millis(1_800_000_000_123).unwrap() + TimeDelta::seconds(seconds)
}

pub(crate) fn hash(name: &str) -> SecretHash {
    SecretHash::of(name.as_bytes())
}

pub(crate) fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

pub(crate) fn proof() -> DeviceProof {
    DeviceProof {
        chain: vec![vec![0x30, 0x00, 0xff], vec![0x30, 0x01]],
        proved_at: at(-30),
        address: "2001:db8::7".parse().unwrap(),
    }
}

/// A session that expires at `at(100)`.
pub(crate) fn session(name: &str) -> Session {
    Session {
        id: SessionId::new(name),
        user: UserId::new("ana"),
        authentication: Authentication {
            password_at: Some(at(-60)),
            second_factor_at: None,
            methods: ["pwd".to_owned()].into(),
        },
        device: Some(proof()),
        created_at: at(-60),
        last_seen_at: at(-5),
        expires_at: at(100),
    }
}

/// A transaction that expires at `at(100)`.
pub(crate) fn transaction(name: &str) -> Transaction {
    Transaction {
        id: TransactionId::new(name),
        reference: reference("7F3K-29QD"),
        parameters: vec![("client_id".to_owned(), "wiki".to_owned())],
        client: ClientId::new("wiki"),
        session: None,
        device_check: DeviceCheck::NotDone,
        device: None,
        reauthenticated_at: None,
        stage: Stage::Started,
        created_at: at(-10),
        expires_at: at(100),
    }
}

pub(crate) fn key(name: &str) -> StoredKey {
    StoredKey {
        id: KeyId::new(name),
        algorithm: "ES256".to_owned(),
        pkcs8: Zeroizing::new(vec![0x30, 0x00, 0xff]),
        created_at: at(0),
    }
}
