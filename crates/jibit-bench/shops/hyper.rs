//! The least shop on jibit-hyper: one order, and whether it was paid.

use jibit_hyper::{CallbackUrl, Config, Expected, MerchantOrderId, NewOrder, Rial, Secret};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let password = Secret::new(std::env::var("JIBIT_PASSWORD")?);
        let client = jibit_hyper::client(Config::new("https://pg.jibit.mobi", "7746", password))?;
        let amount = Rial::new(125_000)?;
        let merchant_order_id = MerchantOrderId::new("shop-17")?;
        let back = CallbackUrl::new("https://shop.example/back")?;
        let order = NewOrder::new(amount, back, "09121234567".parse()?, merchant_order_id.clone())?;
        let initiated = client.initiate(order).await?;
        println!("{}", initiated.redirect_url.as_str());
        let expected = Expected { amount, merchant_order_id };
        let verdict = client.settle(initiated.order_id, expected).await?;
        println!("{}", verdict.as_str());
        Ok(())
    })
}
