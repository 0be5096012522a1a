use std::{fmt, str::FromStr, time::Duration};

use super::{Operation, Phase};

/// Faults by plan: which requests are struck, and how.
///
/// A plan is one line of text, which is all that it takes to run it again:
///
/// ```
/// use jibit_sandbox::FaultPlan;
///
/// let plan: FaultPlan = "seed=7; verify after nth=1 reset; any before chance=5% delay=2s until=10m"
///     .parse()?;
/// assert_eq!(plan.to_string().parse(), Ok(plan));
/// # Ok::<(), jibit_sandbox::PlanError>(())
/// ```
///
/// `docs/sandbox.md` lists the words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    pub(super) seed: u64,
    pub(super) rules: Vec<Rule>,
}

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Any, if it names none.
    pub(super) operation: Option<Operation>,
    pub(super) phase: Phase,
    pub(super) when: When,
    /// Counted from when the plan was armed, on the virtual clock.
    pub(super) until: Option<Duration>,
    pub(super) mischief: Mischief,
}

/// Which of the requests that a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// The first is 1.
    Nth(u64),
    Every(u64),
    /// So many of a hundred, by the plan's seed.
    Chance(u8),
}

/// What is done to a request or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mischief {
    Delay(Duration),
    Drop,
    Hang,
    Reset,
    Cut(usize),
    Dribble(Duration),
    Status(u16),
    Html,
    Garbage,
    NoErrorCode,
    Error(i64),
    Gzip,
    Huge,
    Redirect(u16),
    Unauthorized,
    Revoke,
    TooMany(u64),
    Skew(i64),
    VerifiedAgain,
    Amount(i64),
    OtherOrder,
}

/// What is wrong with the text of a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}: `{word}` {problem}")]
pub struct PlanError {
    rule: usize,
    word: String,
    problem: &'static str,
}

const PHASES: [(&str, Phase); 3] = [
    ("before", Phase::Before),
    ("after", Phase::After),
    ("body", Phase::Body),
];

/// One of the five, or none for `any`.
fn read_operation(word: &str) -> Option<Option<Operation>> {
    if word == "any" {
        return Some(None);
    }
    let found = Operation::ALL.into_iter().find(|it| it.as_str() == word);
    found.map(Some)
}

fn named<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, it)| *it)
}

impl FaultPlan {
    /// Whether it strikes no request at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl FromStr for FaultPlan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let mut plan = Self::default();
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        let rules = lines.flat_map(|line| line.split(';')).map(str::trim);
        for (index, rule) in rules.filter(|rule| !rule.is_empty()).enumerate() {
            let error = |word: &str, problem| PlanError {
                rule: index + 1,
                word: word.to_owned(),
                problem,
            };
            if let Some(seed) = rule.strip_prefix("seed=") {
                plan.seed = seed
                    .parse()
                    .map_err(|_| error(rule, "is no seed; give seed=7"))?;
                continue;
            }
            plan.rules.push(Rule::read(rule, &error)?);
        }
        Ok(plan)
    }
}

impl Rule {
    fn read(
        text: &str,
        error: &dyn Fn(&str, &'static str) -> PlanError,
    ) -> Result<Self, PlanError> {
        let mut words = text.split_whitespace();
        let mut next = || words.next().unwrap_or_default();
        let (operation, phase) = (next(), next());
        let mut rule = Self {
            operation: read_operation(operation)
                .ok_or_else(|| error(operation, "is no operation; give one of the five, or any"))?,
            phase: named(&PHASES, phase)
                .ok_or_else(|| error(phase, "is no phase; give before, after or body"))?,
            when: When::Always,
            until: None,
            mischief: Mischief::Drop,
        };
        let mut mischief = None;
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            if let Some(when) = When::read(name, value) {
                rule.when = when;
            } else if name == "until" {
                let time = duration(value);
                rule.until = Some(time.ok_or_else(|| error(word, "is no time; give until=10m"))?);
            } else if let Some(read) = Mischief::read(name, value) {
                if mischief.replace(read).is_some() {
                    return Err(error(
                        word,
                        "is a second effect; give each a rule of its own",
                    ));
                }
            } else {
                return Err(error(word, "is neither an effect, nor when, nor until"));
            }
        }
        rule.mischief = mischief.ok_or_else(|| error(text, "has no effect"))?;
        if rule.phase != Phase::After && rule.mischief.is_about_the_answer() {
            let shown = rule.mischief.to_string();
            return Err(error(
                &shown,
                "changes the gateway's own answer; give it after",
            ));
        }
        if rule.phase == Phase::Body && !rule.mischief.is_in_the_body() {
            let shown = rule.mischief.to_string();
            return Err(error(
                &shown,
                "is none in the body; give cut, drop, dribble or huge",
            ));
        }
        Ok(rule)
    }
}

