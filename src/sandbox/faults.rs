//! Scripted faults: `WHAT:WHEN:EFFECT`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;

use super::answers;
use super::route::Call;
use crate::error::{Error, ErrorKind};

/// One scripted fault, written `WHAT:WHEN:EFFECT`:
///
/// - WHAT: `identity`, `create`, `status`, `failures`, `warnings`, `describe`,
///   `usage`, or `any` (every call but identity)
/// - WHEN: `N` (the Nth such call, from 1), `N-M`, `N+` (from the Nth on), or
///   `P%` (odds, from the seed in [`Settings`](super::Settings))
/// - EFFECT:
///   - a Marketo code such as `606`: answered in a 200 with its documented
///     message, nothing is taken
///   - `http-NNN`: that HTTP status, nothing is taken
///   - `cut-before`: the connection ends, nothing is read or taken
///   - `cut-after`: the call takes effect, the connection ends without an answer
///   - `timeout`: no answer ever, nothing is taken
///   - `hang-DURATION`: the call takes effect, the answer comes that much later
///   - `html`: a page of HTML instead of JSON, nothing is taken
///   - `truncated`: the call takes effect, half of the answer comes
///   - `empty-result`: the call takes effect, `result` is empty
///   - `status-WORD`: the call takes effect, the job's status reads WORD
///     (`create` and `status` only)
///   - `job-failed`: the job ends `Failed` (`create` only)
///   - `stuck`: the job never ends (`create` only)
///   - `expires-0`: the token has no life left (`identity` only)
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// `None` is `any`.
    what: Option<Call>,
    when: When,
    effect: Effect,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    /// First and last call, counted from 1.
    Calls(u64, u64),
    /// Odds between 0 and 1.
    Odds(f64),
}

/// What a fault does to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    Code(u16),
    Http(StatusCode),
    CutBefore,
    CutAfter,
    Timeout,
    Hang(Duration),
    Html,
    Truncated,
    EmptyResult,
    StatusWord(String),
    JobFailed,
    Stuck,
    ExpiresNow,
}

const EFFECTS: &str = "a Marketo code such as 606, http-NNN, cut-before, cut-after, timeout, \
     hang-DURATION, html, truncated, empty-result, status-WORD, job-failed, stuck, expires-0";

impl FromStr for FaultRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, ':');
        let (Some(what), Some(when), Some(effect)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong(text, "a rule has three parts")
                .hint("write WHAT:WHEN:EFFECT, for example create:2:1016 or status:5%:606"));
        };
        let what = parse_what(what)
            .map_err(|hint| wrong(text, &format!("`{what}` is no kind of call")).hint(hint))?;
        let when = parse_when(when).ok_or_else(|| {
            wrong(text, &format!("`{when}` does not say when")).hint(
                "write N (the Nth call, from 1), N-M, N+ (from the Nth on) or P% (odds, up to 100%)",
            )
        })?;
        let effect_word = effect;
        let effect = parse_effect(effect).ok_or_else(|| {
            wrong(text, &format!("`{effect_word}` is no effect")).hint(format!("one of {EFFECTS}"))
        })?;
        let only: &[Call] = match effect {
            Effect::JobFailed | Effect::Stuck => &[Call::Create],
            Effect::StatusWord(_) => &[Call::Create, Call::Status],
            Effect::ExpiresNow => &[Call::Identity],
            _ => &Call::NAMED,
        };
        if only.len() < Call::NAMED.len() && !what.is_some_and(|what| only.contains(&what)) {
            let only: Vec<String> = only.iter().map(ToString::to_string).collect();
            return Err(wrong(
                text,
                &format!("`{effect_word}` says nothing about this kind of call"),
            )
            .hint(format!("it goes with {}", only.join(" and "))));
        }
        Ok(Self { what, when, effect })
    }
}

fn wrong(rule: &str, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("fault rule `{rule}`: {why}"))
}

fn parse_what(word: &str) -> Result<Option<Call>, String> {
    if word == "any" {
        return Ok(None);
    }
    let named = Call::NAMED
        .into_iter()
        .find(|call| call.to_string() == word);
    named.map(Some).ok_or_else(|| {
        let legal = Call::NAMED.map(|call| call.to_string());
        format!("one of {}, any", legal.join(", "))
    })
}

