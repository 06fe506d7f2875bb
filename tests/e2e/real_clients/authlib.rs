//! Authlib, for Python. Its own library for JOSE verifies ID tokens and signs assertions.

use doorward_tests::{PAYROLL, WIKI};
use serde_json::json;

use super::program::Program;
use super::{APP, assert_is_ana, sign_in, sign_in_to_app};
use crate::journey::provider;

#[tokio::test]
async fn real_client_authlib_signs_people_in() {
    let provider = provider().await;
    for client in [WIKI, PAYROLL] {
        let program = Program::authlib(&provider).await;
        sign_in(&provider, client, program).await;
    }
}

#[tokio::test]
async fn real_client_authlib_proves_itself_by_a_key_and_refreshes() {
    let provider = provider().await;
    let program = Program::authlib(&provider).await;
    let told = json!({ "makes_key": "RS256", "refreshes": true });
    let entry = "auth = 'private_key_jwt'\nrefresh = 'session'\nrefresh_address = 'sign-in'";
    let mut app = sign_in_to_app(&provider, program, told, entry).await;
    let again = app.program.hear().await;
    assert_eq!(again["renewed"], true, "{again}");
    assert_is_ana(&again, &provider, APP);
    // OpenID Connect Core, section 12.2: whoever it was at the sign-in, and when.
    for claim in ["sub", "auth_time", "sid"] {
        assert_eq!(again["claims"][claim], app.said["claims"][claim], "{again}");
    }
}
