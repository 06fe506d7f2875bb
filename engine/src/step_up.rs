//! Step-up: on a denial, asks again under hypothetical improvements, and demands the cheapest that
//! suffices. Policies say nothing about it; the engine itself is the judge, so advice cannot drift
//! from the rules. Hypothetical results are never stored, and never a decision.

use crate::bundle::PolicyBundle;
use crate::decision::{Decision, Demand, Outcome, Work};
use crate::evaluate::evaluate;
use crate::fact::Fact;
use crate::reads::Reads;
use crate::request::{AccessRequest, AttributeValue, Device, DiskEncryption};
use crate::vocabulary::device;

/// Most devices tried for one request, after those that no policy can tell apart are joined.
pub const MAX_DEVICES: usize = 256;

/// Most devices that a demand names.
pub const MAX_NAMED: usize = 50;

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
        self.decide_and_keep(request, offers).0
    }

    /// The same, and what was on offer where that was asked for: a record may want to keep some of it.
    #[must_use]
    pub fn decide_and_keep(
        &self,
        request: &AccessRequest,
        offers: impl FnOnce() -> Offers,
    ) -> (Decision, Option<Offers>) {
        let evaluation = evaluate(self, request);
        let mut hypotheticals = 0;
        let mut asked = None;
        let outcome = match evaluation.denied {
            None => Outcome::Permit,
            Some(because) => {
                let offers = asked.insert(offers());
                match plan(self, request, offers, &mut hypotheticals) {
                    Some(demand) => Outcome::StepUp {
                        demand,
                        instead_of: because,
                    },
                    None => Outcome::Deny { because },
                }
            }
        };
        let decision = Decision {
            outcome,
            determining: evaluation.determining,
            errors: evaluation.errors,
            invalid: evaluation.invalid,
            report_only: evaluation.report_only,
            revision: self.revision(),
            work: Work {
                policies: evaluation.policies,
                hypotheticals,
            },
        };
        (decision, asked)
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
    let classes = alike(&offers.devices, bundle);
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
    // Any of them will do; a record need not name a thousand.
    devices.truncate(MAX_NAMED);
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

/// Devices that no policy can tell apart, together: one evaluation answers for all of them. Those
/// most likely to do come first.
fn alike<'a>(devices: &'a [Device], bundle: &PolicyBundle) -> Vec<Vec<&'a Device>> {
    let mut ranked: Vec<&Device> = devices.iter().collect();
    ranked.sort_by_key(|device| rank(device));
    let mut classes: Vec<Vec<&Device>> = Vec::new();
    for device in ranked {
        let class = classes.iter().position(|class| {
            !bundle.names_devices()
                && class
                    .first()
                    .is_some_and(|first| same_to_policies(first, device, &bundle.reads))
        });
        if let Some(class) = class.and_then(|at| classes.get_mut(at)) {
            class.push(device);
        } else if classes.len() < MAX_DEVICES {
            classes.push(vec![device]);
        }
    }
    classes
}

/// What a device is tried by: the lower, the earlier.
pub(crate) fn rank(device: &Device) -> (bool, bool) {
    let good = device.managed.value() == Some(&true);
    let encrypted = device.disk_encryption.value() == Some(&DiskEncryption::On);
    (!good, !encrypted)
}

/// Whether two devices agree in everything that some policy can read.
fn same_to_policies(a: &Device, b: &Device, reads: &Reads) -> bool {
    let encrypted = |device: &Device| device.disk_encryption.value() == Some(&DiskEncryption::On);
    let unread = |name: &str| !reads.name(name);
    let custom = |device: &Device| -> Vec<(String, AttributeValue)> {
        device
            .attributes
            .iter()
            .filter(|(name, _)| reads.name(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    a.managed.value() == b.managed.value()
        && encrypted(a) == encrypted(b)
        && a.compliant.value() == b.compliant.value()
        && (unread(device::PLATFORM) || a.platform.value() == b.platform.value())
        && (unread(device::OS_VERSION) || a.os_version.value() == b.os_version.value())
        && (unread(device::ASSIGNED_TO) || a.assigned_to == b.assigned_to)
        && custom(a) == custom(b)
}
