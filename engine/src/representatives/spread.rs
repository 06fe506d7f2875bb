//! Some of very many representatives, chosen so that they show as much as they can.

use std::collections::BTreeSet;

use super::Representatives;
use crate::request::AccessRequest;

impl Representatives {
    /// Every request, or `most` of them: those that differ from the first, which most policies hope for, in
    /// no more than two facts, and then some from everywhere.
    pub(crate) fn spread(&self, most: usize) -> impl Iterator<Item = AccessRequest> + '_ {
        let count = self.count();
        let some = if count > most {
            self.some(count, most)
        } else {
            BTreeSet::new()
        };
        let all = if count > most { 0 } else { count };
        (0..all).chain(some).map(|number| self.request(number))
    }

    fn some(&self, count: usize, most: usize) -> BTreeSet<usize> {
        let mut chosen = BTreeSet::new();
        let mut weight = 1_usize;
        // What the values of each fact add to the number of a request.
        let mut facts: Vec<Vec<usize>> = Vec::new();
        for values in &self.dimensions {
            facts.push(
                (0..values.len())
                    .map(|at| weight.saturating_mul(at))
                    .collect(),
            );
            weight = weight.saturating_mul(values.len().max(1));
        }
        for number in facts.iter().flatten() {
            add(&mut chosen, *number, most / 2);
        }
        for (at, fact) in facts.iter().enumerate() {
            for other in facts.iter().skip(at + 1).flatten() {
                for number in fact {
                    add(&mut chosen, number.saturating_add(*other), most / 4 * 3);
                }
            }
        }
        // Steps of the golden ratio come everywhere.
        let step = (count / 1_000).saturating_mul(618) | 1;
        let mut number = 0_usize;
        for _ in 0..most.saturating_mul(2) {
            number = number.wrapping_add(step) % count;
            add(&mut chosen, number, most);
        }
        chosen
    }
}

fn add(chosen: &mut BTreeSet<usize>, number: usize, most: usize) {
    if chosen.len() < most {
        chosen.insert(number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::policy::Policy;
    use crate::representatives::Representatives;
    use crate::tests::starter;

    fn requests() -> Representatives {
        let bundle = starter();
        let policies: Vec<&Policy> = bundle.in_order().into_iter().map(Arc::as_ref).collect();
        Representatives::of(&bundle, &policies)
    }

    #[test]
    fn all_are_given_where_they_are_few() {
        let all = requests();
        assert_eq!(all.spread(usize::MAX).count(), all.count());
    }

    #[test]
    fn no_more_are_given_than_are_wanted_and_the_first_is_among_them() {
        let all = requests();
        let first = all.iter(1).next();
        let some: Vec<_> = all.spread(100).collect();
        assert!(some.len() > 50 && some.len() <= 100, "{}", some.len());
        assert_eq!(some.first(), first.as_ref());
    }
}
