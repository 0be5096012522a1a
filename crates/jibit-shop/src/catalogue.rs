//! What the shop has.

use jibit_client::{Rial, Toman};

pub(crate) struct Product {
    /// In forms and cookies: small letters only.
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    toman: u64,
    /// A drawing of our own, as SVG.
    pub(crate) picture: &'static str,
}

impl Product {
    pub(crate) fn price(&self) -> Rial {
        let price = Toman::new(self.toman).and_then(Toman::to_rial);
        // Never so: a test reads the whole catalogue.
        price.unwrap_or(Rial::MAX)
    }
}

pub(crate) const PRODUCTS: [Product; 8] = [
    Product {
        slug: "saffron",
        name: "زعفران قائنات",
        about: "سرگل، یک مثقال",
        toman: 890_000,
        picture: include_str!("pictures/saffron.svg"),
    },
    Product {
        slug: "tea",
        name: "چای لاهیجان",
        about: "بهاره، نیم‌کیلو",
        toman: 245_000,
        picture: include_str!("pictures/tea.svg"),
    },
    Product {
        slug: "pistachio",
        name: "پستهٔ رفسنجان",
        about: "احمدآقایی، یک کیلو",
        toman: 760_000,
        picture: include_str!("pictures/pistachio.svg"),
    },
    Product {
        slug: "rosewater",
        name: "گلاب کاشان",
        about: "دوآتشه، یک لیتر",
        toman: 180_000,
        picture: include_str!("pictures/rosewater.svg"),
    },
    Product {
        slug: "honey",
        name: "عسل سبلان",
        about: "کوهی، یک کیلو",
        toman: 420_000,
        picture: include_str!("pictures/honey.svg"),
    },
    Product {
        slug: "hafez",
        name: "دیوان حافظ",
        about: "جلد چرمی، با فالنامه",
        toman: 350_000,
        picture: include_str!("pictures/hafez.svg"),
    },
    Product {
        slug: "mug",
        name: "لیوان سفالی",
        about: "لعاب فیروزه‌ای، کار دست",
        toman: 125_000,
        picture: include_str!("pictures/mug.svg"),
    },
    Product {
        slug: "kilim",
        name: "گلیم قشقایی",
        about: "پشم و رنگ گیاهی، ۱۲۰ در ۸۰",
        toman: 2_900_000,
        picture: include_str!("pictures/kilim.svg"),
    },
];

pub(crate) fn product(slug: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.slug == slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_price_and_a_name_of_its_own() {
        for product in &PRODUCTS {
            assert_eq!(product.price().get(), product.toman * 10);
            assert!(product.slug.bytes().all(|byte| byte.is_ascii_lowercase()));
            let found = super::product(product.slug).unwrap();
            assert_eq!(found.name, product.name);
            // A picture of another site's would be loaded from there.
            assert!(!product.picture.contains("http"));
        }
    }
}
