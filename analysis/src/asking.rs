//! How a question is put: policies from their texts, formulas from them, and no longer wait than was agreed.

use std::time::Duration;

use cedar_policy::{Policy, PolicyId, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet, Env};
use doorward_engine::Action;
use tokio::runtime::Builder;

use crate::solver::{Solver, SolverError};

/// Stack for turning policies into formulas, which recurses along them.
const STACK: usize = 64 * 1024 * 1024;

/// How much longer than it was told the solver may take before nobody waits for it any more.
const GRACE: Duration = Duration::from_secs(2);

/// Questions about the policies of one schema, for one solver after the other: one that gave up does not take
/// later questions with it.
pub(crate) struct Asking<'a> {
    solver: &'a Solver,
    schema: &'a Schema,
    running: Option<CedarSymCompiler<LocalSolver>>,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(solver: &'a Solver, schema: &'a Schema) -> Self {
        Self {
            solver,
            schema,
            running: None,
        }
    }

    /// A request of this kind that the first policies permit and the second do not.
    pub(crate) async fn only_first(
        &mut self,
        first: &PolicySet,
        second: &PolicySet,
        kind: &RequestEnv,
    ) -> Result<Option<Env>, String> {
        let schema = self.schema;
        let compiled =
            |set| CompiledPolicySet::compile(set, kind, schema).map_err(|error| error.to_string());
        let (first, second) = (compiled(first)?, compiled(second)?);
        let (mut compiler, limit) = self.compiler()?;
        let question = compiler.check_implies_with_counterexample_opt(&first, &second);
        let answer = in_time(limit, question).await?;
        self.running = Some(compiler);
        Ok(answer)
    }

    /// Whether there is no request of this kind that the policy fails on.
    pub(crate) async fn never_fails(
        &mut self,
        policy: &Policy,
        kind: &RequestEnv,
    ) -> Result<bool, String> {
        let compiled = CompiledPolicy::compile(policy, kind, self.schema)
            .map_err(|error| error.to_string())?;
        let (mut compiler, limit) = self.compiler()?;
        let answer = in_time(limit, compiler.check_never_errors_opt(&compiled)).await?;
        self.running = Some(compiler);
        Ok(answer)
    }

    /// The solver that runs, or a fresh one. Whoever is answered puts it back.
    fn compiler(&mut self) -> Result<(CedarSymCompiler<LocalSolver>, Duration), String> {
        let compiler = match self.running.take() {
            Some(running) => running,
            None => self.solver.start().map_err(|error| error.to_string())?,
        };
        Ok((compiler, self.solver.limit))
    }
}

/// The answer, unless the solver takes longer than it was told to: it may not keep to that.
async fn in_time<T>(
    limit: Duration,
    question: impl Future<Output = cedar_policy_symcc::err::Result<T>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit + GRACE, question).await {
        Ok(answer) => answer.map_err(|error| format!("the solver gave up: {error}")),
        Err(_) => Err("the solver does not answer".to_owned()),
    }
}

/// Does the work where it has the stack that it needs, each of it on its own thread.
pub(crate) fn apart<I: Send, T: Send>(
    inputs: Vec<I>,
    work: impl AsyncFn(I) -> T + Sync,
) -> Result<Vec<T>, SolverError> {
    let failed = |why: &str| SolverError::Policies(why.to_owned());
    let work = &work;
    let alone = |input: I| -> Result<T, SolverError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(&error.to_string()))?;
        Ok(runtime.block_on(work(input)))
    };
    let alone = &alone;
    std::thread::scope(|scope| {
        let threads: Vec<_> = inputs
            .into_iter()
            .map(|input| {
                std::thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, move || alone(input))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .map_err(|error| failed(&error.to_string()))?
                    .join()
                    .map_err(|_| failed("the analysis broke off"))?
            })
            .collect()
    })
}

/// What requests of this kind ask for, if the engine is ever asked one: a schema may add actions of its own.
pub(crate) fn action(kind: &RequestEnv) -> Option<Action> {
    let named = |name: &cedar_policy::EntityTypeName, wanted: &str| name.to_string() == wanted;
    let is_asked = named(kind.action().type_name(), "Action")
        && named(kind.principal(), "User")
        && named(kind.resource(), "Application");
    is_asked
        .then(|| action_of(kind.action().id().unescaped()))
        .flatten()
}

pub(crate) fn action_of(id: &str) -> Option<Action> {
    match id {
        "signIn" => Some(Action::SignIn),
        "refresh" => Some(Action::Refresh),
        "posture" => Some(Action::Posture),
        _ => None,
    }
}

/// The schema from its text.
pub(crate) fn schema(text: &str) -> Result<Schema, SolverError> {
    let (schema, _) = Schema::from_cedarschema_str(text)
        .map_err(|error| SolverError::Policies(error.to_string()))?;
    Ok(schema)
}

/// A policy from its text.
pub(crate) fn parsed(id: &str, text: &str) -> Result<Policy, String> {
    Policy::parse(Some(PolicyId::new(id)), text).map_err(|error| error.to_string())
}

/// A policy that matches every request.
pub(crate) fn everything() -> Result<Policy, String> {
    parsed("everything", "permit (principal, action, resource);")
}

pub(crate) fn set<'p>(policies: impl IntoIterator<Item = &'p Policy>) -> Result<PolicySet, String> {
    PolicySet::from_policies(policies.into_iter().cloned()).map_err(|error| error.to_string())
}
