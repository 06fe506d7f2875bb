//! Whether two bundles answer alike, for each kind of request: first the policies that differ are compared by
//! themselves, which often settles it however many others there are; then the slices of applications where they
//! decide are searched for a request that one side permits and the other does not.

use std::time::Duration;

use cedar_policy::{Policy, PolicySet, RequestEnv, Schema};
use doorward_engine::diff::{
    SymbolicChange, SymbolicKind, SymbolicPolicy, SymbolicSlice, symbolic,
};
use doorward_engine::{AccessRequest, Action, Offers, Outcome, PolicyBundle, PolicyEffect};
use tokio::time::Instant;

use crate::asking::{Asking, action, apart, everything, parsed, schema, set};
use crate::example::Examples;
use crate::plain::plain;
use crate::solver::{Solver, SolverError};

/// What comparing two bundles came to.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// For each action, in the order of [`Action::ALL`].
    pub kinds: Vec<KindComparison>,
}

/// What comparing came to for one action.
#[derive(Debug, Clone)]
pub struct KindComparison {
    /// The action.
    pub action: Action,
    /// Whether there are requests that only the new side permits.
    pub wider: Change,
    /// Whether there are requests that only the old side permits.
    pub stricter: Change,
}

/// Whether there are requests that are answered otherwise.
#[derive(Debug, Clone)]
pub enum Change {
    /// There are none, which is proved.
    Never,
    /// This is one, as both bundles confirm.
    Example(Box<AccessRequest>),
    /// It could not be told, and why.
    Unknown(String),
}

/// How the new side answers, compared with the old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It permits the same.
    Equivalent,
    /// It permits less, and nothing else.
    Stricter,
    /// It permits more, and all that was permitted.
    Wider,
    /// It permits something else.
    Both,
    /// It could not be told.
    Unknown,
}

impl Comparison {
    /// Whether it is proved that both sides permit the same.
    #[must_use]
    pub fn proved(&self) -> bool {
        let mut kinds = self.kinds.iter();
        kinds.all(|kind| kind.verdict() == Verdict::Equivalent)
    }
}

impl KindComparison {
    /// What it comes to.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match (&self.wider, &self.stricter) {
            (Change::Never, Change::Never) => Verdict::Equivalent,
            (Change::Never, Change::Example(_)) => Verdict::Stricter,
            (Change::Example(_), Change::Never) => Verdict::Wider,
            (Change::Example(_), Change::Example(_)) => Verdict::Both,
            (Change::Unknown(_), _) | (_, Change::Unknown(_)) => Verdict::Unknown,
        }
    }
}

/// Compares two bundles, and takes no longer than `within` to ask.
///
/// # Errors
/// There is something to ask, and the solver does not start, or the schema cannot be told to it.
pub fn compare(
    old: &PolicyBundle,
    new: &PolicyBundle,
    solver: &Solver,
    within: Duration,
) -> Result<Comparison, SolverError> {
    let change = match symbolic(old, new) {
        Ok(change) => change,
        Err(why) => {
            let unknown = Change::Unknown(why);
            let kinds = Action::ALL.map(|action| KindComparison {
                action,
                wider: unknown.clone(),
                stricter: unknown.clone(),
            });
            return Ok(Comparison {
                kinds: kinds.into(),
            });
        }
    };
    // Where no policy that decides has changed there is nothing to ask.
    if !change.kinds.is_empty() {
        solver.is_there()?;
    }
    let schema = schema(new.schema_text())?;
    let comparing = Comparing {
        bundles: [old, new],
        change: &change,
        solver,
        schema: &schema,
        until: Instant::now() + within,
    };
    // On all cores: each action has a solver of its own.
    let kinds = apart(Action::ALL.into(), async |action| {
        comparing.kind(action).await
    })?;
    Ok(Comparison { kinds })
}

struct Comparing<'a> {
    bundles: [&'a PolicyBundle; 2],
    change: &'a SymbolicChange,
    solver: &'a Solver,
    schema: &'a Schema,
    until: Instant,
}

