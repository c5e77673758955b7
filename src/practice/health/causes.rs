//! The causes of problems: an outage of a server stands for all that comes from it.

use super::problems::Problem;
use crate::ids::PracticeId;

/// Each cause once, with the practices that it concerns.
pub fn by_cause<'a>(
    all: impl Iterator<Item = (Option<PracticeId>, &'a Problem)>,
) -> Vec<(Vec<PracticeId>, &'a Problem)> {
    let mut causes: Vec<(Vec<PracticeId>, &Problem)> = Vec::new();
    for (practice, problem) in all {
        let is_same = |own: &Problem| own.outage.is_some() && own.outage == problem.outage;
        let Some((practices, shown)) = causes.iter_mut().find(|(_, own)| is_same(own)) else {
            causes.push((practice.into_iter().collect(), problem));
            continue;
        };
        practices.extend(practice.filter(|own| !practices.contains(own)));
        if problem.tells_of_outage() && !shown.tells_of_outage() {
            *shown = problem;
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::call_error::ServerOutage;

    #[test]
    fn an_outage_is_one_cause_that_the_problem_tells_which_says_best_what_it_means() {
        let problem = |subject: &str, outage| Problem {
            subject: subject.into(),
            text: String::new(),
            in_plain_words: String::new(),
            since: DateTime::UNIX_EPOCH,
            outage,
        };
        let away = Some(ServerOutage::HealthengineAway);
        let all =
            [problem("days", away), problem("healthengine", away), problem("clock", None), problem("clock", None)];
        let [first, second] = ["1", "2"].map(|id| PracticeId(id.into()));
        let of = [&first, &second, &first, &second].map(|own| Some(own.clone()));
        let causes = by_cause(of.into_iter().zip(&all));
        let told: Vec<(usize, &str)> = causes.iter().map(|(of, own)| (of.len(), own.subject.as_str())).collect();
        assert_eq!(told, [(2, "healthengine"), (1, "clock"), (1, "clock")]);
    }
}