impl When {
    fn read(name: &str, value: &str) -> Option<Self> {
        Some(match name {
            "always" if value.is_empty() => Self::Always,
            "nth" => Self::Nth(positive(value)?),
            "every" => Self::Every(positive(value)?),
            "chance" => {
                let percent = value.strip_suffix('%')?.parse().ok()?;
                (percent <= 100).then_some(Self::Chance(percent))?
            }
            _ => return None,
        })
    }

    /// Whether it is this one, counted from 1.
    pub(super) fn is_now(self, count: u64, seed: u64) -> bool {
        match self {
            Self::Always => true,
            Self::Nth(n) => count == n,
            Self::Every(n) => count.is_multiple_of(n),
            Self::Chance(percent) => draw(seed, count) % 100 < u64::from(percent),
        }
    }
}

impl Mischief {
    const fn is_in_the_body(self) -> bool {
        matches!(
            self,
            Self::Cut(_) | Self::Drop | Self::Dribble(_) | Self::Huge
        )
    }

    const fn is_about_the_answer(self) -> bool {
        matches!(
            self,
            Self::NoErrorCode
                | Self::Gzip
                | Self::VerifiedAgain
                | Self::Amount(_)
                | Self::OtherOrder
        )
    }

    fn read(name: &str, value: &str) -> Option<Self> {
        let bare = |mischief| value.is_empty().then_some(mischief);
        match name {
            "delay" => duration(value).map(Self::Delay),
            "drop" => bare(Self::Drop),
            "hang" => bare(Self::Hang),
            "reset" => bare(Self::Reset),
            "cut" => value.parse().ok().map(Self::Cut),
            "dribble" => duration(value).map(Self::Dribble),
            "status" => {
                let status = value.parse().ok()?;
                (200..=599)
                    .contains(&status)
                    .then_some(Self::Status(status))
            }
            "html" => bare(Self::Html),
            "garbage" => bare(Self::Garbage),
            "no-error-code" => bare(Self::NoErrorCode),
            "error" => value.parse().ok().map(Self::Error),
            "gzip" => bare(Self::Gzip),
            "huge" => bare(Self::Huge),
            "redirect" => {
                let status = value.parse().ok()?;
                matches!(status, 301 | 302 | 303 | 307 | 308).then_some(Self::Redirect(status))
            }
            "unauthorized" => bare(Self::Unauthorized),
            "revoke" => bare(Self::Revoke),
            "too-many" => value.parse().ok().map(Self::TooMany),
            "skew" => value.parse().ok().map(Self::Skew),
            "verified-again" => bare(Self::VerifiedAgain),
            "amount" => value.parse().ok().map(Self::Amount),
            "other-order" => bare(Self::OtherOrder),
            _ => None,
        }
    }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed={}", self.seed)?;
        self.rules.iter().try_for_each(|rule| write!(f, "; {rule}"))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = PHASES.iter().find(|(_, it)| *it == self.phase);
        let name = |found: Option<&'static str>| found.unwrap_or_default();
        let operation = self.operation.map_or("any", Operation::as_str);
        let phase = name(phase.map(|(name, _)| *name));
        write!(f, "{operation} {phase} ")?;
        match self.when {
            When::Always => write!(f, "always ")?,
            When::Nth(n) => write!(f, "nth={n} ")?,
            When::Every(n) => write!(f, "every={n} ")?,
            When::Chance(percent) => write!(f, "chance={percent}% ")?,
        }
        write!(f, "{}", self.mischief)?;
        match self.until {
            Some(until) => write!(f, " until={}ms", until.as_millis()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Mischief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(time) => write!(f, "delay={}ms", time.as_millis()),
            Self::Drop => f.write_str("drop"),
            Self::Hang => f.write_str("hang"),
            Self::Reset => f.write_str("reset"),
            Self::Cut(at) => write!(f, "cut={at}"),
            Self::Dribble(pause) => write!(f, "dribble={}ms", pause.as_millis()),
            Self::Status(status) => write!(f, "status={status}"),
            Self::Html => f.write_str("html"),
            Self::Garbage => f.write_str("garbage"),
            Self::NoErrorCode => f.write_str("no-error-code"),
            Self::Error(code) => write!(f, "error={code}"),
            Self::Gzip => f.write_str("gzip"),
            Self::Huge => f.write_str("huge"),
            Self::Redirect(status) => write!(f, "redirect={status}"),
            Self::Unauthorized => f.write_str("unauthorized"),
            Self::Revoke => f.write_str("revoke"),
            Self::TooMany(seconds) => write!(f, "too-many={seconds}"),
            Self::Skew(seconds) => write!(f, "skew={seconds}"),
            Self::VerifiedAgain => f.write_str("verified-again"),
            Self::Amount(by) => write!(f, "amount={by}"),
            Self::OtherOrder => f.write_str("other-order"),
        }
    }
}

