//! Proof of guardrails. Each question goes to the solver once for each kind of request; whatever example
//! it finds is asked of the policies themselves before it is shown.

use cedar_policy::{Policy, RequestEnv, Schema};
use doorward_engine::{
    AccessRequest, Guardrails, Offers, Outcome, PolicyBundle, PolicyEffect, PolicyRef,
};

use crate::asking::{Asking, action, apart, everything, parsed, schema, set};
use crate::example::Examples;
use crate::plain::plain;
use crate::solver::{Solver, SolverError};

/// What became of one guardrail.
#[derive(Debug, Clone)]
pub struct GuardrailProof {
    /// The guardrail.
    pub guardrail: PolicyRef,
    /// Whether it holds.
    pub proof: Proof,
}

/// Whether a guardrail holds for all requests.
#[derive(Debug, Clone)]
pub enum Proof {
    /// It does: there is no request that breaks it.
    Holds,
    /// It does not: this request breaks it, as the policies themselves confirm.
    Broken {
        /// The request.
        example: Box<AccessRequest>,
    },
    /// It could not be told.
    Unknown {
        /// Why.
        why: String,
        /// Whether the solver found a request that breaks it, which the policies did not confirm.
        found: bool,
    },
}

impl Proof {
    fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown {
            why: why.into(),
            found: false,
        }
    }
}

/// Proves every guardrail, or finds a request that breaks it.
///
/// # Errors
/// The solver does not start, or the policies cannot be told to it.
pub fn prove(
    bundle: &PolicyBundle,
    guardrails: &Guardrails,
    solver: &Solver,
) -> Result<Vec<GuardrailProof>, SolverError> {
    solver.is_there()?;
    let schema = schema(bundle.schema_text())?;
    let question = Question::new(bundle, guardrails)?;
    let work = async |()| {
        let mut proofs = Vec::new();
        for (guardrail, text) in guardrails.all() {
            let mut asking = Asking::new(solver, &schema);
            let proof = question
                .prove(&mut asking, &schema, guardrail, text)
                .await
                .unwrap_or_else(Proof::unknown);
            proofs.push(GuardrailProof {
                guardrail: guardrail.clone(),
                proof,
            });
        }
        proofs
    };
    Ok(apart(vec![()], work)?.into_iter().flatten().collect())
}

/// What all guardrails of a bundle have in common.
struct Question<'a> {
    bundle: &'a PolicyBundle,
    guardrails: &'a Guardrails,
    deciding: Vec<Policy>,
    /// What is true of every request.
    world: Vec<Policy>,
    examples: Examples<'a>,
}

impl<'a> Question<'a> {
    fn new(bundle: &'a PolicyBundle, guardrails: &'a Guardrails) -> Result<Self, SolverError> {
        let wrong = |error: String| SolverError::Policies(error);
        let deciding = bundle
            .deciding()
            .into_iter()
            .map(|(policy, text)| parsed(&format!("policy:{}", policy.id), text).map_err(wrong))
            .collect::<Result<Vec<_>, _>>()?;
        let world = bundle
            .world(guardrails)
            .iter()
            .enumerate()
            .map(|(number, text)| parsed(&format!("world:{number}"), text).map_err(wrong))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            bundle,
            guardrails,
            examples: Examples::of(bundle, &deciding),
            deciding,
            world,
        })
    }

    async fn prove(
        &self,
        asking: &mut Asking<'_>,
        schema: &Schema,
        guardrail: &PolicyRef,
        text: &str,
    ) -> Result<Proof, String> {
        let policy = parsed(&format!("guardrail:{}", guardrail.id), text)?;
        let everything = everything()?;
        // A break of any kind of request is the answer, whatever could not be told of the others.
        let mut unknown = None;
        for kind in schema.request_envs().filter(|kind| action(kind).is_some()) {
            match self
                .prove_kind(asking, guardrail, &policy, &everything, &kind)
                .await
            {
                Ok(None) => {}
                Ok(Some(broken @ Proof::Broken { .. })) => return Ok(broken),
                Ok(Some(proof)) => {
                    unknown.get_or_insert(proof);
                }
                Err(why) => {
                    unknown.get_or_insert(Proof::unknown(why));
                }
            }
        }
        Ok(unknown.unwrap_or(Proof::Holds))
    }

    /// Nothing if the guardrail holds for one kind of request.
    async fn prove_kind(
        &self,
        asking: &mut Asking<'_>,
        guardrail: &PolicyRef,
        policy: &Policy,
        everything: &Policy,
        kind: &RequestEnv,
    ) -> Result<Option<Proof>, String> {
        let bundle = self.deciding.iter();
        // Whatever the first allows the second has to allow.
        let (first, second) = match guardrail.effect {
            PolicyEffect::Forbid => (set(bundle.chain(&self.world))?, set([everything, policy])?),
            PolicyEffect::Permit => (set([policy].into_iter().chain(&self.world))?, set(bundle)?),
        };
        if let Some(found) = asking.only_first(&first, &second, kind).await? {
            let example = self.examples.request(&found);
            return Ok(Some(self.confirmed(guardrail, example)));
        }
        self.no_errors(asking, guardrail, policy, kind).await?;
        match self.bundle.required_attribute() {
            // What lacks it is denied, whatever the policies say: of a refusal they are not all.
            Some(name) if guardrail.effect == PolicyEffect::Permit => Err(format!(
                "the schema requires `{name}`, and whoever lacks it is denied"
            )),
            _ => Ok(None),
        }
    }

    /// A policy that fails is skipped in the solver's world, and a denial in ours: what it proves of
    /// policies that cannot fail holds in both.
    async fn no_errors(
        &self,
        asking: &mut Asking<'_>,
        guardrail: &PolicyRef,
        policy: &Policy,
        kind: &RequestEnv,
    ) -> Result<(), String> {
        let mut asked = vec![policy];
        if guardrail.effect == PolicyEffect::Permit {
            let forbids = self.deciding.iter();
            asked.extend(forbids.filter(|policy| policy.effect() == cedar_policy::Effect::Forbid));
        }
        for policy in asked {
            if !asking.never_fails(policy, kind).await? {
                let id: &str = policy.id().as_ref();
                let name = id.split_once(':').map_or(id, |(_, name)| name);
                return Err(format!("`{name}` can fail where it is evaluated"));
            }
        }
        Ok(())
    }

    fn confirmed(&self, guardrail: &PolicyRef, example: Option<AccessRequest>) -> Proof {
        let breaks = |request: &AccessRequest| {
            let spoken_of = self.guardrails.matching(request).contains(&guardrail.id);
            let permitted = self.bundle.decide(request, Offers::none).outcome == Outcome::Permit;
            spoken_of && permitted == (guardrail.effect == PolicyEffect::Forbid)
        };
        match example {
            Some(example) if breaks(&example) => Proof::Broken {
                example: Box::new(plain(example, breaks)),
            },
            _ => Proof::Unknown {
                why: "the solver found an example that the policies do not confirm".to_owned(),
                found: true,
            },
        }
    }
}
