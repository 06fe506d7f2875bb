//! Some of very many representatives, chosen so that they show as much as they can.

use std::collections::BTreeSet;

use super::Representatives;

impl Representatives {
    /// The number of every request, or of `most` of them: those that differ from the first, which most policies
    /// hope for, in no more than two facts, and then some from everywhere.
    pub(crate) fn spread(&self, most: usize) -> impl Iterator<Item = usize> + use<> {
        let count = self.count();
        let some = if count > most {
            self.some(count, most)
        } else {
            BTreeSet::new()
        };
        let all = if count > most { 0 } else { count };
        (0..all).chain(some)
    }

    /// The numbers of the requests that differ from this one in one fact.
    pub(crate) fn near(&self, number: usize) -> impl Iterator<Item = usize> + '_ {
        let mut weight = 1_usize;
        self.dimensions.iter().flat_map(move |values| {
            let (size, own) = (values.len().max(1), weight);
            weight = weight.saturating_mul(size);
            let at = (number / own) % size;
            let others = (0..size).filter(move |other| *other != at);
            others.map(move |other| (number - at * own).saturating_add(other.saturating_mul(own)))
        })
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
    use std::collections::BTreeSet;
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
    fn what_is_near_differs_in_one_fact() {
        let all = requests();
        let (number, count) = (all.count() / 3, all.count());
        let near: BTreeSet<usize> = all.near(number).collect();
        let values: usize = all.dimensions.iter().map(|values| values.len() - 1).sum();
        assert_eq!(near.len(), values);
        assert!(!near.contains(&number) && near.iter().all(|other| *other < count));
        assert!(
            near.iter()
                .all(|other| all.near(*other).any(|it| it == number))
        );
    }

    #[test]
    fn no_more_are_given_than_are_wanted_and_the_first_is_among_them() {
        let all = requests();
        let some: Vec<usize> = all.spread(100).collect();
        assert!(some.len() > 50 && some.len() <= 100, "{}", some.len());
        assert_eq!(some.first(), Some(&0));
    }
}