/// The two sides of a slice, parsed.
struct Sides {
    world: Vec<Policy>,
    old: Vec<Told>,
    new: Vec<Told>,
}

struct Told {
    policy: Policy,
    id: String,
    effect: PolicyEffect,
    differs: bool,
}

/// Which side permits what the other does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Wider,
    Stricter,
}

impl Comparing<'_> {
    async fn kind(&self, asked: Action) -> KindComparison {
        let mut comparison = KindComparison {
            action: asked,
            wider: Change::Never,
            stricter: Change::Never,
        };
        let mut kinds = self.change.kinds.iter();
        let Some(told) = kinds.find(|kind| kind.action == asked) else {
            return comparison;
        };
        let mut envs = self.schema.request_envs();
        let Some(env) = envs.find(|env| action(env) == Some(asked)) else {
            return comparison;
        };
        let mut search = Search {
            comparing: self,
            asking: Asking::new(self.solver, self.schema),
            env,
        };
        let known = |answer: Result<Change, String>| answer.unwrap_or_else(Change::Unknown);
        comparison.wider = known(search.run(told, Direction::Wider).await);
        comparison.stricter = known(search.run(told, Direction::Stricter).await);
        comparison
    }

    /// Whether the request is one that only the one side permits.
    fn is_example(&self, direction: Direction, request: &AccessRequest) -> bool {
        let [before, after] = self
            .bundles
            .map(|bundle| bundle.decide(request, Offers::none).outcome == Outcome::Permit);
        match direction {
            Direction::Wider => after && !before,
            Direction::Stricter => before && !after,
        }
    }
}

struct Search<'a> {
    comparing: &'a Comparing<'a>,
    asking: Asking<'a>,
    env: RequestEnv,
}

