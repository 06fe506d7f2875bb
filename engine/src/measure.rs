//! The two halves of a decision, for the benchmarks alone, which measure them apart.

use cedar_policy::{Entities, Request};

use crate::bundle::PolicyBundle;
use crate::entities::Input;
use crate::evaluate::evaluate_input;
use crate::request::AccessRequest;

/// A request as Cedar takes it.
#[derive(Debug)]
pub struct Prepared(Input);

impl Prepared {
    /// The first half of a decision: Cedar's values. None if the request does not fit the schema.
    #[must_use]
    pub fn new(bundle: &PolicyBundle, request: &AccessRequest) -> Option<Self> {
        Input::new(bundle, request).ok().map(Self)
    }

    /// What Cedar's own authorizer takes.
    #[must_use]
    pub fn cedar(&self) -> (&Request, &Entities) {
        (&self.0.request, &self.0.entities)
    }

    /// The second half: how many policies were evaluated.
    #[must_use]
    pub fn evaluate(&self, bundle: &PolicyBundle) -> usize {
        evaluate_input(bundle, &self.0).policies
    }
}
