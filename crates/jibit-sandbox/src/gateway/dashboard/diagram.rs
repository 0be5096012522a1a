//! An order's state, drawn as the diagram that it moves through.

use maud::{Markup, html};

use crate::{Order, State};

/// Where a state stands in the drawing, and its word there.
const fn place(state: State) -> (u16, u16, &'static str) {
    match state {
        State::Initial => (24, 26, "initial"),
        State::PgEntry => (88, 26, "page"),
        State::PurchaseByUser => (152, 26, "paid"),
        State::PurchaseConfirmByMerchant => (216, 26, "confirmed"),
        State::CancelByUser => (88, 58, "cancelled"),
        State::CancelBySystem => (152, 58, "run out"),
    }
}

/// The ways that an order can go.
const WAYS: [(State, State); 9] = [
    (State::Initial, State::PgEntry),
    (State::PgEntry, State::PurchaseByUser),
    (State::PurchaseByUser, State::PurchaseConfirmByMerchant),
    (State::Initial, State::CancelByUser),
    (State::PgEntry, State::CancelByUser),
    (State::Initial, State::CancelBySystem),
    (State::PgEntry, State::CancelBySystem),
    (State::PurchaseByUser, State::CancelBySystem),
    // A script pays without opening the page: behind the page's node.
    (State::Initial, State::PurchaseByUser),
];

pub(super) fn of(order: &Order) -> Markup {
    let path: Vec<State> = State::ALL
        .into_iter()
        .filter(|state| order.has_been(*state))
        .collect();
    let went = |from, to| path.windows(2).any(|step| step == [from, to]);
    let said: Vec<_> = path.iter().map(|state| state.as_str()).collect();
    html! {
        figure {
            svg viewBox="0 0 248 84" role="img" aria-label=(said.join(", then ")) {
                @for (from, to) in WAYS.into_iter().filter(|(from, to)| !went(*from, *to)) { (line(from, to, "")) }
                @for (from, to) in WAYS.into_iter().filter(|(from, to)| went(*from, *to)) { (line(from, to, "been")) }
                @for state in State::ALL {
                    @let (x, y, word) = place(state);
                    @let kind = if state == order.state() { "now" } else if order.has_been(state) { "been" } else { "" };
                    circle cx=(x) cy=(y) r="7" class=(kind) {}
                    // Outside, where no line runs.
                    text x=(x) y=(if y < 42 { y - 14 } else { y + 20 }) class=(kind) { (word) }
                }
            }
            figcaption { code { (order.state()) } }
        }
    }
}

fn line(from: State, to: State, kind: &str) -> Markup {
    let ((x1, y1, _), (x2, y2, _)) = (place(from), place(to));
    html! { line x1=(x1) y1=(y1) x2=(x2) y2=(y2) class=(kind) {} }
}
