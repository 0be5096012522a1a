//! The least shop on jibit-blocking: one order, and whether it was paid.

use jibit_blocking::{CallbackUrl, Config, Expected, MerchantOrderId, NewOrder, Rial, Secret};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let password = Secret::new(std::env::var("JIBIT_PASSWORD")?);
    let client = jibit_blocking::client(Config::new("https://pg.jibit.mobi", "7746", password))?;
    let amount = Rial::new(125_000)?;
    let merchant_order_id = MerchantOrderId::new("shop-17")?;
    let back = CallbackUrl::new("https://shop.example/back")?;
    let order = NewOrder::new(amount, back, "09121234567".parse()?, merchant_order_id.clone())?;
    let initiated = client.initiate(order)?;
    println!("{}", initiated.redirect_url.as_str());
    let expected = Expected { amount, merchant_order_id };
    let verdict = client.settle(initiated.order_id, expected)?;
    println!("{}", verdict.as_str());
    Ok(())
}
