//! What holds for all requests: guardrails, and whether two bundles answer alike, proved by symbolic analysis
//! of the policies, with a counterexample in people's terms where it does not hold.
//!
//! The solver is a program of its own (cvc5), which this crate starts. Nothing here decides a sign-in.

mod asking;
mod compare;
mod example;
mod plain;
mod prove;
mod solver;

pub use compare::{Change, Comparison, KindComparison, Verdict, compare};
pub use prove::{GuardrailProof, Proof, prove};
pub use solver::{Solver, SolverError};
