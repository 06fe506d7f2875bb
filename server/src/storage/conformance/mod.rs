//! What every storage has to do, as facts that each backend is tested against with `every_fact!`.
//! Each fact gets a fresh storage. What is special to one backend is tested beside that backend.

pub(crate) mod access_tokens;
pub(crate) mod codes;
mod fixtures;
pub(crate) mod keys;
pub(crate) mod logouts;
pub(crate) mod pushed_requests;
pub(crate) mod records;
pub(crate) mod refresh_tokens;
pub(crate) mod replays;
pub(crate) mod sessions;
pub(crate) mod throttle;
pub(crate) mod tickets;
pub(crate) mod transactions;
pub(crate) mod units;

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

pub(crate) use self::fixtures::{at, grant, hash, key, proof, reference, session, transaction};
use super::{Storage, UnitOfWork};

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
                a_session_lives_until_its_expiry,
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
                what_came_with_the_request_reads_back,
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
                what_a_token_looks_like_reads_back,
                a_revoked_token_is_not_found,
                revoking_a_grant_takes_all_its_tokens_and_no_other,
                two_tokens_cannot_share_a_hash,
                purge_deletes_what_has_expired_and_no_more_than_asked,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            refresh_tokens,
            [
                a_token_is_found_as_it_was_stored,
                a_token_without_a_session_reads_back,
                an_unknown_token_is_unknown,
                a_token_is_worthless_when_it_was_idle_for_too_long,
                no_token_outlives_its_expiry,
                rotation_replaces_the_token,
                a_second_use_names_the_grant_and_stores_nothing,
                a_second_use_is_seen_until_the_expiry,
                an_unknown_token_is_not_replaced,
                an_idle_token_is_not_replaced,
                a_rotation_that_was_rolled_back_did_not_happen,
                a_touched_token_stays_the_one_to_use,
                a_touch_never_goes_beyond_the_expiry,
                a_replaced_token_cannot_be_touched,
                an_idle_token_cannot_be_touched,
                revoking_a_grant_takes_used_and_unused_tokens,
                revoking_a_session_takes_the_tokens_that_end_with_it,
                two_tokens_cannot_share_a_hash,
                purge_deletes_idle_tokens_and_no_more_than_asked,
                purge_keeps_used_tokens_until_their_expiry,
                of_many_who_rotate_a_token_one_gets_it,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            pushed_requests,
            [
                a_request_reads_back_as_it_was,
                an_unknown_request_is_not_found,
                a_request_of_another_client_is_not_found,
                a_request_is_not_found_from_its_expiry_on,
                the_same_browser_may_come_again,
                another_browser_comes_too_late,
                a_request_is_used_up_once,
                a_request_that_was_used_up_is_not_found,
                a_claimed_request_can_be_used_up_after_its_expiry,
                two_requests_cannot_share_a_hash,
                purge_deletes_what_nobody_came_for,
                purge_keeps_claimed_requests_for_a_day,
                of_many_browsers_one_owns_a_pushed_request,
                of_many_who_use_up_a_request_one_does,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            replays,
            [
                a_key_is_claimed_once,
                keys_are_claimed_apart,
                a_key_is_free_again_from_its_expiry_on,
                a_second_claim_does_not_make_the_first_longer,
                a_claim_that_was_rolled_back_was_never_made,
                purge_deletes_what_has_expired_and_no_more_than_asked,
                of_many_who_claim_a_nonce_one_gets_it,
            ]
        );
        $crate::storage::conformance::facts!(
            $open,
            logouts,
            [
                the_clients_of_a_session_are_taken_once,
                sessions_are_kept_apart,
                a_client_is_noted_once,
                a_message_is_handed_out_when_it_is_due,
                a_message_that_is_being_sent_is_handed_out_to_nobody_else,
                a_message_that_was_not_finished_in_time_is_due_again,
                a_message_that_is_done_is_gone,
                a_message_is_sent_again_when_it_was_put_off,
                whoever_lost_a_message_cannot_put_it_off,
                no_more_messages_come_than_asked_for_and_the_oldest_first,
                an_expired_message_is_handed_out_to_nobody,
                two_messages_cannot_share_an_identifier,
                purge_deletes_expired_messages,
                purge_deletes_clients_of_sessions_that_are_gone,
                of_many_who_end_a_session_one_gets_its_clients,
                of_many_workers_one_takes_a_delivery,
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
                a_second_key_of_one_generation_is_refused,
                the_next_generation_is_kept_beside_it,
                a_second_key_with_the_same_identifier_is_refused,
                keys_come_oldest_first,
                a_certificate_is_set_once,
                a_key_is_retired_once,
                only_keys_retired_before_are_deleted,
                all_who_start_together_agree_on_one_key,
                all_who_certify_a_key_agree_on_one_certificate,
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