fn parse_when(word: &str) -> Option<When> {
    if let Some(percent) = word.strip_suffix('%') {
        let odds = percent.parse::<f64>().ok()? / 100.0;
        return (0.0..=1.0).contains(&odds).then_some(When::Odds(odds));
    }
    let (first, last) = if let Some(first) = word.strip_suffix('+') {
        (first.parse().ok()?, u64::MAX)
    } else if let Some((first, last)) = word.split_once('-') {
        (first.parse().ok()?, last.parse().ok()?)
    } else {
        let call = word.parse().ok()?;
        (call, call)
    };
    (first >= 1 && last >= first).then_some(When::Calls(first, last))
}

fn parse_effect(word: &str) -> Option<Effect> {
    Some(match word {
        "cut-before" => Effect::CutBefore,
        "cut-after" => Effect::CutAfter,
        "timeout" => Effect::Timeout,
        "html" => Effect::Html,
        "truncated" => Effect::Truncated,
        "empty-result" => Effect::EmptyResult,
        "job-failed" => Effect::JobFailed,
        "stuck" => Effect::Stuck,
        "expires-0" => Effect::ExpiresNow,
        _ => {
            if let Some(status) = word.strip_prefix("http-") {
                Effect::Http(StatusCode::from_bytes(status.as_bytes()).ok()?)
            } else if let Some(wait) = word.strip_prefix("hang-") {
                Effect::Hang(humantime::parse_duration(wait).ok()?)
            } else if let Some(status) = word.strip_prefix("status-") {
                (!status.is_empty()).then(|| Effect::StatusWord(status.to_owned()))?
            } else {
                let code = word.parse().ok()?;
                answers::message_of(code).map(|_| Effect::Code(code))?
            }
        }
    })
}

/// The rules and how many calls they have seen.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Vec<FaultRule>,
    calls: BTreeMap<Call, u64>,
    any: u64,
    dice: fastrand::Rng,
}

impl Faults {
    pub(super) fn new(rules: Vec<FaultRule>, seed: u64) -> Self {
        Self {
            rules,
            calls: BTreeMap::new(),
            any: 0,
            dice: fastrand::Rng::with_seed(seed),
        }
    }

    /// Counts a call and says what befalls it: the effect of the first rule
    /// that applies.
    pub(super) fn strike(&mut self, call: Call) -> Option<Effect> {
        let nth = self.calls.entry(call).or_default();
        *nth += 1;
        let nth = *nth;
        if call != Call::Identity {
            self.any += 1;
        }
        let any = self.any;
        let dice = &mut self.dice;
        self.rules
            .iter()
            .find(|rule| {
                let nth = match rule.what {
                    Some(what) if what == call => nth,
                    None if call != Call::Identity => any,
                    _ => return false,
                };
                match rule.when {
                    When::Calls(first, last) => (first..=last).contains(&nth),
                    When::Odds(odds) => dice.f64() < odds,
                }
            })
            .map(|rule| rule.effect.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(rules: &[&str], calls: &[Call]) -> Vec<bool> {
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let mut faults = Faults::new(rules, 7);
        let strikes = calls.iter().map(|&call| faults.strike(call).is_some());
        strikes.collect()
    }

    #[test]
    fn calls_are_counted_by_kind_from_one() {
        let calls = [Call::Status, Call::Create, Call::Status, Call::Status];
        assert_eq!(
            struck(&["status:2:606"], &calls),
            [false, false, true, false]
        );
        assert_eq!(
            struck(&["status:2+:606"], &calls),
            [false, false, true, true]
        );
        assert_eq!(
            struck(&["status:1-2:606"], &calls),
            [true, false, true, false]
        );
        assert_eq!(struck(&["any:2-3:606"], &calls), [false, true, true, false]);
        assert_eq!(struck(&["any:1+:606"], &[Call::Identity]), [false]);
    }

    #[test]
    fn odds_follow_the_seed() {
        let calls = [Call::Status; 1000];
        let first = struck(&["status:5%:606"], &calls);
        let hits = first.iter().filter(|hit| **hit).count();
        assert!((20..=100).contains(&hits), "{hits}");
        assert_eq!(first, struck(&["status:5%:606"], &calls));
        assert!(struck(&["status:100%:606"], &calls).iter().all(|hit| *hit));
    }
}
