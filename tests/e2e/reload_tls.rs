//! The files of both listeners' certificates and of the devices' authority: a bad one changes
//! nothing, a renewed one is served without a restart.

use std::fs;

use doorward_tests::{ANA, Operations, TestProvider, WIKI, eventually};
use reqwest::tls::TlsInfo;

use crate::journey::{provider, sign_in};

/// The certificate that a new connection to this URL is shown, in DER.
pub(crate) async fn presented(provider: &TestProvider, url: &str) -> Vec<u8> {
    let request = provider.fresh_http().get(url);
    let answer = request.send().await.expect("an answer");
    let info = answer.extensions().get::<TlsInfo>().expect("TLS");
    info.peer_certificate().expect("a certificate").to_vec()
}

/// Breaks a file of a source, and waits until that is reported. Returns what was in the file.
async fn broken(provider: &TestProvider, source: &str, file: &str) -> Vec<u8> {
    let good = fs::read(provider.files().path(file)).expect("a file");
    provider.files().replace(file, "not a certificate");
    let status = provider.operations().refused(source).await;
    let findings = Operations::findings(&status);
    let name = file.rsplit('/').next().expect("a name");
    assert!(findings.contains(name), "{source}: {findings}");
    good
}

/// A listener whose certificate file is broken goes on with the last good one.
async fn goes_on(provider: &TestProvider, source: &str, file: &str, url: &str) {
    let before = presented(provider, url).await;
    let good = broken(provider, source, file).await;
    assert_eq!(presented(provider, url).await, before);
    provider.files().replace(file, good);
    provider.operations().healthy(source).await;
}

#[tokio::test]
async fn a_broken_certificate_of_the_main_host_leaves_the_last_good_one() {
    let provider = provider().await;
    let url = provider.url("/jwks");
    goes_on(&provider, "tls", "pki/main.pem", &url).await;
}

#[tokio::test]
async fn a_broken_certificate_of_the_device_host_leaves_the_last_good_one() {
    let provider = provider().await;
    let url = provider.device_url("/assets/doorward.css");
    goes_on(&provider, "device-tls", "pki/device.pem", &url).await;
}

#[tokio::test]
async fn a_broken_authority_of_devices_leaves_the_last_good_one() {
    const FILE: &str = "pki/devices/ca.pem";
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let good = broken(&provider, "device-trust", FILE).await;
    sign_in(&wiki, &mut provider.browser_on("mbp-ana"), ANA).await;
    provider.files().replace(FILE, good);
    provider.operations().healthy("device-trust").await;
}

#[tokio::test]
async fn a_renewed_certificate_of_the_device_host_is_presented_to_new_connections() {
    let provider = provider().await;
    let renewed = provider.files().pki.renew_device();
    let url = provider.device_url("/assets/doorward.css");
    eventually("connection with the renewed certificate", async || {
        (presented(&provider, &url).await == renewed).then_some(())
    })
    .await;
}
