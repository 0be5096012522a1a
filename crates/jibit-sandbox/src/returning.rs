use std::{fmt, str::FromStr, time::Duration};

/// How the customer's browser comes back to the shop. All but the first are
/// what a shop has to bear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Returning {
    /// By GET, as integrations saw it.
    #[default]
    Get,
    /// By a form's POST, with `orderId` and `status` in its body.
    Post,
    /// Twice, as by a second click.
    Twice,
    /// This much later.
    Late(Duration),
    /// Not at all: the customer closes the tab.
    Never,
    /// With another status than the order's: cancelled if it was paid, paid if
    /// it was not.
    ForgedStatus,
    /// With the id of an order that is none.
    ForgedOrder,
}

/// A way to return that is none of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give get, post, twice, late=SECONDS, never, forged-status or forged-order")]
pub struct UnknownReturning;

impl FromStr for Returning {
    type Err = UnknownReturning;

    fn from_str(text: &str) -> Result<Self, UnknownReturning> {
        Ok(match text {
            "get" => Self::Get,
            "post" => Self::Post,
            "twice" => Self::Twice,
            "never" => Self::Never,
            "forged-status" => Self::ForgedStatus,
            "forged-order" => Self::ForgedOrder,
            _ => {
                let seconds = text
                    .strip_prefix("late=")
                    .and_then(|text| text.parse().ok());
                Self::Late(Duration::from_secs(seconds.ok_or(UnknownReturning)?))
            }
        })
    }
}

impl fmt::Display for Returning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Twice => "twice",
            Self::Late(time) => return write!(f, "late={}", time.as_secs()),
            Self::Never => "never",
            Self::ForgedStatus => "forged-status",
            Self::ForgedOrder => "forged-order",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_read_as_it_is_written() {
        for way in [
            Returning::Get,
            Returning::Post,
            Returning::Twice,
            Returning::Late(Duration::from_secs(30)),
            Returning::Never,
            Returning::ForgedStatus,
            Returning::ForgedOrder,
        ] {
            assert_eq!(way.to_string().parse(), Ok(way));
        }
        for wrong in ["", "late", "late=", "late=-1", "GET"] {
            assert_eq!(wrong.parse::<Returning>(), Err(UnknownReturning), "{wrong}");
        }
    }
}
