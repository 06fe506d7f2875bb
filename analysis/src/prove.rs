//! Proof of guardrails. Each question goes to the solver once for each kind of request; whatever example
//! it finds is asked of the policies themselves before it is shown.

use std::collections::BTreeSet;
use std::time::Duration;

use cedar_policy::{Policy, PolicyId, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet};
use doorward_engine::{
    AccessRequest, Guardrails, Offers, Outcome, PolicyBundle, PolicyEffect, PolicyRef,
};

use crate::example;
use crate::solver::{Solver, SolverError};

/// Stack for turning policies into formulas, which recurses along them.
const STACK: usize = 64 * 1024 * 1024;

/// How much longer than it was told the solver may take before nobody waits for it any more.
const GRACE: Duration = Duration::from_secs(2);

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
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| SolverError::Policies(error.to_string()))?;
        runtime.block_on(prove_all(bundle, guardrails, solver))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, work);
        let failed = |why: &str| SolverError::Policies(why.to_owned());
        thread
            .map_err(|error| failed(&error.to_string()))?
            .join()
            .map_err(|_| failed("the analysis broke off"))?
    })
}

async fn prove_all(
    bundle: &PolicyBundle,
    guardrails: &Guardrails,
    solver: &Solver,
) -> Result<Vec<GuardrailProof>, SolverError> {
    let question = Question::new(bundle, guardrails, solver.limit)?;
    let mut proofs = Vec::new();
    for (guardrail, text) in guardrails.all() {
        // A solver of its own for each: one that gave up does not take the others with it.
        let mut compiler = solver.start()?;
        let proof = question
            .prove(&mut compiler, guardrail, text)
            .await
            .unwrap_or_else(Proof::unknown);
        proofs.push(GuardrailProof {
            guardrail: guardrail.clone(),
            proof,
        });
    }
    Ok(proofs)
}

/// What all guardrails of a bundle have in common.
struct Question<'a> {
    bundle: &'a PolicyBundle,
    guardrails: &'a Guardrails,
    schema: Schema,
    deciding: Vec<Policy>,
    /// What is true of every request.
    world: Vec<Policy>,
    /// Countries that some policy names.
    countries: BTreeSet<String>,
    /// How long the solver may take for one question.
    limit: Duration,
}

impl<'a> Question<'a> {
    fn new(
        bundle: &'a PolicyBundle,
        guardrails: &'a Guardrails,
        limit: Duration,
    ) -> Result<Self, SolverError> {
        let wrong = |error: String| SolverError::Policies(error);
        let (schema, _) = Schema::from_cedarschema_str(bundle.schema_text())
            .map_err(|error| wrong(error.to_string()))?;
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
        let countries = deciding
            .iter()
            .flat_map(Policy::entity_literals)
            .filter(|uid| uid.type_name().basename() == "Country")
            .map(|uid| uid.id().unescaped().to_owned())
            .collect();
        Ok(Self {
            bundle,
            guardrails,
            schema,
            deciding,
            world,
            countries,
            limit,
        })
    }

    async fn prove(
        &self,
        compiler: &mut CedarSymCompiler<LocalSolver>,
        guardrail: &PolicyRef,
        text: &str,
    ) -> Result<Proof, String> {
        let policy = parsed(&format!("guardrail:{}", guardrail.id), text)?;
        let everything = parsed("everything", "permit (principal, action, resource);")?;
        // A break of any kind of request is the answer, whatever could not be told of the others.
        let mut unknown = None;
        for kind in self.schema.request_envs().filter(is_asked) {
            match self
                .prove_kind(compiler, guardrail, &policy, &everything, &kind)
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
        compiler: &mut CedarSymCompiler<LocalSolver>,
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
        let first = self.compiled(&first, kind)?;
        let second = self.compiled(&second, kind)?;
        let question = compiler.check_implies_with_counterexample_opt(&first, &second);
        let found = self.in_time(question).await?;
        if let Some(found) = found {
            let example = example::request(&found, &self.countries);
            return Ok(Some(self.confirmed(guardrail, example)));
        }
        self.no_errors(compiler, guardrail, policy, kind).await?;
        match self.bundle.required_attribute() {
            // What lacks it is denied, whatever the policies say: of a refusal they are not all.
            Some(name) if guardrail.effect == PolicyEffect::Permit => Err(format!(
                "the schema requires `{name}`, and whoever lacks it is denied"
            )),
            _ => Ok(None),
        }
    }

    /// The answer, unless the solver takes longer than it was told to: it may not keep to that.
    async fn in_time<T>(
        &self,
        question: impl Future<Output = cedar_policy_symcc::err::Result<T>>,
    ) -> Result<T, String> {
        match tokio::time::timeout(self.limit + GRACE, question).await {
            Ok(answer) => answer.map_err(|error| gave_up(&error)),
            Err(_) => Err("the solver does not answer".to_owned()),
        }
    }

    /// A policy that fails is skipped in the solver's world, and a denial in ours: what it proves of
    /// policies that cannot fail holds in both.
    async fn no_errors(
        &self,
        compiler: &mut CedarSymCompiler<LocalSolver>,
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
            let compiled = CompiledPolicy::compile(policy, kind, &self.schema)
                .map_err(|error| error.to_string())?;
            let never = self
                .in_time(compiler.check_never_errors_opt(&compiled))
                .await?;
            if !never {
                let id: &str = policy.id().as_ref();
                let name = id.split_once(':').map_or(id, |(_, name)| name);
                return Err(format!("`{name}` can fail where it is evaluated"));
            }
        }
        Ok(())
    }

    fn compiled(&self, set: &PolicySet, kind: &RequestEnv) -> Result<CompiledPolicySet, String> {
        CompiledPolicySet::compile(set, kind, &self.schema).map_err(|error| error.to_string())
    }

    fn confirmed(&self, guardrail: &PolicyRef, example: Option<AccessRequest>) -> Proof {
        let breaks = |request: &AccessRequest| {
            let spoken_of = self.guardrails.matching(request).contains(&guardrail.id);
            let permitted = self.bundle.decide(request, Offers::none).outcome == Outcome::Permit;
            spoken_of && permitted == (guardrail.effect == PolicyEffect::Forbid)
        };
        match example {
            Some(example) if breaks(&example) => Proof::Broken {
                example: Box::new(example),
            },
            _ => Proof::Unknown {
                why: "the solver found an example that the policies do not confirm".to_owned(),
                found: true,
            },
        }
    }
}

/// Whether the engine is ever asked a request of this kind: a schema may add actions of its own.
fn is_asked(kind: &RequestEnv) -> bool {
    let named = |name: &cedar_policy::EntityTypeName, wanted: &str| name.to_string() == wanted;
    let action = kind.action();
    named(action.type_name(), "Action")
        && ["signIn", "refresh", "posture"].contains(&action.id().unescaped())
        && named(kind.principal(), "User")
        && named(kind.resource(), "Application")
}

fn parsed(id: &str, text: &str) -> Result<Policy, String> {
    Policy::parse(Some(PolicyId::new(id)), text).map_err(|error| error.to_string())
}

fn set<'p>(policies: impl IntoIterator<Item = &'p Policy>) -> Result<PolicySet, String> {
    PolicySet::from_policies(policies.into_iter().cloned()).map_err(|error| error.to_string())
}

fn gave_up(error: &cedar_policy_symcc::err::Error) -> String {
    format!("the solver gave up: {error}")
}
