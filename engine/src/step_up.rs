//! Step-up: on a denial, asks again under hypothetical improvements, and demands the cheapest that
//! suffices. Policies say nothing about it; the engine itself is the judge, so advice cannot drift
//! from the rules. Hypothetical results are never stored, and never a decision.

use crate::bundle::PolicyBundle;
use crate::decision::{Decision, Demand, Outcome, Work};
use crate::evaluate::evaluate;
use crate::fact::Fact;
use crate::request::{AccessRequest, Device};

/// Most devices tried for one request, after those of equal posture are joined.
pub const MAX_DEVICES: usize = 16;

/// What the user could still do, as far as the caller can offer it.
#[derive(Debug, Clone, Default)]
pub struct Offers {
    /// Enter the password again.
    pub password: bool,
    /// Present the certificate of one of these devices, each as it would count at this moment.
    pub devices: Vec<Device>,
}

impl Offers {
    /// Nothing: the answer is permit or deny.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
}

impl PolicyBundle {
    /// Decides a request: permit, deny, or what would turn the denial into a permit right now.
    ///
    /// `offers` is asked only on a denial: gathering what the user could do may cost more than deciding.
    #[must_use]
    pub fn decide(&self, request: &AccessRequest, offers: impl FnOnce() -> Offers) -> Decision {
        let evaluation = evaluate(self, request);
        let mut hypotheticals = 0;
        let outcome = match evaluation.denied {
            None => Outcome::Permit,
            Some(because) => match plan(self, request, &offers(), &mut hypotheticals) {
                Some(demand) => Outcome::StepUp {
                    demand,
                    instead_of: because,
                },
                None => Outcome::Deny { because },
            },
        };
        Decision {
            outcome,
            determining: evaluation.determining,
            errors: evaluation.errors,
            report_only: evaluation.report_only,
            revision: self.revision(),
            work: Work {
                policies: evaluation.policies,
                hypotheticals,
            },
        }
    }
}

/// The cheapest sufficient improvement: a certificate costs a redirect, a password costs typing,
/// both cost both.
fn plan(
    bundle: &PolicyBundle,
    request: &AccessRequest,
    offers: &Offers,
    tried: &mut usize,
) -> Option<Demand> {
    let classes = alike(&offers.devices, bundle.names_devices());
    if let Some(device) = demand(bundle, request, &classes, false, tried) {
        return Some(device);
    }
    if !offers.password {
        return None;
    }
    let fresh = with_password(request);
    if suffices(bundle, &fresh, tried) {
        return Some(PASSWORD);
    }
    demand(bundle, &fresh, &classes, true, tried)
}

/// The devices that suffice on top of `base`.
fn demand(
    bundle: &PolicyBundle,
    base: &AccessRequest,
    classes: &[Vec<&Device>],
    password: bool,
    tried: &mut usize,
) -> Option<Demand> {
    let mut devices = Vec::new();
    for class in classes {
        let first = class.first().map(|device| with_device(base, device));
        if first.is_some_and(|hypothesis| suffices(bundle, &hypothesis, tried)) {
            devices.extend(class.iter().map(|device| device.id.clone()));
        }
    }
    (!devices.is_empty()).then_some(Demand { password, devices })
}

fn suffices(bundle: &PolicyBundle, hypothesis: &AccessRequest, tried: &mut usize) -> bool {
    *tried += 1;
    evaluate(bundle, hypothesis).denied.is_none()
}

const PASSWORD: Demand = Demand {
    password: true,
    devices: Vec::new(),
};

/// The request as it would be right after the device presented its certificate.
#[must_use]
pub fn with_device(request: &AccessRequest, device: &Device) -> AccessRequest {
    let device = Device {
        proved_at: request.now,
        ..device.clone()
    };
    AccessRequest {
        device: Fact::known(device, "client certificate", request.now),
        ..request.clone()
    }
}

/// The request as it would be right after the user entered the password.
#[must_use]
pub fn with_password(request: &AccessRequest) -> AccessRequest {
    let mut improved = request.clone();
    improved.session.password = Fact::known(request.now, "password", request.now);
    improved.session.methods.insert("pwd".to_owned());
    improved
}

/// Devices that no policy can tell apart, together: one evaluation answers for all of them.
fn alike(devices: &[Device], by_name: bool) -> Vec<Vec<&Device>> {
    let mut classes: Vec<Vec<&Device>> = Vec::new();
    for device in devices {
        let class = classes.iter().position(|class| {
            !by_name
                && class
                    .first()
                    .is_some_and(|first| equal_posture(first, device))
        });
        if let Some(class) = class.and_then(|at| classes.get_mut(at)) {
            class.push(device);
        } else if classes.len() < MAX_DEVICES {
            classes.push(vec![device]);
        }
    }
    classes
}

fn equal_posture(a: &Device, b: &Device) -> bool {
    a.managed.value() == b.managed.value()
        && a.disk_encryption.value() == b.disk_encryption.value()
        && a.compliant.value() == b.compliant.value()
        && a.platform.value() == b.platform.value()
        && a.os_version.value() == b.os_version.value()
        && a.assigned_to == b.assigned_to
        && a.attributes == b.attributes
}
