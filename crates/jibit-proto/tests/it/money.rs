use jibit_proto::{Rial, Toman};
use proptest::prelude::*;

#[test]
fn toman_becomes_ten_times_as_many_rial_and_only_by_name() {
    let rial = Toman::new(12_500).unwrap().to_rial().unwrap();
    assert_eq!(rial.to_string(), "125000 Rial");
    let toman = rial.to_toman().unwrap();
    assert_eq!(
        (toman.get(), toman.to_string()),
        (12_500, "12500 Toman".to_owned())
    );
    assert_eq!(format!("{toman:?} {rial:?}"), "12500 Toman 125000 Rial");
    assert_eq!(Rial::new(125_001).unwrap().to_toman(), None);
}

#[test]
fn text_that_is_not_a_whole_number_says_why() {
    for (text, problem) in [
        ("", "is empty"),
        ("-1", "is negative"),
        ("1.5", "is fractional or has separators"),
        ("1,000", "is fractional or has separators"),
        ("+1", "is not a whole number"),
        (" 1", "is not a whole number"),
        ("1e3", "is not a whole number"),
        ("9007199254740992", "is above 9007199254740991 (2^53 - 1)"),
        (
            "99999999999999999999999",
            "is above 9007199254740991 (2^53 - 1)",
        ),
    ] {
        assert_eq!(
            text.parse::<Rial>().unwrap_err().problem(),
            problem,
            "{text:?}"
        );
        assert_eq!(
            text.parse::<Toman>().unwrap_err().problem(),
            problem,
            "{text:?}"
        );
    }
    assert_eq!("9007199254740991".parse::<Rial>().unwrap(), Rial::MAX);
}

proptest! {
    #[test]
    fn sums_and_differences_are_exact_or_refused(a in 0..=Rial::MAX.get(), b in 0..=Rial::MAX.get()) {
        let (x, y) = (Rial::new(a).unwrap(), Rial::new(b).unwrap());
        match x.checked_add(y) {
            Some(sum) => {
                prop_assert_eq!(sum.get(), a + b);
                prop_assert_eq!(sum.checked_sub(y), Some(x));
            }
            None => prop_assert!(a + b > Rial::MAX.get()),
        }
        prop_assert_eq!(x.checked_sub(y).is_none(), a < b);
    }

    #[test]
    fn any_toman_goes_to_rial_and_back_or_is_refused(
        n in prop_oneof![0..=Rial::MAX.get() / 5, any::<u64>()],
    ) {
        if let Ok(rial) = Toman::new(n).and_then(Toman::to_rial) {
            prop_assert_eq!(rial.get(), n * 10);
            prop_assert_eq!(rial.to_toman().map(Toman::get), Some(n));
        } else {
            prop_assert!(n > Rial::MAX.get() / 10);
        }
    }

    #[test]
    fn any_text_is_its_number_or_an_error(text in ".{0,24}") {
        if let Ok(rial) = text.parse::<Rial>() {
            prop_assert_eq!(text.parse::<u64>().unwrap(), rial.get());
        }
    }
}
