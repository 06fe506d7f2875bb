//! The policy engine of Doorward: Cedar policies in, decisions out.
//!
//! Text and values in, decisions out: no I/O, no clock, no async runtime, no globals. The same bundle
//! and request give the same decision for ever.
//!
//! - [`PolicyBundle`] is a set of policies with its schema and entity data, checked as a whole.
//! - [`AccessRequest`] is the full question; each thing that may be missing in it is a [`Fact`].
//! - [`Decision`] is permit, step up or deny, with its evidence.
//! - [`Explanation`] says which conditions held and which failed.
//! - [`editor`] helps whoever writes policies.

mod attributes;
mod bundle;
mod catalogue;
mod decision;
mod declared;
pub mod diff;
pub mod editor;
mod entities;
mod error;
mod evaluate;
mod explain;
mod fact;
mod facts;
mod format;
mod guard;
mod guardrails;
mod lint;
#[doc(hidden)]
pub mod measure;
mod needs;
mod offered;
mod outcomes;
mod phrase;
mod policy;
#[cfg(test)]
mod properties;
mod reads;
mod representatives;
mod request;
mod revision;
mod schema;
mod self_test;
mod slice;
mod source;
mod stack;
mod step_up;
pub mod suite;
mod symbolic;
mod syntax;
#[cfg(test)]
mod tests;
mod values;
mod vocabulary;
pub mod words;

pub use bundle::{Counts, PolicyBundle, is_bundle_file};
pub use catalogue::schema as entities_schema;
pub use decision::{Decision, Demand, DenyReason, Outcome, PolicyError, ReportOnly, Work};
pub use error::{BundleError, Diagnostic, Label, Severity};
pub use explain::{Condition, Explanation, Held, PolicyExplanation, Role};
pub use fact::{FUTURE_TOLERANCE, Fact};
pub use facts::FactRow;
pub use format::format;
pub use guard::{MAX_CONDITIONALS, MAX_FILE, MAX_NESTING, MAX_OPERATORS, MAX_STATEMENT};
pub use guardrails::{Guardrails, is_guardrail_file};
pub use lint::lint_ids;
pub use offered::{MAX_OFFERED, Offered, OfferedDevice, OfferedPosture};
pub use outcomes::{PolicyOutcome, PolicyResult, outcomes};
pub use policy::{Mode, PolicyEffect, PolicyRef};
pub use representatives::describe;
pub use request::{
    AccessRequest, Action, Application, AttributeValue, CountryCode, Device, DiskEncryption,
    InvalidCountry, InvalidVersion, OsVersion, Platform, Session, User,
};
pub use revision::{InvalidRevision, Revision};
pub use schema::BUILT_IN as BUILT_IN_SCHEMA;
pub use self_test::{SelfTestFailed, self_test};
pub use source::{Origin, SourceFile};
pub use stack::SIZE as STACK_SIZE;
pub use step_up::{MAX_DEVICES, MAX_NAMED, Offers, with_device, with_password};
