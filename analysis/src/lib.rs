//! What holds for all requests: guardrails proved by symbolic analysis of the policies, with a
//! counterexample in people's terms where they do not hold.
//!
//! The solver is a program of its own (cvc5), which this crate starts. Nothing here decides a sign-in.

mod example;
mod prove;
mod solver;

pub use prove::{GuardrailProof, Proof, prove};
pub use solver::{Solver, SolverError};