impl Search<'_> {
    async fn run(&mut self, told: &SymbolicKind, direction: Direction) -> Result<Change, String> {
        let touched = Sides::of(&told.touched)?;
        if !self.is_possible(&touched, direction).await {
            return Ok(self.unless_it_fails(&touched).await);
        }
        let mut unknown = None;
        for slice in &told.slices {
            match self.slice(slice, direction).await {
                Ok(None) => {}
                Ok(Some(example)) => return Ok(Change::Example(Box::new(example))),
                Err(why) => {
                    unknown.get_or_insert(why);
                }
            }
        }
        match unknown {
            Some(why) => Ok(Change::Unknown(why)),
            None => Ok(self.unless_it_fails(&touched).await),
        }
    }

    /// Whether the policies that differ could permit more, or less, whatever others there are. A question that
    /// is not answered leaves it possible.
    async fn is_possible(&mut self, touched: &Sides, direction: Direction) -> bool {
        let (from, to) = touched.sides(direction);
        let answer = async {
            Ok::<bool, String>(
                self.permits_more(&touched.world, from, to).await?
                    || self.forbids_less(&touched.world, from, to).await?,
            )
        };
        answer.await.unwrap_or(true)
    }

    /// Whether some request is permitted by `to` alone, as far as permits go.
    async fn permits_more(
        &mut self,
        world: &[Policy],
        from: &[Told],
        to: &[Told],
    ) -> Result<bool, String> {
        let permits = |side: &[Told]| -> Vec<Policy> { of(side, PolicyEffect::Permit) };
        let (before, after) = (permits(from), permits(to));
        if after.is_empty() || before.is_empty() {
            return Ok(!after.is_empty());
        }
        let first = set(after.iter().chain(world))?;
        self.is_any(&first, &set(&before)?).await
    }

    /// Whether some request is forbidden by `from` alone, as far as forbids go.
    async fn forbids_less(
        &mut self,
        world: &[Policy],
        from: &[Told],
        to: &[Told],
    ) -> Result<bool, String> {
        let forbids = |side: &[Told]| -> Vec<Policy> { of(side, PolicyEffect::Forbid) };
        let (before, after) = (forbids(from), forbids(to));
        if after.is_empty() || before.is_empty() {
            return Ok(!before.is_empty());
        }
        let all = everything()?;
        let first = set(after.iter().chain(world).chain([&all]))?;
        let second = set(before.iter().chain([&all]))?;
        self.is_any(&first, &second).await
    }

    async fn is_any(&mut self, first: &PolicySet, second: &PolicySet) -> Result<bool, String> {
        self.in_time()?;
        let found = self.asking.only_first(first, second, &self.env).await?;
        Ok(found.is_some())
    }

    /// An example from one slice, if there is one.
    async fn slice(
        &mut self,
        slice: &SymbolicSlice,
        direction: Direction,
    ) -> Result<Option<AccessRequest>, String> {
        self.in_time()?;
        let sides = Sides::of(slice)?;
        let (from, to) = sides.sides(direction);
        let second = set(from.iter().map(|told| &told.policy))?;
        let first = || sides.world.iter().chain(to.iter().map(|told| &told.policy));
        let found = self
            .asking
            .only_first(&set(first())?, &second, &self.env)
            .await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let change = self.comparing.change;
        let plausible = all_parsed("plausible", &change.plausible)?;
        let nicer = match self.in_time().and_then(|()| set(first().chain(&plausible))) {
            Ok(first) => self.asking.only_first(&first, &second, &self.env).await,
            Err(why) => Err(why),
        };
        let policies = from.iter().chain(to).map(|told| &told.policy);
        let [_, new] = self.comparing.bundles;
        let examples = Examples::of(new, policies).with_groups(&change.direct);
        let is_one = |request: &AccessRequest| self.comparing.is_example(direction, request);
        let candidates = nicer.ok().flatten().into_iter().chain([found]);
        let example = candidates
            .filter_map(|found| examples.request(&found))
            .find(|request| is_one(request));
        match example {
            Some(example) => Ok(Some(plain(example, is_one))),
            None => Err("the solver found an example that the policies do not confirm".to_owned()),
        }
    }

    /// A forbid that fails denies, which the solver does not know: what is proved holds where none that differs
    /// can fail.
    async fn unless_it_fails(&mut self, touched: &Sides) -> Change {
        for told in touched.old.iter().chain(&touched.new) {
            if told.effect != PolicyEffect::Forbid || !told.differs {
                continue;
            }
            match self.asking.never_fails(&told.policy, &self.env).await {
                Ok(true) => {}
                Ok(false) => {
                    let why = format!("`{}` can fail where it is evaluated", told.id);
                    return Change::Unknown(why);
                }
                Err(why) => return Change::Unknown(why),
            }
        }
        Change::Never
    }

    fn in_time(&self) -> Result<(), String> {
        if Instant::now() < self.comparing.until {
            Ok(())
        } else {
            Err("the time for all questions is over".to_owned())
        }
    }
}

impl Sides {
    fn of(slice: &SymbolicSlice) -> Result<Self, String> {
        let told = |policies: &[SymbolicPolicy]| -> Result<Vec<Told>, String> {
            let policies = policies.iter();
            policies
                .map(|told| {
                    Ok(Told {
                        policy: parsed(&format!("policy:{}", told.id), &told.text)?,
                        id: told.id.clone(),
                        effect: told.effect,
                        differs: told.differs,
                    })
                })
                .collect()
        };
        Ok(Self {
            world: all_parsed("world", &slice.world)?,
            old: told(&slice.old)?,
            new: told(&slice.new)?,
        })
    }

    /// From which side the change is to which.
    fn sides(&self, direction: Direction) -> (&[Told], &[Told]) {
        match direction {
            Direction::Wider => (&self.old, &self.new),
            Direction::Stricter => (&self.new, &self.old),
        }
    }
}

fn of(side: &[Told], effect: PolicyEffect) -> Vec<Policy> {
    let of_effect = side.iter().filter(|told| told.effect == effect);
    of_effect.map(|told| told.policy.clone()).collect()
}

fn all_parsed(kind: &str, texts: &[String]) -> Result<Vec<Policy>, String> {
    let texts = texts.iter().enumerate();
    texts
        .map(|(number, text)| parsed(&format!("{kind}:{number}"), text))
        .collect()
}
