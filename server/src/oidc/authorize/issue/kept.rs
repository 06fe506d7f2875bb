//! What a grant keeps of the sign-in so that policies can be asked again when the client renews its tokens. What is
//! made of it then is left to `access/refresh.rs`.

use crate::access::Signals;
use crate::directory::clients::RefreshPolicy;
use crate::domain::authentication::DeviceProof;
use crate::domain::grant::SeenAddress;
use crate::oidc::authorize::Visit;
use crate::oidc::authorize::client::RedirectTarget;
use crate::oidc::session::{self, Subject};

/// What is kept of a sign-in.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// What the device proved.
    pub(super) device: Option<DeviceProof>,
    /// Where the user was.
    pub(super) address: Option<SeenAddress>,
}

impl Kept {
    /// What is kept of this sign-in: nothing, unless the client may refresh.
    pub(super) fn of(
        visit: &Visit<'_>,
        target: &RedirectTarget,
        subject: &Subject,
        signals: &Signals,
    ) -> Self {
        if target.client().refresh == RefreshPolicy::Never {
            return Self::default();
        }
        let presented = visit.transaction.as_ref();
        let proof = session::newest(
            presented.and_then(|transaction| transaction.device.clone()),
            subject.standing.device().cloned(),
        );
        let address = signals.address.address.value().copied();
        Self {
            // A proof that did not count at the sign-in does not count later.
            device: proof.filter(|_| signals.device.fact.value().is_some()),
            address: address.map(|address| SeenAddress {
                address,
                seen_at: visit.now,
            }),
        }
    }
}