fn positive(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| *number > 0)
}

/// `250ms`, `2s`, `15m`, `1h`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, unit) = text.split_at(digits.len());
    let count: u64 = digits.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    count.checked_mul(millis).map(Duration::from_millis)
}

/// A number that follows from a seed and a count, so that a run repeats
/// whatever else is asked meanwhile.
const fn draw(seed: u64, count: u64) -> u64 {
    let mut z = seed ^ count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "\
# Every word that a plan may hold.
seed=7
any before always delay=250ms; any before drop; any before hang; any before reset
verify after nth=2 cut=10
inquiry body every=3 dribble=5ms
initiate before chance=5% status=503 until=10m
refresh before html; authenticate after garbage; any after no-error-code
any after error=9; any after gzip; any body huge; any before redirect=307
any before unauthorized; any before revoke; any before too-many=3; any after skew=-3600
verify after verified-again; inquiry after amount=-10; inquiry after other-order
";

    #[test]
    fn a_plan_is_one_line_that_reads_as_itself() {
        let plan: FaultPlan = ALL.parse().unwrap();
        assert_eq!(plan.rules.len(), 21);
        let line = plan.to_string();
        assert_eq!(line.lines().count(), 1);
        assert_eq!(line.parse(), Ok(plan));
        assert_eq!("".parse(), Ok(FaultPlan::default()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, said) in [
            ("pay before drop", "rule 1: `pay` is no operation"),
            ("seed=7; verify now drop", "rule 2: `now` is no phase"),
            ("verify before", "rule 1: `verify before` has no effect"),
            ("verify before explode", "`explode` is neither an effect"),
            ("verify before status=999", "`status=999` is neither"),
            ("verify before nth=0 drop", "`nth=0` is neither"),
            ("verify before chance=101% drop", "`chance=101%` is neither"),
            ("verify before drop reset", "`reset` is a second effect"),
            ("verify before drop until=soon", "`until=soon` is no time"),
            (
                "verify before gzip",
                "`gzip` changes the gateway's own answer",
            ),
            ("verify body reset", "`reset` is none in the body"),
            ("seed=x", "`seed=x` is no seed"),
        ] {
            let error = text.parse::<FaultPlan>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn a_chance_follows_from_the_seed_and_comes_near_to_what_it_says() {
        let struck = |seed| (1..=10_000).filter(move |n| When::Chance(5).is_now(*n, seed));
        assert!(struck(7).eq(struck(7)));
        assert!(!struck(7).eq(struck(8)));
        assert!((400..600).contains(&struck(7).count()));
        assert_eq!((1..9).filter(|n| When::Every(3).is_now(*n, 0)).count(), 2);
    }
}
