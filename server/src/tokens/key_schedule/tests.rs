//! Facts about the states of keys, told by stored instants: no key is made here.

use zeroize::Zeroizing;

use super::*;

const SCHEDULE: KeySchedule = KeySchedule {
    rotate: Some(TimeDelta::days(90)),
    announce: TimeDelta::days(2),
    keep: TimeDelta::days(3),
};

/// When everything is in order.
const NOTHING: [Due; 0] = [];

/// The day of this number.
fn day(number: i64) -> Timestamp {
    let first: Timestamp = "2026-11-24T09:00:00Z".parse().unwrap();
    first + TimeDelta::days(number)
}

fn key(generation: u32, signs_from: i64) -> StoredKey {
    StoredKey {
        id: KeyId::new(format!("k{generation}")),
        algorithm: "ES256".to_owned(),
        generation,
        pkcs8: Zeroizing::new(Vec::new()),
        certificate: None,
        created_at: day(signs_from - 2),
        signs_from: day(signs_from),
        retired_at: None,
    }
}

fn retired(mut key: StoredKey, at: i64) -> StoredKey {
    key.retired_at = Some(day(at));
    key
}

fn states(stored: &[StoredKey], now: i64) -> Vec<KeyState> {
    let statuses = SCHEDULE.statuses(stored, day(now)).into_iter();
    statuses.map(|status| status.state).collect()
}

fn due(stored: &[StoredKey], now: i64) -> Vec<Due> {
    SCHEDULE.due(stored, &["ES256"], day(now))
}

fn made(generation: u32, signs_from: i64) -> Due {
    Due::Make(Successor {
        algorithm: "ES256".to_owned(),
        generation,
        signs_from: day(signs_from),
    })
}

fn retire(id: &str) -> Due {
    Due::Retire(KeyId::new(id))
}

#[test]
fn a_key_that_is_missing_signs_at_once() {
    assert_eq!(due(&[], 0), [made(1, 0)]);
    assert_eq!(due(&[retired(key(1, 0), 1)], 1), [made(2, 1)]);
    assert_eq!(SCHEDULE.due(&[], &[], day(0)), NOTHING);
}

#[test]
fn an_old_key_gets_a_successor_that_is_announced_first() {
    assert_eq!(due(&[key(1, 0)], 89), NOTHING);
    assert_eq!(due(&[key(1, 0)], 90), [made(2, 92)]);
    // A first start after years changes nothing at once.
    assert_eq!(due(&[key(1, 0)], 900), [made(2, 902)]);
    assert_eq!(due(&[key(1, 0), key(2, 92)], 91), NOTHING);
}

#[test]
fn without_a_schedule_keys_sign_for_ever() {
    let never = KeySchedule {
        rotate: None,
        ..SCHEDULE
    };
    assert_eq!(never.due(&[key(1, 0)], &["ES256"], day(9000)), NOTHING);
    assert_eq!(never.statuses(&[key(1, 0)], day(1))[0].until, None);
}

#[test]
fn a_key_is_announced_then_signs_then_is_replaced_then_goes() {
    let keys = [key(1, 0), key(2, 92)];
    assert_eq!(states(&keys, 91), [KeyState::Signing, KeyState::Announced]);
    assert_eq!(states(&keys, 92), [KeyState::Replaced, KeyState::Signing]);
    assert_eq!(due(&keys, 94), NOTHING);
    assert_eq!(due(&keys, 95), [retire("k1")]);
    let keys = [retired(key(1, 0), 95), key(2, 92)];
    assert_eq!(states(&keys, 95), [KeyState::Retired, KeyState::Signing]);
    assert_eq!(due(&keys, 102), NOTHING);
    assert_eq!(due(&keys, 103), [Due::Forget(day(96))]);
}

#[test]
fn each_state_says_since_when_and_until_when() {
    let keys = [key(1, 0), key(2, 92)];
    let told = |now| -> Vec<_> {
        let statuses = SCHEDULE.statuses(&keys, day(now)).into_iter();
        statuses
            .map(|status| (status.since, status.until))
            .collect()
    };
    let announced = [(day(0), Some(day(92))), (day(90), Some(day(92)))];
    assert_eq!(told(91), announced);
    let replaced = [(day(92), Some(day(95))), (day(92), Some(day(184)))];
    assert_eq!(told(93), replaced);
}

#[test]
fn when_the_key_that_signs_is_retired_the_one_before_signs_until_there_is_a_successor() {
    let keys = [key(1, 0), retired(key(2, 92), 93)];
    assert_eq!(states(&keys, 93), [KeyState::Signing, KeyState::Retired]);
    assert_eq!(due(&keys, 93), [made(3, 95)]);
}

#[test]
fn an_announced_key_signs_before_its_time_where_no_other_is_left() {
    let keys = [retired(key(1, 0), 91), key(2, 92)];
    assert_eq!(states(&keys, 91), [KeyState::Retired, KeyState::Signing]);
    assert_eq!(due(&keys, 91), NOTHING);
}

#[test]
fn a_clock_that_was_put_back_leaves_a_key_that_signs() {
    assert_eq!(states(&[key(1, 0)], -400), [KeyState::Signing]);
    assert_eq!(due(&[key(1, 0)], -400), NOTHING);
    let keys = [key(1, 0), key(2, 92)];
    assert_eq!(states(&keys, 50), [KeyState::Signing, KeyState::Announced]);
}

#[test]
fn a_clock_that_jumped_ahead_and_came_back_retires_nothing_that_is_needed() {
    // Made while the clock was ten years ahead.
    let keys = [key(1, 0), key(2, 3652)];
    assert_eq!(states(&keys, 1), [KeyState::Signing, KeyState::Announced]);
    assert_eq!(due(&keys, 1), NOTHING);
    // An operator rotates by hand: the key of the future never signs.
    let keys = [key(1, 0), key(2, 3652), key(3, 3)];
    let expected = [KeyState::Replaced, KeyState::Replaced, KeyState::Signing];
    assert_eq!(states(&keys, 3), expected);
    assert_eq!(due(&keys, 6), [retire("k1"), retire("k2")]);
}

#[test]
fn keys_of_rs256_get_a_certificate_and_others_do_not() {
    let rsa = |certificate| StoredKey {
        algorithm: CERTIFIED.to_owned(),
        certificate,
        ..key(1, 0)
    };
    assert_eq!(
        SCHEDULE.due(&[rsa(None)], &[], day(0)),
        [Due::Certify(KeyId::new("k1"))]
    );
    assert_eq!(SCHEDULE.due(&[rsa(Some(vec![1]))], &[], day(0)), NOTHING);
    assert_eq!(due(&[key(1, 0)], 0), NOTHING);
}

#[test]
fn algorithms_do_not_replace_each_other() {
    let rsa = StoredKey {
        id: KeyId::new("r2"),
        algorithm: "EdDSA".to_owned(),
        ..key(2, 1)
    };
    let keys = [key(1, 0), rsa];
    assert_eq!(states(&keys, 30), [KeyState::Signing, KeyState::Signing]);
    assert_eq!(due(&keys, 30), NOTHING);
}
