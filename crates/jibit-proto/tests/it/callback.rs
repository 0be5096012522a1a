use jibit_proto::{Callback, OrderStatus};
use proptest::prelude::*;

fn problem(query: &str) -> String {
    Callback::from_query(query).unwrap_err().to_string()
}

#[test]
fn order_id_and_status_are_read_among_the_shops_own_parameters() {
    let callback =
        Callback::from_query("cart=9&orderId=7wvkgrn0&x&status=CANCEL_BY_USER&cart=10").unwrap();
    assert_eq!(callback.order_id().as_str(), "7wvkgrn0");
    assert_eq!(callback.claimed_status(), Some(&OrderStatus::CancelByUser));
}

#[test]
fn a_form_post_reads_like_a_query() {
    let callback = Callback::from_form(b"order%49d=a%2Fb+c").unwrap();
    assert_eq!(callback.order_id().as_str(), "a/b c");
    assert_eq!(callback.claimed_status(), None);
}

#[test]
fn what_cannot_be_believed_even_as_a_hint_is_an_error() {
    for (query, expected) in [
        ("", "orderId is missing"),
        ("status=INITIAL", "orderId is missing"),
        ("orderId=a&orderId=a", "orderId stands twice"),
        (
            "orderId=a&status=INITIAL&status=INITIAL",
            "status stands twice",
        ),
        ("orderId=", "orderId is empty"),
        ("orderId=..", "orderId is a path step"),
        (
            "orderId=a%0d%0aset-cookie:x",
            "orderId holds control characters",
        ),
        ("orderId=%zz", "orderId is not percent-encoded UTF-8"),
        ("orderId=%4", "orderId is not percent-encoded UTF-8"),
        ("orderId=%ff", "orderId is not percent-encoded UTF-8"),
        (
            "orderId=a&status=%ff",
            "status is not percent-encoded UTF-8",
        ),
    ] {
        let problem = problem(query);
        assert!(problem.starts_with(expected), "{query:?}: {problem}");
    }
    let long = |length: usize| format!("orderId=a&x={}", "y".repeat(length - 12));
    assert!(Callback::from_query(&long(8 * 1024)).is_ok());
    assert!(problem(&long(8 * 1024 + 1)).starts_with("callback is longer"));
}

proptest! {
    #[test]
    fn any_query_and_any_form_is_an_answer_and_never_a_panic(
        query in ".{0,200}", form in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = Callback::from_query(&query);
        let _ = Callback::from_form(&form);
        if let Ok(callback) = Callback::from_form(&form) {
            prop_assert!(!callback.order_id().as_str().chars().any(char::is_control));
        }
    }

    #[test]
    fn an_encoded_order_id_comes_back(id in "[a-z0-9/&=+% ?#]{1,20}[a-z]") {
        let id: jibit_proto::OrderId = id.parse().unwrap();
        let callback = Callback::from_query(&format!("orderId={}", id.path_segment())).unwrap();
        prop_assert_eq!(callback.order_id(), &id);
    }
}
